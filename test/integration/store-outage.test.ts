import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isInConference, targetOf } from '../../src/rooms/room';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { createRedisStore, type Store } from '../../src/stores';
import { ALICE, BOB, type Reply, startApp, TED, type TestApp, type TestAppOptions } from '../support/app';
import { isFullFuzz, itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

/** How long a moderator waits at most while Redis is down, as docs/operations.md says; in milliseconds. */
const PROMISED_MS = 1_500;

const alice = { CallSid: 'alice-1', From: ALICE };
const ted = { CallSid: 'ted-1', From: TED };
const laml = (content: string) => `<?xml version="1.0" encoding="UTF-8"?><Response>${content}</Response>`;
const apology = laml(
  '<Say>Sorry, a technical problem. Please hold.</Say><Pause length="10"/><Redirect>https://coach.example.com/coach/sales?attempt=1</Redirect>',
);
const coaching = laml(
  '<Dial action="https://coach.example.com/coach/sample-conf/ended" hangupOnStar="true" timeLimit="14400"><Conference coach="alice-1" startConferenceOnEnter="false" endConferenceOnExit="false" beep="false" statusCallback="https://coach.example.com/events/conference/sample-conf" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold speaker">sample-conf</Conference></Dial>',
);
const room = roomNamed('sample-conf');

let redis: RedisServer;
let store: Store;
let app: TestApp;

const connected = (url: string) =>
  createRedisStore({ urls: [url], lifetimeMs: 3_600_000, auditMs: 3_600_000, timeoutMs: 800, onConnection: () => {} });

async function start(url: string, options: TestAppOptions = {}): Promise<void> {
  store = connected(url);
  app = await startApp({ store, ...options });
}

/** The store of another server. */
async function otherServer(url: string): Promise<Store> {
  const other = connected(url);
  onTestFinished(() => other.close());
  await eventually(() => other.ping());
  return other;
}

const targetIn = async ({ rooms }: Store) => targetOf((await rooms.read(room)).state)?.callSid;

/** What the server answers, and that it does so in time. */
async function promptly(answer: Promise<Reply>): Promise<string> {
  const startedAt = performance.now();
  const { status, text } = await answer;
  expect(performance.now() - startedAt).toBeLessThan(PROMISED_MS);
  expect(status).toBe(200);
  return text;
}

/** Calls connect: a supervisor to a moderator whom this server knows; in another room they are asked to wait. */
async function expectCallsToConnect(): Promise<void> {
  expect(await promptly(app.post('/conference', alice))).toContain('startConferenceOnEnter="true"');
  expect(await promptly(app.post('/conference', { CallSid: 'bob-1', From: BOB }))).toContain(
    'startConferenceOnEnter="false"',
  );
  expect(await promptly(app.post('/coach', ted))).toBe(coaching);
  expect(await promptly(app.post('/coach/sales', ted))).toBe(apology);
  expect(await app.send('GET', '/readyz')).toMatchObject({ status: 200, text: 'ready\nstore: away\n' });
  expect(await app.send('GET', '/healthz')).toMatchObject({ status: 200 });
}

/** A Space whose REST API shows this moderator in the room. */
function spaceWith(call: string): Partial<ConferenceApi> {
  const conferenceSid = sid('conf');
  return {
    listConferences: async (name = '') => [{ conferenceSid, room: name, hasStarted: true, ageMs: 30_000 }],
    listParticipants: async () => [
      {
        callSid: sid(call),
        conferenceSid,
        isMuted: false,
        isOnHold: false,
        target: undefined,
        isCoaching: false,
        endsConference: true,
        joinAgeMs: 30_000,
      },
    ],
  };
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
    const other = await otherServer(redis.url);
    await eventually(async () => expect(await targetIn(other)).toBe('alice-1'));
    await expectCoach('alice-1');
    expect(await app.send('GET', '/readyz')).toMatchObject({ status: 200, text: 'ready\nstore: ok\n' });
  });

  it('killed in the middle of a conference and back empty, the moderator who joins is known again', async () => {
    await start(redis.url);
    await eventually(() => store.ping());
    await app.post('/conference', alice);
    await redis.restart();
    await eventually(() => store.ping());
    expect((await app.post('/coach', ted)).text).toContain('No conversation in');
    await app.post('/events/conference/sample-conf', {
      StatusCallbackEvent: 'participant-join',
      CallSid: 'alice-1',
      ConferenceSid: 'conf-1',
      EndConferenceOnExit: 'true',
    });
    await expectCoach('alice-1');
  });

  it('back empty, the Space names the moderator, who is known from then on', async () => {
    const space = spaceWith('alice-1');
    await start(redis.url, { space });
    await eventually(() => store.ping());
    expect((await app.post('/coach', ted)).text).toContain('coach="alice-1"');
    // Nobody waits for it to be written.
    await eventually(async () => expect(await targetIn(store)).toBe('alice-1'));
    // Whoever was seen to leave is not handed out, whatever the Space says.
    await app.post('/conference/sample-conf/ended', alice);
    expect((await app.post('/coach', ted)).text).toContain('No conversation in');
  });

  it('hanging, calls connect, and the moderator is stored when it answers again', async () => {
    await start(redis.url);
    await eventually(() => store.ping());
    redis.freeze();
    await expectCallsToConnect();
    redis.thaw();
    await expectCoach('alice-1');
  });

  itInFull('hanging, every webhook is answered in time, also one that writes and reads', async () => {
    await start(redis.url);
    await eventually(() => store.ping());
    await app.post('/conference', alice);
    await app.post('/coach', ted);
    redis.freeze();
    // What writes and then reads waits for Redis once.
    const since = performance.now();
    const keypad = await app.post('/coach/sample-conf/ended', { ...ted, DialCallStatus: 'completed' });
    expect(performance.now() - since).toBeLessThan(1_200);
    expect(keypad.text).toContain('<Gather');
    const join = { StatusCallbackEvent: 'participant-join', CallSid: 'bob-1', ConferenceSid: 'conf-1' };
    expect(await app.post('/events/conference/sample-conf', join)).toMatchObject({ status: 204 });
    expect(await promptly(app.post('/conference/sample-conf/ended', alice))).toContain('<Hangup/>');
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
      expect(text).toContain('No conversation in');
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
    await start(redis.url, { space: spaceWith('alice-9') });
    expect(await promptly(app.post('/coach?mode=monitor', ted))).toContain('coach="alice-9" muted="true"');
  });
});

/** Each has four events. */
const ROOMS = isFullFuzz ? 3_000 : 300;

describe(`${4 * ROOMS} events while Redis is away`, () => {
  /** Each of so many at once. */
  async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    const one = async () => {
      for (let index = next++; index < count; index = next++) {
        await work(index);
      }
    };
    await Promise.all(Array.from({ length: 32 }, one));
  }

  /** The slowest of a hundred, in milliseconds. */
  const p99Of = (times: number[]) => [...times].sort((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? 0;

  itInFull('are written back, all of them, and calls do not wait for that', async () => {
    await start(redis.url, { env: { LOG_LEVEL: 'warn' } });
    await eventually(() => store.ping());
    await redis.kill();
    await inParallel(ROOMS, async (index) => {
      const path = `/events/conference/room-${index}`;
      const about = { ConferenceSid: `conf-${index}`, EndConferenceOnExit: 'false' };
      const joined = { ...about, StatusCallbackEvent: 'participant-join' };
      await app.post(`/conference/room-${index}`, { ...alice, CallSid: `alice-${index}` });
      await app.post(path, { ...joined, CallSid: `alice-${index}`, EndConferenceOnExit: 'true' });
      await app.post(path, { ...joined, CallSid: `bob-${index}` });
      await app.post(path, {
        ...about,
        StatusCallbackEvent: 'participant-mute',
        CallSid: `bob-${index}`,
        Muted: 'true',
      });
    });
    await redis.restart();
    const other = await otherServer(redis.url);
    const times: number[] = [];
    const since = performance.now();
    let written = 0;
    while (written < ROOMS) {
      for (let call = 0; call < 10; call++) {
        const index = times.length % ROOMS;
        const askedAt = performance.now();
        const { text } = await app.post(`/coach/room-${index}`, { ...ted, CallSid: `ted-${times.length}` });
        times.push(performance.now() - askedAt);
        expect(text).toContain(`coach="alice-${index}"`);
      }
      written = (await other.rooms.list()).rooms.filter(({ hasCaller }) => hasCaller).length;
      expect(performance.now() - since).toBeLessThan(60_000);
    }
    expect(p99Of(times)).toBeLessThan(500);
    await inParallel(ROOMS, async (index) => {
      const { state } = await other.rooms.read(roomNamed(`room-${index}`));
      expect(targetOf(state)?.callSid).toBe(`alice-${index}`);
      expect(state.stays.filter(isInConference).map(({ callSid, isMuted }) => [callSid, isMuted])).toEqual(
        expect.arrayContaining([
          [`alice-${index}`, undefined],
          [`bob-${index}`, true],
        ]),
      );
    });
    expect(app.log.filter((line) => line.includes('Lost'))).toEqual([]);
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
