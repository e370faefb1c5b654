import { createHash } from 'node:crypto';
import express, { type ErrorRequestHandler, type Request, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { groupBy } from '../ops/group-by';
import type { Actor } from '../people/rights';
import { StoreError } from '../redis/store-error';
import { parseRoomName, ROOM_NAME_FORM, type RoomName } from '../rooms/room';
import { parseSid, type Sid } from '../signalwire/sid';
import { type ApiCaller, type Authenticate, wrongToken } from './authentication';
import { type IdempotencyStore, KEY_FORM, type KeptReply, REPLAYED_HEADER } from './idempotency';
import { describeApi } from './openapi';
import { type ApiRequest, type Operation, type Reply, rangeOf, requireRight } from './operation';
import { Problem, problem, problemBody, problemsIn } from './problem';

export interface ApiOptions {
  operations: readonly Operation[];
  authenticate: Authenticate;
  keys: IdempotencyStore;
  /** Aborted when the server stops: then no action begins. */
  draining: AbortSignal;
  log: Logger;
}

/** Details of a request for the request log, in `res.locals`. */
export interface ApiLocals {
  /** The name of the actor; undefined if nobody was let in. */
  actor?: string;
  /** Why it was refused. */
  refusal?: { code: string; reason: string };
}

/** No body is longer: the longest is a note. */
const MAX_BODY = '16kb';

/** The API below `/api/v1`. Every error is `application/problem+json`. */
export function createApi({ operations, authenticate, keys, draining, log }: ApiOptions): Router {
  const router = Router({ caseSensitive: true, strict: true });
  let description: string | undefined;
  const callers = new WeakMap<Request, ApiCaller>();
  const readJson = express.json({ limit: MAX_BODY, strict: true, type: 'application/json', inflate: false });

  router.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/openapi.json', (_req, res) => {
    description ??= JSON.stringify(describeApi(operations));
    res.type('application/json').send(description);
  });
  for (const one of operations) {
    router[one.method](
      routeOf(one),
      async (req, res, next) => {
        await identify(req, res);
        if (one.body === undefined) {
          next();
        } else if (!req.is('application/json')) {
          throw problem('not_json', 'Send a JSON body with Content-Type: application/json.');
        } else {
          readJson(req, res, next);
        }
      },
      async (req, res) => send(res, await answer(one, req, callers.get(req) as ApiCaller)),
    );
  }
  for (const [route, same] of groupBy(operations, routeOf)) {
    const methods = same.map(({ method }) => method.toUpperCase());
    router.all(route, async (req, res) => {
      await identify(req, res);
      res.set('Allow', methods.join(', '));
      throw problem('method_not_allowed', `Use ${methods.join(' or ')}.`);
    });
  }
  router.use(async (req, res) => {
    await identify(req, res);
    throw problem('not_found', 'There is no such resource. See /api/v1/openapi.json.');
  });

  /** @throws Problem 401 or 403 */
  async function identify(req: Request, res: Response): Promise<void> {
    const caller = await authenticate(req, res);
    callers.set(req, caller);
    res.locals.actor = caller.actor.name;
  }

  async function answer(one: Operation, req: Request, caller: ApiCaller): Promise<Reply> {
    // Reading the body may have taken long.
    const actor = caller.current();
    if (actor === undefined) {
      throw wrongToken();
    }
    const request = {
      ...parse(one, req, actor),
      isStillAllowed: () => isSameActor(actor, caller.current()),
    };
    requireRight(one, request);
    if (!one.isAction) {
      return one.handle(request as never);
    }
    if (draining.aborted) {
      throw problem('stopping', 'This server is stopping. Try again: another one will answer.');
    }
    return withKey(req, request, () => one.handle(request as never));
  }

  /** Carries out an action once per idempotency key, and repeats its answer. */
  async function withKey(req: Request, { actor, body }: ApiRequest, act: () => Promise<Reply>): Promise<Reply> {
    const given = req.get('idempotency-key');
    if (given === undefined) {
      return act();
    }
    if (!KEY_FORM.test(given)) {
      throw problem('invalid_parameter', 'Idempotency-Key must be 1 to 255 visible ASCII characters.');
    }
    const key = digest([actor.name, given]);
    const asked = digest([req.method, req.originalUrl, body]);
    const known = await keys.claim(key, asked).catch((cause) => {
      log.warn({ err: cause }, 'Idempotency key not claimed; request refused');
      throw problem('store_away', 'The store does not answer, so a key cannot be checked. Nothing was done.');
    });
    if (known !== undefined && known.request !== asked) {
      throw problem('idempotency_key_reused', 'This key was used for another request.');
    }
    if (known !== undefined && known.reply === undefined) {
      throw problem('request_in_progress', 'The first request with this key has no answer yet. Look at the room.');
    }
    if (known?.reply !== undefined) {
      const { status, body: kept = {} } = known.reply;
      return { status, body: kept, headers: { [REPLAYED_HEADER]: 'true' } };
    }
    const reply = await act().catch((error: unknown) => replyOf(error));
    const { status, body: answered } = reply as { status: number; body?: { action?: { status: string } } };
    // An action that did not begin may be tried again with the same key. Its answer has no failed action.
    const isDone = status < 400 || answered?.action?.status === 'failed';
    const kept: KeptReply = { status, body: answered };
    await (isDone ? keys.keep(key, { request: asked, reply: kept }) : keys.release(key)).catch((err) => {
      log.warn({ err }, 'Answer not kept for its idempotency key');
    });
    return reply;
  }

  const answerError: ErrorRequestHandler = (error, _req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const reply = replyOf(error);
    if (reply.status === 401) {
      res.set('WWW-Authenticate', 'Bearer');
    }
    send(res, reply);
  };
  router.use(answerError);

  /** The answer to a failed request. */
  function replyOf(error: unknown): { status: number; body: object } {
    const known = error instanceof Problem ? error : toProblem(error);
    if (known === undefined) {
      log.error({ err: error }, 'API request failed');
    }
    const answered = known ?? problem('internal_error', 'Something went wrong; see the log.');
    return { status: answered.status, body: { ...problemBody(answered), ...answered.more } };
  }

  return router;
}

/** The path of an operation, as Express writes it: `/rooms/:room`. */
function routeOf({ path }: Operation): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function send(res: Response, reply: Reply): void {
  if ('send' in reply) {
    reply.send(res);
    return;
  }
  const { status, body, headers = {} } = reply;
  const isProblem = status >= 400;
  if (isProblem && body !== undefined) {
    const { code, detail } = body as { code: string; detail: string };
    res.locals.refusal = { code, reason: detail };
  }
  res
    .status(status)
    .set(headers)
    .type(isProblem ? 'application/problem+json' : 'application/json')
    .send(body === undefined ? '' : JSON.stringify(body));
}

/** @throws Problem for an invalid path, query or body */
function parse({ path, query, body }: Operation, req: Request, actor: Actor): Omit<ApiRequest, 'isStillAllowed'> {
  const { room, callSid, recordingSid } = req.params as Record<string, string | undefined>;
  const parsedRoom = room === undefined ? undefined : parseRoomName(room);
  if (path.includes('{room}') && parsedRoom === undefined) {
    throw problem('no_such_room', `This is not the name of a room: it has ${ROOM_NAME_FORM}.`);
  }
  const given = callSid ?? recordingSid;
  const sid = given === undefined ? undefined : parseSid(given);
  if (given !== undefined && sid === undefined) {
    throw problem('invalid_parameter', 'A SID has 1 to 64 letters, digits, - or _.');
  }
  const unknown = Object.keys(req.query).filter((name) => !Object.hasOwn(query?.shape ?? {}, name));
  if (unknown.length > 0) {
    // Not in the sentence, which is logged: anything may be a name.
    const errors = unknown.map((name) => `${name}: unknown parameter`);
    throw problem('invalid_parameter', 'This operation has no such query parameter.', { errors });
  }
  const parsedQuery = query?.safeParse(req.query);
  if (parsedQuery?.error !== undefined) {
    throw problem('invalid_parameter', problemsIn(parsedQuery.error).join(' '));
  }
  const parsedBody = body?.safeParse(req.body);
  if (parsedBody?.error !== undefined) {
    throw problem('invalid_body', 'The body is not as described in /api/v1/openapi.json.', {
      errors: problemsIn(parsedBody.error),
    });
  }
  return {
    actor,
    room: parsedRoom as RoomName,
    sid: sid as Sid,
    query: parsedQuery?.data,
    body: parsedBody?.data,
    lastEventId: req.get('last-event-id'),
    range: rangeOf(req),
  };
}

/** Whether somebody still has the same rights in the same rooms. */
function isSameActor(before: Actor, now: Actor | undefined): boolean {
  const summaryOf = ({ rights, rooms }: Actor) => JSON.stringify([[...rights].sort(), [...rooms].sort()]);
  return now === before || (now !== undefined && summaryOf(now) === summaryOf(before));
}

/** The problem that an error of Express, its parser or the store stands for; undefined for any other error. */
function toProblem(error: unknown): Problem | undefined {
  if (error instanceof StoreError) {
    return problem('store_away', 'The store does not answer. Try again soon.');
  }
  const { type, status } = error as { type?: string; status?: number };
  if (type === 'entity.too.large') {
    return problem('body_too_large', `A body has at most ${MAX_BODY}.`);
  }
  if (type === 'entity.parse.failed') {
    return problem('invalid_json', 'The body is not JSON.');
  }
  if (type === 'charset.unsupported' || type === 'encoding.unsupported') {
    return problem('not_json', 'Send the body in UTF-8, uncompressed.');
  }
  return status === 400 ? problem('invalid_parameter', 'The path or the body could not be read.') : undefined;
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
