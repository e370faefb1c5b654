import { parseConfig } from '../../config';
import { UserError } from '../../ops/user-error';
import type { RosterName } from '../../people/roster-edit';
import type { Role, RosterSource } from '../../people/roster-file';
import { askAboutMisspelling } from '../../settings/checks';
import type { CommandContext } from '../run-command';
import { readSettings } from '../settings';

/** The option of commands about one person. */
export const ROLE_OPTION = { role: { type: 'string' } } as const;

/**
 * Parses `NAME [--role ROLE]`.
 *
 * @param usage of the command, for a problem
 * @throws UserError
 */
export function parseWhom(
  { values, positionals }: { values: { role?: string | undefined }; positionals: readonly string[] },
  usage: string,
): RosterName {
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) {
    throw usageError(usage);
  }
  return { name, role: parseRole(values.role) };
}

/** A command line that is not understood. */
export function usageError(usage: string): UserError {
  return new UserError([`Usage: npm run --silent roster -- ${usage}. See --help.`]);
}

function parseRole(text: string | undefined): Role | undefined {
  if (text === undefined || text === 'moderator' || text === 'supervisor') {
    return text;
  }
  throw new UserError(['--role must be moderator or supervisor.']);
}

/**
 * The roster of the settings. PINs are not checked here, so `PIN_KEY` may be missing.
 *
 * @throws UserError if there is none, or the settings cannot be used
 */
export function rosterSourceOf(env: CommandContext['env']): RosterSource {
  const { roster } = readSettings(env);
  if (roster === undefined) {
    throw new UserError([
      `ROSTER_FILE is not set: people are kept in it. Set it in .env, such as ROSTER_FILE=roster/roster.json.${askAboutMisspelling('ROSTER_FILE', env)}`,
    ]);
  }
  return { ...roster, hasPinKey: true };
}

/**
 * The roster as the server requires it: `PIN_KEY` if somebody has a PIN; in production, a moderator and a supervisor.
 *
 * @throws UserError if there is none
 */
export function serverRosterOf(env: CommandContext['env']): RosterSource {
  const parsed = parseConfig(env);
  const roster = parsed.config === undefined ? parsed.roster : parsed.config.roster;
  return roster ?? rosterSourceOf(env);
}
