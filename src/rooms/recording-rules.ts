import { isFinishedRecording } from '../signalwire/rest-resources';
import type { RecordingState } from './recording';
import type { RoomDraft } from './room-draft';
import type { EventOf } from './room-event';

/** A recording, as a callback or REST describes it. */
type ReportedRecording = Omit<RecordingState, 'changedAt'>;

/** How many recordings a room keeps. */
const MAX_RECORDINGS = 50;

/** A callback reported a recording. It has no date: a late start may look like the end of a pause, and then counts. */
export function recordingReported(draft: RoomDraft, event: EventOf<'recording-reported'>, at: number): void {
  const { recordingSid, callSid, conferenceSid, status } = event;
  const known = find(draft, { recordingSid });
  // A callback does not say who paused.
  put(draft, known, { recordingSid, callSid, conferenceSid, status, isPausedByUs: known?.isPausedByUs }, at);
}

/** REST showed recordings, after being asked at `at`. */
export function recordingsObserved(draft: RoomDraft, { recordings }: EventOf<'recordings-observed'>, at: number): void {
  for (const seen of recordings) {
    const known = find(draft, seen);
    const isCurrent = at >= (known?.changedAt ?? at);
    const isStillPaused = known?.isPausedByUs && (seen.status === 'paused' || !isCurrent);
    put(draft, known, { ...seen, isPausedByUs: (seen.isPausedByUs ?? isStillPaused) || undefined }, at);
  }
}

/** Somebody opens the audio of a recording. The room stays as it is; the trail says who, and whose call it is. */
export function recordingOpened(draft: RoomDraft, { recording, by }: EventOf<'recording-opened'>, at: number): void {
  const { recordingSid } = recording;
  const known = find(draft, recording);
  const callSid = known?.callSid ?? recording.callSid;
  const stay = callSid && draft.stays.findLast((one) => one.callSid === callSid);
  draft.facts.push({
    kind: 'action',
    at,
    source: 'api',
    room: draft.room,
    action: 'open',
    by,
    status: 'accepted',
    recordingSid,
    callSid,
    conferenceSid: known?.conferenceSid ?? recording.conferenceSid,
    ...(stay && { role: stay.role, name: stay.name, address: stay.address }),
  });
}

/** Forgets recordings as old as stays are forgotten. */
export function forgetOldRecordings(draft: RoomDraft, lifetimeMs: number): void {
  const isKept = ({ changedAt }: RecordingState) => changedAt + lifetimeMs > draft.now;
  if (!draft.recordings.every(isKept)) {
    draft.recordings = draft.recordings.filter(isKept);
    draft.hasChanged = true;
  }
}

function find({ recordings }: RoomDraft, { recordingSid }: Pick<RecordingState, 'recordingSid'>) {
  return recordings.find((one) => one.recordingSid === recordingSid);
}

function put(draft: RoomDraft, known: RecordingState | undefined, reported: ReportedRecording, at: number): void {
  if (known === undefined) {
    add(draft, { ...reported, changedAt: at });
    return;
  }
  const next = update(known, reported, at);
  const names = Object.keys(next) as (keyof RecordingState)[];
  if (names.some((name) => known[name] !== next[name])) {
    draft.recordings = draft.recordings.map((one) => (one === known ? next : one));
    draft.hasChanged = true;
  }
}

function add(draft: RoomDraft, recording: RecordingState): void {
  const all = [...draft.recordings, recording];
  // Those that may still run are kept longer.
  const surplus = all.length > MAX_RECORDINGS ? (all.find(isFinished) ?? all[0]) : undefined;
  draft.recordings = all.filter((one) => one !== surplus);
  draft.hasChanged = true;
}

/** The end of a recording counts whenever it is reported: a finished one never runs again. */
function update(known: RecordingState, reported: ReportedRecording, at: number): RecordingState {
  const isNewer = at >= known.changedAt;
  const counts = isFinished(known) ? isFinished(reported) && isNewer : isFinished(reported) || isNewer;
  const status = counts ? reported.status : known.status;
  return {
    ...known,
    callSid: known.callSid ?? reported.callSid,
    conferenceSid: known.conferenceSid ?? reported.conferenceSid,
    status,
    changedAt: status === known.status ? known.changedAt : Math.max(at, known.changedAt),
    isPausedByUs: isFinished({ status }) ? undefined : reported.isPausedByUs,
  };
}

function isFinished({ status }: Pick<RecordingState, 'status'>): boolean {
  return isFinishedRecording(status);
}
