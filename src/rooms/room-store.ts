import { atMoment, evolve } from './evolve';
import type { Fact } from './fact';
import { createRecentReads, type RoomRead } from './recent-reads';
import { emptyRoom, type RoomState } from './room';
import { entryOf, type RoomEntry } from './room-entry';
import type { RoomEvent } from './room-event';
import type { RoomName } from './room-name';

/** A room as it was read. */
export interface Snapshot {
  state: RoomState;
  /** The store's clock, in milliseconds since 1970. */
  now: number;
}

/** A line of the feed, and the position after it. */
export interface FeedLine {
  fact: Fact;
  position: string;
}

/** After a position, or written at this instant (ms since 1970) or later. */
export type FeedStart = { after: string } | { since: number };

/** A room at a version. */
export interface KnownRoom {
  version: string;
  state: RoomState;
}

/** Where rooms are kept. Shared by every server that answers for the same Space. It knows no rules. */
export interface RoomStorage {
  /**
   * One round trip.
   *
   * @param known as it was read or written last; not sent again if the room still has that version
   * @throws StoreError
   */
  read(room: RoomName, known?: KnownRoom): Promise<{ version: string; state: RoomState | undefined; now: number }>;
  /**
   * Writes a room and its lines of the feed in one step, if the room has still that version. One round trip.
   *
   * @returns the new version; undefined if the room had another one
   * @param next.isUrgent whether a full store should delete the room rather than keep an outdated state
   * @throws StoreError
   */
  write(room: RoomName, version: string, next: RoomWrite): Promise<string | undefined>;
  /** The rooms in the index, and why some of them could not be read. @throws StoreError when none could */
  list(): Promise<{ rooms: RoomEntry[]; now: number; problems: Error[] }>;
  /** Lines of the feed, in order for each room. */
  feed(from: FeedStart): AsyncIterable<FeedLine>;
  /** Whether this room could be written at the last probe. No round trip. */
  isWritable(room: RoomName): boolean;
  /** Finds out what can be written. Never rejects. */
  probe(): Promise<void>;
}

/** A room's next state, its entry in the index, and its lines of the feed. */
interface RoomWrite {
  state: RoomState;
  /** Undefined for an empty room. */
  entry: RoomEntry | undefined;
  facts: readonly Fact[];
  isUrgent: boolean;
}

/** The rooms, with the rules of state. */
export interface RoomStore extends Pick<RoomStorage, 'list' | 'feed' | 'isWritable' | 'probe'> {
  /** @throws StoreError */
  read(room: RoomName): Promise<Snapshot>;
  /**
   * Applies an event; events of one room are applied together.
   *
   * @throws StoreError when the store did not take it in time; it may have taken it all the same
   */
  apply(room: RoomName, event: RoomEvent): Promise<Snapshot>;
}

export interface RoomStoreOptions {
  storage: RoomStorage;
  /** How long a stay can last, in milliseconds. */
  lifetimeMs: number;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
}

/** Events that even a full store must take: the old target would go on being handed out. */
const URGENT: ReadonlySet<RoomEvent['kind']> = new Set(['left', 'dial-ended', 'call-ended', 'conference-ended']);

/** An event that waits for its room. */
interface Item {
  event: RoomEvent;
  since: number;
  resolve: (snapshot: Snapshot) => void;
  reject: (error: unknown) => void;
}

/** The rules of state over a storage. */
export function createRoomStore({ storage, lifetimeMs, monotonicNow }: RoomStoreOptions): RoomStore {
  const waiting = new Map<RoomName, Item[]>();

  const recent = createRecentReads();

  const snapshotOf = (state: RoomState, now: number): Snapshot => ({
    state: atMoment(state, now, { lifetimeMs }),
    now,
  });

  async function readRoom(room: RoomName): Promise<RoomRead> {
    const at = monotonicNow();
    // If this read fails, no event is applied to an older copy.
    const { version, state = emptyRoom(room), now } = await storage.read(room, recent.outdate(room));
    const read = { version, state, now, at, tookMs: monotonicNow() - at, isOutdated: false };
    recent.remember(read);
    return read;
  }

  /** Writes what waits for a room until nothing does. */
  async function work(room: RoomName, items: Item[]): Promise<void> {
    while (items.length > 0) {
      const batch = [...items];
      try {
        const snapshot = await tryBatch(room, batch);
        if (snapshot !== undefined) {
          items.splice(0, batch.length);
          for (const { resolve } of batch) {
            resolve(snapshot);
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
  async function tryBatch(room: RoomName, batch: readonly Item[]): Promise<Snapshot | undefined> {
    const at = monotonicNow();
    // With many events, a conflict would cost too much: all of them are applied again.
    const last = batch.length === 1 ? recent.recall(room, at) : undefined;
    const early = last && (await applyTo(last, batch, at));
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
        return snapshotOf(read.state, read.now);
      case 'conflict':
        return undefined;
    }
  }

  /** @param at when this is, by the monotonic clock */
  async function applyTo(
    read: RoomRead,
    batch: readonly Item[],
    at: number,
  ): Promise<{ kind: 'written'; snapshot: Snapshot } | { kind: 'unchanged' | 'conflict' }> {
    const now = read.now + (at - read.at);
    let { state } = read;
    const facts: Fact[] = [];
    for (const { event, since } of batch) {
      // Adds the time that the event has waited here.
      const aged = { ...event, ageMs: event.ageMs + (at - since) };
      const next = evolve(state, aged, now, { lifetimeMs });
      state = next.state;
      facts.push(...next.facts);
    }
    if (state === read.state) {
      return { kind: 'unchanged' };
    }
    const { room } = state;
    const isUrgent = batch.some(({ event }) => URGENT.has(event.kind));
    const written = await storage.write(room, read.version, { state, entry: entryOf(state), facts, isUrgent });
    if (written === undefined) {
      recent.outdate(room);
      return { kind: 'conflict' };
    }
    recent.remember({ ...read, version: written, state, isOutdated: false });
    return { kind: 'written', snapshot: snapshotOf(state, now) };
  }

  return {
    async read(room) {
      const { state, now } = await readRoom(room);
      return snapshotOf(state, now);
    },
    apply: (room, event) =>
      new Promise((resolve, reject) => {
        const item = { event, since: monotonicNow(), resolve, reject };
        const present = waiting.get(room);
        if (present !== undefined) {
          present.push(item);
          return;
        }
        const items = [item];
        waiting.set(room, items);
        void work(room, items);
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
    isWritable: storage.isWritable,
    probe: storage.probe,
  };
}
