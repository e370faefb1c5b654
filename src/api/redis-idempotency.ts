import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDeleteIf } from '../redis/delete-if';
import type { RedisConnection } from '../redis/redis-connection';
import { type IdempotencyStore, KEPT_MS, type KeyRecord } from './idempotency';

/** How often, and for how long, it is tried to free a key with which nothing was done, in milliseconds. */
const FREE_EVERY_MS = 1_000;
const FREE_FOR_MS = 60_000;

/** Keys in Redis, for all servers. */
export function createRedisIdempotencyStore({ client, run }: RedisConnection): IdempotencyStore {
  const deleteIf = createDeleteIf(client);
  /** The claims of this process, as they are stored. */
  const claims = new Map<string, string>();
  const nameOf = (key: string) => `conference-coach:idempotency:${key}`;

  /** Frees a key that still has this claim; later if Redis does not answer now. @throws StoreError in that case */
  async function free(name: string, claim: string): Promise<void> {
    try {
      await run(() => deleteIf(name, claim));
    } catch (error) {
      void freeLater(name, claim);
      throw error;
    }
  }

  async function freeLater(name: string, claim: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < FREE_FOR_MS; waitedMs += FREE_EVERY_MS) {
      await sleep(FREE_EVERY_MS, undefined, { ref: false });
      try {
        await run(() => deleteIf(name, claim));
        return;
      } catch {}
    }
  }

  return {
    async claim(key, request) {
      const name = nameOf(key);
      const claim = JSON.stringify({ request, claim: randomUUID() });
      try {
        const isOurs = await run(() => client.set(name, claim, 'PX', KEPT_MS, 'NX'));
        if (isOurs === 'OK') {
          claims.set(key, claim);
          return undefined;
        }
        const text = await run(() => client.get(name));
        // It lapsed in between: the next attempt gets it.
        const { claim: _, ...record } = JSON.parse(text ?? claim) as KeyRecord & { claim?: string };
        return record;
      } catch (error) {
        // Redis may carry it out all the same.
        await free(name, claim).catch(() => {});
        throw error;
      }
    },
    async keep(key, record) {
      claims.delete(key);
      await run(() => client.set(nameOf(key), JSON.stringify(record), 'PX', KEPT_MS));
    },
    async release(key) {
      const claim = claims.get(key);
      claims.delete(key);
      if (claim !== undefined) {
        await free(nameOf(key), claim);
      }
    },
  };
}
