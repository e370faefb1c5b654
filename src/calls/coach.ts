import { type Request, Router } from 'express';
import { roomOfPath } from '../conferences/room-path';
import { maskPhoneNumber } from '../people/phone-number';
import { type CallRoutesOptions, documentRoute } from './document-route';
import { didDialFail, parseApproach, parseInboundCall } from './inbound-call';

/**
 * The routes of the number that supervisors dial: `/coach`, where they enter, and its `/ended`, which the Space asks
 * for when they are out of the conference, or could not be let in because their target had gone.
 */
export function createCoachRoutes(options: CallRoutesOptions): Router {
  const { guard, usualRoom, documents, roster, directory, log } = options;

  async function enter(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const approach = parseApproach(req);
    const { callSid, from } = parseInboundCall(req);
    const about = { callSid, room, from: maskPhoneNumber(from), mode: approach.mode };
    if (!roster.maySupervise(from)) {
      log.warn(about, 'A call that may not supervise was turned away');
      return documents.reject();
    }
    const found = await directory.findModerator(room);
    log.info({ ...about, attempt: approach.attempt, found }, 'A supervisor calls');
    switch (found.state) {
      case 'live':
        return documents.supervisor(room, approach, found.callSid);
      case 'empty':
        return documents.wait(room, approach, 'nobody-there');
      case 'unknown':
        return documents.wait(room, approach, 'store-down');
    }
  }

  function leave(req: Request): string {
    const room = roomOfPath(req.params.room, usualRoom);
    const approach = parseApproach(req);
    const { callSid } = parseInboundCall(req);
    const failed = didDialFail(req);
    log.info({ callSid, room, mode: approach.mode, failed }, 'A supervisor is out of the conference');
    return failed ? documents.wait(room, approach, 'target-gone') : documents.goodbye();
  }

  const router = Router();
  router.all('/coach{/:room}', guard, documentRoute(enter, { lastResort: documents.apology, log }));
  router.all('/coach/:room/ended', guard, documentRoute(leave, { lastResort: documents.apology, log }));
  return router;
}
