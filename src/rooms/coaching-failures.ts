import type { Sid } from '../signalwire/sid';
import { RESOLUTION_MS, STORE_DELAY_MS } from './event-dates';
import { isInConference, startOf } from './room';
import { changeStay, openStayOf, type RoomDraft } from './room-draft';

/**
 * Error 13240: the target is not in the conference, or is alone there. If anybody has joined since, the failure no longer
 * counts.
 */
export function setCoachingFailed(draft: RoomDraft, target: Sid, at: number): void {
  const stay = openStayOf(draft, target);
  const hasSomebodyJoined = draft.stays.some((one) => (one.joinedAt ?? 0) + (one === stay ? 0 : RESOLUTION_MS) > at);
  if (stay !== undefined && startOf(stay) <= at + STORE_DELAY_MS && !hasSomebodyJoined) {
    changeStay(draft, stay, { coachingFailedAt: at });
  }
}

/** Somebody joined, or the conference started: supervisors may try again to coach the moderators who are in. */
export function clearCoachingFailures(draft: RoomDraft, at: number): void {
  for (const stay of draft.stays) {
    if (stay.coachingFailedAt !== undefined && isInConference(stay) && at + RESOLUTION_MS >= stay.coachingFailedAt) {
      changeStay(draft, stay, { coachingFailedAt: undefined });
    }
  }
}
