import type { Sid } from '../signalwire/sid';
import { moderatorArrived, supervisorSent } from './arrivals';
import type { Fact } from './fact';
import { conferenceStarted, joined } from './joins';
import { callEnded, conferenceEnded, dialEnded, left } from './leaves';
import { participantObserved, roomObserved } from './observations';
import { modeRequested, participantChanged, targetSet } from './reports';
import {
  isInConference,
  isOpen,
  type RoomState,
  type Source,
  type Stay,
  type SupervisionState,
  startOf,
  targetOf,
} from './room';
import {
  addFact,
  changeStay,
  endOfSecond,
  endStay,
  factDate,
  factSummaryOf,
  isSameConference,
  openStayOf,
  RESOLUTION_MS,
  type RoomDraft,
} from './room-draft';
import type { EventOf, RoomEvent } from './room-event';

/** How long the stays of callers are remembered after their end, in milliseconds. */
const CALLERS_REMEMBERED_MS = 600_000;

/** How many stays that ended, and how many conferences, are remembered in a room. */
const MAX_REMEMBERED = 200;

/** How many callers a supervisor's stay names. */
const MAX_CALLERS = 10;

/** What came of an event: the room's next state, the same object if nothing changed, and the lines of its feed. */
interface Evolution {
  state: RoomState;
  facts: readonly Fact[];
}

/**
 * The rules of state: what a room is after an event. Pure.
 *
 * Events may come late, repeatedly and in any order. Every stay is kept for `lifetimeMs` at most.
 *
 * @param now the store's clock, in milliseconds since 1970
 */
export function evolve(
  state: RoomState,
  event: RoomEvent,
  now: number,
  { lifetimeMs }: { lifetimeMs: number },
): Evolution {
  if (event.ageMs >= lifetimeMs) {
    return { state, facts: [] };
  }
  const isForeign = (event.isForeign ?? state.isForeign) ? true : undefined;
  if (isForeign && (event.kind === 'room-observed' || event.kind === 'participant-observed')) {
    return { state, facts: [] };
  }
  // Of two events at one instant, the one noted last is the later one. A clock may also have been set back, as by a failover.
  const clock = Math.max(now, state.at + 1);
  const at = clock - event.ageMs;
  const draft: RoomDraft = {
    now: clock,
    room: state.room,
    conference: state.conference,
    stays: [...state.stays],
    ended: [...state.ended],
    facts: [],
    hasChanged: isForeign !== state.isForeign,
  };
  forgetOldStays(draft, lifetimeMs);
  if ('callSid' in event) {
    backdateInferredArrival(draft, event.callSid, at);
  }
  (RULES[event.kind] as (draft: RoomDraft, event: RoomEvent, at: number) => void)(draft, event, at);
  updateSupervisors(draft, event, at);
  if (!draft.hasChanged && draft.facts.length === 0) {
    return { state, facts: [] };
  }
  const { conference, stays, ended, facts } = draft;
  return {
    state: { room: state.room, conference, stays, ended, isForeign, at: clock },
    facts: isForeign ? [] : facts,
  };
}

/** The same room at a later moment: without the stays that have lasted longer than a call can. */
export function atMoment(state: RoomState, now: number, { lifetimeMs }: { lifetimeMs: number }): RoomState {
  const isOver = (stay: Stay) => isOpen(stay) && startOf(stay) + lifetimeMs <= now;
  return state.stays.some(isOver) ? { ...state, stays: state.stays.filter((stay) => !isOver(stay)) } : state;
}

/** What each event does. Everything that may follow from it for supervisors is in `settle`. */
const RULES: { [K in RoomEvent['kind']]: (draft: RoomDraft, event: EventOf<K>, at: number) => void } = {
  'moderator-arrived': moderatorArrived,
  'supervisor-sent': supervisorSent,
  'mode-requested': modeRequested,
  'target-set': targetSet,
  'dial-ended': dialEnded,
  'call-ended': callEnded,
  joined,
  left,
  muted: participantChanged,
  unmuted: participantChanged,
  held: participantChanged,
  unheld: participantChanged,
  spoke: participantChanged,
  'fell-silent': participantChanged,
  'conference-started': conferenceStarted,
  'conference-ended': conferenceEnded,
  'room-observed': roomObserved,
  'participant-observed': participantObserved,
};

/** Ends stays that have lasted longer than a call can, and lets go of what nothing late can concern any more. */
function forgetOldStays(draft: RoomDraft, lifetimeMs: number): void {
  const { now } = draft;
  for (const stay of draft.stays) {
    if (isOpen(stay) && startOf(stay) + lifetimeMs <= now) {
      endStay(draft, stay, { at: now, by: 'inferred' });
    }
  }
  const rememberedMs = (stay: Stay) =>
    stay.role === 'caller' ? Math.min(CALLERS_REMEMBERED_MS, lifetimeMs) : lifetimeMs;
  const isKept = (stay: Stay) => isOpen(stay) || (stay.leftAt ?? 0) + rememberedMs(stay) > now;
  draft.stays = draft.stays.filter(isKept);
  draft.ended = draft.ended.filter(({ at }) => at + lifetimeMs > now).slice(-MAX_REMEMBERED);
  const ended = draft.stays.filter((stay) => !isOpen(stay));
  // However many callers come and go, nobody who moderated or supervised is forgotten for them.
  const [callers, others] = [ended.filter(isCaller), ended.filter((stay) => !isCaller(stay))];
  const surplus = new Set([...callers.slice(0, -MAX_REMEMBERED), ...others.slice(0, -MAX_REMEMBERED)]);
  if (surplus.size > 0) {
    draft.stays = draft.stays.filter((stay) => !surplus.has(stay));
  }
}

/** An inferred stay began by its earliest event. */
function backdateInferredArrival(draft: RoomDraft, callSid: Sid, at: number): void {
  const stay = openStayOf(draft, callSid);
  if (stay?.isArrivalInferred && stay.joinedAt === undefined && at < startOf(stay)) {
    changeStay(draft, stay, { arrivedAt: at });
  }
}

const SOURCES: Readonly<Partial<Record<RoomEvent['kind'], Source>>> = {
  'moderator-arrived': 'webhook',
  'supervisor-sent': 'webhook',
  'dial-ended': 'webhook',
  'room-observed': 'rest',
  'participant-observed': 'rest',
};

/** What follows from an event for the supervisors who are there, and the lines about how they are heard. */
function updateSupervisors(draft: RoomDraft, event: RoomEvent, at: number): void {
  const source = SOURCES[event.kind] ?? 'callback';
  // REST was asked at `at`, and has answered since.
  const latest = source === 'rest' ? draft.now : endOfSecond(draft, at);
  const target = targetOf(draft);
  const present = draft.stays.filter((stay) => isInConference(stay) && isCaller(stay)).map(({ callSid }) => callSid);
  const others = new Set(draft.stays.filter((stay) => !isCaller(stay)).map(({ callSid }) => callSid));
  for (const known of draft.stays) {
    const { supervision } = known;
    if (supervision === undefined || !isOpen(known)) {
      continue;
    }
    // Before they join, their document decides; corrections start with the join.
    const stay = isInConference(known)
      ? changeStay(draft, known, {
          supervision: withCallers(followTarget(known, supervision, target, latest), present, others),
        })
      : known;
    if (differsFromLastFact(draft, stay.supervision)) {
      const earliest = Math.max(at, stay.joinedAt ?? at);
      addFact(draft, stay, 'mode', Math.max(factDate(stay, earliest, latest), heardModeChangedAt(stay)), source);
    }
  }
}

/** When the Space reported how a supervisor is heard; 0 if it never did. */
function heardModeChangedAt({ muteChangedAt = 0, supervision }: Stay): number {
  return Math.max(muteChangedAt, supervision?.coachedCallChangedAt ?? 0);
}

/**
 * A mode is chosen for one conversation. When the target is another, or gone, the supervisor is to listen, to the next
 * target if there is one. How they are heard since is unknown, unless the Space has reported it after `latest`, the last
 * instant at which that can have been.
 */
function followTarget(
  stay: Stay,
  supervision: SupervisionState,
  target: Stay | undefined,
  latest: number,
): SupervisionState {
  if (target !== undefined && leadsConversationOf(stay, supervision, target)) {
    const { moderatorName = target.name } = supervision;
    return moderatorName === supervision.moderatorName ? supervision : { ...supervision, moderatorName };
  }
  const led = target && { target: target.callSid, moderatorName: target.name };
  if (supervision.mode === 'monitor') {
    return led === undefined ? supervision : { ...supervision, ...led };
  }
  const heard = stay.isMuted ? 'monitor' : heardModeChangedAt(stay) > latest ? supervision.heard : 'unknown';
  return { ...supervision, ...led, mode: 'monitor', heard };
}

/** Whether a target leads the conversation that a supervisor came to: the same call, in the same conference. */
function leadsConversationOf(stay: Stay, supervision: SupervisionState, target: Stay): boolean {
  return (
    target.callSid === supervision.target &&
    isSameConference(stay.conferenceSid, target.conferenceSid) &&
    // A target who dialled again since then leads another conference.
    (isInConference(target) || startOf(target) <= (stay.joinedAt ?? 0) + RESOLUTION_MS)
  );
}

/** Adds the callers who are present to a supervisor's, and takes out who turned out to be none. */
function withCallers(
  supervision: SupervisionState,
  present: readonly Sid[],
  others: ReadonlySet<Sid>,
): SupervisionState {
  const kept = supervision.callers.filter((callSid) => !others.has(callSid));
  const callers = [...new Set([...kept, ...present])].slice(0, MAX_CALLERS);
  const isSame = callers.length === supervision.callers.length && kept.length === callers.length;
  return isSame ? supervision : { ...supervision, callers };
}

/** Whether somebody is a caller, as far as we know. */
function isCaller({ role }: Stay): boolean {
  return role === 'caller' || role === 'unknown';
}

/** Whether the last line about a stay says something else. */
function differsFromLastFact(draft: RoomDraft, supervision: SupervisionState | undefined): boolean {
  if (supervision?.lastFact === undefined) {
    return false;
  }
  const line = supervision.lastFact;
  const summary = factSummaryOf(draft, supervision);
  return (['mode', 'heard', 'target', 'moderatorName'] as const).some((name) => line[name] !== summary[name]);
}
