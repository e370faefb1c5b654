import { hash, randomBytes } from 'node:crypto';
import type { RedisConnection } from '../redis/redis-connection';
import { StoreError } from '../redis/store-error';
import { readFeeds } from './redis-feed';
import { formatEntry, LIST_SCRIPT, parseEntries } from './redis-room-index';
import { PROBE_SCRIPT, READ_SCRIPT, WRITE_SCRIPT } from './redis-room-scripts';
import type { RoomName, RoomState } from './room';
import type { RoomEntry } from './room-entry';
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
  /** Called once per reading of the feed for every key with skipped lines. */
  onUnreadable: (error: StoreError) => void;
}

/** The keys that the rooms of a part have in common. */
interface Part {
  prefix: string;
  /** Both indexes and the feed. */
  common: readonly [live: string, liveUntil: string, feed: string];
}

const PARTS: readonly Part[] = Array.from({ length: SHARDS }, (_, shard) => {
  const prefix = `conference-coach:{rooms-${shard}}`;
  return { prefix, common: [`${prefix}:live`, `${prefix}:live-until`, `${prefix}:feed`] };
});

/** The part that a room is in, and its key there. */
function placeOf(room: RoomName): { part: Part; key: string } {
  const part = PARTS[Number.parseInt(hash('sha1', room).slice(0, 8), 16) % SHARDS] as Part;
  return { part, key: `${part.prefix}:room:${room}` };
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
  /** A version is a random prefix of this process and a count, so it is unique. */
  const versionPrefix = randomBytes(9).toString('base64url');
  let writes = 0;
  /** The parts that could not be written at the last attempt. */
  const unwritable = new Set<Part>();

  async function listPart({ common: [key] }: Part): Promise<{ rooms: RoomEntry[]; now: number; problems: Error[] }> {
    const [now, text] = await run(() => scripts.roomList(key)).catch((error) => {
      throw explained(error, key);
    });
    const { rooms, isWhole } = parseEntries(text);
    return { rooms, now: Number(now), problems: isWhole ? [] : [unreadable(key)] };
  }

  return {
    async read(room, known) {
      const { part, key } = placeOf(room);
      const isWritable = !unwritable.has(part);
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
      const { part, key } = placeOf(room);
      const keys = [key, ...part.common];
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
      const parts = await Promise.allSettled(PARTS.map(listPart));
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

    feed: (from) =>
      readFeeds(
        redis,
        PARTS.map(({ common: [, , feed] }) => feed),
        { from, keepMs: feedMs, onUnreadable },
      ),

    async probe() {
      await Promise.all(
        PARTS.map(async (part) => {
          const keys = [`${part.prefix}:probe`, ...part.common];
          try {
            checkKey(await run(() => scripts.roomProbe(...keys, PROBE_LIFETIME_MS)), keys);
            unwritable.delete(part);
          } catch {
            unwritable.add(part);
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

/** The error; one that names the key if only this key is wrong. */
function explained(error: Error, key: string): Error {
  return error.message.includes('WRONGTYPE') ? unreadable(key) : error;
}

type Fields = Readonly<Record<string, unknown>>;

/** Every instant of a stay that may be missing. */
const STAY_INSTANTS = [
  'arrivedAt',
  'joinedAt',
  'joinKnownAt',
  'leftAt',
  'leftAtLatest',
  'joinDate',
  'leaveDate',
  'muteChangedAt',
  'holdChangedAt',
  'missingSince',
  'speakingSince',
  'coachingFailedAt',
];

/** A room's state from JSON; undefined unless it has the shape that `evolve` relies on, and is that room's. */
function parseRoomRecord(text: string, room: RoomName): RoomState | undefined {
  try {
    const record = JSON.parse(text);
    const { conference, stays, ended, at } = record;
    const isRoom =
      record.room === room &&
      typeof at === 'number' &&
      (conference === undefined || typeof conference.sid === 'string') &&
      Array.isArray(stays) &&
      stays.every(isStay) &&
      Array.isArray(ended) &&
      ended.every(isEnded);
    return isRoom ? record : undefined;
  } catch {
    // Includes values without fields, such as null.
    return undefined;
  }
}

function isEnded({ sid, at }: Fields): boolean {
  return typeof sid === 'string' && typeof at === 'number';
}

function isStay(stay: Fields): boolean {
  for (const name of STAY_INSTANTS) {
    const instant = stay[name];
    if (instant !== undefined && typeof instant !== 'number') {
      return false;
    }
  }
  const { callSid, role, supervision } = stay;
  return (
    typeof callSid === 'string' &&
    typeof role === 'string' &&
    (supervision === undefined || isSupervision(supervision as Fields))
  );
}

function isSupervision({ heard, callers, coachedCallChangedAt, targetSetAt, lastFact }: Fields): boolean {
  return (
    typeof heard === 'string' &&
    Array.isArray(callers) &&
    callers.every((caller) => typeof caller === 'string') &&
    (coachedCallChangedAt === undefined || typeof coachedCallChangedAt === 'number') &&
    (targetSetAt === undefined || typeof targetSetAt === 'number') &&
    (lastFact === undefined || typeof (lastFact as Fields).at === 'number')
  );
}
