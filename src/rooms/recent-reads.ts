import { putLast } from '../ops/put-last';
import type { RoomState } from './room';
import type { RoomName } from './room-name';

/** A room as the storage had it. */
export interface RoomRead {
  version: string;
  state: RoomState;
  /** The store's clock, in milliseconds since 1970. */
  now: number;
  /** When it was asked for, by the monotonic clock. */
  at: number;
  /** How long the answer took, in milliseconds. */
  tookMs: number;
  /** Whether it may have changed since, as far as this process knows. */
  isOutdated: boolean;
}

/**
 * What was read of rooms a moment before. An event can be applied to it without another read: if the room has changed
 * since, nothing is written.
 */
export interface RecentReads {
  remember(read: RoomRead): void;
  /** Marks what was read of a room as outdated: no event is applied to it any more. Returns it. */
  outdate(room: RoomName): RoomRead | undefined;
  /** @param at the present, by the monotonic clock */
  recall(room: RoomName, at: number): RoomRead | undefined;
}

const FRESH_MS = 2_000;

/** Slower reads (ms) are not reused: the store's clock is too inexact in them. */
const MAX_READ_MS = 50;

const MAX_ROOMS = 2_000;

export function createRecentReads(): RecentReads {
  /** The one read last comes last. */
  const reads = new Map<RoomName, RoomRead>();
  return {
    remember: (read) => void putLast(reads, read.state.room, read, MAX_ROOMS),
    outdate(room) {
      const read = reads.get(room);
      if (read !== undefined) {
        read.isOutdated = true;
      }
      return read;
    },
    recall(room, at) {
      const read = reads.get(room);
      const isFresh = read !== undefined && !read.isOutdated && at - read.at <= FRESH_MS && read.tookMs <= MAX_READ_MS;
      return isFresh ? read : undefined;
    },
  };
}
