import { type Config, loadConfig, parseConfig } from '../config';
import { UserError } from '../ops/user-error';
import { readRosterFile } from '../people/roster-file';
import { findMisspellings } from '../settings/checks';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The settings of a server that starts. If they cannot be used, the roster is read too and misspelt names are looked for,
 * to report all problems at once.
 *
 * @throws UserError
 */
export async function readServerSettings(env: Env): Promise<Config> {
  const parsed = parseConfig(env);
  if (parsed.config !== undefined) {
    return parsed.config;
  }
  const { problems, roster } = parsed;
  const rosterProblems = roster === undefined ? [] : await readRosterFile(roster).then(() => [], problemsOf);
  const all = [...problems, ...rosterProblems];
  throw new UserError([...all, ...findMisspellings(env, all)]);
}

/** @throws whatever is not a UserError */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof UserError) {
    return error.problems;
  }
  throw error;
}

/**
 * The settings of a command, which are the server's. Those that only a server needs in production may be missing: PINs
 * are hashed before the first start, and the audit trail may be read on another machine.
 *
 * @throws UserError if they cannot be used
 */
export function readSettings(env: Env): Config {
  return loadConfig({ ...env, NODE_ENV: 'development' });
}
