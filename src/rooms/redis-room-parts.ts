import { StoreError } from '../redis/store-error';

/**
 * How many parts the rooms are spread over. The keys of one part share a hash tag, so that one script reaches them, and
 * a Redis Cluster spreads the parts over its nodes.
 */
const SHARDS = 16;

/** A part of the rooms in Redis. */
export interface RoomPart {
  /** What all of its keys begin with. */
  prefix: string;
  /** The keys that its rooms have in common: both indexes, the feed and the changes. */
  common: readonly [live: string, liveUntil: string, feed: string, changes: string];
}

/** The parts; their order never changes. */
export const ROOM_PARTS: readonly RoomPart[] = Array.from({ length: SHARDS }, (_, shard) => {
  const prefix = `conference-coach:{rooms-${shard}}`;
  return { prefix, common: [`${prefix}:live`, `${prefix}:live-until`, `${prefix}:feed`, `${prefix}:changes`] };
});

/** The error about a key that holds something else. */
export function unreadable(key: string): StoreError {
  return new StoreError('unreadable', `Redis: unexpected data at ${key}; delete that key.`);
}

/**
 * @param result what a script returned: -n if the nth key holds something else
 * @throws StoreError then
 */
export function checkKey(result: number, keys: readonly string[]): void {
  if (result < 0) {
    throw unreadable(keys[-result - 1] ?? '');
  }
}

/** The error; one that names the key if only this key is wrong. */
export function explained(error: Error, key: string): Error {
  return error.message.includes('WRONGTYPE') ? unreadable(key) : error;
}
