import type { Logger } from 'pino';
import type { RoomName } from './room';
import type { Rooms } from './rooms';
import type { SweepHistory } from './sweep-history';

/** A room that is or may be supervised is late if it was not compared for longer than this. */
const MAX_WAIT_MS = 10_000;

/** Tells of rooms that wait too long for a comparison. */
export interface LateRooms {
  /** Warns of the late ones among these. */
  warn(due: readonly RoomName[]): void;
  /** The same, and records that how supervisors in them are heard is in doubt until the next comparison. */
  doubt(supervised: readonly RoomName[]): void;
}

/** @param options.monotonicNow milliseconds from any beginning, never going back */
export function createLateRooms(options: {
  rooms: Pick<Rooms, 'record'>;
  history: SweepHistory;
  log: Logger;
  monotonicNow: () => number;
}): LateRooms {
  const { rooms, history, log, monotonicNow } = options;

  function warn(due: readonly RoomName[]): RoomName[] {
    const late = due.filter((room) => monotonicNow() - history.get(room).comparedAt > MAX_WAIT_MS);
    if (late.length > 0) {
      log.warn({ rooms: late.length }, 'Supervised rooms are compared too rarely; raise SWEEP_REQUESTS_PER_SECOND');
    }
    return late;
  }

  return {
    warn,
    doubt(supervised) {
      for (const room of warn(supervised)) {
        void rooms.record(room, { kind: 'room-unobserved', forMs: MAX_WAIT_MS, ageMs: 0 });
      }
    },
  };
}
