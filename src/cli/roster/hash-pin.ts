import { UserError } from '../../ops/user-error';
import { hashPin, parsePin } from '../../people/pin';
import { askAboutMisspelling, MIN_PIN_KEY_CHARACTERS } from '../../settings/checks';
import type { CommandContext } from '../run-command';
import { readSettings } from '../settings';
import { createSecretPrompt } from './secret-prompt';
import { HINT } from './usage';

/** `roster hash-pin`: prints the hash of a PIN. @throws UserError */
export async function hashPinCommand({ args, env, stdin, stdout, stderr }: CommandContext): Promise<void> {
  const [given, ...others] = args;
  if (others.length > 0) {
    throw new UserError([HINT]);
  }
  const { pinKey } = readSettings(env);
  if (pinKey === undefined) {
    throw new UserError([
      `PIN_KEY is not set: PINs are hashed with it. To make one: openssl rand -hex 32.${askAboutMisspelling('PIN_KEY', env)}`,
    ]);
  }
  const pin = parsePin((given ?? (await askForPin({ stdin, stderr }))).trim());
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

async function askForPin(io: Pick<CommandContext, 'stdin' | 'stderr'>): Promise<string> {
  const prompt = createSecretPrompt(io);
  try {
    return await prompt.ask('PIN: ');
  } finally {
    prompt.close();
  }
}
