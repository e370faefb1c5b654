import type { Sid } from '../signalwire/sid';
import { toField } from './audit-query';

/** What a flight recorder is about: one call, or one conference. */
export type FlightSubject = { call: Sid } | { conference: Sid };

/** What the flight recorder of a room shows. Instants are milliseconds since 1970. */
export interface FlightWindow {
  from: number;
  until: number;
}

/** The address of a flight recorder. @param audit query of the audit page that it leads back to */
export function flightUrl(room: string, subject: FlightSubject, { from, until }: FlightWindow, audit: string): string {
  const query = new URLSearchParams({ ...subject, from: toField(from), until: toField(until), audit });
  return `/rooms/${encodeURIComponent(room)}/flight?${query}`;
}
