/**
 * Parses a date (2026-11-25), or a date and time (2026-11-25T08:00:00Z). UTC unless it has a zone.
 *
 * @returns milliseconds since 1970; undefined for anything else, such as 30 February
 */
export function parseInstant(text: string): number | undefined {
  const [, day, time = 'T00:00', zone = 'Z'] =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$/.exec(
      text,
    ) ?? [];
  const instant = Date.parse(`${day}${time}${zone}`);
  const midnight = Date.parse(`${day}T00:00Z`);
  // Date.parse takes 30 February for 2 March.
  const isDay = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(`${day}T`);
  return isDay && !Number.isNaN(instant) ? instant : undefined;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses a duration such as 90m, 24h or 7d, in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ''] = /^([0-9]{1,6})([mhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0);
}

/** The forms that {@link parseMoment} takes, for messages. */
export const MOMENT_FORM = 'a date such as 2026-11-25 or 2026-11-25T08:00:00Z, or how long ago, such as 90m, 24h or 7d';

/**
 * Parses an instant, or a duration before now.
 *
 * @returns milliseconds since 1970; undefined for anything else
 */
export function parseMoment(text: string, now: number): number | undefined {
  const age = parseDuration(text);
  return age === undefined ? parseInstant(text) : now - age;
}
