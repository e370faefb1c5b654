import type { Logger } from 'pino';
import { StoreError } from '../redis/store-error';
import type { RoomName } from './room';

/** The rooms whose latest read or write failed. Without a room, the list of rooms is meant. */
export interface StoreFailures {
  /** @param askedAt when the store was asked, by the monotonic clock */
  add(err: unknown, askedAt: number, room?: RoomName): void;
  /** A read or write succeeded. */
  clear(room?: RoomName): void;
  /** The reasons why rooms are missing from the list; empty if it is complete. */
  setListProblems(problems: readonly Error[]): void;
  has(room: RoomName): boolean;
  /** The rooms that failed; undefined stands for the list of all. */
  readonly failing: ReadonlyMap<RoomName | undefined, unknown>;
  /** Whether somebody has just waited for the store in vain. The same webhook must not wait for it twice. */
  isTooSlow(room: RoomName): boolean;
  /** Forgets rooms that were not requested lately. */
  prune(): void;
}

const LOG_INTERVAL_MS = 1_000;

/** How long a failure is remembered without another: longer than the longest pause between two retries. */
const LIFETIME_MS = 10_000;

/**
 * Remembers failures of the store. Logs the first failure of a room, and the store's return.
 *
 * @param options.monotonicNow milliseconds from any beginning, never going back
 */
export function createStoreFailures({ log, monotonicNow }: { log: Logger; monotonicNow: () => number }): StoreFailures {
  const failing = new Map<RoomName | undefined, { at: number; tookMs: number }>();
  let loggedAt = Number.NEGATIVE_INFINITY;
  let listProblems = new Set<string>();

  function isSlow(room: RoomName | undefined): boolean {
    const failure = failing.get(room);
    return failure !== undefined && monotonicNow() < failure.at + failure.tookMs;
  }

  return {
    add(err, askedAt, room) {
      const at = monotonicNow();
      const isFirst = !failing.has(room);
      failing.set(room, { at, tookMs: at - askedAt });
      if (!isFirst) {
        return;
      }
      if (err instanceof StoreError && err.code === 'unreadable') {
        log.error({ err, room }, 'Stored room is unreadable; its events wait in memory');
      } else if (at - loggedAt >= LOG_INTERVAL_MS) {
        // When the store is down, every room fails.
        loggedAt = at;
        log.warn({ err, room, rooms: failing.size }, 'Store did not answer; events wait in memory');
      }
    },

    clear(room) {
      if (failing.delete(room) && failing.size === 0) {
        log.info('Store answers again');
      }
    },

    setListProblems(problems) {
      for (const err of problems) {
        if (!listProblems.has(err.message)) {
          log.error({ err }, 'Some rooms could not be listed');
        }
      }
      listProblems = new Set(problems.map(({ message }) => message));
    },

    has: (room) => failing.has(room),
    failing,
    isTooSlow: (room) => isSlow(room) || isSlow(undefined),

    prune() {
      for (const [room, { at }] of failing) {
        if (monotonicNow() - at > LIFETIME_MS) {
          failing.delete(room);
        }
      }
    },
  };
}
