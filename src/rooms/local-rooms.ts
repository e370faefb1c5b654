import type { Logger } from 'pino';
import { putLast } from '../ops/put-last';
import { evolve } from './evolve';
import type { PendingEvents } from './pending-events';
import { emptyRoom, type RoomName, type RoomState } from './room';
import type { RoomEvent } from './room-event';
import type { RoomStore, Snapshot } from './room-store';

/**
 * The rooms as this process alone knows them: as the store had them last, with what it did not take. Nothing here throws: an
 * event that `evolve` cannot apply is logged and left out.
 */
export interface LocalRooms {
  /** The store's clock as far as we know, in milliseconds since 1970. */
  now(): number;
  /** Takes what the store has; returns it with what is pending. */
  learn(snapshot: Snapshot): RoomState;
  /** Takes an event that the store did not take; returns the room after it. It may be pending already. */
  apply(room: RoomName, event: RoomEvent): RoomState;
  /** The rooms with events that the store did not take, as far as it has not answered since. */
  ahead: ReadonlyMap<RoomName, unknown>;
  /** Call it when no event of a room is pending any more: the store has them all. */
  forget(room: RoomName): void;
  /** A room with what the store did not take. */
  stateOf(room: RoomName): RoomState;
  after(state: RoomState, event: RoomEvent): RoomState;
  /** The rooms that this process has seen. */
  seen(): RoomName[];
}

export interface LocalRoomsOptions {
  store: Pick<RoomStore, 'lastKnown' | 'knownRooms' | 'now'>;
  lifetimeMs: number;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The events that wait for the store. */
  pending: Pick<PendingEvents, 'rooms' | 'ofRoom'>;
}

/** How many rooms are kept. */
const MAX_ROOMS = 3_000;

/** A room that is ahead of the store. */
interface LocalRoom {
  /** `at` of the state that the store had; undefined if it was never asked. */
  storedAt: number | undefined;
  /** That state with what the store did not take. Kept, because a room can have hundreds of such events. */
  current: RoomState;
}

export function createLocalRooms({ store, lifetimeMs, log, now, pending }: LocalRoomsOptions): LocalRooms {
  const ahead = new Map<RoomName, LocalRoom>();
  /** The rooms in which an event was left out. */
  const faulty = new Map<RoomName, true>();

  const storeNow = () => store.now() ?? now();
  const evolved = (state: RoomState, events: readonly RoomEvent[], at: number) =>
    events.reduce((before, event) => tryToEvolve(before, event, at), state);
  const stateOf = (room: RoomName) =>
    ahead.get(room)?.current ?? evolved(store.lastKnown(room) ?? emptyRoom(room), pending.ofRoom(room), storeNow());

  function tryToEvolve(state: RoomState, event: RoomEvent, at: number): RoomState {
    try {
      return evolve(state, event, at, { lifetimeMs }).state;
    } catch (err) {
      if (!faulty.has(state.room)) {
        putLast(faulty, state.room, true, MAX_ROOMS);
        log.error({ err, room: state.room, kind: event.kind }, 'Event could not be applied to this room; skipped');
      }
      return state;
    }
  }

  function keep(room: RoomName, local: LocalRoom): RoomState {
    putLast(ahead, room, local, MAX_ROOMS);
    return local.current;
  }

  return {
    now: storeNow,
    learn({ state, now: at }) {
      const { room } = state;
      if (!pending.rooms.has(room)) {
        ahead.delete(room);
        return state;
      }
      const local = ahead.get(room);
      // A read-only store returns the same state again and again.
      const current = local?.storedAt === state.at ? local.current : evolved(state, pending.ofRoom(room), at);
      return keep(room, { storedAt: state.at, current });
    },
    apply(room, event) {
      const current = evolved(stateOf(room), [event], storeNow());
      return keep(room, { storedAt: store.lastKnown(room)?.at, current });
    },
    ahead,
    forget: (room) => void ahead.delete(room),
    stateOf,
    after: (state, event) => evolved(state, [event], storeNow()),
    seen: () => [...new Set([...store.knownRooms(), ...ahead.keys()])],
  };
}
