import { parseMoment } from '../ops/instant';
import { parseSid } from '../signalwire/sid';
import { auditSearchOf } from './audit-query';
import type { FlightSubject, FlightWindow } from './flight-url';

/** What somebody asks of a flight recorder. */
export interface FlightQuery {
  subject: FlightSubject;
  window: FlightWindow;
  /** At what instant they want to know who could hear whom, in milliseconds since 1970; undefined if they did not ask. */
  at: number | undefined;
  /** The query of the audit page that led there; empty if none did. */
  audit: string;
}

/** How far back it goes unless told otherwise, in milliseconds. */
const DAY_MS = 86_400_000;

/**
 * Parses the query of a flight recorder: `call` or `conference`, `from`, `until`, `at`, `audit`. What has not happened yet is cut off.
 *
 * @param now milliseconds since 1970
 * @returns undefined if anything in it cannot be read
 */
export function parseFlightQuery(query: Readonly<Record<string, unknown>>, now: number): FlightQuery | undefined {
  const call = parseSid(query.call);
  const conference = parseSid(query.conference);
  const subject = call !== undefined ? { call } : conference !== undefined ? { conference } : undefined;
  const isAmbiguous = query.call !== undefined && query.conference !== undefined;
  const instants = (['from', 'until', 'at'] as const).map((name) => momentOf(query[name], now));
  if (subject === undefined || isAmbiguous || instants.includes('wrong')) {
    return undefined;
  }
  const [from, until, at] = instants as (number | undefined)[];
  const window = { from: from ?? now - DAY_MS, until: Math.min(until ?? now, now) };
  const audit = typeof query.audit === 'string' ? auditSearchOf(query.audit) : '';
  return window.from < window.until ? { subject, window, at, audit } : undefined;
}

function momentOf(given: unknown, now: number): number | undefined | 'wrong' {
  if (given === undefined || given === '') {
    return undefined;
  }
  return (typeof given === 'string' ? parseMoment(given, now) : undefined) ?? 'wrong';
}
