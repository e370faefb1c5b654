import type { Logger } from 'pino';
import { putLast } from '../ops/put-last';
import { evolve } from './evolve';
import type { PendingEvents } from './pending-events';
import { emptyRoom, type RoomState } from './room';
import type { RoomEvent } from './room-event';
import type { RoomName } from './room-name';
import type { Snapshot } from './room-store';

/**
 * The rooms as this process alone knows them: what it saw last of each, and what the store does not have yet. Nothing here
 * throws: an event that `evolve` cannot apply is logged and left out.
 */
export interface LocalRooms {
  /** The store's clock as far as we know, in milliseconds since 1970. */
  now(): number;
  /** Takes what the store has; returns it with what is pending. */
  learn(snapshot: Snapshot): RoomState;
  /** Takes an event that the store did not take; returns the room after it. It may be pending already. */
  apply(room: RoomName, event: RoomEvent): RoomState;
  /** A room with what the store did not take. */
  stateOf(room: RoomName): RoomState;
  after(state: RoomState, event: RoomEvent): RoomState;
  /** `at` of the state that the store had last. */
  seenAt(room: RoomName): number | undefined;
  /** The rooms that this process has seen; the one seen last comes last. */
  seen(): RoomName[];
}

export interface LocalRoomsOptions {
  lifetimeMs: number;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The events that wait for the store. */
  pending: Pick<PendingEvents, 'rooms' | 'ofRoom'>;
}

/** How many rooms are remembered: more than one server has at once. Each takes some 2 kB. */
const MAX_ROOMS = 3_000;

/** A room in this process. */
interface LocalRoom {
  /** What the store had last; undefined if it was never asked. */
  stored: RoomState | undefined;
  /** The same with what the store did not take. Kept, because a room can have hundreds of such events. */
  current: RoomState;
}

export function createLocalRooms({ lifetimeMs, log, now, pending }: LocalRoomsOptions): LocalRooms {
  const rooms = new Map<RoomName, LocalRoom>();
  /** The rooms in which an event was left out. */
  const faulty = new Set<RoomName>();
  /** The store's clock less our own (ms). */
  let clockOffset = 0;

  const storeNow = () => now() + clockOffset;
  const evolved = (state: RoomState, events: readonly RoomEvent[], at: number) =>
    events.reduce((before, event) => tryToEvolve(before, event, at), state);
  const stateOf = (room: RoomName) =>
    rooms.get(room)?.current ?? evolved(emptyRoom(room), pending.ofRoom(room), storeNow());

  function tryToEvolve(state: RoomState, event: RoomEvent, at: number): RoomState {
    try {
      return evolve(state, event, at, { lifetimeMs }).state;
    } catch (err) {
      if (!faulty.has(state.room)) {
        faulty.add(state.room);
        log.error(
          { err, room: state.room, kind: event.kind },
          'An event could not be applied to this room; it is left out',
        );
      }
      return state;
    }
  }

  function remember(room: RoomName, known: LocalRoom): RoomState {
    const oldest = putLast(rooms, room, known, MAX_ROOMS);
    if (oldest !== undefined) {
      faulty.delete(oldest);
    }
    return known.current;
  }

  return {
    now: storeNow,
    learn({ state, now: at }) {
      clockOffset = at - now();
      const { room } = state;
      if (!pending.rooms.has(room)) {
        return remember(room, { stored: state, current: state });
      }
      const known = rooms.get(room);
      // A read-only store returns the same state again and again.
      const isSame = known?.stored?.at === state.at;
      return remember(room, {
        stored: state,
        current: isSame ? known.current : evolved(state, pending.ofRoom(room), at),
      });
    },
    apply(room, event) {
      const current = evolved(stateOf(room), [event], storeNow());
      return remember(room, { stored: rooms.get(room)?.stored, current });
    },
    stateOf,
    after: (state, event) => evolved(state, [event], storeNow()),
    seenAt: (room) => rooms.get(room)?.stored?.at,
    seen: () => [...rooms.keys()],
  };
}
