import { createInterface } from 'node:readline';
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
    throw new CommandError('There is hash-pin alone, with one PIN or none. --help tells more.');
  }
  const { pinKey } = readSettings();
  if (pinKey === undefined) {
    throw new CommandError('PIN_KEY is not set: PINs are hashed with it, such as openssl rand -hex 32 prints one.');
  }
  const pin = parsePin((given ?? (await readLine())).trim());
  if (pin === undefined) {
    throw new CommandError('A PIN has 5 to 10 digits.');
  }
  process.stdout.write(`${hashPin(pinKey, pin)}\n`);
}

async function readLine(): Promise<string> {
  if (process.stdin.isTTY) {
    process.stderr.write('PIN: ');
  }
  for await (const line of createInterface({ input: process.stdin })) {
    return line;
  }
  return '';
}

runCommand('roster', main);
