import type { Sid } from '../signalwire/sid';
import type { Action } from './action';
import { RESOLUTION_MS } from './event-dates';
import type { Fact } from './fact';
import type { RecordingState } from './recording';
import {
  coachesWrongCall,
  type FactSummary,
  isOpen,
  type RoomState,
  type Source,
  type Stay,
  type SupervisionState,
  startOf,
} from './room';

/** The next state of a room while `evolve` computes it. The rules change it in place. */
export interface RoomDraft {
  readonly now: number;
  readonly room: RoomState['room'];
  conference: RoomState['conference'];
  stays: Stay[];
  ended: { sid: Sid; at: number }[];
  actions: readonly Action[];
  recordings: readonly RecordingState[];
  doubtedUntil: number | undefined;
  readonly facts: Fact[];
  hasChanged: boolean;
}

/** The stays of one call, in the order in which they began. */
export function staysOfCall(draft: RoomDraft, callSid: Sid): Stay[] {
  return draft.stays.filter((stay) => stay.callSid === callSid).sort((one, other) => startOf(one) - startOf(other));
}

export function openStayOf(draft: RoomDraft, callSid: Sid): Stay | undefined {
  return draft.stays.find((stay) => stay.callSid === callSid && isOpen(stay));
}

/** Whether both may be the same conference: an unknown one may be any. */
export function isSameConference(one: Sid | undefined, other: Sid | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

export function addStay(draft: RoomDraft, stay: Stay): Stay {
  draft.stays.push(stay);
  draft.hasChanged = true;
  return stay;
}

/** Replaces a stay by a changed copy, and returns that. */
export function changeStay(draft: RoomDraft, stay: Stay, changes: Partial<Stay>): Stay {
  const names = Object.keys(changes) as (keyof Stay)[];
  if (names.every((name) => stay[name] === changes[name])) {
    return stay;
  }
  const changed = { ...stay, ...changes };
  draft.stays[draft.stays.indexOf(stay)] = changed;
  draft.hasChanged = true;
  return changed;
}

/** Ends a stay, and returns it. `leftAtLatest`: the last instant at which it can have ended; `at` by default. */
export function endStay(
  draft: RoomDraft,
  stay: Stay,
  how: { at: number; by: Source; leftAtLatest?: number; leaveDate?: number | undefined },
) {
  const { at, by, leftAtLatest = at, leaveDate } = how;
  const leftAt = Math.max(at, startOf(stay));
  const ended = changeStay(draft, stay, {
    leftAt,
    leftAtLatest: Math.max(leftAt, leftAtLatest),
    leaveSource: by,
    ...(leaveDate !== undefined && { leaveDate }),
    speakingSince: undefined,
  });
  const latest = Math.max(leftAtLatest, endOfSecond(draft, leftAt));
  return addFact(draft, ended, 'left', factDate(ended, leftAt, latest), by);
}

/** The end of the second that begins at a callback's date; now, if that is earlier. */
export function endOfSecond({ now }: RoomDraft, date: number): number {
  return Math.min(date + RESOLUTION_MS, now);
}

/**
 * The date of a fact that happened between two instants: the earliest, unless the stay's previous fact is later. Then the
 * latest is the better guess, because callbacks usually come at once.
 */
export function factDate({ supervision }: Stay, earliest: number, latest: number): number {
  const last = supervision?.lastFact?.at ?? earliest;
  return earliest < last && last <= latest ? latest : earliest;
}

/** Adds a fact about a moderator's or supervisor's stay to the feed; returns the stay. Callers have no facts. */
export function addFact(
  draft: RoomDraft,
  stay: Stay,
  kind: Fact['kind'],
  at: number,
  source: Source,
  about: Pick<Fact, 'by' | 'reason' | 'target' | 'moderatorName'> = {},
): Stay {
  if (stay.role !== 'moderator' && stay.role !== 'supervisor') {
    return stay;
  }
  const { callSid, role, conferenceSid, name, address, supervision, joinedAt } = stay;
  const summary = supervision && factSummaryOf(draft, supervision);
  draft.facts.push({
    kind,
    at,
    source,
    room: draft.room,
    role,
    callSid,
    conferenceSid,
    name,
    address,
    ...(supervision && { stayNumber: supervision.stayNumber, ...summary, callers: supervision.callers }),
    ...(supervision && coachesWrongCall(supervision) && { coachesWrongCall: true }),
    ...(kind === 'left' && { since: joinedAt }),
    ...(kind === 'mode' && { by: requesterOf(draft, callSid) }),
    ...about,
  });
  if (supervision === undefined || summary === undefined) {
    return stay;
  }
  const lastFact = { ...summary, at: Math.max(at, supervision.lastFact?.at ?? at) };
  return changeStay(draft, stay, { supervision: { ...supervision, lastFact } });
}

/** Who requested the change of a supervisor's mode that is being carried out; undefined if nobody did. */
function requesterOf({ actions }: RoomDraft, callSid: Sid): string | undefined {
  return actions.findLast((one) => one.callSid === callSid && one.name === 'mode' && one.status === 'requested')?.by;
}

/** Adds a fact about an action. @param stay the participant's; undefined for the whole room */
export function addActionFact(draft: RoomDraft, action: Action, stay: Stay | undefined, at: number): void {
  const { name, by, status, reason, callSid, recordedCall, mode, person, recordingSid } = action;
  draft.facts.push({
    kind: 'action',
    at,
    source: 'api',
    room: draft.room,
    role: stay?.role,
    callSid: callSid ?? recordedCall,
    conferenceSid: stay?.conferenceSid ?? draft.conference?.sid,
    name: stay?.name ?? person,
    address: stay?.address,
    mode,
    action: name,
    recordingSid,
    by,
    status,
    reason,
  });
}

/**
 * What a fact says of a supervisor. If the Space reports that they coach another moderator, the fact names that moderator,
 * who hears them, and not the target, who is next.
 */
export function factSummaryOf(draft: RoomDraft, supervision: SupervisionState): FactSummary {
  const { mode, heard, target, moderatorName, coachedCall } = supervision;
  return coachesWrongCall(supervision) && coachedCall !== 'nobody'
    ? {
        mode,
        heard,
        target: coachedCall,
        moderatorName: draft.stays.findLast(({ callSid }) => callSid === coachedCall)?.name,
      }
    : { mode, heard, target, moderatorName };
}
