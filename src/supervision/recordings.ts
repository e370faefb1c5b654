import type { Logger } from 'pino';
import type { ActionReason } from '../rooms/action';
import type { RecordingState } from '../rooms/recording';
import type { RoomName } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import type { ConferenceApi, RecordingAudio, SpaceRecording } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import { type Refusal, reasonOf } from './action-runner';
import { type Ask, createRecordingLists } from './recording-lists';

/** A recording as the room remembers it, with what REST has just told of it. */
export interface ListedRecording extends RecordingState {
  /** When it began, in milliseconds since 1970 by the store's clock; undefined if REST did not tell. */
  startedAt?: number | undefined;
  /** Undefined if REST did not tell. */
  durationSeconds?: number | undefined;
}

export type RecordingList =
  | {
      kind: 'listed';
      /** In the order in which the room learned of them; at most 50. */
      recordings: readonly ListedRecording[];
      /** Why the Space did not tell of all of them: the others are as the room remembers them. */
      failure?: ActionReason | undefined;
      /** The store's clock, in milliseconds since 1970. */
      now: number;
    }
  | { kind: 'refused'; refusal: Refusal };

/** Recordings of a room. No address of a recording leaves them. */
export interface RecordingActions {
  /** What the Space tells of the room's conference and calls, and what the room remembers. */
  list(room: RoomName): Promise<RecordingList>;
  /**
   * Opens the audio of a recording, if it belongs to this room: the room knows it, or its conference has the room's name.
   *
   * @returns undefined if it does not, or there is no audio yet
   * @throws SpaceError
   */
  open(room: RoomName, recordingSid: Sid): Promise<RecordingAudio | undefined>;
}

export interface RecordingActionsOptions {
  rooms: Pick<Rooms, 'record' | 'read'>;
  space: Pick<
    ConferenceApi,
    'listParticipants' | 'listRecordings' | 'findRecording' | 'findConference' | 'downloadRecording'
  >;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  log: Logger;
}

/** How long `list` may take in all, and each of its requests, in milliseconds. */
const LIST_MS = 8_000;
const LIST_REQUEST_MS = 3_000;

export function createRecordingActions(options: RecordingActionsOptions): RecordingActions {
  const { rooms, space, monotonicNow, log } = options;
  const lists = createRecordingLists({ rooms, space, monotonicNow });

  return {
    async list(room) {
      const before = await rooms.read(room);
      if (!before.isKnown) {
        return { kind: 'refused', refusal: 'room-unknown' };
      }
      const until = monotonicNow() + LIST_MS;
      const ask: Ask = (request) =>
        request({ timeoutMs: Math.max(1, Math.min(LIST_REQUEST_MS, until - monotonicNow())) });
      const told = new Map<Sid, SpaceRecording>();
      const failure = await lists
        .visit(before.state, ask, async (found) => {
          for (const one of found) {
            told.set(one.recordingSid, one);
          }
        })
        .then(
          () => undefined,
          (err) => {
            log.warn({ err, room }, 'Recordings could not all be listed');
            return reasonOf(err);
          },
        );
      const after = await rooms.read(room);
      const { state, now } = after.isKnown ? after : before;
      const recordings = (state.recordings ?? []).map((one) => withDetails(one, told.get(one.recordingSid), now));
      return { kind: 'listed', recordings, failure, now };
    },

    async open(room, recordingSid) {
      return (await isOfRoom(room, recordingSid)) ? space.downloadRecording(recordingSid) : undefined;
    },
  };

  /** @throws SpaceError if the room does not know it, and the Space does not answer */
  async function isOfRoom(room: RoomName, recordingSid: Sid): Promise<boolean> {
    const found = await rooms.read(room);
    if (found.isKnown && found.state.recordings?.some((one) => one.recordingSid === recordingSid)) {
      return true;
    }
    const recording = await space.findRecording(recordingSid);
    const conference = recording?.conferenceSid && (await space.findConference(recording.conferenceSid));
    return conference !== undefined && conference.room === room;
  }
}

function withDetails(one: RecordingState, told: SpaceRecording | undefined, now: number): ListedRecording {
  // An age of 1 ms means that the Space gave no date.
  const startedAt = told === undefined || told.startedAgeMs === 1 ? undefined : now - told.startedAgeMs;
  return { ...one, startedAt, durationSeconds: told?.durationSeconds };
}
