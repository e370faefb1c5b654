import { hash, randomBytes } from 'node:crypto';
import type { RedisConnection } from '../redis/redis-connection';
import type { StoreError } from '../redis/store-error';
import { isRecordingState } from './recording';
import { readFeeds } from './redis-feed';
import { readChanges } from './redis-room-changes';
import { createRoomIndex, formatEntry } from './redis-room-index';
import { checkKey, explained, ROOM_PARTS, type RoomPart, unreadable } from './redis-room-parts';
import { createRoomProbe } from './redis-room-probe';
import { READ_SCRIPT, WRITE_SCRIPT } from './redis-room-scripts';
import type { RoomName, RoomState } from './room';
import type { RoomStorage } from './room-storage';

interface WithScripts {
  roomRead(key: string, knownVersion: string): Promise<[string, string | number | null]>;
  roomWrite(...args: (string | number)[]): Promise<number>;
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

/** The part that a room is in, and its key there. */
function placeOf(room: RoomName): { part: RoomPart; key: string } {
  const part = ROOM_PARTS[Number.parseInt(hash('sha1', room).slice(0, 8), 16) % ROOM_PARTS.length] as RoomPart;
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
  client.defineCommand('roomWrite', { numberOfKeys: 5, lua: WRITE_SCRIPT });
  const scripts = client as unknown as WithScripts;
  /** A version is a random prefix of this process and a count, so it is unique. */
  const versionPrefix = randomBytes(9).toString('base64url');
  let writes = 0;
  const { unwritable, probe } = createRoomProbe(redis, lifetimeMs);

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

    async write(room, version, { state, entry, lapsesInMs, facts, isUrgent }) {
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
          state.isForeign ? 0 : 1,
          lapsesInMs,
          ...facts.map((fact) => JSON.stringify(fact)),
        ),
      );
      checkKey(result, keys);
      return result === 1 ? next : undefined;
    },

    list: createRoomIndex(redis),

    feed: (from, room) =>
      readFeeds(
        redis,
        (room === undefined ? ROOM_PARTS : [placeOf(room).part]).map(({ common: [, , feed] }) => feed),
        { from, keepMs: feedMs, onUnreadable },
      ),

    async changes(after, max) {
      const changes = await readChanges(redis, after, max);
      return changes === 'expired' ? changes : { ...changes, isWritable: unwritable.size === 0 };
    },
    probe,
  };
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
    const { conference, stays, ended, actions = [], recordings = [], at } = record;
    const isRoom =
      record.room === room &&
      typeof at === 'number' &&
      (conference === undefined || typeof conference.sid === 'string') &&
      Array.isArray(stays) &&
      stays.every(isStay) &&
      Array.isArray(ended) &&
      ended.every(isEnded) &&
      Array.isArray(actions) &&
      actions.every(isAction) &&
      Array.isArray(recordings) &&
      recordings.every(isRecordingState);
    return isRoom ? record : undefined;
  } catch {
    // Includes values without fields, such as null.
    return undefined;
  }
}

function isEnded({ sid, at }: Fields): boolean {
  return typeof sid === 'string' && typeof at === 'number';
}

function isAction({ id, name, by, status, requestedAt, settledAt }: Fields): boolean {
  return (
    [id, name, by, status].every((text) => typeof text === 'string') &&
    typeof requestedAt === 'number' &&
    (settledAt === undefined || typeof settledAt === 'number')
  );
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

function isSupervision({ heard, heardAt, callers, coachedCallChangedAt, targetSetAt, lastFact }: Fields): boolean {
  return (
    typeof heard === 'string' &&
    Array.isArray(callers) &&
    callers.every((caller) => typeof caller === 'string') &&
    (coachedCallChangedAt === undefined || typeof coachedCallChangedAt === 'number') &&
    (targetSetAt === undefined || typeof targetSetAt === 'number') &&
    (heardAt === undefined || typeof heardAt === 'number') &&
    (lastFact === undefined || typeof (lastFact as Fields).at === 'number')
  );
}
