import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { tokens } from '../../src/cli/tokens';
import { createTokens, hashSecret } from '../../src/people/tokens';
import { readTokensFile } from '../../src/people/tokens-file';
import { runInProcess } from '../support/command';
import { temporaryFolder } from '../support/temporary-folder';

const COPY = 'tokens: Copy the secret now: only its hash is kept.\n';
const DAY_MS = 86_400_000;

let file: string;
let env: Record<string, string>;

beforeEach(() => {
  const folder = temporaryFolder();
  file = join(folder, 'tokens.json');
  env = { ROSTER_FILE: join(folder, 'roster.json') };
});

const run = (...args: string[]) => runInProcess('tokens', tokens, { args, env });

/** Adds a token, and returns its secret. */
async function add(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('add', ...args);
  expect([code, stderr]).toEqual([0, COPY]);
  expect(stdout).toMatch(/^cc_[A-Za-z0-9_-]{43}\n$/);
  return stdout.trim();
}

/** Who acts with a secret, at a time. */
async function find(secret: string, now = Date.now()) {
  const found = createTokens({ now: () => now });
  found.replace(await readTokensFile(file));
  return found.find(secret);
}

describe('tokens add', () => {
  it('prints a secret that works at once, and keeps only its hash', async () => {
    const secret = await add('wallboard', '--rights', 'see');
    expect(await find(secret)).toEqual({ name: 'token wallboard', rights: new Set(['see']), rooms: 'all' });
    const text = await readFile(file, 'utf8');
    expect(text).toContain(hashSecret(secret));
    expect(text).not.toContain(secret.slice(3));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('takes several rights, several rooms and a name with spaces', async () => {
    const secret = await add(
      '--rights',
      'see, monitor',
      '--room',
      'sales',
      'My CRM',
      '--rights=audit',
      '--room=Sales 2',
    );
    expect(await find(secret)).toEqual({
      name: 'token My CRM',
      rights: new Set(['see', 'monitor', 'audit']),
      rooms: new Set(['sales', 'Sales 2']),
    });
  });

  it('makes the secret of a wall, which opens no API', async () => {
    const secret = await add('lobby', '--rights', 'wall', '--room', 'sales');
    expect(await find(secret)).toBeUndefined();
    const found = createTokens({ now: Date.now });
    found.replace(await readTokensFile(file));
    expect(found.findWall(secret)).toEqual({ name: 'wall lobby', rooms: new Set(['sales']) });
  });

  it.each<[string, string, (created: number) => number]>([
    ['in 90 days', '90d', (created) => created + 90 * DAY_MS],
    ['in 90 minutes', '90m', (created) => created + 5_400_000],
    ['at the beginning of a day', '2999-01-31', () => Date.parse('2999-01-31T00:00:00Z')],
    ['at a time with a zone', '2999-01-31T08:00+02:00', () => Date.parse('2999-01-31T06:00:00Z')],
  ])('lets the token expire %s', async (_when, given, expected) => {
    const secret = await add('wallboard', '--rights', 'see', '--expires', given);
    const [entry] = await readTokensFile(file);
    const expires = expected(entry?.created ?? 0);
    expect(entry?.expires).toBe(expires);
    expect([await find(secret, expires - 1), await find(secret, expires)]).toEqual([
      expect.objectContaining({ name: 'token wallboard' }),
      undefined,
    ]);
  });

  it('of a name that there is refuses, and changes nothing', async () => {
    const secret = await add('wallboard', '--rights', 'see');
    const before = await readFile(file, 'utf8');
    expect(await run('add', 'wallboard', '--rights', 'audit')).toEqual({
      code: 2,
      stdout: '',
      stderr: `tokens: ${file} has a token named wallboard already: revoke it first, or take another name.\n`,
    });
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await find(secret)).toBeDefined();
  });
});

describe('tokens list', () => {
  it('prints every token on one line of a table, with what has expired', async () => {
    const entry = { hash: 'a'.repeat(64), rights: ['see'], created: '2026-11-25T08:00:00Z' };
    const every = ['see', 'monitor', 'coach', 'barge', 'control', 'record', 'audit'];
    const content = {
      tokens: [
        { ...entry, name: 'wallboard' },
        {
          ...entry,
          name: 'CRM',
          hash: 'b'.repeat(64),
          rights: every,
          rooms: ['sales', 'Sales 2'],
          expires: '2999-01-31',
        },
        { ...entry, name: 'A trial of last year', hash: 'c'.repeat(64), expires: '2026-01-31' },
      ],
    };
    await writeFile(file, JSON.stringify(content));
    expect(await run('list')).toEqual({
      code: 0,
      stdout: `NAME                  RIGHTS                                        ROOMS          CREATED     EXPIRES
wallboard             see                                           all            2026-11-25  never
CRM                   see,monitor,coach,barge,control,record,audit  sales,Sales 2  2026-11-25  2999-01-31
A trial of last year  see                                           all            2026-11-25  2026-01-31 expired
`,
      stderr: '',
    });
  });

  it('says so if there are none', async () => {
    expect(await run('list')).toEqual({ code: 0, stdout: '', stderr: 'tokens: There are no tokens.\n' });
  });
});

describe('tokens revoke', () => {
  it('removes one token, and leaves the others', async () => {
    const [wallboard, crm] = [await add('wallboard', '--rights', 'see'), await add('CRM', '--rights', 'see')];
    expect(await run('revoke', 'wallboard')).toEqual({ code: 0, stdout: '', stderr: 'tokens: Revoked wallboard.\n' });
    expect([await find(wallboard), (await find(crm))?.name]).toEqual([undefined, 'token CRM']);
  });

  it('of an unknown name refuses', async () => {
    expect(await run('revoke', 'wallboard')).toEqual({
      code: 2,
      stdout: '',
      stderr: `tokens: ${file} has no token named wallboard.\n`,
    });
  });
});

describe('tokens', () => {
  it('prints its help on standard output', async () => {
    const { code, stdout, stderr } = await run('add', '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^npm run --silent tokens -- add NAME/);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120);
  });

  const usage = 'Usage: npm run --silent tokens -- add NAME --rights RIGHTS, list, or revoke NAME. See --help.';
  const noRights =
    '--rights must be one or more of see, monitor, coach, barge, control, record, audit, wall, separated by commas.';
  const noRoom = '--room must be 1 to 64 letters A–Z without accents, digits, spaces, _, . or -.';
  const noExpiry = '--expires must be a duration, such as 24h, or a date, such as 2027-01-31 or 2027-01-31T08:00:00Z.';
  const secret = `cc_${'x'.repeat(43)}`;
  const valid = ['add', 'wallboard', '--rights', 'see'];

  it.each<[string, string[], string]>([
    ['no command', [], usage],
    ['another command', ['remove', 'wallboard'], usage],
    ['a property of every object', ['constructor'], usage],
    ['no name', ['add', '--rights', 'see'], usage],
    ['two names', [...valid, 'CRM'], usage],
    ['no name to revoke', ['revoke'], usage],
    ['a name in the list', ['list', 'wallboard'], "Unexpected argument 'wallboard'. See --help."],
    [
      'a name of another form',
      ['add', '=wallboard', '--rights', 'see'],
      "NAME must be 1 to 64 letters, digits, spaces and .,'_()-, and begin with a letter or digit.",
    ],
    ['a secret to revoke', ['revoke', secret], 'NAME must not begin with cc_, as secrets do.'],
    ['no rights', ['add', 'wallboard'], noRights],
    ['an empty list of rights', ['add', 'wallboard', '--rights', ''], noRights],
    ['an unknown right', ['add', 'wallboard', '--rights', 'see,all'], noRights],
    [
      'a wall that may do more',
      ['add', 'wallboard', '--rights', 'wall,see'],
      '--rights must not have wall beside others: make another token.',
    ],
    ['rooms in a list', [...valid, '--room', 'sales,support'], noRoom],
    ['a day that there is not', [...valid, '--expires', '2027-02-30'], noExpiry],
    ['an expiry in words', [...valid, '--expires', 'never'], noExpiry],
    ['an expiry in the past', [...valid, '--expires', '2026-01-31'], '--expires must be in the future.'],
    ['an expiry at once', [...valid, '--expires', '0d'], '--expires must be in the future.'],
    ['an unknown option', [...valid, '--rooms', 'sales'], "Unknown option '--rooms'. See --help."],
    [
      'an option of another command',
      ['revoke', 'wallboard', '--room', 'sales'],
      "Unknown option '--room'. See --help.",
    ],
  ])('explains %s in a sentence, and changes nothing', async (_what, args, sentence) => {
    expect(await run(...args)).toEqual({ code: 2, stdout: '', stderr: `tokens: ${sentence}\n` });
    expect(await readTokensFile(file)).toEqual([]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['no roster', {}, 'tokens: ROSTER_FILE is not set: tokens are kept in its folder.\n'],
    [
      'a misspelt setting',
      { ROSTERFILE: 'roster.json' },
      'tokens: ROSTER_FILE is not set: tokens are kept in its folder. ROSTERFILE is set: did you mean ROSTER_FILE?\n',
    ],
    ['settings that cannot be used', { PORT: 'x' }, 'tokens: PORT must be a whole number from 0 to 65535.\n'],
  ])('explains %s', async (_what, settings, stderr) => {
    env = settings;
    for (const args of [['list'], valid, ['revoke', 'wallboard']]) {
      expect(await run(...args)).toEqual({ code: 2, stdout: '', stderr });
    }
  });

  it('explains a file that cannot be used', async () => {
    await writeFile(file, '{"tokens": [{"name": "wallboard"}]}');
    for (const args of [['list'], valid, ['revoke', 'wallboard']]) {
      const { code, stdout, stderr } = await run(...args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(`tokens: ${file}: tokens, entry 1 (wallboard), hash is missing.\n`);
    }
  });
});
