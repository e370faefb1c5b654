import type { Logger } from 'pino';
import { withDeadline } from '../ops/deadline';
import { createLocalRooms } from './local-rooms';
import { createPendingEvents } from './pending-events';
import { type RoomName, type RoomState, targetOf } from './room';
import { putEntry, type RoomEntry } from './room-entry';
import type { RoomEvent } from './room-event';
import type { RoomStore, Snapshot } from './room-store';
import { createSecondSource } from './second-source';
import type { SpaceObserver } from './space-observer';
import { createSpeechLimit, type SpeechEvent } from './speech';
import { createStoreFailures } from './store-failures';

/**
 * A room's state and the store's clock; not known if no source answered. `isStored`: whether the store itself answered, so that
 * other servers know the same.
 */
export type Lookup = { isKnown: true; state: RoomState; now: number; isStored?: boolean } | { isKnown: false };

/** The rooms, for phone calls: nothing here rejects, and an event that cannot be written now is written later. */
export interface Rooms {
  /**
   * Records an event in the store; in the retry queue if the store does not answer within 800 ms. Resolves with whether it
   * changed the room; undefined if it is in the queue.
   */
  record(room: RoomName, event: RoomEvent): Promise<boolean | undefined>;
  /** Records an event in the store, now or never; not known if the store does not take it within 800 ms. */
  recordNow(room: RoomName, event: RoomEvent): Promise<Lookup>;
  /** Records speech at most once a second per participant; drops it under load. */
  recordSpeech(room: RoomName, event: SpeechEvent): void;
  /** Reads a room from the store; from REST if the store fails, cannot be written, or has no target for it. */
  find(room: RoomName): Promise<Lookup>;
  /** Reads a room from the store, or from this process's memory while the store is down. */
  read(room: RoomName): Promise<Lookup>;
  /** Lists the rooms with anybody in them, from the store, or from REST if no stored room has a target. */
  list(): Promise<readonly RoomEntry[] | 'unknown'>;
  /** The same from the store alone; `unknown` while it is down. */
  listStored(): Promise<readonly RoomEntry[] | 'unknown'>;
  /** The rooms that this process has seen, from its memory alone. */
  listLocal(): RoomState[];
  /** How many events wait for the store. */
  pendingEvents(): number;
  /**
   * Goes on writing pending events for `timeoutMs`, then stops. Events that remain are logged as lost.
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
  /** Called with every new state of a room; the enforcer listens. */
  onChange?: (state: RoomState) => void;
  /** Milliseconds until a failed write of a room is retried. */
  retryMs?: number;
  /** How long a write may keep a webhook waiting, in milliseconds. */
  storeTimeoutMs?: number;
  /** How long `find` and `list` may take in all, in milliseconds. A call waits for them. */
  lookUpTimeoutMs?: number;
  /** How many events may wait for the store. */
  maxPending?: number;
}

/** `list` stops waiting for REST this long before its own time-out, and uses the answers so far. */
const MARGIN_MS = 200;
const PROBE_INTERVAL_MS = 1_000;

/** Creates the rooms over one store, with REST as the second source. */
export function createRooms(options: RoomsOptions): Rooms {
  const { store, space, lifetimeMs, log, now, monotonicNow, onChange = () => {} } = options;
  const { retryMs = 500, storeTimeoutMs = 800, lookUpTimeoutMs = 3_000, maxPending = 100_000 } = options;
  const pending = createPendingEvents({
    retryMs,
    maxEvents: maxPending,
    log,
    monotonicNow,
    onDone: (room) => local.forget(room),
    async write(room, events) {
      const askedAt = monotonicNow();
      try {
        const snapshots = await Promise.all(events.map((event) => store.apply(room, event)));
        for (const last of snapshots.slice(-1)) {
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

  const local = createLocalRooms({ store, lifetimeMs, log, now, pending });
  const rest = space && createSecondSource({ space, local, record, log });

  function learn(snapshot: Snapshot): RoomState {
    if (failures.failing.size > 0) {
      failures.clear(snapshot.state.room);
    }
    return local.learn(snapshot);
  }

  async function record(room: RoomName, event: RoomEvent): Promise<boolean | undefined> {
    const since = monotonicNow();
    // A doubt is no reason to correct anybody.
    const tell = event.kind === 'room-unobserved' ? () => {} : onChange;
    /** Queues the event for the store; returns the room after it. */
    const enqueue = () => local.apply(room, pending.add(room, event, since));
    try {
      // A write that times out may have happened. Repeating it does no harm.
      const applied = await withDeadline(store.apply(room, event), storeTimeoutMs);
      const state = learn(applied);
      // An event that changed nothing may concern a stay whose arrival is still pending.
      tell(applied.hasChanged || !pending.rooms.has(room) ? state : enqueue());
      return applied.hasChanged;
    } catch (err) {
      failures.add(err, since, room);
      tell(enqueue());
      return undefined;
    }
  }

  async function recordNow(room: RoomName, event: RoomEvent): Promise<Lookup> {
    const since = monotonicNow();
    try {
      const applied = await withDeadline(store.apply(room, event), storeTimeoutMs);
      const state = learn(applied);
      onChange(state);
      return { isKnown: true, state, now: applied.now, isStored: true };
    } catch (err) {
      failures.add(err, since, room);
      return { isKnown: false };
    }
  }

  /** @param withRest whether to ask REST if the store's answer is not enough */
  async function find(room: RoomName, withRest = true): Promise<Lookup> {
    const askedAt = monotonicNow();
    let read: Snapshot | undefined;
    try {
      read = failures.failing.size > 0 && failures.isTooSlow(room) ? undefined : await store.read(room);
    } catch (err) {
      failures.add(err, askedAt, room);
    }
    try {
      const isCaughtUp = failures.failing.size + pending.rooms.size + local.ahead.size === 0;
      const state = read === undefined ? local.stateOf(room) : isCaughtUp ? read.state : learn(read);
      // Without a target in our own memory the room counts as unknown: another server may know one.
      const isKnown = read !== undefined || targetOf(state) !== undefined;
      const isStored = read !== undefined;
      const known: Lookup = isKnown ? { isKnown, state, now: read?.now ?? local.now(), isStored } : { isKnown };
      const isEnough = !withRest || (read?.isWritable && targetOf(state) !== undefined);
      if (isEnough || rest === undefined) {
        return known;
      }
      const seen = await inTime(rest.find(state), 'late', askedAt, room);
      return seen === 'late' ? { isKnown: false } : seen ? { isKnown: true, state: seen, now: local.now() } : known;
    } catch (err) {
      log.error({ err, room }, 'Room lookup failed');
      return { isKnown: false };
    }
  }

  async function list(): Promise<readonly RoomEntry[] | 'unknown'> {
    const askedAt = monotonicNow();
    const stored = await listStored();
    // The usual case. Does not copy thousands of entries.
    if (pending.rooms.size === 0 && stored?.some(({ target }) => target !== undefined)) {
      return stored;
    }
    const entries = new Map((stored ?? []).map((entry) => [entry.room, entry]));
    const own = new Set([...(stored === undefined ? local.seen() : []), ...pending.rooms.keys()]);
    const update = async (room: RoomName) => {
      // Another server has written it since this one last saw it.
      if (stored !== undefined && store.lastKnown(room)?.at !== entries.get(room)?.at) {
        await find(room, false);
      }
      putEntry(entries, local.stateOf(room));
    };
    await Promise.all([...own].map(update));
    const hasTarget = [...entries.values()].some(({ target }) => target !== undefined);
    const restMs = Math.max(0, askedAt + lookUpTimeoutMs - MARGIN_MS - monotonicNow());
    const seen = stored !== undefined && hasTarget ? [] : await rest?.list(restMs);
    for (const state of seen ?? []) {
      putEntry(entries, state);
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

  /** The result of a look-up, or `otherwise` after the time-out. */
  function inTime<T, const O>(lookUp: Promise<T>, otherwise: O, askedAt: number, room?: RoomName): Promise<T | O> {
    return withDeadline(lookUp, askedAt + lookUpTimeoutMs - monotonicNow()).catch((err) => {
      log.warn({ err, room }, 'Room lookup timed out');
      return otherwise;
    });
  }

  return {
    record,
    recordNow,
    recordSpeech: speech.record,

    find,
    read: (room) => find(room, false),
    list: () => inTime(list(), 'unknown', monotonicNow()),
    listStored: async () => (await listStored()) ?? 'unknown',
    listLocal: () => local.seen().map(local.stateOf),
    pendingEvents: pending.size,

    close(timeoutMs) {
      clearInterval(probing);
      speech.close();
      return pending.close(timeoutMs);
    },
  };
}
