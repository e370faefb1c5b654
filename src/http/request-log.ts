import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { ApiLocals } from '../api/api';
import { roomWanted } from '../calls/call-request';
import { logDetails } from '../calls/log-details';
import type { Webhook, WebhookAnswer } from '../calls/webhook';
import type { RoomName } from '../rooms/room';
import { queryOf } from '../signalwire/fields';
import { parseSid, type Sid } from '../signalwire/sid';
import type { RefusalLog } from './refusal-log';
import { clientAddress, type Trust } from './trust-proxy';
import type { SignedWebhook } from './verify-webhook';

/** A request that a router may have matched. */
type LoggedRequest = IncomingMessage & { route?: { path: string }; baseUrl?: string };

/** The progress and result of a request, for its log line. */
export interface RequestRecord {
  /** Whether the connection, and the handler, are done with it. */
  isClosed: boolean;
  isHandled: boolean;
  /** Milliseconds until the client had its response or was gone. */
  ms: number;
  /** Whether the client left before its response. */
  isAborted: boolean;
  /** Undefined unless our Space sent it. */
  webhook?: SignedWebhook | Webhook;
  answer?: WebhookAnswer;
  /** Whether the answer is the route's fallback, because its handler failed. */
  isFallback?: boolean;
  refusal?: { code: string; reason: string };
}

export interface RequestLogOptions {
  log: Logger;
  refusals: RefusalLog;
  trust: Trust;
}

/**
 * Logs each request when it is over: the route, never the url, which on GET holds telephone numbers; the Call SID; status
 * and duration; why it was refused, if it was; for a 404, the masked path. An error sent to our Space is a warning: the
 * Space may be set up wrongly. Of other requests, those that fail go to the refusals.
 */
export function createRequestLog({ log, refusals, trust }: RequestLogOptions) {
  return (req: LoggedRequest, res: ServerResponse & { locals?: ApiLocals }, record: RequestRecord): void => {
    const { webhook, answer, ms, isAborted } = record;
    const { actor, refusal = record.refusal } = res.locals ?? {};
    const route = req.route && `${req.baseUrl ?? ''}${req.route.path}`;
    const line = {
      callSid: webhook === undefined ? claimedSid(req.url) : webhook.callSid,
      method: req.method,
      route,
      path: res.statusCode === 404 ? maskPath(req.url?.split('?', 1)[0] ?? '') : undefined,
      status: res.statusCode,
      ms: Math.round(ms),
      aborted: isAborted || undefined,
      room: webhook !== undefined && 'room' in webhook ? roomOf(webhook, route) : undefined,
      ...(webhook && answer && logDetails(webhook, answer)),
      ...refusal,
    };
    if (webhook !== undefined) {
      if (res.statusCode >= 400) {
        log.warn(line, 'Request answered with an error');
      } else {
        log.info(line, 'Request');
      }
    } else if (actor !== undefined) {
      log.info({ ...line, actor }, 'API request');
    } else if (OPEN_ROUTES.has(route) || res.statusCode < 400) {
      log.debug(line, 'Request');
    } else {
      refusals.add({ code: 'unreadable_request', ...line, ip: clientAddress(req, trust) });
    }
  };
}

/** The room in the path, or on the way to a PIN; none for the supervisors' line. */
function roomOf(webhook: Webhook, route: string | undefined): RoomName | undefined {
  return route?.includes(':room') ? webhook.room : roomWanted(webhook);
}

/** Routes that anybody may ask for, and that probes ask for often. */
const OPEN_ROUTES: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz', '/api/v1/openapi.json']);

/** The secret of a token, wherever it may be. */
const SECRETS = /cc_[A-Za-z0-9_-]{20,}/g;

/** The Call SID that an unsigned request names. It may be anything, a secret too. */
function claimedSid(url: string | undefined): Sid | undefined {
  const sid = parseSid(queryOf(url).CallSid);
  return sid?.search(SECRETS) === -1 ? sid : undefined;
}

const MAX_PATH_CHARACTERS = 200;

/** A path for the log: decoded, short, without control characters; telephone numbers, PINs, recordings and walls masked. */
function maskPath(path: string): string {
  return (
    path
      .replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString())
      // From its SID, the address of a recording can be guessed.
      .replace(/(\/recordings\/).+?(\/media|\/stop|)$/is, '$1***$2')
      .replace(/(\/wall\/).+/is, '$1***')
      .replace(SECRETS, 'cc_***')
      .slice(0, MAX_PATH_CHARACTERS)
      .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
      .replace(/\p{Nd}(?:[ ().-]*\p{Nd}){4,}/gu, (digits) => `***${digits.length < 7 ? '' : digits.slice(-4)}`)
  );
}
