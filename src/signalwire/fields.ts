import type { Request } from 'express';
import { z } from 'zod';
import { RequestError } from './request-error';
import { parseSid, type Sid } from './sid';

/** Form fields as Node's parser gives them: a field sent twice is an array. */
export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request's fields: the form of a POST, the query of a GET. */
export function fieldsOf(req: Request): Fields {
  return req.method === 'POST' ? (req.body ?? {}) : (req.query as Fields);
}

/** A request's Call SID, for the log; undefined if it has none, or an invalid one. */
export function callSidOf(req: Request): Sid | undefined {
  const { CallSid } = fieldsOf(req);
  return typeof CallSid === 'string' ? parseSid(CallSid) : undefined;
}

const INVALID_SID = 'must be there once: 1 to 64 letters, digits, - or _.';

/** The text of a field; undefined unless it is there exactly once. */
export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * The SID in a field.
 *
 * @throws RequestError 400 that names the field, if it is missing, sent twice or no SID
 */
export function requiredSid(fields: Fields, name: string): Sid {
  const value = fields[name];
  const sid = typeof value === 'string' ? parseSid(value) : undefined;
  if (sid === undefined) {
    throw new RequestError(400, 'invalid_field', `${name} ${INVALID_SID}`);
  }
  return sid;
}

/** A field that must hold a SID. */
export const sidField = z.string(INVALID_SID).transform((text, context) => {
  const sid = parseSid(text);
  if (sid === undefined) {
    context.addIssue(INVALID_SID);
    return z.NEVER;
  }
  return sid;
});

/** A field that counts only if it is sent exactly once. */
export const textField = z.string().optional().catch(undefined);

/** @throws RequestError 400, which names the first invalid field */
export function parseFields<T>(schema: z.ZodType<T>, fields: unknown): T {
  const result = schema.safeParse(fields);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new RequestError(400, 'invalid_field', `${issue?.path.join('.')} ${issue?.message}`);
  }
  return result.data;
}
