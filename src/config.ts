import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { parsedString } from './ops/parsed-string';
import { UserError } from './ops/user-error';
import { explainPhoneNumber, type PhoneNumber, parsePhoneNumber } from './people/phone-number';
import type { RosterSource } from './people/roster-file';
import type { RedisTls } from './redis/tls-problem';
import { parseRoomName, ROOM_NAME_FORM, type RoomName } from './rooms/room-name';
import { readSettingText } from './setting-text';
import type { SpaceSettings } from './signalwire/conference-api';
import { findSimilarSetting } from './similar-setting';
import { NOTICE_POLICIES, type NoticePolicy } from './supervision/notice-policy';

/** The settings of one server, validated and complete. */
export interface Config {
  production: boolean;
  /** 0 lets the system choose. */
  port: number;
  /** Undefined listens on every address of this machine. */
  host: string | undefined;
  /** The address a Space reaches this server at, without a slash at the end; undefined for `http://localhost:PORT`. */
  publicUrl: string | undefined;
  trustProxy: number | readonly string[] | false;
  logLevel: string;
  /** How many connections one address may have, trusted proxies excepted. */
  maxConnectionsPerAddress: number;
  /** `redis:` or `rediss:` urls, several for a cluster; none for the embedded store. */
  redisUrls: readonly string[];
  /** For `rediss:` urls. */
  redisTls: RedisTls;
  /** Two while a new key replaces an old one; none accepts unsigned webhooks. */
  signingKeys: readonly string[];
  /** Undefined when the Space's REST API is not to be used. */
  space: SpaceSettings | undefined;
  conferenceName: RoomName;
  moderatorNumbers: readonly PhoneNumber[];
  supervisorNumbers: readonly PhoneNumber[] | 'any';
  /** Undefined for the numbers above alone. */
  roster: RosterSource | undefined;
  /** What PINs are hashed with; undefined when there are none. */
  pinKey: string | undefined;
  waitUrl: string | undefined;
  callerNotice: string | undefined;
  moderatorNotice: NoticePolicy;
  /** What a moderator is told when the policy says so. */
  moderatorNoticeText: string;
  /** How notices are spoken; undefined for the Space's own way. */
  noticeVoice: string | undefined;
  noticeLanguage: string | undefined;
  maxCallSeconds: number;
  /** Whether what REST announces to a participant is heard by them alone. */
  announceIsPrivate: boolean;
  /** How many days the audit trail is kept. */
  auditDays: number;
  /** How many requests comparing the rooms with the Space may take, each second. */
  sweepRequestsPerSecond: number;
  /** Sentences about what is open or provisional, to be said loudly at the start. */
  warnings: readonly string[];
}

/** Variables as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that can be used, or every problem there is: a sentence each, which begins with the setting's name. */
export type ParsedConfig =
  | { config: Config }
  /** `roster`: where to look for more problems, if the settings name one. */
  | { config: undefined; problems: readonly string[]; roster: RosterSource | undefined };

/** The moderator of the tutorial, who may moderate as long as no other is named. */
const TUTORIAL_MODERATOR = parsePhoneNumber('+15557788999') as PhoneNumber;

/** The longest that the audit trail can be kept. */
export const MAX_AUDIT_DAYS = 3_650;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

function wholeNumber(least: number, most: number) {
  return parsedString(
    (text) => (/^[0-9]{1,9}$/.test(text) && +text >= least && +text <= most ? +text : undefined),
    `must be a whole number from ${least} to ${most}.`,
  );
}

function listOf<T>(read: (text: string) => T | undefined) {
  return (text: string): T[] | undefined => {
    const items = text.split(',').map((item) => read(item.trim()));
    return items.every((item) => item !== undefined) ? (items as T[]) : undefined;
  };
}

/** Reads what stands between commas. Each entry that `read` cannot read is a problem of its own. */
function readEntries<T>(
  text: string,
  context: z.core.$RefinementCtx,
  { read, explain }: { read: (entry: string) => T | undefined; explain: (entry: string) => string },
): T[] {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries.flatMap((entry, index) => {
    const value = read(entry);
    if (value !== undefined) {
      return [value];
    }
    const message = entry === '' ? 'is empty: remove a comma.' : explain(entry);
    context.addIssue({ code: 'custom', path: entries.length === 1 ? [] : [index], message });
    return [];
  });
}

const phoneNumbers = z.string().transform((text, context) =>
  readEntries(text, context, {
    read: (entry) => (entry.startsWith('+') ? parsePhoneNumber(entry) : undefined),
    explain: (entry) => `${explainPhoneNumber(entry)}.`,
  }),
);

const signingKeys = z
  .string()
  .transform((text, context) =>
    readEntries(text, context, {
      read: (entry) => (/^[A-Za-z0-9_.+/=-]+$/.test(entry) ? entry : undefined),
      explain: () => 'has a character that no signing key has; two keys are separated by a comma.',
    }),
  )
  .refine((keys) => keys.length <= 2, 'must be one key, or two while a new key replaces an old one.');

const trustProxy = z.string().transform((text, context): number | string[] => {
  if (/^[0-9]{1,2}$/.test(text)) {
    return Number(text);
  }
  const form = 'an address, a network such as 10.0.0.0/8, loopback, linklocal or uniquelocal';
  const explain = () => (text.includes(',') ? `must be ${form}.` : `must be a number of proxies, ${form}.`);
  return readEntries(text, context, { read: readProxy, explain });
});

const spokenText = parsedString(
  // No control characters, and nothing else that XML cannot hold.
  (text) => (/^[^\p{Cc}\p{Cs}\uFFFE\uFFFF]{1,4096}$/u.test(text) ? text : undefined),
  'must be at most 4096 characters on one line, without control characters.',
);

const settings = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test'], 'must be development, production or test.').optional(),
  PORT: wholeNumber(0, 65_535).optional(),
  HOST: parsedString(
    (text) => (isIP(text) || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text) ? text : undefined),
    'must be an IP address or a host name of this machine.',
  ).optional(),
  PUBLIC_URL: parsedString(
    readPublicUrl,
    'must be the address a Space reaches this server at, such as https://coach.example.com, without a webhook path or query.',
  ).optional(),
  TRUST_PROXY: trustProxy.optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}.`).optional(),
  MAX_CONNECTIONS_PER_ADDRESS: wholeNumber(1, 1_000_000).optional(),
  REDIS_URL: z
    .string()
    .superRefine(refuseParameters)
    .pipe(
      parsedString(
        readRedisUrls,
        'must be a url such as redis://localhost:6379 or rediss://:password@host:6380/0, or for a cluster several without a database, separated by commas.',
      ),
    )
    .optional(),
  REDIS_TLS_CA: z.string().transform(readCertificates).optional(),
  REDIS_TLS_VERIFY: z.enum(['true', 'false'], 'must be true or false.').optional(),
  SIGNALWIRE_SIGNING_KEY: signingKeys.optional(),
  SIGNALWIRE_SPACE_URL: parsedString(
    readSpaceUrl,
    'must be the host name of your Space, such as example.signalwire.com.',
  ).optional(),
  SIGNALWIRE_PROJECT_ID: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the project id from your Space.')
    .optional(),
  SIGNALWIRE_API_TOKEN: z.string().optional(),
  CONFERENCE_NAME: parsedString(parseRoomName, `must be ${ROOM_NAME_FORM}, with no space at either end.`).optional(),
  MODERATOR_NUMBERS: phoneNumbers.optional(),
  SUPERVISOR_NUMBERS: phoneNumbers.optional(),
  ROSTER_FILE: z.string().optional(),
  PIN_KEY: z.string().optional(),
  WAIT_URL: parsedString(
    (text) => readUrl(text, ['http:', 'https:'])?.href,
    'must be an absolute http or https url.',
  ).optional(),
  CALLER_NOTICE: spokenText.optional(),
  MODERATOR_NOTICE: z.enum(NOTICE_POLICIES, `must be one of ${NOTICE_POLICIES.join(', ')}.`).optional(),
  MODERATOR_NOTICE_TEXT: spokenText.optional(),
  NOTICE_VOICE: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'must be the name of a voice of your Space, such as woman or Polly.Joanna.')
    .optional(),
  NOTICE_LANGUAGE: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be the tag of a language, such as en-GB.')
    .optional(),
  ANNOUNCE_IS_PRIVATE: z.enum(['true', 'false'], 'must be true or false.').optional(),
  MAX_CALL_SECONDS: wholeNumber(1, 86_400).optional(),
  AUDIT_DAYS: wholeNumber(1, MAX_AUDIT_DAYS).optional(),
  SWEEP_REQUESTS_PER_SECOND: wholeNumber(5, 1_000).optional(),
});

/** The names of all settings. */
export const SETTING_NAMES: ReadonlySet<string> = new Set(Object.keys(settings.shape));

const LISTS = new Set([
  'TRUST_PROXY',
  'REDIS_URL',
  'SIGNALWIRE_SIGNING_KEY',
  'MODERATOR_NUMBERS',
  'SUPERVISOR_NUMBERS',
]);
const PROSE = new Set(['CALLER_NOTICE', 'MODERATOR_NOTICE_TEXT']);
const TOKENS = new Set(['SIGNALWIRE_SIGNING_KEY', 'SIGNALWIRE_PROJECT_ID', 'SIGNALWIRE_API_TOKEN']);

/**
 * As {@link parseConfig}.
 *
 * @throws UserError with every problem there is
 */
export function loadConfig(env: Environment): Config {
  const parsed = parseConfig(env);
  if (parsed.config === undefined) {
    throw new UserError(parsed.problems);
  }
  return parsed.config;
}

/**
 * Parses the settings in the environment, and reads the file that REDIS_TLS_CA names. An empty value counts as missing.
 *
 * @param env may also have DEFAULT_NODE_ENV, the NODE_ENV of an environment that sets none: the image is for production
 */
export function parseConfig(env: Environment): ParsedConfig {
  const { given, problems: remains } = readGiven(env);
  const result = settings.safeParse(given);
  const problems = [
    ...remains,
    ...(result.error?.issues.map(({ path, message }) => `${placeOf(path)} ${message}`) ?? []),
    ...findGaps(given, env),
  ];
  if (!result.success || problems.length > 0) {
    return { config: undefined, problems, roster: findRoster(given, env) };
  }

  const read = result.data;
  const production = read.NODE_ENV === 'production';
  const config: Config = {
    production,
    port: read.PORT ?? 3000,
    // Development takes unsigned webhooks, so it listens to this machine alone unless told otherwise.
    host: read.HOST ?? (production ? undefined : '127.0.0.1'),
    publicUrl: read.PUBLIC_URL,
    trustProxy: read.TRUST_PROXY ?? false,
    logLevel: read.LOG_LEVEL ?? 'info',
    maxConnectionsPerAddress: read.MAX_CONNECTIONS_PER_ADDRESS ?? 1_000,
    redisUrls: read.REDIS_URL ?? [],
    redisTls: { ca: read.REDIS_TLS_CA, verify: read.REDIS_TLS_VERIFY !== 'false' },
    signingKeys: read.SIGNALWIRE_SIGNING_KEY ?? [],
    space: readSpace(read.SIGNALWIRE_SPACE_URL, read.SIGNALWIRE_PROJECT_ID, read.SIGNALWIRE_API_TOKEN),
    conferenceName: read.CONFERENCE_NAME ?? (parseRoomName('sample-conf') as RoomName),
    moderatorNumbers: read.MODERATOR_NUMBERS ?? (read.ROSTER_FILE === undefined ? [TUTORIAL_MODERATOR] : []),
    supervisorNumbers: read.SUPERVISOR_NUMBERS ?? (read.ROSTER_FILE === undefined ? 'any' : []),
    roster: findRoster(given, env),
    pinKey: read.PIN_KEY,
    waitUrl: read.WAIT_URL,
    callerNotice: read.CALLER_NOTICE,
    moderatorNotice: read.MODERATOR_NOTICE ?? 'never',
    moderatorNoticeText: read.MODERATOR_NOTICE_TEXT ?? 'A supervisor is on the line.',
    noticeVoice: read.NOTICE_VOICE,
    noticeLanguage: read.NOTICE_LANGUAGE,
    maxCallSeconds: read.MAX_CALL_SECONDS ?? 14_400,
    announceIsPrivate: read.ANNOUNCE_IS_PRIVATE === 'true',
    auditDays: read.AUDIT_DAYS ?? 365,
    sweepRequestsPerSecond: read.SWEEP_REQUESTS_PER_SECOND ?? 50,
    warnings: findWarnings(given, env),
  };
  return { config };
}

/**
 * Questions to append to the message that a setting is missing: one for each variable with a similar name, each with a
 * leading space. Includes ROSTER_FILE where it would do instead.
 */
export function askAboutMisspelling(setting: string, env: Environment): string {
  const missing = setting.endsWith('_NUMBERS') ? [setting, 'ROSTER_FILE'] : [setting];
  return findMisspelt(env)
    .filter(({ meant }) => missing.includes(meant))
    .map(({ name, meant }) => ` ${name} is set: did you mean ${meant}?`)
    .join('');
}

/** The variables whose names resemble those of settings that are not set. */
export function findMisspelt(env: Environment): { name: string; meant: string }[] {
  return Object.keys(env).flatMap((name) => {
    const meant = env[name]?.trim() ? findSimilarSetting(name, SETTING_NAMES) : undefined;
    return meant === undefined || env[meant]?.trim() ? [] : [{ name, meant }];
  });
}

/** Each setting's text without quotes and comments, and a problem for each one found. */
function readGiven(env: Environment): { given: Given; problems: string[] } {
  const texts = [...SETTING_NAMES].map((name) => ({
    name,
    ...readSettingText(name, env[name]?.trim() ?? '', {
      isList: LISTS.has(name),
      isProse: PROSE.has(name),
      isToken: TOKENS.has(name),
    }),
  }));
  return {
    given: {
      ...(env.DEFAULT_NODE_ENV !== undefined && { NODE_ENV: env.DEFAULT_NODE_ENV }),
      ...Object.fromEntries(texts.filter(({ text }) => text).map(({ name, text }) => [name, text])),
    },
    problems: texts.flatMap(({ problems }) => problems),
  };
}

/** A setting, and the entry of its list if it is one's. */
function placeOf([name, index]: readonly PropertyKey[]): string {
  return typeof index === 'number' ? `${String(name)}, entry ${index + 1}` : String(name);
}

/** The roster, by the settings that are there, valid or not. */
function findRoster(given: Given, env: Environment): RosterSource | undefined {
  if (given.ROSTER_FILE === undefined) {
    return undefined;
  }
  const unnamed = [
    ...(given.MODERATOR_NUMBERS === undefined ? (['moderator'] as const) : []),
    ...(given.SUPERVISOR_NUMBERS === undefined ? (['supervisor'] as const) : []),
  ];
  return {
    file: given.ROSTER_FILE,
    hasPinKey: given.PIN_KEY !== undefined,
    pinKeyQuestion: askAboutMisspelling('PIN_KEY', env),
    // Production without a moderator or a supervisor is most likely a mistake.
    mustName: given.NODE_ENV === 'production' ? unnamed : [],
  };
}

/** How long a key for PINs is at least, in production: who has the roster and guesses the key has the PINs. */
export const MIN_PIN_KEY_CHARACTERS = 16;

type Given = Partial<Record<keyof typeof settings.shape, string>>;

/** What is missing, or goes together with something else. */
function findGaps(given: Given, env: Environment): string[] {
  const problems: string[] = [];
  if (given.NODE_ENV === 'production') {
    const purposes = {
      SIGNALWIRE_SIGNING_KEY: 'it proves that a webhook comes from your Space',
      PUBLIC_URL: 'it is the address your Space calls, and part of every signature',
      // A roster is looked at when it is read.
      ...(given.ROSTER_FILE === undefined && {
        MODERATOR_NUMBERS: 'without a moderator, here or in a ROSTER_FILE, no conference can start',
        SUPERVISOR_NUMBERS: 'without it, or a ROSTER_FILE, nobody may supervise',
      }),
    } as const;
    for (const [name, purpose] of Object.entries(purposes)) {
      if (given[name as keyof typeof purposes] === undefined) {
        problems.push(`${name} must be set in production: ${purpose}.${askAboutMisspelling(name, env)}`);
      }
    }
    if (given.PIN_KEY !== undefined && given.PIN_KEY.length < MIN_PIN_KEY_CHARACTERS) {
      problems.push(
        `PIN_KEY must have at least ${MIN_PIN_KEY_CHARACTERS} characters in production, such as openssl rand -hex 32 prints.`,
      );
    }
    if (/^http:/i.test(given.PUBLIC_URL ?? '')) {
      problems.push('PUBLIC_URL must begin with https:// in production.');
    }
    if (/^http:/i.test(given.SIGNALWIRE_SPACE_URL ?? '')) {
      problems.push('SIGNALWIRE_SPACE_URL must not begin with http:// in production: it would show the API token.');
    }
  }
  const rest = ['SIGNALWIRE_SPACE_URL', 'SIGNALWIRE_PROJECT_ID', 'SIGNALWIRE_API_TOKEN'] as const;
  const missing = rest.filter((name) => given[name] === undefined);
  if (missing.length === 1 || missing.length === 2) {
    const questions = missing.map((name) => askAboutMisspelling(name, env)).join('');
    problems.push(
      `${missing.join(' and ')} must be set too: the REST API needs ${rest.join(', ')} together.${questions}`,
    );
  }
  return problems;
}

function findWarnings(given: Given, env: Environment): string[] {
  const consequences = {
    SIGNALWIRE_SIGNING_KEY: 'webhooks are accepted from anyone, unsigned',
    PUBLIC_URL: 'documents point to localhost, where no Space can call back',
    ...(given.ROSTER_FILE === undefined && {
      MODERATOR_NUMBERS: "the tutorial's number is the moderator",
      SUPERVISOR_NUMBERS: 'anyone may supervise',
    }),
    REDIS_URL:
      'the store is in this process: a restart forgets the moderators and the audit trail, and only one server may run',
    SIGNALWIRE_SPACE_URL:
      'a supervisor whose agent leaves cannot be muted, and what callbacks did not tell is never known',
  } as const;
  const misspelt = findMisspelt(env);
  const tlsWithoutUse = /^rediss:/i.test(given.REDIS_URL ?? '')
    ? []
    : (['REDIS_TLS_CA', 'REDIS_TLS_VERIFY'] as const).filter((name) => given[name] !== undefined);
  const acceptsAnyCertificate = given.REDIS_TLS_VERIFY === 'false' && tlsWithoutUse.length === 0;
  const isKeyShort = given.PIN_KEY !== undefined && given.PIN_KEY.length < MIN_PIN_KEY_CHARACTERS;
  const cannotTell =
    (given.MODERATOR_NOTICE ?? 'never') === 'never'
      ? undefined
      : given.SIGNALWIRE_SPACE_URL === undefined
        ? 'moderators are told by REST, which is not set'
        : given.ANNOUNCE_IS_PRIVATE !== 'true'
          ? 'callers might hear the notice too; ANNOUNCE_IS_PRIVATE=true says that you have tested that they do not'
          : undefined;
  return [
    ...Object.entries(consequences)
      .filter(([name]) => given[name as keyof typeof consequences] === undefined)
      .map(([name, consequence]) => `${name} is not set: ${consequence}.${askAboutMisspelling(name, env)}`),
    ...misspelt
      .filter(({ meant }) => !(meant in consequences))
      .map(({ name, meant }) => `${name} is set, and is no setting: did you mean ${meant}?`),
    ...(/(^|,) *PT/.test(given.SIGNALWIRE_SIGNING_KEY ?? '')
      ? ['SIGNALWIRE_SIGNING_KEY begins with PT, as API tokens do: a signing key begins with PSK_.']
      : []),
    ...(given.SIGNALWIRE_SIGNING_KEY?.includes(',')
      ? ['SIGNALWIRE_SIGNING_KEY has two keys, and webhooks signed with either are accepted: remove the old one soon.']
      : []),
    ...tlsWithoutUse.map((name) => `${name} has no effect: REDIS_URL does not begin with rediss://.`),
    ...(acceptsAnyCertificate
      ? [
          'REDIS_TLS_VERIFY is false: anyone between this server and Redis can read and change everything, and its password.',
        ]
      : []),
    ...(isKeyShort ? [`PIN_KEY has less than ${MIN_PIN_KEY_CHARACTERS} characters: production does not take it.`] : []),
    ...(cannotTell === undefined
      ? []
      : [`MODERATOR_NOTICE is ${given.MODERATOR_NOTICE}, and cannot be kept: ${cannotTell}.`]),
  ];
}

function readUrl(text: string, protocols: readonly string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && protocols.includes(url.protocol) && url.hostname !== '' ? url : undefined;
}

function readPublicUrl(text: string): string | undefined {
  const url = readUrl(text, ['http:', 'https:']);
  // A webhook's whole address, pasted here, would make every signature wrong.
  const isWebhook = url && /\/(conference|coach|supervisor|events|fallback)(\/|$)/.test(url.pathname);
  const bare = url && !isWebhook && !url.username && !url.password && !/[?#\s,]/.test(text);
  return bare ? (url.origin + url.pathname).replace(/\/+$/, '') : undefined;
}

function readSpaceUrl(text: string): string | undefined {
  const url = readUrl(/^https?:\/\//i.test(text) ? text : `https://${text}`, ['http:', 'https:']);
  return url && url.pathname === '/' && !url.search && !url.hash && !url.username ? url.origin : undefined;
}

function readSpace(url?: string, projectId?: string, apiToken?: string): SpaceSettings | undefined {
  return url && projectId && apiToken ? { url, projectId, apiToken } : undefined;
}

const FAMILY = /^(\?family=[046])?$/;

/** Names a parameter of a Redis url that is not known. */
function refuseParameters(text: string, context: z.RefinementCtx): void {
  const urls = text.split(',').map((item) => readUrl(item.trim(), ['redis:', 'rediss:']));
  // Before an @ there may be a password.
  const url = urls.find((item) => item && !FAMILY.test(item.search) && !item.search.includes('@'));
  if (url !== undefined) {
    const name = [...url.searchParams.keys()].find((key) => key !== 'family');
    context.addIssue(
      name === undefined
        ? 'must be without ?family=, or with ?family=0, 4 or 6.'
        : `must be without the parameter ${name}; only family is supported.`,
    );
  }
}

/** The certificates in a PEM file. */
function readCertificates(path: string, context: z.RefinementCtx): string[] {
  let certificates: string[] = [];
  try {
    const text = readFileSync(path, 'utf8');
    certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    for (const certificate of certificates) {
      new X509Certificate(certificate);
    }
  } catch (error) {
    context.addIssue(`must be a PEM file that can be read: ${(error as NodeJS.ErrnoException).code}.`);
    return z.NEVER;
  }
  if (certificates.length === 0) {
    context.addIssue('must be a PEM file with a certificate: it has none.');
  }
  return certificates;
}

function readRedisUrls(text: string): string[] | undefined {
  const urls = listOf((item) => readUrl(item, ['redis:', 'rediss:']))(text);
  const usable = urls?.every(({ pathname, search, hash, protocol, username, password }) => {
    if (!isDecodable(username) || !isDecodable(password)) {
      return false;
    }
    const database = urls.length === 1 ? /^(\/[0-9]{0,5})?$/ : /^\/?$/;
    return database.test(pathname) && FAMILY.test(search) && !hash && protocol === urls[0]?.protocol;
  });
  return usable ? urls?.map(({ href }) => href) : undefined;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function readProxy(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  const isNetwork = bits === undefined || (/^[1-9][0-9]{0,2}$/.test(bits) && +bits <= (version === 4 ? 32 : 128));
  const isAddress = version !== 0 && isNetwork && rest.length === 0;
  return isAddress || ['loopback', 'linklocal', 'uniquelocal'].includes(text) ? text : undefined;
}
