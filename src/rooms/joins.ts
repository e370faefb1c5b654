import type { Sid } from '../signalwire/sid';
import { applyReport } from './reports';
import { isInConference, isOpen, type Source, type Stay, startOf } from './room';
import {
  addFact,
  addStay,
  changeStay,
  endStay,
  isSameConference,
  openStayOf,
  RESOLUTION_MS,
  type RoomDraft,
  staysOfCall,
} from './room-draft';
import type { EventOf } from './room-event';

/** Somebody was seen to enter. Nothing older revives what ended. */
export function joined(draft: RoomDraft, event: EventOf<'joined'>, at: number): void {
  const { callSid, conferenceSid } = event;
  const ended = endedStayOf(draft, event, at);
  if (ended !== undefined) {
    completeEnded(draft, ended, event, at);
    return;
  }
  const open = openStayOf(draft, callSid);
  const over = draft.ended.find(({ sid }) => sid === conferenceSid);
  if (open !== undefined && isSameConference(open.conferenceSid, conferenceSid) && !isAnother(open, event.date)) {
    // A call that was here before may have joined before too; of one that was not, only a wrong clock can say so.
    const isLaterStay = (open.supervision?.stayNumber ?? 1) > 1;
    const wasHere = isLaterStay || draft.stays.some((stay) => stay.callSid === callSid && !isOpen(stay));
    const isOlder =
      wasHere &&
      open.joinedAt === undefined &&
      at + RESOLUTION_MS < startOf(open) &&
      !isAfterLeave(lastLeaveOf(draft, callSid), event.date);
    // An end is dated to the second, too.
    if (isOlder || (over !== undefined && over.at + (wasHere ? 0 : RESOLUTION_MS) < startOf(open))) {
      return;
    }
    const stay = enter(draft, open, event, at);
    if (over !== undefined) {
      endStay(draft, stay, { at: over.at, by: 'inferred' });
    }
  } else if (over === undefined && !isBefore(event.date, at, open?.joinDate, open?.joinedAt)) {
    if (open !== undefined) {
      // A call is in one conference at a time, and once: that it left was never told.
      endStay(draft, open, { at, by: 'inferred' });
    }
    enter(draft, addStay(draft, { callSid, role: 'unknown' }), event, at);
  }
}

/** The stay that a join belongs to, if that has ended. */
function endedStayOf(draft: RoomDraft, event: EventOf<'joined'>, at: number): Stay | undefined {
  const { callSid, conferenceSid, date } = event;
  const open = openStayOf(draft, callSid);
  const over = draft.ended.find(({ sid }) => sid === conferenceSid);
  const hasBegun = (stay: Stay) => at + RESOLUTION_MS >= startOf(stay);
  const mayBeOpen =
    open !== undefined && !isInConference(open) && hasBegun(open) && (over === undefined || over.at >= startOf(open));
  const isMeant = (stay: Stay) => date !== undefined && hasBegun(stay) && isItsJoin(stay, open, event, at);
  // The Space's own dates tell more than ages by our clock, which may be wrong.
  const lastLeave = lastLeaveOf(draft, callSid);
  const isNext = open !== undefined && !isInConference(open) && isAfterLeave(lastLeave, date);
  const isOverBefore = (stay: Stay) =>
    stay.joinDate === undefined ? !hasBegun(stay) : stay.joinDate <= (lastLeave ?? 0);
  const ended = staysOfCall(draft, callSid)
    .reverse()
    .filter((stay) => {
      if (isOpen(stay) || !isSameConference(stay.conferenceSid, conferenceSid) || (isNext && isOverBefore(stay))) {
        return false;
      }
      if (date === undefined) {
        // It may be a repeat, or late: only a call that is yet to join can be meant.
        return open === undefined;
      }
      const isOlder = stay.leaveDate === undefined ? at <= (stay.leftAtLatest ?? 0) : date <= stay.leaveDate;
      return (isOlder || date === stay.joinDate) && (!mayBeOpen || isMeant(stay));
    });
  return ended.findLast(isMeant) ?? ended.find(hasBegun) ?? ended[0];
}

/** The date of a call's last leave callback. */
function lastLeaveOf(draft: RoomDraft, callSid: Sid): number | undefined {
  const dates = staysOfCall(draft, callSid).flatMap(({ leaveDate }) => leaveDate ?? []);
  return dates.length === 0 ? undefined : Math.max(...dates);
}

function isAfterLeave(lastLeave: number | undefined, date: number | undefined): boolean {
  return lastLeave !== undefined && date !== undefined && date > lastLeave;
}

/**
 * Whether a join is that of a supervisor's stay, though the next one was sent in the same second: before they come in again,
 * they hear why. Only a listener enters muted; the mode of a stay that is over may have changed since.
 */
function isItsJoin(stay: Stay, next: Stay | undefined, { date, isMuted }: EventOf<'joined'>, at: number): boolean {
  const { supervision, joinDate, joinedAt } = stay;
  const isTheSame = joinDate === undefined ? Math.abs((joinedAt ?? at) - at) <= RESOLUTION_MS : joinDate === date;
  const isLike = ({ supervision: entered }: Stay) =>
    entered?.mode === undefined || isMuted === undefined || isMuted === (entered.mode === 'monitor');
  return supervision !== undefined && isTheSame && (isLike(stay) || (next !== undefined && !isLike(next)));
}

/** Whether a join is not that of a stay, but a later one: that the call left in between was never told. */
function isAnother({ joinDate }: Stay, date: number | undefined): boolean {
  return joinDate !== undefined && date !== undefined && date > joinDate;
}

function completeEnded(draft: RoomDraft, stay: Stay, event: EventOf<'joined'>, at: number): void {
  const { conferenceSid, date } = event;
  if (stay.joinedAt === undefined && date !== undefined) {
    const joinedAt = Math.min(Math.max(at, stay.arrivedAt ?? at), stay.leftAt ?? at);
    const known = changeStay(draft, stay, {
      joinedAt,
      joinSource: 'callback',
      joinDate: date,
      conferenceSid: stay.conferenceSid ?? conferenceSid,
    });
    addFact(draft, applyReport(draft, known, event, at, 'callback'), 'joined', joinedAt, 'callback');
  }
}

/** Whether a callback is older than another: by the Space's dates, or else by the store's clock. */
function isBefore(date: number | undefined, at: number, otherDate: number | undefined, otherAt = 0): boolean {
  return date !== undefined && otherDate !== undefined ? date < otherDate : at < otherAt;
}

function enter(draft: RoomDraft, stay: Stay, event: EventOf<'joined'>, at: number): Stay {
  const { conferenceSid, isModerator } = event;
  const isNews = !isInConference(stay);
  const seen = { conferenceSid, isModerator, at, date: event.date, by: 'callback' } as const;
  const inside = isNews ? enterConference(draft, stay, seen) : stay;
  const told = applyReport(draft, inside, event, at, 'callback');
  return isNews ? addFact(draft, told, 'joined', told.joinedAt ?? at, 'callback') : told;
}

/** Lets somebody in who was seen in the conference. */
export function enterConference(
  draft: RoomDraft,
  stay: Stay,
  seen: {
    conferenceSid: Sid | undefined;
    isModerator: boolean | undefined;
    at: number;
    date?: number | undefined;
    by: Source;
  },
): Stay {
  const { conferenceSid, isModerator, at, date, by } = seen;
  if (conferenceSid !== undefined) {
    switchConference(draft, conferenceSid, at, date);
  }
  clearCoachingFailures(draft, at);
  const told = isModerator === undefined ? 'unknown' : isModerator ? 'moderator' : 'caller';
  return changeStay(draft, stay, {
    role: isModerator || stay.role === 'unknown' ? told : stay.role,
    conferenceSid: conferenceSid ?? stay.conferenceSid,
    // A date is cut to the second, and nobody joins before they arrive.
    joinedAt: Math.max(at, stay.arrivedAt ?? at),
    joinSource: by,
    joinDate: date,
    joinKnownAt: draft.now,
    coachingFailedAt: undefined,
    ...(isModerator && { supervision: undefined }),
  });
}

/** A moderator and somebody else are in. */
export function conferenceStarted(
  draft: RoomDraft,
  { conferenceSid }: EventOf<'conference-started'>,
  at: number,
): void {
  clearCoachingFailures(draft, at);
  switchConference(draft, conferenceSid, at);
}

/** Supervisors may try again to coach a moderator who was refused: somebody came, or the conference started. */
export function clearCoachingFailures(draft: RoomDraft, at: number): void {
  for (const stay of draft.stays) {
    if (stay.coachingFailedAt !== undefined && isInConference(stay) && at + RESOLUTION_MS >= stay.coachingFailedAt) {
      changeStay(draft, stay, { coachingFailedAt: undefined });
    }
  }
}

/** A room has one conference at a time: those in an earlier one are out of it. */
export function switchConference(draft: RoomDraft, conferenceSid: Sid, at: number, date?: number): void {
  if (draft.conference?.sid === conferenceSid || draft.ended.some(({ sid }) => sid === conferenceSid)) {
    return;
  }
  const others = draft.stays.filter(
    (stay) => isInConference(stay) && !isSameConference(stay.conferenceSid, conferenceSid),
  );
  // Of two in one second nobody knows which is the later one.
  if (
    others.some(
      (stay) => (date !== undefined && date === stay.joinDate) || isBefore(date, at, stay.joinDate, stay.joinedAt),
    )
  ) {
    return;
  }
  for (const stay of others) {
    endStay(draft, stay, { at, by: 'inferred' });
  }
  draft.conference = { sid: conferenceSid };
  draft.hasChanged = true;
}
