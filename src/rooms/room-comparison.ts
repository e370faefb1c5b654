import type { ConferenceApi, SpaceConference } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import type { CallLookups } from './call-lookups';
import type { RecordingChecks } from './recording-checks';
import { extraRequests, type RequestBudget } from './request-budget';
import { isInConference, isOpen, type RoomName, type RoomState, type Stay } from './room';
import type { ObservedParticipant } from './room-event';
import type { Rooms } from './rooms';
import { toObserved } from './space-observer';
import type { SweepHistory } from './sweep-history';

export interface RoomComparisonOptions {
  rooms: Pick<Rooms, 'read' | 'record'>;
  space: Pick<ConferenceApi, 'listParticipants'>;
  budget: RequestBudget;
  history: SweepHistory;
  lookups: CallLookups;
  recordings: RecordingChecks;
  monotonicNow: () => number;
}

/** Compares a room with the Space, and records the result as `room-observed`. Rejects with the Space's error. */
export interface RoomComparison {
  /**
   * Compares a room in the conference that the state knows; does nothing without one. Spends its request before it waits
   * for the state, so that no other room can spend it.
   *
   * @param isListed whether the latest list has a conference of this room. If not, and REST does not know it either, it is over
   */
  compareKnown(room: RoomName, isListed: boolean): Promise<void>;
  /**
   * Compares a room in its listed conference, if there is one.
   *
   * @param conference undefined if the list lacks the room: that costs no request, unless somebody is in the room
   * @param listedAt when the list was asked for, by the monotonic clock
   */
  compareListed(room: RoomName, conference: SpaceConference | undefined, listedAt: number): Promise<void>;
}

export function createRoomComparison(options: RoomComparisonOptions): RoomComparison {
  const { rooms, space, budget, history, lookups, recordings, monotonicNow } = options;

  /** Reads a room, and has its recordings checked. */
  async function stateOf(room: RoomName): Promise<RoomState | undefined> {
    const found = await rooms.read(room);
    if (!found.isKnown) {
      return undefined;
    }
    recordings.add(found.state);
    return found.state;
  }

  /** @param isListed whether the list has this conference; if REST does not know it then, they disagree: no result */
  async function ask(
    room: RoomName,
    state: RoomState | undefined,
    conferenceSid: Sid,
    isListed: boolean,
  ): Promise<void> {
    const askedAt = monotonicNow();
    history.get(room).conferenceSid = conferenceSid;
    const seen = await space.listParticipants(conferenceSid);
    budget.spend(seen === undefined || seen.length === 0 ? 1 : extraRequests(seen));
    if (seen !== undefined) {
      await record(room, state, conferenceSid, seen.map(toObserved).map(lookups.withPerson), askedAt);
    } else if (!isListed) {
      await record(room, state, undefined, [], askedAt);
    } else {
      // The next list decides.
      history.get(room).conferenceSid = undefined;
    }
  }

  async function record(
    room: RoomName,
    state: RoomState | undefined,
    conferenceSid: Sid | undefined,
    participants: readonly ObservedParticipant[],
    askedAt: number,
  ): Promise<void> {
    // A newcomer who may be a supervisor waits until their call is looked up, at most until the next comparison.
    const mayWait = (one: ObservedParticipant) =>
      stayOf(state, one) === undefined &&
      !one.isModerator &&
      one.coachedCall === 'nobody' &&
      one.person === undefined &&
      !lookups.isPending(one.callSid);
    await rooms.record(room, {
      kind: 'room-observed',
      conference: conferenceSid && { sid: conferenceSid },
      participants: participants.filter((one) => !mayWait(one)),
      ageMs: monotonicNow() - askedAt,
    });
    for (const participant of participants) {
      if (conferenceSid !== undefined && !isKnown(stayOf(state, participant))) {
        lookups.add({ room, conferenceSid, participant, askedAt });
      }
    }
    history.get(room).comparedAt = monotonicNow();
    history.get(room).isSupervised = participants.some((one) => isSupervisor(state, one));
  }

  return {
    async compareKnown(room, isListed) {
      history.get(room).triedAt = monotonicNow();
      budget.spend(1);
      const state = await stateOf(room);
      const conferenceSid = believedConference(state);
      if (conferenceSid === undefined) {
        history.get(room).conferenceSid = undefined;
      } else {
        await ask(room, state, conferenceSid, isListed);
      }
    },

    async compareListed(room, conference, listedAt) {
      history.get(room).triedAt = monotonicNow();
      budget.spend(conference === undefined ? 0 : 1);
      const state = await stateOf(room);
      const believed = believedConference(state);
      if (conference !== undefined) {
        await ask(room, state, conference.conferenceSid, true);
      } else if (believed !== undefined && budget.has(1)) {
        // The list can be behind.
        budget.spend(1);
        await ask(room, state, believed, false);
      } else {
        await record(room, state, undefined, [], listedAt);
      }
    },
  };
}

/** The running conference, if the state has anybody in it. */
function believedConference(state: RoomState | undefined): Sid | undefined {
  return state?.stays.some(isInConference) ? state.conference?.sid : undefined;
}

function stayOf(state: RoomState | undefined, { callSid }: ObservedParticipant): Stay | undefined {
  return state?.stays.find((stay) => stay.callSid === callSid && isOpen(stay));
}

/** Whether our webhook announced this stay. A callback alone cannot tell a supervisor from a caller. */
function isKnown(stay: Stay | undefined): boolean {
  return stay?.arrivedAt !== undefined && stay.role !== 'unknown';
}

function isSupervisor(state: RoomState | undefined, participant: ObservedParticipant): boolean {
  const { coachedCall, person } = participant;
  return (
    coachedCall !== 'nobody' || person?.role === 'supervisor' || stayOf(state, participant)?.supervision !== undefined
  );
}
