import { type Fields, textOf } from '../signalwire/fields';
import { isForeignAccount, optionalSid } from './conference-events';
import type { RecordingReported } from './room-event';

/** Our status for each `RecordingStatus`. Documented of callbacks are `in-progress`, `completed` and `absent`. */
const STATUSES: ReadonlyMap<string | undefined, string> = new Map([
  ['queued', 'queued'],
  ['in-progress', 'in-progress'],
  ['resumed', 'in-progress'],
  ['paused', 'paused'],
  ['stopped', 'stopped'],
  ['completed', 'completed'],
  ['absent', 'absent'],
  ['failed', 'failed'],
]);

/**
 * Parses the status callback of a recording. The address of the recording, a secret, stays out.
 *
 * @param options.accountSid our account; undefined when we do not know it
 * @returns undefined without a RecordingSid, and for a status that we do not know
 * @throws RequestError 400 for an invalid SID
 */
export function parseRecordingEvent(
  fields: Fields,
  { accountSid }: { accountSid: string | undefined },
): (RecordingReported & { ageMs: number; isForeign: boolean | undefined }) | undefined {
  const recordingSid = optionalSid(fields, 'RecordingSid');
  const callSid = optionalSid(fields, 'CallSid');
  const conferenceSid = optionalSid(fields, 'ConferenceSid');
  const status = STATUSES.get(textOf(fields, 'RecordingStatus')?.toLowerCase());
  if (recordingSid === undefined || status === undefined) {
    return undefined;
  }
  const isForeign = isForeignAccount(fields, accountSid);
  // The callback has no date.
  return { kind: 'recording-reported', recordingSid, callSid, conferenceSid, status, ageMs: 0, isForeign };
}
