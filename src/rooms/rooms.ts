import type { Logger } from 'pino';
import { withDeadline } from '../ops/deadline';
import { createLocalRooms } from './local-rooms';
import { asListed } from './observations';
import { createPendingEvents } from './pending-events';
import { type RoomState, targetOf } from './room';
import type { RoomEvent } from './room-event';
import type { RoomName } from './room-name';
import { entryOf, type RoomEntry, type RoomStore, type Snapshot } from './room-store';
import type { Observation, SpaceObserver } from './space-observer';
import { createSpeechLimit, type SpeechEvent } from './speech';
import { createStoreFailures } from './store-failures';

/** What is known of a room: its state, by the store's clock. Not known: no source answered. */
export type Lookup = { isKnown: true; state: RoomState; now: number } | { isKnown: false };

/** The rooms as phone calls need them: nothing here rejects, and what could not be written is not lost. */
export interface Rooms {
  /** Takes note of an event: in the store now, or as soon as the store takes it. Waits 800 ms at the most. */
  record(room: RoomName, event: RoomEvent): Promise<void>;
  /** Takes note of speech, once a second of each participant, unless there is too much to do. */
  recordSpeech(room: RoomName, event: SpeechEvent): void;
  /** Looks a room up: in the store, or by REST if the store knows no moderator there or cannot be trusted. */
  find(room: RoomName): Promise<Lookup>;
  /** Looks a room up in the store, or in this process while the store is away. */
  read(room: RoomName): Promise<Lookup>;
  /** Every room that anybody is in, by the store, or by REST if the store knows no moderator; `'unknown'`: neither answered. */
  list(): Promise<readonly RoomEntry[] | 'unknown'>;
  /** Every room that anybody is in, by the store alone; `'unknown'` when it is away. */
  listStored(): Promise<readonly RoomEntry[] | 'unknown'>;
  /** The rooms that this process has seen last, as it knows them itself. No store is asked. */
  listLocal(): RoomState[];
  /**
   * Goes on writing what is pending for `timeoutMs`, then stops; what stays unwritten is logged as lost.
   *
   * @returns whether nothing was lost
   */
  close(timeoutMs: number): Promise<boolean>;
}

export interface RoomsOptions {
  store: RoomStore;
  /** Undefined when the Space's REST API is not configured. */
  space: SpaceObserver | undefined;
  lifetimeMs: number;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  /** Told of every state that an event led to; the enforcer listens. */
  onChange?: (state: RoomState) => void;
  /** Milliseconds until a room that could not be written is tried again. */
  retryMs?: number;
  /** How long one look-up may take in all, in milliseconds. A call waits for it. */
  lookUpTimeoutMs?: number;
  /** How many events may be pending. */
  maxPending?: number;
}

/** What all store work of one webhook may take together, in milliseconds. */
const STORE_TIMEOUT_MS = 800;

/** How long before the end of a look-up REST's answers are taken as they are, in milliseconds. */
const MARGIN_MS = 200;

const PROBE_INTERVAL_MS = 1_000;

/** The rooms over one store, with the Space's own view to fall back on. */
export function createRooms(options: RoomsOptions): Rooms {
  const { store, space, lifetimeMs, log, now, monotonicNow, onChange = () => {} } = options;
  const { retryMs = 500, lookUpTimeoutMs = 3_000, maxPending = 100_000 } = options;
  const pending = createPendingEvents({
    retryMs,
    maxEvents: maxPending,
    log,
    monotonicNow,
    async write(room, events) {
      const askedAt = monotonicNow();
      try {
        const snapshots = await Promise.all(events.map((event) => store.apply(room, event)));
        const last = snapshots.at(-1);
        if (last !== undefined) {
          onChange(learn(last));
        }
      } catch (err) {
        failures.add(err, askedAt, room);
        throw err;
      }
    },
  });
  const failures = createStoreFailures({ log, monotonicNow });
  const speech = createSpeechLimit({
    monotonicNow,
    write: async (room, event) => {
      if (!failures.has(room)) {
        await store.apply(room, event);
      }
    },
  });
  const probing = setInterval(() => {
    void store.probe();
    failures.prune();
  }, PROBE_INTERVAL_MS).unref();

  const local = createLocalRooms({ lifetimeMs, log, now, pendingOf: pending.ofRoom });

  function learn(snapshot: Snapshot): RoomState {
    failures.clear(snapshot.state.room);
    return local.learn(snapshot);
  }

  async function record(room: RoomName, event: RoomEvent): Promise<void> {
    const since = monotonicNow();
    /** Keeps the event for the store; returns the room after it. */
    const keep = () => local.apply(room, pending.add(room, event, since));
    try {
      // A write that times out is repeated, which does no harm.
      const snapshot = await withDeadline(store.apply(room, event), STORE_TIMEOUT_MS);
      const isNews = snapshot.state.at !== (local.seenAt(room) ?? 0);
      const state = learn(snapshot);
      // An event that changes nothing may refer to one that is still pending.
      onChange(isNews || pending.ofRoom(room).length === 0 ? state : keep());
    } catch (err) {
      failures.add(err, since, room);
      onChange(keep());
    }
  }

  /** What is known of a room, and whether the store itself said so. */
  async function lookUp(room: RoomName): Promise<{ known: Lookup; isStored: boolean }> {
    if (!failures.isTooSlow(room)) {
      const askedAt = monotonicNow();
      try {
        const snapshot = await store.read(room);
        return { known: { isKnown: true, state: learn(snapshot), now: snapshot.now }, isStored: true };
      } catch (err) {
        failures.add(err, askedAt, room);
      }
    }
    const state = local.stateOf(room);
    // Without a moderator this says nothing: another server may know one.
    const isKnown = targetOf(state) !== undefined;
    return { known: isKnown ? { isKnown, state, now: local.now() } : { isKnown }, isStored: false };
  }

  async function find(room: RoomName): Promise<Lookup> {
    const { known, isStored } = await lookUp(room);
    const isEnough = known.isKnown && isStored && store.isWritable(room) && targetOf(known.state) !== undefined;
    if (isEnough || space === undefined) {
      return known;
    }
    try {
      const observation = await space.observe(room);
      const state = known.isKnown ? known.state : local.stateOf(room);
      return { isKnown: true, state: observed(state, observation), now: local.now() };
    } catch (err) {
      log.warn({ err, room }, 'The Space did not say who is in a room');
      return known;
    }
  }

  /** A room after what REST shows of it, which is written later. */
  function observed(state: RoomState, { room, event }: Observation): RoomState {
    void record(room, event);
    return asListed(local.after(state, event), event, local.now());
  }

  async function list(): Promise<readonly RoomEntry[] | 'unknown'> {
    const askedAt = monotonicNow();
    const stored = await listStored();
    // The usual case: thousands of entries need not be copied.
    if (pending.rooms().length === 0 && stored?.some(({ target }) => target !== undefined)) {
      return stored;
    }
    const entries = new Map((stored ?? []).map((entry) => [entry.room, entry]));
    const put = (state: RoomState) => {
      const entry = entryOf(state);
      entries.delete(state.room);
      if (entry !== undefined) {
        entries.set(state.room, entry);
      }
    };
    const own = stored === undefined ? [...new Set([...local.seen(), ...pending.rooms()])] : pending.rooms();
    const update = async (room: RoomName) => {
      // Another server may have written it since.
      if (stored !== undefined && local.seenAt(room) !== entries.get(room)?.at) {
        await lookUp(room);
      }
      put(local.stateOf(room));
    };
    await Promise.all(own.map(update));
    const hasTarget = [...entries.values()].some(({ target }) => target !== undefined);
    const seen = stored !== undefined && hasTarget ? [] : await observeAll(askedAt + lookUpTimeoutMs - MARGIN_MS);
    for (const observation of seen ?? []) {
      put(observed(local.stateOf(observation.room), observation));
    }
    return stored === undefined && seen === undefined && !hasTarget ? 'unknown' : [...entries.values()];
  }

  async function listStored(): Promise<RoomEntry[] | undefined> {
    const askedAt = monotonicNow();
    try {
      const { rooms, problems } = await store.list();
      failures.clear();
      failures.setListProblems(problems);
      return rooms;
    } catch (err) {
      failures.add(err, askedAt);
      return undefined;
    }
  }

  async function observeAll(until: number): Promise<Observation[] | undefined> {
    try {
      return await space?.observeAll(Math.max(0, until - monotonicNow()));
    } catch (err) {
      log.warn({ err }, 'The Space did not say which conferences run');
      return undefined;
    }
  }

  /** The result of a look-up, or `otherwise` if it takes too long. */
  async function inTime<T>(lookUp: Promise<T>, otherwise: T, about: object): Promise<T> {
    try {
      return await withDeadline(lookUp, lookUpTimeoutMs);
    } catch (err) {
      log.warn({ err, ...about }, 'The rooms could not be looked up in time');
      return otherwise;
    }
  }

  return {
    record,

    recordSpeech: speech.record,

    find: (room) => inTime(find(room), { isKnown: false }, { room }),
    read: async (room) => (await lookUp(room)).known,
    list: () => inTime(list(), 'unknown', {}),
    listStored: async () => (await listStored()) ?? 'unknown',
    listLocal: () => local.seen().map(local.stateOf),

    close(timeoutMs) {
      clearInterval(probing);
      speech.close();
      return pending.close(timeoutMs);
    },
  };
}
