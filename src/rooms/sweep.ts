import type { Logger } from 'pino';
import { alternate, inParallel } from '../ops/in-parallel';
import type { ConferenceApi, SpaceCall, SpaceConference } from '../signalwire/conference-api';
import { createCallLookups } from './call-lookups';
import { createLateRooms } from './late-rooms';
import type { Lease } from './lease';
import { createRecordingChecks } from './recording-checks';
import { createRequestBudget, extraRequests } from './request-budget';
import { type RoomName, type RoomState, supervisorsOf, targetOf } from './room';
import { createRoomComparison } from './room-comparison';
import type { ObservedParticipant } from './room-event';
import type { Rooms } from './rooms';
import { runningByRoom } from './space-observer';
import { createSweepHistory } from './sweep-history';

export interface SweepOptions {
  rooms: Pick<Rooms, 'listStored' | 'read' | 'record' | 'listLocal'>;
  space: Pick<ConferenceApi, 'listConferences' | 'listParticipants' | 'findCall' | 'findRecording'>;
  lease: Lease;
  /** The person on a call, by its numbers. */
  identify: (call: SpaceCall, isModerator: boolean) => NonNullable<ObservedParticipant['person']>;
  /** The average number of REST requests per second; a whole number. */
  requestsPerSecond: number;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  /** Milliseconds between two rounds; 0 for rounds on request only. */
  intervalMs?: number;
}

export interface Sweep {
  /** Compares every supervised room, then as many others as the budget allows. Never rejects. */
  round(): Promise<void>;
  /** Stops, and releases the lease to other servers. Never rejects. */
  close(): Promise<void>;
}

/** How often a supervised room is compared with the Space; docs/decisions/rooms.md derives the figure. */
const INTERVAL_MS = 2_500;

/** The least number of requests for one list of conferences. */
const LIST_REQUESTS = 2;

/** Failures that follow each other faster than this are logged once. */
const FAILURE_LOG_MS = 30_000;

/**
 * Compares rooms with the Space: adds participants that no callback reported, and removes those who are gone.
 *
 * Two loops run side by side. One compares supervised rooms, in the conferences that the state knows. The other lists all
 * conferences, which takes longer, and then compares the remaining rooms.
 */
export function createSweep(options: SweepOptions): Sweep {
  const { rooms, space, lease, identify, requestsPerSecond, log, monotonicNow, intervalMs = INTERVAL_MS } = options;
  const budget = createRequestBudget({
    perSecond: requestsPerSecond,
    size: requestsPerSecond * (INTERVAL_MS / 1_000),
    monotonicNow,
  });
  const history = createSweepHistory({ monotonicNow });
  const lateRooms = createLateRooms({ rooms, history, log, monotonicNow });
  const lookups = createCallLookups({
    rooms,
    space,
    budget,
    identify,
    onSupervisor: (room) => {
      history.get(room).isSupervised = true;
    },
    monotonicNow,
  });
  const recordings = createRecordingChecks({ rooms, space, budget, monotonicNow });
  const { compareKnown, compareListed } = createRoomComparison({
    rooms,
    space,
    budget,
    history,
    lookups,
    recordings,
    monotonicNow,
  });
  /** With this many requests at once, even a Space that takes a second per answer does not waste budget. */
  const concurrency = requestsPerSecond;
  /** The number of supervisors in each room to compare. */
  let supervisors: ReadonlyMap<RoomName, number> = new Map();
  let isStoreAway = false;
  /** Since when another server has had the lease; undefined if none has. */
  let othersSince: number | undefined;
  /** The latest list; undefined if it failed. */
  let conferences: ReadonlyMap<RoomName, SpaceConference> | undefined;
  /** The supervised rooms that are being compared. */
  const inProgress = new Set<RoomName>();
  let listing: Promise<void> | undefined;
  let listNumber = 0;
  let comparingOthers = Promise.resolve();
  let failedAt = Number.NEGATIVE_INFINITY;
  const timer = intervalMs === 0 ? undefined : setInterval(() => void tick(), intervalMs).unref();

  /** Neither loop waits for the other, and the lease waits for neither. */
  async function tick(): Promise<void> {
    if (await begin()) {
      void compareSupervised();
      void list();
    }
  }

  async function round(): Promise<void> {
    if (await begin()) {
      await compareSupervised();
      await list();
      await comparingOthers;
    }
  }

  /** Takes the lease and looks up which rooms to compare. False if another server has the lease. */
  async function begin(): Promise<boolean> {
    const holder = await lease.take();
    if (holder === "another's") {
      othersSince ??= monotonicNow();
      return false;
    }
    history.postpone(othersSince === undefined ? 0 : monotonicNow() - othersSince);
    othersSince = undefined;
    // While the store is down, each server compares the rooms it has served.
    const stored = holder === 'ours' ? await rooms.listStored() : 'unknown';
    isStoreAway = stored === 'unknown';
    supervisors =
      stored === 'unknown'
        ? countLocally(rooms.listLocal())
        : new Map(stored.map((entry) => [entry.room, entry.supervisors]));
    return true;
  }

  /** Starts to compare each supervised room in its known conference, unless that is still in progress. */
  async function compareSupervised(): Promise<void> {
    const supervised = longestWaitingFirst([...supervisors.keys()].filter(isSupervised));
    const compare = async (room: RoomName) => {
      if (!inProgress.has(room) && budget.has(1 + LIST_REQUESTS)) {
        inProgress.add(room);
        await compareKnown(room, conferences?.has(room) ?? true).catch(logFailure);
        inProgress.delete(room);
      }
    };
    // Refilled and spent without an await in between: the other rooms get only the rest.
    budget.refill();
    await Promise.all(supervised.map(compare));
    // Another server may have compared them meanwhile.
    lateRooms.doubt(othersSince === undefined ? supervised : []);
  }

  /** Lists the conferences, unless that is in progress, and starts to compare the remaining rooms. */
  function list(): Promise<void> {
    listing ??= listConferences().finally(() => {
      listing = undefined;
    });
    return listing;
  }

  async function listConferences(): Promise<void> {
    if (!budget.has(LIST_REQUESTS)) {
      return;
    }
    budget.spend(LIST_REQUESTS);
    const listedAt = monotonicNow();
    try {
      const seen = await space.listConferences();
      budget.spend(extraRequests(seen));
      conferences = runningByRoom(seen);
      comparingOthers = compareOthers(conferences, listedAt);
    } catch (err) {
      conferences = undefined;
      logFailure(err);
      await lease.release();
    }
  }

  /** Compares rooms until the next list: those that are or may be supervised first, then look-ups and rooms in turn. */
  async function compareOthers(listed: ReadonlyMap<RoomName, SpaceConference>, listedAt: number): Promise<void> {
    const ownNumber = ++listNumber;
    const isOutdated = () => ownNumber !== listNumber;
    const known = new Set([
      ...supervisors.keys(),
      ...(isStoreAway ? rooms.listLocal().map(({ room }) => room) : listed.keys()),
    ]);
    history.keepOnly(known);
    const compareTask = (room: RoomName) => async () => {
      const conference = listed.get(room);
      // A room without a conference costs nothing: the list was enough.
      if (conference === undefined || budget.has(1)) {
        await compareListed(room, conference, listedAt).catch(logFailure);
      }
    };
    const due = longestWaitingFirst([...known].filter((room) => !isJustCompared(room, listed.get(room))));
    const supervised = due.filter(isSupervised);
    const unknown = due.filter(isUnknown);
    const rest = due.filter((room) => !isSupervised(room) && !isUnknown(room));
    await inParallel(supervised.map(compareTask), concurrency, isOutdated);
    lateRooms.warn([...supervised, ...unknown]);
    await inParallel(unknown.map(compareTask), concurrency, isOutdated);
    const others = alternate(recordings.tasks(), rest.map(compareTask));
    await inParallel(alternate(lookups.tasks(), others), concurrency, isOutdated);
    await inParallel(lookups.tasks(), concurrency, isOutdated);
  }

  /** Leaves out rooms without moderator and supervisor: another server may know one, so they count as unknown. */
  function countLocally(served: readonly RoomState[]): Map<RoomName, number> {
    const counts = served.map((state) => ({ state, count: supervisorsOf(state).length }));
    const known = counts.filter(({ state, count }) => count > 0 || targetOf(state) !== undefined);
    return new Map(known.map(({ state, count }) => [state.room, count]));
  }

  function isSupervised(room: RoomName): boolean {
    return (supervisors.get(room) ?? 0) > 0 || history.get(room).isSupervised === true;
  }

  /** Whether the room may be supervised: neither the store nor a comparison says otherwise yet. */
  function isUnknown(room: RoomName): boolean {
    return !supervisors.has(room) && history.get(room).isSupervised === undefined;
  }

  /** Whether the other loop has just compared this supervised room, in the conference that the list shows, if any. */
  function isJustCompared(room: RoomName, listed: SpaceConference | undefined): boolean {
    const { conferenceSid, triedAt } = history.get(room);
    const isSame = conferenceSid !== undefined && (listed === undefined || listed.conferenceSid === conferenceSid);
    const isRecent = inProgress.has(room) || monotonicNow() - triedAt < INTERVAL_MS;
    return supervisors.has(room) && isSupervised(room) && isSame && isRecent;
  }

  function longestWaitingFirst(due: readonly RoomName[]): RoomName[] {
    return [...due].sort((one, other) => history.get(one).triedAt - history.get(other).triedAt);
  }

  function logFailure(err: unknown): void {
    if (monotonicNow() - failedAt > FAILURE_LOG_MS) {
      log.warn({ err }, 'Rooms not compared with the Space; retrying');
    }
    failedAt = monotonicNow();
  }

  return {
    round,
    async close() {
      clearInterval(timer);
      await lease.release();
    },
  };
}
