import { readFileSync } from 'node:fs';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { roster } from '../../src/cli/roster';
import { createLog } from '../../src/ops/log';
import { followRoster } from '../../src/people/live-roster';
import { verifyPassword } from '../../src/people/password';
import { createRoster } from '../../src/people/roster';
import { readRosterFile } from '../../src/people/roster-file';
import { type CommandRun, runInProcess } from '../support/command';
import { onTestFinished } from '../support/on-test-finished';
import { eventually } from '../support/redis-server';
import { rosterText } from '../support/roster';
import { temporaryFolder } from '../support/temporary-folder';

const PASSWORD = 'correct horse battery';
const PEOPLE = {
  moderators: [
    { name: 'Alice', number: '+15557788999', pin: '48213' },
    { name: 'Carol', address: 'client:carol' },
  ],
  supervisors: [
    { name: 'Ted', email: 'ted@example.com' },
    { name: 'Carol', address: 'client:carol' },
  ],
};

let file: string;
let env: Record<string, string>;

beforeEach(async () => {
  file = join(temporaryFolder(), 'roster.json');
  env = { ROSTER_FILE: file };
  await writeFile(file, rosterText(PEOPLE));
});

const run = (args: string[], how: CommandRun = { input: `${PASSWORD}\n` }) =>
  runInProcess('roster', roster, { args: ['set-password', ...args], env, ...how });

const read = () => readRosterFile({ file, hasPinKey: true });

describe('roster set-password', () => {
  it.each<[string, CommandRun, string]>([
    ['a line', { input: `${PASSWORD}\n` }, ''],
    ['a line with CRLF', { input: `${PASSWORD}\r\n` }, ''],
    ['a line without an end', { input: PASSWORD }, ''],
    ['the first of several lines', { input: `${PASSWORD}\nanother password\n` }, ''],
    ['a terminal, twice', { input: `${PASSWORD}\n${PASSWORD}\n`, isTerminal: true }, 'Password: \nAgain: \n'],
  ])('writes the hash of what it reads: %s', async (_what, how, asked) => {
    expect(await run(['Ted'], how)).toEqual({
      code: 0,
      stdout: '',
      stderr: `${asked}roster: Set the password of Ted.\n`,
    });
    const { supervisors } = await read();
    expect(await verifyPassword(PASSWORD, supervisors[0]?.password)).toBe(true);
    expect(await readFile(file, 'utf8')).not.toContain(PASSWORD);
  });

  it('changes only the password, keeps the mode of the file, and needs no PIN_KEY', async () => {
    await chmod(file, 0o640);
    await run(['Ted']);
    const first = (await read()).supervisors[0]?.password ?? '';
    expect(await readFile(file, 'utf8')).toBe(
      rosterText(PEOPLE).replace('"ted@example.com"', () => `"ted@example.com","password":"${first}"`),
    );
    await run(['Ted'], { input: 'another password' });
    const second = (await read()).supervisors[0]?.password ?? '';
    expect(await verifyPassword('another password', (await read()).supervisors[0]?.password)).toBe(true);
    expect(await readFile(file, 'utf8')).toBe(
      rosterText(PEOPLE).replace('"ted@example.com"', () => `"ted@example.com","password":"${second}"`),
    );
    expect((await stat(file)).mode & 0o777).toBe(0o640);
  });

  it.each([
    ['moderator', [false, true, false, false]],
    ['supervisor', [false, false, false, true]],
  ])('takes the role of somebody who has both: %s', async (role, expected) => {
    expect(await run(['Carol', '--role', role])).toMatchObject({ code: 0 });
    const { moderators, supervisors } = await read();
    expect([...moderators, ...supervisors].map(({ password }) => password !== undefined)).toEqual(expected);
  });

  it('takes effect in a running server', async () => {
    const people = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
    const log = createLog('info', { write: () => {} });
    const live = await followRoster({ roster: people, file, read, log });
    onTestFinished(() => live.close());
    await run(['Ted']);
    await eventually(() => expect(people.supervisors.byName.get('Ted')?.password).toBeDefined(), 3_000);
  });

  const usage = 'Usage: npm run --silent roster -- set-password NAME [--role ROLE]. See --help.';
  const length = 'A password has 12 to 256 characters.';

  it.each<[string, string[], CommandRun | undefined, string]>([
    ['no name', [], undefined, usage],
    ['a password for an argument', ['Ted', PASSWORD], undefined, usage],
    ['an unknown option', ['Ted', '--password', PASSWORD], undefined, "Unknown option '--password'. See --help."],
    ['another role', ['Ted', '--role', 'caller'], undefined, '--role must be moderator or supervisor.'],
    [
      'an unknown name',
      ['Bob'],
      undefined,
      'FILE has no person named Bob. To see everybody: npm run --silent roster -- list.',
    ],
    ['another letter case', ['ted'], undefined, 'FILE has no person named ted. Did you mean Ted?'],
    ['a typing mistake', ['Alics'], undefined, 'FILE has no person named Alics. Did you mean Alice?'],
    [
      'a name of the other role',
      ['Ted', '--role', 'moderator'],
      undefined,
      'FILE has no moderator named Ted. To see everybody: npm run --silent roster -- list.',
    ],
    [
      'a name in both roles',
      ['Carol'],
      undefined,
      'Carol is a moderator and a supervisor in FILE: choose one with --role.',
    ],
    ['no password', ['Ted'], { input: '' }, length],
    ['a short password', ['Ted'], { input: 'short\n' }, length],
    ['a long password', ['Ted'], { input: 'x'.repeat(257) }, length],
  ])('explains %s in a sentence, and changes nothing', async (_what, args, how, sentence) => {
    const { code, stdout, stderr } = await run(args, how);
    expect([code, stdout, stderr]).toEqual([2, '', `roster: ${sentence.replace('FILE', file)}\n`]);
    expect(stderr).not.toContain(PASSWORD);
    expect(readFileSync(file, 'utf8')).toBe(rosterText(PEOPLE));
  });

  it.each([
    ['another the second time', `${PASSWORD}\n${PASSWORD}!\n`, 'Password: \nAgain: \nroster: The two passwords differ'],
    ['nothing the second time', `${PASSWORD}\n`, 'Password: \nAgain: \nroster: The two passwords differ'],
    ['a short one, without asking again', 'short\nshort\n', 'Password: \nroster: A password has 12 to 256 characters.'],
  ])('refuses what a terminal sends: %s', async (_what, input, says) => {
    const { code, stderr } = await run(['Ted'], { input, isTerminal: true });
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(readFileSync(file, 'utf8')).toBe(rosterText(PEOPLE));
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'no roster',
      {},
      'ROSTER_FILE is not set: people are kept in it. Set it in .env, such as ROSTER_FILE=roster/roster.json.',
    ],
    [
      'a misspelt setting',
      { ROSTERFILE: 'roster.json' },
      'ROSTER_FILE is not set: people are kept in it. Set it in .env, such as ROSTER_FILE=roster/roster.json. ROSTERFILE is set: did you mean ROSTER_FILE?',
    ],
    ['settings that cannot be used', { PORT: 'x' }, 'PORT must be a whole number from 0 to 65535.'],
    [
      'a missing file',
      { ROSTER_FILE: '/nowhere/roster.json' },
      "Cannot read ROSTER_FILE /nowhere/roster.json: ENOENT: no such file or directory, open '/nowhere/roster.json'. Set it to a JSON file that can be read.",
    ],
  ])('explains %s', async (_what, settings, sentence) => {
    env = settings;
    expect(await run(['Ted'])).toEqual({ code: 2, stdout: '', stderr: `roster: ${sentence}\n` });
  });

  it('explains a roster that the server would refuse, asks nothing, and changes nothing', async () => {
    const text = '{ "supervisors": [{ "name": "Ted", "number": "5" }] }';
    await writeFile(file, text);
    expect(await run(['Ted'], { isTerminal: true })).toEqual({
      code: 2,
      stdout: '',
      stderr: `roster: ${file}: supervisors, entry 1 (Ted), number must be a telephone number in E.164 form, such as +15557788999.\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

it('roster --help fits a terminal', async () => {
  const { stdout } = await runInProcess('roster', roster, { args: ['--help'] });
  expect(stdout).toContain('set-password NAME [--role ROLE]');
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
});
