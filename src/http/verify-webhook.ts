import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { parse } from 'node:querystring';
import type { Webhook } from '../calls/webhook';
import { type Fields, MAX_FIELDS, NO_FIELDS, queryOf } from '../signalwire/fields';
import { RequestError } from '../signalwire/request-error';
import { parseSid } from '../signalwire/sid';
import { isSignedBySpace } from '../signalwire/signature';

export interface VerifierOptions {
  /** The address at which the Space reaches this server, without a slash at the end. */
  publicUrl: string;
  /** If empty, unsigned requests are accepted, for development. */
  signingKeys: readonly string[];
}

/** A request of our Space, without the room of its path. */
export type SignedWebhook = Omit<Webhook, 'room'>;

const FORM = 'application/x-www-form-urlencoded';
const IS_FORM = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i;
const MAX_BODY_BYTES = 65_536;
const TOO_MANY_FIELDS = new RegExp(`^(?:[^&]*&){${MAX_FIELDS}}`);

/** Reads a request of our Space. @throws RequestError 400, 403, 405, 413 or 415 */
export type Verifier = (req: IncomingMessage, res: ServerResponse) => Promise<SignedWebhook>;

/**
 * Verifies every webhook: GET or a posted form, at most 64 kB and 100 fields, signed by the Space.
 *
 * @throws RangeError for an empty signing key, with which anybody could sign
 */
export function createVerifier({ publicUrl, signingKeys }: VerifierOptions): Verifier {
  if (signingKeys.includes('')) {
    throw new RangeError('A signing key is empty: set it, or leave it out to accept unsigned requests.');
  }
  const isOpen = signingKeys.length === 0;

  return async (req, res) => {
    const { headers, method, url = '' } = req;
    const signature = headers['x-signalwire-signature'] ?? headers['x-twilio-signature'];
    // The body of an unsigned request is not read.
    if (!isOpen && signature === undefined) {
      throw refusal('no_signature', 'No signature; a Space signs every request.');
    }
    if (method !== 'GET' && method !== 'POST') {
      res.setHeader('Allow', 'GET, POST');
      throw new RequestError(405, 'method_not_allowed', 'Use GET or POST.');
    }
    const isForm = USUAL_TYPES.has(headers['content-type']) || isUtf8Form(req);
    const body = isForm ? await readBody(req) : '';
    if (TOO_MANY_FIELDS.test(url) || TOO_MANY_FIELDS.test(body)) {
      throw new RequestError(413, 'too_many_fields', `Send at most ${MAX_FIELDS} fields.`);
    }
    // Express's own parser drops a field named `__proto__`, which is signed like any other.
    const fields: Fields = parse(body, '&', '=', { maxKeys: 0 });
    const signed = { url: publicUrl + url, fields: method === 'POST' ? fields : NO_FIELDS };
    if (!isOpen && !isSignedBySpace(signingKeys, String(signature), signed)) {
      // Not the whole url: it may hold telephone numbers.
      const expected = `Expected an address that begins with ${publicUrl}, signed with SIGNALWIRE_SIGNING_KEY.`;
      throw refusal('wrong_signature', expected);
    }
    const query = url.includes('?') ? queryOf(url) : NO_FIELDS;
    const sent = method === 'POST' ? fields : query;
    return { callSid: parseSid(sent.CallSid), query, fields: sent };
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
 * Whether the body of a request is a form.
 *
 * @throws RequestError 415 for a posted body that is not a form, or not in UTF-8
 */
function isUtf8Form({ method, headers }: IncomingMessage): boolean {
  const type = headers['content-type'] ?? '';
  const isForm = IS_FORM.test(type);
  if (method === 'POST' && !isForm && Number(headers['content-length'] ?? 0) > 0) {
    throw new RequestError(415, 'not_a_form', `Send the fields as ${FORM}.`);
  }
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type) ?? [];
  if (charset.toLowerCase() !== 'utf-8') {
    throw new RequestError(415, 'not_utf_8', 'Send the fields in UTF-8.');
  }
  return isForm;
}

/**
 * Reads a body of at most 64 kB. A refused body is still read to its end, so that its sender gets the response.
 *
 * @throws RequestError 413 for a longer one, 415 for a compressed one, 400 for one that was cut off
 */
async function readBody(req: IncomingMessage): Promise<string> {
  const encoding = req.headers['content-encoding'] || 'identity';
  const isPlain = encoding.toLowerCase() === 'identity';
  // app.ts refuses chunked bodies, so there is a length.
  const isWanted = isPlain && !(Number(req.headers['content-length']) > MAX_BODY_BYTES);
  const chunks: Buffer[] = [];
  if (isWanted) {
    req.on('data', chunks.push.bind(chunks));
  } else {
    req.resume();
  }
  try {
    await once(req, 'end');
  } catch {
    throw unreadable(400);
  }
  if (!isWanted) {
    throw unreadable(isPlain ? 413 : 415);
  }
  return Buffer.concat(chunks).toString();
}

function unreadable(status: number): RequestError {
  const reason = STATUS_CODES[status] ?? '';
  return new RequestError(status, 'unreadable_request', `${reason}: this request could not be read.`, reason);
}
