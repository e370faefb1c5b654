import type { Source } from '../rooms/room';
import type { Sid } from '../signalwire/sid';
import type { Line } from './flight-lines';

/** Callbacks are dated to the second, and clocks may differ a little: a date is right within this, in milliseconds. */
export const DATE_ERROR_MS = 1_000;

/** How long before its line somebody can have left, in milliseconds, by how the end is known. */
export const END_EARLY_MS: Readonly<Record<Source, number>> = {
  callback: DATE_ERROR_MS,
  inferred: DATE_ERROR_MS,
  api: DATE_ERROR_MS,
  // The Space needs up to two seconds to connect.
  webhook: 3_000,
  // Rooms with supervisors are compared with the Space within this time, while REST answers.
  rest: 10_000,
};

/** Whether the line of an end dates it: otherwise it can be earlier by any time. */
export function isDatedEnd(source: Source | undefined): boolean {
  return source === 'callback' || source === 'webhook';
}

/** A stay of an agent in the conference. Instants are milliseconds since 1970. */
export interface FlightLane {
  moderator: string | undefined;
  number: string | undefined;
  callSid: Sid;
  /** Undefined if no line says so. */
  from: number | undefined;
  to: number | undefined;
  endKnown: Source | undefined;
}

/** The agents' stays, in the order in which they became known. Those who never joined are left out. */
export function lanesOf(lines: readonly Line[]): FlightLane[] {
  const lanes: FlightLane[] = [];
  for (const { at, record } of lines) {
    const { kind, role, callSid, moderator, number, since, source } = record;
    if (role !== 'moderator' || callSid === undefined || kind === 'action') {
      continue;
    }
    const open = lanes.find((lane) => lane.callSid === callSid && lane.to === undefined);
    if (kind === 'left') {
      const from = since === undefined ? undefined : Date.parse(since);
      if (open !== undefined) {
        Object.assign(open, { to: at, endKnown: source });
      } else if (from !== undefined) {
        lanes.push({ moderator, number, callSid, from, to: at, endKnown: source });
      }
    } else if (open === undefined) {
      lanes.push({
        moderator,
        number,
        callSid,
        from: kind === 'joined' ? at : undefined,
        to: undefined,
        endKnown: undefined,
      });
    } else {
      open.moderator ??= moderator;
      open.number ??= number;
    }
  }
  return lanes;
}

/**
 * - `in`: certainly in the conference.
 * - `undated`: they were in, and nobody dated their end.
 * - `changing`: too close to the join or the end to tell.
 * - `out`: not in it.
 */
export type Presence = 'in' | 'undated' | 'changing' | 'out';

/** When an agent's presence changes, each with the presence from then on. `at` in milliseconds since 1970. */
export function presenceOf(lane: FlightLane): { at: number; presence: Presence }[] {
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, endKnown } = lane;
  const isDated = endKnown !== undefined && isDatedEnd(endKnown);
  const early = to - END_EARLY_MS[endKnown ?? 'callback'];
  return [
    { at: from - DATE_ERROR_MS, presence: 'changing' },
    { at: from + DATE_ERROR_MS, presence: isDated ? 'in' : 'undated' },
    { at: Math.max(from - DATE_ERROR_MS, early), presence: 'changing' },
    { at: to + DATE_ERROR_MS, presence: 'out' },
  ];
}

const RANKS: readonly Presence[] = ['out', 'changing', 'undated', 'in'];

/** The presence of a call at an instant, by all its lanes. */
export function presenceAt(lanes: readonly FlightLane[], at: number): Presence {
  const present = lanes.map((lane) => presenceOf(lane).findLast((change) => change.at <= at)?.presence ?? 'out');
  return RANKS[Math.max(0, ...present.map((one) => RANKS.indexOf(one)))] ?? 'out';
}
