import { type Request, Router } from 'express';
import { MAX_PIN_TRIES } from '../people/pin';
import { labelOf, mayEnter } from '../people/roster';
import { DEFAULT_MODE } from './approach';
import { type CallRoutesOptions, documentRoute } from './document-route';
import { digitsOf, parseInboundCall, parseLineApproach, parseMenu, roomWanted, tryOf } from './inbound-call';
import type { PinPrompt } from './laml';
import type { ChooseRoom } from './room-menu';
import type { Supervise } from './supervise';

/**
 * The routes of the number that supervisors dial from anywhere: `/supervisor`, where they are recognised or asked for
 * their PIN; its `/pin`, which takes the PIN; and `/room`, which takes their choice of a conversation. From there on
 * they are on the routes of `/coach`.
 */
export function createSupervisorLineRoutes(
  options: CallRoutesOptions,
  supervise: Supervise,
  chooseRoom: ChooseRoom,
): Router {
  const { guard, documents, access, supervision, log } = options;
  const { refuse, identifyAgain, askPin, enter } = supervise;

  async function dialIn(req: Request): Promise<string> {
    const approach = parseLineApproach(req);
    const call = parseInboundCall(req);
    const who = access.supervisors.identify(call, approach.pass);
    if (who === 'nobody') {
      refuse(call, 'unknown');
      return documents.reject();
    }
    return typeof who === 'string'
      ? askPin(call, approach, { why: 'asked', tryNumber: 1, otherwise: documents.reject })
      : chooseRoom({ call, ...who }, approach);
  }

  async function takePin(req: Request): Promise<string> {
    const approach = parseLineApproach(req);
    const call = parseInboundCall(req);
    const room = roomWanted(req);
    const tryNumber = tryOf(req);
    const digits = digitsOf(req);
    const result = await access.supervisors.checkPin(call, digits);
    if (result.kind === 'wrong' || result.kind === 'none') {
      refuse(call, digits === undefined ? 'no-pin' : 'wrong-pin');
    }
    if ('lockout' in result && result.lockout !== undefined) {
      supervision.lockOut(call, result.lockout);
      return documents.goodbye();
    }
    if (result.kind !== 'right') {
      if (tryNumber === 0 || tryNumber >= MAX_PIN_TRIES) {
        return documents.goodbye();
      }
      const prompt: PinPrompt = { tryNumber: tryNumber + 1, why: digits === undefined ? 'silent' : 'wrong' };
      // A wrong PIN took an attempt: that limits these prompts, and has shown that nobody is locked out.
      return result.kind === 'wrong'
        ? documents.askPin(approach, prompt, room)
        : askPin(call, approach, { ...prompt, room, otherwise: documents.goodbye });
    }
    const { person, pass } = result;
    const who = { call, person };
    if (room === undefined) {
      return chooseRoom(who, { ...approach, pass });
    }
    if (!mayEnter(person, room)) {
      refuse(call, 'room', { room, supervisor: labelOf(person) });
      return documents.goodbye();
    }
    return enter(who, room, { ...approach, pass, mode: approach.mode ?? DEFAULT_MODE });
  }

  async function takeRoom(req: Request): Promise<string> {
    const approach = parseLineApproach(req);
    const call = parseInboundCall(req);
    const { rooms, page } = parseMenu(req);
    const digits = digitsOf(req);
    const who = identifyAgain(call, approach);
    if (who === undefined) {
      return documents.goodbye();
    }
    if (digits === undefined) {
      return chooseRoom(who, approach, { page: page + 1 });
    }
    const choice = digits.length === 1 ? rooms[Number(digits) - 1] : { extension: digits };
    return chooseRoom(who, approach, { isChosen: true, choice, page });
  }

  const router = Router();
  const last = { lastResort: documents.apology, log };
  router.all('/supervisor', guard, documentRoute(dialIn, last));
  router.all('/supervisor/pin', guard, documentRoute(takePin, last));
  router.all('/supervisor/room', guard, documentRoute(takeRoom, last));
  return router;
}
