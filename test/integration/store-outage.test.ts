import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { createRedisStore, type Store } from '../../src/store/store';
import { ALICE, BOB, type Reply, startApp, TED, type TestApp, type TestAppOptions } from '../support/app';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';

/** The promise of the README: what a moderator waits at most, in milliseconds. */
const PROMISED_MS = 1_500;

const alice = { CallSid: 'alice-1', From: ALICE };
const ted = { CallSid: 'ted-1', From: TED };
const apology =
  '<?xml version="1.0" encoding="UTF-8"?><Response><Say>We are sorry. We cannot tell at the moment who is in sample-conf. Please stay on the line.</Say><Pause length="10"/><Redirect>https://coach.example.com/coach/sample-conf?attempt=1</Redirect></Response>';

let redis: RedisServer;
let store: Store;
let app: TestApp;

async function start(url: string, options: TestAppOptions = {}): Promise<void> {
  store = createRedisStore({
    urls: [url],
    lifetimeMs: 60_000,
    timeoutMs: 800,
    onConnection: () => {},
  });
  app = await startApp({ store, ...options });
}

/** What the server answers, and that it does so in time. */
async function promptly(answer: Promise<Reply>): Promise<string> {
  const startedAt = performance.now();
  const { status, text } = await answer;
  expect(performance.now() - startedAt).toBeLessThan(PROMISED_MS);
  expect(status).toBe(200);
  return text;
}

/** Calls connect, and a supervisor is asked to wait. */
async function expectCallsToConnect(): Promise<void> {
  expect(await promptly(app.post('/conference', alice))).toContain('startConferenceOnEnter="true"');
  expect(await promptly(app.post('/conference', { CallSid: 'bob-1', From: BOB }))).toContain(
    'startConferenceOnEnter="false"',
  );
  expect(await promptly(app.post('/coach', ted))).toBe(apology);
  expect(await app.send('GET', '/readyz')).toMatchObject({ status: 503, text: 'the store does not answer\n' });
  expect(await app.send('GET', '/healthz')).toMatchObject({ status: 200 });
}

const expectCoach = (callSid: string) =>
  eventually(async () => expect((await app.post('/coach', ted)).text).toContain(`coach="${callSid}"`));

beforeEach(async () => {
  redis = await startRedis();
});

afterEach(async () => {
  redis.thaw();
  await app.stop();
  store.close();
  await redis.dispose();
});

describe('with Redis', () => {
  it('killed, calls connect, and the moderator is stored when it is back', async () => {
    await start(redis.url);
    await eventually(() => store.ping());
    await redis.kill();
    await expectCallsToConnect();
    await redis.restart();
    // Without any further request: what was owed is written by itself.
    const client = new Redis(redis.url);
    await eventually(async () => {
      expect(await client.hget('conference-coach:{sample-conf}:moderator', 'callSid')).toBe('alice-1');
    });
    await client.quit();
    await expectCoach('alice-1');
    expect(await app.send('GET', '/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
  });

  it('killed in the middle of a conference and back empty, the moderator who joins is known again', async () => {
    await start(redis.url);
    await eventually(() => store.ping());
    await app.post('/conference', alice);
    await redis.restart();
    await eventually(() => store.ping());
    expect((await app.post('/coach', ted)).text).toContain('There is nobody to coach');
    await app.post('/events/conference/sample-conf', {
      StatusCallbackEvent: 'participant-join',
      CallSid: 'alice-1',
      ConferenceSid: 'conf-1',
      EndConferenceOnExit: 'true',
    });
    await expectCoach('alice-1');
  });

  it('back empty, the Space names the moderator, who is known from then on', async () => {
    const callSid = parseSid('alice-1') as Sid;
    const space = { findModerator: async () => ({ callSid, conferenceSid: callSid, enteredAgoMs: 30_000 }) };
    await start(redis.url, { space });
    await eventually(() => store.ping());
    expect((await app.post('/coach', ted)).text).toContain('coach="alice-1"');
    expect((await store.registry.findModerator(parseRoomName('sample-conf') as RoomName))?.callSid).toBe('alice-1');
    // Whoever was seen to leave is not handed out, whatever the Space says.
    await app.post('/conference/sample-conf/ended', alice);
    expect((await app.post('/coach', ted)).text).toContain('There is nobody to coach');
  });

  it('hanging, calls connect, and the moderator is stored when it answers again', async () => {
    await start(redis.url);
    await eventually(() => store.ping());
    redis.freeze();
    await expectCallsToConnect();
    redis.thaw();
    await expectCoach('alice-1');
  });

  it('hanging while a moderator leaves, nobody who left is handed out afterwards', async () => {
    await start(redis.url);
    await eventually(() => store.ping());
    await app.post('/conference', alice);
    redis.freeze();
    await app.post('/conference/sample-conf/ended', alice);
    redis.thaw();
    await eventually(async () => {
      const { text } = await app.post('/coach', ted);
      expect(text).not.toContain('alice-1');
      expect(text).toContain('There is nobody to coach');
    });
  });

  it('refusing connections from the start, calls connect, and the moderator is stored when it is there', async () => {
    await redis.kill();
    await start(redis.url);
    await expectCallsToConnect();
    await redis.restart();
    await expectCoach('alice-1');
  });

  it('down, a supervisor is connected with the moderator whom the Space names', async () => {
    await redis.kill();
    const callSid = parseSid('alice-9') as Sid;
    await start(redis.url, {
      space: { findModerator: async () => ({ callSid, conferenceSid: callSid, enteredAgoMs: 1 }) },
    });
    expect(await promptly(app.post('/coach?mode=monitor', ted))).toContain('coach="alice-9" muted="true"');
  });
});

describe('with a Redis that accepts connections and never answers', () => {
  let silent: Server;
  const sockets = new Set<Socket>();

  afterEach(async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    silent.close();
  });

  it('calls connect, and once it answers the moderator is stored without a restart', async () => {
    const port = await freePort();
    silent = createServer((socket) => sockets.add(socket)).listen(port, '127.0.0.1');
    await once(silent, 'listening');
    await start(`redis://127.0.0.1:${port}`);
    await expectCallsToConnect();
    // The real one takes its place; the silent connections stay open, as behind a broken network.
    silent.close();
    const real = await startRedis([], port);
    try {
      await expectCoach('alice-1');
    } finally {
      await real.dispose();
    }
  });
});
