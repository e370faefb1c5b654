import type { Sid } from '../signalwire/sid';
import {
  hasCaller,
  isInConference,
  isOpen,
  type RoomName,
  type RoomState,
  startOf,
  supervisorsOf,
  targetOf,
} from './room';

/** The entry in the index of a room that somebody is in, or about to enter. */
export interface RoomEntry {
  room: RoomName;
  target:
    | {
        callSid: Sid;
        name: string | undefined;
        /** Whether they were seen in the conference. */
        hasJoined: boolean;
        /** When they asked for their document, or joined; milliseconds since 1970 by the store's clock. */
        arrivedAt: number;
      }
    | undefined;
  hasCaller: boolean;
  /** How many are there or on their way. */
  supervisors: number;
  /** When anything last changed. */
  at: number;
}

/** A room's entry in the index; undefined for an empty one, and for another account's. */
export function entryOf(state: RoomState): RoomEntry | undefined {
  return state.isForeign ? undefined : describeRoom(state);
}

/** The same of any account's room. */
export function describeRoom(state: RoomState): RoomEntry | undefined {
  if (!state.stays.some(isOpen)) {
    return undefined;
  }
  const target = targetOf(state);
  return {
    room: state.room,
    target: target && {
      callSid: target.callSid,
      name: target.name,
      hasJoined: isInConference(target),
      arrivedAt: startOf(target),
    },
    hasCaller: hasCaller(state),
    supervisors: supervisorsOf(state).length,
    at: state.at,
  };
}

/** When nobody counts as being in a room any more, even if no leave is reported; milliseconds since 1970. */
export function lapseOf({ stays }: RoomState, { lifetimeMs }: { lifetimeMs: number }): number {
  return Math.max(0, ...stays.filter(isOpen).map(startOf)) + lifetimeMs;
}

/** Replaces a room's entry, and moves it to the end. */
export function putEntry(entries: Map<RoomName, RoomEntry>, state: RoomState): void {
  const entry = entryOf(state);
  entries.delete(state.room);
  if (entry !== undefined) {
    entries.set(state.room, entry);
  }
}
