import { parse } from 'node:querystring';
import { type Request, type RequestHandler, Router, raw } from 'express';
import { type Fields, fieldsOf } from '../signalwire/fields';
import { RequestError } from '../signalwire/request-error';
import { isSignedBySpace } from '../signalwire/signature';

export interface VerifyWebhookOptions {
  /** The address a Space reaches this server at, without a slash at the end. */
  publicUrl: string;
  /** None accepts unsigned requests, for development. */
  signingKeys: readonly string[];
}

const FORM = 'application/x-www-form-urlencoded';
const MAX_BODY = '64kb';
/** A Space sends about thirty. Sorting and signing many costs more than a call. */
const MAX_FIELDS = 100;
const TOO_MANY_FIELDS = new RegExp(`^(?:[^&]*&){${MAX_FIELDS}}`);

/**
 * The guard of every route a Space asks for: GET or a posted form, at most 64 kB and 100 fields, signed. Whatever comes
 * after it reads the request with `fieldsOf`.
 *
 * A request that passes has `res.locals.isVerified`. Refused requests fail with a RequestError 403, 405, 413 or 415, or
 * the body parser's own error with a 4xx status.
 *
 * @throws RangeError for an empty signing key, with which anybody could sign
 */
export function verifyWebhook({ publicUrl, signingKeys }: VerifyWebhookOptions): RequestHandler {
  if (signingKeys.includes('')) {
    throw new RangeError('A signing key is empty: set it, or leave it out to accept unsigned requests.');
  }
  const isOpen = signingKeys.length === 0;
  const signatureOf = (req: Request) => req.get('x-signalwire-signature') ?? req.get('x-twilio-signature');
  const refusal = (code: string, reason: string) =>
    new RequestError(403, code, 'This request does not carry the signature of our Space.', reason);

  return Router().use(
    (req, res, next) => {
      // Not a byte of an unsigned body is read.
      if (!isOpen && signatureOf(req) === undefined) {
        throw refusal('no_signature', 'It has no signature; a Space signs every request.');
      }
      if (req.method !== 'GET' && req.method !== 'POST') {
        res.set('Allow', 'GET, POST');
        throw new RequestError(405, 'method_not_allowed', 'Use GET or POST.');
      }
      // null: there is no body at all
      if (req.method === 'POST' && req.is(FORM) === false && req.get('content-length') !== '0') {
        throw new RequestError(415, 'not_a_form', `Send the fields as ${FORM}.`);
      }
      if (!isUtf8(req.get('content-type'))) {
        throw new RequestError(415, 'not_utf_8', 'Send the fields in UTF-8.');
      }
      refuseMany(req.originalUrl);
      next();
    },
    raw({ inflate: false, limit: MAX_BODY, type: FORM }),
    (req, res, next) => {
      req.body = parseForm(req.body);
      const fields = req.method === 'POST' ? fieldsOf(req) : {};
      const url = publicUrl + req.originalUrl;
      if (!isOpen && !isSignedBySpace(signingKeys, signatureOf(req), { url, fields })) {
        throw refusal(
          'wrong_signature',
          // Not the whole address: it may hold telephone numbers.
          `Expected an address that begins with ${publicUrl}, signed with SIGNALWIRE_SIGNING_KEY.`,
        );
      }
      res.locals.isVerified = true;
      next();
    },
  );
}

function isUtf8(contentType = ''): boolean {
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType) ?? [];
  return charset.toLowerCase() === 'utf-8';
}

/** Reads a form. Express's own parser drops a field named `__proto__`, which is signed like any other. */
function parseForm(body: Buffer | undefined): Fields {
  const text = body?.toString() ?? '';
  refuseMany(text);
  return parse(text, '&', '=', { maxKeys: 0 });
}

function refuseMany(encodedFields: string): void {
  if (TOO_MANY_FIELDS.test(encodedFields)) {
    throw new RequestError(413, 'too_many_fields', `Send at most ${MAX_FIELDS} fields.`);
  }
}
