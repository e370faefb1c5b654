import { setCoachingFailed } from './coaching-failures';
import { RESOLUTION_MS } from './event-dates';
import { endStayAndRematchJoin } from './joins';
import { heardModeOf } from './reports';
import { isOpen, type Stay, startOf } from './room';
import { addFact, addStay, changeStay, endStay, openStayOf, type RoomDraft, staysOfCall } from './room-draft';
import type { EventOf } from './room-event';

/** A moderator's call asked for its document. After a leave, or a join, this starts a new stay. */
export function moderatorArrived(draft: RoomDraft, event: EventOf<'moderator-arrived'>, at: number): void {
  const { callSid, name } = event;
  const about = { role: 'moderator' as const, ...(name !== undefined && { name }) };
  const stays = staysOfCall(draft, callSid);
  const ended = stays.find((stay) => !isOpen(stay) && at <= (stay.leftAtLatest ?? 0) && !isAfterJoin(stay, at));
  const open = openStayOf(draft, callSid);
  // The arrival of a stay that has ended. If both happened in one second their order is unknown: an open stay comes first.
  if (ended !== undefined && (open === undefined || at < (ended.leftAt ?? 0))) {
    if (ended.supervision === undefined) {
      markAsModerator(draft, ended, { name: ended.name ?? name });
    }
  } else if (stays.some(({ callEndedAt = 0 }) => at <= callEndedAt)) {
    return;
  } else if (open === undefined) {
    addStay(draft, { callSid, ...about, arrivedAt: at });
  } else if (open.role === 'supervisor') {
    // A supervisor's call was moved to the moderators' address through REST.
    endStay(draft, open, { at, by: 'inferred' });
    addStay(draft, { callSid, ...about, arrivedAt: at });
  } else if (open.joinedAt === undefined) {
    changeStay(draft, open, { ...about, arrivedAt: Math.max(open.arrivedAt ?? 0, at), isArrivalInferred: undefined });
  } else if (isAfterJoin(open, at)) {
    // The leave in between is not reported yet.
    endStay(draft, open, { at, by: 'inferred' });
    addStay(draft, { callSid, ...about, arrivedAt: at });
  } else {
    markAsModerator(draft, open, { ...about, arrivedAt: open.arrivedAt ?? Math.min(at, open.joinedAt) });
  }
}

/** A stay turns out to be a moderator's. Its facts so far are added now. */
function markAsModerator(draft: RoomDraft, stay: Stay, about: Partial<Stay>): void {
  const known = changeStay(draft, stay, { ...about, role: 'moderator' });
  if (stay.role !== 'moderator') {
    addJoinAndLeaveFacts(draft, known);
  }
}

/** A call in a conference does not ask for documents: an arrival after the join begins another stay. */
function isAfterJoin({ joinedAt }: Stay, at: number): boolean {
  return joinedAt !== undefined && at > joinedAt + RESOLUTION_MS;
}

/** A supervisor got a document. Its number tells the stays of a call apart, whatever their dates say. */
export function supervisorSent(draft: RoomDraft, event: EventOf<'supervisor-sent'>, at: number): void {
  const { callSid, stayNumber, name, address, mode, target, moderatorName, rejoinUrl } = event;
  addLostTarget(draft, event, at);
  const numberOf = (stay: Stay) => stay.supervision?.stayNumber;
  const hasThisNumber = (stay: Stay) => numberOf(stay) === stayNumber;
  const known = staysOfCall(draft, callSid).findLast(hasThisNumber);
  const isAgain = known?.arrivedAt !== undefined && hasComeBack(known, at);
  if (known?.arrivedAt !== undefined && !isAgain) {
    return;
  }
  const previous = openStayOf(draft, callSid);
  if (previous !== undefined && (numberOf(previous) ?? stayNumber) < stayNumber) {
    endStayAndRematchJoin(draft, previous, { at, by: 'inferred' });
  }
  const stays = staysOfCall(draft, callSid);
  const found = isAgain
    ? undefined
    : (stays.findLast(hasThisNumber) ?? stays.find((stay) => lacksThisDocument(stay, at)));
  const heard = heardModeOf(found?.isMuted, found?.coachedCall);
  const observedAt = Math.max(found?.muteChangedAt ?? 0, found?.coachedCallChangedAt ?? 0);
  const supervision = {
    callers: [],
    heard,
    heardAt: heard === 'unknown' ? undefined : observedAt,
    coachedCall: found?.coachedCall,
    coachedCallChangedAt: found?.coachedCallChangedAt,
    ...found?.supervision,
    stayNumber,
    mode,
    target,
    moderatorName,
    rejoinUrl,
  };
  const about = {
    role: 'supervisor' as const,
    name,
    address,
    arrivedAt: Math.min(at, found?.leftAt ?? at),
    supervision,
    coachedCall: undefined,
    coachedCallChangedAt: undefined,
  };
  const later = stays.find((stay) => (numberOf(stay) ?? 0) > stayNumber);
  const open = openStayOf(draft, callSid);
  if (open !== undefined && open !== found && (isAgain || isEarlierStay(open, at))) {
    // Without its own document, the open stay may have no name yet.
    const named = changeStay(draft, open, { name: open.name ?? name, address: open.address ?? address });
    endStay(draft, named, { at, by: 'inferred' });
  }
  if (found !== undefined) {
    addFactsWithDocument(
      draft,
      changeStay(draft, found, about),
      found.role === 'supervisor' && found.supervision?.stayNumber === undefined,
    );
    if (found.coachingFailedAt !== undefined) {
      setCoachingFailed(draft, target, found.coachingFailedAt);
    }
    return;
  }
  const stay = addFact(draft, addStay(draft, { callSid, ...about }), 'arrived', at, 'webhook');
  if (later !== undefined) {
    endStay(draft, stay, { at: Math.max(at, startOf(later)), by: 'inferred' });
  }
}

/** Whether a stay may belong to this document: its join or leave was reported before the document. */
function lacksThisDocument(stay: Stay, at: number): boolean {
  return (
    stay.role !== 'moderator' &&
    stay.supervision?.stayNumber === undefined &&
    (stay.joinedAt ?? at) + RESOLUTION_MS >= at &&
    (stay.leftAtLatest ?? at) >= at &&
    !wasListedBefore(stay, at)
  );
}

/** Whether a call requested a document with the same number again after that stay, as one moved through REST can. */
function hasComeBack(stay: Stay, at: number): boolean {
  return stay.leftAtLatest === undefined ? isAfterJoin(stay, at) : at > stay.leftAtLatest;
}

/** Whether REST had shown the call in the conference before. From there it cannot have asked for a document. */
function wasListedBefore({ joinSource, muteChangedAt }: Stay, at: number): boolean {
  return joinSource === 'rest' && muteChangedAt !== undefined && muteChangedAt < at;
}

/** Whether a stay without a number comes before one that began at `at`. */
function isEarlierStay(stay: Stay, at: number): boolean {
  return stay.supervision?.stayNumber === undefined && startOf(stay) < at;
}

/** A document that is older than this does not prove that its target is still there. */
const FRESH_MS = 5_000;

/** The server that wrote the document knew its target. If the store does not know that call, it has lost it. */
function addLostTarget(
  draft: RoomDraft,
  { target, moderatorName, ageMs }: EventOf<'supervisor-sent'>,
  at: number,
): void {
  if (ageMs < FRESH_MS && staysOfCall(draft, target).length === 0) {
    addStay(draft, { callSid: target, role: 'moderator', name: moderatorName, arrivedAt: at, isArrivalInferred: true });
  }
}

/**
 * Adds the facts of a stay whose document was reported only now.
 *
 * @param isInFeed whether REST showed before that this is a supervisor: then the facts of its join and leave exist
 */
function addFactsWithDocument(draft: RoomDraft, stay: Stay, isInFeed: boolean): void {
  if (isInFeed && !isOpen(stay)) {
    return;
  }
  const noted = addFact(draft, stay, 'arrived', stay.arrivedAt ?? 0, 'webhook');
  if (!isInFeed) {
    addJoinAndLeaveFacts(draft, noted);
  }
}

/** Adds the facts of a join and a leave that are known already. */
function addJoinAndLeaveFacts(draft: RoomDraft, stay: Stay): void {
  const { joinedAt, joinSource = 'callback', leftAt, leaveSource = 'callback' } = stay;
  const noted = joinedAt === undefined ? stay : addFact(draft, stay, 'joined', joinedAt, joinSource);
  if (leftAt !== undefined) {
    addFact(draft, noted, 'left', leftAt, leaveSource);
  }
}
