import { MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS } from '../people/password';
import { addCommand } from './roster/add';
import { checkCommand } from './roster/check';
import { hashPinCommand } from './roster/hash-pin';
import { listCommand } from './roster/list';
import { removeCommand } from './roster/remove';
import { setNumberCommand } from './roster/set-number';
import { setPasswordCommand } from './roster/set-password';
import { setPinCommand } from './roster/set-pin';
import { unlockCommand } from './roster/unlock';
import { usageError } from './roster/whom';
import { type CommandContext, runSettingsCommand } from './run-command';

const USAGE = `npm run --silent roster -- list
npm run --silent roster -- check
npm run --silent roster -- add NAME --role ROLE [options]
npm run --silent roster -- set-number NAME NUMBER [--role ROLE]
npm run --silent roster -- set-pin NAME [--random] [--role ROLE]
npm run --silent roster -- set-password NAME [--role ROLE]
npm run --silent roster -- remove NAME [--role ROLE]
npm run --silent roster -- unlock NAME | NUMBER | --all
npm run --silent roster -- hash-pin [PIN]

Changes the people in ROSTER_FILE, and nothing else there. Set ROSTER_FILE and PIN_KEY in the environment or .env as for
the server. A running server notices changes within seconds.

  list                prints everybody
  check               says whether the server would accept the file, and what should be changed
  add                 adds a person; creates the file if there is none
  set-number          sets the telephone number, or the SIP or client address, that somebody calls from
  set-pin             sets a PIN of 5 to 10 digits. --random chooses one, and prints it once
  set-password        sets a password for the screen, of ${MIN_PASSWORD_CHARACTERS} to ${MAX_PASSWORD_CHARACTERS} characters
  remove              removes a person
  unlock              lets a person or number, or everybody, enter PINs and passwords again; needs REDIS_URL
  hash-pin            prints the hash of a PIN, to put into a file by other means

  --role ROLE         moderator (an agent) or supervisor; needed by add, and if NAME is both
  --number NUMBER     of add: the number, or SIP or client address, that they call from
  --random-pin        of add: a PIN, alone or beside the number, printed once
  --email EMAIL       of add: for the screen
  --room ROOM         of add: a room they may enter; give --room again for more. By default, all rooms
  --right RIGHT       of add: something a supervisor may do; give --right again for more
  --mode MODE         of add: the mode in which a supervisor starts: monitor, coach or barge
  --extension DIGITS  of add: what supervisors may enter to reach this moderator

PINs and passwords are read from standard input, which keeps them out of the list of processes and the shell's history.
A terminal does not show what you type.
`;

const COMMANDS: Readonly<Record<string, (context: CommandContext) => Promise<void>>> = {
  list: listCommand,
  check: checkCommand,
  add: addCommand,
  'set-number': setNumberCommand,
  'set-pin': setPinCommand,
  'set-password': setPasswordCommand,
  remove: removeCommand,
  unlock: unlockCommand,
  'hash-pin': hashPinCommand,
};

/** `npm run roster`. @throws UserError */
export async function roster(context: CommandContext): Promise<void> {
  const [command, ...args] = context.args;
  if (context.args.includes('--help')) {
    context.stdout.write(USAGE);
    return;
  }
  const run = command === undefined || !Object.hasOwn(COMMANDS, command) ? undefined : COMMANDS[command];
  if (run === undefined) {
    throw usageError(Object.keys(COMMANDS).join('|'));
  }
  await run({ ...context, args });
}

if (require.main === module) {
  runSettingsCommand('roster', roster);
}
