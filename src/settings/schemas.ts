import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { parsedString } from '../ops/parsed-string';
import { explainPhoneNumber, parsePhoneNumber } from '../people/address';

const ALTERNATIVES = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** One of these words. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return z.enum(words, `must be ${ALTERNATIVES.format(words)}.`);
}

export const trueOrFalse = oneOf(['true', 'false']).transform((word) => word === 'true');

/** A whole number, both limits included. */
export function wholeNumber(least: number, most: number) {
  return parsedString(
    (text) => (/^[0-9]{1,9}$/.test(text) && +text >= least && +text <= most ? +text : undefined),
    `must be a whole number from ${least} to ${most}.`,
  );
}

/** Telephone numbers. */
export const phoneNumbers = z.string().transform((text, context) =>
  parseEntries(text, context, {
    parse: (entry) => (entry.startsWith('+') ? parsePhoneNumber(entry) : undefined),
    explain: (entry) => `${explainPhoneNumber(entry)}.`,
  }),
);

/** One telephone number. */
export const phoneNumber = phoneNumbers
  .refine((numbers) => numbers.length === 1, 'must be one number.')
  .transform(([number]) => number);

/** One or two signing keys. */
export const signingKeys = z
  .string()
  .transform((text, context) =>
    parseEntries(text, context, {
      parse: (entry) => (/^[A-Za-z0-9_.+/=-]+$/.test(entry) ? entry : undefined),
      explain: () => 'has a character that no signing key has; two keys are separated by a comma.',
    }),
  )
  .refine((keys) => keys.length <= 2, 'must be one key, or two while a new key replaces an old one.');

/** The fewest characters of a session secret. */
const MIN_SECRET_CHARACTERS = 32;

/** What signs the session cookie. */
export const sessionSecret = z
  .string()
  .min(
    MIN_SECRET_CHARACTERS,
    `must have at least ${MIN_SECRET_CHARACTERS} characters. To make one: openssl rand -hex 32.`,
  );

/** Express's `trust proxy`: a count of proxies, or their addresses and networks. */
export const trustProxy = z.string().transform((text, context): number | string[] | false => {
  if (/^[0-9]{1,2}$/.test(text)) {
    return Number(text);
  }
  const form = 'an address, a network such as 10.0.0.0/8, loopback, linklocal or uniquelocal';
  const explain = () => (text.includes(',') ? `must be ${form}.` : `must be a number of proxies, ${form}.`);
  return parseEntries(text, context, { parse: parseProxy, explain });
});

/** A text to be spoken. */
export const spokenText = parsedString(
  // No control characters, and nothing else that XML cannot hold.
  (text) => (/^[^\p{Cc}\p{Cs}\uFFFE\uFFFF]{1,4096}$/u.test(text) ? text : undefined),
  'must be at most 4096 characters on one line, without control characters.',
);

/** An address to listen on. */
export const host = parsedString(
  (text) => (isIP(text) || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text) ? text : undefined),
  'must be an IP address or a host name of this machine.',
);

/** The address of this server, without a slash at the end. */
export const publicUrl = parsedString((text) => {
  const url = parseUrl(text, ['http:', 'https:']);
  // The whole address of a webhook would make every signature wrong.
  const isWebhook = url && /\/(conference|coach|supervisor|events|fallback)(\/|$)/.test(url.pathname);
  const isBare = url && !isWebhook && !url.username && !url.password && !/[?#\s,]/.test(text);
  return isBare ? (url.origin + url.pathname).replace(/\/+$/, '') : undefined;
}, 'must be the address where your Space reaches this server, such as https://coach.example.com, without a webhook path or query.');

/** The address of a Space, with its scheme; https is the default. */
export const spaceUrl = parsedString((text) => {
  const url = parseUrl(/^https?:\/\//i.test(text) ? text : `https://${text}`, ['http:', 'https:']);
  return url && url.pathname === '/' && !url.search && !url.hash && !url.username ? url.origin : undefined;
}, 'must be the host name of your Space, such as example.signalwire.com.');

/** Any absolute http or https url. */
export const webUrl = parsedString(
  (text) => parseUrl(text, ['http:', 'https:'])?.href,
  'must be an absolute http or https url.',
);

/** The issuer of an OpenID Connect provider. */
export const issuer = parsedString((text) => {
  const url = parseUrl(text, ['http:', 'https:']);
  const isBare = url && !url.username && !url.password && !/[?#\s,]/.test(text);
  return isBare ? text : undefined;
}, "must be your identity provider's issuer, such as https://login.example.com, without a query.");

/** One url of Redis, or several of a cluster's nodes. */
export const redisUrls = z
  .string()
  .superRefine(refuseParameters)
  .pipe(
    parsedString(
      parseRedisUrls,
      'must be a url such as redis://localhost:6379 or rediss://:password@host:6380/0, or for a cluster several without a database, separated by commas.',
    ),
  );

/** The certificates in the PEM file with this path. */
export const certificates = z.string().transform((path, context): string[] => {
  let found: string[] = [];
  try {
    const text = readFileSync(path, 'utf8');
    found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    for (const certificate of found) {
      new X509Certificate(certificate);
    }
  } catch (error) {
    context.addIssue(`must be a PEM file that can be read: ${(error as NodeJS.ErrnoException).code}.`);
    return z.NEVER;
  }
  if (found.length === 0) {
    context.addIssue('must be a PEM file with a certificate: it has none.');
  }
  return found;
});

/** Parses entries separated by commas. Each entry that `parse` refuses is a problem of its own. */
function parseEntries<T>(
  text: string,
  context: z.core.$RefinementCtx,
  { parse, explain }: { parse: (entry: string) => T | undefined; explain: (entry: string) => string },
): T[] {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries.flatMap((entry, index) => {
    const value = parse(entry);
    if (value !== undefined) {
      return [value];
    }
    const message = entry === '' ? 'is empty: remove a comma.' : explain(entry);
    context.addIssue({ code: 'custom', path: entries.length === 1 ? [] : [index], message });
    return [];
  });
}

function parseUrl(text: string, protocols: readonly string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && protocols.includes(url.protocol) && url.hostname !== '' ? url : undefined;
}

const FAMILY = /^(\?family=[046])?$/;

const parseUrlsOfRedis = (text: string) =>
  text.split(',').map((entry) => parseUrl(entry.trim(), ['redis:', 'rediss:']));

/** Names an unknown parameter of a Redis url. */
function refuseParameters(text: string, context: z.RefinementCtx): void {
  // Before an @ there may be a password.
  const url = parseUrlsOfRedis(text).find((one) => one && !FAMILY.test(one.search) && !one.search.includes('@'));
  if (url !== undefined) {
    const name = [...url.searchParams.keys()].find((key) => key !== 'family');
    context.addIssue(
      name === undefined
        ? 'must be without ?family=, or with ?family=0, 4 or 6.'
        : `must be without the parameter ${name}; only family is supported.`,
    );
  }
}

function parseRedisUrls(text: string): string[] | undefined {
  const urls = parseUrlsOfRedis(text);
  const database = urls.length === 1 ? /^(\/[0-9]{0,5})?$/ : /^\/?$/;
  const usable = urls.filter(
    (url) =>
      url !== undefined &&
      isDecodable(url.username) &&
      isDecodable(url.password) &&
      database.test(url.pathname) &&
      FAMILY.test(url.search) &&
      !url.hash &&
      url.protocol === urls[0]?.protocol,
  );
  return usable.length === urls.length ? usable.map((url) => (url as URL).href) : undefined;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function parseProxy(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  const isNetwork = bits === undefined || (/^[1-9][0-9]{0,2}$/.test(bits) && +bits <= (version === 4 ? 32 : 128));
  const isAddress = version !== 0 && isNetwork && rest.length === 0;
  return isAddress || ['loopback', 'linklocal', 'uniquelocal'].includes(text) ? text : undefined;
}
