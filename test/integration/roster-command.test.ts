import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { roster } from '../../src/cli/roster';
import { createLog } from '../../src/ops/log';
import type { PhoneNumber } from '../../src/people/address';
import { hashPin, type Pin } from '../../src/people/pin';
import { createPinLimiter, PIN_BUDGETS } from '../../src/people/pin-limiter';
import { readRosterFile } from '../../src/people/roster-file';
import { createSignInLimiter, SIGN_IN_BUDGETS } from '../../src/people/sign-in-limiter';
import { connectRedis } from '../../src/redis/redis-connection';
import { type CommandRun, runInProcess } from '../support/command';
import { isFullFuzz } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { startRedisCluster } from '../support/redis-cluster';
import { eventually, freePort, startRedis } from '../support/redis-server';
import { temporaryFolder } from '../support/temporary-folder';

const PIN_KEY = 'a key for the tests alone';
const TED = '+15550002222' as PhoneNumber;

let file: string;
let env: Record<string, string>;

beforeEach(() => {
  file = join(temporaryFolder(), 'roster.json');
  env = { ROSTER_FILE: file, PIN_KEY };
});

const run = (args: string, how: CommandRun = {}) =>
  runInProcess('roster', roster, { args: args.split(' '), ...how, env: { ...env, ...how.env } });

/** Runs it, and expects that it succeeds. Returns what it printed. */
async function succeed(args: string, how?: CommandRun): Promise<{ stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await run(args, how);
  expect([args, code, stderr]).toEqual([args, 0, stderr]);
  return { stdout, stderr };
}

const read = () => readRosterFile({ file, hasPinKey: true });

describe('a roster made by commands alone', () => {
  it('is what the server reads', async () => {
    expect(await succeed('add Alice --role moderator --number +15557788999 --room sales --extension 201')).toEqual({
      stdout: '',
      stderr: 'roster: Added Alice.\n',
    });
    await succeed('add Carol --role moderator --number sip:carol@example.com --email carol@example.com');
    await succeed('add Ted --role supervisor --number +15550002222 --mode coach');
    const { stdout, stderr } = await succeed(
      'add Bob --role supervisor --random-pin --right see,monitor --right coach',
    );
    expect(stdout).toMatch(/^\d{6}\n$/);
    expect(stderr).toBe('roster: Added Bob.\nroster: Copy the PIN now: only its hash is kept.\n');
    expect(readFileSync(file, 'utf8')).not.toContain(stdout.trim());
    const { moderators, supervisors } = await read();
    expect(moderators).toMatchObject([
      { name: 'Alice', address: '+15557788999', rooms: new Set(['sales']), extension: '201' },
      { name: 'Carol', address: 'sip:carol@example.com', email: 'carol@example.com' },
    ]);
    expect(supervisors).toMatchObject([
      { name: 'Ted', address: TED, mode: 'coach' },
      {
        name: 'Bob',
        address: undefined,
        pin: hashPin(PIN_KEY, stdout.trim() as Pin),
        rights: new Set(['see', 'monitor', 'coach']),
      },
    ]);
    expect((await succeed('list')).stdout).toBe(
      [
        'NAME   ROLE        NUMBER                 PIN    PASSWORD  ROOMS  MAY',
        'Alice  moderator   +15557788999           no     no        sales',
        'Carol  moderator   sip:carol@example.com  no     no        all',
        'Ted    supervisor  +15550002222           no     no        all    see,monitor,coach,barge',
        'Bob    supervisor  any                    alone  no        all    see,monitor,coach',
        '',
      ].join('\n'),
    );
    expect(await succeed('check')).toEqual({
      stdout: `${file} can be used. It names 2 moderators and 2 supervisors.\n`,
      stderr: '',
    });
    await succeed('remove Carol');
    await succeed('set-number Ted client:ted');
    expect(await read()).toMatchObject({
      moderators: [{ name: 'Alice' }],
      supervisors: [{ address: 'client:ted' }, {}],
    });
  });

  it('can be made by many commands at once: each succeeds, or says that another is running', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, index) => run(`add P${index} --role moderator --number +1555000100${index}`)),
    );
    const added = outcomes.filter(({ code }) => code === 0).length;
    expect(added).toBeGreaterThan(0);
    expect((await read()).moderators).toHaveLength(added);
    for (const { stderr } of outcomes.filter(({ code }) => code !== 0)) {
      expect(stderr).toMatch(/Another command is changing|was changed at the same time/);
    }
  });
});

describe('roster set-pin', () => {
  const ted = `{ "supervisors": [{ "name": "Ted", "number": "${TED}" }] }`;
  beforeEach(() => writeFileSync(file, ted));

  const pinOf = async () => (await read()).supervisors[0]?.pin;

  it.each<[string, CommandRun, string]>([
    ['a line', { input: '730516\n' }, ''],
    ['a terminal, twice', { input: '730516\n730516\n', isTerminal: true }, 'PIN: \nAgain: \n'],
  ])('writes the hash of what it reads: %s', async (_what, how, asked) => {
    expect(await succeed('set-pin Ted', how)).toEqual({ stdout: '', stderr: `${asked}roster: Set the PIN of Ted.\n` });
    expect(await pinOf()).toBe(hashPin(PIN_KEY, '730516' as Pin));
  });

  it('chooses a PIN at random, and prints it once', async () => {
    const pins = [];
    for (let time = 0; time < 3; time++) {
      const { stdout, stderr } = await succeed('set-pin Ted --random');
      expect(stderr).toBe('roster: Set the PIN of Ted.\nroster: Copy the PIN now: only its hash is kept.\n');
      expect(await pinOf()).toBe(hashPin(PIN_KEY, stdout.trim() as Pin));
      pins.push(stdout);
    }
    expect(new Set(pins).size).toBe(3);
  });

  const WEAK = [
    ['77777', 'has only one or two different digits'],
    ['121212', 'has only one or two different digits'],
    ['23456', 'is a row of keys'],
    ['987654', 'is a row of keys'],
    ['258078', 'is a row of keys'],
    ['372372', 'repeats itself'],
    ['50002222', 'is part of their number'],
  ] as const;

  // Finding a PIN by its hash takes a while.
  it.each(isFullFuzz ? WEAK : WEAK.slice(-1))('warns of a weak one: %s', async (pin, weakness) => {
    const { stderr } = await succeed('set-pin Ted', { input: pin });
    expect(stderr).toBe(
      `roster: Set the PIN of Ted.\nroster: It is easy to guess: it ${weakness}. Better: set-pin Ted --random.\n`,
    );
    expect((await succeed('check')).stderr).toBe(
      `roster: The PIN of Ted is easy to guess: it ${weakness}. Set another: npm run --silent roster -- set-pin Ted --random.\n`,
    );
  });

  it('warns of no other', async () => {
    const { stderr } = await succeed('set-pin Ted', { input: '730516' });
    expect(stderr).toBe('roster: Set the PIN of Ted.\n');
    expect((await succeed('check')).stderr).toBe('');
  });

  it.each<[string, CommandRun, string]>([
    ['too short a PIN', { input: '4821' }, 'A PIN has 5 to 10 digits.'],
    [
      'another PIN the second time',
      { input: '730516\n730517\n', isTerminal: true },
      'The two PINs differ: nothing was changed.',
    ],
    [
      'no PIN_KEY',
      { input: '730516', env: { PIN_KEY: '' } },
      'PIN_KEY is not set: PINs are hashed with it. To make one: openssl rand -hex 32.',
    ],
  ])('explains %s, and changes nothing', async (_what, how, sentence) => {
    const { code, stdout, stderr } = await run('set-pin Ted', how);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`roster: ${sentence}\n`);
    expect(readFileSync(file, 'utf8')).toBe(ted);
  });
});

describe('roster', () => {
  const usage = (command: string) => `Usage: npm run --silent roster -- ${command}. See --help.`;
  it.each<[string, string]>([
    ['add Bob', usage('add NAME --role ROLE, with --number, --email or --random-pin')],
    ['add Bob --role moderator', usage('add NAME --role ROLE, with --number, --email or --random-pin')],
    ['add Bob --role moderator --number 5550001111', 'The number (***1111): put + before the country code.'],
    [
      'add Bob --role moderator --number +15550001111 --right see',
      `${'FILE'}: moderators, entry 1 (Bob) has unknown fields: rights.`,
    ],
    [
      'add Bob --role supervisor --number +15550001111 --right hear',
      'FILE: supervisors, entry 1 (Bob), rights, 1 must be one of see, monitor, coach, barge, control, record, audit.',
    ],
    ['set-number Ted', usage('set-number NAME NUMBER [--role ROLE]')],
    ['set-number Ted +15550001111', 'FILE is missing. To create it: npm run --silent roster -- add NAME --role ROLE.'],
    ['remove', usage('remove NAME [--role ROLE]')],
    ['unlock', usage('unlock NAME, unlock NUMBER, or unlock --all')],
    ['unlock Ted --all', usage('unlock NAME, unlock NUMBER, or unlock --all')],
    ['unlock --all', 'REDIS_URL is not set: without Redis, restart the server to unlock everybody.'],
    ['nonsense', usage('list|check|add|set-number|set-pin|set-password|remove|unlock|hash-pin')],
  ])('explains what is wrong with: %s', async (args, sentence) => {
    expect(await run(args)).toEqual({ code: 2, stdout: '', stderr: `roster: ${sentence.replace('FILE', file)}\n` });
  });

  it('check names what the server would refuse', async () => {
    writeFileSync(file, `{ "supervisors": [{ "name": "Ted", "pin": "${'0'.repeat(64)}" }, { "name": "Bob" }] }`);
    expect(await run('check', { env: { PIN_KEY: '' } })).toEqual({
      code: 2,
      stdout: '',
      stderr: [
        `roster: ${file}: supervisors, entry 2 (Bob) has no number, address, pin, password or email.`,
        `roster: PIN_KEY must be set: 1 person in ${file} has a PIN. Set the key that PINs were hashed with.`,
        '',
      ].join('\n'),
    });
  });
});

describe('in production, where the server requires a moderator and a supervisor, roster', () => {
  const production = { env: { NODE_ENV: 'production' } };
  const alice = '{ "moderators": [{ "name": "Alice", "number": "+15557788999" }] }';

  it('check names who is missing', async () => {
    writeFileSync(file, alice);
    expect(await run('check', production)).toEqual({
      code: 2,
      stdout: '',
      stderr: `roster: ${file}: name a supervisor here or in SUPERVISOR_NUMBERS. Without one, nobody may supervise.\n`,
    });
    expect((await run('check', { env: { ...production.env, SUPERVISOR_NUMBERS: TED } })).code).toBe(0);
  });

  it('remove keeps the last one, whom a running server would keep', async () => {
    writeFileSync(file, alice);
    expect(await run('remove Alice', production)).toEqual({
      code: 2,
      stdout: '',
      stderr: `roster: ${file}: name a moderator here or in MODERATOR_NUMBERS. Without one, no conference can start.\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe(alice);
    await succeed('add Bob --role moderator --number +15557788998', production);
    await succeed('remove Alice', production);
  });
});

describe.each<[string, () => Promise<{ url: string; dispose(): Promise<void> }>]>([
  ['Redis', startRedis],
  [
    'a Redis Cluster',
    async () => {
      const cluster = await startRedisCluster(3);
      return { url: cluster.urls.join(','), dispose: () => cluster.dispose() };
    },
  ],
])('roster unlock, with %s', (_what, start) => {
  it('ends the lockouts of a number, a person or everybody, and no other', async () => {
    writeFileSync(file, `{ "supervisors": [{ "name": "Ted", "number": "${TED}" }] }`);
    const server = await start();
    onTestFinished(() => server.dispose());
    const urls = server.url.split(',');
    env = { ...env, REDIS_URL: server.url, SESSION_SECRET: 'x'.repeat(32) };
    const redis = connectRedis({ urls, timeoutMs: 2_000, onConnection: () => {} });
    onTestFinished(() => redis.close());
    await eventually(() => redis.ping());
    const log = createLog('silent', { write: () => {} });
    const pins = createPinLimiter({ role: 'supervisor', redis, log });
    const signIns = createSignInLimiter({ secret: 'x'.repeat(32), redis, log });
    const attempt = { name: 'Ted', role: 'supervisor' as const, ip: '192.0.2.1' };
    const other = '+15550001111' as PhoneNumber;
    const lockOut = async () => {
      for (let count = 0; count < PIN_BUDGETS.number.attempts; count++) {
        await pins.consumeAttempt(TED, { isRight: false });
        await pins.consumeAttempt(other, { isRight: false });
      }
      for (let count = 0; count < SIGN_IN_BUDGETS.pair.attempts; count++) {
        await signIns.consumeAttempt(attempt, { isRight: false });
      }
    };
    /** Who is locked out: Ted's number, another number, Ted on the screen. */
    const locked = async () =>
      [await pins.openPrompt(TED), await pins.openPrompt(other), await signIns.findLockout(attempt)].map(
        (lockout) => lockout !== undefined,
      );
    await lockOut();
    expect(await locked()).toEqual([true, true, true]);
    expect((await succeed('unlock +15550001111')).stderr).toBe('roster: Unlocked +15550001111.\n');
    expect(await locked()).toEqual([true, false, true]);
    expect((await succeed('unlock Ted')).stderr).toBe('roster: Unlocked Ted.\n');
    expect(await locked()).toEqual([false, false, false]);
    expect((await succeed('unlock Ted')).stderr).toBe('roster: No wrong PIN or password of Ted was counted.\n');
    await lockOut();
    expect((await succeed('unlock --all')).stderr).toBe('roster: Unlocked everybody.\n');
    expect(await locked()).toEqual([false, false, false]);
    expect(await run('unlock Carol')).toMatchObject({
      code: 2,
      stderr: `roster: ${file} has nobody named Carol. Give a name, a number, or --all.\n`,
    });
  });
});

it('roster unlock says so if Redis cannot be reached', async () => {
  const { code, stderr } = await run('unlock --all', { env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` } });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^roster: Nobody was unlocked\. Redis: .*ECONNREFUSED.*\n$/);
});
