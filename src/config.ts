import { UserError } from './ops/user-error';
import { type PhoneNumber, parsePhoneNumber } from './people/address';
import type { RosterSource } from './people/roster-file';
import {
  askAboutMisspelling,
  DEFAULT_MODERATOR,
  type Environment,
  findGaps,
  findPortClash,
  findWarnings,
} from './settings/checks';
import { cleanSettingText } from './settings/setting-text';
import { parseSettings, SETTINGS, type SettingTexts, type SettingValues } from './settings/table';

/** The settings of one server, validated and complete. */
export type Config = ReturnType<typeof createConfig>;

/** Valid settings, or every problem: a sentence each, which begins with the setting's name. */
export type ParsedConfig =
  | { config: Config }
  /** `roster`: the roster that the settings name, which may have more problems. */
  | { config: undefined; problems: readonly string[]; roster: RosterSource | undefined };

/**
 * As {@link parseConfig}.
 *
 * @throws UserError with every problem
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
  const { texts, problems: textProblems } = cleanTexts(env);
  const { values, problems: valueProblems } = parseSettings(texts);
  const problems = [...textProblems, ...valueProblems, ...findGaps(texts, env), ...findPortClash(values)];
  const roster = findRoster(texts, env);
  return values === undefined || problems.length > 0
    ? { config: undefined, problems, roster }
    : { config: createConfig(values, { roster, warnings: findWarnings(texts, env) }) };
}

/** The values as the server uses them: grouped, and with the defaults that depend on other settings. */
function createConfig(
  values: SettingValues,
  { roster, warnings }: { roster: RosterSource | undefined; warnings: readonly string[] },
) {
  const { nodeEnv, redisTlsCa, redisTlsVerify, spaceUrl, projectId, apiToken, rosterFile, ...rest } = values;
  const { oidcIssuer, oidcClientId, oidcClientSecret, ...config } = rest;
  const production = nodeEnv === 'production';
  return Object.freeze({
    ...config,
    production,
    /**
     * Undefined listens on every address of this machine. Development accepts unsigned webhooks, so it listens to this
     * machine alone.
     */
    host: config.host ?? (production ? undefined : '127.0.0.1'),
    /** For `rediss:` urls. */
    redisTls: { ca: redisTlsCa, verify: redisTlsVerify },
    /** Undefined if the Space's REST API is not configured. */
    space: spaceUrl && projectId && apiToken ? { url: spaceUrl, projectId, apiToken } : undefined,
    /** The identity provider of the screen; undefined if there is none. */
    oidc:
      oidcIssuer && oidcClientId && oidcClientSecret
        ? { issuer: oidcIssuer, clientId: oidcClientId, clientSecret: oidcClientSecret }
        : undefined,
    moderatorNumbers:
      config.moderatorNumbers ?? (rosterFile === undefined ? [parsePhoneNumber(DEFAULT_MODERATOR) as PhoneNumber] : []),
    /** `'any'`, in development: everyone. */
    supervisorNumbers: config.supervisorNumbers ?? (rosterFile === undefined ? ('any' as const) : []),
    /** Undefined if only the numbers above are known. */
    roster,
    /** Sentences about what is open or provisional, for the log at the start. */
    warnings,
  });
}

/** Each setting's text without quotes and comments, and a problem for each that it had. */
function cleanTexts(env: Environment): { texts: SettingTexts; problems: string[] } {
  const cleaned = Object.values(SETTINGS).map(({ name, rules }) => ({
    name,
    ...cleanSettingText(name, env[name]?.trim() ?? '', rules),
  }));
  return {
    texts: {
      ...(env.DEFAULT_NODE_ENV !== undefined && { NODE_ENV: env.DEFAULT_NODE_ENV }),
      ...Object.fromEntries(cleaned.filter(({ text }) => text).map(({ name, text }) => [name, text])),
    },
    problems: cleaned.flatMap(({ problems }) => problems),
  };
}

/** The roster that the settings name, whether they can be used or not. */
function findRoster(texts: SettingTexts, env: Environment): RosterSource | undefined {
  if (texts.ROSTER_FILE === undefined) {
    return undefined;
  }
  const roles = [
    ...(texts.MODERATOR_NUMBERS === undefined ? (['moderator'] as const) : []),
    ...(texts.SUPERVISOR_NUMBERS === undefined ? (['supervisor'] as const) : []),
  ];
  return {
    file: texts.ROSTER_FILE,
    hasPinKey: texts.PIN_KEY !== undefined,
    pinKeyQuestion: askAboutMisspelling('PIN_KEY', env),
    // Production without a moderator or a supervisor is most likely a mistake.
    mustName: texts.NODE_ENV === 'production' ? roles : [],
  };
}
