import { UserError } from '../ops/user-error';
import { MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS } from '../people/password';
import { hashPinCommand } from './roster/hash-pin';
import { setPassword } from './roster/set-password';
import { HINT } from './roster/usage';
import { type CommandContext, runSettingsCommand } from './run-command';

const USAGE = `npm run --silent roster -- hash-pin [PIN]
npm run --silent roster -- set-password NAME [--role ROLE]

  hash-pin            prints the hash of a PIN of 5 to 10 digits, for the roster
  set-password        sets the password of a person in ROSTER_FILE, and changes nothing else there; ${MIN_PASSWORD_CHARACTERS} to ${MAX_PASSWORD_CHARACTERS}
                      characters. A running server notices within seconds

  --role ROLE         moderator or supervisor; needed if NAME is both

PIN and password are read from standard input, which keeps them out of the list of processes and the shell's history. A
terminal does not show what you type. ROSTER_FILE and PIN_KEY are set in the environment or .env as for the server.
`;

/** `npm run roster`. @throws UserError */
export async function roster(context: CommandContext): Promise<void> {
  const [command, ...args] = context.args;
  if (context.args.includes('--help')) {
    context.stdout.write(USAGE);
    return;
  }
  const commands: Readonly<Record<string, typeof setPassword>> = {
    'hash-pin': hashPinCommand,
    'set-password': setPassword,
  };
  const run = command === undefined || !Object.hasOwn(commands, command) ? undefined : commands[command];
  if (run === undefined) {
    throw new UserError([HINT]);
  }
  await run({ ...context, args });
}

if (require.main === module) {
  runSettingsCommand('roster', roster);
}
