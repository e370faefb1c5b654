import { settleJoins } from './action-rules';
import { setCoachingFailed } from './coaching-failures';
import { RESOLUTION_MS, STORE_DELAY_MS } from './event-dates';
import { endStayAndRematchJoin } from './joins';
import { isInConference, isOpen, type Stay, startOf } from './room';
import { addStay, changeStay, endStay, isSameConference, type RoomDraft, staysOfCall } from './room-draft';
import type { EventOf } from './room-event';

/** Two reports of one leave, by callback, `<Dial>` action or REST, are dated at most this far apart, in milliseconds. */
const SAME_LEAVE_MS = 2_000;

/**
 * A call left a conference. The stay that the callback belongs to:
 *
 * 1. An ended stay, if its end is known and this reports it again.
 * 2. The open stay, if it had begun by then.
 * 3. A stay that was not reported yet: its end came first. Without a date, only if the call has no stay at all.
 */
export function left(draft: RoomDraft, event: EventOf<'left'>, at: number): void {
  const { callSid, conferenceSid, date } = event;
  const leftAtLatest = Math.min(date === undefined ? at : at + RESOLUTION_MS, draft.now);
  const stays = staysOfCall(draft, callSid).filter((stay) => isSameConference(stay.conferenceSid, conferenceSid));
  const open = stays.find(isOpen);
  const ended = stays.find((stay) => isReportedAgain(stay, open, event, at));
  if (ended !== undefined) {
    changeStay(draft, ended, {
      conferenceSid: ended.conferenceSid ?? conferenceSid,
      leaveDate: ended.leaveDate ?? date,
    });
  } else if (open !== undefined && hadBegun(open, date, leftAtLatest)) {
    const stay = changeStay(draft, open, { conferenceSid: open.conferenceSid ?? conferenceSid });
    endStay(draft, stay, { at, leftAtLatest, by: 'callback', leaveDate: date });
  } else if (stays.length === 0 || date !== undefined) {
    addEndedStay(draft, { callSid, conferenceSid, leftAt: at, leftAtLatest, leaveSource: 'callback', leaveDate: date });
  }
}

/** Whether a stay has ended, and this callback reports the same leave. */
function isReportedAgain(
  stay: Stay,
  open: Stay | undefined,
  { conferenceSid, date }: EventOf<'left'>,
  at: number,
): boolean {
  if (isOpen(stay)) {
    return false;
  }
  if (date === undefined) {
    // If the call came back, only the conference tells which stay is meant.
    return (
      open === undefined ||
      (conferenceSid !== undefined && !isInConference(open) && stay.conferenceSid === conferenceSid)
    );
  }
  const isAfterJoinOfOpen = open?.joinDate !== undefined && date > open.joinDate;
  // The `<Dial>` action or REST came first.
  const isEndedOtherwise =
    stay.leaveDate === undefined &&
    stay.leaveSource !== 'callback' &&
    Math.abs((stay.leftAt ?? 0) - at) <= SAME_LEAVE_MS;
  return date === stay.leaveDate || (isEndedOtherwise && !isAfterJoinOfOpen);
}

/** Whether a stay began before a leave. The dates of its join and the leave are by one clock, so they decide. */
function hadBegun(stay: Stay, date: number | undefined, leftAtLatest: number): boolean {
  return date !== undefined && stay.joinDate !== undefined ? date >= stay.joinDate : leftAtLatest >= startOf(stay);
}

/** Keeps an end that was reported before anything else of its stay. */
function addEndedStay(draft: RoomDraft, stay: Omit<Stay, 'role'>): Stay {
  return addStay(draft, { role: 'unknown', ...stay });
}

/** The request to a `<Dial>`'s action: the call is out of the conference, or never got in. */
export function dialEnded(draft: RoomDraft, event: EventOf<'dial-ended'>, at: number): void {
  const { callSid, stayNumber, coachingFailed } = event;
  const stays = staysOfCall(draft, callSid);
  const isEndKnown = stays.some(({ leftAtLatest = 0 }) => leftAtLatest + SAME_LEAVE_MS >= at);
  const stay = dialledStay(stays, stayNumber, isEndKnown ? at : at + STORE_DELAY_MS);
  if (stay === undefined) {
    if (stayNumber !== undefined || !isEndKnown) {
      addEndedStay(draft, {
        callSid,
        leftAt: at,
        leftAtLatest: at,
        leaveSource: 'webhook',
        ...(stayNumber !== undefined && { supervision: { ...NO_DOCUMENT, stayNumber } }),
        ...(coachingFailed && { coachingFailedAt: at }),
      });
    }
    return;
  }
  if (coachingFailed && stay.supervision?.target !== undefined) {
    setCoachingFailed(draft, stay.supervision.target, at);
  }
  if (isOpen(stay)) {
    const isUnnumbered = stayNumber !== undefined && stay.supervision?.stayNumber === undefined;
    // Its document, reported later, belongs to the stay with this number and to no other.
    const numbered = isUnnumbered
      ? changeStay(draft, stay, { supervision: { ...NO_DOCUMENT, ...stay.supervision, stayNumber } })
      : stay;
    endStayAndRematchJoin(draft, numbered, { at, by: 'webhook' });
  }
}

/** The stay with this number; otherwise the open one without a number, if its beginning and join are not after `until`. */
function dialledStay(stays: readonly Stay[], stayNumber: number | undefined, until: number): Stay | undefined {
  const numbered =
    stayNumber === undefined ? undefined : stays.findLast(({ supervision }) => supervision?.stayNumber === stayNumber);
  // A stay with a later join is the next one, even if its arrival is not reported yet.
  const isMeant = (stay: Stay) =>
    isOpen(stay) && stay.supervision?.stayNumber === undefined && Math.max(startOf(stay), stay.joinedAt ?? 0) <= until;
  return numbered ?? stays.find(isMeant);
}

/** A supervisor's stay whose end was reported before its document. */
const NO_DOCUMENT = {
  mode: undefined,
  target: undefined,
  moderatorName: undefined,
  heard: 'unknown',
  callers: [],
} as const;

/** The call itself ended, and with it its stay. It cannot come back. */
export function callEnded(draft: RoomDraft, { callSid, reason }: EventOf<'call-ended'>, at: number): void {
  settleJoins(draft, callSid, { status: 'failed', reason: reason ?? 'left' }, at);
  const stays = staysOfCall(draft, callSid);
  const open = stays.find(isOpen);
  const ended = open && endStay(draft, open, { at, by: 'callback' });
  const last =
    ended ?? stays.at(-1) ?? addEndedStay(draft, { callSid, leftAt: at, leftAtLatest: at, leaveSource: 'callback' });
  if (!stays.some(({ callEndedAt }) => callEndedAt !== undefined)) {
    changeStay(draft, last, { callEndedAt: at });
  }
}
