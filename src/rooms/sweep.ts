import type { Logger } from 'pino';
import { alternate, inParallel, type Task } from '../ops/in-parallel';
import type { SeenCall, SeenConference, SpaceClient } from '../signalwire/space-client';
import { createCallLookups } from './call-lookups';
import type { Lease } from './lease';
import { createRequestBudget, furtherPages } from './request-budget';
import { isIn, isOpen, type RoomState, type Stay, supervisorsOf } from './room';
import type { ObservedParticipant } from './room-event';
import type { RoomName } from './room-name';
import { createRoomTurns } from './room-turns';
import type { Rooms } from './rooms';
import { runningByRoom, toObserved } from './space-observer';

export interface SweepOptions {
  rooms: Pick<Rooms, 'listStored' | 'read' | 'record' | 'served'>;
  space: Pick<SpaceClient, 'listConferences' | 'listParticipants' | 'findCall'>;
  lease: Lease;
  /** The person on a call, by its numbers. */
  identify: (call: SeenCall, isModerator: boolean) => NonNullable<ObservedParticipant['person']>;
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

/** How often a supervised room is compared with the Space, in milliseconds; twice within the 10 s we promise. */
const INTERVAL_MS = 2_500;

/** How long a room that is or may be supervised may wait before the log warns, in milliseconds. */
const MAX_WAIT_MS = 10_000;

/**
 * Compares rooms with the Space: adds participants who were missed, removes those who are gone. The enforcer corrects
 * supervisors as after any other event.
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
  /** So many at once that a slow Space does not keep the budget from being used. */
  const width = requestsPerSecond;
  let latestRound = 0;
  let supervised: Promise<void> | undefined;
  let others = Promise.resolve();
  let isFailing = false;
  const timer = intervalMs === 0 ? undefined : setInterval(tick, intervalMs).unref();

  function tick(): void {
    if (supervised === undefined) {
      void round();
    } else {
      // The lease must not lapse during a slow round.
      void lease.take();
    }
  }

  async function round(): Promise<void> {
    supervised ??= begin().finally(() => {
      supervised = undefined;
    });
    await supervised;
    await others;
  }

  /** Compares the supervised rooms; the others follow until the next round. */
  async function begin(): Promise<void> {
    const number = ++latestRound;
    budget.refill();
    const holder = await lease.take();
    if (holder === "another's" || !budget.has(2)) {
      return;
    }
    const failures: unknown[] = [];
    try {
      const listedAt = monotonicNow();
      const conferences = await listConferences();
      // While the store is away, each server compares the rooms it has served.
      const listed = holder === 'ours' ? await rooms.listStored() : 'unknown';
      const supervisors =
        listed === 'unknown'
          ? await countLocally(rooms.served())
          : new Map(listed.map((entry) => [entry.room, entry.supervisors]));
      const known = new Set([...supervisors.keys(), ...(listed === 'unknown' ? rooms.served() : conferences.keys())]);
      turns.forgetAllBut(known);
      const due = [...known].sort((one, other) => turns.of(one).triedAt - turns.of(other).triedAt);
      const isSupervised = (room: RoomName) => (supervisors.get(room) ?? 0) > 0 || turns.of(room).isSupervised === true;
      const isUnknown = (room: RoomName) => !supervisors.has(room) && turns.of(room).isSupervised === undefined;
      const compareTask = (room: RoomName) => async () => {
        const conference = conferences.get(room);
        // A room without a conference costs nothing: the list was enough.
        if (conference === undefined || budget.has(1)) {
          await compare(room, conference, listedAt).catch((err) => failures.push(err));
        }
      };
      const urgent = due.filter(isSupervised);
      const unknown = due.filter(isUnknown);
      const rest = due.filter((room) => !isSupervised(room) && !isUnknown(room));
      await inParallel(urgent.map(compareTask), width);
      warnIfLate([...urgent, ...unknown]);
      others = compareOthers(number, unknown.map(compareTask), rest.map(compareTask)).then(() => settle(failures));
    } catch (err) {
      settle([err]);
      await lease.release();
    }
  }

  /** Rooms that may be supervised come first; then calls and rooms take turns, so that neither waits for all of the other. */
  async function compareOthers(number: number, unknown: readonly Task[], rest: readonly Task[]): Promise<void> {
    const isOver = () => number !== latestRound;
    await inParallel(unknown, width, isOver);
    await inParallel(alternate(lookups.tasks(), rest), width, isOver);
    await inParallel(lookups.tasks(), width, isOver);
  }

  function settle([failure]: readonly unknown[]): void {
    if (failure !== undefined && !isFailing) {
      log.warn({ err: failure }, 'Rooms could not be compared with the Space; this is tried again');
    }
    isFailing = failure !== undefined;
  }

  async function listConferences(): Promise<Map<RoomName, SeenConference>> {
    budget.spend(2);
    const conferences = await space.listConferences();
    budget.spend(furtherPages(conferences));
    return runningByRoom(conferences);
  }

  async function countLocally(served: readonly RoomName[]): Promise<Map<RoomName, number>> {
    const counts = new Map<RoomName, number>();
    const count = (room: RoomName) => async () => {
      const found = await rooms.read(room);
      if (found.isKnown) {
        counts.set(room, supervisorsOf(found.state).length);
      }
    };
    await inParallel(served.map(count), width);
    return counts;
  }

  async function compare(room: RoomName, listed: SeenConference | undefined, listedAt: number): Promise<void> {
    turns.of(room).triedAt = monotonicNow();
    budget.spend(listed === undefined ? 0 : 1);
    const found = await rooms.read(room);
    const state = found.isKnown ? found.state : undefined;
    // A list can be behind; while somebody is in by what we know, the conference itself is asked.
    const isBelieved = state?.stays.some(isIn) === true && budget.has(1);
    let conferenceSid = listed?.conferenceSid ?? (isBelieved ? state?.conference?.sid : undefined);
    let askedAt = listedAt;
    let participants: ObservedParticipant[] = [];
    if (conferenceSid !== undefined) {
      askedAt = monotonicNow();
      budget.spend(listed === undefined ? 1 : 0);
      const seen = await space.listParticipants(conferenceSid);
      budget.spend(seen === undefined || seen.length === 0 ? 1 : furtherPages(seen));
      if (seen === undefined && listed !== undefined) {
        // It ended since it was listed.
        return;
      }
      conferenceSid = seen && conferenceSid;
      participants = (seen ?? []).map(toObserved).map(lookups.identified);
    }
    // A newcomer who may be a supervisor is recorded with their call, or without it in the next comparison.
    const mayWait = (one: ObservedParticipant) =>
      stayOf(state, one) === undefined &&
      !one.isModerator &&
      one.coaches === 'nobody' &&
      one.person === undefined &&
      !lookups.isAsked(one.callSid);
    await rooms.record(room, {
      kind: 'room-observed',
      conference: conferenceSid && { sid: conferenceSid },
      participants: participants.filter((one) => !mayWait(one)),
      agoMs: monotonicNow() - askedAt,
    });
    for (const participant of participants) {
      if (conferenceSid !== undefined && !isKnown(stayOf(state, participant))) {
        lookups.ask({ room, conferenceSid, participant, askedAt });
      }
    }
    turns.of(room).comparedAt = monotonicNow();
    turns.of(room).isSupervised = participants.some((one) => isSupervisor(state, one));
  }

  function warnIfLate(due: readonly RoomName[]): void {
    const late = due.filter((room) => monotonicNow() - turns.of(room).comparedAt > MAX_WAIT_MS);
    if (late.length > 0) {
      log.warn({ rooms: late.length }, 'Supervised rooms are compared too rarely: raise SWEEP_REQUESTS_PER_SECOND');
    }
  }

  return {
    round,
    async close() {
      clearInterval(timer);
      await lease.release();
    },
  };
}

function stayOf(state: RoomState | undefined, { callSid }: ObservedParticipant): Stay | undefined {
  return state?.stays.find((stay) => stay.callSid === callSid && isOpen(stay));
}

/** Whether our own webhook told of this stay; a callback alone cannot tell a supervisor from a caller. */
function isKnown(stay: Stay | undefined): boolean {
  return stay?.arrivedAt !== undefined && stay.role !== 'unknown';
}

function isSupervisor(state: RoomState | undefined, participant: ObservedParticipant): boolean {
  const { coaches, person } = participant;
  return coaches !== 'nobody' || person?.role === 'supervisor' || stayOf(state, participant)?.supervision !== undefined;
}
