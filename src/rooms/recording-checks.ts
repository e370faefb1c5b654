import type { Task } from '../ops/in-parallel';
import { putLast } from '../ops/put-last';
import type { ConferenceApi } from '../signalwire/conference-api';
import { isFinishedRecording } from '../signalwire/rest-resources';
import type { Sid } from '../signalwire/sid';
import type { RequestBudget } from './request-budget';
import type { RoomName, RoomState } from './room';
import type { Rooms } from './rooms';

export interface RecordingChecksOptions {
  rooms: Pick<Rooms, 'read' | 'record'>;
  space: Pick<ConferenceApi, 'findRecording'>;
  budget: RequestBudget;
  monotonicNow: () => number;
}

/** Reads the recordings that are not over now and then, because their callbacks can be lost. */
export interface RecordingChecks {
  /** Adds the unfinished recordings of a room. They are read until they are over, also when nobody is in any more. */
  add(state: RoomState): void;
  /** Reads those that are due, for one request each. They never reject. */
  tasks(): Iterable<Task>;
}

/** How often a recording is read, in milliseconds. */
const INTERVAL_MS = 10_000;

/** How long REST may lack a recording that a callback has reported, in milliseconds. After that there is none. */
const UNKNOWN_MS = 60_000;

/** How many recordings are remembered. */
const MAX_RECORDINGS = 10_000;

export function createRecordingChecks({ rooms, space, budget, monotonicNow }: RecordingChecksOptions): RecordingChecks {
  const unfinished = new Map<Sid, { room: RoomName; dueAt: number }>();

  async function check(recordingSid: Sid, room: RoomName): Promise<void> {
    if (!budget.has(1)) {
      return;
    }
    putLast(unfinished, recordingSid, { room, dueAt: monotonicNow() + INTERVAL_MS }, MAX_RECORDINGS);
    budget.spend(1);
    const found = await rooms.read(room);
    if (!found.isKnown) {
      return;
    }
    const known = found.state.recordings?.find((one) => one.recordingSid === recordingSid);
    if (known === undefined || isFinishedRecording(known.status)) {
      unfinished.delete(recordingSid);
      return;
    }
    const askedAt = monotonicNow();
    // The next check repeats one that failed.
    const seen = await space.findRecording(recordingSid).catch(() => known);
    const isGone = seen === undefined && found.now - known.changedAt > UNKNOWN_MS;
    if (seen === known || (seen === undefined && !isGone)) {
      return;
    }
    const { callSid, conferenceSid, status } = seen ?? { ...known, status: 'absent' };
    const recordings = [{ recordingSid, callSid, conferenceSid, status }];
    await rooms.record(room, { kind: 'recordings-observed', recordings, ageMs: monotonicNow() - askedAt });
  }

  return {
    add(state) {
      for (const { recordingSid, status } of state.recordings ?? []) {
        if (!isFinishedRecording(status) && !unfinished.has(recordingSid)) {
          putLast(unfinished, recordingSid, { room: state.room, dueAt: 0 }, MAX_RECORDINGS);
        }
      }
    },
    *tasks() {
      const due = [...unfinished].filter(([, { dueAt }]) => dueAt <= monotonicNow());
      for (const [recordingSid, { room }] of due) {
        yield () => check(recordingSid, room);
      }
    },
  };
}
