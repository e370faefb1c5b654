import { randomUUID } from 'node:crypto';
import type { RedisConnection } from '../redis/redis-connection';

/**
 * Lets one of several servers do something. Resolves to true for the first server that claims a name, also when it repeats
 * the claim within 30 s; and for every server while Redis is down. Never rejects.
 */
export type Claim = (name: string) => Promise<boolean>;

const CLAIM_MS = 30_000;

/** Claims among the servers of one Redis. */
export function createRedisClaim({ client, run }: RedisConnection): Claim {
  const holder = randomUUID();
  return (name) => {
    const key = `conference-coach:claim:${name}`;
    const take = async () =>
      (await client.set(key, holder, 'PX', CLAIM_MS, 'NX')) === 'OK' || (await client.get(key)) === holder;
    return run(take).catch(() => true);
  };
}
