import type { Task } from '../ops/in-parallel';
import { putLast } from '../ops/put-last';
import type { ConferenceApi, SpaceRecording } from '../signalwire/conference-api';
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

/** How long REST may lack a recording, in milliseconds. After that there is none. */
const UNKNOWN_MS = 60_000;

/** How many recordings are remembered. */
const MAX_RECORDINGS = 10_000;

interface Unfinished {
  room: RoomName;
  recordingSid: Sid;
  dueAt: number;
  /** Since when REST has lacked it; undefined if it has not. */
  missingSince: number | undefined;
}

export function createRecordingChecks({ rooms, space, budget, monotonicNow }: RecordingChecksOptions): RecordingChecks {
  const unfinished = new Map<string, Unfinished>();
  // A call takes its recordings along to another room.
  const keyOf = ({ room, recordingSid }: Pick<Unfinished, 'room' | 'recordingSid'>) => `${room} ${recordingSid}`;

  async function check(one: Unfinished): Promise<void> {
    if (!budget.has(1)) {
      return;
    }
    const { room, recordingSid } = one;
    one.dueAt = monotonicNow() + INTERVAL_MS;
    const found = await rooms.read(room);
    if (!found.isKnown) {
      return;
    }
    const known = found.state.recordings?.find((other) => other.recordingSid === recordingSid);
    if (known === undefined || isFinishedRecording(known.status)) {
      unfinished.delete(keyOf(one));
      return;
    }
    if (!budget.has(1)) {
      return;
    }
    budget.spend(1);
    const askedAt = monotonicNow();
    let seen: SpaceRecording | undefined;
    try {
      seen = await space.findRecording(recordingSid);
    } catch {
      // The next check repeats it.
      return;
    }
    one.missingSince = seen === undefined ? (one.missingSince ?? askedAt) : undefined;
    if (one.missingSince !== undefined && askedAt - one.missingSince < UNKNOWN_MS) {
      return;
    }
    const { callSid, conferenceSid, status } = seen ?? { ...known, status: 'absent' };
    const recordings = [{ recordingSid, callSid, conferenceSid, status }];
    await rooms.record(room, { kind: 'recordings-observed', recordings, ageMs: monotonicNow() - askedAt });
  }

  return {
    add({ room, recordings = [] }) {
      for (const { recordingSid, status } of recordings) {
        const key = keyOf({ room, recordingSid });
        if (!isFinishedRecording(status) && !unfinished.has(key)) {
          putLast(unfinished, key, { room, recordingSid, dueAt: 0, missingSince: undefined }, MAX_RECORDINGS);
        }
      }
    },
    *tasks() {
      for (const one of [...unfinished.values()].filter(({ dueAt }) => dueAt <= monotonicNow())) {
        yield () => check(one);
      }
    },
  };
}
