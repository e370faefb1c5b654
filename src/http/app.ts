import { type RequestListener, STATUS_CODES } from 'node:http';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import type { Addresses } from '../calls/call-request';
import { createConferenceCalls } from '../calls/conference-calls';
import { createRender, type DocumentSettings } from '../calls/documents';
import { createStatusCallbacks } from '../calls/events';
import { lamlHandler } from '../calls/laml-handler';
import type { Outcome } from '../calls/outcome';
import { german } from '../calls/prompts-de';
import { english } from '../calls/prompts-en';
import { createSupervisorCalls } from '../calls/supervisor-calls';
import type { Authenticator } from '../people/authenticator';
import type { ModeratorEntry, Roster, SupervisorEntry } from '../people/roster';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import type { SpaceSettings } from '../signalwire/conference-api';
import { RequestError } from '../signalwire/request-error';
import type { Supervision } from '../supervision/supervision';
import { createHealthRoutes } from './health';
import type { RefusalLog } from './refusal-log';
import { createRequestLog } from './request-log';
import { verifyWebhook } from './verify-webhook';

export interface AppOptions {
  settings: DocumentSettings & {
    /** The address a Space reaches this server at, without a slash at the end. */
    publicUrl: string;
    /** None accepts unsigned webhooks, for development. */
    signingKeys: readonly string[];
    /** The language of what the server says on the phone. */
    promptLanguage: 'en' | 'de';
    /** The room of a path that names none. */
    conferenceName: RoomName;
    /** Express's `trust proxy`: how many proxies, or which addresses, are believed about who is asking. */
    trustProxy: number | readonly string[] | false;
    /** Undefined when the Space's REST API is not configured. */
    space: Pick<SpaceSettings, 'projectId'> | undefined;
  };
  roster: Roster;
  authenticators: { moderators: Authenticator<ModeratorEntry>; supervisors: Authenticator<SupervisorEntry> };
  addresses: Addresses;
  rooms: Rooms;
  supervision: Supervision;
  /** Resolves if the store answers. */
  pingStore: () => Promise<void>;
  /** Aborted when the server stops: clients should take their next request elsewhere. */
  draining: AbortSignal;
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
  const {
    settings,
    roster,
    authenticators,
    addresses,
    rooms,
    supervision,
    pingStore,
    draining,
    sleep,
    now,
    refusals,
    log,
  } = options;
  const render = createRender(settings, addresses, { en: english, de: german }[settings.promptLanguage]);
  const defaultRoom = settings.conferenceName;
  const conference = createConferenceCalls({
    defaultRoom,
    authenticator: authenticators.moderators,
    roster,
    rooms,
    render,
    log,
  });
  const supervisor = createSupervisorCalls({
    defaultRoom,
    authenticator: authenticators.supervisors,
    roster,
    rooms,
    supervision,
    addresses,
    render,
    sleep,
    now,
    log,
  });
  const callback = createStatusCallbacks({ defaultRoom, rooms, accountSid: settings.space?.projectId, now, log });
  const notice = (to: 'moderator' | 'supervisor') => {
    const outcome: Outcome = { kind: 'notice', to };
    return lamlHandler({ parse: () => undefined, answer: () => ({ outcome }), fallback: () => outcome, render, log });
  };
  /** What a Space asks for. */
  const webhooks: Readonly<Record<string, RequestHandler>> = {
    '/events/conference/:room': callback.conference,
    '/events/call{/:room}': callback.call,
    '/conference{/:room}': conference.arrival,
    '/conference/:room/pin': conference.pin,
    '/conference/:room/ended': conference.ended,
    '/fallback{/:room}': conference.fallback,
    '/coach{/:room}': supervisor.arrival,
    '/coach/:room/ended': supervisor.ended,
    '/coach/:room/key': supervisor.key,
    '/supervisor': supervisor.lineArrival,
    '/supervisor/pin': supervisor.pin,
    '/supervisor/room': supervisor.choice,
    '/notices/moderator': notice('moderator'),
    '/notices/supervisor': notice('supervisor'),
  };

  const app = express();
  app.disable('x-powered-by');
  // A document is asked for because a call needs it now; "not modified" would be no answer.
  app.disable('etag');
  app.set('trust proxy', settings.trustProxy);
  const logRequest = createRequestLog(log, refusals);
  app.use((req, res, next) => {
    const startedAt = performance.now();
    res.once('close', () => logRequest(req, res, startedAt));
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (draining.aborted) {
      // Clients that keep their connection take the next request elsewhere.
      res.setHeader('Connection', 'close');
    }
    next();
  });
  const verify = verifyWebhook(settings);
  for (const [path, handler] of Object.entries(webhooks)) {
    app.route(path).all(verify, handler);
  }
  app.use(createHealthRoutes({ pingStore, draining }));
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
      // Express: a malformed path.
      const reason = STATUS_CODES[err.status] ?? 'Bad Request';
      res.locals.refusal = { code: 'unreadable_request', reason };
      res.status(err.status).send(`${reason}: this request could not be read.\n`);
    } else {
      log.error({ err }, 'Request failed');
      res.status(500).send('Something went wrong here.\n');
    }
  };
}
