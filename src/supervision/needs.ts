import { isIn, isThere, type RoomState, type StayOfSupervisor } from '../rooms/room';

/**
 * What is to be done about a supervisor who is in a conference.
 *
 * `silence`: they are heard, or may be, by people who should not hear them. `remove`: they are in a conference without a
 * moderator, which they keep open, and would be heard in the next conversation. `lead`: nobody hears them; they are to
 * coach another moderator. `look`: nobody knows how they are heard.
 */
export type Need = 'silence' | 'remove' | 'lead' | 'look';

/** @param storeNow the store's clock, in milliseconds since 1970 */
export function needOf(state: RoomState, stay: StayOfSupervisor, storeNow: number): Need | undefined {
  if (!isIn(stay)) {
    return undefined;
  }
  // When the conversation is another one, `converse` in rooms/evolve.ts has made the mode `monitor`.
  const { mode, heard, target, coaches } = stay.supervision;
  if ((mode === 'monitor' && stay.isMuted !== true) || (mode === 'coach' && heard === 'barge')) {
    return 'silence';
  }
  const moderators = state.stays.filter(({ role, leftAt }) => role === 'moderator' && leftAt === undefined);
  if (!moderators.some((one) => isThere(one, storeNow))) {
    return 'remove';
  }
  if (coaches === undefined || heard === 'unknown') {
    return 'look';
  }
  const isTargetIn = moderators.some((one) => one.callSid === target && isIn(one));
  return mode === 'monitor' && isTargetIn && coaches !== target ? 'lead' : undefined;
}
