import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { parseCallEvent, parseConferenceEvent } from '../rooms/conference-events';
import type { RoomEvent } from '../rooms/room-event';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import { roomOf } from './call-request';

export interface StatusCallbacksOptions {
  /** The room of a path that names none. */
  defaultRoom: RoomName;
  rooms: Rooms;
  /** The account that REST is asked about; undefined when it is not configured. */
  accountSid: string | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/** Handlers of the Space's status callbacks: of conferences, and of the calls of a number. */
export function createStatusCallbacks({ defaultRoom, rooms, accountSid, now, log }: StatusCallbacksOptions) {
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

  return {
    async conference(req, res) {
      await take(roomOf(req), parseConferenceEvent(req.body, { now: now(), accountSid }));
      res.statusCode = 204;
      res.end();
    },
    async call(req, res) {
      await take(roomOf(req, defaultRoom), parseCallEvent(req.body));
      res.statusCode = 204;
      res.end();
    },
  } satisfies Record<string, RequestHandler>;
}
