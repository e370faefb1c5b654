import type { Sid } from '../signalwire/sid';
import { cancelModeChange } from './action-rules';
import { RESOLUTION_MS, SAME_DATE_MS, STORE_DELAY_MS } from './event-dates';
import type { HeardMode } from './mode';
import { isInConference, type Stay, startOf } from './room';
import {
  addFact,
  changeStay,
  endOfSecond,
  isSameConference,
  openStayOf,
  type RoomDraft,
  staysOfCall,
} from './room-draft';
import type { EventOf, ParticipantReport } from './room-event';

/** What the Space reports of a participant; undefined if it does not say. */
type Report = Pick<ParticipantReport, 'isMuted' | 'isOnHold' | 'coachedCall'>;

/** Applies what a callback or REST reports of a participant, unless something newer is known. */
export function applyReport(draft: RoomDraft, stay: Stay, told: Report, at: number, by: 'callback' | 'rest'): Stay {
  // Of two callbacks with one date, the one that came last counts.
  const latest = by === 'callback' ? at + SAME_DATE_MS : at;
  const counts = <T>(value: T | undefined, since = 0): value is T => value !== undefined && latest >= since;
  // REST repeats the same report every few seconds, so a later date alone changes nothing.
  const isChange = <T>(value: T | undefined, known: T | undefined, since = 0): value is T =>
    counts(value, since) && (by === 'callback' || value !== known);
  const restMuted = by === 'callback' ? shownByRest(stay, at) : undefined;
  const changed = changeStay(draft, stay, {
    ...(isChange(told.isMuted, stay.isMuted, stay.muteChangedAt) && {
      isMuted: restMuted === undefined || restMuted === told.isMuted ? told.isMuted : undefined,
      muteChangedAt: Math.max(at, stay.muteChangedAt ?? 0),
      restMuted: by === 'rest' ? told.isMuted : restMuted,
    }),
    ...(isChange(told.isOnHold, stay.isOnHold, stay.holdChangedAt) && {
      isOnHold: told.isOnHold,
      holdChangedAt: Math.max(at, stay.holdChangedAt ?? 0),
    }),
  });
  const { supervision } = changed;
  const { coachedCall, coachedCallChangedAt } = supervision ?? changed;
  const coaching = isChange(told.coachedCall, coachedCall, coachedCallChangedAt)
    ? { coachedCall: told.coachedCall, coachedCallChangedAt: at }
    : {};
  if (supervision === undefined) {
    return changeStay(draft, changed, coaching);
  }
  // A report that is older than what is known confirms nothing.
  const isTold = counts(told.isMuted, stay.muteChangedAt) || counts(told.coachedCall, coachedCallChangedAt);
  const heard = isTold ? heardModeOf(changed.isMuted, coaching.coachedCall ?? coachedCall) : supervision.heard;
  if (coaching.coachedCall === undefined && heard === supervision.heard) {
    return changed;
  }
  // A callback is dated to the second: by its end, what it reports has happened.
  const observedAt = by === 'callback' ? endOfSecond(draft, at) : at;
  const heardAt = heard === 'unknown' ? undefined : heard === supervision.heard ? supervision.heardAt : observedAt;
  return changeStay(draft, changed, { supervision: { ...supervision, ...coaching, heard, heardAt } });
}

/**
 * Whether REST showed a supervisor muted in the second of a callback's date; undefined if it showed nothing then. Where both
 * differ, either can be the later: a server that changes a mode mutes and unmutes within a second.
 */
function shownByRest({ supervision, restMuted, muteChangedAt = 0 }: Stay, at: number): boolean | undefined {
  return supervision !== undefined && at < muteChangedAt + SAME_DATE_MS ? restMuted : undefined;
}

/** The mode in which a supervisor is heard, by what the Space reports. */
export function heardModeOf(isMuted: boolean | undefined, coachedCall: Sid | 'nobody' | undefined): HeardMode {
  if (isMuted) {
    return 'monitor';
  }
  if (isMuted === undefined || coachedCall === undefined) {
    return 'unknown';
  }
  return coachedCall === 'nobody' ? 'barge' : 'coach';
}

/** A participant was muted, put on hold or spoke. Before the join, it may be about the call's stay before: ignored then. */
export function participantChanged(
  draft: RoomDraft,
  event: EventOf<'muted' | 'unmuted' | 'held' | 'unheld' | 'spoke' | 'fell-silent'>,
  at: number,
): void {
  const stay = openStayOf(draft, event.callSid);
  const isMeant =
    stay !== undefined &&
    isSameConference(stay.conferenceSid, event.conferenceSid) &&
    at + RESOLUTION_MS >= (stay.joinedAt ?? stay.arrivedAt ?? 0) &&
    (isInConference(stay) ||
      !staysOfCall(draft, event.callSid).some(({ leftAtLatest = 0 }) => leftAtLatest + RESOLUTION_MS >= at));
  if (!isMeant) {
    return;
  }
  switch (event.kind) {
    case 'muted':
    case 'unmuted':
      applyReport(draft, stay, { isMuted: event.kind === 'muted', coachedCall: event.coachedCall }, at, 'callback');
      return;
    case 'held':
    case 'unheld':
      applyReport(draft, stay, { isOnHold: event.kind === 'held' }, at, 'callback');
      return;
    case 'spoke':
      changeStay(draft, stay, { speakingSince: stay.speakingSince ?? at });
      return;
    case 'fell-silent':
      changeStay(draft, stay, { speakingSince: undefined });
  }
}

/** The enforcer muted a supervisor. Not confirmed yet: `heard` stays as it is. */
export function modeRequested(draft: RoomDraft, { callSid, mode }: EventOf<'mode-requested'>, at: number): void {
  const stay = openStayOf(draft, callSid);
  if (stay?.supervision !== undefined && startOf(stay) <= at && stay.supervision.mode !== mode) {
    const changed = changeStay(draft, stay, { supervision: { ...stay.supervision, mode } });
    const change = cancelModeChange(draft, callSid, 'muted-by-server', at);
    if (change !== undefined) {
      addFact(draft, changed, 'mode', at, 'rest', { by: change.by, reason: change.reason });
    }
  }
}

/** REST set a supervisor's target, after asking for it at `at`. */
export function targetSet(draft: RoomDraft, { callSid, target }: EventOf<'target-set'>, at: number): void {
  const stay = openStayOf(draft, callSid);
  // The store's clock counts whole milliseconds, an age has fractions.
  const setAt = Math.ceil(at);
  const { targetSetAt = 0 } = stay?.supervision ?? {};
  if (stay?.supervision?.target === target && startOf(stay) <= setAt && targetSetAt < setAt) {
    changeStay(draft, stay, { supervision: { ...stay.supervision, targetSetAt: setAt } });
  }
}

/** A moderator was told of a supervisor. Of a stay that is over meanwhile too: the notice was played, or still is. */
export function moderatorTold(draft: RoomDraft, { callSid, target }: EventOf<'moderator-told'>, at: number): void {
  const stay = openStayOf(draft, callSid) ?? staysOfCall(draft, callSid).at(-1);
  if (stay?.supervision === undefined) {
    return;
  }
  const { told } = stay.supervision;
  // A write that is repeated is the same notice.
  if (told?.target === target && Math.abs(at - told.at) < STORE_DELAY_MS) {
    return;
  }
  const moderatorName = draft.stays.findLast((one) => one.callSid === target)?.name;
  const known = changeStay(draft, stay, { supervision: { ...stay.supervision, told: { target, at } } });
  addFact(draft, known, 'told', at, 'rest', { target, moderatorName });
}
