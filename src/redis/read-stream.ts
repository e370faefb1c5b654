import { parseRecord } from './parse-record';
import type { RedisConnection } from './redis-connection';
import { StoreError } from './store-error';

/** How many lines are read at once. */
const PAGE_SIZE = 1_000;

export interface StreamOptions {
  key: string;
  /** The ID of the first line; with `(` before it, the line after that. */
  from: string;
  /** Whether a line holds what is looked for. */
  isRecord: (record: Readonly<Record<string, unknown>>) => boolean;
  /** Told at the first line that cannot be read; all such lines are skipped. */
  onUnreadable: (error: StoreError) => void;
}

/**
 * Reads a stream whose lines have one field, which is JSON.
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
