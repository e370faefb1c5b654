import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { UserError } from '../ops/user-error';
import { hashPin, parsePin } from '../people/pin';
import { askAboutMisspelling, MIN_PIN_KEY_CHARACTERS } from '../settings/checks';
import { exitWithoutReader, runCommand } from './run-command';
import { readSettings } from './settings';

const USAGE = `npm run --silent roster -- hash-pin [PIN]

Prints the hash of a PIN of 5 to 10 digits, for the roster. Without a PIN it reads one from standard input, which keeps the
PIN out of the list of processes and the shell's history.`;

async function main(): Promise<void> {
  const [command, given, ...others] = process.argv.slice(2);
  if (command === '--help') {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (command !== 'hash-pin' || others.length > 0) {
    throw new UserError(['Usage: npm run --silent roster -- hash-pin [PIN]']);
  }
  const { pinKey } = readSettings();
  if (pinKey === undefined) {
    throw new UserError([
      `PIN_KEY is not set: PINs are hashed with it. To make one: openssl rand -hex 32.${askAboutMisspelling('PIN_KEY', process.env)}`,
    ]);
  }
  const pin = parsePin((given ?? (await readLine())).trim());
  if (pin === undefined) {
    throw new UserError(['A PIN has 5 to 10 digits.']);
  }
  if (pinKey.length < MIN_PIN_KEY_CHARACTERS) {
    process.stderr.write(
      `roster: PIN_KEY is shorter than ${MIN_PIN_KEY_CHARACTERS} characters; production requires ${MIN_PIN_KEY_CHARACTERS}.\n`,
    );
  }
  process.stdout.write(`${hashPin(pinKey, pin)}\n`);
}

/** Reads a line from standard input. A terminal does not show what is typed. */
async function readLine(): Promise<string> {
  const { stdin } = process;
  const hidden = stdin.isTTY
    ? { terminal: true, output: new Writable({ write: (_text, _encoding, done) => done() }) }
    : {};
  if (stdin.isTTY) {
    process.stderr.write('PIN: ');
  }
  for await (const line of createInterface({ input: stdin, ...hidden })) {
    if (stdin.isTTY) {
      process.stderr.write('\n');
    }
    // An open terminal would keep the process running.
    stdin.destroy();
    return line;
  }
  return '';
}

exitWithoutReader('roster');
void runCommand('roster', main);
