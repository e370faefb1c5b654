import type { Request, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { maskAddress } from '../people/address';
import type { Authenticator } from '../people/authenticator';
import type { ModeratorEntry, Roster } from '../people/roster';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import { callSidOf } from '../signalwire/fields';
import { digitsOf, parseInboundCall, personOf, roomOf, tryOf } from './call-request';
import {
  type ConferenceInput,
  type ConferenceNeed,
  type ConferenceView,
  decideConference,
  decideFallback,
} from './conference-flow';
import type { Render } from './documents';
import { type Answer, decideWith, detailsOf, lamlHandler } from './laml-handler';
import type { Outcome } from './outcome';

export interface ConferenceCallsOptions {
  /** The room of a path that names none. */
  defaultRoom: RoomName;
  authenticator: Authenticator<ModeratorEntry>;
  roster: Roster;
  rooms: Pick<Rooms, 'record'>;
  render: Render;
  log: Logger;
}

/** Handlers of the number that agents and customers dial, by its routes. */
export function createConferenceCalls(options: ConferenceCallsOptions) {
  const { defaultRoom, authenticator, roster, rooms, render, log } = options;

  async function answer(step: ConferenceInput['step'], req: Request): Promise<Answer> {
    const room = roomOf(req, defaultRoom);
    const call = parseInboundCall(req);
    const input = { step, room, call, digits: digitsOf(req), tryNumber: tryOf(req) };
    const from = maskAddress(call.from);
    const decision = await decideWith<ConferenceView, ConferenceNeed>(
      (view) => decideConference(input, view),
      { who: authenticator.authenticate(call, undefined) },
      async (need) =>
        need.needs === 'pin'
          ? { pin: await authenticator.checkPin(call, need.digits) }
          : { prompt: (await authenticator.openPrompt(call)) ?? 'open' },
    );
    const { event, lockout, warning, ...outcome } = decision;
    if (event !== undefined) {
      await rooms.record(room, event);
    }
    const about = { callSid: call.callSid, room, from };
    if (warning !== undefined) {
      log.warn({ ...about, ...warning.about }, warning.message);
    }
    if (lockout !== undefined) {
      const { who: lockedOut, limit, seconds } = lockout;
      log.warn({ ...about, lockedOut, limit, seconds }, 'PIN attempts locked; call joins as a caller');
    }
    return { outcome, log: { room, from, ...detailsOf(outcome) } };
  }

  /** Asked for when all else failed: needs no field, and nothing but this process. */
  function answerFallback(req: Request): Answer {
    const room = roomOf(req, defaultRoom);
    const from = personOf(req);
    const { warning, ...outcome } = decideFallback(room, roster.isOnlySupervisor(from));
    if (warning !== undefined) {
      log.warn({ callSid: callSidOf(req), room, from: maskAddress(from) }, warning.message);
    }
    return { outcome, log: { room, from: maskAddress(from), ...detailsOf(outcome) } };
  }

  const callerOutcome = (req: Request): Outcome => ({ kind: 'join', role: 'caller', room: roomOf(req, defaultRoom) });
  const asCaller = { fallback: callerOutcome, render, log };
  return {
    arrival: lamlHandler((req) => answer('arrival', req), asCaller),
    pin: lamlHandler((req) => answer('pin', req), asCaller),
    ended: lamlHandler((req) => answer('ended', req), { ...asCaller, fallback: () => ({ kind: 'hangUp' }) }),
    fallback: lamlHandler(answerFallback, asCaller),
  } satisfies Record<string, RequestHandler>;
}
