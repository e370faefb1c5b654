import { type Request, Router } from 'express';
import { roomOfPath } from '../conferences/room-path';
import { maskPhoneNumber } from '../people/phone-number';
import { type CallRoutesOptions, documentRoute } from './document-route';
import { parseInboundCall } from './inbound-call';

/**
 * The routes of the number that moderators and callers dial: `/conference`, where they enter; its `/ended`, which
 * the Space asks for when a moderator has left; and `/fallback`, which it asks for when `/conference` failed.
 */
export function createConferenceRoutes(options: CallRoutesOptions): Router {
  const { guard, usualRoom, documents, roster, directory, log } = options;
  const callerDocument = (req: Request) => documents.caller(roomOfPath(req.params.room, usualRoom));

  async function enter(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const { callSid, from } = parseInboundCall(req);
    const isModerator = roster.isModerator(from);
    log.info({ callSid, room, from: maskPhoneNumber(from), as: isModerator ? 'moderator' : 'caller' }, 'A call enters');
    if (!isModerator) {
      return documents.caller(room);
    }
    await directory.record({ kind: 'arrived', room, callSid, agoMs: 0 });
    return documents.moderator(room);
  }

  async function leave(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const { callSid } = parseInboundCall(req);
    await directory.record({ kind: 'left', room, callSid, agoMs: 0 });
    log.info({ callSid, room }, 'The moderator left');
    return documents.hangup();
  }

  const router = Router();
  router.all('/conference{/:room}', guard, documentRoute(enter, { lastResort: callerDocument, log }));
  router.all('/conference/:room/ended', guard, documentRoute(leave, { lastResort: documents.hangup, log }));
  // Asked when all else failed: it needs no field and nothing but this process.
  router.all('/fallback{/:room}', guard, documentRoute(callerDocument, { lastResort: callerDocument, log }));
  return router;
}
