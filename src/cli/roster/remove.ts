import { removePerson } from '../../people/roster-edit';
import { type CommandContext, parseArguments } from '../run-command';
import { parseWhom, ROLE_OPTION, serverRosterOf } from './whom';

/** `roster remove`: removes a person from the roster. @throws UserError */
export async function removeCommand({ args, env, stderr }: CommandContext): Promise<void> {
  const whom = parseArguments({ args, allowPositionals: true, options: ROLE_OPTION });
  const who = parseWhom(whom, 'remove NAME [--role ROLE]');
  await removePerson({ ...serverRosterOf(env), hasPinKey: true }, who);
  stderr.write(`roster: Removed ${who.name}. A call in progress goes on until they press * or it ends.\n`);
}
