import { hash, randomBytes } from 'node:crypto';
import type { RedisConnection } from '../redis/redis-connection';
import { StoreError } from '../redis/store-error';
import { readFeeds } from './redis-feed';
import { formatEntry, LIST_SCRIPT, parseEntries } from './redis-room-index';
import { PROBE_SCRIPT, READ_SCRIPT, WRITE_SCRIPT } from './redis-room-scripts';
import type { RoomName } from './room';
import type { RoomEntry } from './room-entry';
import { parseRoomRecord } from './room-record';
import type { RoomStorage } from './room-storage';

/**
 * How many parts the rooms are spread over. The keys of one part share a hash tag, so that one script reaches them, and
 * a Redis Cluster spreads the parts over its nodes.
 */
const SHARDS = 16;

/** How long the trace of a probe stays, in milliseconds. */
const PROBE_LIFETIME_MS = 5_000;

interface WithScripts {
  roomRead(key: string, knownVersion: string): Promise<[string, string | number | null]>;
  roomWrite(...args: (string | number)[]): Promise<number>;
  roomProbe(...args: (string | number)[]): Promise<number>;
  roomList(key: string): Promise<[string, string]>;
}

export interface RedisRoomStorageOptions {
  redis: RedisConnection;
  /** How long a room is kept after its last event, in milliseconds. */
  lifetimeMs: number;
  /** How long the lines of the feed are kept, in milliseconds. */
  feedMs: number;
  /** Told once in each reading of the feed of every key with lines that are skipped. */
  onUnreadable: (error: StoreError) => void;
}

const prefixOf = (shard: number) => `conference-coach:{rooms-${shard}}`;
const feedOf = (shard: number) => `${prefixOf(shard)}:feed`;
/** Both indexes and the feed, which the rooms of a part have in common. */
const commonKeysOf = (shard: number) => [`${prefixOf(shard)}:live`, `${prefixOf(shard)}:live-until`, feedOf(shard)];

/** Where a room is. */
interface Place {
  shard: number;
  key: string;
}

function placeOf(room: RoomName): Place {
  const shard = Number.parseInt(hash('sha1', room).slice(0, 8), 16) % SHARDS;
  return { shard, key: `${prefixOf(shard)}:room:${room}` };
}

/** Rooms in Redis, or in a Redis Cluster. */
export function createRedisRoomStorage({
  redis,
  lifetimeMs,
  feedMs,
  onUnreadable,
}: RedisRoomStorageOptions): RoomStorage {
  const { client, run } = redis;
  client.defineCommand('roomRead', { numberOfKeys: 1, lua: READ_SCRIPT });
  client.defineCommand('roomWrite', { numberOfKeys: 4, lua: WRITE_SCRIPT });
  client.defineCommand('roomProbe', { numberOfKeys: 4, lua: PROBE_SCRIPT });
  client.defineCommand('roomList', { numberOfKeys: 1, lua: LIST_SCRIPT });
  const scripts = client as unknown as WithScripts;
  const allShards = Array.from({ length: SHARDS }, (_, shard) => shard);
  /** A version is a random prefix of this process and a count: none comes twice. */
  const versionPrefix = randomBytes(9).toString('base64url');
  let writes = 0;
  /** The parts that could not be written the last time this was tried. */
  const unwritable = new Set<number>();

  async function listShard(shard: number): Promise<{ rooms: RoomEntry[]; now: number; problems: Error[] }> {
    const key = `${prefixOf(shard)}:live`;
    const [now, text] = await run(() => scripts.roomList(key)).catch((error) => {
      throw explained(error, key);
    });
    const { rooms, isWhole } = parseEntries(text);
    return { rooms, now: Number(now), problems: isWhole ? [] : [unreadable(key)] };
  }

  return {
    async read(room, known) {
      const { shard, key } = placeOf(room);
      const isWritable = !unwritable.has(shard);
      let read: [string, string | number | null];
      try {
        read = await run(() => scripts.roomRead(key, known?.version ?? ''));
      } catch (error) {
        throw explained(error as Error, key);
      }
      const [now, value] = read;
      if (value === null) {
        return { version: '', stored: undefined, now: Number(now), isWritable };
      }
      if (known !== undefined && typeof value === 'number') {
        return { version: known.version, stored: known.stored, now: Number(now), isWritable };
      }
      const [version = '', text = ''] = String(value).split('\n', 2);
      const stored = parseRoomRecord(text, room);
      if (stored === undefined) {
        throw unreadable(key);
      }
      return { version, stored, now: Number(now), isWritable };
    },

    async write(room, version, { state, entry, facts, isUrgent }) {
      const { shard, key } = placeOf(room);
      const keys = [key, ...commonKeysOf(shard)];
      const next = `${versionPrefix}${++writes}`;
      const value = `${next}\n${JSON.stringify(state)}`;
      const result = await run(() =>
        scripts.roomWrite(
          ...keys,
          version,
          value,
          lifetimeMs,
          room,
          entry === undefined ? '' : formatEntry(entry),
          feedMs,
          isUrgent ? 1 : 0,
          ...facts.map((fact) => JSON.stringify(fact)),
        ),
      );
      checkKey(result, keys);
      return result === 1 ? next : undefined;
    },

    async list() {
      const parts = await Promise.allSettled(allShards.map(listShard));
      const read = parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
      const failures = parts.flatMap((part) => (part.status === 'rejected' ? [part.reason as Error] : []));
      if (read.length === 0) {
        throw failures[0];
      }
      return {
        rooms: read.flatMap(({ rooms }) => rooms),
        now: Math.max(...read.map(({ now }) => now)),
        problems: [...failures, ...read.flatMap(({ problems }) => problems)],
      };
    },

    feed: (from) => readFeeds(redis, allShards.map(feedOf), { from, keepMs: feedMs, onUnreadable }),

    async probe() {
      await Promise.all(
        allShards.map(async (shard) => {
          const keys = [`${prefixOf(shard)}:probe`, ...commonKeysOf(shard)];
          try {
            checkKey(await run(() => scripts.roomProbe(...keys, PROBE_LIFETIME_MS)), keys);
            unwritable.delete(shard);
          } catch {
            unwritable.add(shard);
          }
        }),
      );
    },
  };
}

function unreadable(key: string): StoreError {
  return new StoreError('unreadable', `Redis: unexpected data at ${key}; delete that key.`);
}

/** @throws StoreError if a script says that the nth key holds something else */
function checkKey(result: number, keys: readonly string[]): void {
  if (result < 0) {
    throw unreadable(keys[-result - 1] ?? '');
  }
}

/** The error, or one that names the key if that alone is wrong. */
function explained(error: Error, key: string): Error {
  return error.message.includes('WRONGTYPE') ? unreadable(key) : error;
}
