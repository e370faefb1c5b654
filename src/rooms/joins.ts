import type { Sid } from '../signalwire/sid';
import { clearCoachingFailures } from './coaching-failures';
import { switchConference } from './conference-changes';
import { STORE_DELAY_MS } from './event-dates';
import { matchJoin } from './join-matching';
import { applyReport } from './reports';
import { countsAsCaller, isInConference, type Source, type Stay } from './room';
import { addFact, addStay, changeStay, endStay, isSameConference, type RoomDraft } from './room-draft';
import type { EventOf } from './room-event';
import { MAX_CALLERS } from './supervisors';

/** A call joined a conference. */
export function joined(draft: RoomDraft, event: EventOf<'joined'>, at: number): void {
  const match = matchJoin(draft, event, at);
  switch (match?.kind) {
    case 'ended':
      addJoinToEnded(draft, match.stay, event, at);
      return;
    case 'open': {
      const stay = addJoin(draft, match.stay, event, at);
      if (match.endedAt !== undefined) {
        endStay(draft, stay, { at: match.endedAt, by: 'inferred' });
      }
      return;
    }
    case 'new':
      if (match.previous !== undefined) {
        endStay(draft, match.previous, { at, by: 'inferred' });
      }
      addJoin(draft, addStay(draft, { callSid: event.callSid, role: 'unknown' }), event, at);
  }
}

/**
 * Ends a supervisor's stay. If a callback reported a join after that end, the join belongs to another stay, so it is matched
 * again. A join that REST reported proves nothing, because REST can be behind.
 */
export function endStayAndRematchJoin(draft: RoomDraft, stay: Stay, how: { at: number; by: Source }): void {
  const { callSid, conferenceSid, joinedAt = 0, joinDate, isMuted, isOnHold, supervision } = stay;
  if (supervision === undefined || joinDate === undefined || joinedAt <= how.at + STORE_DELAY_MS) {
    endStay(draft, stay, how);
    return;
  }
  const { role, name, address, arrivedAt } = stay;
  const unheard = {
    heard: 'unknown' as const,
    heardAt: undefined,
    coachedCall: undefined,
    coachedCallChangedAt: undefined,
    callers: [],
  };
  const document = { callSid, role, name, address, arrivedAt, supervision: { ...supervision, ...unheard } };
  draft.stays = draft.stays.filter((one) => one !== stay);
  endStay(draft, addStay(draft, document), how);
  const { coachedCall } = supervision;
  const report = { callSid, conferenceSid, date: joinDate, isMuted, isOnHold, coachedCall };
  joined(draft, { kind: 'joined', ageMs: draft.now - joinedAt, ...report }, joinedAt);
}

/** The join of a stay was reported after its end. */
function addJoinToEnded(draft: RoomDraft, stay: Stay, event: EventOf<'joined'>, at: number): void {
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

function addJoin(draft: RoomDraft, stay: Stay, event: EventOf<'joined'>, at: number): Stay {
  const { conferenceSid, isModerator, date } = event;
  if (isInConference(stay)) {
    return applyReport(draft, stay, event, at, 'callback');
  }
  const inside = enterConference(draft, stay, { conferenceSid, isModerator, at, date, by: 'callback' });
  const known = applyReport(draft, inside, event, at, 'callback');
  return addFact(draft, known, 'joined', known.joinedAt ?? at, 'callback');
}

/** A participant as a callback or REST showed them in the conference. */
interface Seen {
  conferenceSid: Sid | undefined;
  isModerator: boolean | undefined;
  at: number;
  /** The callback's date by the Space's clock. */
  date?: number | undefined;
  by: Source;
}

/** Marks an open stay as joined. */
export function enterConference(draft: RoomDraft, stay: Stay, seen: Seen): Stay {
  const { conferenceSid, isModerator, at, date, by } = seen;
  if (conferenceSid !== undefined) {
    switchConference(draft, conferenceSid, at, date);
  }
  clearCoachingFailures(draft, at);
  const { supervision } = stay;
  const seenRole = isModerator === undefined ? 'unknown' : isModerator ? 'moderator' : 'caller';
  return changeStay(draft, stay, {
    role: isModerator || stay.role === 'unknown' ? seenRole : stay.role,
    conferenceSid: conferenceSid ?? stay.conferenceSid,
    // Dates are truncated to the second, and nobody joins before they arrive.
    joinedAt: Math.max(at, stay.arrivedAt ?? at),
    joinSource: by,
    joinDate: date,
    joinKnownAt: draft.now,
    coachingFailedAt: undefined,
    ...(supervision && { supervision: { ...supervision, callers: callersBefore(draft, supervision.callers, seen) } }),
    ...(isModerator && { supervision: undefined }),
  });
}

/**
 * The callers of a stay that begins: also those who had entered in an earlier second, by the Space's clock. Readers of the
 * trail tell by them who entered later.
 */
function callersBefore(draft: RoomDraft, known: readonly Sid[], { conferenceSid, date }: Seen): readonly Sid[] {
  const earlier = draft.stays.filter(
    (stay) =>
      countsAsCaller(stay) &&
      isInConference(stay) &&
      isSameConference(stay.conferenceSid, conferenceSid) &&
      date !== undefined &&
      stay.joinDate !== undefined &&
      stay.joinDate < date,
  );
  return [...new Set([...known, ...earlier.map(({ callSid }) => callSid)])].slice(0, MAX_CALLERS);
}
