/** The ways to supervise: `monitor` is heard by nobody, `coach` by the moderator alone, `barge` by all. */
export const MODES = ['monitor', 'coach', 'barge'] as const;

/** One of {@link MODES}. */
export type Mode = (typeof MODES)[number];

/** The mode of a supervisor who names none. */
export const DEFAULT_MODE: Mode = 'coach';

/** A supervisor's way into a room: what they asked for, and how often they were sent back to ask again. */
export interface Approach {
  mode: Mode;
  /** 0 for a call that has just come in, {@link MAX_ATTEMPTS} for the last. */
  attempt: number;
  /** What the right PIN brought earlier in this call; undefined for who is known by their number. */
  pass?: string | undefined;
}

/** How often a supervisor is asked to wait, or to choose, before they are sent away. */
export const MAX_ATTEMPTS = 12;
