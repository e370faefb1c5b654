/** The ways to supervise: `monitor` is heard by nobody, `coach` by the moderator alone, `barge` by all. */
export const MODES = ['monitor', 'coach', 'barge'] as const;

/** One of {@link MODES}. */
export type Mode = (typeof MODES)[number];

/** The mode of a supervisor who names none. */
export const DEFAULT_MODE: Mode = 'coach';
