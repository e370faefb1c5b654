/** Callbacks are dated to the second: what they report happened up to this much later, in milliseconds. */
export const RESOLUTION_MS = 999;

/** The most by which two datings of one callback differ, in milliseconds. Other callbacks are dated a second apart. */
export const SAME_DATE_MS = 500;

/** A slow store dates a webhook up to this much too late, in milliseconds: it can seem younger than what followed. */
export const STORE_DELAY_MS = 1_000;

/**
 * REST's lists can be behind by up to this long, in milliseconds: they may still show a call that left, and lack one that
 * joined. If two lists this far apart lack a call, it has left.
 */
export const REST_DELAY_MS = 2_000;

/**
 * Whether a callback is older than another.
 *
 * @param date its date by the Space's clock; decides if both callbacks have one
 * @param at its instant by the store's clock; decides otherwise
 */
export function isOlderCallback(
  date: number | undefined,
  at: number,
  otherDate: number | undefined,
  otherAt = 0,
): boolean {
  return date !== undefined && otherDate !== undefined ? date < otherDate : at < otherAt;
}
