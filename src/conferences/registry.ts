import type { RoomName } from '../rooms/room-name';
import type { Sid } from '../signalwire/sid';

/**
 * Something that happened to a room, as a webhook or a status callback told it. `agoMs` is how long ago, in
 * milliseconds: an age and no instant, so that the clocks of several servers and of the store need not agree.
 *
 * Changes may be applied late, repeatedly and in any order: see {@link ConferenceRegistry.apply}.
 */
export type Change =
  /** A moderator's call asked for its document and is about to enter; `name` is the roster's, if it has one. */
  | { kind: 'arrived'; room: RoomName; callSid: Sid; name?: string | undefined; agoMs: number }
  /** A moderator's call entered the conference. */
  | { kind: 'joined'; room: RoomName; callSid: Sid; conferenceSid: Sid | undefined; agoMs: number }
  /** A call, a moderator's or not, left the conference for good. */
  | { kind: 'left'; room: RoomName; callSid: Sid; agoMs: number }
  /** A conference ended. */
  | { kind: 'ended'; room: RoomName; conferenceSid: Sid; agoMs: number };

/** The call that moderates a room. */
export interface Moderator {
  callSid: Sid;
  /** As the roster has it; undefined for a number without a name, and for a call that the Space alone told of. */
  name: string | undefined;
}

/** A room that has a moderator. */
export interface LiveRoom extends Moderator {
  room: RoomName;
}

/** Remembers each room's moderator. Shared by every server that answers for the same Space. */
export interface ConferenceRegistry {
  /**
   * Takes note of a change.
   *
   * - `arrived` makes the call its room's moderator, unless it has left, or a call that arrived later is. What
   *   arrives now (0 ms ago) is the latest, whatever a clock says.
   * - `joined` does the same for a call whose arrival was never noted (the write was lost), as if it had arrived
   *   then; it never displaces a call that arrived later than it did. It also ties the call to its conference.
   * - `left` and `ended` are terminal: they forget the room's moderator if it is that very call, or is tied to
   *   that very conference, and nothing makes that call a moderator again.
   *
   * What was noted is kept for the registry's lifetime, counted from when it happened.
   *
   * @throws StoreError when the store did not take it in time; it may take it later all the same
   */
  apply(change: Change): Promise<void>;

  /**
   * The room's moderator, undefined when there is none.
   *
   * @throws StoreError when the store did not answer in time
   */
  findModerator(room: RoomName): Promise<Moderator | undefined>;

  /**
   * The moderator of every room that has one, in no order.
   *
   * @throws StoreError when the store did not answer in time
   */
  listModerators(): Promise<LiveRoom[]>;
}
