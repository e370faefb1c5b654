import { UserError } from '../../ops/user-error';
import { hashPin, parsePin } from '../../people/pin';
import type { CommandContext } from '../run-command';
import { createSecretPrompt } from './secret-prompt';
import { readPinKey } from './set-pin';
import { usageError } from './whom';

/** `roster hash-pin`: prints the hash of a PIN. @throws UserError */
export async function hashPinCommand({ args, env, stdin, stdout, stderr }: CommandContext): Promise<void> {
  const [given, ...others] = args;
  if (others.length > 0) {
    throw usageError('hash-pin [PIN]');
  }
  const pinKey = readPinKey(env, stderr);
  const pin = parsePin((given ?? (await askForPin({ stdin, stderr }))).trim());
  if (pin === undefined) {
    throw new UserError(['A PIN has 5 to 10 digits.']);
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
