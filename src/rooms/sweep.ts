import type { Logger } from 'pino';
import { alternate, inParallel } from '../ops/in-parallel';
import type { ConferenceApi, SpaceCall, SpaceConference } from '../signalwire/conference-api';
import { createCallLookups } from './call-lookups';
import type { Lease } from './lease';
import { createRequestBudget, furtherPages } from './request-budget';
import { type RoomState, supervisorsOf, targetOf } from './room';
import { createRoomComparison } from './room-comparison';
import type { ObservedParticipant } from './room-event';
import type { RoomName } from './room-name';
import { createRoomTurns } from './room-turns';
import type { Rooms } from './rooms';
import { runningByRoom } from './space-observer';

export interface SweepOptions {
  rooms: Pick<Rooms, 'listStored' | 'read' | 'record' | 'listLocal'>;
  space: Pick<ConferenceApi, 'listConferences' | 'listParticipants' | 'findCall'>;
  lease: Lease;
  /** The person on a call, by its numbers. */
  identify: (call: SpaceCall, isModerator: boolean) => NonNullable<ObservedParticipant['person']>;
  /** How many requests may be made in a second, on average; a whole number. */
  requestsPerSecond: number;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  /** Milliseconds between two rounds; 0 for none but those asked for. */
  intervalMs?: number;
}

export interface Sweep {
  /** One round: every supervised room, then as many others as budget and interval allow. Never rejects. */
  round(): Promise<void>;
  /** Leaves the sweep to other servers. Never rejects. */
  close(): Promise<void>;
}

/** How often a supervised room is compared with the Space, in milliseconds; see docs/decisions/rooms.md for the sum. */
const INTERVAL_MS = 2_500;

/** How long a room that is or may be supervised may wait before the log warns, in milliseconds. */
const MAX_WAIT_MS = 10_000;

/** How many requests a list of conferences takes at least. */
const LIST_REQUESTS = 2;

/** Of failures that follow each other within this time, only the first is logged. */
const FAILURE_LOG_MS = 30_000;

/**
 * Compares rooms with the Space: adds participants who were missed, removes those who are gone. The enforcer corrects
 * supervisors as after any other event.
 *
 * Two loops run beside each other. One compares supervised rooms in the conferences we know; the other lists all
 * conferences, which takes longer, and compares the other rooms.
 */
export function createSweep(options: SweepOptions): Sweep {
  const { rooms, space, lease, identify, requestsPerSecond, log, monotonicNow, intervalMs = INTERVAL_MS } = options;
  const budget = createRequestBudget({
    perSecond: requestsPerSecond,
    size: requestsPerSecond * (INTERVAL_MS / 1_000),
    monotonicNow,
  });
  const turns = createRoomTurns({ monotonicNow });
  const lookups = createCallLookups({
    rooms,
    space,
    budget,
    identify,
    onSupervisor: (room) => {
      turns.of(room).isSupervised = true;
    },
    monotonicNow,
  });
  const { compareKnown, compareListed } = createRoomComparison({ rooms, space, budget, turns, lookups, monotonicNow });
  /** Requests at once: enough to use the budget with a slow Space. */
  const width = requestsPerSecond;
  /** The rooms to compare, with how many supervisors each has. */
  let supervisors: ReadonlyMap<RoomName, number> = new Map();
  let isStoreAway = false;
  /** What the latest list showed; undefined if it failed. */
  let conferences: ReadonlyMap<RoomName, SpaceConference> | undefined;
  /** The supervised rooms that are being compared. */
  const inProgress = new Set<RoomName>();
  let listing: Promise<void> | undefined;
  let latestList = 0;
  let others = Promise.resolve();
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
      await others;
    }
  }

  /** Takes the lease and looks up what there is to compare; false if another server does it. */
  async function begin(): Promise<boolean> {
    const holder = await lease.take();
    if (holder === "another's") {
      return false;
    }
    // While the store is away, each server compares the rooms it has served.
    const stored = holder === 'ours' ? await rooms.listStored() : 'unknown';
    isStoreAway = stored === 'unknown';
    supervisors =
      stored === 'unknown'
        ? countLocally(rooms.listLocal())
        : new Map(stored.map((entry) => [entry.room, entry.supervisors]));
    return true;
  }

  /** Compares each supervised room in the conference that is known, unless that is in progress. */
  async function compareSupervised(): Promise<void> {
    const supervised = byTurn([...supervisors.keys()].filter(isSupervised));
    const compare = async (room: RoomName) => {
      if (inProgress.has(room) || !budget.has(1 + LIST_REQUESTS)) {
        return;
      }
      inProgress.add(room);
      await compareKnown(room, conferences?.has(room) ?? true).catch(noteFailure);
      inProgress.delete(room);
    };
    // In the same turn as they spend it: the other rooms get what is left.
    budget.refill();
    await Promise.all(supervised.map(compare));
    warnIfLate(supervised);
  }

  /** Lists the conferences, unless that is in progress. The other rooms are compared until the next list comes. */
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
      budget.spend(furtherPages(seen));
      conferences = runningByRoom(seen);
      others = compareOthers(conferences, listedAt);
    } catch (err) {
      conferences = undefined;
      noteFailure(err);
      await lease.release();
    }
  }

  /**
   * Rooms that are or may be supervised come first; then calls and rooms take turns, so that neither waits for all of the
   * other.
   */
  async function compareOthers(listed: ReadonlyMap<RoomName, SpaceConference>, listedAt: number): Promise<void> {
    const number = ++latestList;
    const isOver = () => number !== latestList;
    const known = new Set([
      ...supervisors.keys(),
      ...(isStoreAway ? rooms.listLocal().map(({ room }) => room) : listed.keys()),
    ]);
    turns.forgetAllBut(known);
    const compareTask = (room: RoomName) => async () => {
      const conference = listed.get(room);
      // A room without a conference costs nothing: the list was enough.
      if (conference === undefined || budget.has(1)) {
        await compareListed(room, conference, listedAt).catch(noteFailure);
      }
    };
    const due = byTurn([...known].filter((room) => !isJustCompared(room, listed.get(room))));
    const supervised = due.filter(isSupervised);
    const unknown = due.filter(isUnknown);
    const rest = due.filter((room) => !isSupervised(room) && !isUnknown(room));
    await inParallel(supervised.map(compareTask), width, isOver);
    warnIfLate([...supervised, ...unknown]);
    await inParallel(unknown.map(compareTask), width, isOver);
    await inParallel(alternate(lookups.tasks(), rest.map(compareTask)), width, isOver);
    await inParallel(lookups.tasks(), width, isOver);
  }

  /** Without a moderator or a supervisor, a room of this process says nothing: another server may know one. */
  function countLocally(served: readonly RoomState[]): Map<RoomName, number> {
    const counts = served.map((state) => ({ state, count: supervisorsOf(state).length }));
    const known = counts.filter(({ state, count }) => count > 0 || targetOf(state) !== undefined);
    return new Map(known.map(({ state, count }) => [state.room, count]));
  }

  function isSupervised(room: RoomName): boolean {
    return (supervisors.get(room) ?? 0) > 0 || turns.of(room).isSupervised === true;
  }

  /** Whether nobody knows yet if the room is supervised. */
  function isUnknown(room: RoomName): boolean {
    return !supervisors.has(room) && turns.of(room).isSupervised === undefined;
  }

  /** Whether a supervised room is compared beside the list, in the conference that the list shows if it shows one. */
  function isJustCompared(room: RoomName, listed: SpaceConference | undefined): boolean {
    const { conferenceSid, triedAt } = turns.of(room);
    const isSame = conferenceSid !== undefined && (listed === undefined || listed.conferenceSid === conferenceSid);
    const isRecent = inProgress.has(room) || monotonicNow() - triedAt < INTERVAL_MS;
    return supervisors.has(room) && isSupervised(room) && isSame && isRecent;
  }

  /** Those that have waited longest first. */
  function byTurn(due: readonly RoomName[]): RoomName[] {
    return [...due].sort((one, other) => turns.of(one).triedAt - turns.of(other).triedAt);
  }

  function warnIfLate(due: readonly RoomName[]): void {
    const late = due.filter((room) => monotonicNow() - turns.of(room).comparedAt > MAX_WAIT_MS);
    if (late.length > 0) {
      log.warn({ rooms: late.length }, 'Supervised rooms are compared too rarely: raise SWEEP_REQUESTS_PER_SECOND');
    }
  }

  function noteFailure(err: unknown): void {
    if (monotonicNow() - failedAt > FAILURE_LOG_MS) {
      log.warn({ err }, 'Rooms could not be compared with the Space; this is tried again');
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
