import { randomUUID } from 'node:crypto';
import type { Callbacks } from './callbacks';
import type { Clock } from './clock';
import type { Method } from './laml-parser';

/** A recording of a conference or of a call. */
export interface Recording {
  sid: string;
  conferenceSid: string | undefined;
  callSid: string | undefined;
  status: 'in-progress' | 'paused' | 'stopped' | 'completed';
  startedAt: number;
  updatedAt: number;
  /** Length at the last change of status, in simulated milliseconds. */
  recordedMs: number;
  /** Whether a pause is left out or recorded as silence. */
  pauseBehavior: 'skip' | 'silence';
  /** Shown by REST; has no effect. */
  trim: 'trim-silence' | 'do-not-trim';
  callback: string | undefined;
  method: Method;
  events: readonly string[];
}

export interface Recordings {
  all(): readonly Recording[];
  start(what: {
    conferenceSid?: string;
    callSid?: string;
    callback: string | undefined;
    method: Method;
    events: readonly string[];
    trim: Recording['trim'];
  }): Recording;
  /** Changes the status of a recording that is not finished. */
  update(
    recording: Recording,
    status: 'in-progress' | 'paused' | 'stopped',
    pauseBehavior: Recording['pauseBehavior'],
  ): void;
  /** Completes the recordings of a conference or call that is over. */
  stopAll(of: { conferenceSid?: string; callSid?: string }): void;
  delete(recording: Recording): void;
  /** In whole seconds. */
  durationOf(recording: Recording): number;
}

/** Whether it can only be deleted. */
export function isFinished({ status }: Recording): boolean {
  return status === 'stopped' || status === 'completed';
}

/** What started it, as REST and callbacks name it. */
export function sourceOf({ conferenceSid }: Recording): string {
  return conferenceSid === undefined ? 'StartCallRecordingApi' : 'Conference';
}

export function createRecordings(options: { accountSid: string; clock: Clock; callbacks: Callbacks }): Recordings {
  const { accountSid, clock, callbacks } = options;
  const all = new Set<Recording>();

  function recordedMs({ status, recordedMs, updatedAt, pauseBehavior }: Recording): number {
    const runs = status === 'in-progress' || (status === 'paused' && pauseBehavior === 'silence');
    return recordedMs + (runs ? clock.now() - updatedAt : 0);
  }

  function change(recording: Recording, status: Recording['status']): void {
    recording.recordedMs = recordedMs(recording);
    recording.status = status;
    recording.updatedAt = clock.now();
    const event = status === 'stopped' ? 'completed' : status;
    if (recording.callback !== undefined && recording.events.includes(event)) {
      const fields = {
        AccountSid: accountSid,
        RecordingSid: recording.sid,
        RecordingUrl: `https://recordings.example.com/${recording.sid}.wav`,
        RecordingStatus: event,
        RecordingDuration: String(recordings.durationOf(recording)),
        RecordingChannels: '1',
        RecordingSource: sourceOf(recording),
        // Not the ConferenceSid, which the documentation does not promise: servers must put the room into the URL.
        ...(recording.callSid !== undefined && { CallSid: recording.callSid }),
      };
      callbacks.send({ url: recording.callback, method: recording.method, fields: () => fields });
    }
  }

  const recordings: Recordings = {
    all: () => [...all],

    start({ conferenceSid, callSid, ...rest }) {
      const now = clock.now();
      const recording: Recording = {
        sid: randomUUID(),
        conferenceSid,
        callSid,
        status: 'paused',
        startedAt: now,
        updatedAt: now,
        recordedMs: 0,
        pauseBehavior: 'skip',
        ...rest,
      };
      all.add(recording);
      change(recording, 'in-progress');
      return recording;
    },

    update(recording, status, pauseBehavior) {
      if (recording.status !== status) {
        change(recording, status);
        recording.pauseBehavior = pauseBehavior;
      }
    },

    stopAll({ conferenceSid, callSid }) {
      for (const recording of all) {
        const isMeant =
          conferenceSid === undefined ? recording.callSid === callSid : recording.conferenceSid === conferenceSid;
        if (isMeant && !isFinished(recording)) {
          change(recording, 'completed');
        }
      }
    },

    delete(recording) {
      all.delete(recording);
    },

    durationOf: (recording) => Math.floor(recordedMs(recording) / 1000),
  };
  return recordings;
}
