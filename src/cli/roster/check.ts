import { readRosterFile } from '../../people/roster-file';
import { findRosterWarnings } from '../../people/roster-warnings';
import { formatCount } from '../doctor/finding';
import { type CommandContext, parseCommandLine } from '../run-command';
import { readSettings } from '../settings';
import { serverRosterOf } from './whom';

/**
 * `roster check`: reads the roster as the server does, and prints what it has, and what should be changed.
 *
 * @throws UserError with every problem for which the server would refuse it
 */
export async function checkCommand({ args, env, stdout, stderr }: CommandContext): Promise<void> {
  parseCommandLine({ args });
  const { pinKey } = readSettings(env);
  const source = serverRosterOf(env);
  const entries = await readRosterFile(source);
  const { moderators, supervisors } = entries;
  stdout.write(
    `${source.file} can be used. It names ${formatCount(moderators.length, 'moderator')} and ${formatCount(supervisors.length, 'supervisor')}.\n`,
  );
  for (const { message, remedy } of findRosterWarnings(entries, pinKey)) {
    stderr.write(`roster: ${message} ${remedy}\n`);
  }
}
