import type { Sid } from '../signalwire/sid';
import type { HeardMode, Mode } from './mode';
import type { RoomName } from './room-name';

/** `unknown`: in the conference, and neither we nor the Space can say as what. */
export type Role = 'moderator' | 'caller' | 'supervisor' | 'unknown';

/** How something is known: our own webhook, a status callback, REST, or by inference from a later event. */
export type Source = 'webhook' | 'callback' | 'rest' | 'inferred';

/** One period of a call in a room. Instants are milliseconds since 1970 by the store's clock. */
export interface Stay {
  callSid: Sid;
  role: Role;
  /** The person's name in the roster, or else their masked address. */
  name?: string | undefined;
  /** Masked. */
  address?: string | undefined;
  /** When the call asked for its document. */
  arrivedAt?: number | undefined;
  /** `inferred`: from the document of a supervisor who was sent to them; they arrived then, or any time before. */
  isArrivalInferred?: true | undefined;
  /** When it was seen in the conference. */
  joinedAt?: number | undefined;
  /** How it is known to have joined. */
  joinSource?: Source | undefined;
  /** When the room learned that they are in; later than `joinedAt` if their callback was late or lost. */
  joinKnownAt?: number | undefined;
  conferenceSid?: Sid | undefined;
  leftAt?: number | undefined;
  /** The last instant at which it can have left; callbacks are dated to the second. */
  leftAtLatest?: number | undefined;
  leaveSource?: Source | undefined;
  /** When the call itself was over, if that was told: it does not come back. */
  callEndedAt?: number | undefined;
  /** The dates of its join and leave callbacks, by the Space's clock: they tell callbacks of one call apart. */
  joinDate?: number | undefined;
  leaveDate?: number | undefined;
  isMuted?: boolean | undefined;
  isOnHold?: boolean | undefined;
  /** When muting, coaching and hold last changed: an older event changes nothing. */
  muteChangedAt?: number | undefined;
  holdChangedAt?: number | undefined;
  /** Since when REST has not listed them. */
  missingSince?: number | undefined;
  /** Since when they speak; volatile. */
  speakingSince?: number | undefined;
  /**
   * Of a moderator: when a supervisor was refused as their coach, and nothing has happened since that could help. Of a
   * supervisor whose document is not known yet: when they were refused.
   */
  coachingFailedAt?: number | undefined;
  /** Whom they coach, while nobody knows yet that they supervise; then it is in `supervision`. */
  coachedCall?: SupervisionState['coachedCall'];
  coachedCallChangedAt?: number | undefined;
  /** Of a supervisor. */
  supervision?: SupervisionState | undefined;
}

/** What only a supervisor's stay has. */
export interface SupervisionState {
  /** Which of this call's stays it is, counted from 1; undefined until its document is known. */
  stayNumber: number | undefined;
  /** What was asked for; undefined while nobody knows. */
  mode: Mode | undefined;
  /** The moderator's call that the document or REST named. */
  target: Sid | undefined;
  /** The target's name. */
  moderatorName: string | undefined;
  /** What the Space reported. */
  heard: HeardMode;
  /** Whom they coach by what the Space reported; `nobody` if it said so, undefined if it said nothing. */
  coachedCall?: Sid | 'nobody' | undefined;
  coachedCallChangedAt?: number | undefined;
  /** When REST last set the target; undefined if only the document did. */
  targetSetAt?: number | undefined;
  /** The address that lets this call in again, unheard. It holds what their PIN brought them: a secret. */
  rejoinUrl?: string | undefined;
  /** The callers who were in the conference during the stay, the first few. */
  callers: readonly Sid[];
  /** What the last line of the feed about the stay says, and the latest date of its lines. */
  lastFact?: (FactSummary & { at: number }) | undefined;
}

/** What a line of the feed says of a supervisor. */
export type FactSummary = Pick<SupervisionState, 'mode' | 'heard' | 'target' | 'moderatorName'>;

/** A stay of a supervisor. */
export type SupervisorStay = Stay & { supervision: SupervisionState };

/** Whether the Space says that a supervisor coaches another call than they were sent to. */
export function coachesWrongCall({ heard, coachedCall, target }: SupervisionState): boolean {
  return heard === 'coach' && coachedCall !== undefined && coachedCall !== target;
}

/** Everything known about a room. */
export interface RoomState {
  room: RoomName;
  /** The running conference. */
  conference: { sid: Sid } | undefined;
  /** Open stays, and those that ended recently, in the order in which they were noted. */
  stays: readonly Stay[];
  /** Conferences that ended recently. */
  ended: readonly { sid: Sid; at: number }[];
  /** Whether another account holds this conference, as the smoke test does. Our REST API knows nothing of it. */
  isForeign?: true | undefined;
  /** The latest instant of the store's clock that this state has seen. */
  at: number;
}

/** A room of which nothing is known. */
export function emptyRoom(room: RoomName): RoomState {
  return { room, conference: undefined, stays: [], ended: [], at: 0 };
}

/** Whether a stay goes on, as far as we know. */
export function isOpen(stay: Stay): boolean {
  return stay.leftAt === undefined;
}

/** Whether a stay goes on and was seen in the conference. */
export function isInConference(stay: Stay): boolean {
  return isOpen(stay) && stay.joinedAt !== undefined;
}

/** When a stay began, as exactly as is known. */
export function startOf(stay: Stay): number {
  return stay.arrivedAt ?? stay.joinedAt ?? stay.leftAt ?? 0;
}

/** The moderators who have not left, the target first. */
function moderatorsOf({ stays }: Pick<RoomState, 'stays'>): Stay[] {
  // Of two with the same instant, the one noted last comes first.
  const open = stays.filter((stay) => stay.role === 'moderator' && isOpen(stay)).reverse();
  const joined = open.filter(isInConference);
  return joined.length > 0
    ? joined.sort(compareJoins)
    : open
        .filter(({ coachingFailedAt }) => coachingFailedAt === undefined)
        .sort((one, other) => startOf(other) - startOf(one));
}

/** The later join first; of two that the Space dates to one second, the one of the moderator who arrived later. */
function compareJoins(one: Stay, other: Stay): number {
  const isOneSecond = one.joinDate !== undefined && one.joinDate === other.joinDate;
  // Nobody joins before they arrive.
  const instantOf = isOneSecond ? startOf : ({ joinedAt = 0, arrivedAt = 0 }: Stay) => Math.max(joinedAt, arrivedAt);
  return instantOf(other) - instantOf(one);
}

/** The moderator whom a supervisor coaches: who joined last, or else who arrived last, and has not left. */
export function targetOf(state: Pick<RoomState, 'stays'>): Stay | undefined {
  return moderatorsOf(state)[0];
}

/** How long a moderator who has arrived may take to join, in milliseconds. */
const ENTRY_MS = 10_000;

/** Whether a moderator is known to be in, or arrived so lately that the callback of their join may be on its way. */
export function isInOrEntering(moderator: Stay, now: number): boolean {
  return isInConference(moderator) || (isOpen(moderator) && now - startOf(moderator) < ENTRY_MS);
}

/** After how long a moderator who has not joined is taken to have hung up, in milliseconds. */
const GHOST_MS = 60_000;

/** Whether a moderator arrived long ago and was never seen to join: they come last in menus. */
export function hasProbablyHungUp(
  { hasJoined, arrivedAt }: { hasJoined: boolean; arrivedAt: number },
  now: number,
): boolean {
  return !hasJoined && now - arrivedAt >= GHOST_MS;
}

/** Tells conversations apart: one call can lead two, one after the other, each in its own conference. */
export interface ConversationId {
  /** The moderator's call. */
  target: Sid;
  /** Undefined while the moderator has not been seen in a conference. */
  conferenceSid: Sid | undefined;
}

/** Whether two conversations are one. An unknown conference equals only an unknown one. */
export function isSameConversation(one: ConversationId, other: ConversationId): boolean {
  return one.target === other.target && one.conferenceSid === other.conferenceSid;
}

/** The conversation that a moderator leads. */
export function conversationOf({ callSid, conferenceSid }: Stay): ConversationId {
  return { target: callSid, conferenceSid };
}

/**
 * The conversation that a supervisor is or was in. If they were not seen in a conference, it is the one of the moderator
 * they were sent to.
 *
 * @returns undefined if the state does not name a target
 */
export function supervisedConversation(
  { stays }: Pick<RoomState, 'stays'>,
  stay: SupervisorStay,
): ConversationId | undefined {
  const { target } = stay.supervision;
  if (target === undefined) {
    return undefined;
  }
  // A stay of the target that began later is another conversation.
  const led = stays.filter((one) => one.callSid === target && startOf(one) <= startOf(stay)).at(-1);
  return { target, conferenceSid: stay.conferenceSid ?? led?.conferenceSid };
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
