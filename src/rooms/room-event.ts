import type { Sid } from '../signalwire/sid';
import type { ActionName, ActionReason, ActionStatus } from './action';
import type { Mode } from './mode';
import type { Role } from './room';

/** A moderator's call asked for its document. `name` is from the roster; undefined if it has none. */
export interface ModeratorArrived {
  kind: 'moderator-arrived';
  callSid: Sid;
  name?: string | undefined;
}

/** A supervisor was given the document that leads into the room. */
export interface SupervisorSent {
  kind: 'supervisor-sent';
  callSid: Sid;
  /** Counts this call's stays from 1. */
  stayNumber: number;
  name: string;
  /** Masked. */
  address: string;
  mode: Mode;
  /** The moderator's call, and the moderator's name if it is known. */
  target: Sid;
  moderatorName?: string | undefined;
  /** The address by which this call rejoins muted. Secret: it holds the token for their PIN. */
  rejoinUrl?: string | undefined;
}

/** The server changed a supervisor's mode; only a later event confirms it. */
export interface ModeRequested {
  kind: 'mode-requested';
  callSid: Sid;
  mode: Mode;
}

/** Somebody requested an action through the API. */
export interface ActionRequested {
  kind: 'action-requested';
  /** Unique. */
  id: string;
  name: ActionName;
  by: string;
  /** The participant's call; undefined for `join` and for the whole room. */
  callSid?: Sid | undefined;
  /** Of `mode` and `join`. */
  mode?: Mode | undefined;
  /** Of `mode`: the moderator's call in the conversation that is meant. */
  target?: Sid | undefined;
  /** Of `join`: the supervisor's name. */
  person?: string | undefined;
  /** Of `record`: the call. */
  recordedCall?: Sid | undefined;
  /** Of `stop`. */
  recordingSid?: Sid | undefined;
}

/** How far an action is. */
export interface ActionUpdated {
  kind: 'action-updated';
  id: string;
  /** `requested`: only the call of a join, or the recording that was started, has become known. */
  status: ActionStatus;
  reason?: ActionReason | undefined;
  callSid?: Sid | undefined;
  recordingSid?: Sid | undefined;
  /** Whether the Space may or may not have unmuted a supervisor. */
  isHeardUnknown?: boolean | undefined;
}

/** REST set a supervisor's target. Its age counts from the request to REST. */
export interface TargetSet {
  kind: 'target-set';
  callSid: Sid;
  target: Sid;
}

/** REST took the notice that tells a moderator, the target, of a supervisor. Its age counts from the request to REST. */
export type ModeratorTold = Omit<TargetSet, 'kind'> & { kind: 'moderator-told' };

/** A call's `<Dial>` ended. */
export interface DialEnded {
  kind: 'dial-ended';
  callSid: Sid;
  /** Of a supervisor: the number of the stay that ended. */
  stayNumber?: number | undefined;
  /** Of a supervisor: whether the Space refused to let them coach their target (error 13240). */
  coachingFailed?: boolean | undefined;
}

/** The call itself ended. */
export interface CallEnded {
  kind: 'call-ended';
  callSid: Sid;
  /** Why a call that the server made was not answered. */
  reason?: 'busy' | 'no-answer' | 'not-connected' | undefined;
}

/** What a callback reports of a participant. Undefined: it does not say. */
export interface ParticipantReport {
  callSid: Sid;
  conferenceSid: Sid | undefined;
  /**
   * The callback's date by the Space's clock, in milliseconds since 1970, truncated to the second. Without a date, the
   * event may have happened at any time before.
   */
  date: number | undefined;
  isMuted?: boolean | undefined;
  isOnHold?: boolean | undefined;
  /** The call that they coach. */
  coachedCall?: Sid | 'nobody' | undefined;
  /** Whether the conference ends when they leave: true of moderators only. */
  isModerator?: boolean | undefined;
}

/** What callbacks report of participants. */
type ParticipantEventKind = 'joined' | 'left' | 'muted' | 'unmuted' | 'held' | 'unheld' | 'spoke' | 'fell-silent';

export type ParticipantEvent = { [K in ParticipantEventKind]: ParticipantReport & { kind: K } }[ParticipantEventKind];

/** A conference started: it has a moderator and somebody else. */
export interface ConferenceStarted {
  kind: 'conference-started';
  conferenceSid: Sid;
}

export interface ConferenceEnded {
  kind: 'conference-ended';
  conferenceSid: Sid;
}

/** A participant as REST shows them. */
export interface ObservedParticipant {
  callSid: Sid;
  isMuted: boolean;
  isOnHold: boolean;
  /** Undefined if they coach and REST does not name the call. */
  coachedCall: Sid | 'nobody' | undefined;
  joinAgeMs: number;
  isModerator: boolean;
  /** The person by `GET /Calls/{sid}`; undefined if that was not asked. */
  person?: { role: Role; name?: string | undefined; address?: string | undefined } | undefined;
}

/** REST listed a room's participants. Its age counts from the request. */
export interface RoomObserved {
  kind: 'room-observed';
  /** Undefined if no conference of that name runs. */
  conference: { sid: Sid } | undefined;
  participants: readonly ObservedParticipant[];
}

/** A room with supervisors was not compared with REST's list for `forMs` milliseconds. */
export interface RoomUnobserved {
  kind: 'room-unobserved';
  forMs: number;
}

/** REST showed one participant. Its age counts from the request. */
export interface ParticipantObserved {
  kind: 'participant-observed';
  conferenceSid: Sid;
  participant: ObservedParticipant;
}

/** A callback reported a recording. Its room is known from the callback's address. */
export interface RecordingReported {
  kind: 'recording-reported';
  recordingSid: Sid;
  /** Callbacks may lack both. */
  callSid?: Sid | undefined;
  conferenceSid?: Sid | undefined;
  status: string;
}

/** A recording as REST shows it. */
export interface ObservedRecording {
  recordingSid: Sid;
  callSid?: Sid | undefined;
  conferenceSid?: Sid | undefined;
  status: string;
  /** True if we are asking the Space to pause it, false if we have resumed it; undefined otherwise. */
  isPausedByUs?: boolean | undefined;
}

/** REST showed recordings of a room. Its age counts from the request to REST. */
export interface RecordingsObserved {
  kind: 'recordings-observed';
  recordings: readonly ObservedRecording[];
}

/** Somebody opens the audio of a recording, to play it or to save it. */
export interface RecordingOpened {
  kind: 'recording-opened';
  /** As far as it is known. */
  recording: Pick<ObservedRecording, 'recordingSid' | 'callSid' | 'conferenceSid'>;
  by: string;
}

/**
 * Something that happened in a room. Events may be applied late, repeatedly and in any order.
 *
 * `ageMs`: how long ago it happened, in milliseconds. It is an age, so that servers' clocks need not agree.
 * `isForeign`: whether a callback came from another account than ours; undefined if it does not say.
 */
export type RoomEvent = { ageMs: number; isForeign?: boolean | undefined } & (
  | ModeratorArrived
  | SupervisorSent
  | ModeRequested
  | ActionRequested
  | ActionUpdated
  | TargetSet
  | ModeratorTold
  | DialEnded
  | CallEnded
  | ParticipantEvent
  | ConferenceStarted
  | ConferenceEnded
  | RoomObserved
  | RoomUnobserved
  | ParticipantObserved
  | RecordingReported
  | RecordingsObserved
  | RecordingOpened
);

/** An event of one kind. */
export type EventOf<K extends RoomEvent['kind']> = Extract<RoomEvent, { kind: K }>;
