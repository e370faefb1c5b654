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
  /** Conference callbacks carry `Coaching` and `CallSidToCoach`, as Twilio's do. */
  reportsCoaching: false,
};

export type Behaviour = Readonly<Record<keyof typeof DEFAULT_BEHAVIOUR, boolean>>;

const flags = Object.keys(DEFAULT_BEHAVIOUR).map((name) => [name, z.boolean().exactOptional()]);

/** Any part of {@link Behaviour}, as a story file has it. */
export const behaviourSettings = z.strictObject(
  Object.fromEntries(flags) as Record<keyof Behaviour, z.ZodExactOptional<z.ZodBoolean>>,
);
