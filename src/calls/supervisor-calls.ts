import { maskAddress } from '../people/address';
import type { Authenticator, PhoneCall } from '../people/authenticator';
import { labelOf, type Roster, type SupervisorEntry } from '../people/roster';
import { isForeignAccount } from '../rooms/conference-events';
import { describeRoom, type RoomEntry } from '../rooms/room-entry';
import type { Rooms } from '../rooms/rooms';
import { SMOKE_TEST_ROOM } from '../rooms/smoke-test';
import type { Fields } from '../signalwire/fields';
import type { Supervision } from '../supervision/supervision';
import {
  digitsOf,
  joinOf,
  parseCallContext,
  parseDialOutcome,
  parseMenu,
  parsePhoneCall,
  parseRoomContext,
  roomWanted,
  tryOf,
  type Urls,
} from './call-request';
import type { Outcome, SupervisorDecision, SupervisorJoin } from './outcome';
import {
  type CalloutInput,
  decideArrival,
  decideCallout,
  decideCalloutKey,
  decideChoice,
  decideEnded,
  decideKey,
  decideLineArrival,
  decidePin,
  type EndInput,
  JOIN_KEY,
  type SupervisorInput,
  type SupervisorNeed,
  type SupervisorView,
} from './supervisor-flow';
import type { Webhook, WebhookAnswer, WebhookRoute } from './webhook';

export interface SupervisorCallsOptions {
  /** The account of our REST API; undefined if it is not configured. */
  accountSid: string | undefined;
  authenticator: Authenticator<SupervisorEntry>;
  roster: Roster;
  rooms: Pick<Rooms, 'record' | 'find' | 'read' | 'list'>;
  supervision: Pick<Supervision, 'recordSent' | 'recordRefusal' | 'recordLockout'>;
  urls: Urls;
  /** Resolves after so many milliseconds. */
  sleep: (ms: number) => Promise<void>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called when the Space did not connect a supervisor to their target. */
  onStaleTarget?: (() => void) | undefined;
}

/** How long to wait for other reports of the same event, in milliseconds. */
const SAME_MOMENT_MS = 200;

/** A list of rooms that takes longer than this is late, in milliseconds. */
const SLOW_LIST_MS = 1_000;

/** Handlers of the numbers that supervisors dial, by their routes. */
export function createSupervisorCalls(options: SupervisorCallsOptions) {
  const { accountSid, authenticator, roster, rooms, supervision, urls, sleep, now, onStaleTarget } = options;
  const extensions = {
    nameOf: (extension: string) => roster.moderators.byExtension.get(extension)?.name,
    has: (name: string) => roster.moderators.byName.get(name)?.extension !== undefined,
  };

  async function answer<Input extends SupervisorInput>(
    decide: (input: Input, view: SupervisorView) => SupervisorDecision | SupervisorNeed,
    input: Input,
    { fields }: Webhook,
  ): Promise<WebhookAnswer> {
    const { call, context } = input;
    let view: SupervisorView = { who: authenticator.authenticate(call, context.token), extensions, now: now() };
    let step = decide(input, view);
    while ('needs' in step) {
      view = { ...view, ...(await read(step, { call, view, fields })) };
      step = decide(input, view);
    }
    const { refusal, lockout, ...outcome } = step;
    if (refusal !== undefined) {
      supervision.recordRefusal({ callSid: call.callSid, from: call.from, ...refusal });
    }
    if (lockout !== undefined) {
      supervision.recordLockout(call, lockout);
    }
    const isJoin = outcome.kind === 'join' && outcome.role === 'supervisor';
    return { outcome, followUp: isJoin ? () => recordSent(call, outcome) : undefined };
  }

  /**
   * Records that a supervisor's `<Dial>` has ended. The Space does not say whether they pressed `*` or the conversation
   * ended. If it ended, other reports of that are on their way.
   */
  async function recordEnd({ call, room, context, dial }: EndInput): Promise<void> {
    const { callSid } = call;
    const { coachingFailed } = dial;
    if (coachingFailed) {
      onStaleTarget?.();
    }
    await Promise.all([
      rooms.record(room, { kind: 'dial-ended', callSid, stayNumber: context.stay, coachingFailed, ageMs: 0 }),
      dial.isCallOver || dial.hasFailed ? undefined : sleep(SAME_MOMENT_MS),
    ]);
  }

  async function read(
    need: SupervisorNeed,
    { call, view, fields }: { call: PhoneCall; view: SupervisorView; fields: Fields },
  ): Promise<Partial<SupervisorView>> {
    switch (need.needs) {
      case 'room': {
        const { room, withRest } = need;
        const found = await (withRest ? rooms.find(room) : rooms.read(room));
        return { rooms: new Map(view.rooms).set(room, { found, withRest }) };
      }
      case 'list': {
        const askedAt = now();
        const list = await listFor(fields);
        return { list: { rooms: list, isLate: now() - askedAt > SLOW_LIST_MS } };
      }
      case 'prompt':
        return { prompt: (await authenticator.openPrompt(call)) ?? 'open' };
      case 'pin':
        return { pin: await authenticator.checkPin(call, need.digits) };
    }
  }

  /** The rooms to offer. The smoke test's is for calls of another account, which are offered no other. */
  async function listFor(fields: Fields): Promise<readonly RoomEntry[] | 'unknown'> {
    if (isForeignAccount(fields, accountSid)) {
      const found = await rooms.read(SMOKE_TEST_ROOM);
      const entry = found.isKnown ? describeRoom(found.state) : undefined;
      return found.isKnown ? (entry === undefined ? [] : [entry]) : 'unknown';
    }
    const list = await rooms.list();
    return list === 'unknown' ? list : list.filter(({ room }) => room !== SMOKE_TEST_ROOM);
  }

  function recordSent(
    { callSid, from }: PhoneCall,
    { state, context, target, person, previousMode }: SupervisorJoin,
  ): void {
    const { mode, stay: stayNumber } = context;
    const rejoinUrl = urls.coachMoved(state.room, context);
    const sent: Parameters<typeof supervision.recordSent>[1] = {
      callSid,
      stayNumber,
      name: labelOf(person),
      address: maskAddress(from),
      mode,
      target: target.callSid,
      moderatorName: target.name,
      rejoinUrl,
    };
    supervision.recordSent(state, sent, previousMode);
  }

  /** They join in `monitor`, whatever mode follows. */
  function calloutInput(webhook: Webhook): CalloutInput {
    const context = { mode: 'monitor' as const, attempt: 0, stay: 0, isAnnounced: true };
    return { room: webhook.room, context, call: parsePhoneCall(webhook), join: joinOf(webhook) };
  }

  const fallback = (): Outcome => ({ kind: 'apology' });
  return {
    arrival: {
      answer: (webhook) =>
        answer(
          decideArrival,
          { room: webhook.room, context: parseRoomContext(webhook), call: parsePhoneCall(webhook) },
          webhook,
        ),
      fallback,
    },
    callout: { answer: (webhook) => answer(decideCallout, calloutInput(webhook), webhook), fallback },
    calloutKey: {
      async answer(webhook) {
        const { room } = webhook;
        const input = { ...calloutInput(webhook), key: digitsOf(webhook) };
        const isWanted = input.key === JOIN_KEY;
        // The server that called may have died before it learned which call this is.
        const update = isWanted
          ? ({ status: 'requested', callSid: input.call.callSid } as const)
          : ({ status: 'failed', reason: 'no-key' } as const);
        const recorded = rooms.record(room, { kind: 'action-updated', id: input.join, ...update, ageMs: 0 });
        const [outcome] = await Promise.all([answer(decideCalloutKey, input, webhook), recorded]);
        return outcome;
      },
      fallback,
    },
    ended: {
      async answer(webhook) {
        const input: EndInput = {
          room: webhook.room,
          context: parseRoomContext(webhook, { stay: 1 }),
          call: parsePhoneCall(webhook),
          dial: parseDialOutcome(webhook),
        };
        await recordEnd(input);
        return answer(decideEnded, input, webhook);
      },
      fallback,
    },
    key: {
      answer: (webhook) =>
        answer(
          decideKey,
          {
            room: webhook.room,
            context: parseRoomContext(webhook, { stay: 1 }),
            call: parsePhoneCall(webhook),
            key: digitsOf(webhook),
          },
          webhook,
        ),
      fallback,
    },
    lineArrival: {
      answer: (webhook) =>
        answer(decideLineArrival, { context: parseCallContext(webhook), call: parsePhoneCall(webhook) }, webhook),
      fallback,
    },
    pin: {
      answer: (webhook) =>
        answer(
          decidePin,
          {
            context: parseCallContext(webhook),
            call: parsePhoneCall(webhook),
            digits: digitsOf(webhook),
            tryNumber: tryOf(webhook),
            room: roomWanted(webhook),
          },
          webhook,
        ),
      fallback,
    },
    choice: {
      answer: (webhook) =>
        answer(
          decideChoice,
          {
            context: parseCallContext(webhook),
            call: parsePhoneCall(webhook),
            digits: digitsOf(webhook),
            ...parseMenu(webhook),
          },
          webhook,
        ),
      fallback,
    },
  } satisfies Record<string, WebhookRoute>;
}
