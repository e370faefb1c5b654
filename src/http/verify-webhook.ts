import { STATUS_CODES } from 'node:http';
import { parse } from 'node:querystring';
import type { Request, RequestHandler } from 'express';
import type { Fields } from '../signalwire/fields';
import { RequestError } from '../signalwire/request-error';
import { isSignedBySpace } from '../signalwire/signature';

export interface VerifyWebhookOptions {
  /** The address a Space reaches this server at, without a slash at the end. */
  publicUrl: string;
  /** None accepts unsigned requests, for development. */
  signingKeys: readonly string[];
}

const FORM = 'application/x-www-form-urlencoded';
const MAX_BODY_BYTES = 65_536;
/** A Space sends about thirty. Sorting and signing many costs more than a call. */
const MAX_FIELDS = 100;
const TOO_MANY_FIELDS = new RegExp(`^(?:[^&]*&){${MAX_FIELDS}}`);

/**
 * The guard of every route a Space asks for: GET or a posted form, at most 64 kB and 100 fields, signed. Whatever comes
 * after it finds the {@link Fields} of the form, or of a GET's query, in `req.body`.
 *
 * A request that passes has `res.locals.isVerified`. Refused requests fail with a RequestError 400, 403, 405, 413 or 415.
 *
 * @throws RangeError for an empty signing key, with which anybody could sign
 */
export function verifyWebhook({ publicUrl, signingKeys }: VerifyWebhookOptions): RequestHandler {
  if (signingKeys.includes('')) {
    throw new RangeError('A signing key is empty: set it, or leave it out to accept unsigned requests.');
  }
  const isOpen = signingKeys.length === 0;

  return async (req, res, next) => {
    const { headers, method, originalUrl } = req;
    const signature = headers['x-signalwire-signature'] ?? headers['x-twilio-signature'];
    // Not a byte of an unsigned body is read.
    if (!isOpen && signature === undefined) {
      throw refusal('no_signature', 'It has no signature; a Space signs every request.');
    }
    if (method !== 'GET' && method !== 'POST') {
      res.set('Allow', 'GET, POST');
      throw new RequestError(405, 'method_not_allowed', 'Use GET or POST.');
    }
    refuseMany(originalUrl);
    const isForm = USUAL_TYPES.has(headers['content-type']) || isUtf8Form(req);
    const body = isForm ? await readBody(req) : '';
    refuseMany(body);
    // Express's own parser drops a field named `__proto__`, which is signed like any other.
    const fields: Fields = parse(body, '&', '=', { maxKeys: 0 });
    const signed = { url: publicUrl + originalUrl, fields: method === 'POST' ? fields : {} };
    if (!isOpen && !isSignedBySpace(signingKeys, String(signature), signed)) {
      // Not the whole address: it may hold telephone numbers.
      const expected = `Expected an address that begins with ${publicUrl}, signed with SIGNALWIRE_SIGNING_KEY.`;
      throw refusal('wrong_signature', expected);
    }
    req.body = method === 'POST' ? fields : req.query;
    res.locals.isVerified = true;
    next();
  };
}

function refusal(code: string, reason: string): RequestError {
  return new RequestError(403, code, 'This request does not carry the signature of our Space.', reason);
}

/** The content types that Spaces send. */
const USUAL_TYPES: ReadonlySet<string | undefined> = new Set([
  FORM,
  `${FORM}; charset=utf-8`,
  `${FORM}; charset=UTF-8`,
]);

/**
 * Whether a request has a form for a body.
 *
 * @throws RequestError 415 for a posted body that is none, and for another charset than UTF-8
 */
function isUtf8Form(req: Request): boolean {
  // null: there is no body at all
  const form = req.is(FORM);
  if (req.method === 'POST' && form === false && req.headers['content-length'] !== '0') {
    throw new RequestError(415, 'not_a_form', `Send the fields as ${FORM}.`);
  }
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(req.headers['content-type'] ?? '') ?? [];
  if (charset.toLowerCase() !== 'utf-8') {
    throw new RequestError(415, 'not_utf_8', 'Send the fields in UTF-8.');
  }
  return Boolean(form);
}

/**
 * Reads a body of at most 64 kB. One that is refused is read to its end all the same, so that its sender hears why.
 *
 * @throws RequestError 413 for a longer one, 415 for a compressed one, 400 for one that was cut off
 */
function readBody(req: Request): Promise<string> {
  return new Promise((resolve, reject) => {
    const encoding = req.headers['content-encoding'] || 'identity';
    let failure = encoding.toLowerCase() === 'identity' ? undefined : unreadable(415);
    let bytes = 0;
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) {
        failure ??= unreadable(413);
        chunks.length = 0;
      } else {
        chunks.push(chunk);
      }
    });
    req.on('end', () => (failure === undefined ? resolve(Buffer.concat(chunks).toString()) : reject(failure)));
    req.on('error', () => reject(unreadable(400)));
  });
}

function unreadable(status: number): RequestError {
  const reason = STATUS_CODES[status] ?? '';
  return new RequestError(status, 'unreadable_request', `${reason}: this request could not be read.`, reason);
}

function refuseMany(encodedFields: string): void {
  if (TOO_MANY_FIELDS.test(encodedFields)) {
    throw new RequestError(413, 'too_many_fields', `Send at most ${MAX_FIELDS} fields.`);
  }
}
