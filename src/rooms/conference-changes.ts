import type { Sid } from '../signalwire/sid';
import { clearCoachingFailures } from './coaching-failures';
import { isOlderCallback, RESOLUTION_MS, REST_DELAY_MS } from './event-dates';
import { isInConference, isOpen } from './room';
import { endStay, isSameConference, type RoomDraft } from './room-draft';
import type { EventOf } from './room-event';

/** A conference started: a moderator and somebody else are in. */
export function conferenceStarted(
  draft: RoomDraft,
  { conferenceSid }: EventOf<'conference-started'>,
  at: number,
): void {
  clearCoachingFailures(draft, at);
  switchConference(draft, conferenceSid, at);
}

/** A conference ended, and with it the stays in it. */
export function conferenceEnded(draft: RoomDraft, { conferenceSid }: EventOf<'conference-ended'>, at: number): void {
  if (draft.ended.some(({ sid }) => sid === conferenceSid)) {
    return;
  }
  draft.ended.push({ sid: conferenceSid, at });
  draft.hasChanged = true;
  if (draft.conference?.sid === conferenceSid) {
    draft.conference = undefined;
  }
  for (const stay of draft.stays) {
    const isInIt = stay.conferenceSid === conferenceSid || (stay.conferenceSid === undefined && isInConference(stay));
    if (isOpen(stay) && isInIt && (stay.joinedAt ?? 0) <= at + RESOLUTION_MS) {
      endStay(draft, stay, { at, by: 'inferred' });
    }
  }
}

/**
 * REST showed somebody in a conference. If it was reported to have ended, so long ago that REST cannot be behind, that was
 * wrong: it goes on, unless the room has another conference.
 */
export function reviveConference(draft: RoomDraft, conferenceSid: Sid, at: number): void {
  const isRevived = (one: RoomDraft['ended'][number]) =>
    one.sid === conferenceSid && one.at + RESOLUTION_MS + REST_DELAY_MS < at;
  if (draft.conference === undefined && draft.ended.some(isRevived)) {
    draft.ended = draft.ended.filter((one) => !isRevived(one));
    draft.hasChanged = true;
  }
}

/**
 * A room has one conference at a time: when another one is seen, the stays in the earlier one end. A conference that has
 * ended, or is older than a join in the present one, changes nothing.
 *
 * @param date the callback's date by the Space's clock; undefined if REST reported it
 */
export function switchConference(draft: RoomDraft, conferenceSid: Sid, at: number, date?: number): void {
  if (draft.conference?.sid === conferenceSid || draft.ended.some(({ sid }) => sid === conferenceSid)) {
    return;
  }
  const others = draft.stays.filter(
    (stay) => isInConference(stay) && !isSameConference(stay.conferenceSid, conferenceSid),
  );
  const isOlder = others.some(
    ({ joinDate, joinedAt }) =>
      // Of two conferences in one second, it is unknown which is later; the present one stays.
      (date !== undefined && date === joinDate) || isOlderCallback(date, at, joinDate, joinedAt),
  );
  if (isOlder) {
    return;
  }
  for (const stay of others) {
    endStay(draft, stay, { at, by: 'inferred' });
  }
  draft.conference = { sid: conferenceSid };
  draft.hasChanged = true;
}
