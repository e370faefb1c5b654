import type { Sid } from '../signalwire/sid';
import { actionRequested, actionUpdated, confirmJoins, settleAbandoned, settleEnded } from './action-rules';
import { moderatorArrived, supervisorSent } from './arrivals';
import { conferenceEnded, conferenceStarted } from './conference-changes';
import type { Fact } from './fact';
import { joined } from './joins';
import { callEnded, dialEnded, left } from './leaves';
import { participantObserved, roomObserved, roomUnobserved } from './observations';
import { forgetOldRecordings, recordingOpened, recordingReported, recordingsObserved } from './recording-rules';
import { modeRequested, moderatorTold, participantChanged, targetSet } from './reports';
import { countsAsCaller, isOpen, type Role, type RoomState, type Stay, startOf } from './room';
import { changeStay, endStay, openStayOf, type RoomDraft } from './room-draft';
import type { EventOf, RoomEvent } from './room-event';
import { updateSupervisors } from './supervisors';

/** How long an ended stay of a caller is kept, in milliseconds. */
const CALLER_KEPT_MS = 600_000;

/** How many ended stays of callers, of others, and how many ended conferences a room keeps. */
const MAX_KEPT = 200;

/** How many arrivals of agents, and of supervisors, may wait for their join in a room. */
const MAX_ARRIVALS = 20;

interface Evolution {
  /** The same object as before if nothing changed. */
  state: RoomState;
  /** Facts for the room's feed. */
  facts: readonly Fact[];
}

/**
 * Computes the next state of a room. Pure; all rules of state are here and in the files that this one imports.
 *
 * Events may come late, repeatedly and in any order.
 *
 * @param options.lifetimeMs how long a stay can last, and how long an ended one is kept
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
  if (isForeign && OF_OUR_SPACE.has(event.kind)) {
    return { state, facts: [] };
  }
  // A room's time always goes forward, even if the store's clock was set back, as after a failover.
  const clock = Math.max(now, state.at + 1);
  // Ages have fractions, the clock has none. Rounded down, a question asked after an event is not dated before it.
  const at = clock - Math.floor(event.ageMs);
  const draft: RoomDraft = {
    now: clock,
    room: state.room,
    conference: state.conference,
    stays: [...state.stays],
    ended: [...state.ended],
    actions: state.actions ?? [],
    recordings: state.recordings ?? [],
    doubtedUntil: state.doubtedUntil,
    facts: [],
    hasChanged: isForeign !== state.isForeign,
  };
  forgetOldStays(draft, lifetimeMs);
  settleAbandoned(draft);
  if (draft.recordings.length > 0) {
    forgetOldRecordings(draft, lifetimeMs);
  }
  if ('callSid' in event && event.callSid !== undefined) {
    backdateInferredArrival(draft, event.callSid, at);
  }
  (RULES[event.kind] as (draft: RoomDraft, event: RoomEvent, at: number) => void)(draft, event, at);
  confirmJoins(draft);
  settleEnded(draft);
  updateSupervisors(draft, event, at);
  if (!draft.hasChanged && draft.facts.length === 0) {
    return { state, facts: [] };
  }
  const { conference, stays, ended, doubtedUntil, facts } = draft;
  const actions = draft.actions.length > 0 ? draft.actions : undefined;
  const recordings = draft.recordings.length > 0 ? draft.recordings : undefined;
  return {
    state: { room: state.room, conference, stays, ended, actions, recordings, isForeign, doubtedUntil, at: clock },
    facts: isForeign ? [] : facts,
  };
}

/** Events that count only for rooms of our own account: what REST shows, and what is done through REST. */
const OF_OUR_SPACE: ReadonlySet<RoomEvent['kind']> = new Set([
  'room-observed',
  'room-unobserved',
  'participant-observed',
  'recording-reported',
  'recordings-observed',
  'recording-opened',
  'action-requested',
]);

/** What each event changes. `updateSupervisors` follows each of them. */
const RULES: { [K in RoomEvent['kind']]: (draft: RoomDraft, event: EventOf<K>, at: number) => void } = {
  'moderator-arrived': moderatorArrived,
  'supervisor-sent': supervisorSent,
  'mode-requested': modeRequested,
  'action-requested': actionRequested,
  'action-updated': actionUpdated,
  'target-set': targetSet,
  'moderator-told': moderatorTold,
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
  'room-unobserved': roomUnobserved,
  'participant-observed': participantObserved,
  'recording-reported': recordingReported,
  'recordings-observed': recordingsObserved,
  'recording-opened': recordingOpened,
};

/** Ends stays that have lasted longer than a call can, and drops ended ones that no late event can concern any more. */
function forgetOldStays(draft: RoomDraft, lifetimeMs: number): void {
  const { now } = draft;
  for (const stay of draft.stays) {
    if (isOpen(stay) && startOf(stay) + lifetimeMs <= now) {
      endStay(draft, stay, { at: now, by: 'inferred' });
    }
  }
  const keptMs = (stay: Stay) => (stay.role === 'caller' ? Math.min(CALLER_KEPT_MS, lifetimeMs) : lifetimeMs);
  const isKept = (stay: Stay) => isOpen(stay) || (stay.leftAt ?? 0) + keptMs(stay) > now;
  draft.stays = draft.stays.filter(isKept);
  draft.ended = draft.ended.filter(({ at }) => at + lifetimeMs > now).slice(-MAX_KEPT);
  if (draft.stays.length <= MAX_ARRIVALS) {
    return;
  }
  const ended = draft.stays.filter((stay) => !isOpen(stay));
  // Counted separately, so that callers who come and go never displace moderators and supervisors.
  const [callers, others] = [ended.filter(countsAsCaller), ended.filter((stay) => !countsAsCaller(stay))];
  const surplus = new Set([
    ...callers.slice(0, -MAX_KEPT),
    ...others.slice(0, -MAX_KEPT),
    ...surplusArrivals(draft, 'moderator'),
    ...surplusArrivals(draft, 'supervisor'),
  ]);
  if (surplus.size > 0) {
    draft.stays = draft.stays.filter((stay) => !surplus.has(stay));
  }
}

/** All but the latest arrivals of a role that were never seen to join: most of them hung up unreported. */
function surplusArrivals({ stays }: RoomDraft, role: Role): Stay[] {
  const arrivals = stays.filter((stay) => stay.role === role && isOpen(stay) && stay.joinedAt === undefined);
  return arrivals.length <= MAX_ARRIVALS
    ? []
    : arrivals.sort((one, other) => startOf(one) - startOf(other)).slice(0, -MAX_ARRIVALS);
}

/** An inferred arrival was at the latest when the first event about it happened. */
function backdateInferredArrival(draft: RoomDraft, callSid: Sid, at: number): void {
  const stay = openStayOf(draft, callSid);
  if (stay?.isArrivalInferred && stay.joinedAt === undefined && at < startOf(stay)) {
    changeStay(draft, stay, { arrivedAt: at });
  }
}
