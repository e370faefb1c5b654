import { withDeadline } from '../ops/deadline';
import { groupBy } from '../ops/group-by';
import { inParallel } from '../ops/in-parallel';
import type { ConferenceApi, Deadline, SpaceConference, SpaceParticipant } from '../signalwire/conference-api';
import { parseRoomName, type RoomName } from './room';
import type { ObservedParticipant, RoomObserved } from './room-event';

/** A room as REST showed it. */
export interface Observation {
  room: RoomName;
  event: RoomObserved & { ageMs: number };
}

/** Reads rooms by REST, the second source beside the store. Rejects if the Space fails or is late. */
export interface SpaceObserver {
  observe(room: RoomName): Promise<Observation>;
  /**
   * Reads the rooms with the newest conferences, 50 at most, and leaves out those that took longer than `withinMs`
   * milliseconds. Rejects if no room could be read.
   */
  observeAll(withinMs: number): Promise<Observation[]>;
}

type ConferenceLists = Pick<ConferenceApi, 'listConferences' | 'listParticipants'>;

/** `observeAll` reads at most this many rooms, and this many at a time, because a call waits for it. */
const MAX_ROOMS = 50;
const CONCURRENCY = 8;

/**
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

/** The running conference of each room. Leaves out conferences whose names are not valid for a room. */
export function runningByRoom(conferences: readonly SpaceConference[]): Map<RoomName, SpaceConference> {
  const byRoom = groupBy(conferences, ({ room }) => parseRoomName(room));
  return new Map(
    [...byRoom].flatMap(([room, several]): [RoomName, SpaceConference][] =>
      room === undefined ? [] : [[room, pickRunning(several) as SpaceConference]],
    ),
  );
}

/** Of several conferences of one room, the one that has started, or else the newest. */
function pickRunning(conferences: readonly SpaceConference[]): SpaceConference | undefined {
  return [...conferences].sort(
    (one, other) => Number(other.hasStarted) - Number(one.hasStarted) || one.ageMs - other.ageMs,
  )[0];
}

/** A participant from the REST client, in the form of our events. */
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
