import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { hashPin, type Pin } from '../../src/people/pin';
import type { RoomName } from '../../src/rooms/room-name';
import type { Sid } from '../../src/signalwire/sid';
import { createRedisStore } from '../../src/store/store';
import { atEnd } from '../support/at-end';
import { generateCertificate } from '../support/certificate';
import { eventually, freePort, startRedis } from '../support/redis-server';
import { temporaryFolder } from '../support/temporary-folder';
import { startTlsRedis } from '../support/tls-redis';

const KEY = 'a key for the tests alone';
const HASH = hashPin(KEY, '48213' as Pin);

interface Run {
  args?: string[];
  env?: Record<string, string>;
  /** What is in the folder's .env. */
  dotenv?: string;
  input?: string;
}

async function run(command: string, { args = [], env = {}, dotenv, input = '' }: Run) {
  const cwd = temporaryFolder();
  if (dotenv !== undefined) {
    writeFileSync(join(cwd, '.env'), dotenv);
  }
  return outcomeOf(process.execPath, [join(__dirname, '../../dist/commands', `${command}.js`), ...args], {
    cwd,
    env,
    input,
  });
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
  it.each<[string, Run]>([
    ['of its argument', { args: ['hash-pin', '48213'], env: { PIN_KEY: KEY } }],
    ['of a line on standard input', { args: ['hash-pin'], env: { PIN_KEY: KEY }, input: '48213\n' }],
    ['of standard input without a line end', { args: ['hash-pin'], env: { PIN_KEY: KEY }, input: '48213' }],
    ['with the key in .env', { args: ['hash-pin', '48213'], dotenv: `PIN_KEY=${KEY}\n` }],
  ])('prints the hash %s, and nothing else', async (_what, how) => {
    expect(await run('roster', how)).toEqual({ code: 0, stdout: `${HASH}\n`, stderr: '' });
  });

  it.each<[string, Run, string]>([
    ['no key', { args: ['hash-pin', '48213'] }, 'roster: PIN_KEY is not set'],
    [
      'a misspelt key',
      { args: ['hash-pin', '48213'], env: { PINKEY: KEY } },
      'roster: PIN_KEY is not set: PINs are hashed with it, such as openssl rand -hex 32 prints one. PINKEY is set: did you mean PIN_KEY?\n',
    ],
    ['a short PIN', { args: ['hash-pin', '4821'], env: { PIN_KEY: KEY } }, 'roster: A PIN has 5 to 10 digits.'],
    ['no PIN at all', { args: ['hash-pin'], env: { PIN_KEY: KEY } }, 'roster: A PIN has 5 to 10 digits.'],
    ['no command', { env: { PIN_KEY: KEY } }, 'roster: Usage: npm run --silent roster -- hash-pin [PIN]'],
    [
      'two PINs',
      { args: ['hash-pin', '48213', '48214'], env: { PIN_KEY: KEY } },
      'roster: Usage: npm run --silent roster -- hash-pin [PIN]',
    ],
    ['settings that cannot be used', { args: ['hash-pin', '48213'], env: { PORT: 'x' } }, 'roster: PORT must be'],
  ])('says in a sentence what is the matter with %s', async (_what, how, sentence) => {
    const { code, stdout, stderr } = await run('roster', how);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('4821');
  });
});

describe('audit', () => {
  it.each<[string, Run, string]>([
    ['no Redis in the settings', {}, 'audit: REDIS_URL is not set'],
    [
      'a misspelt Redis url',
      { env: { REDIS_URI: 'redis://localhost' } },
      'audit: REDIS_URL is not set: the audit trail of a server without Redis is in its memory alone. REDIS_URI is set: did you mean REDIS_URL?\n',
    ],
    ['another format', { args: ['--format', 'xml'] }, 'audit: --format must be csv or jsonl.'],
    ['a time that is none', { args: ['--since', 'yesterday'] }, 'audit: --since must be a date'],
    ['a day that is none', { args: ['--since', '2026-02-40'] }, 'audit: --since must be a date'],
    ['an option that there is not', { args: ['--until', 'now'] }, "audit: Unknown option '--until'."],
  ])('says in a sentence what is the matter with %s', async (_what, how, sentence) => {
    const { code, stdout, stderr } = await run('audit', how);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('quotes in CSV a name that has a comma', async () => {
    const redis = await startRedis();
    atEnd(() => redis.dispose());
    const store = createRedisStore({ urls: [redis.url], lifetimeMs: 60_000, timeoutMs: 2_000, onConnection: () => {} });
    atEnd(() => store.close());
    await eventually(() => store.ping());
    await store.supervision.refuse({
      id: 'refusal-1',
      at: '2026-11-25T08:00:00.000Z',
      kind: 'refused',
      reason: 'room',
      supervisor: 'King, Ted',
      number: '***2222',
      room: 'sales' as RoomName,
      callSid: 'ted-1' as Sid,
    });
    const { code, stdout } = await run('audit', { args: ['--format', 'csv'], env: { REDIS_URL: redis.url } });
    expect(code).toBe(0);
    expect(stdout.split('\r\n')[1]).toBe(
      '2026-11-25T08:00:00.000Z,refused,"King, Ted",***2222,sales,,,,,,,room,,,ted-1,',
    );
  });

  it('reads from a Redis with TLS as the server does', async () => {
    const certificate = await generateCertificate();
    const { tlsPort } = await startTlsRedis(certificate);
    const REDIS_URL = `rediss://localhost:${tlsPort}?family=0`;
    for (const settings of [{ REDIS_TLS_CA: certificate.ca }, { REDIS_TLS_VERIFY: 'false' }] as Record<
      string,
      string
    >[]) {
      expect(await run('audit', { env: { REDIS_URL, ...settings } })).toEqual({ code: 0, stdout: '', stderr: '' });
    }
    expect(await run('audit', { env: { REDIS_URL } })).toEqual({
      code: 2,
      stdout: '',
      stderr: `audit: The audit trail cannot be read. REDIS_URL: the certificate of localhost:${tlsPort} is not accepted (self-signed certificate): name its CA in REDIS_TLS_CA. For a test, REDIS_TLS_VERIFY=false accepts any.\n`,
    });
  });

  it('says so when Redis is not there', async () => {
    const { code, stdout, stderr } = await run('audit', {
      env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
    });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^audit: The audit trail cannot be read\. Redis: .*ECONNREFUSED.*\n$/);
  });
});

describe.each(['roster', 'audit'])('npm run %s', (command) => {
  /** Runs it in a folder with package.json, and with this program in `dist` if one is given. */
  function npmRun(program?: string) {
    const cwd = temporaryFolder();
    copyFileSync(join(__dirname, '../../package.json'), join(cwd, 'package.json'));
    if (program !== undefined) {
      mkdirSync(join(cwd, 'dist/commands'), { recursive: true });
      writeFileSync(join(cwd, 'dist/commands', `${command}.js`), program);
    }
    return outcomeOf('npm', ['run', '--silent', command, '--', '--an-option', 'a value'], { cwd });
  }

  it('runs what is built, and builds nothing', async () => {
    expect(await npmRun('console.log(process.argv.slice(2).join())')).toEqual({
      code: 0,
      stdout: '--an-option,a value\n',
      stderr: '',
    });
  });

  it('says how to build it when it is missing', async () => {
    expect(await npmRun()).toEqual({
      code: 1,
      stdout: '',
      stderr: `dist/commands/${command}.js is missing: run npm run build first.\n`,
    });
  });
});

it.each(['roster', 'audit'])('%s --help tells what there is', async (command) => {
  const { code, stdout, stderr } = await run(command, { args: ['--help'] });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`npm run --silent ${command} -- `);
});
