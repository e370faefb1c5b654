import type { Logger } from 'pino';
import { withDeadline } from '../ops/deadline';
import { createRetryQueue } from '../ops/retry-queue';
import { createLocalRooms } from './local-rooms';
import { CONFIRM_MS } from './observations';
import { isIn, type RoomState, type Stay, targetOf } from './room';
import { nameOf, type RoomEvent } from './room-event';
import type { RoomName } from './room-name';
import { entryOf, type RoomEntry, type RoomStore, type Snapshot } from './room-store';
import type { Observation, RoomObserver } from './space-observer';
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
  /** The rooms that this process has seen last. */
  served(): RoomName[];
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
  space: RoomObserver | undefined;
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
/** How much speech is written at once. */
const MAX_SPEECH = 20;

/** The rooms over one store, with the Space's own view to fall back on. */
export function createRooms(options: RoomsOptions): Rooms {
  const { store, space, lifetimeMs, log, now, monotonicNow, onChange = () => {} } = options;
  const { retryMs = 500, lookUpTimeoutMs = 3_000, maxPending = 100_000 } = options;
  /** Events that wait for the store: of each kind the last about each participant. They grow older while they wait. */
  const pending = createRetryQueue<RoomName, { event: RoomEvent; since: number }>({
    retryMs,
    maxValues: maxPending,
    async write(room, values) {
      const askedAt = monotonicNow();
      try {
        const snapshots = await Promise.all(values.map((value) => store.apply(room, aged(value))));
        const last = snapshots.at(-1);
        if (last !== undefined) {
          onChange(learn(last));
        }
      } catch (err) {
        failures.add(err, askedAt, room);
        throw err;
      }
    },
    onLost: (room, { event }) => log.error({ room, ...identify(event) }, 'Lost: the store did not take this event'),
  });
  const failures = createStoreFailures({ log, monotonicNow });
  let speeches = 0;
  const speech = createSpeechLimit({
    monotonicNow,
    write(room, event) {
      if (speeches < MAX_SPEECH && !failures.has(room)) {
        speeches++;
        const done = () => void speeches--;
        store.apply(room, event).then(done, done);
      }
    },
  });
  const probing = setInterval(() => {
    void store.probe();
    failures.prune();
  }, PROBE_INTERVAL_MS).unref();

  const aged = ({ event, since }: { event: RoomEvent; since: number }) => ({
    ...event,
    agoMs: event.agoMs + (monotonicNow() - since),
  });
  const local = createLocalRooms({ lifetimeMs, now, pendingOf: (room) => pending.of(room).map(aged) });

  function learn(snapshot: Snapshot): RoomState {
    failures.clear(snapshot.state.room);
    return local.learn(snapshot);
  }

  async function record(room: RoomName, event: RoomEvent): Promise<void> {
    const since = monotonicNow();
    try {
      // What the store takes later than this, it is given again, which does no harm.
      const snapshot = await withDeadline(store.apply(room, event), STORE_TIMEOUT_MS);
      const isNews = snapshot.state.at !== (local.seenAt(room) ?? 0);
      const state = learn(snapshot);
      // One that changes nothing may belong to another that the store does not have yet.
      onChange(isNews || pending.of(room).length === 0 ? state : keep(room, event, since));
    } catch (err) {
      failures.add(err, since, room);
      onChange(keep(room, event, since));
    }
  }

  /** Keeps an event for the store; returns the room after it. */
  function keep(room: RoomName, event: RoomEvent, since: number): RoomState {
    // By the time the store is back, what REST showed is out of date.
    if (event.kind !== 'room-observed') {
      pending.put(room, nameOf(event), { event, since });
    }
    return local.apply(room, aged({ event, since }));
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
      const { event } = await space.observe(room);
      const state = known.isKnown ? known.state : local.stateOf(room);
      // Nobody waits for this to be written.
      void record(room, event);
      return { isKnown: true, state: asListed(local.after(state, event), event, local.now()), now: local.now() };
    } catch (err) {
      log.warn({ err, room }, 'The Space did not say who is in a room');
      return known;
    }
  }

  async function list(): Promise<readonly RoomEntry[] | 'unknown'> {
    const askedAt = monotonicNow();
    const stored = await listStored();
    const entries = new Map((stored ?? []).map((entry) => [entry.room, entry]));
    const put = (state: RoomState) => {
      const entry = entryOf(state);
      entries.delete(state.room);
      if (entry !== undefined) {
        entries.set(state.room, entry);
      }
    };
    if (stored === undefined) {
      for (const room of new Set([...local.seen(), ...pending.keys()])) {
        put(local.stateOf(room));
      }
    } else {
      const update = async (room: RoomName) => {
        // Another server may have written it since.
        if (local.seenAt(room) !== entries.get(room)?.at) {
          await lookUp(room);
        }
        put(local.stateOf(room));
      };
      await Promise.all(pending.keys().map(update));
    }
    const hasTarget = [...entries.values()].some(({ target }) => target !== undefined);
    const observed = stored !== undefined && hasTarget ? [] : await observeAll(askedAt + lookUpTimeoutMs - MARGIN_MS);
    for (const { room, event } of observed ?? []) {
      put(asListed(local.after(local.stateOf(room), event), event, local.now()));
      void record(room, event);
    }
    return stored === undefined && observed === undefined && !hasTarget ? 'unknown' : [...entries.values()];
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

    recordSpeech: speech.take,

    find: (room) => inTime(find(room), { isKnown: false }, { room }),
    read: async (room) => (await lookUp(room)).known,
    list: () => inTime(list(), 'unknown', {}),
    listStored: async () => (await listStored()) ?? 'unknown',
    served: local.seen,

    close(timeoutMs) {
      clearInterval(probing);
      speech.close();
      return pending.close(timeoutMs);
    },
  };
}

/**
 * A room without the moderators who had joined and whom REST does not list. The state keeps them until REST has left them
 * out twice, which a store that cannot be written never notes; nobody is to be sent to them meanwhile.
 */
function asListed(state: RoomState, { participants, agoMs }: Observation['event'], now: number): RoomState {
  const listed = new Set(participants.map(({ callSid }) => callSid));
  // REST can be behind.
  const joinedBefore = now - agoMs - CONFIRM_MS;
  const isGone = (stay: Stay) =>
    stay.role === 'moderator' && isIn(stay) && !listed.has(stay.callSid) && (stay.joinedAt ?? 0) < joinedBefore;
  return { ...state, stays: state.stays.filter((stay) => !isGone(stay)) };
}

/** Which event it was. The rest of it can hold a secret, such as a supervisor's way back in. */
function identify(event: RoomEvent): object {
  return {
    kind: event.kind,
    ...('callSid' in event && { callSid: event.callSid }),
    ...('number' in event && { number: event.number }),
  };
}
