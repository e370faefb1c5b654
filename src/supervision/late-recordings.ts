import { latestOnRecordings } from '../rooms/action';
import { isRunningRecording, type RecordingState } from '../rooms/recording';
import { isInConference, type RoomState } from '../rooms/room';

/** How long after a pause an earlier start or resumption may still take effect, in milliseconds. */
const LATE_MS = 60_000;

/**
 * The recordings that run although a finished pause is the latest request, because an earlier request came late. Only those
 * of a conference or a call that was in the room at the pause, or of none that is known; and not long after it.
 */
export function lateRecordings(state: RoomState): RecordingState[] {
  const pause = latestOnRecordings(state);
  if (pause?.name !== 'pause' || pause.status === 'requested' || state.at - pause.requestedAt > LATE_MS) {
    return [];
  }
  const wasIn = state.stays.filter((stay) => isInConference(stay) && (stay.joinedAt ?? 0) <= pause.requestedAt);
  const isOf = ({ callSid, conferenceSid }: RecordingState) =>
    (callSid === undefined && conferenceSid === undefined) ||
    wasIn.some(
      (stay) => stay.callSid === callSid || (conferenceSid !== undefined && stay.conferenceSid === conferenceSid),
    );
  return (state.recordings ?? []).filter((one) => isRunningRecording(one) && isOf(one));
}
