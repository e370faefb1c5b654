import { error, type Finding, ok, warning } from './finding';

/** Differences that are a warning and an error, in milliseconds. Events of a call follow each other within seconds. */
const INACCURATE_MS = 3_000;
const WRONG_MS = 60_000;

/**
 * Judges the difference of two clocks.
 *
 * @param clock the clock that may be wrong, as a subject
 * @param aheadMs how far it is ahead of that of `other`; negative if it is behind
 */
export function judgeClock(id: string, clock: string, other: string, aheadMs: number): Finding {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const message = `${clock} is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${other}.`;
  const remedy = 'Set both clocks by NTP: events are put in order by them.';
  if (Math.abs(aheadMs) >= WRONG_MS) {
    return error(id, message, remedy);
  }
  return Math.abs(aheadMs) >= INACCURATE_MS
    ? warning(id, message, remedy)
    : ok(id, `${clock} agrees with that of ${other}.`);
}
