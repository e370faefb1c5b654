import type { ParticipantView, RoomView } from '../api/schemas';

/**
 * Why a room needs attention, the most urgent first.
 *
 * - `supervisor-unknown`: it is not known who hears a supervisor, or it is not who was to hear them.
 * - `no-agent`: a caller waits, and no agent is in.
 * - `long-hold`: a caller has been on hold for long.
 * - `silence`: nobody has spoken for long.
 * - `long-call`: the conversation has lasted long.
 */
export const ALERT_KINDS = ['supervisor-unknown', 'no-agent', 'long-hold', 'silence', 'long-call'] as const;

export type AlertKind = (typeof ALERT_KINDS)[number];

/** After how long something needs attention, in milliseconds. */
export const THRESHOLDS_MS: Readonly<Record<AlertKind, number>> = {
  'supervisor-unknown': 3_000,
  'no-agent': 30_000,
  'long-hold': 120_000,
  silence: 30_000,
  'long-call': 1_200_000,
};

/** An alert stays for this long after its cause has gone, so that rooms do not jump to and fro. In milliseconds. */
export const LINGER_MS = 5_000;

/** Something that needs attention. */
export interface Alert {
  kind: AlertKind;
  /** When its cause began, in milliseconds since 1970. */
  since: number;
  /** Whether the cause is still there. */
  isPresent: boolean;
}

/** The alerts of one room, and what decides when they begin and end. */
export interface Attention {
  /** The most urgent first. */
  alerts: readonly Alert[];
  /** When each cause that is present began, also of those that do not need attention yet. */
  causes: ReadonlyMap<AlertKind, number>;
  /** When each alert was last seen with its cause. */
  presentAt: ReadonlyMap<AlertKind, number>;
  /** Since when nobody has spoken; undefined while somebody does, or until somebody has been heard in this conference. */
  quietSince: number | undefined;
  /** The conference in which somebody has been heard to speak: some Spaces do not report speech. */
  spokenIn: string | undefined;
}

/** Before a room is first looked at. */
export const NO_ATTENTION: Attention = {
  alerts: [],
  causes: new Map(),
  presentAt: new Map(),
  quietSince: undefined,
  spokenIn: undefined,
};

/**
 * The alerts of a room.
 *
 * @param now milliseconds since 1970, by the clock of the room's instants
 * @param before the same a moment ago
 */
export function attentionOf(room: RoomView, now: number, before: Attention): Attention {
  const speech = followSpeech(room, now, before);
  const causes = new Map<AlertKind, number>();
  for (const kind of ALERT_KINDS) {
    const since = causeOf(kind, room, speech, before.causes.get(kind) ?? now);
    if (since !== undefined) {
      causes.set(kind, Math.min(since, now));
    }
  }
  const presentAt = new Map<AlertKind, number>();
  const alerts = ALERT_KINDS.flatMap((kind): Alert[] => {
    const since = causes.get(kind);
    if (since !== undefined && now - since >= THRESHOLDS_MS[kind]) {
      presentAt.set(kind, now);
      return [{ kind, since, isPresent: true }];
    }
    const lastAt = before.presentAt.get(kind);
    const old = before.alerts.find((one) => one.kind === kind);
    if (old === undefined || lastAt === undefined || now - lastAt >= LINGER_MS || room.participants.length === 0) {
      return [];
    }
    presentAt.set(kind, lastAt);
    return [{ ...old, isPresent: false }];
  });
  return { alerts, causes, presentAt, ...speech };
}

/** Whether two say the same. */
export function isSameAttention(one: Attention, other: Attention): boolean {
  return JSON.stringify(one.alerts) === JSON.stringify(other.alerts);
}

type Speech = Pick<Attention, 'quietSince' | 'spokenIn'>;

function followSpeech(room: RoomView, now: number, before: Attention): Speech {
  const conference = room.conferenceSid ?? undefined;
  const isSpeaking = room.participants.some(({ speakingSince }) => speakingSince !== null);
  if (isSpeaking) {
    return { quietSince: undefined, spokenIn: conference };
  }
  const isKnown = conference !== undefined && before.spokenIn === conference;
  return isKnown
    ? { quietSince: before.quietSince ?? now, spokenIn: conference }
    : { quietSince: undefined, spokenIn: undefined };
}

/** Since when the room has had this cause; undefined if it has not. @param known since when it had it before, or now */
function causeOf(kind: AlertKind, room: RoomView, { quietSince }: Speech, known: number): number | undefined {
  const inside = room.participants.filter(isInside);
  const agents = inside.filter(({ role }) => role === 'moderator');
  const callers = inside.filter(isCaller);
  switch (kind) {
    case 'supervisor-unknown':
      return inside.some(({ supervision }) => supervision?.confirmed === false) ? known : undefined;
    case 'no-agent':
      return waitingSince(room);
    case 'long-hold':
      return earliest(callers.filter(({ onHold }) => onHold).map(({ onHoldSince }) => onHoldSince));
    case 'silence':
      return agents.length > 0 && callers.length > 0 ? quietSince : undefined;
    case 'long-call':
      return talkingSince(room);
  }
}

/** Whether somebody was seen in the conference. */
export function isInside({ joinedAt }: ParticipantView): boolean {
  return joinedAt !== null;
}

/** Whether somebody is a caller as far as is known. */
export function isCaller({ role }: ParticipantView): boolean {
  return role === 'caller' || role === 'unknown';
}

/** Since when an agent and a caller have been in the conference together; undefined if they are not. */
export function talkingSince({ participants }: RoomView): number | undefined {
  const inside = participants.filter(isInside);
  const agent = earliest(inside.filter(({ role }) => role === 'moderator').map(({ joinedAt }) => joinedAt));
  const caller = earliest(inside.filter(isCaller).map(({ joinedAt }) => joinedAt));
  return agent === undefined || caller === undefined ? undefined : Math.max(agent, caller);
}

/** Since when the first caller has waited for an agent; undefined if none does. */
export function waitingSince({ participants, moderatorLeftAt }: RoomView): number | undefined {
  const inside = participants.filter(isInside);
  const since = earliest(inside.filter(isCaller).map(({ joinedAt }) => joinedAt));
  const isWaiting = since !== undefined && !inside.some(({ role }) => role === 'moderator');
  return isWaiting ? Math.max(since, earliest([moderatorLeftAt]) ?? since) : undefined;
}

/** The earliest of some ISO 8601 dates, in milliseconds since 1970; undefined if there is none. */
export function earliest(dates: readonly (string | null)[]): number | undefined {
  const known = dates.flatMap((date) => (date === null ? [] : [Date.parse(date)]));
  return known.length === 0 ? undefined : Math.min(...known);
}
