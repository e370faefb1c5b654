import { type IncomingMessage, type RequestListener, type ServerResponse, STATUS_CODES } from 'node:http';
import express, { type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { PROBLEM_STATUS, problemBody } from '../api/problem';
import type { Render } from '../calls/documents';
import type { WebhookRoute } from '../calls/webhook';
import { parseRoomName, type RoomName } from '../rooms/room';
import { RequestError } from '../signalwire/request-error';
import { createHealthRoutes } from './health';
import type { RefusalLog } from './refusal-log';
import { createRequestLog, type RequestRecord } from './request-log';
import { announceEnd } from './request-queue';
import { compileTrust } from './trust-proxy';
import { createVerifier } from './verify-webhook';
import { type WebhookOutcome, webhookOutcome } from './webhook-outcome';

export interface AppOptions {
  /** The routes of the Space's requests, by path. */
  routes: Readonly<Record<string, WebhookRoute>>;
  render: Render;
  settings: {
    /** The room of a path that names none. */
    conferenceName: RoomName;
    /** The address at which the Space reaches this server, without a slash at the end. */
    publicUrl: string;
    /** If empty, unsigned webhooks are accepted, for development. */
    signingKeys: readonly string[];
    /** Express's `trust proxy`: a count of trusted proxies, or their addresses or networks. */
    trustProxy: number | readonly string[] | false;
  };
  /** What is below `/api/v1`. */
  api: express.Router;
  /** The supervisors' screen: what is below `/` otherwise. */
  dashboard: express.Router;
  /** Resolves if the store answers. */
  pingStore: () => Promise<void>;
  /** Aborted when the server stops: clients should take their next request elsewhere. */
  draining: AbortSignal;
  /** Logs requests that our Space did not sign. */
  refusals: RefusalLog;
  /** Called once for each of the routes; the result is called when a request to it is over. */
  timeRoute?: ((route: string) => RouteTimer) | undefined;
  log: Logger;
}

/** @param ms milliseconds until the client had its answer or was gone */
type RouteTimer = (outcome: WebhookOutcome, ms: number) => void;

/** A request that the router has matched. */
type RoutedRequest = IncomingMessage & Pick<Request, 'params' | 'route'>;

/** In every response. Set in one call with the others: Node takes longer for each header that is set by itself. */
const NO_SNIFFING = { 'X-Content-Type-Options': 'nosniff' };

/** A response with its log record. */
type RecordedResponse = ServerResponse & { record: RequestRecord; timer?: RouteTimer | undefined };

/**
 * Handles every request; the listener owns the sockets.
 *
 * The Space's requests pass through Express's router only: an Express application gives each request and response another
 * prototype, which costs as much as the rest of a small webhook.
 */
export function createApp(options: AppOptions): RequestListener {
  const { routes, render, settings, api, dashboard, pingStore, draining, refusals, timeRoute, log } = options;
  const logRequest = createRequestLog({ log, refusals, trust: compileTrust(settings.trustProxy) });
  const verify = createVerifier(settings);

  /** Logs a request once it is both handled and closed; a client may be gone before its call is handled. */
  function logIfOver(req: IncomingMessage, res: RecordedResponse, record: RequestRecord): void {
    if (record.isClosed && record.isHandled) {
      logRequest(req, res, record);
      res.timer?.(webhookOutcome(res.statusCode, record), record.ms);
    }
  }

  /** Logs a webhook and starts its follow-up, after the answer. */
  function finish(req: RoutedRequest, res: RecordedResponse, record: RequestRecord): void {
    const { webhook, answer } = record;
    record.isHandled = true;
    logIfOver(req, res, record);
    try {
      answer?.followUp?.();
    } catch (err) {
      log.error({ err, path: req.route.path, callSid: webhook?.callSid }, 'Follow-up failed');
    }
  }

  /**
   * Answers a failed request with one line that is safe to show; the API's errors are JSON. An answer that has begun breaks
   * off.
   */
  function fail(res: ServerResponse, record: RequestRecord, err: unknown): void {
    const { status } = err as { status?: unknown };
    if (res.headersSent) {
      log.error({ err }, 'Error after the response began');
      if (!res.writableEnded) {
        res.destroy();
      }
      return;
    }
    announceEnd(res);
    if (err instanceof RequestError) {
      record.refusal = { code: err.code, reason: err.detail ?? err.message };
      if (res.req.url?.startsWith('/api/')) {
        send(res, err.status, 'application/problem+json', JSON.stringify(problemBody(err)));
      } else {
        sendText(res, err.status, err.message);
      }
    } else if (typeof status === 'number' && status >= 400 && status < 500) {
      // Express: a malformed path.
      const reason = STATUS_CODES[status] ?? 'Bad Request';
      record.refusal = { code: 'unreadable_request', reason };
      sendText(res, status, `${reason}: this request could not be read.`);
    } else {
      log.error({ err, callSid: record.webhook?.callSid }, 'Request failed');
      sendText(res, 500, 'Internal server error.');
    }
  }

  /** Answers a request that no route handles. */
  function refuse(res: RecordedResponse, reason: unknown): void {
    // The log waits only for the connection to close.
    res.record.isHandled = true;
    fail(res, res.record, reason);
  }

  /** Refuses a request that no Space, proxy or browser sends, and ends the connection. */
  function refuseMalformed(
    res: RecordedResponse,
    code: 'malformed_request' | 'length_required',
    sentence: string,
  ): void {
    res.setHeader('Connection', 'close');
    refuse(res, new RequestError(PROBLEM_STATUS[code], code, sentence));
  }

  const webhooks = express.Router();
  for (const [path, { answer, fallback }] of Object.entries(routes)) {
    const timer = timeRoute?.(path);
    webhooks.all(path, async (req: RoutedRequest, response: ServerResponse) => {
      const res = response as RecordedResponse;
      const { record } = res;
      res.timer = timer;
      try {
        record.webhook = await verify(req, res);
        const room = parseRoomName(String(req.params.room ?? settings.conferenceName));
        if (room === undefined) {
          throw new RequestError(404, 'no_such_room', 'There is no such room.');
        }
        const webhook = { ...record.webhook, room };
        record.webhook = webhook;
        let document: string | undefined;
        try {
          const answered = await answer(webhook);
          document = answered.outcome && render(answered.outcome);
          record.answer = answered;
        } catch (err) {
          if (err instanceof RequestError || fallback === undefined) {
            throw err;
          }
          const outcome = fallback(webhook);
          document = render(outcome);
          record.answer = { outcome };
          record.isFallback = true;
          log.error({ err, callSid: webhook.callSid }, 'Handler failed; fallback document sent');
        }
        if (document === undefined) {
          res.writeHead(204, NO_SNIFFING).end();
        } else {
          const headers = {
            ...NO_SNIFFING,
            // Each document is for one moment of one call.
            'Cache-Control': 'no-store',
            'Content-Type': 'text/xml; charset=utf-8',
            'Content-Length': Buffer.byteLength(document),
          };
          res.writeHead(200, headers).end(document);
        }
      } catch (err) {
        fail(res, record, err);
      }
      finish(req, res, record);
    });
  }
  const others = express().disable('x-powered-by').disable('etag');
  others.use((_req, res, next) => {
    announceEnd(res);
    res.set(NO_SNIFFING);
    next();
  });
  others.use(createHealthRoutes({ pingStore, draining }));
  others.use('/api/v1', api);
  others.use(dashboard);

  return (req, response) => {
    const startedAt = performance.now();
    const record: RequestRecord = { ms: 0, isAborted: false, isHandled: false, isClosed: false };
    const res = response as RecordedResponse;
    res.record = record;
    res.once('close', () => {
      record.isClosed = true;
      record.ms = performance.now() - startedAt;
      record.isAborted = !res.writableFinished;
      logIfOver(req, res, record);
    });
    if (draining.aborted) {
      // Clients with a kept connection take their next request elsewhere.
      res.setHeader('Connection', 'close');
    }
    if (req.headers.host === undefined && req.httpVersion !== '1.0') {
      refuseMalformed(res, 'malformed_request', 'The Host header is missing.');
    } else if (!req.url?.startsWith('/')) {
      refuseMalformed(res, 'malformed_request', 'The request target must be a path.');
    } else if (req.headers['transfer-encoding'] !== undefined) {
      // A chunk may hold one byte and costs hundreds in memory; a Space sends the length.
      refuseMalformed(res, 'length_required', 'The Content-Length header is missing.');
    } else {
      webhooks(req as Request, res as unknown as Response, (error) => {
        if (error) {
          refuse(res, error);
        } else {
          record.isHandled = true;
          others(req as Request, res as unknown as Response, (reason) =>
            refuse(res, reason ?? new RequestError(404, 'not_found', 'Not found.')),
          );
        }
      });
    }
  };
}

function sendText(res: ServerResponse, status: number, sentence: string): void {
  send(res, status, 'text/plain', `${sentence}\n`);
}

function send(res: ServerResponse, status: number, type: string, text: string): void {
  const headers = {
    ...NO_SNIFFING,
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(text),
  };
  res.writeHead(status, headers).end(text);
}
