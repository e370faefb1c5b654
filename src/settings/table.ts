import { z } from 'zod';
import { parsedString } from '../ops/parsed-string';
import { parseRoomName, ROOM_NAME_FORM, type RoomName } from '../rooms/room';
import { SMOKE_TEST_ROOM } from '../rooms/smoke-test';
import { NOTICE_POLICIES } from '../supervision/notice-policy';
import {
  certificates,
  host,
  issuer,
  oneOf,
  phoneNumber,
  phoneNumbers,
  publicUrl,
  redisUrls,
  sessionSecret,
  signingKeys,
  spaceUrl,
  spokenText,
  trueOrFalse,
  trustProxy,
  webUrl,
  wholeNumber,
} from './schemas';
import type { TextRules } from './setting-text';

/** The most days that the audit trail can be kept. */
export const MAX_AUDIT_DAYS = 3_650;

const LIST = { isList: true };
const PROSE = { isProse: true };
const TOKEN = { isToken: true };

/**
 * Every setting: its field in the code, its name in the environment, its schema with the default, the form of its text.
 */
export const SETTINGS = {
  nodeEnv: setting('NODE_ENV', oneOf(['development', 'production', 'test']).optional()),
  /** 0 lets the system choose. */
  port: setting('PORT', wholeNumber(0, 65_535).default(3_000)),
  host: setting('HOST', host.optional()),
  /** 0 lets the system choose; undefined serves no metrics. */
  metricsPort: setting('METRICS_PORT', wholeNumber(0, 65_535).optional()),
  /**
   * The address at which the Space reaches this server, without a slash at the end; undefined for `http://localhost:PORT`.
   */
  publicUrl: setting('PUBLIC_URL', publicUrl.optional()),
  /** Trusted proxies: a count, or addresses or networks. */
  trustProxy: setting('TRUST_PROXY', trustProxy.default(false), LIST),
  logLevel: setting('LOG_LEVEL', oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info')),
  /** Undefined writes text to a terminal and JSON to anything else. */
  logFormat: setting('LOG_FORMAT', oneOf(['text', 'json']).optional()),
  /** How long a stopping server goes on serving, so that load balancers notice. */
  drainSeconds: setting('DRAIN_SECONDS', wholeNumber(0, 300).default(1)),
  /** Open connections per address; trusted proxies have no limit. */
  maxConnectionsPerAddress: setting('MAX_CONNECTIONS_PER_ADDRESS', wholeNumber(1, 1_000_000).default(1_000)),

  /** `redis:` or `rediss:` urls, several for a cluster; none to keep state in memory. */
  redisUrls: setting('REDIS_URL', redisUrls.default([]), LIST),
  redisTlsCa: setting('REDIS_TLS_CA', certificates.optional()),
  redisTlsVerify: setting('REDIS_TLS_VERIFY', trueOrFalse.default(true)),

  /** Two while a new key replaces an old one; if empty, unsigned webhooks are accepted. */
  signingKeys: setting('SIGNALWIRE_SIGNING_KEY', signingKeys.default([]), { ...LIST, ...TOKEN }),
  spaceUrl: setting('SIGNALWIRE_SPACE_URL', spaceUrl.optional()),
  projectId: setting(
    'SIGNALWIRE_PROJECT_ID',
    z
      .string()
      .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the project id from your Space.')
      .optional(),
    TOKEN,
  ),
  apiToken: setting('SIGNALWIRE_API_TOKEN', z.string().optional(), TOKEN),

  /** The room of a path that names none. */
  conferenceName: setting(
    'CONFERENCE_NAME',
    parsedString(parseRoomName, `must be ${ROOM_NAME_FORM}, with no space at either end.`)
      .refine((room) => room !== SMOKE_TEST_ROOM, 'must be another room: this one is open to everybody in the roster.')
      .default('sample-conf' as RoomName),
  ),
  moderatorNumbers: setting('MODERATOR_NUMBERS', phoneNumbers.optional(), LIST),
  supervisorNumbers: setting('SUPERVISOR_NUMBERS', phoneNumbers.optional(), LIST),
  rosterFile: setting('ROSTER_FILE', z.string().optional()),
  /** The key that PINs are hashed with; undefined if there are none. */
  pinKey: setting('PIN_KEY', z.string().optional()),
  /** Signs the cookies of the screen; undefined derives it from the signing keys. */
  sessionSecret: setting('SESSION_SECRET', sessionSecret.optional(), TOKEN),
  /** The identity provider of the screen. */
  oidcIssuer: setting('OIDC_ISSUER', issuer.optional()),
  oidcClientId: setting('OIDC_CLIENT_ID', z.string().optional(), TOKEN),
  oidcClientSecret: setting('OIDC_CLIENT_SECRET', z.string().optional(), TOKEN),
  /** The language of the spoken prompts and the screen. */
  promptLanguage: setting('PROMPT_LANGUAGE', oneOf(['en', 'de']).default('en')),
  /** A LaML document for waiting callers; undefined for the Space's own music. */
  waitUrl: setting('WAIT_URL', webUrl.optional()),
  callerNotice: setting('CALLER_NOTICE', spokenText.optional(), PROSE),
  /** When a moderator is notified that a supervisor has come in. */
  moderatorNotice: setting('MODERATOR_NOTICE', oneOf(NOTICE_POLICIES).default('never')),
  moderatorNoticeText: setting('MODERATOR_NOTICE_TEXT', spokenText.optional(), PROSE),
  /** The voice of the two notices above; undefined for the Space's own. */
  noticeVoice: setting(
    'NOTICE_VOICE',
    z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'must be the name of a voice of your Space, such as woman or Polly.Joanna.')
      .optional(),
  ),
  /** The language of the two notices above; undefined for the voice's own. */
  noticeLanguage: setting(
    'NOTICE_LANGUAGE',
    z
      .string()
      .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be the tag of a language, such as en-GB.')
      .optional(),
  ),
  /** Whether nobody else hears an announcement to one participant. */
  announceIsPrivate: setting('ANNOUNCE_IS_PRIVATE', trueOrFalse.default(false)),
  /** The number of the Space that supervisors are called from; undefined if nobody is called. */
  callerId: setting('CALLER_ID', phoneNumber.optional()),
  /** Whether every conference is recorded from its start. */
  recordConferences: setting('RECORD_CONFERENCES', trueOrFalse.default(false)),
  maxCallSeconds: setting('MAX_CALL_SECONDS', wholeNumber(1, 86_400).default(14_400)),
  /** How many days the audit trail is kept. */
  auditDays: setting('AUDIT_DAYS', wholeNumber(1, MAX_AUDIT_DAYS).default(365)),
  /** REST requests per second for comparing rooms with the Space. */
  sweepRequestsPerSecond: setting('SWEEP_REQUESTS_PER_SECOND', wholeNumber(5, 1_000).default(50)),
};

type Field = keyof typeof SETTINGS;

/** The name of a setting in the environment. */
export type SettingName = (typeof SETTINGS)[Field]['name'];

/** The text of each setting that has one. */
export type SettingTexts = Readonly<Partial<Record<SettingName, string>>>;

/** The parsed value of each setting. */
export type SettingValues = { [F in Field]: z.output<(typeof SETTINGS)[F]['schema']> };

/** The names that `.env` has for compose.yaml, which turns them into settings. */
export const COMPOSE_NAMES: ReadonlySet<string> = new Set(['DOMAIN', 'REDIS_PASSWORD']);

/** The names of all settings. */
export const SETTING_NAMES: ReadonlySet<string> = new Set(Object.values(SETTINGS).map(({ name }) => name));

/** Parses all settings. `values` is undefined if there are problems: sentences that begin with the setting's name. */
export function parseSettings(texts: SettingTexts): { values: SettingValues | undefined; problems: string[] } {
  const results = Object.entries(SETTINGS).map(([field, { name, schema }]) => ({
    field,
    name,
    result: schema.safeParse(texts[name]),
  }));
  const problems = results.flatMap(({ name, result }) =>
    (result.error?.issues ?? []).map(({ path: [index], message }) => `${placeOf(name, index)} ${message}`),
  );
  const values = Object.fromEntries(results.map(({ field, result }) => [field, result.data]));
  return { values: problems.length === 0 ? (values as SettingValues) : undefined, problems };
}

/** A setting, or an entry of its list. */
function placeOf(name: string, index: PropertyKey | undefined): string {
  return typeof index === 'number' ? `${name}, entry ${index + 1}` : name;
}

function setting<Name extends string, Schema extends z.ZodType>(name: Name, schema: Schema, rules: TextRules = {}) {
  return { name, schema, rules };
}
