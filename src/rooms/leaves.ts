import { setCoachingFailed } from './coaching-failures';
import { RESOLUTION_MS, STORE_DELAY_MS } from './event-dates';
import { isInConference, isOpen, type Stay, startOf } from './room';
import { addStay, changeStay, endStay, isSameConference, type RoomDraft, staysOfCall } from './room-draft';
import type { EventOf } from './room-event';

/** How far a leave callback's date may lie from the `<Dial>` action, or from REST's answer, that told of it before. */
const TOLD_TWICE_MS = 2_000;

/** Somebody was seen to leave: this ends the stay it belongs to, by conference and date, never a later one. */
export function left(draft: RoomDraft, event: EventOf<'left'>, at: number): void {
  const { callSid, conferenceSid, date } = event;
  const leftAtLatest = Math.min(date === undefined ? at : at + RESOLUTION_MS, draft.now);
  const stays = staysOfCall(draft, callSid).filter((stay) => isSameConference(stay.conferenceSid, conferenceSid));
  const open = stays.find(isOpen);
  const known = stays.find((stay) => isToldOf(stay, open, event, at));
  if (known !== undefined) {
    changeStay(draft, known, {
      conferenceSid: known.conferenceSid ?? conferenceSid,
      leaveDate: known.leaveDate ?? date,
    });
  } else if (open !== undefined && isAfterStart(open, date, leftAtLatest)) {
    const left = changeStay(draft, open, { conferenceSid: open.conferenceSid ?? conferenceSid });
    endStay(draft, left, { at, leftAtLatest, by: 'callback', leaveDate: date });
  } else if (stays.length === 0 || date !== undefined) {
    addEndedStay(draft, { callSid, conferenceSid, leftAt: at, leftAtLatest, leaveSource: 'callback', leaveDate: date });
  }
}

/** Whether this stay's end is known, and this leave tells of it again. */
function isToldOf(stay: Stay, open: Stay | undefined, { conferenceSid, date }: EventOf<'left'>, at: number): boolean {
  if (isOpen(stay)) {
    return false;
  }
  if (date === undefined) {
    // Of a call that came back, the conference alone tells.
    return (
      open === undefined ||
      (conferenceSid !== undefined && !isInConference(open) && stay.conferenceSid === conferenceSid)
    );
  }
  const isOfOpen = open?.joinDate !== undefined && date > open.joinDate;
  const wasToldOtherwise =
    stay.leaveDate === undefined &&
    stay.leaveSource !== 'callback' &&
    Math.abs((stay.leftAt ?? 0) - at) <= TOLD_TWICE_MS;
  return date === stay.leaveDate || (wasToldOtherwise && !isOfOpen);
}

/** Whether a stay had begun by then. Of the dates, those of its join and its leave are by one clock. */
function isAfterStart(stay: Stay, date: number | undefined, leftAtLatest: number): boolean {
  return date !== undefined && stay.joinDate !== undefined ? date >= stay.joinDate : leftAtLatest >= startOf(stay);
}

/** Remembers an end that came before its beginning. */
function addEndedStay(draft: RoomDraft, stay: Omit<Stay, 'role'>): Stay {
  return addStay(draft, { role: 'unknown', ...stay });
}

/** The `<Dial action>`: the call is out of the conference, or was never let in. */
export function dialEnded(draft: RoomDraft, event: EventOf<'dial-ended'>, at: number): void {
  const { callSid, stayNumber, coachingFailed } = event;
  const stays = staysOfCall(draft, callSid);
  const numbered = stays.findLast(
    ({ supervision }) => stayNumber !== undefined && supervision?.stayNumber === stayNumber,
  );
  const isKnown = stays.some(({ leftAtLatest = 0 }) => leftAtLatest + TOLD_TWICE_MS >= at);
  const since = isKnown ? at : at + STORE_DELAY_MS;
  // One who was seen to join since is on another stay, though its arrival may be yet to be told.
  const isBefore = (stay: Stay) => Math.max(startOf(stay), stay.joinedAt ?? 0) <= since;
  const unnumbered = stays.find((stay) => isOpen(stay) && stay.supervision?.stayNumber === undefined && isBefore(stay));
  const stay = numbered ?? unnumbered;
  if (stay === undefined) {
    if (stayNumber !== undefined || !isKnown) {
      const supervision = stayNumber === undefined ? {} : { supervision: { ...NOTHING_KNOWN, stayNumber } };
      const refusal = coachingFailed ? { coachingFailedAt: at } : {};
      addEndedStay(draft, {
        callSid,
        leftAt: at,
        leftAtLatest: at,
        leaveSource: 'webhook',
        ...supervision,
        ...refusal,
      });
    }
    return;
  }
  if (coachingFailed && stay.supervision?.target !== undefined) {
    setCoachingFailed(draft, stay.supervision.target, at);
  }
  if (isOpen(stay)) {
    endStay(draft, stay, { at, by: 'webhook' });
  }
}

const NOTHING_KNOWN = {
  mode: undefined,
  target: undefined,
  moderatorName: undefined,
  heard: 'unknown',
  callers: [],
} as const;

/** The call itself is over for good, and with it its stay. */
export function callEnded(draft: RoomDraft, { callSid }: EventOf<'call-ended'>, at: number): void {
  const stays = staysOfCall(draft, callSid);
  const open = stays.find(isOpen);
  const ended = open && endStay(draft, open, { at, by: 'callback' });
  const last =
    ended ?? stays.at(-1) ?? addEndedStay(draft, { callSid, leftAt: at, leftAtLatest: at, leaveSource: 'callback' });
  if (!stays.some(({ callEndedAt }) => callEndedAt !== undefined)) {
    changeStay(draft, last, { callEndedAt: at });
  }
}
