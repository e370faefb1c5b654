import type { Logger } from 'pino';
import { maskAddress } from '../people/address';
import type { Authenticator } from '../people/authenticator';
import { labelOf, type Roster, type SupervisorEntry } from '../people/roster';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import type { Supervision } from '../supervision/supervision';
import {
  type Addresses,
  digitsOf,
  type InboundCall,
  parseCallContext,
  parseDialOutcome,
  parseInboundCall,
  parseMenu,
  parseRoomContext,
  roomOf,
  roomWanted,
  tryOf,
} from './call-request';
import type { Render } from './documents';
import { type Answer, decideWith, lamlHandler } from './laml-handler';
import type { SupervisorJoin } from './outcome';
import { decideSupervisor, type SupervisorInput, type SupervisorNeed, type SupervisorView } from './supervisor-flow';
import type { Webhook, WebhookHandler } from './webhook';

export interface SupervisorCallsOptions {
  /** The room of a path that names none. */
  defaultRoom: RoomName;
  authenticator: Authenticator<SupervisorEntry>;
  roster: Roster;
  rooms: Pick<Rooms, 'record' | 'find' | 'read' | 'list'>;
  supervision: Pick<Supervision, 'recordSent' | 'recordRefusal' | 'recordLockout'>;
  addresses: Addresses;
  render: Render;
  /** Resolves after so many milliseconds. */
  sleep: (ms: number) => Promise<void>;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/** How far apart requests may come that tell of one event, in milliseconds. */
const SAME_MOMENT_MS = 200;

/** A list of rooms that took longer than this came late, in milliseconds. */
const SLOW_LIST_MS = 1_000;

/** Handlers of the numbers that supervisors dial, by their routes. */
export function createSupervisorCalls(options: SupervisorCallsOptions) {
  const { defaultRoom, authenticator, roster, rooms, supervision, addresses, render, sleep, now, log } = options;
  const extensions = {
    nameOf: (extension: string) => roster.moderators.byExtension(extension)?.name,
    has: (name: string) => roster.moderators.byName(name)?.extension !== undefined,
  };

  async function answer(input: SupervisorInput): Promise<Answer> {
    const { call } = input;
    if (input.step === 'ended') {
      await recordEnd(input);
    }
    const initialView = { who: authenticator.authenticate(call, input.context.token), extensions, now: now() };
    const { refusal, lockout, ...outcome } = await decideWith(decideSupervisor, input, initialView, read);
    if (refusal !== undefined) {
      supervision.recordRefusal({ callSid: call.callSid, from: call.from, ...refusal });
    }
    if (lockout !== undefined) {
      supervision.recordLockout(call, lockout);
    }
    const isJoin = outcome.kind === 'join' && outcome.role === 'supervisor';
    return { outcome, followUp: isJoin ? () => recordJoin(call, outcome) : undefined };
  }

  /**
   * Records that a supervisor is out of the conference. The Space does not say whether they pressed `*` or the
   * conversation ended. If it ended, other requests are on their way.
   */
  async function recordEnd({ call, room, context, dial }: SupervisorInput & { step: 'ended' }): Promise<void> {
    const { callSid } = call;
    const { coachingFailed } = dial;
    await Promise.all([
      rooms.record(room, { kind: 'dial-ended', callSid, stayNumber: context.stay, coachingFailed, ageMs: 0 }),
      dial.isCallOver || dial.hasFailed ? undefined : sleep(SAME_MOMENT_MS),
    ]);
  }

  async function read(
    need: SupervisorNeed,
    input: SupervisorInput,
    view: SupervisorView,
  ): Promise<Partial<SupervisorView>> {
    switch (need.needs) {
      case 'room': {
        const { room, isComplete } = need;
        const found = await (isComplete ? rooms.find(room) : rooms.read(room));
        return { rooms: new Map(view.rooms).set(room, { found, isComplete }) };
      }
      case 'list': {
        const askedAt = now();
        const list = await rooms.list();
        return { list: { rooms: list, isLate: now() - askedAt > SLOW_LIST_MS } };
      }
      case 'prompt':
        return { prompt: (await authenticator.openPrompt(input.call)) ?? 'open' };
      case 'pin':
        return { pin: await authenticator.checkPin(input.call, input.step === 'pin' ? input.digits : undefined) };
    }
  }

  function recordJoin(
    { callSid, from }: InboundCall,
    { state, context, target, person, previousMode }: SupervisorJoin,
  ): void {
    const { mode, stay: stayNumber } = context;
    const rejoinUrl = addresses.coachMoved(state.room, context);
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

  const fallback = () => ({ kind: 'apology' }) as const;
  const handler = (parse: (webhook: Webhook) => SupervisorInput) =>
    lamlHandler({ parse, answer, fallback, render, log });
  return {
    arrival: handler((webhook) => ({
      step: 'arrival',
      room: roomOf(webhook, defaultRoom),
      context: parseRoomContext(webhook),
      call: parseInboundCall(webhook),
    })),
    ended: handler((webhook) => ({
      step: 'ended',
      room: roomOf(webhook),
      context: parseRoomContext(webhook, { stay: 1 }),
      call: parseInboundCall(webhook),
      dial: parseDialOutcome(webhook),
    })),
    key: handler((webhook) => ({
      step: 'key',
      room: roomOf(webhook),
      context: parseRoomContext(webhook, { stay: 1 }),
      call: parseInboundCall(webhook),
      key: digitsOf(webhook),
    })),
    lineArrival: handler((webhook) => ({
      step: 'line-arrival',
      context: parseCallContext(webhook),
      call: parseInboundCall(webhook),
    })),
    pin: handler((webhook) => ({
      step: 'pin',
      context: parseCallContext(webhook),
      call: parseInboundCall(webhook),
      digits: digitsOf(webhook),
      tryNumber: tryOf(webhook),
      room: roomWanted(webhook),
    })),
    choice: handler((webhook) => ({
      step: 'choice',
      context: parseCallContext(webhook),
      call: parseInboundCall(webhook),
      digits: digitsOf(webhook),
      ...parseMenu(webhook),
    })),
  } satisfies Record<string, WebhookHandler>;
}
