import type { Lockout } from '../people/pin-limiter';
import type { SupervisorEntry } from '../people/roster';
import type { Mode } from '../rooms/mode';
import type { RoomName, RoomState, Stay } from '../rooms/room';
import type { RoomEvent } from '../rooms/room-event';
import type { RefusalReason } from '../supervision/refusals';
import type { CallContext, RoomContext } from './call-context';

/** What a call gets, as data: the flows decide it, `documents.ts` renders it as LaML. */
export type Outcome =
  | Join
  /** The caller document behind a greeting, during which a moderator may press `*` and their PIN. */
  | { kind: 'greet'; room: RoomName }
  | { kind: 'askModeratorPin'; room: RoomName; prompt: PinPrompt }
  /** `room`: where the supervisor wants to go, if they said so. */
  | { kind: 'askPin'; context: CallContext; prompt: PinPrompt; room?: RoomName | undefined }
  | RoomWait
  | LineWait
  | { kind: 'choose'; context: CallContext; menu: RoomMenu }
  /** Asks a supervisor who is to hear them. `target`: whose conversation they left, if it goes on. */
  | { kind: 'keypad'; room: RoomName; context: RoomContext; target?: Moderator | undefined }
  | { kind: 'goodbye' }
  /** For a supervisor whom we failed in a way that waiting will not mend. */
  | { kind: 'apology' }
  | { kind: 'hangUp' }
  | { kind: 'reject' }
  | { kind: 'notice'; to: 'moderator' | 'supervisor' };

type Join =
  | { kind: 'join'; role: 'moderator'; room: RoomName; name: string | undefined }
  /** `isWrongRoom`: a moderator who is told first that the room is not theirs. */
  | { kind: 'join'; role: 'caller'; room: RoomName; isWrongRoom?: boolean }
  | SupervisorJoin;

/** A supervisor joins a moderator's conversation. */
export interface SupervisorJoin {
  kind: 'join';
  role: 'supervisor';
  person: SupervisorEntry;
  /** The room as it was when this was decided. */
  state: RoomState;
  /** What the next request carries: the number of this stay, the mode of it … */
  context: RoomContext;
  target: Stay;
  /** The news they hear first, and how they are heard; undefined for neither. */
  announcement?: { news?: News | undefined } | undefined;
  /** How the same call was heard in that conversation until just now. */
  previousMode?: Mode | undefined;
}

/** A moderator, as far as their name is spoken. */
type Moderator = Pick<Stay, 'name'>;

/** Something that a supervisor did not ask for. */
export type News = 'conversation-over' | 'no-such-conversation' | 'no-other-conversation' | 'muted';

/** A supervisor waits, and asks again for the room. `context`: what the next request carries. */
export interface RoomWait {
  kind: 'wait';
  reason: WaitReason;
  room: RoomName;
  context: RoomContext;
  /** The moderator, if they are alone. */
  target?: Moderator;
}

/** The same for any room of the supervisors' line. */
export interface LineWait {
  kind: 'wait';
  reason: WaitReason;
  room?: undefined;
  context: CallContext;
}

/** Why a supervisor has to wait. */
export type WaitReason = 'nobody-there' | 'store-down' | 'target-gone' | 'no-caller' | 'over';

/** How a PIN is asked for: the n-th time in this call, and why. */
export interface PinPrompt {
  tryNumber: number;
  /** `wrong` and `silent`: what came of the time before. */
  why: 'asked' | 'wrong' | 'silent';
}

/** How many rooms a menu offers at once: one for each digit but 0. */
export const CHOICES_AT_ONCE = 9;

/** A menu of rooms. */
export interface RoomMenu {
  /** At most {@link CHOICES_AT_ONCE}. */
  choices: readonly {
    room: RoomName;
    /** The moderator's name. */
    name: string | undefined;
    /** Whether several rooms have a moderator of this name. */
    isAmbiguous: boolean;
    hasCaller: boolean;
  }[];
  /** Counted from 0. */
  page: number;
  /** What pound leads to: more, or all again from the first; undefined when this is all. */
  more: 'more' | 'again' | undefined;
  hasExtensions: boolean;
  news?: News | undefined;
}

/** The outcome for an agent's or customer's call, and what is to be recorded and logged. */
export type ConferenceDecision = Outcome & {
  /** Recorded in the request's room before the call is answered. */
  event?: RoomEvent;
  lockout?: Lockout;
  /** For the log: why the call did not get what was asked for. */
  warning?: { message: string; about?: object } | undefined;
};

/** The outcome for a supervisor's call, and what is to be recorded. */
export type SupervisorDecision = Outcome & {
  /** They were not let in, or a PIN was not right. */
  refusal?: { reason: RefusalReason; supervisor?: string; room?: RoomName };
  lockout?: Lockout;
};
