import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { connect, createServer, type LookupFunction, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { DoctorOptions } from '../../src/cli/doctor';
import type { Finding } from '../../src/cli/doctor/finding';
import { startConferenceCoach } from '../../src/conference-coach';
import { loadConfig } from '../../src/config';
import type { Fault } from '../../src/simulator/rest-api';
import { generateCertificate } from '../support/certificate';
import { type DoctorBench, HOST, KEY, startDoctorBench } from '../support/doctor-bench';
import { isFullFuzz } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { freePort } from '../support/redis-server';
import { startScriptedServer } from '../support/scripted-server';
import { temporaryFolder } from '../support/temporary-folder';

/** The deadline where something hangs: enough for everything else, also beside the long suites of a full run. */
const HANG_MS = isFullFuzz ? 1_500 : 1_000;

let bench: DoctorBench;

beforeAll(async () => {
  bench = await startDoctorBench();
});

afterAll(() => bench?.close());

/** What a mistake changes: settings, and how the doctor runs. */
type Planted = { env?: Record<string, string>; options?: DoctorOptions };
type Mistake = [
  what: string,
  plant: () => Planted | undefined | Promise<Planted | undefined>,
  found: string[],
  says: RegExp,
];

/** Settings of Redis until the test is over. */
async function configure(name: string, value: string, usual: string): Promise<undefined> {
  onTestFinished(() => bench.admin.config('SET', name, usual));
  await bench.admin.config('SET', name, value);
}

/** What the Space answers to requests of these paths, until the test is over. */
function answerRest(path: RegExp, fault: Fault | Promise<Fault>): undefined {
  onTestFinished(() => {
    bench.intercept = () => undefined;
  });
  bench.intercept = ({ path: asked }) => (path.test(asked) ? fault : undefined);
}

/** What the proxy answers to everything, until the test is over. */
function answerProxy(answer: (res: ServerResponse) => void): undefined {
  onTestFinished(() => {
    bench.proxy.answer = undefined;
  });
  bench.proxy.answer = (_req, res) => answer(res);
}

/** Until the test is over, the Space's clock is ahead. */
function setSpaceAhead(ms: number): undefined {
  onTestFinished(() => {
    bench.spaceAheadMs = 0;
  });
  bench.spaceAheadMs = ms;
}

/** A server of the test's own; returns its port. */
async function listening(server: Server): Promise<number> {
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => server.close());
  return port;
}

const change = (...args: Parameters<DoctorBench['change']>) => void bench.change(...args);
const tokensFile = () => join(dirname(bench.env.ROSTER_FILE ?? ''), 'tokens.json');
const unresolved: LookupFunction = (host, _options, done) =>
  done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }), '');

const MISTAKES: Mistake[] = [
  ['an invalid setting', () => ({ env: { PORT: 'x' } }), ['settings.values error'], /PORT must be a whole number/],
  [
    'a misspelt setting',
    () => ({ env: { CONFERENCENAME: 'sales' } }),
    ['settings.values warning'],
    /CONFERENCENAME is not a setting: did you mean CONFERENCE_NAME\?/,
  ],
  [
    'a misspelt setting beside an invalid one',
    () => ({ env: { PORT: 'x', CONFERENCENAME: 'sales' } }),
    ['settings.values error', 'settings.values warning'],
    /PORT must be a whole number.*CONFERENCENAME is not a setting: did you mean CONFERENCE_NAME\?/s,
  ],
  [
    'settings that production refuses',
    () => ({ env: { NODE_ENV: 'production' } }),
    ['settings.values error'],
    /SIGNALWIRE_SPACE_URL must not begin with http:\/\//,
  ],
  [
    'an API token as the signing key',
    () => ({ env: { SIGNALWIRE_SIGNING_KEY: 'PT0123' } }),
    ['settings.signing-key error', 'public-url.answer error'],
    /is an API token: every call gets 403\. Copy the signing key/,
  ],
  [
    'a signing key of another form',
    () => ({ env: { SIGNALWIRE_SIGNING_KEY: 'abc' } }),
    ['settings.signing-key warning', 'public-url.answer error'],
    /does not begin with PSK_/,
  ],
  [
    'another signing key than the running server has',
    () => ({ env: { SIGNALWIRE_SIGNING_KEY: 'PSK_other' } }),
    ['public-url.answer error'],
    /refuses our signature.*Restart the server if you changed them/,
  ],
  [
    'two signing keys',
    () => ({ env: { SIGNALWIRE_SIGNING_KEY: `${KEY},PSK_old` } }),
    ['settings.signing-key warning'],
    /two keys.*Remove the old one/,
  ],
  [
    'a roster that is not there',
    () => ({ env: { ROSTER_FILE: '/nowhere/roster.json' } }),
    ['people.roster error'],
    /Cannot read ROSTER_FILE \/nowhere\/roster\.json/,
  ],
  [
    'a roster on a disk that hangs',
    async () => {
      const file = join(temporaryFolder(), 'roster.json');
      execFileSync('mkfifo', [file]);
      // Ends the read that the doctor has given up.
      onTestFinished(() => writeFile(file, ''));
      return { env: { ROSTER_FILE: file }, options: { timeoutMs: HANG_MS } };
    },
    ['people.roster error'],
    /roster\.json could not be read in [\d.]+ s/,
  ],
  [
    'supervisors who can phone but lack the right to listen, or to their mode',
    () => {
      const file = join(temporaryFolder(), 'roster.json');
      const supervisors = [
        { name: 'Ted', number: '+15550007777', rights: ['see', 'coach'], mode: 'barge' },
        { name: 'Alice', number: '+15550008888', rights: ['monitor'], mode: 'coach' },
        { name: 'Carol', number: '+15550009999', rights: ['monitor', 'coach'], mode: 'coach' },
        { name: 'Bob', email: 'bob@example.com', rights: ['see'] },
      ];
      writeFileSync(file, JSON.stringify({ supervisors }));
      return { env: { ROSTER_FILE: file } };
    },
    ['people.roster warning', 'people.roster warning'],
    /^Ted lacks the right monitor: .* Add monitor to their rights\.\nAlice starts in coach but lacks that right/,
  ],
  [
    'tokens that cannot be read',
    () => {
      onTestFinished(() => writeFileSync(tokensFile(), '{}'));
      writeFileSync(tokensFile(), '{"tokens": [');
      return undefined;
    },
    ['people.tokens error'],
    /tokens\.json, line 1, column 13: this is not JSON/,
  ],
  [
    'an expired token',
    () => {
      const entry = {
        name: 'CRM',
        hash: '0'.repeat(64),
        rights: ['see'],
        created: '2020-01-01',
        expires: '2020-02-01',
      };
      onTestFinished(() => writeFileSync(tokensFile(), '{}'));
      writeFileSync(tokensFile(), JSON.stringify({ tokens: [entry] }));
      return undefined;
    },
    ['people.tokens warning'],
    /expired tokens: CRM\./,
  ],
  [
    'a Redis that is down',
    async () => ({ env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` }, options: { timeoutMs: HANG_MS } }),
    ['redis.connection error'],
    /ECONNREFUSED.*Start Redis, or correct REDIS_URL/,
  ],
  [
    'a Redis that hangs',
    async () => {
      const port = await listening(createServer((socket) => socket.resume()));
      return { env: { REDIS_URL: `redis://127.0.0.1:${port}` }, options: { timeoutMs: HANG_MS } };
    },
    ['redis.connection error'],
    /Redis did not answer: not connected yet\./,
  ],
  [
    'a wrong password for Redis',
    async () => {
      await configure('requirepass', 'hunter2', '');
      return { env: { REDIS_URL: `redis://:hunter3@127.0.0.1:${bench.redis.port}` } };
    },
    ['redis.connection error'],
    /login refused; wrong user or password/,
  ],
  [
    'a Redis that deletes keys when it is full',
    () => configure('maxmemory-policy', 'allkeys-lru', 'noeviction'),
    ['redis.eviction error'],
    /maxmemory-policy allkeys-lru.*Set maxmemory-policy noeviction\./,
  ],
  [
    'a Redis that keeps nothing on disk',
    () => configure('appendonly', 'no', 'yes'),
    ['redis.persistence warning'],
    /keeps nothing on disk.*Set appendonly yes\./,
  ],
  [
    'a replica',
    async () => {
      onTestFinished(() => bench.admin.replicaof('NO', 'ONE'));
      await bench.admin.replicaof('127.0.0.1', await freePort());
      return undefined;
    },
    ['redis.role error'],
    /is a replica.*Set REDIS_URL to the primary/,
  ],
  [
    'a Redis that is far away',
    async () => {
      const relay = createServer((socket) => {
        const redis = connect(bench.redis.port, '127.0.0.1');
        socket.pipe(redis).on('error', () => socket.destroy());
        socket.on('error', () => {}).on('close', () => redis.destroy());
        redis.on('data', async (data) => {
          await sleep(25);
          socket.write(data);
        });
      });
      return {
        env: { REDIS_URL: `redis://127.0.0.1:${await listening(relay)}` },
        options: { monotonicNow: () => performance.now() },
      };
    },
    ['redis.latency warning'],
    /takes [2-9]\d\.\d ms per round trip.*Run Redis near the server/,
  ],
  [
    'a wrong API token',
    () => ({ env: { SIGNALWIRE_API_TOKEN: 'PTwrong' } }),
    ['space.credentials error'],
    /refuses SIGNALWIRE_PROJECT_ID and SIGNALWIRE_API_TOKEN together \(401\)/,
  ],
  [
    'the id of another project',
    () => ({ env: { SIGNALWIRE_PROJECT_ID: 'another' } }),
    ['space.credentials error'],
    /the token must be of this project/,
  ],
  [
    'a Space that is something else',
    async () => {
      const { url } = await startScriptedServer({});
      return { env: { SIGNALWIRE_SPACE_URL: url } };
    },
    ['space.credentials error'],
    /does not answer as a Space does. Correct SIGNALWIRE_SPACE_URL/,
  ],
  [
    'a Space that is not there',
    async () => ({ env: { SIGNALWIRE_SPACE_URL: `http://127.0.0.1:${await freePort()}` } }),
    ['space.credentials error'],
    /Nothing listens at 127\.0\.0\.1/,
  ],
  [
    'a Space that hangs',
    () => {
      answerRest(/./, sleep(2_000, 'disconnect', { ref: false }));
      return { options: { timeoutMs: HANG_MS } };
    },
    ['space.credentials error'],
    /did not answer in time/,
  ],
  [
    'a token without the voice scope',
    () => answerRest(/^\/Conferences/, { status: 401, body: { code: 20_003, message: 'No', status: 401 } }),
    ['space.voice-scope error'],
    /Give the token the scope Voice/,
  ],
  [
    'a project that is suspended',
    () => answerRest(/^\/?$/, { status: 200, body: { sid: bench.space.accountSid, status: 'suspended' } }),
    ['space.account error'],
    /The project is suspended/,
  ],
  [
    'a clock that is inaccurate',
    () => setSpaceAhead(10_000),
    ['space.clock warning'],
    /is (9|10|11) s behind that of the Space/,
  ],
  [
    'a clock that is wrong',
    () => setSpaceAhead(-300_000),
    ['space.clock error'],
    /is (299|300|301) s ahead of that of the Space/,
  ],
  [
    'a host that DNS does not know',
    () => ({ options: { lookup: unresolved } }),
    ['public-url.answer error'],
    /The host of https:\/\/coach\.example\.com:\d+ is unknown \(DNS\)/,
  ],
  [
    'a port where nothing listens',
    async () => ({ env: { PUBLIC_URL: `https://${HOST}:${await freePort()}` } }),
    ['public-url.answer error', 'numbers.voice-url error', 'numbers.voice-url error'],
    /Nothing listens at https:\/\/coach\.example\.com/,
  ],
  [
    'a proxy that hangs',
    () => {
      answerProxy(() => {});
      return { options: { timeoutMs: HANG_MS } };
    },
    ['public-url.answer error'],
    /did not answer in time\. A Space waits 5 s/,
  ],
  [
    'an expired certificate',
    async () => {
      const notAfterDate = new Date(Date.now() - 86_400_000);
      bench.certify(await generateCertificate({ host: HOST, issuer: bench.authority, notAfterDate }));
      return undefined;
    },
    ['public-url.answer error'],
    /has expired\. Renew the certificate/,
  ],
  [
    'a certificate that expires soon',
    async () => {
      const notAfterDate = new Date(Date.now() + 3_600_000);
      bench.certify(await generateCertificate({ host: HOST, issuer: bench.authority, notAfterDate }));
      return undefined;
    },
    ['public-url.certificate warning'],
    /expires in 0 days\. See why your proxy does not renew it/,
  ],
  [
    'a certificate for another host',
    async () => void bench.certify(await generateCertificate({ host: 'example.org', issuer: bench.authority })),
    ['public-url.answer error'],
    /is for another host/,
  ],
  [
    'a self-signed certificate',
    async () => void bench.certify(await generateCertificate({ host: HOST })),
    ['public-url.answer error'],
    /an authority that nobody knows/,
  ],
  [
    'a certificate of an authority that is not sent',
    () => ({ options: { ca: undefined } }),
    ['public-url.answer error'],
    /chain of .* is incomplete/,
  ],
  [
    'a PUBLIC_URL without TLS',
    () => ({ env: { PUBLIC_URL: `http://${HOST}:${bench.proxy.target}` } }),
    ['public-url.host error', 'public-url.answer error', 'numbers.voice-url error', 'numbers.voice-url error'],
    /is without TLS/,
  ],
  [
    'a PUBLIC_URL of this machine alone',
    () => ({ env: { PUBLIC_URL: `https://localhost:${bench.proxy.port}` } }),
    ['public-url.host error', 'public-url.answer error', 'numbers.voice-url warning'],
    /No Space can reach localhost/,
  ],
  [
    'https where there is no TLS',
    () => ({ env: { PUBLIC_URL: `https://${HOST}:${bench.proxy.target}` } }),
    ['public-url.answer error', 'numbers.voice-url error', 'numbers.voice-url error'],
    /does not speak TLS/,
  ],
  [
    'a redirect',
    () => answerProxy((res) => res.writeHead(301, { location: 'https://www.example.com/x?y=1' }).end()),
    ['public-url.answer error'],
    /redirects to https:\/\/www\.example\.com \(301\)/,
  ],
  [
    'a proxy that does not reach the server',
    () => answerProxy((res) => res.writeHead(502).end()),
    ['public-url.answer error'],
    /does not reach the server \(502\)/,
  ],
  [
    'another website',
    () => answerProxy((res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>')),
    ['public-url.answer error'],
    /Something other than this server answers/,
  ],
  [
    'a path that the proxy does not pass on',
    () => ({ env: { PUBLIC_URL: `${bench.publicUrl}/phones` } }),
    ['public-url.answer error', 'numbers.voice-url error', 'numbers.voice-url error'],
    /has no such route \(404\)/,
  ],
  [
    'a server with other settings',
    () => ({ env: { PROMPT_LANGUAGE: 'de' } }),
    ['public-url.answer error'],
    /Another document than this server's/,
  ],
  [
    'a server that accepts unsigned requests',
    async () => {
      const { SIGNALWIRE_SIGNING_KEY: _key, REDIS_URL: _redis, ...env } = bench.env;
      const open = await startConferenceCoach(loadConfig(env), pino({ level: 'silent' }), { sweepIntervalMs: 0 });
      const usual = bench.proxy.target;
      onTestFinished(async () => {
        bench.proxy.target = usual;
        await open.stop(0);
      });
      bench.proxy.target = open.port;
      return undefined;
    },
    ['public-url.unsigned error'],
    /accepts requests without a signature/,
  ],
  [
    "a fallback on a supervisors' number",
    () => change('supervisors', { voiceFallbackUrl: `${bench.publicUrl}/fallback` }),
    ['numbers.fallback error'],
    /\*\*\*2222 is a supervisors' number with a fallback: it lets supervisors in as callers, heard by everyone/,
  ],
  [
    "a fallback elsewhere on a supervisors' number",
    () =>
      change('supervisors', { voiceUrl: `${bench.publicUrl}/coach/sales`, voiceFallbackUrl: 'https://a.example.com/' }),
    ['numbers.fallback error'],
    /\*\*\*2222 is a supervisors' number with a fallback/,
  ],
  [
    'no fallback',
    () => change('conference', { voiceFallbackUrl: undefined }),
    ['numbers.fallback warning'],
    /\*\*\*1111 has no fallback.*Set it to https:\/\/.*\/fallback\/sales\./,
  ],
  [
    'a fallback to another room',
    () => change('conference', { voiceFallbackUrl: `${bench.publicUrl}/fallback/help` }),
    ['numbers.fallback error'],
    /wrong fallback: https:\/\/.*\/fallback\/help\. Set it to https:\/\/.*\/fallback\/sales\./,
  ],
  [
    'no status callback',
    () => change('conference', { statusCallback: undefined }),
    ['numbers.status-callback warning'],
    /\*\*\*1111 has no status callback/,
  ],
  [
    'a status callback to a document',
    () => change('conference', { statusCallback: `${bench.publicUrl}/conference/sales` }),
    ['numbers.status-callback error'],
    /wrong status callback/,
  ],
  [
    "a document as the status callback of a supervisors' number",
    () => change('supervisors', { statusCallback: `${bench.publicUrl}/supervisor` }),
    ['numbers.status-callback error'],
    /wrong status callback/,
  ],
  [
    'a number that calls without TLS',
    () => change('supervisors', { voiceUrl: `http://${HOST}/supervisor` }),
    ['numbers.voice-url error'],
    /leads to http:\/\/coach\.example\.com\/supervisor, which is not below PUBLIC_URL/,
  ],
  [
    'a number that leads to no route',
    () => change('conference', { voiceUrl: `${bench.publicUrl}/conferences/sales` }),
    ['numbers.voice-url error'],
    /\*\*\*1111 leads to \/conferences\/sales, which is no route/,
  ],
  [
    'a number with an unknown mode',
    () => change('supervisors', { voiceUrl: `${bench.publicUrl}/supervisor?mode=whisper` }),
    ['numbers.voice-url error'],
    /refuses this mode\. Use one of monitor, coach, barge\./,
  ],
  [
    "a fallback on a supervisors' number whose every call goes there",
    () =>
      change('supervisors', {
        voiceUrl: `http://${HOST}/coach/sales`,
        voiceFallbackUrl: `${bench.publicUrl}/fallback`,
      }),
    ['numbers.voice-url error', 'numbers.fallback error'],
    /Set it to https:\/\/coach\.example\.com:\d+\/coach\/sales\.\n.*heard by everyone/,
  ],
  [
    'the same with a misspelt route',
    () =>
      change('supervisors', { voiceUrl: `${bench.publicUrl}/supervisors`, voiceFallbackUrl: 'https://a.example.com/' }),
    ['numbers.voice-url error', 'numbers.fallback error'],
    /leads to \/supervisors, which is no route.*\n.*heard by everyone/,
  ],
  [
    "a caller's number that is not the project's",
    () => ({ env: { CALLER_ID: '+15550009999' } }),
    ['numbers.caller-id warning'],
    /CALLER_ID is \*\*\*9999, which is no number of the project\. Set it to one/,
  ],
  [
    'no number of ours',
    () => {
      change('conference', { voiceApplicationSid: 'application-1' });
      return change('supervisors', { voiceUrl: undefined });
    },
    ['numbers.voice-url warning'],
    /No number of the project leads to this server/,
  ],
];

describe('the doctor', () => {
  it('finds nothing wrong in a correct set-up', async () => {
    const checks = await bench.examine();
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(checks.map(({ id }) => id)).toEqual([
      'settings.values',
      'settings.signing-key',
      'people.roster',
      'people.tokens',
      'redis.connection',
      'redis.version',
      'redis.role',
      'redis.eviction',
      'redis.persistence',
      'redis.latency',
      'redis.clock',
      'space.credentials',
      'space.voice-scope',
      'space.account',
      'space.clock',
      'public-url.host',
      'public-url.answer',
      'public-url.certificate',
      'public-url.unsigned',
      'numbers.voice-url',
      'numbers.voice-url',
      'numbers.caller-id',
      'numbers.others',
    ]);
  });

  /** Twenty in a short run. */
  const planted = MISTAKES.filter((_mistake, index) => isFullFuzz || index % 3 === 0);

  it.each(planted)('finds %s, and nothing else', async (_what, plant, found, says) => {
    const { env = {}, options } = (await plant()) ?? {};
    const checks = await bench.examine({ env }, options);
    const wrong = checks.filter(({ status }) => status === 'error' || status === 'warning');
    expect(wrong.map(({ id, status }) => `${id} ${status}`)).toEqual(found);
    expect(wrong.map(({ message, remedy }) => `${message} ${remedy ?? ''}`).join('\n')).toMatch(says);
  });

  it('says what only a call shows, and that no number leads elsewhere', async () => {
    bench.change('other', { voiceUrl: `${bench.publicUrl}/supervisor`, voiceFallbackUrl: undefined });
    const messages = (await bench.examine()).map(({ message }) => message);
    expect(messages).toContain('The token may read conferences. Only a call shows whether it may also change them.');
    expect(messages).toContain('No number of the project leads elsewhere.');
  });

  it('skips what it cannot check, with the reason, and ends with code 0', async () => {
    const env = Object.fromEntries(Object.keys(bench.env).map((name) => [name, '']));
    const { code, stdout } = await bench.run({ args: ['--json'], env });
    const { checks } = JSON.parse(stdout) as { checks: Finding[] };
    expect(code).toBe(0);
    expect(checks.filter(({ status }) => status === 'ok' || status === 'error')).toEqual([]);
    const reasons = checks
      .filter(({ status }) => status === 'skipped')
      .map(({ id, message }) => [id.split('.')[0], message].join(': '));
    expect([...new Set(reasons)]).toEqual([
      'people: ROSTER_FILE is not set: people are numbers only, and there are no tokens.',
      'redis: REDIS_URL is not set: state is kept in memory.',
      'space: SIGNALWIRE_SPACE_URL is not set.',
      'public-url: PUBLIC_URL is not set.',
      'numbers: SIGNALWIRE_SPACE_URL is not set.',
    ]);
  });

  it('names every check as skipped if the settings cannot be used', async () => {
    const all = new Set((await bench.examine()).map(({ id }) => id));
    const checks = await bench.examine({ env: { MAX_CALL_SECONDS: '0' } });
    expect(new Set(checks.map(({ id }) => id))).toEqual(
      new Set([...all, 'numbers.fallback', 'numbers.status-callback']),
    );
    const made = checks.filter(({ status }) => status !== 'skipped').map(({ id }) => id);
    expect(made).toEqual(['settings.values', 'people.roster', 'people.tokens']);
  });

  it('sends no token without TLS if the server would refuse to', async () => {
    let isAsked = false;
    onTestFinished(() => {
      bench.intercept = () => undefined;
    });
    bench.intercept = () => {
      isAsked = true;
      return undefined;
    };
    const checks = await bench.examine({ env: { NODE_ENV: 'production' } });
    expect(checks.find(({ id }) => id === 'space.credentials')).toMatchObject({ status: 'skipped' });
    expect(isAsked).toBe(false);
  });

  it.each<[what: string, path: RegExp, skipped: string[], remedy: string]>([
    ['Management', /^\/?$/, ['space.account', 'space.clock'], 'Give it the scope Management.'],
    [
      'Numbers',
      /^\/IncomingPhoneNumbers/,
      ['numbers.voice-url', 'numbers.fallback', 'numbers.status-callback', 'numbers.caller-id', 'numbers.others'],
      'Give it the scope Numbers.',
    ],
  ])('says what it cannot check without the scope %s', async (_scope, path, ids, remedy) => {
    answerRest(path, { status: 403, body: { code: 20_003, message: 'No', status: 403 } });
    const checks = await bench.examine();
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual(
      ids.map((id) => ({ id, status: 'skipped', message: expect.any(String), remedy })),
    );
  });

  it('prints each check under a heading, in lines of at most 80 characters, with what to do', async () => {
    bench.change('supervisors', { voiceFallbackUrl: `${bench.publicUrl}/fallback` });
    const { code, stdout, stderr } = await bench.run({ env: { REDIS_URL: '' } });
    expect([code, stderr]).toEqual([1, '']);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    const [, redis = ''] = /\nRedis\n(.*?)\n\n/s.exec(stdout) ?? [];
    expect(redis).toBe('  skipped  REDIS_URL is not set: state is kept in memory.');
    expect(stdout).toContain(`
Phone numbers
  ok       ***1111 leads to /conference/sales.
  ok       ***2222 leads to /supervisor?mode=coach.
  ERROR    ***2222 is a supervisors' number with a fallback: it lets supervisors
           in as callers, heard by everyone. Remove it in your Space, or with
           --fix-numbers.
  ok       Supervisors are called from ***1111.
  ok       Not ours: ***3333.

1 error, 1 warning.
`);
  });

  it('ends with code 2 if it cannot run', async () => {
    expect(await bench.run({ args: ['--fix'] })).toEqual({
      code: 2,
      stdout: '',
      stderr: "doctor: Unknown option '--fix'. See --help.\n",
    });
  });
});
