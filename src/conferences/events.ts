import { type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { RoomName } from '../rooms/room-name';
import { roomOfPath } from '../rooms/room-path';
import { type Fields, fieldsOf, parseFields, sidField, textField } from '../signalwire/fields';
import type { Directory } from './directory';
import type { Change } from './registry';

const conferenceEvent = z.object({
  StatusCallbackEvent: textField,
  CallSid: sidField.optional(),
  ConferenceSid: sidField.optional(),
  EndConferenceOnExit: textField,
  StartConferenceOnEnter: textField,
  Timestamp: textField,
});

/**
 * What a status callback of a conference changes, undefined for one that changes nothing.
 *
 * @param now milliseconds since 1970
 * @throws RequestError 400 for a SID that is none
 */
export function toChange(fields: Fields, room: RoomName, now: number): Change | undefined {
  const event = parseFields(conferenceEvent, fields);
  const { CallSid: callSid, ConferenceSid: conferenceSid } = event;
  switch (event.StatusCallbackEvent) {
    case 'participant-join': {
      // A Space knows no roles. Only our moderators end the conference by leaving it, and only they start it by entering.
      const mark = event.EndConferenceOnExit ?? event.StartConferenceOnEnter;
      const isModerator = mark?.toLowerCase() === 'true';
      const agoMs = ageOf(event.Timestamp, now);
      return isModerator && callSid !== undefined ? { kind: 'joined', room, callSid, conferenceSid, agoMs } : undefined;
    }
    case 'participant-leave':
      return callSid && { kind: 'left', room, callSid, agoMs: 0 };
    case 'conference-end':
      return conferenceSid && { kind: 'ended', room, conferenceSid, agoMs: 0 };
    default:
      return undefined;
  }
}

/** How long ago an event happened, for its callback may be late; 0 if it has no date, or one in the future. */
function ageOf(timestamp: string | undefined, now: number): number {
  return Math.max(0, now - (Date.parse(timestamp ?? '') || now));
}

/** What else wants to know of a conference's status callbacks. It keeps none waiting, and never throws. */
export interface EventListener {
  /** @param agoMs how long ago it happened, for its callback may be late */
  noteEvent(room: RoomName, fields: Fields, agoMs: number): void;
  /** The moderator of a room may be another than before. Never rejects. */
  followModerator(room: RoomName): Promise<void>;
}

export interface EventRoutesOptions {
  /** What every route a Space asks for goes through first. */
  guard: RequestHandler;
  directory: Directory;
  supervision: EventListener;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/** `/events/conference/:room`: the Space's status callbacks. */
export function createEventRoutes({ guard, directory, supervision, now, log }: EventRoutesOptions): Router {
  const router = Router();
  router.all('/events/conference/:room', guard, async (req, res) => {
    const room = roomOfPath(req.params.room);
    const fields = fieldsOf(req);
    const change = toChange(fields, room, now());
    supervision.noteEvent(room, fields, ageOf(parseFields(conferenceEvent, fields).Timestamp, now()));
    if (change !== undefined) {
      await directory.record(change);
      log.info({ ...change }, 'The Space reported a change');
    }
    if (change?.kind === 'joined' || change?.kind === 'left') {
      void supervision.followModerator(room);
    }
    res.status(204).end();
  });
  return router;
}
