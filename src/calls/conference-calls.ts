import type { Logger } from 'pino';
import { type Address, maskAddress } from '../people/address';
import type { Authenticator } from '../people/authenticator';
import type { ModeratorEntry, Roster } from '../people/roster';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import { callSidOf } from '../signalwire/fields';
import type { Sid } from '../signalwire/sid';
import { digitsOf, parseInboundCall, personOf, roomOf, tryOf } from './call-request';
import {
  type ConferenceInput,
  type ConferenceNeed,
  type ConferenceView,
  decideConference,
  decideFallback,
} from './conference-flow';
import type { Render } from './documents';
import { type Answer, decideWith, lamlHandler } from './laml-handler';
import type { Outcome } from './outcome';
import type { Webhook, WebhookHandler } from './webhook';

export interface ConferenceCallsOptions {
  /** The room of a path that names none. */
  defaultRoom: RoomName;
  authenticator: Authenticator<ModeratorEntry>;
  roster: Roster;
  rooms: Pick<Rooms, 'record'>;
  render: Render;
  log: Logger;
}

/** A request of the fallback, which may lack every field. */
interface FallbackInput {
  room: RoomName;
  call: { callSid: Sid | undefined; from: Address | undefined };
}

/** Handlers of the number that agents and customers dial, by its routes. */
export function createConferenceCalls(options: ConferenceCallsOptions) {
  const { defaultRoom, authenticator, roster, rooms, render, log } = options;

  async function answer(input: ConferenceInput): Promise<Answer> {
    const { room, call } = input;
    const initialView = { who: authenticator.authenticate(call, undefined) };
    const { event, lockout, warning, ...outcome } = await decideWith(decideConference, input, initialView, read);
    if (event !== undefined) {
      await rooms.record(room, event);
    }
    if (warning !== undefined) {
      log.warn({ ...aboutCall(input), ...warning.about }, warning.message);
    }
    if (lockout !== undefined) {
      const { who: lockedOut, limit, seconds } = lockout;
      log.warn({ ...aboutCall(input), lockedOut, limit, seconds }, 'PIN attempts locked; call joins as a caller');
    }
    return { outcome };
  }

  async function read(need: ConferenceNeed, { call }: ConferenceInput): Promise<Partial<ConferenceView>> {
    return need.needs === 'pin'
      ? { pin: await authenticator.checkPin(call, need.digits) }
      : { prompt: (await authenticator.openPrompt(call)) ?? 'open' };
  }

  /** Asked for when all else failed: needs no field, and nothing but this process. */
  function answerFallback({ room, call }: FallbackInput): Answer {
    const { warning, ...outcome } = decideFallback(room, roster.isOnlySupervisor(call.from));
    if (warning !== undefined) {
      log.warn(aboutCall({ room, call }), warning.message);
    }
    return { outcome };
  }

  const asCaller = {
    fallback: (webhook: Webhook): Outcome => ({ kind: 'join', role: 'caller', room: roomOf(webhook, defaultRoom) }),
    render,
    log,
  };
  return {
    arrival: lamlHandler<ConferenceInput>({
      ...asCaller,
      parse: (webhook) => ({ step: 'arrival', room: roomOf(webhook, defaultRoom), call: parseInboundCall(webhook) }),
      answer,
    }),
    pin: lamlHandler<ConferenceInput>({
      ...asCaller,
      parse: (webhook) => ({
        step: 'pin',
        room: roomOf(webhook),
        call: parseInboundCall(webhook),
        digits: digitsOf(webhook),
        tryNumber: tryOf(webhook),
      }),
      answer,
    }),
    ended: lamlHandler<ConferenceInput>({
      ...asCaller,
      parse: (webhook) => ({ step: 'ended', room: roomOf(webhook), call: parseInboundCall(webhook) }),
      answer,
      fallback: () => ({ kind: 'hangUp' }),
    }),
    fallback: lamlHandler({
      ...asCaller,
      parse: (webhook) => ({
        room: roomOf(webhook, defaultRoom),
        call: { callSid: callSidOf(webhook.fields), from: personOf(webhook.fields) },
      }),
      answer: answerFallback,
    }),
  } satisfies Record<string, WebhookHandler>;
}

/** A call for the log. */
function aboutCall({ room, call }: FallbackInput): object {
  return { callSid: call.callSid, room, from: maskAddress(call.from) };
}
