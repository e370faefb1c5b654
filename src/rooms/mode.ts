/** The ways to supervise: `monitor` is heard by nobody, `coach` by the moderator alone, `barge` by everyone. */
export const MODES = ['monitor', 'coach', 'barge'] as const;

/** One of {@link MODES}. */
export type Mode = (typeof MODES)[number];

/** How a supervisor is heard, as the Space reported it; `unknown` if it did not, or something has changed since. */
export type HeardMode = Mode | 'unknown';
