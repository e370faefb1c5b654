import {
  coachesWrongCall,
  isInConference,
  isInOrEntering,
  type RoomState,
  type Stay,
  type SupervisorStay,
} from '../rooms/room';

/**
 * What must change by REST about a supervisor in a conference.
 *
 * - `mute`: the wrong people hear them, or may hear them; also a coach who, by what REST says, coaches another call.
 * - `remove`: the conference has no moderator. They keep it open, and would be heard in the next conversation.
 * - `retarget`: their target must be set: they are muted, and are to coach another moderator; or they coach, and somebody
 *   who entered since may hear them.
 * - `verify`: nobody knows how they are heard.
 */
export type Correction = 'mute' | 'remove' | 'retarget' | 'verify';

/**
 * The most urgent correction of a supervisor's stay; undefined if there is none.
 *
 * @param storeNow the store's clock, in milliseconds since 1970
 */
export function neededCorrection(state: RoomState, stay: SupervisorStay, storeNow: number): Correction | undefined {
  if (!isInConference(stay)) {
    return undefined;
  }
  // In a new conversation, `converse` in rooms/evolve.ts has set the mode to `monitor`.
  const { mode, heard, target, coachedCall } = stay.supervision;
  const isHeardWrongly = mode === 'coach' && (heard === 'barge' || coachesWrongCall(stay.supervision));
  if ((mode === 'monitor' && stay.isMuted !== true) || isHeardWrongly) {
    return 'mute';
  }
  const moderators = state.stays.filter(({ role, leftAt }) => role === 'moderator' && leftAt === undefined);
  if (!moderators.some((one) => isInOrEntering(one, storeNow))) {
    return 'remove';
  }
  if (newcomersTo(state, stay).length > 0) {
    return 'retarget';
  }
  if (coachedCall === undefined || heard === 'unknown') {
    return 'verify';
  }
  const isTargetIn = moderators.some((one) => one.callSid === target && isInConference(one));
  return mode === 'monitor' && isTargetIn && coachedCall !== target ? 'retarget' : undefined;
}

/**
 * Who may hear a coach because they entered after the coach's target was set. It is not documented whether they do; see
 * docs/decisions/rooms.md.
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

/** Whether somebody was surely in when a supervisor's target was set: by REST, or by the document as they joined. */
function wasInBefore({ joinKnownAt, joinDate }: Stay, supervisor: SupervisorStay): boolean {
  const { arrivedAt = 0, joinDate: since, supervision } = supervisor;
  // Whoever was known before the document was written, or before the request was made, was in by then.
  const isKnownBefore = joinKnownAt !== undefined && joinKnownAt <= Math.max(arrivedAt, supervision.targetSetAt ?? 0);
  // The Space's dates are cut to the second: of two in one second nobody knows which is the later one.
  return isKnownBefore || (joinDate !== undefined && since !== undefined && joinDate < since);
}
