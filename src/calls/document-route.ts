import type { Request, RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Access } from '../people/access';
import type { ModeratorEntry, Roster, SupervisorEntry } from '../people/roster';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import { callSidOf } from '../signalwire/fields';
import { RequestError } from '../signalwire/request-error';
import type { Supervision } from '../supervision/supervision';
import type { Documents } from './laml';

/** What the routes that answer calls are made of. */
export interface CallRoutesOptions {
  /** Runs before every route that the Space requests: checks the form and the signature. */
  guard: RequestHandler;
  /** The room of a path that names none. */
  usualRoom: RoomName;
  documents: Documents;
  roster: Roster;
  access: { moderators: Access<ModeratorEntry>; supervisors: Access<SupervisorEntry> };
  rooms: Rooms;
  supervision: Supervision;
  /** Resolves after so many milliseconds. */
  sleep: (ms: number) => Promise<void>;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/**
 * A route that answers with a document. A phone call gets one even when `write` fails for a reason nobody foresaw:
 * then `lastResort` is sent, and the reason is logged.
 */
export function documentRoute(
  write: (req: Request) => string | Promise<string>,
  { lastResort, log }: { lastResort: (req: Request) => string; log: Logger },
): RequestHandler {
  return async (req, res) => {
    let document: string;
    try {
      document = await write(req);
    } catch (err) {
      if (err instanceof RequestError) {
        throw err;
      }
      log.error({ err, callSid: callSidOf(req) }, 'Document failed; sent the fallback document');
      document = lastResort(req);
    }
    res.set('Cache-Control', 'no-store').type('text/xml').send(document);
  };
}
