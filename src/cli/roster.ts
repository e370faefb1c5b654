import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { askAboutMisspelling, MIN_PIN_KEY_CHARACTERS } from '../config';
import { hashPin, parsePin } from '../people/pin';
import { CommandError, readSettings, runCommand } from './settings';

const USAGE = `npm run --silent roster -- hash-pin [PIN]

prints what the roster holds for a PIN of 5 to 10 digits. Without one it is read from standard input, where neither the
list of processes nor the history of the shell shows it.`;

async function main(): Promise<void> {
  const [command, given, ...others] = process.argv.slice(2);
  if (command === '--help') {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (command !== 'hash-pin' || others.length > 0) {
    throw new CommandError('Usage: npm run --silent roster -- hash-pin [PIN]');
  }
  const { pinKey } = readSettings();
  if (pinKey === undefined) {
    throw new CommandError(
      `PIN_KEY is not set: PINs are hashed with it, such as openssl rand -hex 32 prints one.${askAboutMisspelling('PIN_KEY', process.env)}`,
    );
  }
  const pin = parsePin((given ?? (await readLine())).trim());
  if (pin === undefined) {
    throw new CommandError('A PIN has 5 to 10 digits.');
  }
  if (pinKey.length < MIN_PIN_KEY_CHARACTERS) {
    process.stderr.write(
      `roster: PIN_KEY has less than ${MIN_PIN_KEY_CHARACTERS} characters: production does not take it.\n`,
    );
  }
  process.stdout.write(`${hashPin(pinKey, pin)}\n`);
}

/** A line from standard input; typed at a terminal, it is not shown. */
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
    // A terminal that is listened to keeps the process going.
    stdin.destroy();
    return line;
  }
  return '';
}

runCommand('roster', main);
