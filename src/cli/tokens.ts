import { parseDuration, parseInstant } from '../ops/instant';
import { UserError } from '../ops/user-error';
import {
  areTokenRights,
  createSecret,
  hasExpired,
  hashSecret,
  TOKEN_RIGHTS,
  type TokenEntry,
  type TokenRight,
} from '../people/tokens';
import { changeTokensFile, readTokensFile, tokenName, tokensFileBeside } from '../people/tokens-file';
import { parseRoomName, ROOM_NAME_FORM, type RoomName } from '../rooms/room';
import { askAboutMisspelling } from '../settings/checks';
import { type CommandContext, parseArguments, parseCommandLine, runSettingsCommand } from './run-command';
import { readSettings } from './settings';
import { formatTable } from './table';

const USAGE = `npm run --silent tokens -- add NAME --rights RIGHTS [--room ROOM ...] [--expires WHEN]
npm run --silent tokens -- list
npm run --silent tokens -- revoke NAME

Manages the tokens of programs. They are in tokens.json, in the folder of ROSTER_FILE; set that in the environment or
.env as for the server. A running server notices changes within seconds.

  add                 adds a token, and prints its secret once: only a hash of it is kept
  list                prints the name, rights, rooms and dates (UTC) of every token
  revoke              removes a token; its secret stops working

  --rights RIGHTS     what the program may do, separated by commas:
                      ${TOKEN_RIGHTS.filter((right) => right !== 'wall').join(', ')}.
                      Or wall, alone: the secret shows a wall for a TV, at /wall/SECRET, and opens nothing else
  --room ROOM         a room where it may do so; give --room again for more. By default, all rooms
  --expires WHEN      when the secret stops working: after a duration (90m, 24h, 90d), at the beginning of a day
                      (2027-01-31), or at a time (2027-01-31T08:00:00Z); UTC unless you give a zone. By default, never
`;

const HINT = 'Usage: npm run --silent tokens -- add NAME --rights RIGHTS, list, or revoke NAME. See --help.';

/** `npm run tokens`. @throws UserError */
export async function tokens(context: CommandContext): Promise<void> {
  const [command, ...args] = context.args;
  if (context.args.includes('--help')) {
    context.stdout.write(USAGE);
    return;
  }
  const commands: Readonly<Record<string, typeof add>> = { add, list, revoke };
  const run = command === undefined || !Object.hasOwn(commands, command) ? undefined : commands[command];
  if (run === undefined) {
    throw new UserError([HINT]);
  }
  await run({ ...context, args });
}

async function add({ args, env, stdout, stderr }: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments({
    args,
    allowPositionals: true,
    options: {
      rights: { type: 'string', multiple: true },
      room: { type: 'string', multiple: true },
      expires: { type: 'string' },
    },
  });
  const now = Date.now();
  const secret = createSecret();
  const entry: TokenEntry = {
    name: parseName(positionals),
    hash: hashSecret(secret),
    rights: parseRights(values.rights),
    rooms: values.room === undefined ? 'all' : new Set(values.room.map(parseRoom)),
    created: now,
    expires: values.expires === undefined ? undefined : parseExpiry(values.expires, now),
  };
  const file = fileOf(env);
  await changeTokensFile(file, (entries) => {
    if (entries.some(({ name }) => name === entry.name)) {
      throw new UserError([`${file} has a token named ${entry.name} already: revoke it first, or take another name.`]);
    }
    return [...entries, entry];
  });
  stdout.write(`${secret}\n`);
  stderr.write('tokens: Copy the secret now: only its hash is kept.\n');
}

async function list({ args, env, stdout, stderr }: CommandContext): Promise<void> {
  parseCommandLine({ args });
  const entries = await readTokensFile(fileOf(env));
  if (entries.length === 0) {
    stderr.write('tokens: There are no tokens.\n');
    return;
  }
  const now = Date.now();
  const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const rows = entries.map((entry) => [
    entry.name,
    [...entry.rights].join(','),
    entry.rooms === 'all' ? 'all' : [...entry.rooms].join(','),
    dateOf(entry.created),
    entry.expires === undefined ? 'never' : `${dateOf(entry.expires)}${hasExpired(entry, now) ? ' expired' : ''}`,
  ]);
  stdout.write(formatTable(['NAME', 'RIGHTS', 'ROOMS', 'CREATED', 'EXPIRES'], rows));
}

async function revoke({ args, env, stderr }: CommandContext): Promise<void> {
  const name = parseName(parseArguments({ args, allowPositionals: true }).positionals);
  const file = fileOf(env);
  await changeTokensFile(file, (entries) => {
    const others = entries.filter((entry) => entry.name !== name);
    if (others.length === entries.length) {
      throw new UserError([`${file} has no token named ${name}.`]);
    }
    return others;
  });
  stderr.write(`tokens: Revoked ${name}.\n`);
}

function fileOf(env: CommandContext['env']): string {
  const { roster } = readSettings(env);
  if (roster === undefined) {
    throw new UserError([
      `ROSTER_FILE is not set: tokens are kept in its folder.${askAboutMisspelling('ROSTER_FILE', env)}`,
    ]);
  }
  return tokensFileBeside(roster.file);
}

function parseName([name, ...others]: readonly string[]): string {
  if (name === undefined || others.length > 0) {
    throw new UserError([HINT]);
  }
  const { error } = tokenName.safeParse(name);
  if (error !== undefined) {
    throw new UserError([`NAME ${error.issues[0]?.message}.`]);
  }
  return name;
}

function parseRights(given: readonly string[] = []): ReadonlySet<TokenRight> {
  const names = given.flatMap((text) => text.split(',')).map((text) => text.trim());
  const rights = names.flatMap((name) => TOKEN_RIGHTS.find((right) => right === name) ?? []);
  if (rights.length === 0 || rights.length < names.length) {
    throw new UserError([`--rights must be one or more of ${TOKEN_RIGHTS.join(', ')}, separated by commas.`]);
  }
  const distinct = new Set(rights);
  if (!areTokenRights(distinct)) {
    throw new UserError(['--rights must not have wall beside others: make another token.']);
  }
  return distinct;
}

function parseRoom(text: string): RoomName {
  const room = parseRoomName(text);
  if (room === undefined) {
    throw new UserError([`--room must be ${ROOM_NAME_FORM}.`]);
  }
  return room;
}

/** Milliseconds since 1970. */
function parseExpiry(text: string, now: number): number {
  const duration = parseDuration(text);
  const expires = duration === undefined ? parseInstant(text) : now + duration;
  if (expires === undefined) {
    throw new UserError([
      '--expires must be a duration, such as 24h, or a date, such as 2027-01-31 or 2027-01-31T08:00:00Z.',
    ]);
  }
  if (expires <= now) {
    throw new UserError(['--expires must be in the future.']);
  }
  return expires;
}

if (require.main === module) {
  runSettingsCommand('tokens', tokens);
}
