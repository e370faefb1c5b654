import type { RedisConnection } from '../redis/redis-connection';
import { explained, ROOM_PARTS } from './redis-room-parts';
import { KEPT_CHANGES } from './redis-room-scripts';
import { parseRoomName } from './room';
import type { RoomChanges } from './room-storage';

/** A part's position: its latest change, as milliseconds and a sequence number in base 36; empty before the first. */
const ID = /^(?:[0-9a-z]{1,9}(?:-[0-9a-z]{1,9})?)?$/;

/**
 * How Redis reads changes. A position names the latest change of each part. The changes after it are known if Redis
 * still has that one; otherwise it was trimmed, or Redis was wiped or replaced.
 *
 * @throws StoreError
 */
export async function readChanges(
  redis: RedisConnection,
  after: string | undefined,
  max = KEPT_CHANGES,
): Promise<Omit<RoomChanges, 'isWritable'> | 'expired'> {
  const keys = ROOM_PARTS.map(({ common: [, , , changes] }) => changes);
  if (after === undefined) {
    const ids = await Promise.all(keys.map((key) => readLatestId(redis, key)));
    return { rooms: [], position: formatPosition(ids) };
  }
  const position = parsePosition(after, keys.length);
  if (position === undefined) {
    return 'expired';
  }
  const parts = await Promise.all(keys.map((key, index) => readAfter(redis, key, position[index] ?? '', max)));
  if (!parts.every((part) => part !== 'expired')) {
    return 'expired';
  }
  const names = parts.flatMap(({ names }) => names).map(parseRoomName);
  return {
    // A set keeps the first of each, so the latest change is put first, and the order restored.
    rooms: [...new Set(names.reverse())].reverse().filter((room) => room !== undefined),
    position: formatPosition(parts.map(({ id }) => id)),
  };
}

async function readLatestId({ client, run }: RedisConnection, key: string): Promise<string> {
  const [latest] = await run(() => client.xrevrange(key, '+', '-', 'COUNT', 1)).catch((error) => {
    throw explained(error, key);
  });
  return latest?.[0] ?? '';
}

/** The names written to a part after an ID, and the ID of the last one. */
async function readAfter(
  { client, run }: RedisConnection,
  key: string,
  id: string,
  max: number,
): Promise<{ names: string[]; id: string } | 'expired'> {
  const entries = await run(() => client.xrange(key, id || '-', '+', 'COUNT', max)).catch((error) => {
    throw explained(error, key);
  });
  const isKept = id === '' || entries[0]?.[0] === id;
  // Of so many, the first may be gone, or more may follow.
  if (!isKept || entries.length === max) {
    return 'expired';
  }
  const since = id === '' ? entries : entries.slice(1);
  return { names: since.map(([, [, name = '']]) => name), id: entries.at(-1)?.[0] ?? '' };
}

function formatPosition(ids: readonly string[]): string {
  return ids.map((id) => (id === '' ? [] : id.split('-')).map((part) => Number(part).toString(36)).join('-')).join(',');
}

function parsePosition(text: string, parts: number): string[] | undefined {
  const ids = text.split(',', parts + 1);
  if (ids.length !== parts || !ids.every((id) => ID.test(id))) {
    return undefined;
  }
  return ids.map((id) =>
    (id === '' ? [] : [...id.split('-'), '0'].slice(0, 2)).map((part) => Number.parseInt(part, 36)).join('-'),
  );
}
