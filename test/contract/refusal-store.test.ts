import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createMemoryStore, createRedisStore, type Store } from '../../src/stores';
import { MAX_REFUSALS, type RefusalEvent, type RefusalStore } from '../../src/supervision/refusals';
import { readTrail } from '../../src/supervision/trail';
import { onTestFinished } from '../support/on-test-finished';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

const AUDIT_MS = 3_600_000;

let redis: RedisServer;
let cluster: RedisCluster;

beforeAll(async () => {
  redis = await startRedis();
  cluster = await startRedisCluster(3);
});

afterAll(async () => {
  await Promise.all([redis?.dispose(), cluster?.dispose()]);
});

const connected = (urls: readonly string[]) =>
  createRedisStore({ urls, lifetimeMs: 60_000, auditMs: AUDIT_MS, timeoutMs: 10_000, onConnection: () => {} });

const dateOf = (ms: number) => new Date(ms).toISOString();
const refused = (more: object = {}, atMs = Date.now()): RefusalEvent => ({
  id: randomUUID(),
  at: dateOf(atMs),
  kind: 'refused',
  reason: 'unknown',
  number: '***0001',
  callSid: sid('ted'),
  ...more,
});
const lockedOut = (atMs = Date.now()): RefusalEvent => ({
  id: randomUUID(),
  at: dateOf(atMs),
  kind: 'locked-out',
  lockedOut: 'number',
  limit: 'attempts',
  number: '***2222',
  callSid: sid('ted'),
});

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const event of events) {
    list.push(event);
  }
  return list;
}

/** What stands there of these. */
async function read(store: RefusalStore, of: readonly RefusalEvent[], since = 0): Promise<RefusalEvent[]> {
  const ids = new Set(of.map(({ id }) => id));
  return (await all(store.read(since))).filter(({ id }) => ids.has(id));
}

describe.each<[string, () => Store]>([
  ['embedded', () => createMemoryStore({ lifetimeMs: 60_000, monotonicNow: Date.now, now: Date.now })],
  ['in Redis', () => connected([redis.url])],
  ['in a Redis Cluster', () => connected(cluster.urls)],
])('refusals %s', (_name, create) => {
  let store: Store;

  beforeAll(async () => {
    store = create();
    await eventually(() => store.ping());
  });

  afterAll(() => store.close());

  it.each<[string, RefusalEvent]>([
    ['was refused', refused()],
    ['was refused in a room, by name', refused({ reason: 'room', supervisor: 'Ted', room: roomNamed('sales') })],
    ['was locked out', lockedOut()],
    ['was locked out with everybody', { ...lockedOut(), lockedOut: 'everybody' } as RefusalEvent],
    [
      'signed in to the screen',
      {
        id: randomUUID(),
        at: dateOf(Date.now()),
        kind: 'signed-in',
        method: 'oidc',
        supervisor: 'Ted',
        ip: '192.0.2.1',
      },
    ],
    [
      'was refused by the screen',
      { id: randomUUID(), at: dateOf(Date.now()), kind: 'sign-in-refused', reason: 'unknown-email' },
    ],
    ['has a name of any letters', refused({ supervisor: `Zoë 李小龍 🎧 "\\%d\n{"id":1}\u2028` })],
  ])('tell who %s', async (_what, event) => {
    await store.refusals.add(event);
    expect(await read(store.refusals, [event])).toEqual([event]);
  });

  it('begin at an instant, that one included, in the order in which they were written', async () => {
    const start = Date.now() - 5_000;
    const events = [-1, 0, 1, 2].map((ms) => refused({}, start + ms));
    for (const event of events) {
      await store.refusals.add(event);
    }
    expect(await read(store.refusals, events)).toEqual(events);
    expect(await read(store.refusals, events, start)).toEqual(events.slice(1));
    expect(await read(store.refusals, events, start + 2)).toEqual(events.slice(3));
    expect(await read(store.refusals, events, start + 3)).toEqual([]);
  });

  it('tell one that was written twice once', async () => {
    const [one, other] = [refused(), refused()];
    for (const event of [one, other, one]) {
      await store.refusals.add(event);
    }
    expect(await read(store.refusals, [one, other])).toEqual([one, other]);
  });

  it('are told though they are more than fit in one answer of the store', async () => {
    const events = Array.from({ length: 2_400 }, () => refused());
    await Promise.all(events.map((event) => store.refusals.add(event)));
    expect(await read(store.refusals, events)).toEqual(events);
  });

  it('stand in the trail among what supervisors did, in the order of time, each once', async () => {
    const room = roomNamed(`trail ${_name}`);
    const report = { conferenceSid: sid('conf'), date: undefined, ageMs: 0 };
    const written: string[] = [];
    /** Times are told apart by the millisecond. */
    const moment = () => {
      const since = Date.now();
      return eventually(() => expect(Date.now()).toBeGreaterThan(since + 2));
    };
    const refuse = async (id: string) => {
      const event = refused({ id, callSid: sid('trail') });
      await store.refusals.add(event);
      written.push(`refused ${event.at}`);
      await moment();
    };
    await refuse('1');
    await store.rooms.apply(room, { kind: 'joined', callSid: sid('trail'), isModerator: true, ...report });
    await moment();
    await refuse('2');
    await refuse('3');
    await store.rooms.apply(room, { kind: 'dial-ended', callSid: sid('trail'), ageMs: 0 });
    const trail = (await all(readTrail(store, 0))).filter(({ callSid }) => callSid === 'trail');
    expect(trail.map(({ kind }) => kind)).toEqual(['refused', 'joined', 'refused', 'refused', 'left']);
    expect(trail.filter(({ kind }) => kind === 'refused').map(({ at }) => `refused ${at}`)).toEqual(written);
  });
});

describe('refusals embedded', () => {
  it('are kept up to a number, the newest', async () => {
    const { refusals } = createMemoryStore({ lifetimeMs: 60_000, monotonicNow: Date.now, now: Date.now });
    for (let index = 1; index <= MAX_REFUSALS + 10; index++) {
      await refusals.add(refused({ id: String(index) }));
    }
    const ids = (await all(refusals.read(0))).map(({ id }) => id);
    expect([ids.length, ids.at(0), ids.at(-1)]).toEqual([MAX_REFUSALS, '11', String(MAX_REFUSALS + 10)]);
  });
});

describe.each<[string, () => string[]]>([
  ['in Redis', () => [redis.url]],
  ['in a Redis Cluster', () => cluster.urls],
])('refusals %s', (_name, urlsOf) => {
  /** A store of its own, the node that holds its refusals, and their key. */
  async function start() {
    const store = connected(urlsOf());
    onTestFinished(() => store.close());
    await eventually(() => store.ping());
    const nodes = urlsOf().map((url) => new Redis(url));
    for (const node of nodes) {
      onTestFinished(() => node.quit());
      await node.flushall();
    }
    await store.refusals.add(refused());
    const keys = await Promise.all(nodes.map((node) => node.keys('*')));
    const node = nodes[keys.findIndex(({ length }) => length === 1)];
    const key = keys.flat()[0];
    if (node === undefined || key === undefined || keys.flat().length !== 1) {
      throw new Error(`The refusals are not one key on one node: ${keys}`);
    }
    return { store, node, key };
  }

  it('are shared with other servers', async () => {
    const { store } = await start();
    const other = connected(urlsOf());
    onTestFinished(() => other.close());
    await eventually(() => other.ping());
    const event = refused();
    await store.refusals.add(event);
    expect(await read(other.refusals, [event])).toEqual([event]);
  });

  it('expire when nobody is refused any more', async () => {
    const { store, node, key } = await start();
    expect(await node.pttl(key)).toBeLessThanOrEqual(AUDIT_MS);
    expect(await node.pttl(key)).toBeGreaterThan(AUDIT_MS - 30_000);
    await node.pexpire(key, 1_000);
    await store.refusals.add(refused());
    expect(await node.pttl(key)).toBeGreaterThan(AUDIT_MS - 30_000);
  });

  it('are as old as AUDIT_DAYS at the most', async () => {
    const { store } = await start();
    const [old, young] = [AUDIT_MS + 60_000, AUDIT_MS - 60_000].map((ago) => refused({}, Date.now() - ago));
    const both = [old, young] as RefusalEvent[];
    for (const event of both) {
      await store.refusals.add(event);
    }
    expect(await read(store.refusals, both)).toEqual([young]);
  });

  // Redis trims whole blocks of 100 lines at once.
  it('are thrown away when they are older', async () => {
    const { store, node, key } = await start();
    await node.del(key);
    const oldest = Date.now() - AUDIT_MS - 60_000;
    for (let line = 0; line < 250; line++) {
      await node.xadd(key, String(oldest + line), 'event', 'old');
    }
    await store.refusals.add(refused());
    expect(await node.xlen(key)).toBeLessThanOrEqual(101);
  });

  it('are thrown away when they are too many, and never what supervisors did', async () => {
    const { store, node, key } = await start();
    const room = roomNamed('sales');
    await store.rooms.apply(room, {
      kind: 'joined',
      callSid: sid('a'),
      conferenceSid: sid('conf'),
      date: undefined,
      isModerator: true,
      ageMs: 0,
    });
    const fill = `for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'event', ARGV[2]) end`;
    await node.eval(fill, 1, key, MAX_REFUSALS + 500, JSON.stringify(refused()));
    await store.refusals.add(refused());
    expect(await node.xlen(key)).toBeLessThanOrEqual(MAX_REFUSALS + 100);
    expect(await node.xlen(key)).toBeGreaterThanOrEqual(MAX_REFUSALS);
    expect((await all(store.rooms.feed({ since: 0 }))).map(({ fact }) => fact.kind)).toEqual(['joined']);
  });
});

describe('refusals in a Redis that is away', () => {
  it.each<[string, (store: RefusalStore) => Promise<unknown>]>([
    ['add', (store) => store.add(refused())],
    ['read', (store) => all(store.read(0))],
  ])('say so: %s', async (_what, use) => {
    const store = connected([`redis://127.0.0.1:${await freePort()}`]);
    onTestFinished(() => store.close());
    await expect(use(store.refusals)).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' });
  });
});
