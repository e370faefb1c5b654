import { findSimilarSetting } from './similar-setting';
import { SETTING_NAMES, type SettingName, type SettingTexts, type SettingValues } from './table';

/** Variables as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The shortest PIN_KEY that production accepts. Somebody with the roster who guesses the key can find every PIN. */
export const MIN_PIN_KEY_CHARACTERS = 16;

/** The warning of a shorter one. */
export const SHORT_PIN_KEY = `PIN_KEY is shorter than ${MIN_PIN_KEY_CHARACTERS} characters; production requires ${MIN_PIN_KEY_CHARACTERS}.`;

/** The agent's number in development, in the README too; nobody's, so the log may name it. */
export const DEFAULT_MODERATOR = '+15557788999';

const API_TOKEN = 'SIGNALWIRE_SIGNING_KEY begins with PT, as API tokens do: a signing key begins with PSK_.';

const REST_SETTINGS = ['SIGNALWIRE_SPACE_URL', 'SIGNALWIRE_PROJECT_ID', 'SIGNALWIRE_API_TOKEN'] as const;

const OIDC_SETTINGS = ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'] as const;

/** The missing settings that production or another setting requires; they stop the start. A sentence each. */
export function findGaps(texts: SettingTexts, env: Environment): string[] {
  return [
    ...(texts.NODE_ENV === 'production' ? findGapsInProduction(texts, env) : []),
    ...findIncomplete('the REST API', REST_SETTINGS, texts, env),
    ...findIncomplete('signing in at an identity provider', OIDC_SETTINGS, texts, env),
  ];
}

/** The problem that two listeners would share a port; a port that the system chooses is always another. */
export function findPortClash(values: Pick<SettingValues, 'port' | 'metricsPort'> | undefined): string[] {
  const isShared = values !== undefined && values.port !== 0 && values.port === values.metricsPort;
  return isShared ? ['METRICS_PORT must differ from PORT: set another METRICS_PORT.'] : [];
}

/** The problem that only some of several settings are there. */
function findIncomplete(
  purpose: string,
  names: readonly SettingName[],
  texts: SettingTexts,
  env: Environment,
): string[] {
  const missing = names.filter((name) => texts[name] === undefined);
  if (missing.length === 0 || missing.length === names.length) {
    return [];
  }
  const questions = missing.map((name) => askAboutMisspelling(name, env)).join('');
  return [`${missing.join(' and ')} must be set too: ${purpose} needs ${names.join(', ')} together.${questions}`];
}

function findGapsInProduction(texts: SettingTexts, env: Environment): string[] {
  const purposes: Partial<Record<SettingName, string>> = {
    SIGNALWIRE_SIGNING_KEY: 'it proves that a webhook comes from your Space',
    PUBLIC_URL: 'it is the address your Space calls, and part of every signature',
    // A roster's people are checked when it is read.
    ...(texts.ROSTER_FILE === undefined && {
      MODERATOR_NUMBERS: 'without a moderator, here or in a ROSTER_FILE, no conference can start',
      SUPERVISOR_NUMBERS: 'without it, or a ROSTER_FILE, nobody may supervise',
    }),
  };
  return [
    ...unset(purposes, texts).map(
      ([name, purpose]) => `${name} must be set in production: ${purpose}.${askAboutMisspelling(name, env)}`,
    ),
    ...(isPinKeyShort(texts) ? [`${SHORT_PIN_KEY} To make one: openssl rand -hex 32.`] : []),
    ...(hasApiToken(texts) ? [API_TOKEN] : []),
    ...(isPlainHttp(texts.PUBLIC_URL) ? ['PUBLIC_URL must begin with https:// in production.'] : []),
    ...(isPlainHttp(texts.SIGNALWIRE_SPACE_URL)
      ? ['SIGNALWIRE_SPACE_URL must not begin with http:// in production: it would expose the API token.']
      : []),
    ...(isPlainHttp(texts.OIDC_ISSUER)
      ? ['OIDC_ISSUER must begin with https:// in production: anybody on the way could sign in as anyone.']
      : []),
  ];
}

/** Warnings for the start, about what is open, provisional or without effect. A sentence each. */
export function findWarnings(texts: SettingTexts, env: Environment): string[] {
  const consequences: Partial<Record<SettingName, string>> = {
    SIGNALWIRE_SIGNING_KEY: `unsigned webhooks are accepted from ${isThisMachine(texts.HOST) ? 'this machine only' : 'anyone'}.`,
    PUBLIC_URL: 'documents point to localhost, where no Space can call back.',
    ...(/^https:/i.test(texts.PUBLIC_URL ?? '') && {
      TRUST_PROXY:
        "all clients count as one address, and anybody's wrong passwords can lock everybody out of the screen.",
    }),
    ...(texts.ROSTER_FILE === undefined && {
      MODERATOR_NUMBERS: `the agent is ${DEFAULT_MODERATOR}. Set it, or ROSTER_FILE.`,
      SUPERVISOR_NUMBERS: 'anyone may supervise. Set it, or ROSTER_FILE.',
    }),
    REDIS_URL: 'state is kept in memory. A restart loses the rooms and the audit trail, and only one server may run.',
    SIGNALWIRE_SPACE_URL:
      'the server cannot mute a supervisor whose agent leaves, and cannot make up for lost callbacks.',
  };
  const warnings = unset(consequences, texts).map(
    ([name, consequence]) => `${name} is not set: ${consequence}${askAboutMisspelling(name, env)}`,
  );
  return [
    ...warnings,
    ...findMisspellings(env, warnings),
    ...findKeyWarnings(texts),
    ...findTlsWarnings(texts),
    ...findNoticeWarnings(texts),
  ];
}

function findKeyWarnings(texts: SettingTexts): string[] {
  const signingKeys = texts.SIGNALWIRE_SIGNING_KEY ?? '';
  return [
    ...(hasApiToken(texts) ? [API_TOKEN] : []),
    ...(signingKeys.includes(',')
      ? ['SIGNALWIRE_SIGNING_KEY has two keys, and both are accepted: remove the old one soon.']
      : []),
    ...(isPinKeyShort(texts) ? [SHORT_PIN_KEY] : []),
  ];
}

function findTlsWarnings(texts: SettingTexts): string[] {
  if (!/^rediss:/i.test(texts.REDIS_URL ?? '')) {
    return (['REDIS_TLS_CA', 'REDIS_TLS_VERIFY'] as const)
      .filter((name) => texts[name] !== undefined)
      .map((name) => `${name} has no effect: REDIS_URL does not begin with rediss://.`);
  }
  return texts.REDIS_TLS_VERIFY === 'false'
    ? ['REDIS_TLS_VERIFY is false: anyone on the way to Redis can read and change all data, and learn its password.']
    : [];
}

function findNoticeWarnings({ MODERATOR_NOTICE: policy = 'never', ...texts }: SettingTexts): string[] {
  if (policy === 'never') {
    return [];
  }
  if (texts.SIGNALWIRE_SPACE_URL === undefined) {
    return [`MODERATOR_NOTICE is ${policy} but has no effect: notices need the REST API, set SIGNALWIRE_SPACE_URL.`];
  }
  return texts.ANNOUNCE_IS_PRIVATE === 'true'
    ? []
    : [
        `MODERATOR_NOTICE is ${policy} but has no effect: callers might hear the notice. If you have tested that they do not, set ANNOUNCE_IS_PRIVATE=true.`,
      ];
}

function unset(sentences: Partial<Record<SettingName, string>>, texts: SettingTexts): [string, string][] {
  return Object.entries(sentences).filter(([name]) => texts[name as SettingName] === undefined);
}

function hasApiToken({ SIGNALWIRE_SIGNING_KEY: keys = '' }: SettingTexts): boolean {
  return /(^|,) *PT/.test(keys);
}

function isPinKeyShort({ PIN_KEY: key }: SettingTexts): boolean {
  return key !== undefined && key.length < MIN_PIN_KEY_CHARACTERS;
}

/** Whether only this machine can reach a server with this HOST. In development that is the default. */
function isThisMachine(host = 'localhost'): boolean {
  return /^(localhost|127(\.\d+){3}|::1)$/i.test(host);
}

function isPlainHttp(url = ''): boolean {
  return /^http:/i.test(url);
}

/**
 * Questions to append to the message that a setting is missing: one for each variable with a similar name, each with a
 * leading space. Includes ROSTER_FILE if that would do instead.
 */
export function askAboutMisspelling(setting: string, env: Environment): string {
  const missing = setting.endsWith('_NUMBERS') ? [setting, 'ROSTER_FILE'] : [setting];
  return findMisspelt(env)
    .filter(({ meant }) => missing.includes(meant))
    .map(({ name, meant }) => ` ${name} is set: did you mean ${meant}?`)
    .join('');
}

/** A sentence for each misspelt name that none of the given sentences asks about. */
export function findMisspellings(env: Environment, sentences: readonly string[]): string[] {
  return findMisspelt(env)
    .filter(({ name }) => !sentences.some((sentence) => sentence.includes(` ${name} is set: did you mean `)))
    .map(({ name, meant }) => `${name} is not a setting: did you mean ${meant}?`);
}

/** The variables whose names resemble those of settings that are not set. */
export function findMisspelt(env: Environment): { name: string; meant: string }[] {
  return Object.keys(env).flatMap((name) => {
    const meant = env[name]?.trim() ? findSimilarSetting(name, SETTING_NAMES) : undefined;
    return meant === undefined || env[meant]?.trim() ? [] : [{ name, meant }];
  });
}
