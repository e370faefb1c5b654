import type { ConversationId } from '../rooms/conversation';
import type { Mode } from '../rooms/mode';

/** The mode of a supervisors' number that names none. */
export const DEFAULT_MODE: Mode = 'coach';

/** How often a supervisor is asked to wait or to choose before they hear "Goodbye." */
export const MAX_ATTEMPTS = 12;

/** How often a supervisor waits 30 s for a caller or the next conversation: half an hour in all. */
export const MAX_WAITS = 60;

/** The state of a supervisor's call, kept in the query of our URLs. */
export interface CallContext {
  /** The mode to join in; undefined on the supervisors' line for the person's own. */
  mode: Mode | undefined;
  /** Prompts since the call came in, {@link MAX_ATTEMPTS} at most. */
  attempt: number;
  /** How often they have waited for a caller or the next conversation; undefined if they do not. */
  waits?: number | undefined;
  /** Number of this call's latest stay; 0 before the first. */
  stay: number;
  /** Proof that this call entered the right PIN; undefined for a supervisor known by address. */
  token?: string | undefined;
}

/** The same once they have a room: waiting for it, in it, or at its keypad. */
export interface RoomContext extends CallContext {
  mode: Mode;
  /** The mode of the number they dialled, if it differs from `mode`; on the line, only if its address has one. */
  initialMode?: Mode | undefined;
  /** Whether they came by the supervisors' line, and go back to its list of conversations. */
  isOnLine?: boolean | undefined;
  /** Keypad prompts since the last valid key; undefined for none. */
  reprompts?: number | undefined;
  /** The conversation that the keypad's prompt named; undefined if none. */
  named?: ConversationId | undefined;
  /** Whether they heard whom they join; then a change must be announced. */
  isAnnounced?: boolean | undefined;
  /** Whether the server moved them out of a conference because the wrong people could hear them. */
  isMoved?: boolean | undefined;
}

/** The mode of the number they dialled, whatever keys have changed since; undefined if a supervisors' line has none. */
export function initialModeOf({ isOnLine, initialMode, mode }: RoomContext): Mode | undefined {
  return isOnLine ? initialMode : (initialMode ?? mode);
}

/** The mode in which the next conversation starts: that of the number or the person, but never `barge`. */
export function nextMode(initialMode: Mode | undefined): Mode {
  return initialMode === undefined || initialMode === 'barge' ? 'monitor' : initialMode;
}
