import { type RequestListener, STATUS_CODES } from 'node:http';
import express, { type ErrorRequestHandler, type Request, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { createCoachRoutes } from '../calls/coach';
import { createConferenceRoutes } from '../calls/conference';
import type { CallRoutesOptions } from '../calls/document-route';
import { createEventRoutes } from '../calls/events';
import { createDocuments, type DocumentSettings } from '../calls/laml';
import { createNoticeRoutes } from '../calls/notices';
import { createRoomMenu } from '../calls/room-menu';
import { createSupervise } from '../calls/supervise';
import { createSupervisorLineRoutes } from '../calls/supervisor-line';
import type { Roster } from '../people/roster';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import { RequestError } from '../signalwire/request-error';
import type { SpaceSettings } from '../signalwire/space-client';
import type { Supervision } from '../supervision/supervision';
import { createHealthRoutes } from './health';
import type { RefusalLog } from './refusal-log';
import { createRequestLog } from './request-log';
import { verifyWebhook } from './verify-webhook';

export interface AppOptions {
  settings: DocumentSettings & {
    /** None accepts unsigned webhooks, for development. */
    signingKeys: readonly string[];
    /** The room of a path that names none. */
    conferenceName: RoomName;
    /** Express's `trust proxy`: how many proxies, or which addresses, are believed about who is asking. */
    trustProxy: number | readonly string[] | false;
    /** Undefined when the Space's REST API is not configured. */
    space: Pick<SpaceSettings, 'projectId'> | undefined;
  };
  roster: Roster;
  access: CallRoutesOptions['access'];
  rooms: Rooms;
  supervision: Supervision;
  /** Resolves if the store answers. */
  pingStore: () => Promise<void>;
  isDraining: () => boolean;
  /** Resolves after so many milliseconds. */
  sleep: (ms: number) => Promise<void>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Takes the refusals of what our Space did not sign. */
  refusals: RefusalLog;
  log: Logger;
}

/** The whole server but for the sockets. */
export function createApp(options: AppOptions): RequestListener {
  const { settings, roster, access, rooms, supervision, pingStore, isDraining, sleep, now, refusals, log } = options;
  const shared = {
    guard: verifyWebhook(settings),
    usualRoom: settings.conferenceName,
    documents: createDocuments(settings),
    roster,
    access,
    rooms,
    supervision,
    sleep,
    now,
    log,
  };
  const supervise = createSupervise(shared);
  const chooseRoom = createRoomMenu(shared, supervise);

  const app = express();
  app.disable('x-powered-by');
  // A document is asked for because a call needs it now; "not modified" would be no answer.
  app.disable('etag');
  app.set('trust proxy', settings.trustProxy);
  app.use(createRequestLog(log, refusals));
  app.use(helmet());
  app.use((_req, res, next) => {
    // Clients that keep their connection take the next request elsewhere.
    if (isDraining()) {
      res.set('Connection', 'close');
    }
    next();
  });
  app.use(createHealthRoutes({ pingStore, isDraining }));
  app.use(createConferenceRoutes(shared));
  app.use(createCoachRoutes(shared, supervise, chooseRoom));
  app.use(createSupervisorLineRoutes(shared, supervise, chooseRoom));
  app.use(createNoticeRoutes(shared));
  app.use(createEventRoutes({ ...shared, accountSid: settings.space?.projectId }));
  app.use(() => {
    throw new RequestError(404, 'not_found', 'There is nothing here.');
  });
  app.use(answerError(log));
  // Express itself gives up on an address that it cannot take apart, with a page of HTML.
  return (req, res) => app(req as Request, res as Response, () => res.writeHead(400).end('Bad Request\n'));
}

/** Answers every failed request with one line that is safe to show. */
function answerError(log: Logger): ErrorRequestHandler {
  return (err, _req, res, next) => {
    if (res.headersSent) {
      next(err);
      return;
    }
    res.type('text/plain');
    if (err instanceof RequestError) {
      res.locals.refusal = { code: err.code, reason: err.detail ?? err.message };
      res.status(err.status).send(`${err.message}\n`);
    } else if (err.status >= 400 && err.status < 500) {
      // Express and its body parser: too large, truncated, compressed, in a strange charset, a malformed path.
      const reason = STATUS_CODES[err.status] ?? 'Bad Request';
      res.locals.refusal = { code: 'unreadable_request', reason };
      res.status(err.status).send(`${reason}: this request could not be read.\n`);
    } else {
      log.error({ err }, 'Request failed');
      res.status(500).send('Something went wrong here.\n');
    }
  };
}
