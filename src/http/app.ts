import { type IncomingMessage, type RequestListener, type ServerResponse, STATUS_CODES } from 'node:http';
import express, { type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { WebhookHandler } from '../calls/webhook';
import { RequestError } from '../signalwire/request-error';
import { createHealthRoutes } from './health';
import type { RefusalLog } from './refusal-log';
import { createRequestLog, type RequestRecord } from './request-log';
import { compileTrust } from './trust-proxy';
import { createVerifier } from './verify-webhook';

export interface AppOptions {
  /** The handlers of the Space's requests, by path. */
  routes: Readonly<Record<string, WebhookHandler>>;
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

/**
 * The whole server but for the sockets.
 *
 * The Space's requests pass through Express's router alone: an Express application gives each request and response a
 * prototype of its own, which costs as much as all else that is done for a small webhook.
 */
export function createApp({ routes, settings, pingStore, draining, refusals, log }: AppOptions): RequestListener {
  const logRequest = createRequestLog({ log, refusals, trust: compileTrust(settings.trustProxy) });
  const verify = createVerifier(settings);

  function begin(req: IncomingMessage, res: ServerResponse, route?: string): RequestRecord {
    const record: RequestRecord = { route, startedAt: performance.now() };
    res.once('close', () => logRequest(req, res, record));
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (draining.aborted) {
      // Clients that keep their connection take the next request elsewhere.
      res.setHeader('Connection', 'close');
    }
    return record;
  }

  /** Answers a failed request with one line that is safe to show. */
  function fail(res: ServerResponse, record: RequestRecord, error: unknown): void {
    if (res.headersSent) {
      log.error({ err: error }, 'Request failed');
      return;
    }
    const { status } = error as { status?: unknown };
    if (error instanceof RequestError) {
      record.refusal = { code: error.code, reason: error.detail ?? error.message };
      sendText(res, error.status, error.message);
    } else if (typeof status === 'number' && status >= 400 && status < 500) {
      // Express: a malformed path.
      const reason = STATUS_CODES[status] ?? 'Bad Request';
      record.refusal = { code: 'unreadable_request', reason };
      sendText(res, status, `${reason}: this request could not be read.`);
    } else {
      log.error({ err: error }, 'Request failed');
      sendText(res, 500, 'Something went wrong here.');
    }
  }

  const webhooks = express.Router();
  for (const [route, handler] of Object.entries(routes)) {
    webhooks.all(route, async (req: IncomingMessage & Pick<Request, 'params'>, res: ServerResponse) => {
      const record = begin(req, res, route);
      try {
        record.webhook = await verify(req, res);
        record.answer = await handler(record.webhook);
        const { document, followUp } = record.answer;
        if (document === undefined) {
          res.statusCode = 204;
          res.end();
        } else {
          res.setHeader('Content-Type', 'text/xml; charset=utf-8');
          res.setHeader('Cache-Control', 'no-store');
          res.setHeader('Content-Length', Buffer.byteLength(document));
          res.end(document);
        }
        followUp?.();
      } catch (error) {
        fail(res, record, error);
      }
    });
  }
  const others = express().disable('x-powered-by').use(createHealthRoutes({ pingStore, draining }));

  return (req, res) => {
    webhooks(req as Request, res as Response, (error) => {
      const record = begin(req, res);
      const refuse = (reason: unknown) =>
        fail(res, record, reason ?? new RequestError(404, 'not_found', 'There is nothing here.'));
      if (error) {
        refuse(error);
      } else {
        others(req as Request, res as Response, refuse);
      }
    });
  };
}

function sendText(res: ServerResponse, status: number, sentence: string): void {
  const text = `${sentence}\n`;
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}
