import { isIn, isThere, type RoomState, type StayOfSupervisor } from '../rooms/room';

/**
 * What must change by REST about a supervisor in a conference.
 *
 * - `mute`: the wrong people hear them, or may hear them.
 * - `remove`: the conference has no moderator. They keep it open, and would be heard in the next conversation.
 * - `retarget`: they are muted, and are to coach another moderator.
 * - `verify`: nobody knows how they are heard.
 */
export type Correction = 'mute' | 'remove' | 'retarget' | 'verify';

/**
 * The most urgent correction of a supervisor's stay; undefined if there is none.
 *
 * @param storeNow the store's clock, in milliseconds since 1970
 */
export function neededCorrection(state: RoomState, stay: StayOfSupervisor, storeNow: number): Correction | undefined {
  if (!isIn(stay)) {
    return undefined;
  }
  // In a new conversation, `converse` in rooms/evolve.ts has set the mode to `monitor`.
  const { mode, heard, target, coaches } = stay.supervision;
  if ((mode === 'monitor' && stay.isMuted !== true) || (mode === 'coach' && heard === 'barge')) {
    return 'mute';
  }
  const moderators = state.stays.filter(({ role, leftAt }) => role === 'moderator' && leftAt === undefined);
  if (!moderators.some((one) => isThere(one, storeNow))) {
    return 'remove';
  }
  if (coaches === undefined || heard === 'unknown') {
    return 'verify';
  }
  const isTargetIn = moderators.some((one) => one.callSid === target && isIn(one));
  return mode === 'monitor' && isTargetIn && coaches !== target ? 'retarget' : undefined;
}
