import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type RequestHandler } from 'express';
import { addCallRoutes } from './rest-calls';
import { addConferenceRoutes } from './rest-conferences';
import { answerError, INVALID, RestError } from './rest-error';
import { refuseParameters } from './rest-inputs';
import { createRestLookup } from './rest-lookup';
import { addNumberRoutes } from './rest-numbers';
import { addRecordingRoutes, audioHandler } from './rest-recordings';
import { createRestResources } from './rest-resources';
import type { Space } from './space';

/** The API's own prefix, and the one that SDKs use. */
const PREFIXES = ['/api/laml/2010-04-01/Accounts', '/2010-04-01/Accounts'];

/** A request to the API, before it is validated. */
export interface RestRequest {
  method: string;
  /** Relative to the account, without `.json` and query: `/Conferences/SID/Participants/SID`. */
  path: string;
  /** The form's fields, of a GET the query's; the values of a repeated field separated by commas. */
  form: Readonly<Record<string, string>>;
}

/**
 * How a request fails. A status is the whole response, and nothing is changed. `disconnect` closes the connection instead
 * of answering, and changes nothing; `lose-answer` makes the change, and then closes the connection. `ignore` responds to
 * a change as if it had been made, but does not make it; new resources are created all the same.
 */
export type Fault =
  | 'ignore'
  | 'disconnect'
  | 'lose-answer'
  | { status: number; body?: object | string; headers?: Record<string, string> };

export interface RestApiOptions {
  /**
   * Called for every authenticated request, and for those for audio, as `/Recordings/SID.wav`. The request waits for it.
   * Undefined lets the request pass.
   */
  intercept?: (request: RestRequest) => Promise<Fault | undefined> | Fault | undefined;
}

/**
 * The Space's Compatibility API, for clients such as SignalWire's SDK: the account, its phone numbers, conferences,
 * participants, calls and recordings with their audio. Unknown resources and parameters are errors.
 */
export function createRestApi(space: Space, { intercept }: RestApiOptions = {}): Express {
  const authenticate: RequestHandler = (req, _res, next) => {
    const expected = Buffer.from(`Basic ${Buffer.from(`${space.accountSid}:${space.apiToken}`).toString('base64')}`);
    const given = Buffer.from(req.get('authorization') ?? '');
    const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isOurs || req.params.accountSid !== space.accountSid) {
      throw new RestError(401, 20003, 'Authentication failed.');
    }
    next();
  };

  const checkForm: RequestHandler = (req, _res, next) => {
    if (req.method !== 'GET') {
      refuseParameters(req.query, 422);
    }
    if (req.method === 'DELETE' && Number(req.get('content-length') ?? 0) > 0) {
      throw new RestError(422, INVALID, 'A DELETE takes no parameters.');
    }
    if (req.method === 'POST' && !req.is('application/x-www-form-urlencoded') && req.get('content-length') !== '0') {
      throw new RestError(400, 20001, 'The body must be a form.');
    }
    next();
  };

  const injectFault: RequestHandler = async (req, res, next) => {
    const fields = Object.entries({ ...(req.method === 'GET' ? req.query : req.body) });
    const form = Object.fromEntries(fields.map(([name, value]) => [name, String(value)]));
    const path = req.path.replace(/^.*\/Accounts\/[^/]+/, '');
    const fault = await intercept?.({ method: req.method, path, form });
    if (typeof fault === 'object') {
      res
        .status(fault.status)
        .set(fault.headers ?? {})
        .send(fault.body);
      return;
    }
    if (fault === 'disconnect') {
      res.destroy();
      return;
    }
    if (fault === 'lose-answer') {
      Object.assign(res, { end: () => res.destroy() });
    }
    res.locals.isIgnored = fault === 'ignore';
    next();
  };

  const context = {
    space,
    find: createRestLookup(space),
    show: createRestResources(space, `${PREFIXES[0]}/${space.accountSid}`),
  };
  const api = express.Router({ caseSensitive: true, strict: true });
  addConferenceRoutes(api, context);
  addCallRoutes(api, context);
  addRecordingRoutes(api, context);
  addNumberRoutes(api, context);

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_req, res, next) => {
    res.set('Date', new Date(space.wallClock()).toUTCString());
    next();
  });
  // Without the ending `.json`, which belongs to the metadata below.
  app.get(
    PREFIXES.map((prefix) => `${prefix}/${space.accountSid}/Recordings/:file`),
    (req, _res, next) => next(req.params.file.endsWith('.json') ? 'route' : undefined),
    injectFault as RequestHandler<{ file: string }>,
    audioHandler(space),
  );
  app.use((req, _res, next) => {
    req.url = req.url.replace(/^([^?]*)\.json(?=\?|$)/, '$1');
    next();
  });
  app.use(
    PREFIXES.map((prefix) => `${prefix}/:accountSid`),
    authenticate,
    checkForm,
    express.urlencoded({ extended: false, limit: '64kb' }),
    injectFault,
    api,
  );
  app.use(() => {
    throw new RestError(404, 20404, 'Unknown resource.');
  });
  app.use(answerError);
  return app;
}

/** Serves the API on a free local port. */
export async function serveRestApi(
  space: Space,
  options: RestApiOptions = {},
): Promise<{ url: string; close: () => void }> {
  const server = createServer(createRestApi(space, options)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
