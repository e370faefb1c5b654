import type { ModeratorEntry, SupervisorEntry } from '../../people/roster';
import { readRosterFile } from '../../people/roster-file';
import { type CommandContext, parseCommandLine } from '../run-command';
import { formatTable } from '../table';
import { rosterSourceOf } from './whom';

const HEADINGS = ['NAME', 'ROLE', 'NUMBER', 'PIN', 'PASSWORD', 'ROOMS', 'MAY'];

/** `roster list`: prints everybody in the roster, without PINs and passwords. @throws UserError */
export async function listCommand({ args, env, stdout, stderr }: CommandContext): Promise<void> {
  parseCommandLine({ args });
  const { moderators, supervisors } = await readRosterFile(rosterSourceOf(env));
  if (moderators.length + supervisors.length === 0) {
    stderr.write('roster: Nobody is in the roster.\n');
    return;
  }
  stdout.write(
    formatTable(HEADINGS, [
      ...moderators.map((one) => [...cellsOf(one, 'moderator'), '']),
      ...supervisors.map((one) => [...cellsOf(one, 'supervisor'), [...one.rights].join(',')]),
    ]),
  );
}

function cellsOf(one: ModeratorEntry | SupervisorEntry, role: string): string[] {
  const { name = '', address, pin, requirePin, password, rooms } = one;
  return [
    name,
    role,
    address ?? 'any',
    pin === undefined ? 'no' : requirePin ? 'always' : address === undefined ? 'alone' : 'elsewhere',
    password === undefined ? 'no' : 'yes',
    rooms === 'all' ? 'all' : [...rooms].join(','),
  ];
}
