import type { Logger } from 'pino';
import { maskAddress } from '../people/address';
import type { Authenticator, PhoneCall } from '../people/authenticator';
import type { ModeratorEntry, Roster } from '../people/roster';
import type { RoomName } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import type { Sid } from '../signalwire/sid';
import { digitsOf, parsePhoneCall, personOf, tryOf } from './call-request';
import {
  type ConferenceInput,
  type ConferenceNeed,
  type ConferenceView,
  decideArrival,
  decideEnded,
  decideFallback,
  decidePin,
} from './conference-flow';
import type { ConferenceDecision, Outcome } from './outcome';
import type { Webhook, WebhookAnswer, WebhookRoute } from './webhook';

export interface ConferenceCallsOptions {
  authenticator: Authenticator<ModeratorEntry>;
  roster: Roster;
  rooms: Pick<Rooms, 'record'>;
  log: Logger;
}

/** Handlers of the number that agents and customers dial, by its routes. */
export function createConferenceCalls(options: ConferenceCallsOptions) {
  const { authenticator, roster, rooms, log } = options;

  async function answer<Input extends ConferenceInput>(
    decide: (input: Input, view: ConferenceView) => ConferenceDecision | ConferenceNeed,
    input: Input,
  ): Promise<WebhookAnswer> {
    const { room, call } = input;
    let view: ConferenceView = { who: authenticator.authenticate(call, undefined) };
    let step = decide(input, view);
    while ('needs' in step) {
      view = { ...view, ...(await read(step, call)) };
      step = decide(input, view);
    }
    const { event, lockout, warning, ...outcome } = step;
    if (event !== undefined) {
      await rooms.record(room, event);
    }
    if (warning !== undefined) {
      log.warn({ ...aboutCall(room, call), ...warning.about }, warning.message);
    }
    if (lockout !== undefined) {
      const { who: lockedOut, limit, seconds } = lockout;
      log.warn({ ...aboutCall(room, call), lockedOut, limit, seconds }, 'PIN attempts locked; call joins as a caller');
    }
    return { outcome };
  }

  async function read(need: ConferenceNeed, call: PhoneCall): Promise<Partial<ConferenceView>> {
    return need.needs === 'pin'
      ? { pin: await authenticator.checkPin(call, need.digits) }
      : { prompt: (await authenticator.openPrompt(call)) ?? 'open' };
  }

  /** Called when the primary webhook failed: needs no field, no Redis and no REST. */
  function answerFallback({ room, callSid, fields }: Webhook): WebhookAnswer {
    const from = personOf(fields);
    const { warning, ...outcome } = decideFallback(room, roster.isOnlySupervisor(from));
    if (warning !== undefined) {
      log.warn(aboutCall(room, { callSid, from }), warning.message);
    }
    return { outcome };
  }

  const asCaller = ({ room }: Webhook): Outcome => ({ kind: 'join', role: 'caller', room });
  return {
    arrival: {
      answer: (webhook) => answer(decideArrival, { room: webhook.room, call: parsePhoneCall(webhook) }),
      fallback: asCaller,
    },
    pin: {
      answer: (webhook) =>
        answer(decidePin, {
          room: webhook.room,
          call: parsePhoneCall(webhook),
          digits: digitsOf(webhook),
          tryNumber: tryOf(webhook),
        }),
      fallback: asCaller,
    },
    ended: {
      answer: (webhook) => answer(decideEnded, { room: webhook.room, call: parsePhoneCall(webhook) }),
      fallback: () => ({ kind: 'hangUp' }),
    },
    fallback: { answer: answerFallback, fallback: asCaller },
  } satisfies Record<string, WebhookRoute>;
}

/** Describes a call for the log. */
function aboutCall(room: RoomName, { callSid, from }: Pick<PhoneCall, 'from'> & { callSid: Sid | undefined }): object {
  return { callSid, room, from: maskAddress(from) };
}
