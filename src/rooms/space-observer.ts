import { withDeadline } from '../ops/deadline';
import { inParallel } from '../ops/in-parallel';
import type { ConferenceApi, Deadline, SpaceConference, SpaceParticipant } from '../signalwire/conference-api';
import type { ObservedParticipant, RoomObserved } from './room-event';
import { parseRoomName, type RoomName } from './room-name';

/** A room as the Space's REST API shows it. */
export interface Observation {
  room: RoomName;
  event: RoomObserved & { ageMs: number };
}

/** The second source: the rooms as the Space itself sees them. Rejects if the Space fails or is late. */
export interface SpaceObserver {
  observe(room: RoomName): Promise<Observation>;
  /**
   * The rooms with the newest conferences, 50 at the most; without those that were not read after `withinMs`
   * milliseconds. Rejects if none was.
   */
  observeAll(withinMs: number): Promise<Observation[]>;
}

/** What of the Space's REST API is used here. */
type ConferenceLists = Pick<ConferenceApi, 'listConferences' | 'listParticipants'>;

/** How many rooms are read for one call, and how many at once. */
const MAX_ROOMS = 50;
const CONCURRENCY = 8;

/**
 * Reads rooms by REST.
 *
 * @param options.deadline of each list; the client's own by default
 * @param options.now milliseconds from any beginning, never going back
 */
export function createSpaceObserver({
  space,
  deadline,
  now,
}: {
  space: ConferenceLists;
  deadline?: Deadline;
  now: () => number;
}): SpaceObserver {
  async function observe(room: RoomName): Promise<Observation> {
    const askedAt = now();
    const running = pickRunning(await space.listConferences(room, deadline));
    return observeConference(room, running, askedAt);
  }

  async function observeConference(
    room: RoomName,
    running: SpaceConference | undefined,
    askedAt = now(),
  ): Promise<Observation> {
    const participants = running && (await space.listParticipants(running.conferenceSid, deadline));
    const event: RoomObserved & { ageMs: number } = {
      kind: 'room-observed',
      conference: participants && running && { sid: running.conferenceSid },
      participants: (participants ?? []).map(toObserved),
      ageMs: now() - askedAt,
    };
    return { room, event };
  }

  return {
    observe,
    async observeAll(withinMs) {
      const askedAt = now();
      const running = [...runningByRoom(await space.listConferences(undefined, deadline))]
        .sort(([, one], [, other]) => one.ageMs - other.ageMs)
        .slice(0, MAX_ROOMS);
      const observations: Observation[] = [];
      const failures: unknown[] = [];
      const tasks = running.map(([room, one]) => async () => {
        const leftMs = withinMs - (now() - askedAt);
        if (leftMs <= 0) {
          failures.push(new Error(`no answer in ${withinMs} ms`));
          return;
        }
        try {
          observations.push(await withDeadline(observeConference(room, one), leftMs));
        } catch (error) {
          failures.push(error);
        }
      });
      await inParallel(tasks, CONCURRENCY);
      if (observations.length === 0 && failures.length > 0) {
        throw failures[0];
      }
      return observations;
    },
  };
}

/** The conferences that run for rooms that can be ours. */
export function runningByRoom(conferences: readonly SpaceConference[]): Map<RoomName, SpaceConference> {
  const byRoom = new Map<RoomName, SpaceConference[]>();
  for (const conference of conferences) {
    const room = parseRoomName(conference.room);
    if (room !== undefined) {
      byRoom.set(room, [...(byRoom.get(room) ?? []), conference]);
    }
  }
  return new Map([...byRoom].map(([room, several]) => [room, pickRunning(several) as SpaceConference]));
}

/** Of several with one name, the one that has started, or else the newest. */
function pickRunning(conferences: readonly SpaceConference[]): SpaceConference | undefined {
  return [...conferences].sort(
    (one, other) => Number(other.hasStarted) - Number(one.hasStarted) || one.ageMs - other.ageMs,
  )[0];
}

/** What REST shows of a participant, as the rules of state take it. */
export function toObserved(seen: SpaceParticipant): ObservedParticipant {
  return {
    callSid: seen.callSid,
    isMuted: seen.isMuted,
    isOnHold: seen.isOnHold,
    coachedCall: seen.target ?? (seen.isCoaching ? undefined : 'nobody'),
    joinAgeMs: seen.joinAgeMs,
    isModerator: seen.endsConference,
  };
}
