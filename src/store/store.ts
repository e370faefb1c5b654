import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryRegistry } from '../conferences/memory-registry';
import { createRedisRegistry } from '../conferences/redis-registry';
import type { ConferenceRegistry } from '../conferences/registry';
import type { SupervisionStore } from '../supervision/audit';
import { createMemorySupervisionStore } from '../supervision/memory-store';
import { createRedisSupervisionStore } from '../supervision/redis-store';
import { connectRedis, type RedisConnection, type RedisConnectionOptions } from './redis-connection';
import { StoreError } from './store-error';

/** All that is kept outside of calls. */
export interface Store {
  registry: ConferenceRegistry;
  supervision: SupervisionStore;
  /** Where PINs are counted; undefined counts them in this process. */
  redis: RedisConnection | undefined;
  /**
   * Resolves if the store answers.
   *
   * @throws StoreError when it does not
   */
  ping(): Promise<void>;
  /** Lets go of connections. Never throws. */
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
    registry: createMemoryRegistry({ lifetimeMs, now: monotonicNow }),
    supervision: createMemorySupervisionStore({ lifetimeMs, now }),
    redis: undefined,
    ping: async () => {},
    close() {},
  };
}

/**
 * Waits until the store answers.
 *
 * @throws StoreError at once when it refuses us or is no such store, or when it does not answer in time
 */
export async function waitForStore(store: Store, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await store.ping();
      return;
    } catch (error) {
      if ((error instanceof StoreError && error.code === 'misconfigured') || Date.now() > deadline) {
        throw error;
      }
      await sleep(50);
    }
  }
}

/** A store in Redis, or in a Redis Cluster; it connects at once. See {@link connectRedis}. */
export function createRedisStore({ lifetimeMs, ...options }: RedisConnectionOptions & { lifetimeMs: number }): Store {
  const redis = connectRedis(options);
  return {
    registry: createRedisRegistry({ redis, lifetimeMs }),
    supervision: createRedisSupervisionStore({ redis, lifetimeMs }),
    redis,
    ping: redis.ping,
    close: redis.close,
  };
}
