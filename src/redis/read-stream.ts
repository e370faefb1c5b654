import { parseRecord } from './parse-record';
import type { RedisConnection } from './redis-connection';
import { StoreError } from './store-error';

/** How many entries are read at once. */
const PAGE_SIZE = 1_000;

export interface StreamOptions {
  key: string;
  /** The ID of the first entry; with `(` before it, the entry after that. */
  from: string;
  /** Whether an entry is valid. */
  isRecord: (record: Readonly<Record<string, unknown>>) => boolean;
  /** Called at the first invalid entry; all invalid entries are skipped. */
  onUnreadable: (error: StoreError) => void;
}

/**
 * Reads a stream whose entries have one field, which holds JSON.
 *
 * @throws StoreError
 */
export async function* readStream<T extends object>(
  { client, run }: RedisConnection,
  { key, from, isRecord, onUnreadable }: StreamOptions,
): AsyncGenerator<{ id: string; record: T }, undefined> {
  let start = from;
  let isWhole = true;
  for (;;) {
    const page = await run(() => client.xrange(key, start, '+', 'COUNT', PAGE_SIZE)).catch((error: Error) => {
      if (!error.message.includes('WRONGTYPE')) {
        throw error;
      }
      onUnreadable(new StoreError('unreadable', `Redis: unexpected data at ${key}; delete that key.`));
      return [];
    });
    for (const [id, [, text = '']] of page) {
      const record = parseRecord<T>(text, isRecord);
      if (record !== undefined) {
        yield { id, record };
      } else if (isWhole) {
        isWhole = false;
        onUnreadable(new StoreError('unreadable', `Redis: skipped unreadable entries of ${key}; the first is ${id}.`));
      }
    }
    const last = page.at(-1)?.[0];
    if (last === undefined || page.length < PAGE_SIZE) {
      return undefined;
    }
    start = `(${last}`;
  }
}
