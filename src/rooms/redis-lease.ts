import { randomUUID } from 'node:crypto';
import { createDeleteIf } from '../redis/delete-if';
import type { RedisConnection } from '../redis/redis-connection';
import type { Lease } from './lease';

/** How long a lease lasts without renewal (ms). The sweep renews it every 2.5 s; after a crash another server takes over. */
const LEASE_MS = 4_000;

/**
 * Takes or renews the lease. Returns 1 if it is ours.
 *
 *     KEYS[1]  the lease: who has it
 *     ARGV[1]  who asks
 *     ARGV[2]  how long it lasts (ms)
 */
const TAKE_SCRIPT = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

const KEY = 'conference-coach:sweep';

/** A lease that the servers of one Redis share. */
export function createRedisLease({ client, run }: RedisConnection): Lease {
  client.defineCommand('takeLease', { numberOfKeys: 1, lua: TAKE_SCRIPT });
  const scripts = client as unknown as {
    takeLease(key: string, holder: string, ms: number): Promise<number>;
  };
  const deleteIf = createDeleteIf(client);
  const holder = randomUUID();
  return {
    take: () =>
      run(() => scripts.takeLease(KEY, holder, LEASE_MS)).then(
        (isOurs) => (isOurs === 1 ? 'ours' : "another's"),
        () => 'unknown',
      ),
    release: () =>
      run(() => deleteIf(KEY, holder)).then(
        () => {},
        () => {},
      ),
  };
}
