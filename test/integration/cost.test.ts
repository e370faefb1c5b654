import { expect, it } from '@jest/globals';
import { measureSizes } from '../../src/simulator/bench-sizes';
import { createMemoryStore, createRedisStore, type Store, waitForStore } from '../../src/stores';
import { atEnd } from '../support/at-end';
import { startRedis } from '../support/redis-server';

const LIFETIME_MS = 3_600_000;

/** Generous: figures are for `npm run bench`. A cost that grew with the rooms would be many times as high. */
const MAX_RATIO = 2;

it.each<[string, () => Promise<(database: number) => Store>]>([
  ['memory', async () => () => createMemoryStore({ lifetimeMs: LIFETIME_MS, monotonicNow: Date.now, now: Date.now })],
  [
    'Redis',
    async () => {
      const redis = await startRedis();
      atEnd(() => redis.dispose());
      return (database) =>
        createRedisStore({
          urls: [`${redis.url}/${database}`],
          lifetimeMs: LIFETIME_MS,
          auditMs: LIFETIME_MS,
          timeoutMs: 5_000,
          onConnection: () => {},
        });
    },
  ],
])('a call costs the same among 1,000 rooms and 200 supervisors as among 10, with %s', async (_name, prepare) => {
  const create = await prepare();
  const stores = [
    { store: create(0), size: { rooms: 10, supervisors: 2 } },
    { store: create(1), size: { rooms: 1_000, supervisors: 200 } },
  ];
  for (const { store } of stores) {
    atEnd(() => store.close());
    await waitForStore(store, 5_000);
  }
  const [small, large] = await measureSizes(stores);
  for (const kind of ['/conference', '/coach', 'callback'] as const) {
    expect([kind, (large?.[kind].cpuMs ?? 0) / (small?.[kind].cpuMs ?? 0) < MAX_RATIO]).toEqual([kind, true]);
  }
});
