import { actionOn } from '../rooms/action';
import {
  isInConference,
  isInOrEntering,
  moderatorsOf,
  type RoomState,
  type Stay,
  type SupervisorStay,
} from '../rooms/room';

/**
 * What the server must correct through REST about a supervisor in a conference.
 *
 * - `mute`: the wrong people hear them, or may hear them; also a coach who is reported to coach another call.
 * - `remove`: the conference has no moderator. The supervisor would keep it open, and be heard in the next conversation.
 * - `retarget`: the target must be set, either because a muted supervisor has another one now, or because somebody entered
 *   who may hear a coach.
 * - `verify`: nobody reported whether they are muted, or whom they coach.
 */
export type Correction = 'mute' | 'remove' | 'retarget' | 'verify';

/** How long a server that changes a mode may take to mute the supervisor, in milliseconds. */
const MUTE_MS = 3_000;

/**
 * The most urgent correction of a supervisor's stay; undefined if there is none.
 *
 * @param storeNow the store's clock, in milliseconds since 1970
 */
export function neededCorrection(state: RoomState, stay: SupervisorStay, storeNow: number): Correction | undefined {
  if (!isInConference(stay)) {
    return undefined;
  }
  // In a new conversation the mode is `monitor` already: see rooms/supervisors.ts.
  const { mode, target, coachedCall } = stay.supervision;
  // By the latest report, however old.
  const isHeardWrongly =
    mode === 'coach' && stay.isMuted === false && coachedCall !== undefined && coachedCall !== target;
  const change = actionOn(state, stay.callSid, storeNow);
  const isBeingChanged = change?.name === 'mode';
  // A server changes the mode, and mutes first. If it takes long, it may be gone.
  const isBeingMuted = isBeingChanged && storeNow - change.requestedAt < MUTE_MS;
  if (!isBeingMuted && ((mode === 'monitor' && stay.isMuted !== true) || isHeardWrongly)) {
    return 'mute';
  }
  const moderators = moderatorsOf(state);
  if (!moderators.some((one) => isInOrEntering(one, storeNow))) {
    return 'remove';
  }
  if (isBeingChanged && (isBeingMuted || stay.isMuted === true)) {
    return undefined;
  }
  if (newcomersTo(state, stay).length > 0) {
    return 'retarget';
  }
  // If they are reported, and yet it is unknown who hears the supervisor, the next comparison with REST tells.
  if (coachedCall === undefined || stay.isMuted === undefined) {
    return 'verify';
  }
  const isTargetIn = moderators.some((one) => one.callSid === target && isInConference(one));
  return mode === 'monitor' && isTargetIn && coachedCall !== target ? 'retarget' : undefined;
}

/**
 * The participants who may hear a coach because they entered after the coach's target was set. SignalWire does not document
 * whether they do; see docs/decisions/rooms.md.
 */
export function newcomersTo({ stays }: RoomState, stay: SupervisorStay): Stay[] {
  const { mode, target } = stay.supervision;
  if (mode !== 'coach' || stay.isMuted === true) {
    return [];
  }
  return stays.filter(
    (one) => isInConference(one) && one.role !== 'supervisor' && one.callSid !== target && !wasInBefore(one, stay),
  );
}

/** Whether somebody was certainly in when a supervisor's target was set, by REST or by the document. */
function wasInBefore({ joinKnownAt, joinDate }: Stay, supervisor: SupervisorStay): boolean {
  const { arrivedAt = 0, joinDate: since, supervision } = supervisor;
  // Known before the document was written, or before REST was asked to set the target.
  const isKnownBefore = joinKnownAt !== undefined && joinKnownAt <= Math.max(arrivedAt, supervision.targetSetAt ?? 0);
  // Joined in an earlier second. Within one second the order is unknown.
  return isKnownBefore || (joinDate !== undefined && since !== undefined && joinDate < since);
}
