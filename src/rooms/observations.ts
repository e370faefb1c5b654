import type { Sid } from '../signalwire/sid';
import { clearCoachingFailures } from './coaching-failures';
import { reviveConference, switchConference } from './conference-changes';
import { RESOLUTION_MS, REST_DELAY_MS } from './event-dates';
import { enterConference } from './joins';
import { applyReport, heardModeOf } from './reports';
import {
  isInConference,
  isOpen,
  type RoomState,
  type Stay,
  type SupervisionState,
  type SupervisorStay,
  startOf,
} from './room';
import { addFact, addStay, changeStay, endStay, openStayOf, type RoomDraft, staysOfCall } from './room-draft';
import type { EventOf, ObservedParticipant } from './room-event';

/** The longest time from a call's document to its join, in milliseconds: it may hear a notice first. */
const LONGEST_ENTRY_MS = 60_000;

/** REST listed a room's participants: adds those that no callback reported, and ends the stays of those who are gone. */
export function roomObserved(draft: RoomDraft, event: EventOf<'room-observed'>, at: number): void {
  const { conference, participants } = event;
  if (draft.doubtedUntil !== undefined) {
    draft.doubtedUntil = undefined;
    draft.hasChanged = true;
  }
  if (conference !== undefined) {
    switchConference(draft, conference.sid, at);
    for (const participant of participants) {
      // A list that is behind may show the stay that just ended. The next list will not.
      if (!leftRecently(draft, participant.callSid, at)) {
        participantObserved(draft, { conferenceSid: conference.sid, participant }, at);
      }
    }
    if (participants.length > 1) {
      clearCoachingFailures(draft, at);
    }
  }
  const listed = new Set(participants.map(({ callSid }) => callSid));
  for (const stay of draft.stays) {
    if (isOpen(stay) && !listed.has(stay.callSid)) {
      noteUnlisted(draft, stay, at);
    }
  }
}

/** Puts into doubt how supervisors are heard of whom nothing was reported for so long. No fact: nothing has happened. */
export function roomUnobserved(draft: RoomDraft, { forMs }: EventOf<'room-unobserved'>, at: number): void {
  const doubtedUntil = at - forMs;
  const isSupervisor = (stay: Stay): stay is SupervisorStay => isInConference(stay) && stay.supervision !== undefined;
  if (draft.stays.filter(isSupervisor).some((stay) => isInDoubt({ doubtedUntil }, stay) && !isInDoubt(draft, stay))) {
    draft.doubtedUntil = doubtedUntil;
    draft.hasChanged = true;
  }
}

/** Whether it is in doubt how a supervisor is heard: nothing was reported of that after `doubtedUntil`, or ever. */
export function isInDoubt(
  { doubtedUntil = 0 }: Pick<RoomState, 'doubtedUntil'>,
  { joinedAt = 0, supervision }: SupervisorStay,
): boolean {
  return Math.max(joinedAt, supervision.heardAt ?? 0) <= doubtedUntil;
}

/** Whether a call left so recently that REST may still show it. */
function leftRecently(draft: RoomDraft, callSid: Sid, at: number): boolean {
  return staysOfCall(draft, callSid).some(({ leftAtLatest = 0 }) => leftAtLatest + REST_DELAY_MS >= at);
}

/** REST's list lacks an open stay: the first time is noted, the second time ends the stay. */
function noteUnlisted(draft: RoomDraft, stay: Stay, at: number): void {
  const expectedSince = stay.joinedAt === undefined ? startOf(stay) + LONGEST_ENTRY_MS : stay.joinedAt + RESOLUTION_MS;
  if (expectedSince > at) {
    return;
  }
  if (stay.missingSince === undefined) {
    changeStay(draft, stay, { missingSince: at });
  } else if (at - stay.missingSince >= REST_DELAY_MS) {
    endStay(draft, stay, { at: stay.missingSince, leftAtLatest: at, by: 'rest' });
  }
}

/** REST showed one participant. */
export function participantObserved(
  draft: RoomDraft,
  { conferenceSid, participant }: Pick<EventOf<'participant-observed'>, 'conferenceSid' | 'participant'>,
  at: number,
): void {
  const { callSid, isModerator, joinAgeMs, person } = participant;
  reviveConference(draft, conferenceSid, at);
  if (draft.ended.some(({ sid }) => sid === conferenceSid)) {
    return;
  }
  let stay = openStayOf(draft, callSid);
  if (stay?.conferenceSid !== undefined && stay.conferenceSid !== conferenceSid) {
    if ((stay.joinedAt ?? 0) > at) {
      return;
    }
    endStay(draft, stay, { at, by: 'inferred' });
    stay = undefined;
  }
  const hasRejoined = stay !== undefined && hasJoinedAgain(stay, participant, at);
  if (stay !== undefined && hasRejoined) {
    endStay(draft, stay, { at: at - joinAgeMs, by: 'inferred' });
    stay = undefined;
  }
  // REST may be behind: it does not revive a stay that just ended, nor show that the next one has joined.
  if (!hasRejoined && (stay === undefined || !isInConference(stay)) && leftRecently(draft, callSid, at)) {
    return;
  }
  stay ??= addStay(draft, { callSid, role: 'unknown' });
  const isJoin = !isInConference(stay);
  if (isJoin && !stay.isArrivalInferred && at < (stay.arrivedAt ?? at)) {
    // REST was asked before this call arrived: it showed an earlier stay.
    return;
  }
  if (isJoin) {
    stay = enterConference(draft, stay, { conferenceSid, isModerator, at: at - joinAgeMs, by: 'rest' });
  }
  const role = observedRole(stay, participant, isJoin);
  const isNewlyKnown = role === 'supervisor' && stay.role !== 'supervisor';
  const isSupervisor = role === 'supervisor';
  const isIdentified = person?.address !== undefined && stay.address === undefined && stay.name === undefined;
  stay = changeStay(draft, stay, {
    role,
    missingSince: undefined,
    name: stay.name ?? person?.name,
    address: stay.address ?? person?.address,
    ...(isSupervisor && stay.supervision === undefined && { supervision: inferredSupervision(participant) }),
  });
  stay = applyReport(draft, stay, participant, at, 'rest');
  if (isJoin || isNewlyKnown) {
    // Without a document, how they were heard before is unknown: the fact is dated now.
    const lacksDocument = isSupervisor && stay.supervision?.stayNumber === undefined;
    addFact(draft, stay, 'joined', lacksDocument ? at : (stay.joinedAt ?? at), 'rest');
  } else if (isIdentified) {
    addFact(draft, stay, 'identified', at, 'rest');
  }
}

/** Whether REST shows a later join than the only callback about this stay. An age of 1 ms means unknown. */
function hasJoinedAgain(
  { joinedAt, joinSource, arrivedAt }: Stay,
  { joinAgeMs }: ObservedParticipant,
  at: number,
): boolean {
  const isByCallback = joinedAt !== undefined && joinSource === 'callback' && arrivedAt === undefined;
  return isByCallback && joinAgeMs > 1 && at - joinAgeMs > joinedAt + REST_DELAY_MS;
}

/** The role of a participant. Only moderators end the conference by leaving, and only supervisors coach. */
function observedRole(
  stay: Stay,
  { coachedCall, isModerator, person }: ObservedParticipant,
  isJoin: boolean,
): Stay['role'] {
  if (isModerator) {
    return 'moderator';
  }
  // A callback cannot tell a caller from a supervisor who barges: only our webhook or REST can.
  if (coachedCall !== 'nobody' || stay.supervision !== undefined || person?.role === 'supervisor') {
    return 'supervisor';
  }
  const wasKnown = !isJoin || stay.arrivedAt !== undefined;
  return wasKnown && stay.role !== 'unknown' ? stay.role : (person?.role ?? 'unknown');
}

/** For a supervisor whose document is not known, the observed mode counts as the requested one. */
function inferredSupervision({ isMuted, coachedCall }: ObservedParticipant): SupervisionState {
  const heard = heardModeOf(isMuted, coachedCall);
  return {
    stayNumber: undefined,
    mode: heard === 'unknown' ? undefined : heard,
    target: coachedCall === 'nobody' ? undefined : coachedCall,
    moderatorName: undefined,
    heard: 'unknown',
    callers: [],
  };
}
