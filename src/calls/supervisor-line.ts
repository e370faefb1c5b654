import { type Request, Router } from 'express';
import { labelOf, mayEnter } from '../people/roster';
import { DEFAULT_MODE } from '../supervision/mode';
import { type CallRoutesOptions, documentRoute } from './document-route';
import { digitsOf, parseInboundCall, parseLineApproach, parseMenu, roomWanted, tryOf } from './inbound-call';
import { MAX_PIN_TRIES } from './laml';
import { NO_SUCH_CONVERSATION, type Supervise } from './supervise';

/**
 * The routes of the number that supervisors dial from anywhere: `/supervisor`, where they are recognised or asked for
 * their PIN; its `/pin`, which takes the PIN; and `/room`, which takes their choice of a conversation. From there on
 * they are on the routes of `/coach`.
 */
export function createSupervisorLineRoutes(options: CallRoutesOptions, supervise: Supervise): Router {
  const { guard, documents, access, log } = options;
  const { refuse, identifyAgain, askPin, enter, chooseRoom } = supervise;

  async function dialIn(req: Request): Promise<string> {
    const approach = parseLineApproach(req);
    const call = parseInboundCall(req);
    const who = access.supervisors.identify(call, approach.pass);
    if (who === 'nobody') {
      refuse(call, 'unknown');
      return documents.reject();
    }
    return typeof who === 'string'
      ? askPin(call, approach, { tryNumber: 1, otherwise: documents.reject })
      : chooseRoom({ call, ...who }, approach);
  }

  async function takePin(req: Request): Promise<string> {
    const approach = parseLineApproach(req);
    const call = parseInboundCall(req);
    const room = roomWanted(req);
    const tryNumber = tryOf(req);
    const proven = access.supervisors.checkPin(call, digitsOf(req));
    if (proven === undefined) {
      refuse(call, 'wrong-pin');
      return tryNumber === 0 || tryNumber >= MAX_PIN_TRIES
        ? documents.goodbye()
        : askPin(call, approach, { tryNumber: tryNumber + 1, room, otherwise: documents.goodbye });
    }
    const { person, pass } = proven;
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
    if (digits.length > 1) {
      return chooseRoom(who, approach, { page, extension: digits });
    }
    const room = rooms[Number(digits) - 1];
    // The roster may have changed while the menu played, or the conversation have ended.
    if (room === undefined || !mayEnter(who.person, room)) {
      return chooseRoom(who, approach, { page, news: NO_SUCH_CONVERSATION });
    }
    const mode = approach.mode ?? who.person.mode ?? 'monitor';
    return enter(
      who,
      room,
      { ...approach, mode, attempt: 0 },
      {
        news: '',
        ifOver: () => chooseRoom(who, approach, { page, news: 'That conversation is over.' }),
      },
    );
  }

  const router = Router();
  const last = { lastResort: documents.apology, log };
  router.all('/supervisor', guard, documentRoute(dialIn, last));
  router.all('/supervisor/pin', guard, documentRoute(takePin, last));
  router.all('/supervisor/room', guard, documentRoute(takeRoom, last));
  return router;
}
