import { maskAddress, parseAddress } from '../../src/people/address';
import type { HeardMode } from '../../src/rooms/mode';
import type { StayRecord } from '../../src/supervision/trail';
import { TED } from './app';
import type { Period } from './story-watcher';

/** What a story was. Instants are simulated milliseconds. */
export interface Told {
  /** The beginning, in milliseconds since 1970. */
  startedAt: number;
  periods: readonly Period[];
  /** When the server compared the rooms with the Space; never without REST. */
  sweeps: readonly number[];
  /** When the store forgot everything for the last time; before the beginning if it never did. */
  wipedAt: number;
  /** The periods that had begun by then. */
  forgotten: ReadonlySet<Period>;
  /** The fields of the callbacks that the server has not taken. */
  undelivered: readonly Record<string, string>[];
  /** Whether callbacks may have been late. */
  isLate: boolean;
  withRest: boolean;
}

const TED_MASKED = maskAddress(parseAddress(TED));
/** Dates of the Space are cut to the second. */
const CUT_MS = 1_000;
/** How late a callback can be, delayed and held back to be overtaken, with the two sweeps that follow it. */
const LATE_MS = 30_000;
/** Where simulated time stands still, the server's clocks go on by a millisecond with each event. */
const EVENTS_MS = 100;

/**
 * Compares the rows of the trail with the periods in which the Space saw supervisors: each period is one row, with the
 * same call, room and conference, and no other row says that anybody was in. Allowed is only this:
 *
 * - A period is missing if no sweep fell into it, and its join callback was not delivered. Then its document is in the
 *   trail, as a stay that never started.
 * - After a wipe, a period that was over, or ended before the next sweep, is missing. One that went on has an unknown start;
 *   it is nobody's if it ended before the next sweep.
 * - A start, and an end told by a callback, is up to a second early. If a mode was told in the second of the end, the end
 *   is up to a second late. An end known by REST is dated by the first sweep after it, an inferred one by the second, or
 *   without REST at any time. If no sweep fell into the period, these are the sweeps after its callbacks, which may be late.
 * - An end is missing if the leave callback was not delivered, and there was no second sweep yet.
 * - Between two sweeps a mode may be missing; at a sweep none is, or it is less than a second early. If callbacks are late, it
 *   may be unknown then: a moderator's leave makes it so from its own date on.
 *
 * @returns what is wrong; nothing if they match
 */
export function compareTrail(rows: readonly StayRecord[], story: Told): string[] {
  const { periods, sweeps, wipedAt, forgotten, undelivered } = story;
  const msOf = (iso: string | undefined) => (iso === undefined ? undefined : Date.parse(iso) - story.startedAt);
  const sweepsIn = (from: number, to = Number.POSITIVE_INFINITY) => sweeps.filter((at) => at > from && at < to);
  const isUndelivered = (event: string, { callSid, conferenceSid }: Period) =>
    undelivered.some(
      (one) => one.StatusCallbackEvent === event && one.CallSid === callSid && one.ConferenceSid === conferenceSid,
    );
  const isNever = ({ startKnown }: StayRecord) => startKnown === 'never';
  const missing = new Set(periods);
  const neverStarted = new Set(rows.filter(isNever));
  const wrong: string[] = [];

  for (const row of rows.filter((one) => !isNever(one))) {
    const period = [...missing].find((one) => isAbout(row, one));
    if (period === undefined) {
      wrong.push(`never was: ${JSON.stringify(row)}`);
    } else {
      missing.delete(period);
      wrong.push(...compareRow(row, period).map((what) => `${what}: ${JSON.stringify([row, period])}`));
    }
  }
  for (const period of missing) {
    if (!mayBeMissing(period)) {
      wrong.push(`missing: ${JSON.stringify(period)}`);
    }
  }
  return wrong;

  function isAbout(row: StayRecord, period: Period): boolean {
    const { callSid, room, conferenceSid, start, end = wipedAt } = period;
    const isStart =
      row.startKnown === 'unknown'
        ? forgotten.has(period) && end >= wipedAt
        : !forgotten.has(period) && isBetween(msOf(row.start), start, start);
    return row.callSid === callSid && row.room === room && row.conferenceSid === conferenceSid && isStart;
  }

  function mayBeMissing(period: Period): boolean {
    const { callSid, room } = period;
    if (sweepsOf(period).length > 0) {
      return false;
    }
    if (forgotten.has(period)) {
      return true;
    }
    const document = [...neverStarted].find((row) => row.callSid === callSid && row.room === room);
    return document !== undefined && neverStarted.delete(document) && isUndelivered('participant-join', period);
  }

  /** The sweeps that fell into a period, after the wipe. */
  function sweepsOf({ start, end }: Period): number[] {
    return sweepsIn(Math.max(start, wipedAt), end);
  }

  /** The sweeps that can tell that a period is over: somebody who has just joined may not be listed yet. */
  function sweepsAfter({ start, end = start }: Period): number[] {
    return sweepsIn(Math.max(end, start + CUT_MS));
  }

  function latestEnd({ endKnown, modes }: StayRecord, period: Period): number {
    const { end = 0 } = period;
    if (endKnown === 'callback' || endKnown === 'webhook') {
      const latestMode = Math.max(...modes.map(({ at }) => msOf(at) ?? 0));
      return latestMode > end - CUT_MS ? end + CUT_MS : end;
    }
    if (!story.withRest) {
      return Number.POSITIVE_INFINITY;
    }
    if (story.isLate && sweepsOf(period).length === 0) {
      return end + LATE_MS;
    }
    const [first = end, second = first] = sweepsAfter(period);
    return endKnown === 'rest' ? first : second;
  }

  function compareRow(row: StayRecord, period: Period): string[] {
    const { end, heard } = period;
    const found: string[] = [];
    const mayBeNobodys = forgotten.has(period) && sweepsOf(period).length === 0;
    if (row.number !== TED_MASKED && !(row.number === undefined && mayBeNobodys)) {
      found.push('is nobody’s');
    }
    if (row.end === undefined) {
      if (end !== undefined && !(isUndelivered('participant-leave', period) && sweepsAfter(period).length < 2)) {
        found.push('does not end');
      }
    } else if (end === undefined) {
      found.push('ends, and goes on');
    } else {
      if (!isBetween(msOf(row.end), end, latestEnd(row, period))) {
        found.push('ends at another time');
      }
    }
    const modes: { at: number; mode: HeardMode }[] = row.modes.map(({ at, heard: mode = 'unknown' }) => ({
      at: msOf(at) ?? 0,
      mode,
    }));
    for (const { at, mode } of modes) {
      if (mode !== 'unknown' && !heardDuring(heard, at - EVENTS_MS, at + CUT_MS + EVENTS_MS).includes(mode)) {
        found.push(`was not heard as ${mode} at ${at}`);
      }
    }
    // Without REST it is whom they are to coach.
    if (story.withRest && modes.at(-1)?.mode === 'coach' && row.moderatorCallSid !== heard.at(-1)?.coaches) {
      found.push('coaches somebody else');
    }
    for (const at of sweepsOf(period)) {
      const told = heardDuring(modes, at - CUT_MS, at + EVENTS_MS);
      const real = heardDuring(heard, at, at + CUT_MS);
      if (!told.some((mode) => real.includes(mode) || (mode === 'unknown' && story.isLate))) {
        found.push(`was heard as ${real} at ${at}`);
      }
    }
    return found;
  }
}

function isBetween(at: number | undefined, from: number, to: number): boolean {
  return at !== undefined && at >= from - CUT_MS - EVENTS_MS && at <= to + EVENTS_MS;
}

/** How somebody was heard from one instant to another, by the changes. */
function heardDuring(changes: readonly { at: number; mode: HeardMode }[], from: number, to: number): HeardMode[] {
  const isDuring = (at: number, index: number) => at <= to && (changes[index + 1]?.at ?? to) >= from;
  return changes.filter(({ at }, index) => isDuring(at, index)).map(({ mode }) => mode);
}
