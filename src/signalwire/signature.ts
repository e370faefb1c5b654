import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Fields } from './fields';

/** What a Space signs: the address it asked for, and the form it posted (none for GET). */
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
  const hmac = createHmac('sha1', signingKey).update(url);
  for (const name of Object.keys(fields).sort()) {
    for (const value of [fields[name] ?? []].flat()) {
      hmac.update(name).update(value);
    }
  }
  return hmac.digest('base64');
}

/**
 * Whether the Space that holds `signingKey` sent this request. Takes the same time for every wrong signature.
 *
 * @param signingKey not empty, or anybody can sign
 */
export function isSignedBySpace(signingKey: string, signature: string | undefined, request: SignedRequest): boolean {
  const given = Buffer.from(signature ?? '');
  // Spaces sign the url now with its default port, now without.
  return [request.url, withDefaultPort(request.url)]
    .map((url) => Buffer.from(computeSignature(signingKey, { ...request, url })))
    .map((expected) => given.length === expected.length && timingSafeEqual(given, expected))
    .includes(true);
}

function withDefaultPort(url: string): string {
  return url.replace(/^(https?):\/\/([^/?:]+|\[[^\]]+\])(?=[/?]|$)/, (_, scheme, host) => {
    return `${scheme}://${host}:${scheme === 'https' ? 443 : 80}`;
  });
}
