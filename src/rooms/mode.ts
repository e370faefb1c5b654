/** The ways to supervise, by how many people hear them: `monitor` nobody, `coach` the moderator alone, `barge` everyone. */
export const MODES = ['monitor', 'coach', 'barge'] as const;

/** One of {@link MODES}. */
export type Mode = (typeof MODES)[number];

/** How a supervisor is heard, as the Space reported it; `unknown` if it did not, or something has changed since. */
export type HeardMode = Mode | 'unknown';
