import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { audit } from '../../src/cli/audit';
import { roster } from '../../src/cli/roster';
import { tokens } from '../../src/cli/tokens';
import { hashPin, type Pin } from '../../src/people/pin';
import type { RoomName } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { Sid } from '../../src/signalwire/sid';
import { createRedisStore } from '../../src/stores';
import { generateCertificate } from '../support/certificate';
import { type CommandRun, runInProcess } from '../support/command';
import { startDoctorBench } from '../support/doctor-bench';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, freePort, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';
import { temporaryFolder } from '../support/temporary-folder';
import { startTlsProxy } from '../support/tls-proxy';
import { startTlsRedis } from '../support/tls-redis';

const KEY = 'a key for the tests alone';
const HASH = hashPin(KEY, '48213' as Pin);

const COMMANDS = { roster, audit, tokens };
type CommandName = keyof typeof COMMANDS;

const run = (command: CommandName, how: CommandRun) => runInProcess(command, COMMANDS[command], how);

/** Runs the built command as a process, in a folder that has this `.env`. */
async function runBuilt(command: CommandName | 'doctor', { args = [], env = {}, input = '', dotenv = '' }: BuiltRun) {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, '.env'), dotenv);
  return outcomeOf(process.execPath, [join(__dirname, '../../dist/cli', `${command}.js`), ...args], {
    cwd,
    env,
    input,
  });
}

interface BuiltRun extends CommandRun {
  dotenv?: string;
}

interface Place {
  cwd: string;
  env?: Record<string, string>;
  input?: string;
}

async function outcomeOf(program: string, args: string[], { cwd, env = {}, input = '' }: Place) {
  const child = spawn(program, args, { cwd, env: { PATH: process.env.PATH, ...env } });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr };
}

describe('roster hash-pin', () => {
  it.each<[string, CommandRun]>([
    ['of its argument', { args: ['hash-pin', '48213'], env: { PIN_KEY: KEY } }],
    ['of a line on standard input', { args: ['hash-pin'], env: { PIN_KEY: KEY }, input: '48213\n' }],
    ['of standard input without a line end', { args: ['hash-pin'], env: { PIN_KEY: KEY }, input: '48213' }],
  ])('prints the hash %s, and nothing else', async (_what, how) => {
    expect(await run('roster', how)).toEqual({ code: 0, stdout: `${HASH}\n`, stderr: '' });
  });

  it('as the built program, reads .env and standard input', async () => {
    const how = { args: ['hash-pin'], dotenv: `PIN_KEY=${KEY}\n`, input: '48213\n' };
    expect(await runBuilt('roster', how)).toEqual({ code: 0, stdout: `${HASH}\n`, stderr: '' });
  });

  it('as the built program, ends with code 2 when it fails', async () => {
    expect(await runBuilt('roster', { args: ['hash-pin', '4821'], env: { PIN_KEY: KEY } })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'roster: A PIN has 5 to 10 digits.\n',
    });
  });

  it.each<[string, CommandRun, string]>([
    ['no key', { args: ['hash-pin', '48213'] }, 'roster: PIN_KEY is not set'],
    [
      'a misspelt key',
      { args: ['hash-pin', '48213'], env: { PINKEY: KEY } },
      'roster: PIN_KEY is not set: PINs are hashed with it. To make one: openssl rand -hex 32. PINKEY is set: did you mean PIN_KEY?\n',
    ],
    ['a short PIN', { args: ['hash-pin', '4821'], env: { PIN_KEY: KEY } }, 'roster: A PIN has 5 to 10 digits.'],
    ['no PIN at all', { args: ['hash-pin'], env: { PIN_KEY: KEY } }, 'roster: A PIN has 5 to 10 digits.'],
    ['no command', { env: { PIN_KEY: KEY } }, 'roster: Usage: npm run --silent roster -- list|check|add|'],
    [
      'two PINs',
      { args: ['hash-pin', '48213', '48214'], env: { PIN_KEY: KEY } },
      'roster: Usage: npm run --silent roster -- hash-pin [PIN]. See --help.',
    ],
    ['settings that cannot be used', { args: ['hash-pin', '48213'], env: { PORT: 'x' } }, 'roster: PORT must be'],
  ])('explains %s in a sentence', async (_what, how, sentence) => {
    const { code, stdout, stderr } = await run('roster', how);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('4821');
  });
});

describe('tokens, as the built program,', () => {
  it('reads .env, and ends with code 2 when it fails', async () => {
    const folder = temporaryFolder();
    const dotenv = `ROSTER_FILE=${join(folder, 'roster.json')}\n`;
    const added = await runBuilt('tokens', { args: ['add', 'wallboard', '--rights', 'see'], dotenv });
    expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^cc_[A-Za-z0-9_-]{43}\n$/) });
    const { code, stdout, stderr } = await runBuilt('tokens', { args: ['revoke', 'CRM'], dotenv });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(`tokens: ${join(folder, 'tokens.json')} has no token named CRM.\n`);
  });

  itInFull('loses no token when it runs twice at once', async () => {
    const folder = temporaryFolder();
    const dotenv = `ROSTER_FILE=${join(folder, 'roster.json')}\n`;
    const names = ['wallboard', 'CRM'];
    const outcomes = await Promise.all(
      names.map((name) => runBuilt('tokens', { args: ['add', name, '--rights', 'see'], dotenv })),
    );
    const added = names.filter((_name, index) => outcomes[index]?.code === 0);
    const { tokens: kept } = JSON.parse(readFileSync(join(folder, 'tokens.json'), 'utf8'));
    expect(kept.map(({ name }: { name: string }) => name).sort()).toEqual(added.sort());
    for (const { code, stderr } of outcomes) {
      expect(code === 0 || /^tokens: Another command is changing .*\n$/.test(stderr)).toBe(true);
    }
  });
});

const NO_LINES = 'audit: No records match.\n';

describe('audit', () => {
  it.each<[string, CommandRun, string]>([
    ['no Redis in the settings', {}, 'audit: REDIS_URL is not set'],
    [
      'a misspelt Redis url',
      { env: { REDIS_URI: 'redis://localhost' } },
      "audit: REDIS_URL is not set: without Redis, the audit trail is only in the server's memory. Read it with GET /api/v1/audit. REDIS_URI is set: did you mean REDIS_URL?\n",
    ],
    ['another format', { args: ['--format', 'xml'] }, 'audit: --format must be csv or jsonl.'],
    ['a time that is none', { args: ['--since', 'yesterday'] }, 'audit: --since must be a date'],
    ['a day that is none', { args: ['--since', '2026-02-40'] }, 'audit: --since must be a date'],
    ['an end that is no time', { args: ['--until', 'now'] }, 'audit: --until must be a date'],
    ['a room that cannot be', { args: ['--room', 'a/b'] }, 'audit: --room must be 1 to 64 letters'],
    [
      'an end before the beginning',
      { args: ['--since', '2026-11-25', '--until', '2026-11-24'] },
      'audit: --since must be before --until.',
    ],
    [
      'an end at the beginning',
      { args: ['--since', '2026-11-25', '--until', '2026-11-25T00:00:00Z'] },
      'audit: --since must be before --until.',
    ],
    [
      'a full number',
      { args: ['--supervisor', '+15550002222'] },
      'audit: --supervisor takes a name or a masked address, such as ***2222.',
    ],
    [
      'a full number without its plus',
      { args: ['--supervisor', '15550002222'] },
      'audit: --supervisor takes a name or a masked address, such as ***2222.',
    ],
    [
      'a full SIP address',
      { args: ['--supervisor', 'sip:carol@example.com'] },
      'audit: --supervisor takes a name or a masked address, such as sip:ca***@example.com.',
    ],
    ['an option that there is not', { args: ['--from', 'now'] }, "audit: Unknown option '--from'."],
  ])('explains %s in a sentence', async (_what, how, sentence) => {
    const { code, stdout, stderr } = await run('audit', how);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  itInFull('as the built program, quotes in CSV a name that has a comma', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.dispose());
    const store = createRedisStore({
      urls: [redis.url],
      lifetimeMs: 60_000,
      auditMs: 3_600_000,
      timeoutMs: 2_000,
      onConnection: () => {},
    });
    onTestFinished(() => store.close());
    await eventually(() => store.ping());
    await store.refusals.add({
      id: 'refusal-1',
      at: '2026-11-25T08:00:00.000Z',
      kind: 'refused',
      reason: 'room',
      supervisor: 'King, Ted',
      number: '***2222',
      room: 'sales' as RoomName,
      callSid: 'ted-1' as Sid,
    });
    const how = { args: ['--format', 'csv'], dotenv: `REDIS_URL=${redis.url}\n` };
    const { code, stdout } = await runBuilt('audit', how);
    expect(code).toBe(0);
    expect(stdout.split('\r\n')[1]).toBe(
      '2026-11-25T08:00:00.000Z,refused,,"King, Ted",***2222,sales,,,,,,,,,,room,,,,,ted-1,,,,,,',
    );
  });

  describe('with unreadable entries', () => {
    const KEY = { feed: '', refusals: 'conference-coach:refusals' };

    /** A Redis whose feed has a moderator's join and leave, and whose refusals have one. */
    async function startTrail() {
      const redis = await startRedis();
      onTestFinished(() => redis.dispose());
      const options = { urls: [redis.url], lifetimeMs: 60_000, auditMs: 3_600_000, timeoutMs: 2_000 };
      const store = createRedisStore({ ...options, onConnection: () => {} });
      onTestFinished(() => store.close());
      await eventually(() => store.ping());
      const client = new Redis(redis.url);
      onTestFinished(() => client.quit());
      const alice = { callSid: sid('alice-1'), ageMs: 0 };
      const report = { conferenceSid: undefined, date: undefined, isModerator: true };
      const refuse = (id: string) =>
        store.refusals.add({
          id,
          at: new Date().toISOString(),
          kind: 'refused',
          reason: 'unknown',
          number: '***1111',
          callSid: sid('bob-1'),
        });
      await store.rooms.apply(roomNamed('sales'), { kind: 'joined', ...alice, ...report });
      await refuse('one');
      const [feed = ''] = (await client.keys('*')).filter((key) => key.endsWith(':feed'));
      KEY.feed = feed;
      const finish = async () => {
        await store.rooms.apply(roomNamed('sales'), { kind: 'dial-ended', ...alice });
        await refuse('two');
      };
      return { url: redis.url, client, finish };
    }

    const kindsIn = (stdout: string) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind)
        .sort();

    it.each<[keyof typeof KEY, string, string]>([
      ['feed', 'fact', '{"kind":'],
      ['feed', 'fact', 'null'],
      ['feed', 'fact', '{"kind":"left","role":"moderator","callSid":"x"}'],
      ['feed', 'fact', '{"kind":"left","role":"moderator","callSid":"x","at":1e99}'],
      ['feed', 'other', '5'],
      ['refusals', 'event', '{"id":'],
      ['refusals', 'event', '{"id":"x","kind":"refused","at":"yesterday"}'],
      ['refusals', 'event', '[]'],
    ])('in the %s skips them and names the key once: %s %s', async (which, field, line) => {
      const { url, client, finish } = await startTrail();
      const id = await client.xadd(KEY[which], '*', field, line);
      await client.xadd(KEY[which], '*', field, line);
      await finish();
      const { code, stdout, stderr } = await run('audit', { env: { REDIS_URL: url } });
      expect([code, stderr]).toEqual([
        0,
        `audit: Redis: skipped unreadable entries of ${KEY[which]}; the first is ${id}.\n`,
      ]);
      expect(kindsIn(stdout)).toEqual(['joined', 'left', 'refused', 'refused']);
    });

    it('prints the rest when one key is not a stream', async () => {
      const { url, client } = await startTrail();
      await client.set(KEY.feed, 'x');
      const { code, stdout, stderr } = await run('audit', { env: { REDIS_URL: url } });
      expect([code, stderr]).toEqual([0, `audit: Redis: unexpected data at ${KEY.feed}; delete that key.\n`]);
      expect(kindsIn(stdout)).toEqual(['refused']);
    });
  });

  it('reads from a Redis with TLS as the server does', async () => {
    const certificate = await generateCertificate();
    const { tlsPort } = await startTlsRedis(certificate);
    const REDIS_URL = `rediss://localhost:${tlsPort}?family=0`;
    for (const settings of [{ REDIS_TLS_CA: certificate.ca }, { REDIS_TLS_VERIFY: 'false' }] as Record<
      string,
      string
    >[]) {
      expect(await run('audit', { env: { REDIS_URL, ...settings } })).toEqual({
        code: 0,
        stdout: '',
        stderr: NO_LINES,
      });
    }
    expect(await run('audit', { env: { REDIS_URL } })).toEqual({
      code: 2,
      stdout: '',
      stderr: `audit: Cannot read the audit trail. REDIS_URL: the certificate of localhost:${tlsPort} is not accepted (self-signed certificate): name its CA in REDIS_TLS_CA. For a test, REDIS_TLS_VERIFY=false accepts any.\n`,
    });
  });

  itInFull('as the built program, reports that Redis is unreachable', async () => {
    const { code, stdout, stderr } = await runBuilt('audit', {
      env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
    });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^audit: Cannot read the audit trail\. Redis: .*ECONNREFUSED.*\n$/);
  });
});

describe('audit --stays', () => {
  const HOUR_MS = 3_600_000;
  const HEADER =
    'supervisor,number,room,moderator,start,end,duration,modes,startKnown,endKnown,callSid,stay,moderatorCallSid,callerCallSids,conferenceSid';
  const ofTed = {
    first:
      'Ted,***2222,sales,Alice,AT,AT,60,coach/coach/AT/Alice/alice-1; monitor/unknown/AT/Carol/carol-1; monitor/monitor/AT/Carol/carol-1,callback,callback,ted-1,1,alice-1,bob-1,cf-1',
    second: 'Ted,***2222,support,Alice,AT,AT,30,barge/barge/AT/Alice/alice-2,callback,webhook,ted-1,2,alice-2,,cf-2',
    onTheWay: 'Ted,***2222,support,Alice,,,,,never,,ted-2,1,alice-2,,',
    wiped: 'Ted,,billing,,,,,coach/coach/AT//alice-3,unknown,,ted-3,,alice-3,,cf-3',
  };
  const ofCarol = 'Carol,***3333,support,Alice,AT,,,monitor/monitor/AT/Alice/alice-2,callback,,carol-2,1,alice-2,,cf-2';

  /** A Redis with two stays of Ted that ended, one that is about to begin, one that nobody knows the start of; and Carol's. */
  async function startTrail(): Promise<string> {
    const redis = await startRedis();
    onTestFinished(() => redis.dispose());
    const store = createRedisStore({
      urls: [redis.url],
      lifetimeMs: 24 * HOUR_MS,
      auditMs: 24 * HOUR_MS,
      timeoutMs: 2_000,
      onConnection: () => {},
    });
    onTestFinished(() => store.close());
    await eventually(() => store.ping());
    const [sales, support, billing] = ['sales', 'support', 'billing'].map(roomNamed) as [RoomName, RoomName, RoomName];
    /** All happened so many seconds after two hours ago. */
    const apply = (room: RoomName, seconds: number, event: object) =>
      store.rooms.apply(room, { ...event, ageMs: 2 * HOUR_MS - seconds * 1_000 } as RoomEvent);
    const joins = (callSid: string, conference: string, more: object = {}) => ({
      kind: 'joined',
      callSid: sid(callSid),
      conferenceSid: sid(conference),
      isDated: true,
      isMuted: false,
      ...more,
    });
    const sent = (callSid: string, number: number, mode: string, target: string, name = 'Ted') => ({
      kind: 'supervisor-sent',
      callSid: sid(callSid),
      stayNumber: number,
      name,
      address: name === 'Ted' ? '***2222' : '***3333',
      mode,
      target: sid(target),
      moderatorName: 'Alice',
    });

    await apply(sales, 0, { kind: 'moderator-arrived', callSid: sid('alice-1'), name: 'Alice' });
    await apply(sales, 2, joins('alice-1', 'cf-1', { isModerator: true }));
    await apply(sales, 4, joins('bob-1', 'cf-1', { isModerator: false }));
    await apply(sales, 10, sent('ted-1', 1, 'coach', 'alice-1'));
    await apply(sales, 12, joins('ted-1', 'cf-1', { coachedCall: sid('alice-1') }));
    await apply(sales, 30, { kind: 'moderator-arrived', callSid: sid('carol-1'), name: 'Carol' });
    await apply(sales, 32, joins('carol-1', 'cf-1', { isModerator: true }));
    await apply(sales, 34, { ...joins('ted-1', 'cf-1', { isMuted: true }), kind: 'muted' });
    await apply(sales, 72, { ...joins('ted-1', 'cf-1'), kind: 'left' });

    await apply(support, 3_600, { kind: 'moderator-arrived', callSid: sid('alice-2'), name: 'Alice' });
    await apply(support, 3_602, joins('alice-2', 'cf-2', { isModerator: true }));
    await apply(support, 3_610, sent('ted-1', 2, 'barge', 'alice-2'));
    await apply(support, 3_612, joins('ted-1', 'cf-2', { coachedCall: 'nobody' }));
    await apply(support, 3_642, { kind: 'dial-ended', callSid: sid('ted-1'), stayNumber: 2 });
    await apply(support, 3_650, sent('carol-2', 1, 'monitor', 'alice-2', 'Carol'));
    await apply(support, 3_652, joins('carol-2', 'cf-2', { isMuted: true, coachedCall: sid('alice-2') }));
    await apply(support, 3_660, sent('ted-2', 1, 'coach', 'alice-2'));

    const seen = { isMuted: false, isOnHold: false, joinAgeMs: HOUR_MS, isModerator: false };
    await apply(billing, 7_000, {
      kind: 'room-observed',
      conference: { sid: sid('cf-3') },
      participants: [
        { ...seen, callSid: sid('alice-3'), coachedCall: 'nobody', isModerator: true },
        {
          ...seen,
          callSid: sid('ted-3'),
          coachedCall: sid('alice-3'),
          person: { role: 'supervisor', name: 'Ted' },
        },
      ],
    });
    return redis.url;
  }

  it('prints one row for each stay, of the whole trail or a part', async () => {
    const REDIS_URL = await startTrail();
    const rows = async (...args: string[]) => {
      const { code, stdout, stderr } = await run('audit', {
        args: ['--stays', '--format', 'csv', ...args],
        env: { REDIS_URL },
      });
      const [header, ...lines] = stdout.split('\r\n');
      expect([header, lines.pop()]).toEqual([HEADER, '']);
      expect([code, stderr]).toEqual([0, lines.length === 0 ? NO_LINES : '']);
      return lines.map((line) => line.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'AT')).sort();
    };
    const { first, second, onTheWay, wiped } = ofTed;
    expect(await rows()).toEqual([ofCarol, first, second, onTheWay, wiped].sort());
    expect(await rows('--supervisor', 'Carol')).toEqual([ofCarol]);
    expect(await rows('--supervisor', '***2222')).toEqual([first, second, onTheWay].sort());
    expect(await rows('--room', 'sales')).toEqual([first]);
    expect(await rows('--room', 'support', '--supervisor', 'Ted')).toEqual([second, onTheWay].sort());
    expect(await rows('--since', '90m', '--room', 'sales')).toEqual([]);
    expect(await rows('--until', '90m')).toEqual([first]);
    expect(await rows('--until', '4h')).toEqual([]);
    // Cut in the middle, it goes on.
    const all = (await run('audit', { args: ['--room', 'sales'], env: { REDIS_URL } })).stdout.trim().split('\n');
    const leftAt = JSON.parse(all.at(-1) ?? '').at;
    expect(await rows('--room', 'sales', '--until', leftAt)).toEqual([
      first.replace('AT,AT,60', 'AT,,').replace('callback,callback', 'callback,'),
    ]);
    expect(await rows('--room', 'sales', '--since', leftAt)).toEqual([
      'Ted,***2222,sales,Carol,AT,AT,60,,unknown,callback,ted-1,1,carol-1,bob-1,cf-1',
    ]);
  });

  it('prints the same as JSON lines', async () => {
    const REDIS_URL = await startTrail();
    const { code, stdout } = await run('audit', { args: ['--stays', '--room', 'sales'], env: { REDIS_URL } });
    expect(code).toBe(0);
    const row = JSON.parse(stdout);
    expect(Object.keys(row).join()).toBe(HEADER);
    expect(row).toMatchObject({ supervisor: 'Ted', moderator: 'Alice', duration: 60, callerCallSids: ['bob-1'] });
    const alice = { moderator: 'Alice', moderatorCallSid: 'alice-1' };
    const carol = { moderator: 'Carol', moderatorCallSid: 'carol-1' };
    const [at, source] = [expect.any(String), 'callback'];
    expect(row.modes).toEqual([
      { at: row.start, mode: 'coach', heard: 'coach', confirmed: true, ...alice, source },
      { at, mode: 'monitor', heard: 'unknown', confirmed: false, ...carol, source },
      { at, mode: 'monitor', heard: 'monitor', confirmed: true, ...carol, source },
    ]);
    expect(Math.round((Date.parse(row.end) - Date.parse(row.start)) / 1_000)).toBe(60);
  });
});

describe.each(['roster', 'audit', 'tokens'])('npm run %s', (command) => {
  /** Runs it in a folder with package.json, and with this program in `dist` if one is given. */
  function npmRun(program?: string) {
    const cwd = temporaryFolder();
    copyFileSync(join(__dirname, '../../package.json'), join(cwd, 'package.json'));
    if (program !== undefined) {
      mkdirSync(join(cwd, 'dist/cli'), { recursive: true });
      writeFileSync(join(cwd, 'dist/cli', `${command}.js`), program);
    }
    return outcomeOf('npm', ['run', '--silent', command, '--', '--an-option', 'a value'], { cwd });
  }

  it('runs the built program, and builds nothing', async () => {
    expect(await npmRun('console.log(process.argv.slice(2).join())')).toEqual({
      code: 0,
      stdout: '--an-option,a value\n',
      stderr: '',
    });
  });

  it('says how to build a missing program', async () => {
    expect(await npmRun()).toEqual({
      code: 1,
      stdout: '',
      stderr: `dist/cli/${command}.js is missing: run npm run build first.\n`,
    });
  });
});

it.each(['roster', 'audit', 'tokens'] as const)('%s --help lists the options', async (command) => {
  const { code, stdout, stderr } = await run(command, { args: ['--help'] });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`npm run --silent ${command} -- `);
});

describe('doctor, as the built program,', () => {
  itInFull('reads .env, trusts NODE_EXTRA_CA_CERTS, and ends with the exit code of its findings', async () => {
    const bench = await startDoctorBench('localhost');
    onTestFinished(() => bench.close());
    const rest = await startTlsProxy(await generateCertificate({ issuer: bench.authority }));
    onTestFinished(() => rest.close());
    rest.target = Number(new URL(bench.env.SIGNALWIRE_SPACE_URL ?? '').port);
    const settings = { ...bench.env, NODE_ENV: 'production', SIGNALWIRE_SPACE_URL: `https://localhost:${rest.port}` };
    const dotenv = Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
    const env = { NODE_EXTRA_CA_CERTS: bench.authority.ca };
    const { code, stdout, stderr } = await runBuilt('doctor', { args: ['--json'], dotenv, env });
    expect([code, stderr]).toEqual([1, '']);
    // How long Redis takes is this machine's business.
    const found = JSON.parse(stdout).checks.filter(({ id }: { id: string }) => id !== 'redis.latency');
    expect(found.filter(({ status }: { status: string }) => status !== 'ok')).toEqual([
      {
        id: 'public-url.host',
        status: 'error',
        message: 'No Space can reach localhost.',
        remedy: 'Set PUBLIC_URL to a public address, for a first try by ngrok.',
      },
    ]);
  });
});
