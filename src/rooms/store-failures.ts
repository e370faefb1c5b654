import type { Logger } from 'pino';
import { StoreError } from '../redis/store-error';
import type { RoomName } from './room-name';

/** The rooms that the store did not read or write the last time; no room stands for the list of all. */
export interface StoreFailures {
  /** @param askedAt when the store was asked, in milliseconds from any beginning */
  add(err: unknown, askedAt: number, room?: RoomName): void;
  /** The store did its work. */
  clear(room?: RoomName): void;
  /** Some rooms are missing from the list, for these reasons; none if it is whole. */
  setListProblems(problems: readonly Error[]): void;
  has(room: RoomName): boolean;
  /** Whether the store was just waited for in vain: the same webhook must not wait for it again. */
  isTooSlow(room: RoomName): boolean;
  /** Lets go of rooms that nobody asks for any more. */
  prune(): void;
}

const LOG_INTERVAL_MS = 1_000;

/** How long a room counts as failing that is not asked for again: longer than pending events wait for their next try. */
const LIFETIME_MS = 10_000;

/**
 * Remembers what failed, and logs each turn of events once.
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
      const isNews = !failing.has(room);
      failing.set(room, { at, tookMs: at - askedAt });
      if (!isNews) {
        return;
      }
      if (err instanceof StoreError && err.code === 'unreadable') {
        log.error({ err, room }, 'This room cannot be read from the store; its events are kept here');
      } else if (at - loggedAt >= LOG_INTERVAL_MS) {
        // When the store is away this comes for every room.
        loggedAt = at;
        log.warn({ err, room, rooms: failing.size }, 'The store did not answer; events are kept here until it does');
      }
    },

    clear(room) {
      if (failing.delete(room) && failing.size === 0) {
        log.info('The store answers again');
      }
    },

    setListProblems(problems) {
      for (const err of problems) {
        if (!listProblems.has(err.message)) {
          log.error({ err }, 'Some rooms cannot be listed');
        }
      }
      listProblems = new Set(problems.map(({ message }) => message));
    },

    has: (room) => failing.has(room),
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
