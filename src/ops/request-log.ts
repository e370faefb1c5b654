import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { callSidOf } from '../signalwire/fields';

/**
 * Logs each request when it is over: the route, never the address, which holds telephone numbers on GET; the Call SID
 * as the request's id; the status and the time it took; why it was refused, if it was. `aborted` is a client that did
 * not wait for its answer.
 */
export function createRequestLog(log: Logger): RequestHandler {
  return (req, res, next) => {
    const startedAt = performance.now();
    res.once('close', () => {
      const line = {
        callSid: callSidOf(req),
        method: req.method,
        route: req.route?.path,
        status: res.statusCode,
        ms: Math.round(performance.now() - startedAt),
        ...(!res.writableFinished && { aborted: true }),
        ...res.locals.refusal,
        ...(res.statusCode === 403 && { ip: req.ip }),
      };
      const isProbe = line.route === '/healthz' || line.route === '/readyz';
      log[isProbe ? 'debug' : res.statusCode === 403 ? 'warn' : 'info'](line, 'Request');
    });
    next();
  };
}
