import type { Sid } from '../signalwire/sid';
import type { RoomName } from './room-name';

/** What the sweep remembers of a room; instants are by the monotonic clock. */
interface Turn {
  triedAt: number;
  /** When the room was last compared, or else first seen. */
  comparedAt: number;
  /** The conference in which it was last tried; undefined before, and when it had none. */
  conferenceSid: Sid | undefined;
  /** Whether a supervisor was in when it was last compared; undefined before. */
  isSupervised: boolean | undefined;
}

/** Whose turn it is to be compared. */
export interface RoomTurns {
  of(room: RoomName): Turn;
  forgetAllBut(known: ReadonlySet<RoomName>): void;
}

export function createRoomTurns({ monotonicNow }: { monotonicNow: () => number }): RoomTurns {
  const turns = new Map<RoomName, Turn>();
  return {
    of(room) {
      const turn = turns.get(room) ?? {
        triedAt: 0,
        comparedAt: monotonicNow(),
        conferenceSid: undefined,
        isSupervised: undefined,
      };
      turns.set(room, turn);
      return turn;
    },
    forgetAllBut(known) {
      for (const room of turns.keys()) {
        if (!known.has(room)) {
          turns.delete(room);
        }
      }
    },
  };
}
