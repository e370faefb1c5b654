import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisStore, type Store } from '../../src/stores';
import { ALICE, startApp, TED, type TestApp, type TestAppOptions } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed } from '../support/room-stores';
import { createScriptedSpace } from '../support/scripted-space';

const CAROL = '+15557788998';

let redis: RedisServer;
let client: Redis;
/** Not awaited by all: it takes seconds to form. */
let cluster: Promise<RedisCluster>;

beforeAll(async () => {
  cluster = startRedisCluster(3);
  redis = await startRedis(['--maxmemory-policy', 'noeviction']);
  client = new Redis(redis.url);
});

afterAll(async () => {
  await client.quit();
  await redis.dispose();
  await (await cluster).dispose();
});

beforeEach(() => client.flushall());

/** A server with a connection of its own. */
async function serve(urls: readonly string[] = [redis.url], options: TestAppOptions = {}) {
  const timeouts = { lifetimeMs: 3_600_000, auditMs: 3_600_000, timeoutMs: 800 };
  const store: Store = createRedisStore({ urls, ...timeouts, onConnection: () => {} });
  await eventually(() => store.ping());
  const app: TestApp = await startApp({
    store,
    env: { MODERATOR_NUMBERS: `${ALICE},${CAROL}`, SUPERVISOR_NUMBERS: TED },
    ...options,
  });
  onTestFinished(async () => {
    await app.stop();
    store.close();
  });
  const post = async (path: string, fields: Record<string, string>) => (await app.post(path, fields)).text;
  const said = (document: string) =>
    /coach="([^"]+)"/.exec(document)?.[1] ?? /<Say>([^<]*)/.exec(document)?.[1] ?? document;
  return {
    store,
    app,
    log: () => app.log.map((line) => JSON.parse(line)),
    arrive: (CallSid: string, From = ALICE, room = 'sales') => post(`/conference/${room}`, { CallSid, From }),
    join: (CallSid: string, ageMs = 0) =>
      post('/events/conference/sales', {
        StatusCallbackEvent: 'participant-join',
        CallSid,
        ConferenceSid: 'cf-1',
        EndConferenceOnExit: 'true',
        Timestamp: new Date(Date.now() - ageMs).toUTCString(),
      }),
    leave: (CallSid: string) => post('/conference/sales/ended', { CallSid }),
    /** Ted dials; the target of his document, or what he is told. */
    dial: async (room = 'sales') => said(await post(`/coach/${room}`, { CallSid: 'ted-1', From: TED })),
    menu: async () => said(await post('/supervisor', { CallSid: 'ted-1', From: TED })),
    /** Somebody whom nobody knows dials as a supervisor. */
    intrude: () => post('/coach/sales', { CallSid: 'x-1', From: '+15550009999' }),
  };
}

const NOBODY = 'No conversation in sales right now. Please hold.';

it('two agents arrive in one room while Redis hangs for 2.5 s: the last one is coached', async () => {
  // What the first server keeps is written last.
  const one = await serve([redis.url], { retryMs: 600 });
  const other = await serve();
  redis.freeze();
  onTestFinished(() => redis.thaw());
  const since = performance.now();
  await one.arrive('first');
  await other.arrive('second', CAROL);
  await eventually(() => expect(performance.now()).toBeGreaterThan(since + 2_500));
  redis.thaw();
  const both = async () => (await other.store.rooms.read(roomNamed('sales'))).state.stays;
  await eventually(async () => expect(await both()).toHaveLength(2));
  expect([await one.dial(), await other.dial()]).toEqual(['second', 'second']);
  await one.join('first');
  await other.join('second');
  expect([await one.dial(), await other.dial()]).toEqual(['second', 'second']);
});

describe('an agent leaves while Redis', () => {
  /** Two servers, and an agent of whom the Space knows nothing any more. */
  async function talking() {
    const space = createScriptedSpace({ now: Date.now }).client;
    const [one, other] = [await serve(), await serve([redis.url], { space })];
    // So long ago that REST is not expected to be behind.
    await one.join('alice-1', 10_000);
    expect(await other.dial()).toBe('alice-1');
    return { one, other };
  }

  it('is full: another server names them no more, and the line in the trail follows', async () => {
    const { one, other } = await talking();
    await client.config('SET', 'maxmemory', '1');
    onTestFinished(() => client.config('SET', 'maxmemory', '0'));
    await one.leave('alice-1');
    expect(await other.dial()).toBe(NOBODY);
    await client.config('SET', 'maxmemory', '0');
    await eventually(async () => {
      const lines: string[] = [];
      for await (const { fact } of other.store.rooms.feed({ since: 0 })) {
        lines.push(`${fact.callSid} ${fact.kind}`);
      }
      expect(lines.filter((line) => line === 'alice-1 left')).toHaveLength(1);
    });
  });

  it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['read-only', () => client.replicaof('127.0.0.1', '1'), () => client.replicaof('NO', 'ONE')],
    ['full', () => client.config('SET', 'maxmemory', '1'), () => client.config('SET', 'maxmemory', '0')],
  ])('is %s: a server finds out by itself, and asks REST before it names anybody', async (why, spoil, mend) => {
    const { one, other } = await talking();
    await spoil();
    onTestFinished(mend);
    if (why === 'read-only') {
      await one.leave('alice-1');
    }
    // It is asked to write nothing meanwhile.
    await eventually(async () => expect((await other.store.rooms.read(roomNamed('sales'))).isWritable).toBe(false));
    expect(await other.dial()).toBe(NOBODY);
  });
});

describe('unreadable data in Redis', () => {
  const ROOMS = ['billing', 'sales', 'support'];

  async function talking() {
    const one = await serve();
    for (const room of ROOMS) {
      await one.arrive(`alice-${room}`, ALICE, room);
    }
    return one;
  }

  it('in place of a room costs that room alone, and the log names it', async () => {
    const { dial, menu, log } = await talking();
    const [key = ''] = (await client.keys('*')).filter((name) => name.endsWith(':room:sales'));
    await client.multi().del(key).rpush(key, 'x').exec();
    const other = await serve();
    expect(await other.dial()).toBe('Sorry, a technical problem. Please hold.');
    expect([await other.dial('billing'), await dial('support')]).toEqual(['alice-billing', 'alice-support']);
    for (const said of [await menu(), await other.menu()]) {
      expect(said).toMatch(/For the agent in billing.*For the agent in support/);
    }
    expect(log().filter(({ level }) => level === 'error')).toEqual([]);
    expect(other.log().filter(({ level }) => level === 'error')).toMatchObject([
      { room: 'sales', err: { message: `Redis: unexpected data at ${key}; delete that key.` } },
    ]);
  });

  it('in place of an index costs the rooms in it alone, and the log names it', async () => {
    const { menu, log } = await talking();
    const indexes = (await client.keys('*')).filter((name) => name.endsWith(':live'));
    expect(indexes.length).toBeGreaterThan(1);
    let key = '';
    for (const index of indexes) {
      key = (await client.hkeys(index)).includes('sales') ? index : key;
    }
    await client.multi().del(key).set(key, 'x').exec();
    const said = await menu();
    expect(said).toMatch(/For the agent in billing.*For the agent in support/);
    expect(said).not.toContain('sales');
    expect(log().filter(({ level }) => level === 'error')).toMatchObject([
      { err: { message: `Redis: unexpected data at ${key}; delete that key.` } },
    ]);
  });

  it('in place of the refusals keeps nothing else from being written', async () => {
    const one = await talking();
    await client.set('conference-coach:refusals', 'x');
    await Promise.all(Array.from({ length: 30 }, one.intrude));
    await one.arrive('alice-new');
    const other = await serve();
    expect(await other.dial()).toBe('alice-new');
  });
});

it('one shard of a Redis Cluster is gone: its rooms alone are missing, and the log says so', async () => {
  const { nodes, urls } = await cluster;
  for (const { url } of nodes) {
    const node = new Redis(url);
    await node.config('SET', 'cluster-require-full-coverage', 'no');
    await node.quit();
  }
  const { arrive } = await serve(urls);
  const asker = await serve(urls);
  const rooms = Array.from({ length: 12 }, (_, index) => `room-${index}`);
  for (const room of rooms) {
    await arrive('alice-1', ALICE, room);
  }
  await nodes[2]?.kill();
  const targets = await Promise.all(rooms.map(asker.dial));
  const missing = rooms.filter((_room, index) => targets[index] !== 'alice-1');
  expect(missing.length).toBeGreaterThan(0);
  expect(missing.length).toBeLessThan(rooms.length);
  const named: string[] = (await asker.menu()).match(/room-\d+/g) ?? [];
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((room) => missing.includes(room))).toEqual([]);
  expect(asker.log()).toContainEqual(
    expect.objectContaining({ level: 'error', msg: 'Some rooms could not be listed' }),
  );
});
