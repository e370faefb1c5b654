import { parse } from 'node:querystring';
import { RequestError } from './request-error';
import { parseSid, type Sid } from './sid';

/** Form fields as Node's parser gives them: a field sent twice is an array. */
export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

export const NO_FIELDS: Fields = Object.freeze(Object.create(null));

/** The most fields that a request may have. A Space sends about thirty; sorting and signing many costs more than a call. */
export const MAX_FIELDS = 100;

/** The fields in the query of a url, at most {@link MAX_FIELDS}. */
export function queryOf(url = ''): Fields {
  const start = url.indexOf('?');
  return start < 0 ? NO_FIELDS : parse(url.slice(start + 1), '&', '=', { maxKeys: MAX_FIELDS });
}

/** The text of a field; undefined unless it was sent exactly once. */
export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * The SID in a field.
 *
 * @throws RequestError 400 that names the field, if it is missing, repeated or invalid
 */
export function requiredSid(fields: Fields, name: string): Sid {
  const sid = parseSid(fields[name]);
  if (sid === undefined) {
    throw new RequestError(
      400,
      'invalid_field',
      `${name} is missing or invalid: send one, of 1 to 64 letters, digits, - or _.`,
    );
  }
  return sid;
}
