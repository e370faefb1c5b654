import { type Request, Router } from 'express';
import { maskAddress } from '../people/address';
import { MAX_PIN_TRIES, MIN_PIN_DIGITS } from '../people/pin';
import type { Lockout } from '../people/pin-limiter';
import { type ModeratorEntry, mayEnter } from '../people/roster';
import type { RoomName } from '../rooms/room-name';
import { roomOfPath } from '../rooms/room-path';
import { callSidOf } from '../signalwire/fields';
import { type CallRoutesOptions, documentRoute } from './document-route';
import { digitsOf, type InboundCall, parseInboundCall, personOf, tryOf } from './inbound-call';
import type { PinPrompt } from './laml';

/**
 * The routes of the number that moderators and callers dial: `/conference`, where they enter; its `/pin`, where a
 * moderator on any telephone proves who they are; its `/ended`, which the Space asks for when a moderator has left; and
 * `/fallback`, which it asks for when `/conference` failed.
 */
export function createConferenceRoutes(options: CallRoutesOptions): Router {
  const { guard, usualRoom, documents, roster, access, rooms, log } = options;
  const callerDocument = (req: Request) => documents.caller(roomOfPath(req.params.room, usualRoom));

  async function enter(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const call = parseInboundCall(req);
    const who = access.moderators.identify(call, undefined);
    if (typeof who !== 'string') {
      return enterAs(who.person, call, room);
    }
    log.info({ callSid: call.callSid, room, from: maskAddress(call.from), as: 'caller' }, 'A call enters');
    switch (who) {
      case 'must-ask':
        return askPin(call, room, { tryNumber: 1, why: 'asked' });
      case 'may-ask':
        return documents.greeting(room);
      default:
        return documents.caller(room);
    }
  }

  /** Lets a moderator in; where the room is not theirs, as a caller who is told so. */
  async function enterAs(person: ModeratorEntry, { callSid, from }: InboundCall, room: RoomName): Promise<string> {
    const { name } = person;
    const about = { callSid, room, from: maskAddress(from), name };
    if (!mayEnter(person, room)) {
      log.warn(
        { ...about, as: 'caller', rooms: [...person.rooms] },
        'Moderator dialled a room that is not theirs; the call joins as a caller',
      );
      return documents.wrongRoom(room);
    }
    log.info({ ...about, as: 'moderator' }, 'A call enters');
    await rooms.record(room, { kind: 'moderator-arrived', callSid, name, agoMs: 0 });
    return documents.moderator(room);
  }

  /** Asks for a PIN, if that is possible now. Otherwise the call joins as a caller: no call is lost to a PIN. */
  async function askPin(call: InboundCall, room: RoomName, prompt: PinPrompt): Promise<string> {
    const lockout = await access.moderators.openPrompt(call);
    return lockout === undefined ? documents.askModeratorPin(room, prompt) : lockOut(call, room, lockout);
  }

  function lockOut(call: InboundCall, room: RoomName, { who: lockedOut, limit, seconds }: Lockout): string {
    log.warn(
      { callSid: call.callSid, room, from: maskAddress(call.from), lockedOut, limit, seconds },
      'PIN attempts locked; call joins as a caller',
    );
    return documents.caller(room);
  }

  async function takePin(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const call = parseInboundCall(req);
    const digits = digitsOf(req);
    const tryNumber = tryOf(req);
    const pin = digits?.replace(/^\*/, '');
    if (tryNumber === 0) {
      // The greeting. A customer may press anything, and is a caller; a star may come alone, or with a PIN behind it.
      if (!digits?.startsWith('*')) {
        return documents.caller(room);
      }
      if (pin === undefined || pin.length < MIN_PIN_DIGITS) {
        return askPin(call, room, { tryNumber: 1, why: 'asked' });
      }
    }
    const result = await access.moderators.checkPin(call, pin);
    if (result.kind === 'right') {
      return enterAs(result.person, call, room);
    }
    if (result.kind !== 'locked-out') {
      const about = { callSid: call.callSid, room, from: maskAddress(call.from) };
      log.warn(about, digits === undefined ? 'No PIN was entered' : 'Wrong moderator PIN');
    }
    if ('lockout' in result && result.lockout !== undefined) {
      return lockOut(call, room, result.lockout);
    }
    const next = Math.max(tryNumber, 1) + 1;
    if (next > MAX_PIN_TRIES) {
      return documents.caller(room);
    }
    const prompt: PinPrompt = { tryNumber: next, why: digits === undefined ? 'silent' : 'wrong' };
    // A wrong PIN took an attempt: that limits these prompts, and has shown that nobody is locked out.
    return result.kind === 'wrong' ? documents.askModeratorPin(room, prompt) : askPin(call, room, prompt);
  }

  async function leave(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const { callSid } = parseInboundCall(req);
    await rooms.record(room, { kind: 'dial-ended', callSid, agoMs: 0 });
    log.info({ callSid, room }, 'The moderator left');
    return documents.hangup();
  }

  /** Asked when all else failed: needs no field, and nothing but this process. */
  function fallBack(req: Request): string {
    const room = roomOfPath(req.params.room, usualRoom);
    const from = personOf(req);
    if (roster.isOnlySupervisor(from)) {
      // As a caller they would be heard by all.
      const about = { callSid: callSidOf(req), room, from: maskAddress(from) };
      log.warn(about, 'Supervisor sent to the fallback; rejected');
      return documents.reject();
    }
    return documents.caller(room);
  }

  const router = Router();
  const asCaller = { lastResort: callerDocument, log };
  router.all('/conference{/:room}', guard, documentRoute(enter, asCaller));
  router.all('/conference/:room/pin', guard, documentRoute(takePin, asCaller));
  router.all('/conference/:room/ended', guard, documentRoute(leave, { lastResort: documents.hangup, log }));
  router.all('/fallback{/:room}', guard, documentRoute(fallBack, asCaller));
  return router;
}
