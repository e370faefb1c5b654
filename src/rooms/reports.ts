import type { Sid } from '../signalwire/sid';
import { RESOLUTION_MS, SAME_DATE_MS } from './event-dates';
import type { HeardMode } from './mode';
import { isInConference, type Stay, startOf } from './room';
import { changeStay, isSameConference, openStayOf, type RoomDraft, staysOfCall } from './room-draft';
import type { EventOf, ParticipantReport } from './room-event';

/** What the Space says of somebody who is in. */
type Report = Pick<ParticipantReport, 'isMuted' | 'isOnHold' | 'coachedCall'>;

/** Takes what a callback or REST says of somebody who is in, unless something newer is known. */
export function applyReport(draft: RoomDraft, stay: Stay, told: Report, at: number, by: 'callback' | 'rest'): Stay {
  // Of two callbacks of one second, the one that came last counts.
  const latest = by === 'callback' ? at + SAME_DATE_MS : at;
  const counts = <T>(value: T | undefined, since = 0): value is T => value !== undefined && latest >= since;
  // REST repeats itself every few seconds: its date alone is no news.
  const isNews = <T>(value: T | undefined, known: T | undefined, since = 0): value is T =>
    counts(value, since) && (by === 'callback' || value !== known);
  const changed = changeStay(draft, stay, {
    ...(isNews(told.isMuted, stay.isMuted, stay.muteChangedAt) && {
      isMuted: told.isMuted,
      muteChangedAt: Math.max(at, stay.muteChangedAt ?? 0),
    }),
    ...(isNews(told.isOnHold, stay.isOnHold, stay.holdChangedAt) && {
      isOnHold: told.isOnHold,
      holdChangedAt: Math.max(at, stay.holdChangedAt ?? 0),
    }),
  });
  const { supervision } = changed;
  const { coachedCall, coachedCallChangedAt } = supervision ?? changed;
  const coaching = isNews(told.coachedCall, coachedCall, coachedCallChangedAt)
    ? { coachedCall: told.coachedCall, coachedCallChangedAt: at }
    : {};
  if (supervision === undefined) {
    return changeStay(draft, changed, coaching);
  }
  // What is older than what we know confirms nothing.
  const isTold = counts(told.isMuted, stay.muteChangedAt) || counts(told.coachedCall, coachedCallChangedAt);
  const heard = isTold ? heardModeOf(changed.isMuted, coaching.coachedCall ?? coachedCall) : supervision.heard;
  return coaching.coachedCall === undefined && heard === supervision.heard
    ? changed
    : changeStay(draft, changed, { supervision: { ...supervision, ...coaching, heard } });
}

/** How a participant is heard by what the Space says of them. */
export function heardModeOf(isMuted: boolean | undefined, coachedCall: Sid | 'nobody' | undefined): HeardMode {
  if (isMuted) {
    return 'monitor';
  }
  if (isMuted === undefined || coachedCall === undefined) {
    return 'unknown';
  }
  return coachedCall === 'nobody' ? 'barge' : 'coach';
}

/** Muting, hold and speech of somebody. Only a join lets anybody in; until then, it may be about the stay before. */
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

/** A supervisor is to be heard in another mode. How they are heard is another matter. */
export function modeRequested(draft: RoomDraft, { callSid, mode }: EventOf<'mode-requested'>, at: number): void {
  const stay = openStayOf(draft, callSid);
  if (stay?.supervision !== undefined && startOf(stay) <= at && stay.supervision.mode !== mode) {
    changeStay(draft, stay, { supervision: { ...stay.supervision, mode } });
  }
}

/** REST set a supervisor's target. */
export function targetSet(draft: RoomDraft, { callSid, target }: EventOf<'target-set'>, at: number): void {
  const stay = openStayOf(draft, callSid);
  // The store's clock counts whole milliseconds; an age does not.
  const setAt = Math.ceil(at);
  const { targetSetAt = 0 } = stay?.supervision ?? {};
  if (stay?.supervision?.target === target && startOf(stay) <= setAt && targetSetAt < setAt) {
    changeStay(draft, stay, { supervision: { ...stay.supervision, targetSetAt: setAt } });
  }
}
