import { type PhoneNumber, parsePhoneNumber } from './phone-number';

/** The normalised address of a SIP or client endpoint. Only {@link parseEndpoint} creates one. */
export type Endpoint = string & { readonly brand: 'Endpoint' };

/** The number or endpoint that a call comes from. Equal addresses mean the same line. */
export type Address = PhoneNumber | Endpoint;

/**
 * Parses an address as a Space sends it.
 *
 * @returns undefined for anything else: missing, withheld, a name
 */
export function parseAddress(given: unknown): Address | undefined {
  return typeof given === 'string' ? (parsePhoneNumber(given) ?? parseEndpoint(given)) : undefined;
}

const MAX_CHARACTERS = 512;
const USER = "[A-Za-z0-9_.!~*'()&=+$,/-]{1,64}";
const HOST = '[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*|\\[[0-9A-Fa-f:.]+\\]';

/** `<sip:alice@example.com>`, with a display name before it and parameters after it. */
const IN_BRACKETS = /^(?:"(?:[^"\\]|\\.)*"\s*|[^"<>:@]*)<([^<>]*)>(?:;[^<>]*)?$/;
/** No `@` after the host: another parser might take what precedes it for the user. */
const SIP = new RegExp(`^sips?:(${USER})@(${HOST})(?::[0-9]{1,5})?(?:[;?][^@\\s]*)?$`, 'i');
const CLIENT = /^client:([A-Za-z0-9_.+@-]{1,64})$/i;

const WITHHELD = /^(?:anonymous|blocked|private|restricted|unavailable|unknown|withheld)$/i;

/**
 * Parses the address of a SIP or client endpoint into `sip:user@host` or `client:name`.
 *
 * Ignores the difference between `sip` and `sips`, the letter case of scheme and host, and port, URI parameters, angle
 * brackets and display name. Users are case-sensitive (RFC 3261). A SIP user that looks like a telephone number is not
 * that number: anyone can create such a user on their own host.
 *
 * @returns undefined for anything else, including passwords, percent-escapes, and anonymous users or hosts
 */
export function parseEndpoint(text = ''): Endpoint | undefined {
  if (text.length > MAX_CHARACTERS) {
    return undefined;
  }
  const uri = IN_BRACKETS.exec(text)?.[1] ?? text;
  const sip = SIP.exec(uri);
  const user = (sip ?? CLIENT.exec(uri))?.[1];
  const host = sip?.[2]?.toLowerCase();
  if (user === undefined || WITHHELD.test(user) || host?.endsWith('.invalid')) {
    return undefined;
  }
  return (host === undefined ? `client:${user}` : `sip:${user}@${host}`) as Endpoint;
}

/**
 * An address that a log may hold: `***8999`, `sip:al***@example.com`, `client:al***`, or `no number` for none. Shows
 * the last four digits of a number, even as a SIP or client user, and the first two characters of any other user.
 */
export function maskAddress(address: Address | undefined): string {
  if (address === undefined) {
    return 'no number';
  }
  const [, scheme = '', user = '', host = ''] = /^([a-z]+:)?([^@]*)(.*)$/.exec(address) ?? [];
  const shown = /^\+?[0-9]{7,}$/.test(user) ? `***${user.slice(-4)}` : `${user.slice(0, 2)}***`;
  return `${scheme}${shown}${host}`;
}
