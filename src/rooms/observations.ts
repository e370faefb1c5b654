import type { Sid } from '../signalwire/sid';
import { clearCoachingFailures } from './coaching-failures';
import { switchConference } from './conference-changes';
import { RESOLUTION_MS, REST_DELAY_MS } from './event-dates';
import { enterConference } from './joins';
import { applyReport, heardModeOf } from './reports';
import { isInConference, isOpen, type Stay, type SupervisionState, startOf } from './room';
import { addFact, addStay, changeStay, endStay, openStayOf, type RoomDraft, staysOfCall } from './room-draft';
import type { EventOf, ObservedParticipant } from './room-event';

/** How long a call may take from its document into the conference, in milliseconds. */
const LONGEST_ENTRY_MS = 60_000;

/** All that REST shows of the room: adds who was missed, removes who is gone. */
export function roomObserved(draft: RoomDraft, event: EventOf<'room-observed'>, at: number): void {
  const { conference, participants } = event;
  if (conference !== undefined) {
    switchConference(draft, conference.sid, at);
    for (const participant of participants) {
      // A list that is behind may show the stay before; the next one will not.
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

/** Whether a call left so lately that REST, which can be behind, may still show it as it was. */
function leftRecently(draft: RoomDraft, callSid: Sid, at: number): boolean {
  return staysOfCall(draft, callSid).some(({ leftAtLatest = 0 }) => leftAtLatest + REST_DELAY_MS >= at);
}

/** REST does not list a stay that is open by what we know. */
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

/** One participant as REST shows them. */
export function participantObserved(
  draft: RoomDraft,
  { conferenceSid, participant }: Pick<EventOf<'participant-observed'>, 'conferenceSid' | 'participant'>,
  at: number,
): void {
  const { callSid, isModerator, joinAgeMs, person } = participant;
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
  // The Space's word does not bring back somebody who was just seen to leave, nor let their next stay in.
  if (!hasRejoined && (stay === undefined || !isInConference(stay)) && leftRecently(draft, callSid, at)) {
    return;
  }
  stay ??= addStay(draft, { callSid, role: 'unknown' });
  const isNews = !isInConference(stay);
  if (isNews && !stay.isArrivalInferred && at < (stay.arrivedAt ?? at)) {
    // It is about a stay before this one, which was not sent there yet.
    return;
  }
  if (isNews) {
    stay = enterConference(draft, stay, { conferenceSid, isModerator, at: at - joinAgeMs, by: 'rest' });
  }
  const role = observedRole(stay, participant, isNews);
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
  if (isNews || isNewlyKnown) {
    // Without a document nobody knows how they were heard before.
    const isForgotten = isSupervisor && stay.supervision?.stayNumber === undefined;
    addFact(draft, stay, 'joined', isForgotten ? at : (stay.joinedAt ?? at), 'rest');
  } else if (isIdentified) {
    addFact(draft, stay, 'identified', at, 'rest');
  }
}

/** Whether a stay that only a callback told of is over: REST shows a later join. An age of 1 ms says nothing. */
function hasJoinedAgain(
  { joinedAt, joinSource, arrivedAt }: Stay,
  { joinAgeMs }: ObservedParticipant,
  at: number,
): boolean {
  const isByCallback = joinedAt !== undefined && joinSource === 'callback' && arrivedAt === undefined;
  return isByCallback && joinAgeMs > 1 && at - joinAgeMs > joinedAt + REST_DELAY_MS;
}

/** What somebody is. Only moderators end the conference by leaving, and only supervisors coach. */
function observedRole(
  stay: Stay,
  { coachedCall, isModerator, person }: ObservedParticipant,
  isNews: boolean,
): Stay['role'] {
  if (isModerator) {
    return 'moderator';
  }
  // A callback tells a caller from a supervisor no better than it tells either from nobody.
  if (coachedCall !== 'nobody' || stay.supervision !== undefined || person?.role === 'supervisor') {
    return 'supervisor';
  }
  const wasKnown = !isNews || stay.arrivedAt !== undefined;
  return wasKnown && stay.role !== 'unknown' ? stay.role : (person?.role ?? 'unknown');
}

/** A supervisor whose document nobody remembers: the observed mode counts as the requested one. */
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
