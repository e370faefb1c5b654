import type { RedisConnection } from '../redis/redis-connection';
import { type IdempotencyStore, KEPT_MS, type KeyRecord } from './idempotency';

/** Keys in Redis, for all servers. */
export function createRedisIdempotencyStore({ client, run }: RedisConnection): IdempotencyStore {
  const nameOf = (key: string) => `conference-coach:idempotency:${key}`;
  return {
    async claim(key, request) {
      const claim: KeyRecord = { request };
      const isOurs = await run(() => client.set(nameOf(key), JSON.stringify(claim), 'PX', KEPT_MS, 'NX'));
      if (isOurs === 'OK') {
        return undefined;
      }
      const text = await run(() => client.get(nameOf(key)));
      // It lapsed in between: the next attempt gets it.
      return text === null ? claim : (JSON.parse(text) as KeyRecord);
    },
    async keep(key, record) {
      await run(() => client.set(nameOf(key), JSON.stringify(record), 'PX', KEPT_MS));
    },
    async release(key) {
      await run(() => client.del(nameOf(key)));
    },
  };
}
