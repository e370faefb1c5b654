import type { Sid } from '../signalwire/sid';
import type { RoomName } from './room';

/** What the sweep remembers of one room. Instants are by the monotonic clock. */
interface RoomHistory {
  /** When the latest comparison started. */
  triedAt: number;
  /** When the latest comparison succeeded; before the first, when the room was first seen. */
  comparedAt: number;
  /** The conference of the latest comparison; undefined if the room had none. */
  conferenceSid: Sid | undefined;
  /** Whether the latest comparison found a supervisor; undefined before the first. */
  isSupervised: boolean | undefined;
}

/** What the sweep remembers of all rooms. */
export interface SweepHistory {
  /** The caller may change it. */
  get(room: RoomName): RoomHistory;
  /** Another server had the lease for so long: that time does not count as waiting. */
  postpone(ms: number): void;
  /** Forgets all other rooms. */
  keepOnly(rooms: ReadonlySet<RoomName>): void;
}

/** @param options.monotonicNow milliseconds from any beginning, never going back */
export function createSweepHistory({ monotonicNow }: { monotonicNow: () => number }): SweepHistory {
  const histories = new Map<RoomName, RoomHistory>();
  return {
    get(room) {
      const history = histories.get(room) ?? {
        triedAt: 0,
        comparedAt: monotonicNow(),
        conferenceSid: undefined,
        isSupervised: undefined,
      };
      histories.set(room, history);
      return history;
    },
    postpone(ms) {
      for (const history of histories.values()) {
        history.comparedAt += ms;
      }
    },
    keepOnly(rooms) {
      for (const room of histories.keys()) {
        if (!rooms.has(room)) {
          histories.delete(room);
        }
      }
    },
  };
}
