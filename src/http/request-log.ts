import { isIP } from 'node:net';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { logDetails } from '../calls/log-details';
import { callSidOf } from '../signalwire/fields';
import type { RefusalLog } from './refusal-log';

/**
 * Logs each request when it is over: the route, never the address, which holds telephone numbers on GET; the Call SID
 * as the request's id; the status and the time it took; why it was refused, if it was. `aborted` is a client that did
 * not wait for its answer. What our Space did not sign is a refusal. A 404 has the path, masked.
 */
export function createRequestLog(log: Logger, refusals: RefusalLog) {
  /** @param startedAt by `performance.now()` */
  return (req: Request, res: Response, startedAt: number): void => {
    const line = {
      callSid: callSidOf(req),
      method: req.method,
      route: req.route?.path,
      ...(res.statusCode === 404 && { path: maskPath(req.path) }),
      status: res.statusCode,
      ms: Math.round(performance.now() - startedAt),
      ...(!res.writableFinished && { aborted: true }),
      ...res.locals.event,
      ...logDetails(res.locals.input, res.locals.outcome),
      ...res.locals.refusal,
    };
    if (res.locals.isVerified) {
      log.info(line, 'Request');
    } else if (line.route === '/healthz' || line.route === '/readyz') {
      log.debug(line, 'Request');
    } else {
      refusals.add({ code: 'unreadable_request', ...line, ip: isIP(req.ip ?? '') ? req.ip : undefined });
    }
  };
}

const MAX_PATH_CHARACTERS = 200;

/** A path for the log: decoded, short, without control characters, telephone numbers and PINs masked. */
function maskPath(path: string): string {
  return path
    .replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString())
    .slice(0, MAX_PATH_CHARACTERS)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
    .replace(/\p{Nd}(?:[ ().-]*\p{Nd}){4,}/gu, (digits) => `***${digits.length < 7 ? '' : digits.slice(-4)}`);
}
