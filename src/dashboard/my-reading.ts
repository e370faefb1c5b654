import type { TrailLine } from '../api/trail-reader';
import type { Actor } from '../people/rights';
import type { RoomName } from '../rooms/room';
import type { FeedStart } from '../rooms/room-storage';
import type { AuditRecord } from '../supervision/trail';
import { type ListenerRow, readMyPage } from './my-page';

/** A page of who listened to an agent. Instants are milliseconds since 1970. */
export interface MyReading {
  /** Those that began in the time, the latest first. */
  rows: ListenerRow[];
  from: number;
  until: number;
  /** Where the next page ends; undefined if there is none. */
  earlier: number | undefined;
  /** Nothing later was read; undefined if everything was. */
  readUntil: number | undefined;
}

export interface MyReadingOptions {
  read: (from: FeedStart, room: RoomName | undefined) => AsyncIterable<TrailLine>;
  /** The agent's name. */
  name: string;
  /** The agent's rooms. */
  rooms: Actor['rooms'];
  /** Where the page ends. */
  until: number;
  now: number;
  /** How long a call can last, in milliseconds: so long before and after the page lines belong to its stays. */
  longestCallMs: number;
  /** How many lines are read at most, for each span of time that is tried. */
  maxLines: number;
  /** How many rows make a page full. */
  limit: number;
}

const HOUR_MS = 3_600_000;

/** How far back an agent can look. */
export const MY_DAYS = 7;

/** The spans that are tried, the longest first, until one has few enough lines. */
const SPANS_MS = [MY_DAYS * 24 * HOUR_MS, 24 * HOUR_MS, 4 * HOUR_MS, HOUR_MS / 2];

/** How long before the page reading begins, in milliseconds, where even the shortest span has too many lines. */
const SHORT_LOOK_BACK_MS = HOUR_MS;

/** Of so many rooms the parts of the store are read one by one; of more, all at once. */
const MAX_ROOMS = 4;

/**
 * Reads who listened to an agent. Where there are more lines than may be read, the page is shorter, so that it has the latest.
 *
 * @throws whatever `read` throws
 */
export async function readMine(options: MyReadingOptions): Promise<MyReading> {
  const { name, now, longestCallMs, limit } = options;
  const oldest = now - MY_DAYS * 24 * HOUR_MS;
  const until = Math.max(options.until, oldest);
  let from = oldest;
  let found = await readLines(options, from - longestCallMs);
  for (const spanMs of SPANS_MS) {
    if (found.readUntil === undefined || until - spanMs <= from) {
      continue;
    }
    from = until - spanMs;
    found = await readLines(options, from - longestCallMs);
  }
  if (found.readUntil !== undefined) {
    found = await readLines(options, from - Math.min(longestCallMs, SHORT_LOOK_BACK_MS));
  }
  const all = await readMyPage(found.records, name, { now, readTo: found.readUntil ?? now, longestCallMs });
  const rows = all.filter((row) => row.from >= from && row.from < until);
  const last = rows[limit - 1];
  const earlier = rows.length > limit && last !== undefined ? last.from : from > oldest ? from : undefined;
  return { rows: rows.slice(0, limit), from, until, earlier, readUntil: found.readUntil };
}

async function readLines({ read, rooms, until, longestCallMs, maxLines }: MyReadingOptions, since: number) {
  const records: AuditRecord[] = [];
  const parts = rooms !== 'all' && rooms.size <= MAX_ROOMS ? [...rooms] : [undefined];
  let lines = 0;
  for (const part of parts) {
    let last = since;
    for await (const { record } of read({ since }, part)) {
      const { room, at } = record;
      if (++lines > maxLines) {
        return { records, readUntil: last };
      }
      last = Math.max(last, Date.parse(at));
      if (last > until + longestCallMs) {
        break;
      }
      if (room !== undefined && (part === undefined ? rooms === 'all' || rooms.has(room) : room === part)) {
        records.push(record);
      }
    }
  }
  return { records, readUntil: undefined };
}
