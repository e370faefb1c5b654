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
}

/**
 * What was read of rooms a moment before. An event can be applied to it without another read: if the room has changed
 * since, nothing is written.
 */
export interface RecentReads {
  remember(read: RoomRead): void;
  forget(room: RoomName): void;
  /** @param at the present, by the monotonic clock */
  recall(room: RoomName, at: number): RoomRead | undefined;
}

const FRESH_MS = 2_000;

/** Slower reads (ms) are not reused: the store's clock is too inexact in them. */
const MAX_READ_MS = 50;

const MAX_ROOMS = 1_000;

export function createRecentReads(): RecentReads {
  /** The one read last comes last. */
  const reads = new Map<RoomName, RoomRead>();
  return {
    remember(read) {
      const { room } = read.state;
      reads.delete(room);
      reads.set(room, read);
      const [oldest] = reads.keys();
      if (reads.size > MAX_ROOMS && oldest !== undefined) {
        reads.delete(oldest);
      }
    },
    forget: (room) => void reads.delete(room),
    recall(room, at) {
      const read = reads.get(room);
      return read !== undefined && at - read.at <= FRESH_MS && read.tookMs <= MAX_READ_MS ? read : undefined;
    },
  };
}
