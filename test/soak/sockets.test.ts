import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app';
import {
  call,
  expectToStop,
  floodUnsigned,
  openMany,
  p95,
  SETTINGS,
  SIGNED_REQUEST,
  startAttacked as start,
} from '../support/attacked-server';
import { onTestFinished } from '../support/on-test-finished';
import { startProgram } from '../support/process';
import { openSocket } from '../support/raw-socket';
import { eventually } from '../support/redis-server';

const FORM = 'Content-Type: application/x-www-form-urlencoded';

/** The server of the tests that leave it as it was. */
let shared: ReturnType<typeof startProgram> | undefined;
const running = async () => {
  shared ??= startProgram(SETTINGS);
  const program = await shared;
  return { ...program, at: await program.port() };
};
afterAll(async () => {
  const program = await shared;
  program?.child.kill('SIGKILL');
  await program?.exit;
});

describe('a reset', () => {
  it.each([
    ['after CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['after CONNECT with data behind it', `CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n${'x'.repeat(1_000)}`],
    ['after Upgrade', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['in the middle of a request', 'POST /conference HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nCall'],
    ['after what is no request', 'hello\r\n\r\n'],
    ['after pipelined requests', 'GET /conference HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_000)],
  ])('%s does no harm', async (_what, bytes) => {
    const { at, child } = await running();
    for (let n = 0; n < 20; n++) {
      const { socket } = await openSocket(at, bytes);
      socket.resetAndDestroy();
    }
    for (let n = 0; n < 20; n++) {
      // And once the server has begun to answer.
      const { socket, received } = await openSocket(at, bytes);
      await eventually(() => expect(received()).not.toBe(''), 50).catch(() => {});
      socket.resetAndDestroy();
    }
    expect(await call(at)).toBeLessThan(5_000);
    expect(child.exitCode).toBeNull();
  });
});

it('no connection stays open that does nothing, sends half a request, or does not read', async () => {
  // Long answers soon fill the buffers of a client that does not read them.
  const program = await start({ CALLER_NOTICE: 'Please hold. '.repeat(315) });
  const { at } = program;
  const [connects, silent, halves, unread, behind] = await Promise.all([
    openMany(100, at, 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'),
    openMany(200, at),
    Promise.all([
      openSocket(at, 'GET /conference HTTP/1.1\r\nHost: a\r\nX-A: '),
      openSocket(
        at,
        `POST /conference HTTP/1.1\r\nHost: a\r\nX-SignalWire-Signature: a\r\n${FORM}\r\nContent-Length: 9\r\n\r\na`,
      ),
    ]),
    openMany(2, at),
    openMany(5, at, 'GET /conference HTTP/1.1\r\nHost: a\r\n\r\nGET /conf'),
  ]);
  // These ask for more than the system buffers, and read nothing of it.
  for (const { socket } of unread) {
    socket.pause();
    socket.write(SIGNED_REQUEST.repeat(3_000));
  }
  // These send a byte from time to time, as if they were only slow.
  const slow = await openMany(5, at, 'GET /conference HTTP/1.1\r\nHost: a\r\nX-A: ');
  const drip = setInterval(() => {
    for (const { socket } of slow) {
      socket.write('a');
    }
  }, 500);
  onTestFinished(() => clearInterval(drip));
  const sleepers = [...connects, ...silent, ...halves, ...behind, ...slow];
  // Their number: Jest would print every socket of every look that comes too early.
  await eventually(() => expect(sleepers.filter((one) => !one.isGone()).length).toBe(0), 20_000);
  clearInterval(drip);
  expect(connects[0]?.received()).toMatch(/^HTTP\/1\.1 405 /);
  for (const one of [...silent.slice(0, 1), ...halves, ...slow]) {
    expect(one.received()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  }
  // Their own side notices only when it writes.
  await eventually(() => {
    for (const { socket } of unread) {
      socket.write('x');
    }
    expect(unread.filter(({ socket }) => !socket.destroyed).length).toBe(0);
  }, 20_000);
  await expectToStop(program);
}, 60_000);

describe('pipelined requests', () => {
  const ONE = 'GET /conference HTTP/1.1\r\nHost: a\r\n\r\n';

  it('are all answered, in their order', async () => {
    const { at } = await running();
    const paths = Array.from({ length: 500 }, (_, n) =>
      n % 3 === 0 ? '/healthz' : n % 3 === 1 ? '/coach' : '/nowhere',
    );
    const body = 'CallSid=a-1';
    const { received } = await openSocket(
      at,
      paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join('') +
        `POST /coach HTTP/1.1\r\nHost: a\r\nX-SignalWire-Signature: a\r\n${FORM}\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
        'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    const expected = [...paths, '/coach', '/healthz'].map((path) => ({ '/healthz': 200, '/coach': 403 })[path] ?? 404);
    await eventually(() => expect(received().match(/^HTTP\/1\.1 \d+/gm)).toHaveLength(expected.length));
    expect(
      received()
        .match(/(?<=^HTTP\/1\.1 )\d+/gm)
        ?.map(Number),
    ).toEqual(expected);
  });

  it('do not delay the calls of others, and a stop ends them', async () => {
    const program = await start();
    const flood = await openMany(50, program.at, ONE.repeat(400));
    const delays: number[] = [];
    while (flood.some(({ received }) => received().split('HTTP/1.1 403').length <= 400) && delays.length < 200) {
      delays.push(await call(program.at));
    }
    expect(delays.length).toBeGreaterThan(5);
    expect(Math.max(...delays)).toBeLessThan(2_000);
    for (const { socket } of flood) {
      socket.write(ONE.repeat(2_000));
    }
    await expectToStop(program);
  }, 60_000);
});

describe('a flood of unsigned requests', () => {
  it('leaves signed calls their time, and the log a line a second', async () => {
    const program = await start();
    const startedAt = Date.now();
    const flood = floodUnsigned(program.at, 300);
    const delays: number[] = [];
    for (let n = 0; n < 20; n++) {
      delays.push(await call(program.at));
    }
    const refused = await flood.stop();
    const seconds = (Date.now() - startedAt) / 1_000;
    // Below 1 s on a machine that does nothing else; see test/soak.
    expect(p95(delays)).toBeLessThan(5_000);
    const lines = program.stdout().split('\n');
    const refusals = lines.filter((line) => /"msg":"(Request refused|More requests refused)"/.test(line));
    expect(refused).toBeGreaterThan(1_000);
    expect(refusals.length).toBeGreaterThan(1);
    expect(refusals.length).toBeLessThanOrEqual(seconds + 1);
    expect(lines.length).toBeLessThan(20 * 3 + refusals.length + 20);
    expect(refusals[1]).toMatch(/"refused":\{"no_signature":\d+\},"lastIp":"127\.0\.0\.1"/);
  }, 60_000);

  it('does not keep the process from stopping', async () => {
    const program = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 300 });
    onTestFinished(() => agent.destroy());
    let isOver = false;
    const floods = Array.from({ length: 300 }, async () => {
      while (!isOver) {
        await call(program.at, agent).catch(() => sleep(10));
      }
    });
    await sleep(500);
    await expectToStop(program);
    isOver = true;
    await Promise.all(floods);
  }, 60_000);
});

describe('MAX_CONNECTIONS_PER_ADDRESS', () => {
  /** No process of its own: nothing here depends on one. */
  async function startLimited(env: Record<string, string> = {}): Promise<TestApp> {
    const app = await startApp({ env: { MAX_CONNECTIONS_PER_ADDRESS: '5', ...env } });
    onTestFinished(() => app.stop());
    return app;
  }

  it('limits the connections of a direct peer, and says so', async () => {
    const app = await startLimited();
    const kept = await openMany(5, app.port);
    const refused = await openMany(3, app.port);
    await eventually(() => expect(refused.every((one) => one.isGone())).toBe(true));
    expect(kept.some((one) => one.isGone())).toBe(false);
    await eventually(() => expect(app.log.join('')).toContain('"code":"too_many_connections","ip":"127.0.0.1"'));
    kept[0]?.socket.destroy();
    await eventually(() => call(app.port));
  });

  it.each(['loopback', '127.0.0.0/8', '1'])('does not limit a proxy trusted by TRUST_PROXY=%s', async (TRUST_PROXY) => {
    const { port } = await startLimited({ TRUST_PROXY });
    const kept = await openMany(10, port);
    await call(port);
    expect(kept.some((one) => one.isGone())).toBe(false);
  });
});

it('a connection may rest 75 s between requests, longer than proxies keep theirs', async () => {
  const { at } = await running();
  const { received } = await openSocket(at, 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => expect(received()).toContain('\r\nKeep-Alive: timeout=75\r\n'));
});
