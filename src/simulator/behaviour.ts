import { z } from 'zod';

/**
 * How the Space behaves where SignalWire's documentation is silent or ambiguous, with the defaults. docs/stories.md lists
 * these settings for users.
 */
export const DEFAULT_BEHAVIOUR = {
  /**
   * A `<Dial>`'s `action` is requested even if the call itself hung up. Otherwise only status callbacks report that
   * a moderator left.
   */
  asksActionAfterHangUp: true,
  /** `DialCallStatus` is `completed` after a conference, otherwise `answered`. */
  completesDials: false,
  /** `hangupOnStar` works inside a conference. */
  starLeavesConferences: true,
  /**
   * `<Conference coach>` works before the conference has started; otherwise it fails with 13240. REST's `Coaching` works
   * at any time.
   */
  coachesBeforeStart: true,
  /** Participants who join after the coaching began hear the coach, until REST sets the coach's target again. */
  latecomersHearCoaches: false,
  /** Everybody hears a coach whose target has left; otherwise nobody does. */
  orphanedCoachesAreHeard: true,
  /** The conference ends when the last participant with `endConferenceOnExit` leaves; otherwise when the first does. */
  endsWithLastModerator: false,
  /** Only the participant hears REST's `AnnounceUrl` of a participant; otherwise the whole conference does. */
  announcesPrivately: true,
  /** Conference callbacks carry `Coaching` and `CallSidToCoach`, as Twilio's do. */
  reportsCoaching: false,
  /** Conference callbacks carry `ConferenceSid`. */
  sendsConferenceSid: true,
  /** Conference callbacks carry `Timestamp`. */
  sendsTimestamp: true,
  /** Signatures include the fragment of a webhook's URL, although it is never sent. */
  signsFragments: false,
  /** The query of a webhook's URL is sorted and re-encoded before it is signed and sent. */
  sortsQueries: false,
  /** The audio of recordings can be had in parts; otherwise `Range` is ignored. */
  servesRanges: true,
};

export type Behaviour = Readonly<Record<keyof typeof DEFAULT_BEHAVIOUR, boolean>>;

const flags = Object.keys(DEFAULT_BEHAVIOUR).map((name) => [name, z.boolean().exactOptional()]);

/** The `space` section of a story file: any subset of {@link Behaviour}. */
export const behaviourSettings = z.strictObject(
  Object.fromEntries(flags) as Record<keyof Behaviour, z.ZodExactOptional<z.ZodBoolean>>,
);
