import type { Logger } from 'pino';
import { runAll } from '../ops/in-parallel';
import { type ActionReason, latestOnRecordings } from '../rooms/action';
import { isRunningRecording, type RecordingState } from '../rooms/recording';
import { isInConference, type RoomName, type RoomState, type Stay, targetOf } from '../rooms/room';
import type { RecordingOpened } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import type { ByteRange } from '../signalwire/byte-range';
import {
  type ConferenceApi,
  type Deadline,
  type RecordingAudio,
  SpaceError,
  type SpaceRecording,
} from '../signalwire/conference-api';
import { isFinishedRecording } from '../signalwire/rest-resources';
import type { Sid } from '../signalwire/sid';
import { ActionFailure, type ActionRunner, type RunningAction, reasonOf } from './action-runner';
import { lateRecordings } from './late-recordings';
import type { ActionResult, RefusedAction } from './recorded-action';
import { type Ask, conferenceOf, createRecordingLists, REQUESTS_AT_ONCE, unfinishedIn } from './recording-lists';
import { createRecordingOpenings } from './recording-openings';

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
  | RefusedAction;

/**
 * Actions on the recordings of a room. None rejects, except `open`. They resolve when the action is confirmed, has failed,
 * or was refused. No address of a recording leaves them.
 */
export interface RecordingActions {
  /**
   * Starts to record the moderator's call. The request is never repeated; after one without an answer, the Space's list
   * decides. Fails with `already-recording` if a recording of that call is not over. Refused: `no-conference`,
   * `no-moderator`, `busy`.
   */
  start(room: RoomName, by: string): Promise<ActionResult>;
  /**
   * Pauses every recording that runs in the room: those of the conference and those of each call in it. Confirmed only if
   * a last list shows none that runs, and none that the room thinks so is missing. If one cannot be paused, the others
   * are, and the action fails.
   *
   * Refused: `no-conference`.
   */
  pause(room: RoomName, by: string): Promise<ActionResult>;
  /**
   * Resumes the recordings of the conference and of the calls in it that we paused and that are paused still. Others stay
   * as they are. Refused: `busy`.
   */
  resume(room: RoomName, by: string): Promise<ActionResult>;
  /**
   * Pauses what runs in this state of a room although the latest request was a pause, if REST shows it running, too: see
   * {@link lateRecordings}. Returns at once.
   */
  pauseLate(state: RoomState): void;
  /** Stops a recording of this room. Refused: `no-recording`; `space-away` if only the Space could tell, and did not. */
  stop(room: RoomName, recordingSid: Sid, by: string): Promise<ActionResult>;
  /** What the Space tells of the room's conference and calls, and what the room remembers. */
  list(room: RoomName): Promise<RecordingList>;
  /**
   * Opens the audio of a recording, if it belongs to this room: the room knows it, or its conference has the room's name.
   * The audit trail says who did, before anybody gets the audio; see {@link createRecordingOpenings}.
   *
   * Refused: `no-recording` if it does not, or there is no audio yet; `store-away` if the trail cannot be written.
   *
   * @param range the part to send; a Space that serves no ranges sends the whole
   * @throws SpaceError with status 416 if the range is beyond the end
   */
  open(
    room: RoomName,
    recordingSid: Sid,
    by: string,
    range?: ByteRange,
  ): Promise<{ kind: 'opened'; audio: RecordingAudio } | RefusedAction>;
}

export interface RecordingActionsOptions {
  runner: ActionRunner;
  rooms: Pick<Rooms, 'record' | 'recordNow' | 'read'>;
  space: Pick<
    ConferenceApi,
    | 'listParticipants'
    | 'listConferences'
    | 'listRecordings'
    | 'findRecording'
    | 'findConference'
    | 'startRecording'
    | 'changeRecording'
    | 'downloadRecording'
  >;
  /** The address for the Space's callbacks about a recording of this room. */
  callbackUrl: (room: RoomName) => string;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  log: Logger;
}

/** Deadline of each request after a start or a resumption that may be overtaken by a pause, in milliseconds. */
const LATE_REQUEST_MS = 3_000;

/** How long `list` may take in all, and each of its requests, in milliseconds. */
const LIST_MS = 8_000;
const LIST_REQUEST_MS = 3_000;

export function createRecordingActions(options: RecordingActionsOptions): RecordingActions {
  const { runner, rooms, space, callbackUrl, monotonicNow, log } = options;
  const lists = createRecordingLists({ rooms, space, monotonicNow });
  const openings = createRecordingOpenings({ rooms, monotonicNow });
  /** Recordings that {@link checkLate} is about. */
  const beingChecked = new Set<Sid>();

  return {
    async start(room, by) {
      const before = await readConference(room);
      if (before.kind === 'refused') {
        return before;
      }
      const recordedCall = moderatorIn(before.state)?.callSid;
      if (recordedCall === undefined) {
        return { kind: 'refused', refusal: 'no-moderator' };
      }
      return runner.run(room, { name: 'record', by, recordedCall }, async (running) => {
        const { id, state, readUntil } = running;
        const started = await startOnce(running, recordedCall);
        const { recordingSid } = started;
        try {
          await lists.note(state, started);
          await rooms.record(room, { kind: 'action-updated', id, status: 'requested', recordingSid, ageMs: 0 });
          await readUntil(
            (deadline) => lists.read(state, recordingSid, deadline),
            (seen) => seen?.status === 'in-progress' || seen?.status === 'paused',
          );
        } finally {
          await pauseIfOvertaken(room, started);
        }
        return 'confirmed';
      });
    },

    async pause(room, by) {
      const before = await readConference(room);
      if (before.kind === 'refused') {
        return before;
      }
      return runner.run(room, { name: 'pause', by }, async (running) => {
        const listAndPause = async () => {
          const latest = await rooms.read(room);
          return lists.listAll(latest.isKnown ? latest.state : running.state, running.repeat, (some) =>
            runAll(
              some.filter(isRunningRecording).map((one) => () => pauseOne(running, one)),
              REQUESTS_AT_ONCE,
            ),
          );
        };
        // Repeatedly, since new ones may start meanwhile, and REST may be behind.
        await running.readUntil(listAndPause, (found) => !found.some(isRunningRecording));
        return 'confirmed';
      });
    },

    resume: (room, by) =>
      runner.run(room, { name: 'resume', by }, async (running) => {
        const paused = unfinishedIn(running.state).filter(({ isPausedByUs }) => isPausedByUs);
        await runAll(
          paused.map(
            ({ recordingSid }) =>
              () =>
                resumeOne(running, recordingSid),
          ),
          REQUESTS_AT_ONCE,
        );
        return 'confirmed';
      }),

    pauseLate(state) {
      for (const { recordingSid } of lateRecordings(state)) {
        if (!beingChecked.has(recordingSid)) {
          beingChecked.add(recordingSid);
          void checkLate(state, recordingSid).finally(() => beingChecked.delete(recordingSid));
        }
      }
    },

    async stop(room, recordingSid, by) {
      const before = await rooms.read(room);
      if (!before.isKnown) {
        return { kind: 'refused', refusal: 'room-unknown' };
      }
      try {
        if ((await findIn(room, recordingSid)) === undefined) {
          return { kind: 'refused', refusal: 'no-recording' };
        }
      } catch (err) {
        log.warn({ err, room }, 'Recording not stopped: the Space did not tell whether it is of this room');
        return { kind: 'refused', refusal: 'space-away' };
      }
      return runner.run(room, { name: 'stop', by, recordingSid }, async (running) => {
        const seen = await readOne(running, recordingSid);
        if (!isFinishedRecording(seen.status)) {
          await change(running, seen, 'stopped', (later) => later !== undefined && isFinishedRecording(later.status));
        }
        return 'confirmed';
      });
    },

    async list(room) {
      const before = await rooms.read(room);
      if (!before.isKnown) {
        return { kind: 'refused', refusal: 'room-unknown' };
      }
      const until = monotonicNow() + LIST_MS;
      const ask: Ask = (request) =>
        request({ timeoutMs: Math.max(1, Math.min(LIST_REQUEST_MS, until - monotonicNow())) });
      const listed = new Map<Sid, SpaceRecording>();
      /** The room remembers recordings of calls that are gone, but not when they began, or how long they are. */
      const readUnlisted = ({ recordings = [] }: RoomState) =>
        runAll(
          recordings
            .filter(({ recordingSid }) => !listed.has(recordingSid))
            .map(({ recordingSid }) => async () => {
              const found = await ask((deadline) => space.findRecording(recordingSid, deadline));
              if (found !== undefined) {
                listed.set(recordingSid, found);
              }
            }),
          REQUESTS_AT_ONCE,
        );
      const failure = await lists
        .listAll(before.state, ask, async (found) => {
          for (const one of found) {
            listed.set(one.recordingSid, one);
          }
        })
        .then(() => readUnlisted(before.state))
        .then(
          () => undefined,
          (err) => {
            log.warn({ err, room }, 'Recordings could not all be listed');
            return reasonOf(err);
          },
        );
      const after = await rooms.read(room);
      const { state, now } = after.isKnown ? after : before;
      const recordings = (state.recordings ?? []).map((one) => withDetails(one, listed.get(one.recordingSid), now));
      return { kind: 'listed', recordings, failure, now };
    },

    async open(room, recordingSid, by, range) {
      const found = await findIn(room, recordingSid);
      const audio = found && (await space.downloadRecording(recordingSid, { range }));
      if (found === undefined || audio === undefined) {
        return { kind: 'refused', refusal: 'no-recording' };
      }
      if (!(await openings.record(room, found, { by, audio }))) {
        void audio.body.cancel();
        return { kind: 'refused', refusal: 'store-away' };
      }
      return { kind: 'opened', audio };
    },
  };

  /** A room with a conference; refused without one. */
  async function readConference(room: RoomName): Promise<{ kind: 'read'; state: RoomState } | RefusedAction> {
    const found = await rooms.read(room);
    if (!found.isKnown) {
      return { kind: 'refused', refusal: 'room-unknown' };
    }
    const { state } = found;
    return conferenceOf(state) === undefined ? { kind: 'refused', refusal: 'no-conference' } : { kind: 'read', state };
  }

  /**
   * A recording of this room; undefined for any other.
   *
   * @throws SpaceError if the room does not know it, and the Space does not answer
   */
  async function findIn(room: RoomName, recordingSid: Sid): Promise<RecordingOpened['recording'] | undefined> {
    const found = await rooms.read(room);
    if (found.isKnown && found.state.isForeign) {
      return undefined;
    }
    const known = found.isKnown ? found.state.recordings?.find((one) => one.recordingSid === recordingSid) : undefined;
    if (known !== undefined) {
      return known;
    }
    const recording = await space.findRecording(recordingSid);
    const conference = recording?.conferenceSid && (await space.findConference(recording.conferenceSid));
    return conference && conference.room === room ? recording : undefined;
  }

  /**
   * Starts to record a call, once: another request could make a second recording. If it is unclear whether it was made,
   * the list of recordings decides.
   */
  async function startOnce(running: RunningAction, callSid: Sid): Promise<SpaceRecording> {
    const { room, state, current, repeat, readUntil, deadline } = running;
    const list = (one: Deadline) => space.listRecordings({ callSid }, one);
    const listed = await repeat(list);
    await requireUnrecorded(running, callSid, listed);
    // A list can be behind a callback.
    const earlier = [...listed, ...(state.recordings ?? [])].map((one) => one.recordingSid);
    await current();
    try {
      const started = await space.startRecording(callSid, { callback: callbackUrl(room) }, deadline());
      if (started === undefined) {
        throw new ActionFailure('left');
      }
      return started;
    } catch (error) {
      if (!mayHaveStarted(error)) {
        throw error;
      }
      const isNew = ({ recordingSid }: SpaceRecording) => !earlier.includes(recordingSid);
      const later = await readUntil(list, (found) => found.some(isNew))
        // In a stop, or if no time is left.
        .catch(() => list({ timeoutMs: LATE_REQUEST_MS }))
        .catch((): SpaceRecording[] => []);
      const started = later.findLast(isNew);
      if (started === undefined) {
        throw error;
      }
      return started;
    }
  }

  /**
   * Reads the recordings that are unfinished in the room but not in the list, since either can be late.
   *
   * @throws ActionFailure `already-recording`
   */
  async function requireUnrecorded(
    { state, repeat }: RunningAction,
    callSid: Sid,
    listed: readonly SpaceRecording[],
  ): Promise<void> {
    const isUnfinished = ({ status }: Pick<SpaceRecording, 'status'>) => !isFinishedRecording(status);
    const isListed = (sid: Sid) => listed.some(({ recordingSid }) => recordingSid === sid);
    const unlisted = unfinishedIn(state).filter((one) => one.callSid === callSid && !isListed(one.recordingSid));
    const read = unlisted.map((one) => repeat((deadline) => lists.read(state, one.recordingSid, deadline)));
    // One that REST does not know yet has just begun.
    if (
      listed.some(isUnfinished) ||
      (await Promise.all(read)).some((seen) => seen === undefined || isUnfinished(seen))
    ) {
      throw new ActionFailure('already-recording');
    }
  }

  async function pauseOne(running: RunningAction, recording: SpaceRecording): Promise<void> {
    // First, because the answer may be lost.
    await lists.note(running.state, recording, true);
    await change(running, recording, 'paused', (seen) => seen !== undefined && !isRunningRecording(seen));
  }

  async function resumeOne(running: RunningAction, recordingSid: Sid): Promise<void> {
    const seen = await readOne(running, recordingSid);
    if (seen.status !== 'paused') {
      return;
    }
    let isSent = false;
    const send: RunningAction['change'] = (request) =>
      running.change((deadline) => {
        isSent = true;
        return request(deadline);
      });
    try {
      await change(running, seen, 'in-progress', (later) => later !== undefined && later.status !== 'paused', send);
    } finally {
      if (isSent) {
        await pauseIfOvertaken(running.room, seen);
      }
    }
  }

  /** @throws ActionFailure `ineffective` if the Space has no such recording */
  async function readOne({ state, repeat }: RunningAction, recordingSid: Sid): Promise<SpaceRecording> {
    const seen = await repeat((deadline) => lists.read(state, recordingSid, deadline));
    if (seen === undefined) {
      throw new ActionFailure('ineffective');
    }
    return seen;
  }

  /** Changes a recording, and reads it until it is as wanted. What is read decides, also after a failed request. */
  async function change(
    { state, repeat, readUntil }: RunningAction,
    recording: SpaceRecording,
    status: 'paused' | 'in-progress' | 'stopped',
    isAsWanted: (seen: SpaceRecording | undefined) => boolean,
    send = repeat,
  ): Promise<void> {
    const failure = await send((deadline) => space.changeRecording(recording, status, deadline)).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const read = readUntil((deadline) => lists.read(state, recording.recordingSid, deadline, status), isAsWanted);
    await read.catch((error) => {
      throw failure === undefined ? error : failure.error;
    });
  }

  /**
   * Pauses what a start or a resumption may have made run, if the latest request in the room is a pause: that one may be
   * confirmed already. Works in a stop, too, and after the action's time is up.
   *
   * @throws ActionFailure `superseded` if it is
   */
  async function pauseIfOvertaken(room: RoomName, recording: SpaceRecording): Promise<void> {
    const found = await rooms.read(room);
    if (!found.isKnown || latestOnRecordings(found.state)?.name !== 'pause') {
      return;
    }
    const { state } = found;
    const { recordingSid } = recording;
    const deadline = { timeoutMs: LATE_REQUEST_MS };
    beingChecked.add(recordingSid);
    await lists.note(state, recording, true);
    await space.changeRecording(recording, 'paused', deadline).catch(() => {});
    const seen = await lists.read(state, recordingSid, deadline, 'paused').catch(() => undefined);
    beingChecked.delete(recordingSid);
    if (seen === undefined || isRunningRecording(seen)) {
      log.warn({ room }, 'A recording may run although all are to be paused');
    } else {
      log.info({ room }, 'Recording paused, which ran although all are to be paused');
    }
    throw new ActionFailure('superseded');
  }

  /** Pauses a recording if it runs, and a pause is still the latest request. Never rejects. */
  async function checkLate(state: RoomState, recordingSid: Sid): Promise<void> {
    const seen = await lists.read(state, recordingSid, { timeoutMs: LATE_REQUEST_MS }).catch(() => undefined);
    if (seen !== undefined && isRunningRecording(seen)) {
      await pauseIfOvertaken(state.room, seen).catch(() => {});
    }
  }
}

/** The moderator whose call is recorded. */
function moderatorIn(state: RoomState): Stay | undefined {
  const target = targetOf(state);
  return target !== undefined && isInConference(target) ? target : undefined;
}

/** Whether a request may have taken effect although it failed. */
function mayHaveStarted(error: unknown): boolean {
  return error instanceof SpaceError && (error.code !== 'refused' || (error.status ?? 0) >= 500);
}

function withDetails(one: RecordingState, listed: SpaceRecording | undefined, now: number): ListedRecording {
  // An age of 1 ms means that the Space gave no date.
  const startedAt = listed === undefined || listed.startedAgeMs === 1 ? undefined : now - listed.startedAgeMs;
  const { callSid = listed?.callSid, conferenceSid = listed?.conferenceSid } = one;
  return { ...one, callSid, conferenceSid, startedAt, durationSeconds: listed?.durationSeconds };
}
