import { evolve } from './evolve';
import type { Fact } from './fact';
import { atMoment, emptyRoom, type RoomName, type RoomState } from './room';
import { entryOf, lapseOf } from './room-entry';
import type { RoomEvent } from './room-event';
import type { RoomStorage, StoredRoom } from './room-storage';

/** A room as it was read. */
export interface Snapshot {
  state: RoomState;
  /** The store's clock, in milliseconds since 1970. */
  now: number;
  /** Whether this room could be written at the last probe. */
  isWritable: boolean;
}

/** The rooms, with the rules of state. */
export interface RoomStore extends Pick<RoomStorage, 'list' | 'feed' | 'changes' | 'probe'> {
  /** @throws StoreError */
  read(room: RoomName): Promise<Snapshot>;
  /** A room as this process last read or wrote it; undefined if it never did, or has forgotten it. */
  lastKnown(room: RoomName): RoomState | undefined;
  /** The rooms that `lastKnown` knows; the latest comes last. */
  knownRooms(): RoomName[];
  /** The store's clock as this process knows it, in milliseconds since 1970; undefined before the first read. */
  now(): number | undefined;
  /**
   * Applies an event; events of one room are applied together.
   *
   * @returns the room after them, and whether this event has changed it
   * @throws StoreError if no answer came in time; the event may be written nevertheless
   */
  apply(room: RoomName, event: RoomEvent): Promise<Snapshot & { hasChanged: boolean }>;
}

export interface RoomStoreOptions {
  storage: RoomStorage;
  /** How long a stay can last, in milliseconds. */
  lifetimeMs: number;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
}

/** Events written even to a full store; otherwise supervisors would still be sent to an agent who left. */
const URGENT: ReadonlySet<RoomEvent['kind']> = new Set(['left', 'dial-ended', 'call-ended', 'conference-ended']);

/** A room as it was read or written last. */
interface RoomRead extends Snapshot, StoredRoom {
  stored: RoomState;
  /** When it was requested, by the monotonic clock. */
  at: number;
  /** How long the answer took, in milliseconds. */
  tookMs: number;
  /** Whether it has probably changed since: after a conflict, or while a newer read is in progress. */
  isOutdated: boolean;
}

/** How long a read can be reused for single events, in milliseconds. */
const FRESH_MS = 2_000;

/** Slower reads (ms) are not reused: they tell the store's clock too inexactly. */
const MAX_READ_MS = 50;

/** How many rooms are remembered: more than one server has at once. Each takes some 2 kB. */
const MAX_ROOMS = 3_000;

/** An event that waits for its room. */
interface QueuedEvent {
  event: RoomEvent;
  since: number;
  hasChanged: boolean;
  resolve: (applied: Snapshot & { hasChanged: boolean }) => void;
  reject: (error: unknown) => void;
}

/** The rules of state over a storage. */
export function createRoomStore({ storage, lifetimeMs, monotonicNow }: RoomStoreOptions): RoomStore {
  const waiting = new Map<RoomName, QueuedEvent[]>();

  /** The rooms as they were last read or written; the latest comes last. */
  const known = new Map<RoomName, RoomRead>();
  /** The store's clock less the monotonic one, in milliseconds. */
  let clockOffset: number | undefined;

  async function readRoom(room: RoomName): Promise<RoomRead> {
    const at = monotonicNow();
    const before = known.get(room);
    if (before !== undefined) {
      // If this read fails, no event is applied to an older copy.
      before.isOutdated = true;
    }
    const { version, stored = emptyRoom(room), now, isWritable } = await storage.read(room, before);
    const answeredAt = monotonicNow();
    const tookMs = answeredAt - at;
    if (clockOffset === undefined || tookMs <= MAX_READ_MS) {
      clockOffset = now - answeredAt;
    }
    const state = atMoment(stored, now, { lifetimeMs });
    const read = { version, stored, state, now, isWritable, at, tookMs, isOutdated: false };
    known.delete(room);
    known.set(room, read);
    while (known.size > MAX_ROOMS) {
      const [oldest] = known.keys();
      known.delete(oldest as RoomName);
    }
    return read;
  }

  /** Writes a room's waiting events until none is left. */
  async function drain(room: RoomName, items: QueuedEvent[]): Promise<void> {
    while (items.length > 0) {
      const batch = [...items];
      try {
        const snapshot = await tryBatch(room, batch);
        if (snapshot !== undefined) {
          items.splice(0, batch.length);
          for (const { resolve, hasChanged } of batch) {
            resolve({ ...snapshot, hasChanged });
          }
        }
      } catch (error) {
        items.splice(0, batch.length);
        for (const { reject } of batch) {
          reject(error);
        }
      }
    }
    waiting.delete(room);
  }

  /** @returns undefined when another server wrote in between */
  async function tryBatch(room: RoomName, batch: readonly QueuedEvent[]): Promise<Snapshot | undefined> {
    const at = monotonicNow();
    // Batches skip this: after a conflict every event would be applied twice.
    const last = batch.length === 1 ? known.get(room) : undefined;
    // If the room has changed since that read, nothing is written.
    const isReusable = last && !last.isOutdated && at - last.at <= FRESH_MS && last.tookMs <= MAX_READ_MS;
    const early = isReusable ? await applyTo(last, batch, at) : undefined;
    if (early?.kind === 'written') {
      return early.snapshot;
    }
    // Only a read made after the event proves that it changes nothing.
    const read = await readRoom(room);
    const result = await applyTo(read, batch, read.at);
    switch (result.kind) {
      case 'written':
        return result.snapshot;
      case 'unchanged':
        return read;
      case 'conflict':
        return undefined;
    }
  }

  /** @param at the present, by the monotonic clock */
  async function applyTo(
    read: RoomRead,
    batch: readonly QueuedEvent[],
    at: number,
  ): Promise<{ kind: 'written'; snapshot: Snapshot } | { kind: 'unchanged' | 'conflict' }> {
    const now = read.now + (at - read.at);
    let state = read.stored;
    const facts: Fact[] = [];
    for (const item of batch) {
      const { event, since } = item;
      // Adds the time that the event has waited here.
      const aged = { ...event, ageMs: event.ageMs + (at - since) };
      const next = evolve(state, aged, now, { lifetimeMs });
      item.hasChanged = next.state !== state;
      state = next.state;
      facts.push(...next.facts);
    }
    if (state === read.stored) {
      return { kind: 'unchanged' };
    }
    const { room } = state;
    const isUrgent = batch.some(({ event }) => URGENT.has(event.kind));
    // Not before the store's clock says so, which is known to MAX_READ_MS.
    const lapsesInMs = lapseOf(state, { lifetimeMs }) - now + MAX_READ_MS;
    const next = { state, entry: entryOf(state), lapsesInMs, facts, isUrgent };
    const written = await storage.write(room, read.version, next);
    if (written === undefined) {
      read.isOutdated = true;
      return { kind: 'conflict' };
    }
    const current = { ...read, version: written, stored: state, state, isOutdated: false };
    known.delete(room);
    known.set(room, current);
    return { kind: 'written', snapshot: { ...current, now } };
  }

  return {
    read: readRoom,
    lastKnown: (room) => known.get(room)?.state,
    knownRooms: () => [...known.keys()],
    now: () => (clockOffset === undefined ? undefined : clockOffset + monotonicNow()),
    apply: (room, event) =>
      new Promise((resolve, reject) => {
        const item = { event, since: monotonicNow(), hasChanged: false, resolve, reject };
        const present = waiting.get(room);
        if (present !== undefined) {
          present.push(item);
          return;
        }
        const items = [item];
        waiting.set(room, items);
        void drain(room, items);
      }),
    async list() {
      const { rooms, now, problems } = await storage.list();
      return {
        rooms: rooms.filter(({ at, target }) => Math.min(at, target?.arrivedAt ?? at) + lifetimeMs > now),
        now,
        problems,
      };
    },
    feed: storage.feed,
    changes: storage.changes,
    probe: storage.probe,
  };
}
