import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { UserError } from '../ops/user-error';
import { hashPin, parsePin } from '../people/pin';
import { askAboutMisspelling, MIN_PIN_KEY_CHARACTERS } from '../settings/checks';
import { type CommandContext, runSettingsCommand } from './run-command';
import { readSettings } from './settings';

const USAGE = `npm run --silent roster -- hash-pin [PIN]

Prints the hash of a PIN of 5 to 10 digits, for the roster. Without a PIN it reads one from standard input, which keeps the
PIN out of the list of processes and the shell's history.`;

/** `npm run roster`. @throws UserError */
export async function roster({ args, env, stdin, stdout, stderr }: CommandContext): Promise<void> {
  const [command, given, ...others] = args;
  if (command === '--help') {
    stdout.write(`${USAGE}\n`);
    return;
  }
  if (command !== 'hash-pin' || others.length > 0) {
    throw new UserError(['Usage: npm run --silent roster -- hash-pin [PIN]']);
  }
  const { pinKey } = readSettings(env);
  if (pinKey === undefined) {
    throw new UserError([
      `PIN_KEY is not set: PINs are hashed with it. To make one: openssl rand -hex 32.${askAboutMisspelling('PIN_KEY', env)}`,
    ]);
  }
  const pin = parsePin((given ?? (await readLine(stdin, stderr))).trim());
  if (pin === undefined) {
    throw new UserError(['A PIN has 5 to 10 digits.']);
  }
  if (pinKey.length < MIN_PIN_KEY_CHARACTERS) {
    stderr.write(
      `roster: PIN_KEY is shorter than ${MIN_PIN_KEY_CHARACTERS} characters; production requires ${MIN_PIN_KEY_CHARACTERS}.\n`,
    );
  }
  stdout.write(`${hashPin(pinKey, pin)}\n`);
}

/** Reads a line. A terminal does not show what is typed. */
async function readLine(stdin: CommandContext['stdin'], stderr: Writable): Promise<string> {
  const hidden = stdin.isTTY
    ? { terminal: true, output: new Writable({ write: (_text, _encoding, done) => done() }) }
    : {};
  if (stdin.isTTY) {
    stderr.write('PIN: ');
  }
  for await (const line of createInterface({ input: stdin, ...hidden })) {
    if (stdin.isTTY) {
      stderr.write('\n');
    }
    // An open terminal would keep the process running.
    stdin.destroy();
    return line;
  }
  return '';
}

if (require.main === module) {
  runSettingsCommand('roster', roster);
}
