import type { IncomingMessage } from 'node:http';

/**
 * Whether a request may act with the cookies it carries: it only reads, or a page of this server sent it.
 *
 * Browsers say in `Sec-Fetch-Site` whether it did; without that header, `Origin` must be ours. SameSite cookies do not
 * suffice: other hosts of the same site send them too.
 *
 * @param publicUrl the address of this server for browsers; undefined if it is whatever the request names as its host
 */
export function isSameOrigin(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  publicUrl: string | undefined,
): boolean {
  if (method === 'GET' || method === 'HEAD') {
    return true;
  }
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    return site === 'same-origin';
  }
  const { origin, host } = headers;
  if (origin === undefined) {
    return false;
  }
  if (publicUrl !== undefined) {
    return origin === new URL(publicUrl).origin;
  }
  // In development a proxy may add TLS.
  return host !== undefined && [`http://${host}`, `https://${host}`].includes(origin);
}
