import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { putLast } from '../ops/put-last';
import { createDeleteIf } from '../redis/delete-if';
import type { RedisConnection } from '../redis/redis-connection';
import { type IdempotencyStore, KEPT_MS, type KeyRecord } from './idempotency';

/** How often it is tried to free keys with which nothing was done, in milliseconds, and how many of them wait for that. */
const FREE_EVERY_MS = 1_000;
const MAX_TO_FREE = 10_000;

/** Keys in Redis, for all servers. */
export function createRedisIdempotencyStore({ client, run }: RedisConnection): IdempotencyStore {
  const deleteIf = createDeleteIf(client);
  /** The claims of this process, as they are stored. */
  const claims = new Map<string, string>();
  const nameOf = (key: string) => `conference-coach:idempotency:${key}`;

  /** The keys to free, by claim. */
  const toFree = new Map<string, string>();
  let isFreeing = false;

  function freeLater(name: string, claim: string): void {
    putLast(toFree, claim, name, MAX_TO_FREE);
    if (!isFreeing) {
      void freeAll();
    }
  }

  /** Never rejects. */
  async function freeAll(): Promise<void> {
    isFreeing = true;
    while (toFree.size > 0) {
      await sleep(FREE_EVERY_MS, undefined, { ref: false });
      try {
        for (const [claim, name] of toFree) {
          await run(() => deleteIf(name, claim));
          toFree.delete(claim);
        }
      } catch {}
    }
    isFreeing = false;
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
        freeLater(name, claim);
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
      if (claim === undefined) {
        return;
      }
      try {
        await run(() => deleteIf(nameOf(key), claim));
      } catch (error) {
        freeLater(nameOf(key), claim);
        throw error;
      }
    },
  };
}
