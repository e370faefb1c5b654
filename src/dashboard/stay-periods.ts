import type { HeardMode, Mode } from '../rooms/mode';
import type { Source } from '../rooms/room';
import { MAX_CALLERS } from '../rooms/supervisors';
import type { Sid } from '../signalwire/sid';
import type { AuditRecord } from '../supervision/trail';
import { DATE_ERROR_MS, END_EARLY_MS, type FlightLane, isDatedEnd } from './flight-lanes';
import type { Line, LinesOfStay } from './flight-lines';

/**
 * How a supervisor may have been heard. A period lasts as long as the dates of its lines allow: where periods overlap, it is
 * uncertain which of them it was.
 */
export interface StayPeriod extends PeriodContent {
  /** Milliseconds since 1970, or infinite. It includes `from`, and not `to`. */
  from: number;
  to: number;
  /** Whether nobody dated the end of the stay, and nobody was seen to report on it later. */
  isUndated: boolean;
}

interface PeriodContent {
  /** `absent`: not in the conference. */
  heard: HeardMode | 'absent';
  /** Whether the server was muting them, so that they may have been heard no more. */
  isBeingMuted: boolean;
  why: 'reported' | 'requested' | 'not-reported' | 'arrived' | 'left' | 'never-seen' | 'before-trail' | 'changing';
  source: Source | undefined;
  mode: Mode | undefined;
  /** The call that they coach, or whose conversation they are in. */
  listener: Sid | undefined;
  /** Whether the Space reported that they coach the call that they are to coach. */
  isListenerConfirmed: boolean;
  /** Whether this follows from a request, and the Space has not reported on it since. */
  isInferred: boolean;
  /** Whether somebody entered since whom they coach was set. */
  hasNewcomer: boolean;
}

/** A change of what is known. */
interface Step {
  at: number;
  /** How much earlier, and later, it can have happened. */
  earlyMs: number;
  lateMs: number;
  /** Whether REST found what nobody had reported: it can have happened at any time since the step before. */
  isFound: boolean;
  /** Whether it shows that they were in the conference. */
  isSighting: boolean;
  content: PeriodContent;
}

/** The periods of a stay, from any time before it. Later ones come later. @param agents of the same room */
export function periodsOf({ lines, supersededAt }: LinesOfStay, agents: readonly FlightLane[]): StayPeriod[] {
  const begunAt = Math.min(...lines.map(({ at }) => at));
  const { steps, late } = stepsOf(lines);
  const end = endOf(lines, supersededAt);
  const endAt = end === undefined ? Number.POSITIVE_INFINITY : end.at + end.lateMs;
  const lastSighting = steps.findLastIndex(({ isSighting }) => isSighting);
  const isEndDated = isDatedEnd(end?.content.source);
  markNewcomers(steps, lines, agents);
  const periods: StayPeriod[] = [];
  for (const [index, { at, earlyMs, isFound, content }] of steps.entries()) {
    const next = steps[index + 1];
    const previous = isFound ? steps[index - 1] : undefined;
    const from = previous === undefined ? at - earlyMs : previous.at - previous.earlyMs;
    periods.push({
      ...content,
      from: index === 0 ? Number.NEGATIVE_INFINITY : Math.max(begunAt, from),
      to: Math.min(endAt, next === undefined ? Number.POSITIVE_INFINITY : next.at + next.lateMs),
      isUndated: !isEndDated && index >= lastSighting,
    });
  }
  const gone = end && { ...end.content, from: end.at - end.earlyMs, to: Number.POSITIVE_INFINITY, isUndated: false };
  return [...periods, ...late, ...(gone === undefined ? [] : [gone])].filter(({ from, to }) => from < to);
}

const OUTSIDE: PeriodContent = {
  heard: 'absent',
  isBeingMuted: false,
  why: 'arrived',
  source: undefined,
  mode: undefined,
  listener: undefined,
  isListenerConfirmed: false,
  isInferred: false,
  hasNewcomer: false,
};

const EXACT = { earlyMs: 0, lateMs: 0, isFound: false, isSighting: false };

/** What each line changes, beginning with the time before the stay; and the periods in which late lines make it uncertain. */
function stepsOf(lines: readonly Line[]): { steps: Step[]; late: StayPeriod[] } {
  const late: StayPeriod[] = [];
  const [first] = lines;
  const isWhole = first?.record.kind === 'arrived';
  const begunAt = first?.at ?? 0;
  const steps: Step[] = [
    {
      ...EXACT,
      at: Number.NEGATIVE_INFINITY,
      content: isWhole ? OUTSIDE : { ...OUTSIDE, heard: 'unknown', why: 'before-trail' },
    },
  ];
  if (!lines.some(isSighting)) {
    const why = lines.some(({ record }) => record.since !== undefined) ? 'before-trail' : 'never-seen';
    const known = first === undefined ? OUTSIDE : contentOf(first.record);
    return { steps: [...steps, { ...EXACT, at: begunAt, content: { ...known, heard: 'unknown', why } }], late };
  }
  let clock = begunAt;
  let hasJoined = !isWhole;
  let previous: { record: AuditRecord; content: PeriodContent } | undefined;
  for (const line of lines) {
    const { at, record } = line;
    hasJoined ||= isSighting(line);
    if (!hasJoined || record.kind === 'arrived' || record.kind === 'left') {
      continue;
    }
    const content = contentOf(record, previous);
    const { source = 'callback' } = record;
    const start = Math.max(at, clock);
    if (at < clock && (previous === undefined || record.kind === 'joined' || isChange(previous.content, content))) {
      const [from, to] = [Math.max(begunAt, at - DATE_ERROR_MS), start + DATE_ERROR_MS];
      late.push({ ...content, heard: 'unknown', why: 'changing', from, to, isUndated: false });
    }
    steps.push({
      at: start,
      earlyMs: source === 'api' ? 0 : source === 'webhook' ? END_EARLY_MS.webhook : DATE_ERROR_MS,
      lateMs: source === 'api' ? 0 : DATE_ERROR_MS,
      isFound: source === 'rest' && (content.heard !== 'unknown' || previous === undefined),
      isSighting: isSighting(line),
      content,
    });
    previous = { record, content };
    clock = start;
  }
  return { steps, late };
}

/** Whether a line shows that they are in the conference: the Space reported it. */
function isSighting({ record: { kind, heard, source } }: Line): boolean {
  const isReport = kind === 'mode' && heard !== undefined && heard !== 'unknown' && source !== 'api';
  return kind === 'joined' || kind === 'identified' || isReport;
}

function isChange(one: PeriodContent, other: PeriodContent): boolean {
  return one.heard !== other.heard || one.mode !== other.mode || one.listener !== other.listener;
}

/** What a line says of a supervisor in the conference. @param before the line before it, and what it said */
function contentOf(record: AuditRecord, before?: { record: AuditRecord; content: PeriodContent }): PeriodContent {
  const { heard = 'unknown', mode, confirmed = false, source, reason, moderatorCallSid: listener } = record;
  const why = heard === 'unknown' ? 'not-reported' : 'reported';
  const content = { ...OUTSIDE, heard, why, source, mode, listener, isListenerConfirmed: confirmed } as const;
  const requested = { ...content, why: 'requested' } as const;
  if (heard === 'unknown') {
    return content;
  }
  if (mode !== 'monitor') {
    // A change begins with a mute, even one to the same mode.
    const isReport = heard === mode && source !== 'api';
    return isReport ? content : { ...requested, heard: 'unknown' };
  }
  if (heard !== 'monitor') {
    return { ...requested, isBeingMuted: true };
  }
  // They were to be heard until now: a request to unmute them may be under way, or have succeeded after the report.
  const isOldReport = before?.record.heard === heard && before.content.why === 'requested';
  if (!isOldReport) {
    return content;
  }
  const isLost = reason === 'abandoned' || (before.record.mode === mode && before.content.heard === 'unknown');
  return isLost ? { ...requested, heard: 'unknown' } : { ...requested, isInferred: true };
}

function endOf(lines: readonly Line[], supersededAt: number | undefined): Step | undefined {
  const left = lines.findLast(({ record: { kind } }) => kind === 'left');
  const at = left?.at ?? supersededAt;
  if (at === undefined) {
    return undefined;
  }
  const { source = 'inferred', mode, moderatorCallSid: listener } = left?.record ?? {};
  const content = { ...OUTSIDE, why: 'left', source, mode, listener, isInferred: source === 'inferred' } as const;
  return { ...EXACT, at, earlyMs: END_EARLY_MS[source], lateMs: DATE_ERROR_MS, content };
}

/**
 * Marks the periods in which somebody may have entered since the supervisor's target was set: by the document, also of somebody
 * who only listens, or anew by a change of mode.
 */
function markNewcomers(steps: readonly Step[], lines: readonly Line[], agents: readonly FlightLane[]): void {
  // Who was there is not known before the join, which may have the date of the arrival.
  const inside = lines.filter(({ record: { kind } }) => kind !== 'arrived');
  const callersAt = (until: number) =>
    inside.find(({ at, record }) => at >= until && record.callerCallSids !== undefined)?.record.callerCallSids;
  const atLast = lines.at(-1)?.record.callerCallSids ?? [];
  let had = false;
  for (const [index, { at, content }] of steps.entries()) {
    if (content.heard === 'absent' || content.why === 'before-trail') {
      continue;
    }
    const until = steps[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const before = new Set(callersAt(at));
    const after = callersAt(until) ?? atLast;
    const hasEntered = ({ callSid, from = 0 }: FlightLane) =>
      callSid !== content.listener && from >= at - DATE_ERROR_MS && from < until + DATE_ERROR_MS;
    const isSetAnew = content.source === 'api' && content.mode !== 'monitor';
    // A stay that names as many as it can may have had more.
    const hasNow = after.some((one) => !before.has(one)) || after.length >= MAX_CALLERS || agents.some(hasEntered);
    had = (had && !isSetAnew) || hasNow;
    content.hasNewcomer = had;
  }
}
