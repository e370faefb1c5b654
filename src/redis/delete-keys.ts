import { Cluster } from 'ioredis';
import type { RedisConnection } from './redis-connection';

/** How many keys a step looks at. */
const COUNT = 1_000;

/**
 * Deletes the keys that match any of some glob patterns. Looks at every key, so it is for commands, not for calls.
 *
 * @returns how many there were
 * @throws StoreError if Redis does not answer in time
 */
export async function deleteKeys({ client, run }: RedisConnection, patterns: readonly string[]): Promise<number> {
  let deleted = 0;
  for (const node of client instanceof Cluster ? client.nodes('master') : [client]) {
    for (const match of patterns) {
      let cursor = '0';
      do {
        const [next, keys] = await run(() => node.scan(cursor, 'MATCH', match, 'COUNT', COUNT));
        for (const key of keys) {
          deleted += await run(() => client.unlink(key));
        }
        cursor = next;
      } while (cursor !== '0');
    }
  }
  return deleted;
}
