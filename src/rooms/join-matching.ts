import type { Sid } from '../signalwire/sid';
import { isOlderCallback, RESOLUTION_MS } from './event-dates';
import { isInConference, isOpen, type Stay, startOf } from './room';
import { isSameConference, openStayOf, type RoomDraft, staysOfCall } from './room-draft';
import type { EventOf } from './room-event';

/** The stay that a join callback belongs to. */
export type JoinMatch =
  | { kind: 'ended'; stay: Stay }
  /** `endedAt`: when its conference ended, if that was reported before the join. */
  | { kind: 'open'; stay: Stay; endedAt: number | undefined }
  /** A stay that was not reported before. `previous`: the call's open stay, whose leave got lost. */
  | { kind: 'new'; previous: Stay | undefined };

/** A join callback, and what is known of its call. */
interface Join {
  conferenceSid: Sid | undefined;
  /** By the Space's clock. */
  date: number | undefined;
  /** By the store's clock. */
  at: number;
  isMuted: boolean | undefined;
  /** The call's open stay. */
  open: Stay | undefined;
  /** The call's ended stays, the latest first. */
  ended: readonly Stay[];
  /** The date of the call's latest leave callback. */
  lastLeaveDate: number | undefined;
  /** When the conference ended, if it has. */
  conferenceEndedAt: number | undefined;
}

/**
 * Finds the stay that a join callback belongs to. One call can have several stays, and their callbacks can come in any
 * order, dated to the second. The rules, in this order:
 *
 * 1. An ended stay, if the join is older than its end ({@link endedStayOf}).
 * 2. The open stay, if it is in the same conference and has not joined at an earlier date. But a join that is older than
 *    this stay belongs to one that is forgotten.
 * 3. A new stay, if the conference still runs and the join is younger than that of the open stay.
 *
 * @returns undefined if the join is too old to belong to any of them: nothing older revives what ended
 */
export function matchJoin(draft: RoomDraft, event: EventOf<'joined'>, at: number): JoinMatch | undefined {
  const join = describeJoin(draft, event, at);
  const { open, date, conferenceSid, conferenceEndedAt } = join;
  const ended = endedStayOf(join);
  if (ended !== undefined) {
    return { kind: 'ended', stay: ended };
  }
  if (open !== undefined && isSameConference(open.conferenceSid, conferenceSid) && !isLaterJoin(join, open)) {
    return isOlderThanStay(open, join) ? undefined : { kind: 'open', stay: open, endedAt: conferenceEndedAt };
  }
  if (conferenceEndedAt !== undefined || isOlderCallback(date, at, open?.joinDate, open?.joinedAt)) {
    return undefined;
  }
  return { kind: 'new', previous: open };
}

function describeJoin(draft: RoomDraft, event: EventOf<'joined'>, at: number): Join {
  const { callSid, conferenceSid, date, isMuted } = event;
  const stays = staysOfCall(draft, callSid);
  const leaveDates = stays.flatMap(({ leaveDate }) => leaveDate ?? []);
  return {
    conferenceSid,
    date,
    at,
    isMuted,
    open: openStayOf(draft, callSid),
    ended: stays.filter((stay) => !isOpen(stay)).reverse(),
    lastLeaveDate: leaveDates.length === 0 ? undefined : Math.max(...leaveDates),
    conferenceEndedAt: draft.ended.find(({ sid }) => sid === conferenceSid)?.at,
  };
}

/**
 * The ended stay that a join belongs to. Of several:
 *
 * 1. a supervisor's stay in the same second as the next one (the earliest);
 * 2. the latest stay that may have begun before the join;
 * 3. the latest stay.
 */
function endedStayOf(join: Join): Stay | undefined {
  const candidates = join.ended.filter((stay) => mayBelongToEnded(stay, join));
  return (
    candidates.findLast((stay) => isFirstJoinInSecond(stay, join)) ??
    candidates.find((stay) => mayHaveBegun(stay, join)) ??
    candidates[0]
  );
}

function mayBelongToEnded(stay: Stay, join: Join): boolean {
  if (!isSameConference(stay.conferenceSid, join.conferenceSid)) {
    return false;
  }
  if (join.date === undefined) {
    // It may be repeated or late. With an open stay, it is unknown whose join it is.
    return join.open === undefined;
  }
  return (
    (isOlderThanLeave(stay, join) || join.date === stay.joinDate) &&
    !isExcludedByDates(stay, join) &&
    (!mayBelongToOpen(join) || isFirstJoinInSecond(stay, join))
  );
}

/** Whether the call asked for its document before the join. */
function hadBegun(stay: Stay, { at }: Join): boolean {
  return at + RESOLUTION_MS >= startOf(stay);
}

/** The same, or a supervisor's stay whose document, not reported yet, may date from before. */
function mayHaveBegun(stay: Stay, join: Join): boolean {
  return hadBegun(stay, join) || (stay.supervision !== undefined && stay.arrivedAt === undefined);
}

function isOlderThanLeave({ leaveDate, leftAtLatest = 0 }: Stay, { date, at }: Join): boolean {
  return date !== undefined && leaveDate !== undefined ? date <= leaveDate : at <= leftAtLatest;
}

/** Whether this may be the join of the open stay, which has none yet. */
function mayBelongToOpen(join: Join): boolean {
  const { open, conferenceEndedAt } = join;
  return (
    open !== undefined &&
    !isInConference(open) &&
    hadBegun(open, join) &&
    (conferenceEndedAt === undefined || conferenceEndedAt >= startOf(open))
  );
}

/**
 * Of two dates of the Space, the Space's order counts, whatever the store's clock says: a join after the call's latest leave
 * belongs to the open stay, not to one that had joined before that leave.
 */
function isExcludedByDates(stay: Stay, join: Join): boolean {
  const { open, lastLeaveDate = 0 } = join;
  if (open === undefined || isInConference(open) || !isAfterLastLeave(join)) {
    return false;
  }
  return stay.joinDate === undefined ? !mayHaveBegun(stay, join) : stay.joinDate <= lastLeaveDate;
}

function isAfterLastLeave({ date, lastLeaveDate }: Join): boolean {
  return date !== undefined && lastLeaveDate !== undefined && date > lastLeaveDate;
}

/**
 * Of two stays of a supervisor in one second, a join belongs to the first: before they enter again they hear an
 * announcement, so the second join comes later. Unless the mute fits the second stay alone: only `monitor` enters muted.
 */
function isFirstJoinInSecond(stay: Stay, join: Join): boolean {
  const { date, at, isMuted, open } = join;
  const { supervision, joinDate, joinedAt = at } = stay;
  if (supervision === undefined || date === undefined || !hadBegun(stay, join)) {
    return false;
  }
  const isSameSecond = joinDate === undefined ? Math.abs(joinedAt - at) <= RESOLUTION_MS : joinDate === date;
  // The mode of the ended stay may have changed since, so it alone decides nothing.
  const fitsMute = (one: Stay) =>
    isMuted === undefined || one.supervision?.mode === undefined || isMuted === (one.supervision.mode === 'monitor');
  return isSameSecond && (fitsMute(stay) || (open !== undefined && !fitsMute(open)));
}

/** Whether a stay joined at an earlier date: then this is another join, and the leave in between was not reported. */
function isLaterJoin({ date }: Join, { joinDate }: Stay): boolean {
  return joinDate !== undefined && date !== undefined && date > joinDate;
}

/**
 * Whether a join happened before the open stay began, or its conference ended before. If the call was never here before, only
 * a wrong clock can say so: then a join is never too old, and a conference's end may be a second late.
 */
function isOlderThanStay(open: Stay, join: Join): boolean {
  const { ended, conferenceEndedAt } = join;
  const wasHereBefore = (open.supervision?.stayNumber ?? 1) > 1 || ended.length > 0;
  const isOlder = wasHereBefore && open.joinedAt === undefined && !hadBegun(open, join) && !isAfterLastLeave(join);
  const toleranceMs = wasHereBefore ? 0 : RESOLUTION_MS;
  return isOlder || (conferenceEndedAt !== undefined && conferenceEndedAt + toleranceMs < startOf(open));
}
