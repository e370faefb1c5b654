import { type RequestListener, STATUS_CODES } from 'node:http';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import { RequestError } from '../signalwire/request-error';
import { createHealthRoutes } from './health';
import type { RefusalLog } from './refusal-log';
import { createRequestLog } from './request-log';
import { verifyWebhook } from './verify-webhook';

export interface AppOptions {
  /** The handlers of the Space's requests, by path; called once a request is verified. */
  routes: Readonly<Record<string, RequestHandler>>;
  settings: {
    /** The address a Space reaches this server at, without a slash at the end. */
    publicUrl: string;
    /** None accepts unsigned webhooks, for development. */
    signingKeys: readonly string[];
    /** Express's `trust proxy`: how many proxies, or which addresses, are believed about who is asking. */
    trustProxy: number | readonly string[] | false;
  };
  /** Resolves if the store answers. */
  pingStore: () => Promise<void>;
  /** Aborted when the server stops: clients should take their next request elsewhere. */
  draining: AbortSignal;
  /** Logs requests that our Space did not sign. */
  refusals: RefusalLog;
  log: Logger;
}

/** The whole server but for the sockets. */
export function createApp({ routes, settings, pingStore, draining, refusals, log }: AppOptions): RequestListener {
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
  for (const [path, handler] of Object.entries(routes)) {
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
