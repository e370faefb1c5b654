import type { Sid } from '../signalwire/sid';
import type { RoomName } from './room-name';

/**
 * Something that happened to a room, as a webhook or a status callback told it. `agoMs` is how long ago, in
 * milliseconds: an age and no instant, so that the clocks of several servers and of the store need not agree.
 *
 * Changes may be applied late, repeatedly and in any order: see {@link ConferenceRegistry.apply}.
 */
export type Change =
  /** A moderator's call asked for its document and is about to enter. */
  | { kind: 'arrived'; room: RoomName; callSid: Sid; agoMs: number }
  /** A moderator's call entered the conference. */
  | { kind: 'joined'; room: RoomName; callSid: Sid; conferenceSid: Sid | undefined; agoMs: number }
  /** A call, a moderator's or not, left the conference for good. */
  | { kind: 'left'; room: RoomName; callSid: Sid; agoMs: number }
  /** A conference ended. */
  | { kind: 'ended'; room: RoomName; conferenceSid: Sid; agoMs: number };

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
   * The Call SID of the room's moderator, undefined when there is none.
   *
   * @throws StoreError when the store did not answer in time
   */
  findModerator(room: RoomName): Promise<Sid | undefined>;

  /**
   * Resolves if the store answers.
   *
   * @throws StoreError when it does not
   */
  ping(): Promise<void>;

  /** Lets go of connections. Never throws. */
  close(): Promise<void>;
}

/**
 * The store could not do its work. `misconfigured`: it refuses us or is no such store, and waiting will not help;
 * `unavailable`: it is down, slow or starting.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly code: 'unavailable' | 'misconfigured',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
