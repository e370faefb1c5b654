/** A telephone number in E.164 form: a plus and 7 to 15 digits. Only {@link parsePhoneNumber} creates one. */
export type PhoneNumber = string & { readonly brand: 'PhoneNumber' };

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

/**
 * Parses a number from a Space, a setting or a form.
 *
 * A leading space counts as the plus: form encoders that do not escape it, such as `curl -d From=+1555…`, deliver a
 * space.
 *
 * @returns undefined for anything else: missing, `anonymous`, `sip:…`, a name
 */
export function parsePhoneNumber(text: string | undefined): PhoneNumber | undefined {
  const digits = /^[+ ]([1-9][0-9]{6,14})$/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : (`+${digits}` as PhoneNumber);
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

const SEPARATORS = {
  spaces: /\s/gu,
  brackets: /[()[\]]/gu,
  dashes: /\p{Pd}/gu,
  dots: /\./gu,
  'invisible characters': /\p{Cf}/gu,
} as const;

/** Other beginnings than the plus, with advice; the group is the number that follows. */
const BEGINNINGS = [
  { form: /^00([1-9][0-9]{6,14})$/, advice: 'write + instead of 00' },
  { form: /^0([1-9][0-9]{6,14})$/, advice: 'write + and the country code instead of 0' },
  { form: /^([1-9][0-9]{6,14})$/, advice: 'put + before the country code' },
];

/**
 * Says what to change in a number that {@link parsePhoneNumber} refuses: the end of a sentence, without its subject and
 * full stop. Shows at most the last four digits, and nothing of a text that is not a number.
 */
export function explainPhoneNumber(text: string): string {
  if (text.includes(';')) {
    return 'must be one number: separate numbers by commas';
  }
  const present = Object.entries(SEPARATORS).filter(([, separator]) => text.search(separator) >= 0);
  const bare = present.reduce((rest, [, separator]) => rest.replace(separator, ''), text);
  const beginning = BEGINNINGS.find(({ form }) => form.test(bare));
  if (beginning === undefined && !/^\+[1-9][0-9]{6,14}$/.test(bare)) {
    return 'must be a telephone number in E.164 form, such as +15557788999';
  }
  const names = new Intl.ListFormat('en-GB').format(present.map(([name]) => name));
  const advice = [...(present.length > 0 ? [`remove the ${names}`] : []), ...(beginning ? [beginning.advice] : [])];
  return `(***${bare.slice(-4)}): ${advice.join('; ')}`;
}
