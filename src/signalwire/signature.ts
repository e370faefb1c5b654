import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Fields } from './fields';

/** What a Space signs: the url it requested, and the form it posted (none for GET). */
export interface SignedRequest {
  /** The public address, path and raw query included, exactly as the Space has it. */
  url: string;
  fields: Fields;
}

/**
 * The signature of a request: base64(HMAC-SHA1(key, url + each field's name and value, in order of name)).
 *
 * @see SignalWire's documentation on securing webhooks; the scheme is Twilio's.
 */
export function computeSignature(signingKey: string, { url, fields }: SignedRequest): string {
  let text = url;
  for (const name of Object.keys(fields).sort()) {
    const value = fields[name];
    if (typeof value === 'string') {
      text += name + value;
    } else {
      for (const one of value ?? []) {
        text += name + one;
      }
    }
  }
  return createHmac('sha1', signingKey).update(text).digest('base64');
}

/**
 * Whether a Space that holds one of these keys sent this request. Takes the same time for every wrong signature.
 *
 * @param signingKeys two while a new key replaces an old one. An empty key would let anybody sign
 */
export function isSignedBySpace(
  signingKeys: readonly string[],
  signature: string | undefined,
  { url, fields }: SignedRequest,
): boolean {
  const given = Buffer.from(signature ?? '');
  // Nearly all signatures are of the url as it is.
  for (const isOtherForm of [false, true]) {
    const signed = { url: isOtherForm ? withOtherPort(url) : url, fields };
    for (const key of signingKeys) {
      const expected = Buffer.from(computeSignature(key, signed));
      if (given.length === expected.length && timingSafeEqual(given, expected)) {
        return true;
      }
    }
  }
  return false;
}

/** The other form in which a Space may sign a url: without its port, or with the default port if it has none. */
function withOtherPort(url: string): string {
  return url.replace(/^(https?):\/\/([^/?:[]+|\[[^\]]+\])(:[0-9]+)?(?=[/?]|$)/, (_, scheme, host, port) => {
    const otherPort = port === undefined ? `:${scheme === 'https' ? 443 : 80}` : '';
    return `${scheme}://${host}${otherPort}`;
  });
}
