import type { ParticipantView, RoomView } from '../api/schemas';
import type { Mode } from '../rooms/mode';

/**
 * How a supervisor is heard, as the screen may show it.
 *
 * - `confirmed`: as requested, by the Space's report.
 * - `requested`: something else was requested than was last reported.
 * - `unknown`: nobody knows who hears them.
 * - `entering`: not seen in the conference yet.
 */
export interface Hearing {
  status: 'confirmed' | 'requested' | 'unknown' | 'entering';
  /** The mode that was requested last; undefined if it is unknown. */
  requested: Mode | undefined;
  /** The mode that the Space reported last; undefined if it did not, or it is not certain any more. */
  heard: Mode | undefined;
  /** Whether the Space has put them on hold: then nobody hears them, whatever their mode is. */
  isOnHold: boolean;
  /** The name of the agent they supervise; undefined if it is unknown. */
  agent: string | undefined;
  /** When `heard` was observed, ISO 8601. */
  observedAt: string | undefined;
}

/** A participant who supervises. */
export type SupervisorView = ParticipantView & { supervision: NonNullable<ParticipantView['supervision']> };

/** The supervisors in a room, or on the way. */
export function supervisorsIn({ participants }: RoomView): SupervisorView[] {
  return participants.filter((one): one is SupervisorView => one.supervision !== null);
}

/** How a supervisor is heard. Says `confirmed` only of what the Space confirmed. */
export function hearingOf({ joinedAt, onHold, supervision }: SupervisorView): Hearing {
  const { requestedMode, heardAs, confirmed, observedAt, moderator } = supervision;
  const heard = heardAs === 'unknown' ? undefined : heardAs;
  return {
    status: joinedAt === null ? 'entering' : confirmed ? 'confirmed' : heard === undefined ? 'unknown' : 'requested',
    requested: requestedMode ?? undefined,
    heard,
    isOnHold: onHold === true,
    agent: moderator ?? undefined,
    observedAt: observedAt ?? undefined,
  };
}
