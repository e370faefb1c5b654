import type { Sid } from '../signalwire/sid';
import { cancelModeChange } from './action-rules';
import { RESOLUTION_MS } from './event-dates';
import {
  countsAsCaller,
  isInConference,
  isOpen,
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
  factDate,
  factSummaryOf,
  isSameConference,
  type RoomDraft,
} from './room-draft';
import type { RoomEvent } from './room-event';

/** A supervisor's stay names at most this many callers. */
export const MAX_CALLERS = 10;

/** Where events come from; all others are status callbacks. */
const SOURCES: Readonly<Partial<Record<RoomEvent['kind'], Source>>> = {
  'moderator-arrived': 'webhook',
  'supervisor-sent': 'webhook',
  'dial-ended': 'webhook',
  // Recorded after the server has muted them, or set their target, through REST.
  'mode-requested': 'rest',
  'target-set': 'rest',
  'moderator-told': 'rest',
  'action-requested': 'api',
  'action-updated': 'api',
  'room-observed': 'rest',
  'room-unobserved': 'rest',
  'participant-observed': 'rest',
  'recordings-observed': 'rest',
};

/**
 * Updates the supervisors in the room after any event: the conversation they are in, the callers they can hear, and a fact
 * if their mode or target has changed.
 */
export function updateSupervisors(draft: RoomDraft, event: RoomEvent, at: number): void {
  if (!draft.stays.some(({ supervision }) => supervision !== undefined)) {
    return;
  }
  const source = SOURCES[event.kind] ?? 'callback';
  // The last instant at which the event can have happened. REST was asked at `at`, and answered later.
  const latest = source === 'rest' ? draft.now : endOfSecond(draft, at);
  const target = targetOf(draft);
  const callers = draft.stays.filter(countsAsCaller);
  const present = callers.filter(isInConference).map(({ callSid }) => callSid);
  const others = new Set(draft.stays.filter((stay) => !countsAsCaller(stay)).map(({ callSid }) => callSid));
  for (const known of draft.stays) {
    const { supervision } = known;
    if (supervision === undefined || !isOpen(known)) {
      continue;
    }
    // Until they join, the document they got counts.
    const stay = isInConference(known)
      ? changeStay(draft, known, {
          supervision: withCallers(followTarget(known, supervision, target, latest), present, others),
        })
      : known;
    const isDropped = stay.supervision?.mode !== supervision.mode;
    const change = isDropped ? cancelModeChange(draft, stay.callSid, 'conversation-changed', at) : undefined;
    if (differsFromLastFact(draft, stay.supervision)) {
      const earliest = Math.max(at, stay.joinedAt ?? at);
      addFact(draft, stay, 'mode', Math.max(factDate(stay, earliest, latest), heardModeChangedAt(stay)), source, {
        ...(change && { by: change.by, reason: change.reason }),
      });
    }
  }
}

/** When a report last changed how a supervisor is heard; 0 if none did. */
function heardModeChangedAt({ muteChangedAt = 0, supervision }: Stay): number {
  return Math.max(muteChangedAt, supervision?.coachedCallChangedAt ?? 0);
}

/**
 * A mode is chosen for one conversation. When the target leaves, or another becomes the target, the mode becomes `monitor`,
 * with the next target if there is one. How the supervisor is heard is then unknown, unless they are muted or the Space
 * reported it after `latest`.
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
  const next = target && { target: target.callSid, moderatorName: target.name };
  if (supervision.mode === 'monitor') {
    return next === undefined ? supervision : { ...supervision, ...next };
  }
  const isReportedSince = heardModeChangedAt(stay) > latest;
  const heard = stay.isMuted ? 'monitor' : isReportedSince ? supervision.heard : 'unknown';
  return {
    ...supervision,
    ...next,
    mode: 'monitor',
    heard,
    heardAt: heard === 'unknown' ? undefined : supervision.heardAt,
  };
}

/** Whether the target still leads the conversation that a supervisor came to: the same call, in the same conference. */
function leadsConversationOf(stay: Stay, supervision: SupervisionState, target: Stay): boolean {
  return (
    target.callSid === supervision.target &&
    isSameConference(stay.conferenceSid, target.conferenceSid) &&
    // A target who has dialled again since leads another conversation.
    (isInConference(target) || startOf(target) <= (stay.joinedAt ?? 0) + RESOLUTION_MS)
  );
}

/** Adds the callers who are present, and removes calls that turned out not to be callers. */
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

/** Whether mode or target have changed since the latest fact about this stay. */
function differsFromLastFact(draft: RoomDraft, supervision: SupervisionState | undefined): boolean {
  if (supervision?.lastFact === undefined) {
    return false;
  }
  const { lastFact } = supervision;
  const summary = factSummaryOf(draft, supervision);
  return (['mode', 'heard', 'target', 'moderatorName'] as const).some((name) => lastFact[name] !== summary[name]);
}
