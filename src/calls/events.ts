import type { RequestHandler, Response } from 'express';
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
}

/** Handlers of the Space's status callbacks: of conferences, and of the calls of a number. */
export function createStatusCallbacks({ defaultRoom, rooms, accountSid, now }: StatusCallbacksOptions) {
  /** Records an event, and answers. @param event undefined for one that says nothing new */
  async function record(res: Response, room: RoomName, event: RoomEvent | undefined): Promise<void> {
    if (event?.kind === 'spoke' || event?.kind === 'fell-silent') {
      rooms.recordSpeech(room, event);
    } else if (event !== undefined) {
      await rooms.record(room, event);
      res.locals.event = event;
    }
    res.locals.input = { room };
    res.statusCode = 204;
    res.end();
  }

  return {
    conference: (req, res) => record(res, roomOf(req), parseConferenceEvent(req.body, { now: now(), accountSid })),
    call: (req, res) => record(res, roomOf(req, defaultRoom), parseCallEvent(req.body)),
  } satisfies Record<string, RequestHandler>;
}
