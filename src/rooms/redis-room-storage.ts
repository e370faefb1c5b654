import { createHash, randomBytes } from 'node:crypto';
import type { RedisConnection } from '../redis/redis-connection';
import { StoreError } from '../redis/store-error';
import { readFeeds } from './redis-feed';
import { formatEntry, LIST_SCRIPT, parseEntries } from './redis-room-index';
import type { RoomName } from './room-name';
import { parseRoomRecord } from './room-record';
import type { RoomEntry, RoomStorage } from './room-store';

/**
 * How many parts the rooms are spread over. The keys of one part share a hash tag, so that one script reaches them, and
 * a Redis Cluster spreads the parts over its nodes.
 */
const SHARDS = 16;

/** How long the trace of a probe stays, in milliseconds. */
const PROBE_LIFETIME_MS = 5_000;

/**
 * Reads a room. Returns the time (ms) and the room's value, `<version>\n<state as JSON>`, if there is one.
 *
 *     KEYS[1]  the room
 */
const READ_SCRIPT = `
local time = redis.call('TIME')
return { string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), redis.call('GET', KEYS[1]) }
`;

/**
 * A script that fails keeps what it has written. So every key is looked at before the first write: returns -n if the nth
 * holds something else. An index or a feed that was spoilt must not cost a line of the trail.
 *
 * @param types of the keys, in their order
 */
const checkTypes = (...types: readonly string[]) => `
for i, expected in ipairs({ ${types.map((type) => `'${type}'`).join(', ')} }) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= expected then return -i end
end
`;

/**
 * Writes a room if it has the version that was read. Returns 1 if it had, 0 if not, -n if the nth key holds something else.
 *
 *     KEYS[1]  the room
 *     KEYS[2]  index of rooms that anybody is in: hash of room to its entry, as JSON
 *     KEYS[3]  the same rooms, sorted set scored by when their entry lapses (ms)
 *     KEYS[4]  the feed: stream of facts, as JSON
 *     ARGV[1]  the version that was read, '' for none
 *     ARGV[2]  the new value
 *     ARGV[3]  how long it is kept (ms)
 *     ARGV[4]  the room's name
 *     ARGV[5]  its entry in the index, '' for none
 *     ARGV[6]  how long the feed is kept (ms)
 *     ARGV[7]  '1' if a Redis that is full must rather forget the room than keep it as it is
 *     ARGV[8…] the facts
 */
const WRITE_SCRIPT = `${checkTypes('string', 'hash', 'zset', 'stream')}
local value = redis.call('GET', KEYS[1])
if (value and string.match(value, '^[^\\n]*') or '') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function unlist(room)
  redis.call('HDEL', KEYS[2], room)
  redis.call('ZREM', KEYS[3], room)
end
local set = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if set.err and ARGV[7] == '1' then
  -- A Redis that is full takes what a script writes after it has deleted something.
  redis.call('DEL', KEYS[1])
  set = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  if set.err then unlist(ARGV[4]) end
end
if set.err then return set end
if ARGV[5] == '' then
  unlist(ARGV[4])
else
  redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
  redis.call('ZADD', KEYS[3], text(now + ARGV[3]), ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
end
for _, room in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', text(now), 'LIMIT', 0, 10)) do unlist(room) end
for i = 8, #ARGV do redis.call('XADD', KEYS[4], 'MINID', '~', text(now - ARGV[6]), '*', 'fact', ARGV[i]) end
if #ARGV >= 8 then redis.call('PEXPIRE', KEYS[4], ARGV[6]) end
return 1
`;

/**
 * Finds out whether a part can be written. Returns 1, or -n if the nth key holds something else.
 *
 *     KEYS[1]  the trace of the probe
 *     KEYS[2…] as for a write
 *     ARGV[1]  how long the trace stays (ms)
 */
const PROBE_SCRIPT = `${checkTypes('string', 'hash', 'zset', 'stream')}
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
return 1
`;

interface WithScripts {
  roomRead(key: string): Promise<[string, string | null]>;
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

const MAX_SHARDS_KEPT = 10_000;
const shards = new Map<RoomName, number>();

/** Which part a room belongs to; remembered, because a hash costs as much as reading a small room. */
function shardOf(room: RoomName): number {
  let shard = shards.get(room);
  if (shard === undefined) {
    shard = createHash('sha1').update(room).digest().readUInt32BE() % SHARDS;
    if (shards.size >= MAX_SHARDS_KEPT) {
      shards.clear();
    }
    shards.set(room, shard);
  }
  return shard;
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
  /** The parts that could not be written the last time this was tried. */
  const unwritable = new Set<number>();

  async function listShard(shard: number): Promise<{ rooms: RoomEntry[]; now: number; problems: Error[] }> {
    const key = `${prefixOf(shard)}:live`;
    const [now, text] = await run(() => scripts.roomList(key)).catch(explain(key));
    const { rooms, isWhole } = parseEntries(text);
    return { rooms, now: Number(now), problems: isWhole ? [] : [unreadable(key)] };
  }

  return {
    async read(room) {
      const key = `${prefixOf(shardOf(room))}:room:${room}`;
      const [now, value] = await run(() => scripts.roomRead(key)).catch(explain(key));
      if (value === null) {
        return { version: '', state: undefined, now: Number(now) };
      }
      const [version = '', text = ''] = value.split('\n', 2);
      const state = parseRoomRecord(text, room);
      if (state === undefined) {
        throw unreadable(key);
      }
      return { version, state, now: Number(now) };
    },

    async write(room, version, { state, entry, facts, isUrgent }) {
      const shard = shardOf(room);
      const keys = [`${prefixOf(shard)}:room:${room}`, ...commonKeysOf(shard)];
      const next = randomBytes(6).toString('base64url');
      const result = await run(() =>
        scripts.roomWrite(
          ...keys,
          version,
          `${next}\n${JSON.stringify(state)}`,
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

    isWritable: (room) => !unwritable.has(shardOf(room)),

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

/** Names the key in an error that comes of it alone. */
function explain(key: string): (error: Error) => never {
  return (error) => {
    throw error.message.includes('WRONGTYPE') ? unreadable(key) : error;
  };
}
