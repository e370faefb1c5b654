import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import type { z } from 'zod';
import { type Actor, isAllowed, type Right } from '../people/rights';
import type { RoomName } from '../rooms/room';
import { type ByteRange, parseByteRange } from '../signalwire/byte-range';
import type { Sid } from '../signalwire/sid';
import { type ProblemCode, problem, problemsIn } from './problem';

/** A request whose path, query and body are valid, from an actor who has the right. */
export interface ApiRequest<Query = unknown, Body = unknown> {
  actor: Actor;
  /** Of a path with `{room}`; undefined at run time for others, which must not use it. */
  room: RoomName;
  /** Of a path with `{callSid}` or `{recordingSid}`; otherwise as `room`. */
  sid: Sid;
  query: Query;
  body: Body;
  /** Of `Last-Event-ID`; undefined if there is none. */
  lastEventId: string | undefined;
  /** See {@link rangeOf}. */
  range: ByteRange | undefined;
  /** Whether the same actor would still be let in, with the same rights; for answers that take long. */
  isStillAllowed: () => boolean;
}

/** The answer to a request: JSON, or nothing more than a status, or whatever `send` writes. */
export type Reply =
  | { status: number; body?: object; headers?: Readonly<Record<string, string>> }
  | { send: (res: Response) => void };

/** The groups of operations, in the order of the description. */
export const TAGS = ['Rooms', 'Supervisors', 'Participants', 'Recordings', 'Audit trail', 'People'] as const;

/** One operation of the API: its description, the right it needs, and its handler. */
export interface Operation {
  /** For programs that are generated from the description. */
  id: string;
  tag: (typeof TAGS)[number];
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Below `/api/v1`, as OpenAPI writes it: `/rooms/{room}`. */
  path: string;
  summary: string;
  /** Undefined: needs no token. May depend on a valid body. */
  right: Right | ((body: never) => Right) | undefined;
  query?: z.ZodObject;
  body?: z.ZodType;
  response: { status: number; description: string; schema?: z.ZodType; mediaType?: string | readonly string[] };
  /** Whether the answer may be a part, with status 206, of what `Range` names. */
  servesRanges?: boolean;
  /** The problems of this operation alone; openapi.ts adds those that many have in common. */
  problems: readonly ProblemCode[];
  /** Whether it changes something: then it takes an `Idempotency-Key`. */
  isAction: boolean;
  handle: (request: never) => Promise<Reply>;
}

/** An operation, with the types of its query and body. */
export function operation<Query extends z.ZodObject | undefined, Body extends z.ZodType | undefined>(
  one: Omit<Operation, 'right' | 'query' | 'body' | 'handle'> & {
    right: Right | undefined | ((body: Output<Body>) => Right);
    query?: Query;
    body?: Body;
    handle: (request: ApiRequest<Output<Query>, Output<Body>>) => Promise<Reply>;
  },
): Operation {
  return one as unknown as Operation;
}

/**
 * The part that a request wants; undefined if it wants the whole, or does not say in one range of bytes. What is sent has
 * no version, so `If-Range` cannot name it.
 */
export function rangeOf({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): ByteRange | undefined {
  const isWanted = method === 'GET' && headers['if-range'] === undefined;
  return isWanted ? parseByteRange(headers.range ?? '') : undefined;
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** @throws Problem 403 unless the actor has the right, in the room of the path if there is one */
export function requireRight(
  { right, path }: Operation,
  { actor, room, body }: Pick<ApiRequest, 'actor' | 'room' | 'body'>,
): void {
  const needed: Right | undefined = typeof right === 'function' ? right(body as never) : right;
  if (needed === undefined) {
    return;
  }
  const isGiven = path.includes('{room}') ? isAllowed(actor, needed, room) : actor.rights.has(needed);
  if (!isGiven) {
    const who = actor.name.startsWith('token ') ? 'This token lacks' : 'You lack';
    throw problem('not_allowed', `${who} the right ${needed}${path.includes('{room}') ? ' in this room' : ''}.`);
  }
}

/**
 * Carries out an operation for somebody who is signed in, with the checks that a request with a token passes.
 *
 * @throws Problem
 */
export async function perform(
  one: Operation,
  { body, ...request }: Pick<ApiRequest, 'actor' | 'room' | 'body' | 'isStillAllowed'> & Partial<ApiRequest>,
): Promise<Reply> {
  const parsed = one.body?.safeParse(body);
  if (parsed?.error !== undefined) {
    throw problem('invalid_body', problemsIn(parsed.error).join(' '));
  }
  const checked = { ...request, body: parsed?.data };
  requireRight(one, checked);
  return one.handle(checked as never);
}
