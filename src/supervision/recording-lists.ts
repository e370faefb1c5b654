import { runAll } from '../ops/in-parallel';
import type { RecordingState } from '../rooms/recording';
import { isInConference, type RoomName, type RoomState } from '../rooms/room';
import type { ObservedRecording } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import { type ConferenceApi, type Deadline, SpaceError, type SpaceRecording } from '../signalwire/conference-api';
import { isFinishedRecording } from '../signalwire/rest-resources';
import type { Sid } from '../signalwire/sid';

/** How many requests about the recordings of one room are made at once. */
export const REQUESTS_AT_ONCE = 8;

/** Makes a request to the Space, perhaps repeatedly. */
export type Ask = <T>(request: (deadline: Deadline) => Promise<T>) => Promise<T>;

type FoundRecording = Pick<SpaceRecording, 'recordingSid' | 'status'>;

/** The recordings of a room at the Space. */
export interface RecordingLists {
  /**
   * Lists the recordings of the room's conference and of every call in it. Each is read into the state of the room, and
   * passed to `onFound` once, as soon as it is known: a list that hangs delays no other.
   *
   * One request for the participants (three if the conference is over), one for each list, and one for each unfinished
   * recording of the room; {@link REQUESTS_AT_ONCE} at once, and as many more for participants whom the room does not know.
   *
   * @returns the recordings; those that are unfinished in the room and missing at the Space, as the room has them
   * @throws the first error, of a request or of `onFound`, after all else is done
   */
  listAll(state: RoomState, ask: Ask, onFound?: (found: SpaceRecording[]) => Promise<void>): Promise<FoundRecording[]>;
  /**
   * Reads one recording into the state of the room; undefined if the Space has none.
   *
   * @param asked the status that we have just asked for
   */
  read(state: RoomState, recordingSid: Sid, deadline: Deadline, asked?: string): Promise<SpaceRecording | undefined>;
  /** Notes a recording as the Space has just answered, or that we ask the Space to pause it. */
  note(state: RoomState, recording: SpaceRecording, isPausing?: boolean): Promise<void>;
}

export interface RecordingListsOptions {
  rooms: Pick<Rooms, 'record'>;
  space: Pick<ConferenceApi, 'listParticipants' | 'listConferences' | 'listRecordings' | 'findRecording'>;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
}

export function createRecordingLists({ rooms, space, monotonicNow }: RecordingListsOptions): RecordingLists {
  async function record(
    { room }: RoomState,
    found: readonly SpaceRecording[],
    askedAt: number,
    isPausedByUs?: boolean,
  ): Promise<void> {
    if (found.length > 0) {
      const recordings = found.map((one) => toObserved(one, isPausedByUs));
      await rooms.record(room, { kind: 'recordings-observed', recordings, ageMs: monotonicNow() - askedAt });
    }
  }

  /**
   * The participants of a conference. If it is over, the conferences of its name: another one may have begun unnoticed.
   *
   * @throws SpaceError `unreadable` if the Space lists it, but not its participants
   */
  async function participantsOf(room: RoomName, conferenceSid: Sid, deadline: Deadline) {
    const participants = await space.listParticipants(conferenceSid, deadline);
    const others = participants === undefined ? await space.listConferences(room, deadline) : [];
    if (others.some((one) => one.conferenceSid === conferenceSid)) {
      throw new SpaceError('unreadable', 'The Space lists a conference without its participants.');
    }
    return { participants: participants ?? [], others };
  }

  return {
    async listAll(state, ask, onFound = async () => {}) {
      const { recordings = [] } = state;
      const conferenceSid = conferenceOf(state);
      const known = new Set(recordings.map(({ recordingSid }) => recordingSid));
      const calls = callsIn(state);
      const passedOn = new Map<Sid, SpaceRecording>();

      async function take(request: (deadline: Deadline) => Promise<SpaceRecording[]>): Promise<void> {
        const { listed, askedAt } = await ask(async (deadline) => {
          const askedAt = monotonicNow();
          return { listed: await request(deadline), askedAt };
        });
        // What a call recorded elsewhere before it came here is none of this room's business.
        const found = listed.filter((one) => {
          const isOurs = one.conferenceSid !== undefined && one.conferenceSid === conferenceSid;
          return (
            (isOurs || known.has(one.recordingSid) || !isFinishedRecording(one.status)) &&
            !passedOn.has(one.recordingSid)
          );
        });
        for (const one of found) {
          passedOn.set(one.recordingSid, one);
        }
        await record(state, found, askedAt);
        await onFound(found);
      }

      const listOf = (of: { conferenceSid: Sid } | { callSid: Sid }) => () =>
        take((deadline) => space.listRecordings(of, deadline));
      const missing: RecordingState[] = [];
      const readKnown = (one: RecordingState) => () =>
        take(async (deadline) => {
          const found = await space.findRecording(one.recordingSid, deadline);
          if (found === undefined) {
            missing.push(one);
          }
          return found === undefined ? [] : [found];
        });
      /** Lists what the room does not know because callbacks were lost: participants, and another conference. */
      const listUnknown = (of: Sid) => async () => {
        const { participants, others } = await ask((deadline) => participantsOf(state.room, of, deadline));
        const unknown = participants.filter(({ callSid }) => !calls.has(callSid));
        const tasks = [
          ...unknown.map(({ callSid }) => listOf({ callSid })),
          ...others.flatMap(({ conferenceSid }) => [listOf({ conferenceSid }), listUnknown(conferenceSid)]),
        ];
        await runAll(tasks, REQUESTS_AT_ONCE);
      };
      const tasks = [
        ...(conferenceSid === undefined ? [] : [listOf({ conferenceSid }), listUnknown(conferenceSid)]),
        ...[...calls].map((callSid) => listOf({ callSid })),
        // A list can be behind a callback.
        ...unfinishedIn(state).map(readKnown),
      ];
      await runAll(tasks, REQUESTS_AT_ONCE);
      return [...passedOn.values(), ...missing.filter(({ recordingSid }) => !passedOn.has(recordingSid))];
    },

    async read(state, recordingSid, deadline, asked) {
      const askedAt = monotonicNow();
      const seen = await space.findRecording(recordingSid, deadline);
      if (seen !== undefined) {
        const isDone = asked !== undefined && seen.status === asked && !isFinishedRecording(asked);
        await record(state, [seen], askedAt, isDone ? asked === 'paused' : undefined);
      }
      return seen;
    },

    note: (state, recording, isPausing) => record(state, [recording], monotonicNow(), isPausing),
  };
}

/** The recordings of the conference and of the calls in it that may go on. A call that left took its own along. */
export function unfinishedIn(state: RoomState): RecordingState[] {
  const conferenceSid = conferenceOf(state);
  const calls = callsIn(state);
  return (state.recordings ?? []).filter(
    (one) =>
      !isFinishedRecording(one.status) &&
      (one.callSid === undefined || calls.has(one.callSid)) &&
      (one.conferenceSid === undefined || one.conferenceSid === conferenceSid),
  );
}

/** The calls in a room's conference. */
function callsIn({ stays }: RoomState): ReadonlySet<Sid> {
  return new Set(stays.filter(isInConference).map(({ callSid }) => callSid));
}

/** The conference in a room; undefined if there is none. */
export function conferenceOf({ conference, stays }: RoomState): Sid | undefined {
  return (
    conference?.sid ?? stays.find((stay) => isInConference(stay) && stay.conferenceSid !== undefined)?.conferenceSid
  );
}

function toObserved(
  { recordingSid, callSid, conferenceSid, status }: SpaceRecording,
  isPausedByUs: boolean | undefined,
): ObservedRecording {
  return { recordingSid, callSid, conferenceSid, status, ...(isPausedByUs !== undefined && { isPausedByUs }) };
}
