import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMemoryIdempotencyStore, type IdempotencyStore } from '../../src/api/idempotency';
import { createRedisIdempotencyStore } from '../../src/api/redis-idempotency';
import { connectRedis, type RedisConnection } from '../../src/redis/redis-connection';
import { StoreError } from '../../src/redis/store-error';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';

let redis: RedisServer;
let connection: RedisConnection;

beforeAll(async () => {
  redis = await startRedis();
  connection = connectRedis({ urls: [redis.url], timeoutMs: 10_000, onConnection: () => {} });
  await eventually(() => connection.ping());
});

afterAll(async () => {
  connection?.close();
  await redis?.dispose();
});

const REPLY = { status: 200, body: { done: true } };

describe.each<[string, () => [IdempotencyStore, IdempotencyStore]]>([
  [
    'memory',
    () => {
      const store = createMemoryIdempotencyStore({ now: () => 0 });
      return [store, store];
    },
  ],
  ['Redis', () => [createRedisIdempotencyStore(connection), createRedisIdempotencyStore(connection)]],
])('keys in %s', (name, create) => {
  it('are claimed once, and then tell what was asked with them', async () => {
    const [one, other] = create();
    expect(await one.claim(`${name}-1`, 'mute')).toBeUndefined();
    expect(await other.claim(`${name}-1`, 'hold')).toEqual({ request: 'mute' });
    await one.keep(`${name}-1`, { request: 'mute', reply: REPLY });
    expect(await other.claim(`${name}-1`, 'mute')).toEqual({ request: 'mute', reply: REPLY });
  });

  it('are free again when nothing was done', async () => {
    const [one, other] = create();
    await one.claim(`${name}-2`, 'mute');
    await one.release(`${name}-2`);
    expect(await other.claim(`${name}-2`, 'hold')).toBeUndefined();
  });
});

it('keys in Redis lapse after a day', async () => {
  const store = createRedisIdempotencyStore(connection);
  await store.claim('lapse', 'mute');
  const leftOf = () => connection.client.pttl('conference-coach:idempotency:lapse');
  expect(await leftOf()).toBeGreaterThan(86_000_000);
  await store.keep('lapse', { request: 'mute', reply: REPLY });
  expect(await leftOf()).toBeGreaterThan(86_000_000);
});

describe('a key in Redis with which nothing was done is free', () => {
  /** A store with little patience. */
  async function start() {
    const hasty = connectRedis({ urls: [redis.url], timeoutMs: 100, onConnection: () => {} });
    onTestFinished(() => hasty.close());
    await eventually(() => hasty.ping());
    return { hasty, store: createRedisIdempotencyStore(hasty) };
  }
  const other = () => createRedisIdempotencyStore(connection);

  it('although its claim was answered too late', async () => {
    const { store } = await start();
    // Redis carries out writes when that is over.
    await connection.client.call('CLIENT', 'PAUSE', '400', 'WRITE');
    await expect(store.claim('late-1', 'mute')).rejects.toThrow(StoreError);
    await eventually(async () => expect(await other().claim('late-1', 'hold')).toBeUndefined());
  });

  it('although the connection was away when it was released', async () => {
    const { hasty, store } = await start();
    await store.claim('late-2', 'mute');
    hasty.client.disconnect(true);
    await expect(store.release('late-2')).rejects.toThrow(StoreError);
    await eventually(async () => expect(await other().claim('late-2', 'hold')).toBeUndefined());
  });
});

it('keys in memory lapse too, and the oldest give way', async () => {
  let now = 0;
  const store = createMemoryIdempotencyStore({ now: () => now });
  await store.claim('a', 'mute');
  now = 86_400_001;
  expect(await store.claim('a', 'hold')).toBeUndefined();
  for (let index = 0; index < 10_000; index++) {
    await store.claim(`many-${index}`, 'mute');
  }
  expect(await store.claim('a', 'mute')).toBeUndefined();
});
