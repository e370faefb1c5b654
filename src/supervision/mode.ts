import type { Mode } from '../rooms/mode';
import type { Sid } from '../signalwire/sid';

/** The mode of a supervisor who names none. */
export const DEFAULT_MODE: Mode = 'coach';

/** A supervisor's way into a room: what they asked for, and how often they were sent back to ask again. */
export interface Approach {
  mode: Mode;
  /** 0 for a call that has just come in, {@link MAX_ATTEMPTS} for the last. */
  attempt: number;
  /** How many stays in a room this call was sent to so far; the last of them is the one that it is on or comes from. */
  stay: number;
  /** How often the keypad went round without a key, since one was pressed; undefined for never. */
  round?: number | undefined;
  /** Whose conversation the supervisor has left for the keypad. */
  of?: Sid | undefined;
  /** Whether they were told where they go, so that they must be told if it becomes another place. */
  isTold?: boolean | undefined;
  /** What the right PIN brought earlier in this call; undefined for who is known by their number. */
  pass?: string | undefined;
}

/** A way to a choice of rooms: a mode that is not named is the person's own. */
export type LineApproach = Omit<Approach, 'mode'> & { mode: Mode | undefined };

/** How often a supervisor is asked to wait, or to choose, before they are sent away. */
export const MAX_ATTEMPTS = 12;

/** When a moderator is told that a supervisor came in: never, when one comes to whisper, or always. */
export const NOTICE_POLICIES = ['never', 'coach', 'always'] as const;

/** One of {@link NOTICE_POLICIES}. */
export type NoticePolicy = (typeof NOTICE_POLICIES)[number];
