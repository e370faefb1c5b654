import { setCoachingFailed } from './coaching-failures';
import { RESOLUTION_MS } from './event-dates';
import { heardModeOf } from './reports';
import { isOpen, type Stay, startOf } from './room';
import { addFact, addStay, changeStay, endStay, openStayOf, type RoomDraft, staysOfCall } from './room-draft';
import type { EventOf } from './room-event';

/** A moderator's webhook: the call is about to enter. One that is newer than a leave starts a new stay. */
export function moderatorArrived(draft: RoomDraft, event: EventOf<'moderator-arrived'>, at: number): void {
  const { callSid, name } = event;
  const about = { role: 'moderator' as const, ...(name !== undefined && { name }) };
  const stays = staysOfCall(draft, callSid);
  const ended = stays.find((stay) => !isOpen(stay) && at <= (stay.leftAtLatest ?? 0) && !isAfterJoin(stay, at));
  const open = openStayOf(draft, callSid);
  // Of a leave and an arrival in one second, nobody knows which came first.
  if (ended !== undefined && (open === undefined || at < (ended.leftAt ?? 0))) {
    if (ended.supervision === undefined) {
      markAsModerator(draft, ended, { name: ended.name ?? name });
    }
  } else if (stays.some(({ callEndedAt = 0 }) => at <= callEndedAt)) {
    return;
  } else if (open === undefined) {
    addStay(draft, { callSid, ...about, arrivedAt: at });
  } else if (open.role === 'supervisor') {
    // REST has sent the call here.
    endStay(draft, open, { at, by: 'inferred' });
    addStay(draft, { callSid, ...about, arrivedAt: at });
  } else if (open.joinedAt === undefined) {
    changeStay(draft, open, { ...about, arrivedAt: Math.max(open.arrivedAt ?? 0, at), isArrivalInferred: undefined });
  } else if (isAfterJoin(open, at)) {
    // Its leave is yet to be told.
    endStay(draft, open, { at, by: 'inferred' });
    addStay(draft, { callSid, ...about, arrivedAt: at });
  } else {
    markAsModerator(draft, open, { ...about, arrivedAt: open.arrivedAt ?? Math.min(at, open.joinedAt) });
  }
}

/** A stay turns out to be a moderator's. */
function markAsModerator(draft: RoomDraft, stay: Stay, about: Partial<Stay>): void {
  const known = changeStay(draft, stay, { ...about, role: 'moderator' });
  if (stay.role !== 'moderator') {
    addJoinAndLeaveFacts(draft, known);
  }
}

/** A call that is in a conference asks for nothing: an arrival after a join begins another stay. */
function isAfterJoin({ joinedAt }: Stay, at: number): boolean {
  return joinedAt !== undefined && at > joinedAt + RESOLUTION_MS;
}

/** A supervisor's document. Its number tells the stays of a call apart, whatever their dates say. */
export function supervisorSent(draft: RoomDraft, event: EventOf<'supervisor-sent'>, at: number): void {
  const { callSid, stayNumber, name, address, mode, target, moderatorName, rejoinUrl } = event;
  addLostTarget(draft, event, at);
  const stays = staysOfCall(draft, callSid);
  const numberOf = (stay: Stay) => stay.supervision?.stayNumber;
  const known = stays.findLast((stay) => numberOf(stay) === stayNumber);
  const isAgain = known?.arrivedAt !== undefined && hasComeBack(known, at);
  if (known?.arrivedAt !== undefined && !isAgain) {
    return;
  }
  // Another server may have been told that it joined, or left, before this one could write.
  const unnumbered = stays.find(
    (stay) =>
      stay.role !== 'moderator' &&
      numberOf(stay) === undefined &&
      (stay.joinedAt ?? at) + RESOLUTION_MS >= at &&
      (stay.leftAtLatest ?? at) >= at &&
      !wasListed(stay, at),
  );
  const found = isAgain ? undefined : (known ?? unnumbered);
  const supervision = {
    callers: [],
    heard: heardModeOf(found?.isMuted, found?.coachedCall),
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
  if (open !== undefined && open !== found && (isAgain || isEarlierStay(open, stayNumber, at))) {
    // Of a forgotten stay nobody may have known yet whose call it is.
    const named = changeStay(draft, open, { name: open.name ?? name, address: open.address ?? address });
    endStay(draft, named, { at, by: 'inferred' });
  }
  if (found !== undefined) {
    addFactsOnceIdentified(
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

/** Whether a call asked for the same document again, after a stay: REST can send it there. */
function hasComeBack(stay: Stay, at: number): boolean {
  return stay.leftAtLatest === undefined ? isAfterJoin(stay, at) : at > stay.leftAtLatest;
}

/** Whether REST had shown a call in the conference by then. In there, it asks for nothing. */
function wasListed({ joinSource, muteChangedAt }: Stay, at: number): boolean {
  return joinSource === 'rest' && muteChangedAt !== undefined && muteChangedAt < at;
}

/** Whether a call was on a stay before the one with this number, which began then. */
function isEarlierStay(stay: Stay, stayNumber: number, at: number): boolean {
  const known = stay.supervision?.stayNumber;
  return known === undefined ? startOf(stay) < at : known < stayNumber;
}

/** How fresh a document must be for its target to be believed, in milliseconds. */
const FRESH_MS = 5_000;

/** Whoever wrote the document knew its target. A store that never heard of that call has lost it. */
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
 * Writes down what was known of a stay before it was known whose it is.
 *
 * @param isTold whether REST has shown it to be a supervisor's before: then all but its document is written down
 */
function addFactsOnceIdentified(draft: RoomDraft, stay: Stay, isTold: boolean): void {
  if (isTold && !isOpen(stay)) {
    return;
  }
  const noted = addFact(draft, stay, 'arrived', stay.arrivedAt ?? 0, 'webhook');
  if (!isTold) {
    addJoinAndLeaveFacts(draft, noted);
  }
}

/** Writes down when somebody joined and left. */
function addJoinAndLeaveFacts(draft: RoomDraft, stay: Stay): void {
  const { joinedAt, joinSource = 'callback', leftAt, leaveSource = 'callback' } = stay;
  const noted = joinedAt === undefined ? stay : addFact(draft, stay, 'joined', joinedAt, joinSource);
  if (leftAt !== undefined) {
    addFact(draft, noted, 'left', leftAt, leaveSource);
  }
}
