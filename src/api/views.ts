import type { z } from 'zod';
import { maskAddress } from '../people/address';
import type { Actor } from '../people/rights';
import type { ModeratorEntry, SupervisorEntry } from '../people/roster';
import type { Action, ActionReason } from '../rooms/action';
import type { HeardMode } from '../rooms/mode';
import { isInDoubt } from '../rooms/observations';
import type { RecordingState } from '../rooms/recording';
import { isInConference, isOpen, type RoomState, type Stay, type SupervisorStay, targetOf } from '../rooms/room';
import type { RoomEntry } from '../rooms/room-entry';
import { newcomersTo } from '../supervision/correction';
import type { ListedRecording } from '../supervision/recordings';
import type { AuditRecord } from '../supervision/trail';
import { REASON_CODES } from './problem';
import type {
  actionView,
  ParticipantView,
  personView,
  RoomView,
  recordingList,
  recordingView,
  roomSummary,
} from './schemas';

type ActionView = z.output<typeof actionView>;
type ListedRecordingView = z.output<typeof recordingList>['recordings'][number];

const dateOf = (ms: number) => new Date(ms).toISOString();
const dateOrNull = (ms: number | undefined) => (ms === undefined ? null : dateOf(ms));

/** A room as the API shows it: everybody who is in it or on the way, and what was requested recently. Has no secret. */
export function viewRoom(state: RoomState): RoomView {
  const { room, at, conference, stays, recordings = [], actions = [] } = state;
  return {
    room,
    at: at === 0 ? null : dateOf(at),
    conferenceSid: conference?.sid ?? null,
    target: targetOf(state)?.callSid ?? null,
    moderatorLeftAt: dateOrNull(moderatorLeftAt(state)),
    participants: stays.filter(isOpen).map((stay) => viewParticipant(state, stay)),
    recordings: recordings.map(viewRecording),
    actions: actions.map(viewAction),
  };
}

/** When the last moderator left; undefined while one is in the conference, or if none is known to have been. */
function moderatorLeftAt({ stays }: RoomState): number | undefined {
  const joined = stays.filter(({ role, joinedAt }) => role === 'moderator' && joinedAt !== undefined);
  return joined.length === 0 || joined.some(isOpen) ? undefined : Math.max(...joined.map(({ leftAt = 0 }) => leftAt));
}

/** Somebody in a room, or on the way, as the API shows them. */
export function viewParticipant(state: RoomState, stay: Stay): ParticipantView {
  const {
    callSid,
    role,
    name,
    address,
    arrivedAt,
    joinedAt,
    isMuted,
    isOnHold,
    holdChangedAt,
    speakingSince,
    supervision,
  } = stay;
  return {
    callSid,
    role,
    name: name ?? null,
    number: address ?? null,
    arrivedAt: dateOrNull(arrivedAt),
    joinedAt: dateOrNull(joinedAt),
    muted: isMuted ?? null,
    onHold: isOnHold ?? null,
    onHoldSince: dateOrNull(isOnHold ? holdChangedAt : undefined),
    speakingSince: dateOrNull(speakingSince),
    supervision: supervision === undefined ? null : viewSupervision(state, { ...stay, supervision }),
  };
}

function viewSupervision(state: RoomState, stay: SupervisorStay): ParticipantView['supervision'] {
  const { mode, heardAt, target, moderatorName } = stay.supervision;
  const heardAs = surelyHeardAs(state, stay);
  // A change begins with a mute, even one to the same mode.
  const isBeingChanged = state.actions?.some(
    (one) => one.name === 'mode' && one.callSid === stay.callSid && one.status === 'requested',
  );
  return {
    requestedMode: mode ?? null,
    heardAs,
    confirmed: heardAs === mode && !isBeingChanged,
    observedAt: dateOrNull(heardAs === 'unknown' ? undefined : heardAt),
    target: target ?? null,
    moderator: moderatorName ?? null,
  };
}

/**
 * How a supervisor is surely heard, whatever was requested since: a coach by the target alone. Who hears one whose agent has
 * left is not documented.
 */
function surelyHeardAs(state: RoomState, stay: SupervisorStay): HeardMode {
  const { heard, coachedCall, target } = stay.supervision;
  if (isInDoubt(state, stay)) {
    return 'unknown';
  }
  if (heard !== 'coach') {
    return heard;
  }
  const isTargetIn = state.stays.some((one) => one.callSid === target && isInConference(one));
  const mayBeOverheard = newcomersTo(state, { ...stay, supervision: { ...stay.supervision, mode: heard } }).length > 0;
  return coachedCall === target && isTargetIn && !mayBeOverheard ? heard : 'unknown';
}

export function viewAction(action: Action): ActionView {
  const { id, name, by, status, requestedAt, settledAt, reason, mode, person } = action;
  const { callSid = action.recordedCall, recordingSid } = action;
  return {
    id,
    name,
    by,
    status,
    requestedAt: dateOf(requestedAt),
    settledAt: dateOrNull(settledAt),
    reason: reason === undefined ? null : REASON_CODES[reason],
    callSid: callSid ?? null,
    recordingSid: recordingSid ?? null,
    mode: mode ?? null,
    supervisor: person ?? null,
  };
}

export function viewEntry({ room, at, target, hasCaller, supervisors }: RoomEntry): z.output<typeof roomSummary> {
  return {
    room,
    at: dateOf(at),
    target: target
      ? {
          callSid: target.callSid,
          name: target.name ?? null,
          hasJoined: target.hasJoined,
          arrivedAt: dateOf(target.arrivedAt),
        }
      : null,
    hasCaller,
    supervisors,
  };
}

/** A recording as the room remembers it; never its address. */
export function viewRecording(recording: RecordingState): z.output<typeof recordingView> {
  const { recordingSid, status, callSid, conferenceSid, changedAt, isPausedByUs = false } = recording;
  return {
    recordingSid,
    status,
    callSid: callSid ?? null,
    conferenceSid: conferenceSid ?? null,
    changedAt: dateOf(changedAt),
    pausedByUs: isPausedByUs,
  };
}

/** A recording with what the Space has just told of it. */
export function viewListedRecording(recording: ListedRecording): ListedRecordingView {
  return {
    ...viewRecording(recording),
    startedAt: dateOrNull(recording.startedAt),
    durationSeconds: recording.durationSeconds ?? null,
  };
}

/** A line of the trail, of a fact: its reason is that of an action, and shown as there. */
export function viewRecord(record: AuditRecord): AuditRecord {
  const { reason } = record;
  return reason === undefined ? record : { ...record, reason: REASON_CODES[reason as ActionReason] };
}

/** A person of the roster, without secrets. @param visible names no other rooms */
export function viewPerson(
  person: ModeratorEntry | SupervisorEntry,
  role: 'moderator' | 'supervisor',
  visible: Actor['rooms'],
): z.output<typeof personView> {
  const { name, address, rooms, pin } = person;
  return {
    name: name ?? maskAddress(address),
    role,
    number: address === undefined ? null : maskAddress(address),
    rooms: rooms === 'all' ? null : [...rooms].filter((room) => visible === 'all' || visible.has(room)),
    rights: 'rights' in person ? [...person.rights] : [],
    hasPin: pin !== undefined,
  };
}
