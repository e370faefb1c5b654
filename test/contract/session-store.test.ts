import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRedisSessionStore } from '../../src/dashboard/redis-session-store';
import {
  createMemorySessionStore,
  MAX_SESSIONS,
  type SessionStore,
  type StoredSession,
} from '../../src/dashboard/session-store';
import { connectRedis, type RedisConnection } from '../../src/redis/redis-connection';
import { onTestFinished } from '../support/on-test-finished';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';

let redis: RedisServer;
let cluster: RedisCluster;
const connections: RedisConnection[] = [];

async function connected(urls: readonly string[]): Promise<RedisConnection> {
  const connection = connectRedis({ urls, timeoutMs: 10_000, onConnection: () => {} });
  connections.push(connection);
  await eventually(() => connection.ping());
  return connection;
}

beforeAll(async () => {
  redis = await startRedis();
  cluster = await startRedisCluster(3);
});

afterAll(async () => {
  for (const connection of connections) {
    connection.close();
  }
  await Promise.all([redis?.dispose(), cluster?.dispose()]);
});

const sessionOf = (name: string, createdAt = 1_000): StoredSession => ({
  role: 'supervisor',
  name,
  method: 'password',
  proof: 'proof',
  createdAt,
  seenAt: createdAt,
});

describe.each<[string, () => Promise<SessionStore[]>]>([
  [
    'memory',
    async () => {
      const store = createMemorySessionStore();
      return [store, store];
    },
  ],
  [
    'Redis',
    async () => [
      createRedisSessionStore(await connected([redis.url])),
      createRedisSessionStore(await connected([redis.url])),
    ],
  ],
  [
    'a Redis Cluster',
    async () => [
      createRedisSessionStore(await connected(cluster.urls)),
      createRedisSessionStore(await connected(cluster.urls)),
    ],
  ],
])('sessions in %s', (_where, create) => {
  let one: SessionStore;
  let other: SessionStore;
  let owners = 0;

  beforeAll(async () => {
    [one, other] = (await create()) as [SessionStore, SessionStore];
  });

  /** Somebody who has no sessions yet. */
  const newOwner = () => `owner-${owners++}`;

  it('are found by owner and hash together, on every server', async () => {
    const owner = newOwner();
    await one.add({ owner, hash: 'a' }, sessionOf('Ted "T" Ülmäß 🎧'));
    expect(await other.find({ owner, hash: 'a' })).toEqual(sessionOf('Ted "T" Ülmäß 🎧'));
    expect(await other.find({ owner, hash: 'b' })).toBeUndefined();
    expect(await other.find({ owner: newOwner(), hash: 'a' })).toBeUndefined();
  });

  it('are replaced while they are there, and never come back', async () => {
    const key = { owner: newOwner(), hash: 'a' };
    const later = { ...sessionOf('Ted'), seenAt: 2_000 };
    await one.add(key, sessionOf('Ted'));
    await other.replace(key, later);
    expect(await one.find(key)).toEqual(later);
    await one.remove(key);
    await other.replace(key, later);
    expect(await one.find(key)).toBeUndefined();
  });

  it('end one by one, or all of a person', async () => {
    const [ted, carol] = [newOwner(), newOwner()];
    const keys = [
      { owner: ted, hash: 'a' },
      { owner: ted, hash: 'b' },
      { owner: ted, hash: 'c' },
      { owner: carol, hash: 'a' },
    ];
    for (const key of keys) {
      await one.add(key, sessionOf('Ted'));
    }
    const areThere = async () => (await Promise.all(keys.map(other.find))).map((found) => found !== undefined);
    await one.remove({ owner: ted, hash: 'b' });
    expect(await areThere()).toEqual([true, false, true, true]);
    await one.removeAll(ted);
    expect(await areThere()).toEqual([false, false, false, true]);
    await one.remove({ owner: ted, hash: 'a' });
    await one.removeAll(ted);
  });

  it(`are ${MAX_SESSIONS} at the most, and the oldest goes`, async () => {
    const owner = newOwner();
    const other = newOwner();
    await one.add({ owner: other, hash: 'a' }, sessionOf('Carol', 1));
    const ages = Array.from({ length: MAX_SESSIONS }, (_, index) => 5_000 + ((index * 7) % MAX_SESSIONS));
    for (const age of ages) {
      await one.add({ owner, hash: String(age) }, sessionOf('Ted', age));
    }
    const isThere = async (age: number) => (await one.find({ owner, hash: String(age) })) !== undefined;
    expect(await Promise.all(ages.map(isThere))).toEqual(ages.map(() => true));
    // Even one that is older than all others: it is the one that was asked for.
    await one.add({ owner, hash: 'new' }, sessionOf('Ted', 10));
    expect(await one.find({ owner, hash: 'new' })).toEqual(sessionOf('Ted', 10));
    expect(await Promise.all(ages.map(isThere))).toEqual(ages.map((age) => age !== 5_000));
    expect(await one.find({ owner: other, hash: 'a' })).toBeDefined();
  });
});

describe('sessions in Redis', () => {
  it('lapse a day after the last sign-in, and are one key for each person', async () => {
    const { client, ...connection } = await connected([redis.url]);
    await client.flushall();
    const store = createRedisSessionStore({ client, ...connection });
    await store.add({ owner: 'ted', hash: 'a' }, sessionOf('Ted'));
    await store.add({ owner: 'ted', hash: 'b' }, sessionOf('Ted'));
    expect(await client.keys('*')).toEqual(['conference-coach:sessions:ted']);
    const left = await client.pttl('conference-coach:sessions:ted');
    expect(left).toBeGreaterThan(86_390_000);
    expect(left).toBeLessThanOrEqual(86_400_000);
  });

  it('that cannot be read are none', async () => {
    const connection = await connected([redis.url]);
    await connection.client.hset('conference-coach:sessions:carol', 'a', '{"role":"supervisor"}');
    expect(await createRedisSessionStore(connection).find({ owner: 'carol', hash: 'a' })).toBeUndefined();
  });

  it.each<[string, (store: SessionStore) => Promise<unknown>]>([
    ['add', (store) => store.add({ owner: 'ted', hash: 'a' }, sessionOf('Ted'))],
    ['find', (store) => store.find({ owner: 'ted', hash: 'a' })],
    ['replace', (store) => store.replace({ owner: 'ted', hash: 'a' }, sessionOf('Ted'))],
    ['remove', (store) => store.remove({ owner: 'ted', hash: 'a' })],
    ['removeAll', (store) => store.removeAll('ted')],
  ])('are not known while Redis is away: %s', async (_what, use) => {
    const away = connectRedis({
      urls: [`redis://127.0.0.1:${await freePort()}`],
      timeoutMs: 100,
      onConnection: () => {},
    });
    onTestFinished(() => away.close());
    await expect(use(createRedisSessionStore(away))).rejects.toMatchObject({ name: 'StoreError' });
  });
});
