import { UserError } from '../../ops/user-error';
import { hashPassword, type PasswordHash } from '../../people/password';
import { findPerson, writePassword } from '../../people/roster-edit';
import { type Role, type RosterSource, readRosterFile } from '../../people/roster-file';
import { askAboutMisspelling } from '../../settings/checks';
import { type CommandContext, parseArguments } from '../run-command';
import { readSettings } from '../settings';
import { createSecretPrompt } from './secret-prompt';
import { HINT } from './usage';

/** `roster set-password`: writes the hash of a password into the roster. @throws UserError */
export async function setPassword({ args, env, stdin, stderr }: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments({
    args,
    allowPositionals: true,
    options: { role: { type: 'string' } },
  });
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) {
    throw new UserError([HINT]);
  }
  const who = { name, role: parseRole(values.role) };
  const source = sourceOf(env);
  // Before somebody types a password in vain.
  findPerson(await readRosterFile(source), who, source.file);
  await writePassword(source, who, await readPassword({ stdin, stderr }));
  stderr.write(`roster: Set the password of ${name}.\n`);
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

function parseRole(text: string | undefined): Role | undefined {
  if (text === undefined || text === 'moderator' || text === 'supervisor') {
    return text;
  }
  throw new UserError(['--role must be moderator or supervisor.']);
}

/** The roster of the settings. PINs are not checked here, so PIN_KEY may be missing. */
function sourceOf(env: CommandContext['env']): RosterSource {
  const { roster } = readSettings(env);
  if (roster === undefined) {
    throw new UserError([
      `ROSTER_FILE is not set: passwords are kept in it. See docs/sign-in.md.${askAboutMisspelling('ROSTER_FILE', env)}`,
    ]);
  }
  return { ...roster, hasPinKey: true };
}
