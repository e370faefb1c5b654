import { parseRecord } from '../redis/parse-record';
import type { RedisConnection } from '../redis/redis-connection';
import { explained, ROOM_PARTS, type RoomPart, unreadable } from './redis-room-parts';
import type { RoomEntry } from './room-entry';
import type { RoomStorage } from './room-storage';

/**
 * Reads a part's index. Returns the time (ms) and the entries, a line each: one text is read much faster than many.
 *
 *     KEYS[1]  index of rooms
 */
const LIST_SCRIPT = `
local time = redis.call('TIME')
local entries = table.concat(redis.call('HVALS', KEYS[1]), '\\n')
return { string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), entries }
`;

type Target = NonNullable<RoomEntry['target']>;

/** A room's entry as Redis has it. */
type Fields = [
  room: RoomEntry['room'],
  hasCaller: boolean,
  supervisors: number,
  at: number,
  ...target: [Target['callSid'], name: string | null, hasJoined: boolean, arrivedAt: number] | [null, null, null, null],
];

/** An entry as a line. A call may read thousands: an array is half as long as an object, and parsed in half the time. */
export function formatEntry({ room, hasCaller, supervisors, at, target }: RoomEntry): string {
  const { callSid, name, hasJoined, arrivedAt } = target ?? {};
  // JSON turns undefined into null.
  return JSON.stringify([room, hasCaller, supervisors, at, callSid, name, hasJoined, arrivedAt]);
}

/** The valid entries of a part's index, and whether all of its lines were valid. */
function parseEntries(text: string): { rooms: RoomEntry[]; isWhole: boolean } {
  const lines = text === '' ? [] : text.split('\n');
  const rooms = lines.map(parseEntry).filter((entry) => entry !== undefined);
  return { rooms, isWhole: rooms.length === lines.length };
}

function parseEntry(line: string): RoomEntry | undefined {
  const fields = parseRecord<Fields>(line, (record) => typeof record[0] === 'string');
  if (fields === undefined) {
    return undefined;
  }
  const [room, hasCaller, supervisors, at, callSid, name, hasJoined, arrivedAt] = fields;
  const target = callSid === null ? undefined : { callSid, name: name ?? undefined, hasJoined, arrivedAt };
  return { room, hasCaller, supervisors, at, target };
}

/** How Redis lists rooms: each part by itself, so that one that fails hides no other. */
export function createRoomIndex({ client, run }: RedisConnection): RoomStorage['list'] {
  client.defineCommand('roomList', { numberOfKeys: 1, lua: LIST_SCRIPT });
  const scripts = client as unknown as { roomList(key: string): Promise<[string, string]> };

  async function listPart({
    common: [key],
  }: RoomPart): Promise<{ rooms: RoomEntry[]; now: number; problems: Error[] }> {
    const [now, text] = await run(() => scripts.roomList(key)).catch((error) => {
      throw explained(error, key);
    });
    const { rooms, isWhole } = parseEntries(text);
    return { rooms, now: Number(now), problems: isWhole ? [] : [unreadable(key)] };
  }

  return async () => {
    const parts = await Promise.allSettled(ROOM_PARTS.map(listPart));
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
  };
}
