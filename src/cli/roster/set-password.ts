import { UserError } from '../../ops/user-error';
import { hashPassword, type PasswordHash } from '../../people/password';
import { findPerson, setFields } from '../../people/roster-edit';
import { readRosterFile } from '../../people/roster-file';
import { type CommandContext, parseArguments } from '../run-command';
import { createSecretPrompt } from './secret-prompt';
import { parseWhom, ROLE_OPTION, rosterSourceOf } from './whom';

/** `roster set-password`: writes the hash of a password into the roster. @throws UserError */
export async function setPasswordCommand({ args, env, stdin, stderr }: CommandContext): Promise<void> {
  const whom = parseArguments({ args, allowPositionals: true, options: ROLE_OPTION });
  const who = parseWhom(whom, 'set-password NAME [--role ROLE]');
  const source = rosterSourceOf(env);
  // Before somebody types a password in vain.
  findPerson(await readRosterFile(source), who, source.file);
  const password = await readPassword({ stdin, stderr });
  await setFields(source, who, () => ({ password }));
  stderr.write(`roster: Set the password of ${who.name}.\n`);
}

/** A terminal is asked twice, because nobody sees what they type. */
async function readPassword(io: Pick<CommandContext, 'stdin' | 'stderr'>): Promise<PasswordHash> {
  const prompt = createSecretPrompt(io);
  try {
    const password = await prompt.ask('Password: ');
    const hash = await hashPassword(password);
    if (io.stdin.isTTY && (await prompt.ask('Again: ')) !== password) {
      throw new UserError(['The two passwords differ: nothing was changed.']);
    }
    return hash;
  } finally {
    prompt.close();
  }
}
