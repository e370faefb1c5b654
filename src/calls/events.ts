import { type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import { parseCallEvent, parseConferenceEvent } from '../rooms/conference-events';
import type { RoomEvent } from '../rooms/room-event';
import type { RoomName } from '../rooms/room-name';
import { roomOfPath } from '../rooms/room-path';
import type { Rooms } from '../rooms/rooms';
import { fieldsOf } from '../signalwire/fields';

export interface EventRoutesOptions {
  /** Runs before every route that the Space requests: checks the form and the signature. */
  guard: RequestHandler;
  /** The room of a path that names none. */
  usualRoom: RoomName;
  rooms: Rooms;
  /** The account that REST is asked about; undefined when it is not configured. */
  accountSid: string | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/** The Space's status callbacks: `/events/conference/:room` of conferences, `/events/call/:room` of a number's calls. */
export function createEventRoutes({ guard, usualRoom, rooms, accountSid, now, log }: EventRoutesOptions): Router {
  async function take(room: RoomName, event: RoomEvent | undefined): Promise<void> {
    if (event === undefined) {
      return;
    }
    if (event.kind === 'spoke' || event.kind === 'fell-silent') {
      rooms.recordSpeech(room, event);
      return;
    }
    await rooms.record(room, event);
    log.info({ room, ...event }, 'The Space reported an event');
  }

  const router = Router();
  router.all('/events/conference/:room', guard, async (req, res) => {
    await take(roomOfPath(req.params.room), parseConferenceEvent(fieldsOf(req), { now: now(), accountSid }));
    res.status(204).end();
  });
  router.all('/events/call{/:room}', guard, async (req, res) => {
    await take(roomOfPath(req.params.room, usualRoom), parseCallEvent(fieldsOf(req)));
    res.status(204).end();
  });
  return router;
}
