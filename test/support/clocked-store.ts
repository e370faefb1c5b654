import type { RedisConnection } from '../../src/redis/redis-connection';
import { soleLease } from '../../src/rooms/lease';
import { createMemoryRoomStorage } from '../../src/rooms/memory-room-storage';
import { createRedisRoomStorage } from '../../src/rooms/redis-room-storage';
import type { RoomStorage } from '../../src/rooms/room-storage';
import { createRoomStore } from '../../src/rooms/room-store';
import type { Store } from '../../src/stores';
import { createMemoryRefusalStore } from '../../src/supervision/refusals';

const LIFETIME_MS = 4 * 3_600_000;

/**
 * A store that lives by the test's clock.
 *
 * @param options.redis keeps the rooms; undefined keeps them in memory. It stays open.
 * @param options.now milliseconds since 1970
 */
export function createClockedStore({ redis, now }: { redis: RedisConnection | undefined; now: () => number }): Store {
  const storage: RoomStorage =
    redis === undefined
      ? createMemoryRoomStorage({ lifetimeMs: LIFETIME_MS, now })
      : createRedisRoomStorage({ redis, lifetimeMs: LIFETIME_MS, feedMs: LIFETIME_MS, onUnreadable: () => {} });
  const clocked: RoomStorage = {
    ...storage,
    // The clock may jump while Redis is being asked.
    async read(room) {
      const askedAt = now();
      return { ...(await storage.read(room)), now: askedAt };
    },
    async list() {
      const askedAt = now();
      return { ...(await storage.list()), now: askedAt };
    },
  };
  return {
    rooms: createRoomStore({ storage: clocked, lifetimeMs: LIFETIME_MS, monotonicNow: now }),
    refusals: createMemoryRefusalStore(),
    lease: soleLease,
    redis,
    ping: async () => redis?.ping(),
    close() {},
  };
}
