import { setTimeout as sleep } from 'node:timers/promises';
import { connectRedis, type RedisConnection, type RedisConnectionOptions } from './redis/redis-connection';
import { StoreError } from './redis/store-error';
import { type Lease, soleLease } from './rooms/lease';
import { createMemoryRoomStorage } from './rooms/memory-room-storage';
import { createRedisLease } from './rooms/redis-lease';
import { createRedisRoomStorage } from './rooms/redis-room-storage';
import type { RoomStorage } from './rooms/room-storage';
import { createRoomStore, type RoomStore } from './rooms/room-store';
import { createRedisRefusalStore } from './supervision/redis-refusals';
import { createMemoryRefusalStore, type RefusalStore } from './supervision/refusals';

/** Everything that the server stores. */
export interface Store {
  rooms: RoomStore;
  refusals: RefusalStore;
  /** Decides which server compares the rooms with the Space. */
  lease: Lease;
  /** Counts PIN attempts; undefined counts them in this process. */
  redis: RedisConnection | undefined;
  /**
   * Resolves if the store answers.
   *
   * @throws StoreError if it does not
   */
  ping(): Promise<void>;
  /** Closes connections. Never throws. */
  close(): void;
}

/**
 * A store in this process, for development and for a single server.
 *
 * @param options.lifetimeMs how long a call is remembered, in milliseconds
 * @param options.monotonicNow milliseconds from any beginning, never going back
 * @param options.now milliseconds since 1970
 */
export function createMemoryStore(options: {
  lifetimeMs: number;
  monotonicNow: () => number;
  now: () => number;
}): Store {
  const { lifetimeMs, monotonicNow, now } = options;
  return {
    rooms: createRoomStore({ storage: createMemoryRoomStorage({ lifetimeMs, now }), lifetimeMs, monotonicNow }),
    refusals: createMemoryRefusalStore(),
    lease: soleLease,
    redis: undefined,
    ping: async () => {},
    close() {},
  };
}

/** How often a start asks whether the store answers, in milliseconds. */
const POLL_MS = 10;

/**
 * Waits until the store answers.
 *
 * @throws StoreError at once if it refuses us or is not a Redis, or after `timeoutMs`
 */
export async function waitForStore(store: Pick<Store, 'ping'>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await store.ping();
      return;
    } catch (error) {
      if ((error instanceof StoreError && error.code === 'misconfigured') || Date.now() > deadline) {
        throw error;
      }
      await sleep(POLL_MS);
    }
  }
}

/**
 * A store in Redis, or in a Redis Cluster. Connects at once; see {@link connectRedis}.
 *
 * @param options.lifetimeMs how long a call is remembered, in milliseconds
 * @param options.auditMs how long the audit trail is kept, in milliseconds
 * @param options.wrapStorage observes the reads and writes of rooms
 * @param options.onUnreadable called once per reading of the trail for each key with entries that are skipped
 */
export function createRedisStore({
  lifetimeMs,
  auditMs,
  onUnreadable = () => {},
  wrapStorage = (storage) => storage,
  ...options
}: RedisConnectionOptions & {
  lifetimeMs: number;
  auditMs: number;
  onUnreadable?: (error: StoreError) => void;
  wrapStorage?: ((storage: RoomStorage) => RoomStorage) | undefined;
}): Store {
  const redis = connectRedis(options);
  const storage = wrapStorage(createRedisRoomStorage({ redis, lifetimeMs, feedMs: auditMs, onUnreadable }));
  return {
    rooms: createRoomStore({ storage, lifetimeMs, monotonicNow: performance.now.bind(performance) }),
    refusals: createRedisRefusalStore({ redis, keepMs: auditMs, onUnreadable }),
    lease: createRedisLease(redis),
    redis,
    ping: redis.ping,
    close: redis.close,
  };
}
