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
  /** What was recorded before it was paused last, in simulated milliseconds. */
  recordedMs: number;
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
  }): Recording;
  /** Does nothing to one that is over. */
  update(recording: Recording, status: 'in-progress' | 'paused' | 'stopped'): void;
  /** Ends those of a conference or a call that is over. */
  stopAll(of: { conferenceSid?: string; callSid?: string }): void;
  delete(recording: Recording): void;
  /** In whole seconds. */
  durationOf(recording: Recording): number;
}

export function createRecordings(options: { accountSid: string; clock: Clock; callbacks: Callbacks }): Recordings {
  const { accountSid, clock, callbacks } = options;
  const all = new Set<Recording>();

  function recordedMs({ status, recordedMs, updatedAt }: Recording): number {
    return recordedMs + (status === 'in-progress' ? clock.now() - updatedAt : 0);
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
        // The ConferenceSid is not promised: servers must carry their own correlation in the address.
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
        ...rest,
      };
      all.add(recording);
      change(recording, 'in-progress');
      return recording;
    },

    update(recording, status) {
      const isOver = recording.status === 'stopped' || recording.status === 'completed';
      if (!isOver && recording.status !== status) {
        change(recording, status);
      }
    },

    stopAll({ conferenceSid, callSid }) {
      for (const recording of all) {
        const isMeant =
          conferenceSid === undefined ? recording.callSid === callSid : recording.conferenceSid === conferenceSid;
        if (isMeant && (recording.status === 'in-progress' || recording.status === 'paused')) {
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
