import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { startConferenceCoach } from '../../src/conference-coach';
import { loadConfig } from '../../src/config';
import { createLog } from '../../src/ops/log';
import { hashPassword } from '../../src/people/password';
import type { Fault } from '../../src/simulator/rest-api';
import { ALICE, BOB, SIGNING_KEY, TED } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { rosterSettings } from '../support/roster';
import { ask, type Series, scrape } from '../support/scrape';
import { sign } from '../support/sign';
import { startTestBench, type TestBench, type TestBenchOptions } from '../support/test-bench';

const METRICS = { METRICS_PORT: '0' };

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

async function start(options: TestBenchOptions = {}) {
  const bench = await startTestBench({ ...options, env: { ...METRICS, ...options.env } });
  const read = () => scrape(bench.server.metricsPort as number);
  return { ...bench, read, post: (path: string, form = {}, key = SIGNING_KEY) => post(bench, path, form, key) };
}

/** Posts a form as the Space would; its signature is made with this key. */
function post({ url }: Pick<TestBench, 'url'>, path: string, form: Record<string, string>, key: string) {
  const signature = sign(key, url + path, Object.entries(form));
  return supertest(url).post(path).type('form').set('x-signalwire-signature', signature).send(form);
}

/** The series of a metric that are not 0, without the name's beginning; webhooks as `route outcome`. */
function shown(series: Series, name: string): Record<string, number> {
  const own = [...series].filter(([one, value]) => one.startsWith(`conference_coach_${name}`) && value !== 0);
  return Object.fromEntries(
    own.map(([one, value]) => [[...one.matchAll(/="([^"]*)"/g)].map(([, label]) => label).join(' '), value]),
  );
}

const amount = (series: Series, name: string) => series.get(`conference_coach_${name}`);

const joined = (CallSid: string, ageMs = 0, event = 'participant-join') => ({
  CallSid,
  ConferenceSid: 'cf-1',
  StatusCallbackEvent: event,
  Timestamp: new Date(Date.now() - ageMs).toUTCString(),
});

describe.each([
  ['the embedded store', () => ({})],
  ['Redis', () => ({ REDIS_URL: redis.url })],
])('metrics, with %s,', (_name, storeSettings) => {
  it('show who is in the rooms, and whose mode is confirmed', async () => {
    const { call, hangUp, read } = await start({ withRest: true, env: storeSettings() });
    const alice = await call('Alice', '/conference/sales');
    await call('Bob', '/conference/sales');
    await call('Ted', '/coach/sales');
    const during = await eventually(async () => {
      const series = await read();
      expect(shown(series, 'supervisors')).toEqual({ 'coach yes': 1 });
      return series;
    });
    expect(amount(during, 'rooms')).toBe(1);
    expect(shown(during, 'participants')).toEqual({ moderator: 1, caller: 1, supervisor: 1 });
    expect(shown(during, 'webhooks_total')).toMatchObject({
      '/conference{/:room} answered': 2,
      '/coach{/:room} answered': 1,
    });
    expect(shown(during, 'callbacks_total')).toMatchObject({ joined: 3, 'conference-started': 1 });
    await eventually(async () => {
      const series = await read();
      expect(shown(series, 'rest_requests_total')['listConferences ok']).toBeGreaterThan(0);
      expect(amount(series, 'rest_duration_seconds_count{operation="listConferences"}')).toBeGreaterThan(0);
    });
    await hangUp(alice);
    await eventually(async () => {
      const after = await read();
      expect([amount(after, 'rooms'), shown(after, 'participants'), shown(after, 'supervisors')]).toEqual([0, {}, {}]);
    });
  });

  it('count callbacks, those that are late, and those that change nothing', async () => {
    const { post: send, read } = await start({ env: storeSettings() });
    await send('/events/conference/support', joined('alice-1', 7_000));
    await send('/events/conference/support', joined('alice-1', 7_000));
    await send('/events/conference/support', joined('bob-1'));
    await send('/events/conference/support', joined('bob-1', 0, 'participant-speech-start'));
    const series = await read();
    expect(shown(series, 'callbacks_total')).toEqual({ joined: 3 });
    expect([amount(series, 'late_callbacks_total'), amount(series, 'repeated_callbacks_total')]).toEqual([2, 1]);
  });
});

describe('metrics', () => {
  it('count how webhooks end, by route', async () => {
    const { post: send, read } = await start();
    await send('/conference/sales', { CallSid: 'bob-1', From: BOB });
    await send('/coach/sales?mode=shout', { CallSid: 'ted-1', From: TED });
    await send('/conference/sales', { CallSid: 'bob-2', From: BOB }, 'PSK_other');
    await send('/nowhere');
    const series = await read();
    expect(shown(series, 'webhooks_total')).toEqual({
      '/conference{/:room} answered': 1,
      '/conference{/:room} unverified': 1,
      '/coach{/:room} refused': 1,
    });
    expect(amount(series, 'webhook_duration_seconds_count{route="/conference{/:room}"}')).toBe(1);
    expect(amount(series, 'webhook_duration_seconds_bucket{le="5",route="/conference{/:room}"}')).toBe(1);
  });

  it('leave out the rooms and callbacks of other accounts', async () => {
    const { space, post: send, read } = await start({ withRest: true });
    const foreign = { AccountSid: 'another' };
    await send('/conference/smoke', { ...foreign, CallSid: 'alice-1', From: ALICE });
    await send('/events/conference/smoke', { ...foreign, ...joined('alice-1', 7_000) });
    await send('/events/conference/sales', { AccountSid: space.accountSid, ...joined('bob-1') });
    const series = await read();
    expect([amount(series, 'rooms'), amount(series, 'late_callbacks_total')]).toEqual([1, 0]);
    expect(shown(series, 'callbacks_total')).toEqual({ joined: 1 });
  });

  it('count stale targets', async () => {
    const { post: send, read } = await start();
    await send('/conference/sales', { CallSid: 'alice-1', From: ALICE });
    const ted = { CallSid: 'ted-1', From: TED };
    await send('/coach/sales', ted);
    await send('/coach/sales/ended?mode=coach&stay=1', { ...ted, DialCallStatus: 'failed', ErrorCode: '13240' });
    await send('/coach/sales/ended?mode=coach&stay=1', { ...ted, DialCallStatus: 'completed' });
    expect(amount(await read(), 'stale_targets_total')).toBe(1);
  });

  it('count lockouts, once each', async () => {
    const password = await hashPassword('the right password');
    const env = rosterSettings({ supervisors: [{ name: 'Ted', number: TED, pin: '48213', password }] });
    const { url, post: send, read } = await start({ env });
    for (let n = 0; n < 8; n++) {
      await send('/supervisor/pin?try=1', { CallSid: `mobile-${n}`, From: '+15550004444', Digits: '11111' });
    }
    for (let n = 0; n < 12; n++) {
      const form = { name: 'Ted', password: `wrong ${n}` };
      await supertest(url).post('/sign-in').type('form').set('Sec-Fetch-Site', 'same-origin').send(form);
    }
    expect(shown(await read(), 'lockouts_total')).toEqual({ 'supervisor-pin number': 1, 'sign-in pair': 1 });
  });

  it.each<[outcome: string, fault: Fault]>([
    ['refused', { status: 500, body: { errors: ['oops'] } }],
    ['unreadable', { status: 200, body: 'no JSON' }],
    ['unreachable', 'disconnect'],
  ])('count requests by REST that end as %s', async (outcome, fault) => {
    const { post: send, read } = await start({ withRest: true, intercept: () => fault, sweepIntervalMs: 0 });
    await send('/coach/sales', { CallSid: 'ted-1', From: TED });
    expect(shown(await read(), 'rest_requests_total')[`listConferences ${outcome}`]).toBeGreaterThan(0);
  });

  it('tell that Redis is away, and what waits for it; what is in the rooms is then left out', async () => {
    const own = await startRedis();
    onTestFinished(() => own.dispose());
    const { post: send, read } = await start({ env: { REDIS_URL: own.url } });
    await send('/events/conference/sales', joined('alice-1'));
    const before = await read();
    expect([amount(before, 'store_up'), amount(before, 'rooms')]).toEqual([1, 1]);
    expect(amount(before, 'store_duration_seconds_count{operation="write"}')).toBe(1);
    own.freeze();
    await send('/events/conference/sales', joined('bob-1'));
    const during = await read();
    expect([amount(during, 'store_up'), amount(during, 'pending_events{queue="rooms"}')]).toEqual([0, 1]);
    expect(amount(during, 'store_failures_total{reason="unavailable"}')).toBeGreaterThan(0);
    expect([...during.keys()].filter((name) => /_(rooms|participants|supervisors)\b/.test(name))).toEqual([]);
    expect(shown(during, 'callbacks_total')).toEqual({ joined: 2 });
    expect(amount(during, 'repeated_callbacks_total')).toBe(0);
    own.thaw();
    await eventually(async () => {
      const after = await read();
      expect([amount(after, 'pending_events{queue="rooms"}'), shown(after, 'participants')]).toEqual([
        0,
        { unknown: 2 },
      ]);
    });
  });
});

it('metrics tell that Redis cannot be written', async () => {
  const full = await startRedis(['--maxmemory', '1']);
  onTestFinished(() => full.dispose());
  const { read } = await start({ env: { REDIS_URL: full.url } });
  await eventually(async () => {
    const series = await read();
    expect([amount(series, 'store_up'), amount(series, 'rooms')]).toEqual([0, 0]);
  });
});

describe('the port of the metrics', () => {
  const silent = createLog('silent', { write() {} });
  const launch = (env: Record<string, string>, log = silent, options = {}) =>
    startConferenceCoach(loadConfig({ PORT: '0', ...env }), log, options);

  it('answers GET /metrics and nothing else, and is named in the log', async () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line) => void lines.push(line) });
    const server = await launch(METRICS, log, { droppedLines: () => 7 });
    onTestFinished(() => server.stop(0));
    const port = server.metricsPort as number;
    expect(await ask(port)).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
    expect((await scrape(port)).get('conference_coach_dropped_log_lines_total')).toBe(7);
    const others = [ask(port, '/'), ask(port, '/healthz'), supertest(`http://127.0.0.1:${port}`).post('/metrics')];
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await ask(server.port)).status).toBe(404);
    expect(lines.join('')).toContain(`"port":${server.port},"metricsPort":${port},`);
  });

  it('is open until the server has stopped', async () => {
    const server = await launch(METRICS);
    const port = server.metricsPort as number;
    const stopped = server.stop(1_000);
    expect((await ask(port)).status).toBe(200);
    expect(await stopped).toBe(true);
    await expect(ask(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('does not exist unless it is set', async () => {
    const server = await launch({});
    onTestFinished(() => server.stop(0));
    expect(server.metricsPort).toBeUndefined();
  });

  it('stops the start if it is taken, and is free again if PORT is', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => other.close());
    const taken = String((other.address() as AddressInfo).port);
    await expect(launch({ METRICS_PORT: taken })).rejects.toMatchObject({
      problems: [`METRICS_PORT ${taken} is taken: stop the program that has it, or set another METRICS_PORT.`],
    });
    const metrics = createServer().listen(0, '127.0.0.1');
    await once(metrics, 'listening');
    const METRICS_PORT = String((metrics.address() as AddressInfo).port);
    await new Promise((resolve) => metrics.close(resolve));
    await expect(launch({ PORT: taken, METRICS_PORT })).rejects.toMatchObject({
      problems: [`PORT ${taken} is taken: stop the program that has it, or set another PORT.`],
    });
    await expect(ask(Number(METRICS_PORT))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
