import { readStream } from '../redis/read-stream';
import type { RedisConnection } from '../redis/redis-connection';
import type { StoreError } from '../redis/store-error';
import { MAX_REFUSALS, type RefusalEvent, type RefusalStore } from './refusals';

const KEY = 'conference-coach:refusals';

/** A refusal is written up to this much after its date, and by another machine's clock (ms). */
const DELAY_MS = 60_000;

/**
 * Adds a refusal, and drops those that are too old or too many.
 *
 *     KEYS[1]  stream of refusals, as JSON
 *     ARGV[1]  the refusal
 *     ARGV[2]  about how many are kept
 *     ARGV[3]  how long they are kept (ms)
 */
const ADD_SCRIPT = `
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'event', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', redis.call('TIME')[1] * 1000 - ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
`;

/**
 * Refusals in Redis, or in a Redis Cluster: a stream.
 *
 * @param options.keepMs how long they are kept, in milliseconds
 * @param options.onUnreadable called once in each reading that skips lines
 */
export function createRedisRefusalStore({
  redis,
  keepMs,
  onUnreadable,
}: {
  redis: RedisConnection;
  keepMs: number;
  onUnreadable: (error: StoreError) => void;
}): RefusalStore {
  const { client, run } = redis;
  client.defineCommand('refusalAdd', { numberOfKeys: 1, lua: ADD_SCRIPT });
  const scripts = client as unknown as { refusalAdd(...args: (string | number)[]): Promise<null> };
  return {
    async add(event) {
      await run(() => scripts.refusalAdd(KEY, JSON.stringify(event), MAX_REFUSALS, keepMs));
    },

    async *read(since) {
      const oldest = Math.max(since, Date.now() - keepMs);
      const ids = new Set<string>();
      const from = String(Math.max(0, Math.floor(oldest - DELAY_MS)));
      for await (const { record } of readStream<RefusalEvent>(redis, { key: KEY, from, isRecord, onUnreadable })) {
        if (!ids.has(record.id) && Date.parse(record.at) >= oldest) {
          ids.add(record.id);
          yield record;
        }
      }
    },
  };
}

function isRecord({ id, at, kind }: Readonly<Record<string, unknown>>): boolean {
  return [id, at, kind].every((text) => typeof text === 'string') && !Number.isNaN(Date.parse(String(at)));
}
