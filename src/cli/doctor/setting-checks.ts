import { type Config, parseConfig } from '../../config';
import { withDeadline } from '../../ops/deadline';
import { UserError } from '../../ops/user-error';
import { readRosterFile } from '../../people/roster-file';
import { findRosterWarnings } from '../../people/roster-warnings';
import { hasExpired } from '../../people/tokens';
import { readTokensFile, tokensFileBeside } from '../../people/tokens-file';
import { type Environment, findMisspellings } from '../../settings/checks';
import { error, type Finding, formatCount, ok, skipped, warning } from './finding';

const SETTINGS = 'settings.values';
const SIGNING_KEY = 'settings.signing-key';
const ROSTER = 'people.roster';
const TOKENS = 'people.tokens';

/** The settings of a server that starts, as far as they can be used. */
export interface CheckedSettings {
  findings: Finding[];
  /**
   * For the other checks; undefined if the settings cannot be used. Settings that only production refuses are in it, so
   * that the other checks can be made.
   */
  config: Config | undefined;
  /** Whether the server would start with them. */
  areValid: boolean;
}

/** Checks the settings as a start does, in production or not. */
export function checkSettings(env: Environment): CheckedSettings {
  const parsed = parseConfig(env);
  if (parsed.config === undefined) {
    const { config } = parseConfig({ ...env, NODE_ENV: 'development' });
    const findings = [
      ...parsed.problems.map((problem) => error(SETTINGS, problem, null)),
      ...findMisspellings(env, parsed.problems).map((sentence) => warning(SETTINGS, sentence, null)),
    ];
    return { findings: [...findings, ...checkSigningKeys(config)], config, areValid: false };
  }
  const { config } = parsed;
  // The check of the signing key has its own sentences about it.
  const warnings = config.warnings.filter((sentence) => !sentence.startsWith('SIGNALWIRE_SIGNING_KEY '));
  const findings =
    warnings.length === 0
      ? [
          ok(
            SETTINGS,
            `All can be used, for ${config.production ? 'production' : 'development: NODE_ENV is not production'}.`,
          ),
        ]
      : warnings.map((sentence) => warning(SETTINGS, sentence, null));
  return { findings: [...findings, ...checkSigningKeys(config)], config, areValid: true };
}

/** Only the form can be checked: the Space tells nobody the key. */
function checkSigningKeys(config: Config | undefined): Finding[] {
  if (config === undefined) {
    return skipped([SIGNING_KEY], 'The settings cannot be used.');
  }
  const { signingKeys, space } = config;
  const copy = 'Copy the signing key from the API page of your Space; it begins with PSK_.';
  if (signingKeys.length === 0) {
    return [warning(SIGNING_KEY, 'SIGNALWIRE_SIGNING_KEY is not set: webhooks are not checked.', copy)];
  }
  if (signingKeys.some((key) => key === space?.apiToken || key.startsWith('PT'))) {
    return [error(SIGNING_KEY, 'SIGNALWIRE_SIGNING_KEY is an API token: every call gets 403.', copy)];
  }
  if (!signingKeys.every((key) => /^PSK_./.test(key))) {
    return [warning(SIGNING_KEY, 'SIGNALWIRE_SIGNING_KEY does not begin with PSK_.', copy)];
  }
  return signingKeys.length === 1
    ? [ok(SIGNING_KEY, 'The signing key has the right form.')]
    : [
        warning(
          SIGNING_KEY,
          'SIGNALWIRE_SIGNING_KEY has two keys, and both are accepted.',
          'Remove the old one when your Space uses the new one.',
        ),
      ];
}

/** Checks the files of people and of tokens. */
export async function checkPeople(
  env: Environment,
  { now, timeoutMs }: { now: () => number; timeoutMs: number },
): Promise<Finding[]> {
  const parsed = parseConfig(env);
  const source = parsed.config === undefined ? parsed.roster : parsed.config.roster;
  if (source === undefined) {
    return skipped([ROSTER, TOKENS], 'ROSTER_FILE is not set: people are numbers only, and there are no tokens.');
  }
  const tokensFile = tokensFileBeside(source.file);
  const [roster, tokens] = await Promise.all([
    findProblems({ id: ROSTER, file: source.file, timeoutMs }, async () => {
      const entries = await readRosterFile(source);
      const { moderators, supervisors } = entries;
      const counts = `${formatCount(moderators.length, 'moderator')} and ${formatCount(supervisors.length, 'supervisor')}`;
      const warnings = findRosterWarnings(entries, parsed.config?.pinKey).map(({ message, remedy }) =>
        warning(ROSTER, message, remedy),
      );
      return warnings.length === 0 ? [ok(ROSTER, `${source.file} names ${counts}.`)] : warnings;
    }),
    findProblems({ id: TOKENS, file: tokensFile, timeoutMs }, async () => {
      const entries = await readTokensFile(tokensFile);
      const expired = entries.filter((entry) => hasExpired(entry, now())).map(({ name }) => name);
      return expired.length === 0
        ? [ok(TOKENS, `${tokensFile} has ${formatCount(entries.length, 'token')}.`)]
        : [
            warning(
              TOKENS,
              `${tokensFile} has expired tokens: ${expired.join(', ')}.`,
              'Remove them: npm run --silent tokens -- revoke NAME.',
            ),
          ];
    }),
  ]);
  return [...roster, ...tokens];
}

/** Reports the problems of a file that cannot be used as errors. */
async function findProblems(
  { id, file, timeoutMs }: { id: string; file: string; timeoutMs: number },
  check: () => Promise<Finding[]>,
): Promise<Finding[]> {
  const late = () => new UserError([`${file} could not be read in ${timeoutMs / 1_000} s.`]);
  try {
    return await withDeadline(check(), timeoutMs, late);
  } catch (problem) {
    if (problem instanceof UserError) {
      return problem.problems.map((sentence) => error(id, sentence, null));
    }
    throw problem;
  }
}
