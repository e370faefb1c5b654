import { putLast } from '../ops/put-last';

/** The form of a key, as a client may send it. */
export const KEY_FORM = /^[\x21-\x7e]{1,255}$/;

/** The header of an answer that was kept, with the value `true`. */
export const REPLAYED_HEADER = 'Idempotency-Replayed';

/** An answer that is kept for the next request with the same key. */
export interface KeptReply {
  status: number;
  body: object | undefined;
}

/** The record of a key. `request`: identifies the request that came with it. */
export type KeyRecord = { request: string; reply?: KeptReply };

/** Remembers which actions were requested with which key, so that a repeated request does nothing twice. */
export interface IdempotencyStore {
  /**
   * Claims a key. Resolves to undefined if it was free, otherwise to what is known of it.
   *
   * @throws StoreError
   */
  claim(key: string, request: string): Promise<KeyRecord | undefined>;
  /** Keeps the answer for a day. @throws StoreError */
  keep(key: string, record: KeyRecord): Promise<void>;
  /** Frees a key: nothing was done. @throws StoreError */
  release(key: string): Promise<void>;
}

/**
 * How long a key is kept, in milliseconds, whether it has an answer or its server died before: what may have been done
 * must not be done again.
 */
export const KEPT_MS = 86_400_000;

/** How many keys a process keeps. */
const MAX_KEYS = 10_000;

/** Keys in this process's memory: lost at a restart. @param options.now milliseconds from any beginning */
export function createMemoryIdempotencyStore({ now }: { now: () => number }): IdempotencyStore {
  const keys = new Map<string, { record: KeyRecord; until: number }>();
  return {
    async claim(key, request) {
      const known = keys.get(key);
      if (known !== undefined && known.until > now()) {
        return known.record;
      }
      putLast(keys, key, { record: { request }, until: now() + KEPT_MS }, MAX_KEYS);
      return undefined;
    },
    async keep(key, record) {
      putLast(keys, key, { record, until: now() + KEPT_MS }, MAX_KEYS);
    },
    async release(key) {
      keys.delete(key);
    },
  };
}
