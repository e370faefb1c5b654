import type { Mode } from '../rooms/mode';
import type { ConversationId } from '../rooms/room';

/** The mode of a supervisors' number that names none. */
export const DEFAULT_MODE: Mode = 'coach';

/** How often a supervisor is asked to wait, or to choose, before they are sent away. */
export const MAX_ATTEMPTS = 12;

/** How often a supervisor waits 30 s for a caller or the next conversation: half an hour in all. */
export const MAX_WAITS = 60;

/** A supervisor's way into a room, as their addresses carry it. */
export interface Approach {
  mode: Mode;
  /** The mode of the number they dialled, if a key has changed it; undefined on the line for a person without a mode. */
  own?: Mode | undefined;
  /** Whether they came by the supervisors' line, and go back to its menu. */
  isOnLine?: boolean | undefined;
  /** 0 for a call that has just come in, {@link MAX_ATTEMPTS} for the last. */
  attempt: number;
  /** How often they have waited for a caller or the next conversation; undefined if they do not. */
  waits?: number | undefined;
  /** Number of this call's latest stay; 0 before the first. */
  stay: number;
  /** Keypad prompts since the last valid key; undefined for none. */
  round?: number | undefined;
  /** The conversation that the keypad's menu named; undefined if none. */
  of?: ConversationId | undefined;
  /** Whether they heard where they go: then a change must be announced. */
  isTold?: boolean | undefined;
  /** Whether REST took them out of a conference because the wrong people could hear them. */
  isMoved?: boolean | undefined;
  /** Proof that this call gave the right PIN; undefined for a supervisor identified by address. */
  pass?: string | undefined;
}

/** A way to a choice of rooms: a mode that is not named is the person's own. */
export type LineApproach = Pick<Approach, 'attempt' | 'stay' | 'waits' | 'pass'> & { mode: Mode | undefined };

/** The mode of the number they dialled, whatever keys have changed since; undefined on the line of one without. */
export function ownMode({ isOnLine, own, mode }: Approach): Mode | undefined {
  return isOnLine ? own : (own ?? mode);
}

/** The mode in which the next conversation starts: that of the number or the person, but nobody barges unasked. */
export function nextMode(own: Mode | undefined): Mode {
  return own === undefined || own === 'barge' ? 'monitor' : own;
}
