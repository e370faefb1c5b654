import { randomInt } from 'node:crypto';
import { UserError } from '../../ops/user-error';
import { hashPin, type Pin, parsePin } from '../../people/pin';
import type { Person } from '../../people/roster';
import { findPerson, setFields } from '../../people/roster-edit';
import { readRosterFile } from '../../people/roster-file';
import { explainWeakPin } from '../../people/weak-pin';
import { askAboutMisspelling, MIN_PIN_KEY_CHARACTERS, SHORT_PIN_KEY } from '../../settings/checks';
import { type CommandContext, parseArguments } from '../run-command';
import { readSettings } from '../settings';
import { createSecretPrompt } from './secret-prompt';
import { parseWhom, ROLE_OPTION, rosterSourceOf } from './whom';

const USAGE = 'set-pin NAME [--random] [--role ROLE]';

/** The digits of a random PIN: one guess in a million is right. */
const RANDOM_DIGITS = 6;

/**
 * `roster set-pin`: writes the hash of a PIN into the roster. A typed PIN is never shown; a random one is printed once.
 *
 * @throws UserError
 */
export async function setPinCommand({ args, env, stdin, stdout, stderr }: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments({
    args,
    allowPositionals: true,
    options: { ...ROLE_OPTION, random: { type: 'boolean', default: false } },
  });
  const who = parseWhom({ values, positionals }, USAGE);
  const pinKey = readPinKey(env, stderr);
  const source = rosterSourceOf(env);
  // Before somebody types a PIN in vain.
  const entries = await readRosterFile(source);
  const { list, index } = findPerson(entries, who, source.file);
  const typed = values.random ? undefined : await readPin({ stdin, stderr });
  let pin = typed;
  await setFields(source, who, (present) => {
    pin ??= randomPin(pinKey, present[list]);
    return { pin: hashPin(pinKey, pin) };
  });
  stderr.write(`roster: Set the PIN of ${who.name}.\n`);
  const weakness = typed && explainWeakPin(typed, entries[list][index]?.address);
  if (weakness !== undefined) {
    stderr.write(`roster: It is easy to guess: it ${weakness}. Better: set-pin ${who.name} --random.\n`);
  }
  if (typed === undefined && pin !== undefined) {
    printRandomPin(pin, { stdout, stderr });
  }
}

/** Prints a random PIN, which nobody can look up later. */
export function printRandomPin(pin: Pin, { stdout, stderr }: Pick<CommandContext, 'stdout' | 'stderr'>): void {
  stdout.write(`${pin}\n`);
  stderr.write('roster: Copy the PIN now: only its hash is kept.\n');
}

/** A PIN that none of these people has, and that is not easy to guess. */
export function randomPin(pinKey: string, people: readonly Person[]): Pin {
  const taken = new Set(people.map(({ pin }) => pin));
  for (;;) {
    const pin = String(randomInt(10 ** RANDOM_DIGITS)).padStart(RANDOM_DIGITS, '0') as Pin;
    if (!taken.has(hashPin(pinKey, pin)) && explainWeakPin(pin) === undefined) {
      return pin;
    }
  }
}

/**
 * The key that PINs are hashed with; warns of a short one.
 *
 * @throws UserError if it is missing
 */
export function readPinKey(env: CommandContext['env'], stderr: CommandContext['stderr']): string {
  const { pinKey } = readSettings(env);
  if (pinKey === undefined) {
    throw new UserError([
      `PIN_KEY is not set: PINs are hashed with it. To make one: openssl rand -hex 32.${askAboutMisspelling('PIN_KEY', env)}`,
    ]);
  }
  if (pinKey.length < MIN_PIN_KEY_CHARACTERS) {
    stderr.write(`roster: ${SHORT_PIN_KEY}\n`);
  }
  return pinKey;
}

/** A terminal is asked twice, because nobody sees what they type. */
async function readPin(io: Pick<CommandContext, 'stdin' | 'stderr'>): Promise<Pin> {
  const prompt = createSecretPrompt(io);
  try {
    const pin = parsePin((await prompt.ask('PIN: ')).trim());
    if (pin === undefined) {
      throw new UserError(['A PIN has 5 to 10 digits.']);
    }
    if (io.stdin.isTTY && (await prompt.ask('Again: ')).trim() !== pin) {
      throw new UserError(['The two PINs differ: nothing was changed.']);
    }
    return pin;
  } finally {
    prompt.close();
  }
}
