import type { Sid } from '../signalwire/sid';
import type { Action } from './action';
import { REST_DELAY_MS } from './event-dates';
import type { HeardMode, Mode } from './mode';
import type { RecordingState } from './recording';

/** The name of a conference, safe in a path, a key and a document. Only {@link parseRoomName} makes one. */
export type RoomName = string & { readonly brand: 'RoomName' };

/** The form of a room name, for error messages. */
export const ROOM_NAME_FORM = '1 to 64 letters A–Z without accents, digits, spaces, _, . or -';

/**
 * Reads a room name: 1 to 64 of the letters a–z and A–Z, digits, space and `_ . -`. It starts and ends with
 * something else than a space, because a Space may trim names and two names must never mean one conference, and it
 * is not `.` or `..`, because a URL cannot hold those.
 *
 * @returns undefined for anything else
 */
export function parseRoomName(text: string): RoomName | undefined {
  const valid = /^(?! )[A-Za-z0-9 _.-]{1,64}(?<! )$/.test(text) && text !== '.' && text !== '..';
  return valid ? (text as RoomName) : undefined;
}

/** `unknown`: somebody in the conference whose role neither the state nor the Space tells. */
export type Role = 'moderator' | 'caller' | 'supervisor' | 'unknown';

/** How something is known: from our own webhook, a status callback, REST or our API, or inferred from another event. */
export type Source = 'webhook' | 'callback' | 'rest' | 'api' | 'inferred';

/**
 * One period of a call in a room. What is unknown is undefined.
 *
 * `…At` and `…Since` are milliseconds since 1970 by the store's clock. `…Date` is the date of a callback by the Space's clock,
 * cut to the second; two such dates can be compared whatever the store's clock says.
 */
export interface Stay {
  callSid: Sid;
  conferenceSid?: Sid | undefined;
  role: Role;
  /** The person's name in the roster. */
  name?: string | undefined;
  /** The person's telephone number or address, masked. */
  address?: string | undefined;

  // Arrived: the call asked for its document.
  arrivedAt?: number | undefined;
  /** No webhook of this moderator is known, but a supervisor was sent to them: they arrived at `arrivedAt` or before. */
  isArrivalInferred?: true | undefined;

  // Joined: the call was seen in the conference.
  joinedAt?: number | undefined;
  joinSource?: Source | undefined;
  joinDate?: number | undefined;
  /** When the room learned of the join: later than `joinedAt` if the callback was late or lost. */
  joinKnownAt?: number | undefined;

  // Left, or never joined. The stay is open until then.
  leftAt?: number | undefined;
  /** The last instant at which they can have left; `leftAt` may be cut to the second. */
  leftAtLatest?: number | undefined;
  leaveSource?: Source | undefined;
  leaveDate?: number | undefined;
  /** When the call itself ended: it cannot come back. */
  callEndedAt?: number | undefined;
  /** Since when REST's list has lacked them. */
  missingSince?: number | undefined;

  // As reported by callbacks and REST; `restMuted` by REST alone. An event older than `…ChangedAt` changes nothing.
  isMuted?: boolean | undefined;
  muteChangedAt?: number | undefined;
  restMuted?: boolean | undefined;
  isOnHold?: boolean | undefined;
  holdChangedAt?: number | undefined;
  /** Since when they speak. Not kept reliably. */
  speakingSince?: number | undefined;

  /**
   * Of a moderator: when the Space last refused to let a supervisor coach them; cleared when that may work again. Of a
   * supervisor whose document is not known yet: when the Space refused them.
   */
  coachingFailedAt?: number | undefined;
  supervision?: SupervisionState | undefined;
  /** The same as in `supervision`, until the stay is known to be a supervisor's. */
  coachedCall?: SupervisionState['coachedCall'];
  coachedCallChangedAt?: number | undefined;
}

/** What only supervisors have. */
export interface SupervisionState {
  /** Counts this call's stays from 1; undefined until the document of this stay is known. */
  stayNumber: number | undefined;
  /** The requested mode. */
  mode: Mode | undefined;
  /** The call of the moderator whom they were sent to, or whom they are to coach next. */
  target: Sid | undefined;
  /** The name of that moderator. */
  moderatorName: string | undefined;
  /** When REST last set the target; undefined if only the document named it. */
  targetSetAt?: number | undefined;
  /** Whom the latest notice told of them, and when it was sent. */
  told?: { target: Sid; at: number } | undefined;
  /** The mode that the Space reported. */
  heard: HeardMode;
  /** When that was observed; undefined if it is unknown. */
  heardAt?: number | undefined;
  /** The call that they coach by the Space's report; `nobody` if it reported that they coach none. */
  coachedCall?: Sid | 'nobody' | undefined;
  coachedCallChangedAt?: number | undefined;
  /** The address by which this call rejoins muted. Secret: it holds the token for their PIN. */
  rejoinUrl?: string | undefined;
  /** The first few callers who were in the conference during the stay. */
  callers: readonly Sid[];
  /** What the latest fact about this stay says, and the latest date of its facts. */
  lastFact?: (FactSummary & { at: number }) | undefined;
}

/** What a fact says of a supervisor. */
export type FactSummary = Pick<SupervisionState, 'mode' | 'heard' | 'target' | 'moderatorName'>;

/** The stay of a supervisor. */
export type SupervisorStay = Stay & { supervision: SupervisionState };

/** Whether the Space reports that a supervisor coaches another call than the target. */
export function coachesWrongCall({ heard, coachedCall, target }: SupervisionState): boolean {
  return heard === 'coach' && coachedCall !== undefined && coachedCall !== target;
}

/** Everything known about a room. */
export interface RoomState {
  room: RoomName;
  /** The running conference. */
  conference: { sid: Sid } | undefined;
  /** The open stays and those that ended recently, in the order in which the room learned of them. */
  stays: readonly Stay[];
  /** Conferences that ended recently. */
  ended: readonly { sid: Sid; at: number }[];
  /** The actions requested through the API recently; undefined if there are none. */
  actions?: readonly Action[] | undefined;
  /** The latest recordings, in the order in which the room learned of them; undefined if there are none. */
  recordings?: readonly RecordingState[] | undefined;
  /** Whether the conference belongs to another account, as the smoke test's does: our REST API does not know it. */
  isForeign?: true | undefined;
  /** Reports of how supervisors are heard are in doubt, up to this instant. */
  doubtedUntil?: number | undefined;
  /** When this state was computed, by the store's clock; 0 for an unknown room. */
  at: number;
}

/** The state of an unknown room. */
export function emptyRoom(room: RoomName): RoomState {
  return { room, conference: undefined, stays: [], ended: [], at: 0 };
}

/** Whether a stay has not ended, as far as we know. */
export function isOpen(stay: Stay): boolean {
  return stay.leftAt === undefined;
}

/** Whether a call is in the conference: it joined, and has not left. */
export function isInConference(stay: Stay): boolean {
  return isOpen(stay) && stay.joinedAt !== undefined;
}

/** When a stay began, as far as is known. */
export function startOf(stay: Stay): number {
  return stay.arrivedAt ?? stay.joinedAt ?? stay.leftAt ?? 0;
}

/** A stored room as it is now: without stays that have lasted longer than a call can. */
export function atMoment(state: RoomState, now: number, { lifetimeMs }: { lifetimeMs: number }): RoomState {
  const oldest = now - lifetimeMs;
  for (const { arrivedAt, joinedAt } of state.stays) {
    if ((arrivedAt ?? joinedAt ?? 0) <= oldest) {
      return { ...state, stays: state.stays.filter((stay) => !isOpen(stay) || startOf(stay) > oldest) };
    }
  }
  return state;
}

/** The moderators who have not left. */
export function moderatorsOf({ stays }: Pick<RoomState, 'stays'>): Stay[] {
  return stays.filter((stay) => stay.role === 'moderator' && isOpen(stay));
}

/**
 * The moderator whom supervisors coach: the one who joined last; if none has joined, the one who arrived last. Moderators
 * who have left, or have not joined and could not be coached, do not count.
 */
export function targetOf({ stays }: Pick<RoomState, 'stays'>): Stay | undefined {
  let target: Stay | undefined;
  for (const stay of stays) {
    const { role, leftAt, joinedAt, coachingFailedAt } = stay;
    const isInRoom = role === 'moderator' && leftAt === undefined;
    const canBeCoached = joinedAt !== undefined || coachingFailedAt === undefined;
    // Of two at the same instant, the one that was reported last.
    if (isInRoom && canBeCoached && (target === undefined || !outranks(target, stay))) {
      target = stay;
    }
  }
  return target;
}

/** Whether a moderator joined later than another; if neither has joined, whether they arrived later. */
function outranks(one: Stay, other: Stay): boolean {
  if (!isInConference(one) || !isInConference(other)) {
    return isInConference(one) || (!isInConference(other) && startOf(one) > startOf(other));
  }
  const isOneSecond = one.joinDate !== undefined && one.joinDate === other.joinDate;
  // Nobody joins before they arrive. Of two joins in one second, the later is that of the moderator who arrived later.
  const instantOf = isOneSecond ? startOf : ({ joinedAt = 0, arrivedAt = 0 }: Stay) => Math.max(joinedAt, arrivedAt);
  return instantOf(one) > instantOf(other);
}

/**
 * The room without the moderators who had joined and whom REST's list lacks, so that nobody is sent to them. The state
 * itself drops them only after two such lists, which needs a store that can be written.
 *
 * @param askedAt when REST was asked, by the store's clock
 */
export function withoutUnlistedModerators(state: RoomState, listed: ReadonlySet<Sid>, askedAt: number): RoomState {
  const isGone = ({ callSid, joinedAt = 0 }: Stay) => !listed.has(callSid) && joinedAt < askedAt - REST_DELAY_MS;
  const gone = new Set(moderatorsOf(state).filter((stay) => isInConference(stay) && isGone(stay)));
  return { ...state, stays: state.stays.filter((stay) => !gone.has(stay)) };
}

/** A moderator's callback usually comes within this time of their arrival, in milliseconds. */
const ENTRY_MS = 10_000;

/** Whether a moderator is in the conference, or arrived so recently that the callback of their join may be on its way. */
export function isInOrEntering(moderator: Stay, now: number): boolean {
  return isInConference(moderator) || (isOpen(moderator) && now - startOf(moderator) < ENTRY_MS);
}

/** The open stays of supervisors. */
export function supervisorsOf(state: RoomState): SupervisorStay[] {
  return state.stays.filter(
    (stay): stay is SupervisorStay => isOpen(stay) && stay.role === 'supervisor' && stay.supervision !== undefined,
  );
}

/** Whether somebody is a caller as far as we know. */
export function countsAsCaller({ role }: Stay): boolean {
  return role === 'caller' || role === 'unknown';
}

/** Whether a caller is in the conference. */
export function hasCaller({ stays }: RoomState): boolean {
  return stays.some((stay) => isInConference(stay) && countsAsCaller(stay));
}
