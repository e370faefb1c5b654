import { z } from 'zod';

/**
 * How the Space behaves where SignalWire's documentation is silent or can be read in two ways: each with its default.
 * docs/stories.md lists them for users.
 */
export const DEFAULT_BEHAVIOUR = {
  /**
   * A `<Dial>`'s `action` is requested even if the call itself hung up. Otherwise only status callbacks tell the server
   * that a moderator left.
   */
  asksActionAfterHangUp: true,
  /** `DialCallStatus` is `completed` after a conference, otherwise `answered`. */
  completesDials: false,
  /** `hangupOnStar` works inside a conference. */
  starLeavesConferences: true,
  /**
   * A `<Conference coach>` is let in before the conference has started; otherwise that is 13240. REST's `Coaching`
   * works at any time.
   */
  coachesBeforeStart: true,
  /** A coach is heard by those who entered after the coaching began, too, until REST sets the coach's target again. */
  latecomersHearCoaches: false,
  /** A coach whose target has left is heard by everyone, otherwise by nobody. */
  orphanedCoachesAreHeard: true,
  /** The conference ends when the last participant with `endConferenceOnExit` leaves, otherwise when the first does. */
  endsWithLastModerator: false,
  /** REST's `AnnounceUrl` of a participant is played to that participant alone, otherwise to the whole conference. */
  announcesPrivately: true,
  /** Conference callbacks carry `Coaching` and `CallSidToCoach`, as Twilio's do. */
  reportsCoaching: false,
  /** Conference callbacks carry `ConferenceSid`. */
  sendsConferenceSid: true,
  /** Conference callbacks carry `Timestamp`. */
  sendsTimestamp: true,
  /** The fragment of a webhook's address, which is never sent, is signed. */
  signsFragments: false,
  /** The query of a webhook's address is sorted and encoded again before it is signed and sent. */
  sortsQueries: false,
};

export type Behaviour = Readonly<Record<keyof typeof DEFAULT_BEHAVIOUR, boolean>>;

const flags = Object.keys(DEFAULT_BEHAVIOUR).map((name) => [name, z.boolean().exactOptional()]);

/** Any part of {@link Behaviour}, as a story file has it. */
export const behaviourSettings = z.strictObject(
  Object.fromEntries(flags) as Record<keyof Behaviour, z.ZodExactOptional<z.ZodBoolean>>,
);
