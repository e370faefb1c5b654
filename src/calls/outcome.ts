import type { Lockout } from '../people/pin-limiter';
import type { SupervisorEntry } from '../people/roster';
import type { Mode } from '../rooms/mode';
import type { RoomName, RoomState, Stay } from '../rooms/room';
import type { RoomEvent } from '../rooms/room-event';
import type { Sid } from '../signalwire/sid';
import type { RefusalReason } from '../supervision/refusals';
import type { CallContext, RoomContext } from './call-context';

/** What a call gets, as data: the flows decide it, `documents.ts` renders it as LaML. */
export type Outcome =
  | Join
  /** The caller document after a greeting, during which a moderator may press `*` and their PIN. */
  | { kind: 'greet'; room: RoomName }
  | { kind: 'askModeratorPin'; room: RoomName; prompt: PinPrompt }
  /** `room`: where the supervisor wants to go, if they said so. */
  | { kind: 'askPin'; context: CallContext; prompt: PinPrompt; room?: RoomName | undefined }
  | RoomWait
  | LineWait
  | { kind: 'choose'; context: CallContext; menu: RoomMenu }
  | KeypadMenu
  /** To a supervisor whom the server called: nobody joins a conversation without a key, for a voicemail may answer. */
  | { kind: 'askToJoin'; room: RoomName; join: Sid }
  | { kind: 'goodbye' }
  /** To a supervisor whom somebody took out through the API: their call ends, too. */
  | { kind: 'removed' }
  /** For a supervisor: an unexpected error that a retry would not fix. */
  | { kind: 'apology' }
  | { kind: 'hangUp' }
  | { kind: 'reject' }
  | { kind: 'notice'; to: 'moderator' | 'supervisor' }
  /** Somebody's own words, for one participant. */
  | { kind: 'note'; text: string };

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
  /** What the next request carries: the number of this stay, its mode, and so on. */
  context: RoomContext;
  target: Stay;
  /** They hear the news, if any, and who hears them; undefined for nothing. */
  announcement?: { news?: News | undefined } | undefined;
  /** The mode in which the same call was in this conversation until just now. */
  previousMode?: Mode | undefined;
}

/** A moderator whose name may be spoken. */
type Moderator = Pick<Stay, 'name'>;

/** An event that a supervisor is told of before anything else. */
export type News = 'conversation-over' | 'no-such-conversation' | 'no-other-conversation' | 'muted' | 'not-allowed';

/** The keypad's keys that change how a supervisor is heard. */
export const MODE_KEYS: Readonly<Record<Mode, string>> = { monitor: '1', coach: '2', barge: '3' };

/** The keypad menu. */
export interface KeypadMenu {
  kind: 'keypad';
  room: RoomName;
  context: RoomContext;
  /** The modes that they may choose. */
  modes: readonly Mode[];
  /** Whose conversation they left, if it goes on. */
  target?: Moderator | undefined;
  news?: News | undefined;
}

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

/** A prompt for a PIN: its number within the call, and why it is played. */
export interface PinPrompt {
  tryNumber: number;
  /** `wrong` and `silent`: the result of the previous prompt. */
  why: 'asked' | 'wrong' | 'silent';
}

/** How many conversations are offered at once: one for each digit but 0. */
export const CHOICES_AT_ONCE = 9;

/** A page of the list of conversations. */
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
  /** Whether pound plays more conversations, or the list again; undefined if this is the whole list. */
  more: 'more' | 'again' | undefined;
  hasExtensions: boolean;
  news?: News | undefined;
}

/** The outcome for an agent's or customer's call, and what to record and log. */
export type ConferenceDecision = Outcome & {
  /** Recorded in the request's room before the call is answered. */
  event?: RoomEvent;
  lockout?: Lockout;
  /** For the log: why the call got something else than it asked for. */
  warning?: { message: string; about?: object } | undefined;
};

/** The outcome for a supervisor's call, and what to record. */
export type SupervisorDecision = Outcome & {
  /** They were not let in, or entered no PIN or a wrong one. */
  refusal?: { reason: RefusalReason; supervisor?: string; room?: RoomName };
  lockout?: Lockout;
};
