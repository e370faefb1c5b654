import { isFinishedRecording } from '../signalwire/rest-resources';
import type { Sid } from '../signalwire/sid';

/** What a room knows of a recording. Its address at the Space is a secret and never here. */
export interface RecordingState {
  recordingSid: Sid;
  /** The recorded call; undefined for the recording of a conference, or if nothing has told it yet. */
  callSid?: Sid | undefined;
  /** The recorded conference; undefined for the recording of a call, or if nothing has told it yet. */
  conferenceSid?: Sid | undefined;
  /** As the Space names it: `queued`, `in-progress`, `paused`, `stopped`, `completed`, `absent` (empty), `failed`. */
  status: string;
  /** When it got this status, as far as is known, by the store's clock in milliseconds since 1970. */
  changedAt: number;
  /** Whether we asked the Space to pause it, and REST has not shown it running since. */
  isPausedByUs?: true | undefined;
}

/** Whether a recording takes down what is said, or is about to. */
export function isRunningRecording({ status }: Pick<RecordingState, 'status'>): boolean {
  return status !== 'paused' && !isFinishedRecording(status);
}

/** Whether a stored value has the shape of a {@link RecordingState} that the rules rely on. */
export function isRecordingState({ recordingSid, status, changedAt }: Readonly<Record<string, unknown>>): boolean {
  return typeof recordingSid === 'string' && typeof status === 'string' && typeof changedAt === 'number';
}
