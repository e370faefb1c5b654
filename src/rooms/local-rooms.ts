import type { Logger } from 'pino';
import { putLast } from '../ops/put-last';
import { evolve } from './evolve';
import type { PendingEvents } from './pending-events';
import { emptyRoom, type RoomName, type RoomState } from './room';
import type { RoomEvent } from './room-event';
import type { RoomStore, Snapshot } from './room-store';

/**
 * The rooms as this process alone knows them: the last stored state plus events that could not be written. Nothing here
 * throws: an event that `evolve` cannot apply is logged and skipped.
 */
export interface LocalRooms {
  /** The store's clock as this process knows it, otherwise its own; in milliseconds since 1970. */
  now(): number;
  /** Takes over a stored state; returns it with the pending events applied. */
  learn(snapshot: Snapshot): RoomState;
  /** Applies an event that could not be written; returns the room after it. It may be pending already. */
  apply(room: RoomName, event: RoomEvent): RoomState;
  /** The rooms with events that could not be written, until the store answers again. */
  ahead: ReadonlyMap<RoomName, unknown>;
  /** Call it when a room has no pending events any more: the store has them all. */
  forget(room: RoomName): void;
  /** A room with the events that could not be written. */
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
  /** `at` of the last stored state; undefined if it was never read. */
  storedAt: number | undefined;
  /** That state plus events that could not be written. Kept, because a room can have hundreds of such events. */
  current: RoomState;
}

export function createLocalRooms({ store, lifetimeMs, log, now, pending }: LocalRoomsOptions): LocalRooms {
  const ahead = new Map<RoomName, LocalRoom>();
  /** The rooms in which an event was skipped. */
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
