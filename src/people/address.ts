import { type PhoneNumber, parsePhoneNumber } from './phone-number';

/** The address of a SIP or client endpoint, normalised. Only {@link parseEndpoint} makes one. */
export type Endpoint = string & { readonly brand: 'Endpoint' };

/** Where a call comes from. Two calls with equal addresses come from the same line. */
export type Address = PhoneNumber | Endpoint;

/**
 * Reads an address as a Space sends it.
 *
 * @returns undefined for anything else: absent, withheld, a name
 */
export function parseAddress(text: string | undefined): Address | undefined {
  return parsePhoneNumber(text) ?? parseEndpoint(text);
}

const MAX_CHARACTERS = 512;
const USER = "[A-Za-z0-9_.!~*'()&=+$,/-]{1,64}";
const HOST = '[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*|\\[[0-9A-Fa-f:.]+\\]';

/** `<sip:alice@example.com>`, with a display name before it and parameters after it. */
const IN_BRACKETS = /^(?:"(?:[^"\\]|\\.)*"\s*|[^"<>:@]*)<([^<>]*)>(?:;[^<>]*)?$/;
/** No `@` after the host: others might read what is before it as the user. */
const SIP = new RegExp(`^sips?:(${USER})@(${HOST})(?::[0-9]{1,5})?(?:[;?][^@\\s]*)?$`, 'i');
const CLIENT = /^client:([A-Za-z0-9_.+@-]{1,64})$/i;

const WITHHELD = /^(?:anonymous|blocked|private|restricted|unavailable|unknown|withheld)$/i;

/**
 * Reads the address of a SIP or client endpoint as `sip:user@host` or `client:name`.
 *
 * Equal are `sip` and `sips`, schemes and hosts in any letter case, and addresses that differ only in port, URI
 * parameters, angle brackets or display name. Users are case-sensitive (RFC 3261). A SIP user that is a telephone number
 * is not that number: anyone can set up such a user on a host of their own.
 *
 * @returns undefined for anything else, also for a password or percent-escapes in it, and for an anonymous user or host
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
 * An address fit for a log: `***8999`, `sip:al***@example.com`, `client:al***`. Shows the last four digits of a number,
 * also of one that is a SIP or client user, and the first two characters of any other user. `no number` when there is
 * none.
 */
export function maskAddress(address: Address | undefined): string {
  if (address === undefined) {
    return 'no number';
  }
  const [, scheme = '', user = '', host = ''] = /^([a-z]+:)?([^@]*)(.*)$/.exec(address) ?? [];
  const shown = /^\+?[0-9]{7,}$/.test(user) ? `***${user.slice(-4)}` : `${user.slice(0, 2)}***`;
  return `${scheme}${shown}${host}`;
}
