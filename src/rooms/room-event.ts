import type { Sid } from '../signalwire/sid';
import type { Mode } from './mode';
import type { Role } from './room';

/** A moderator's call asked for its document. `name` is the roster's, if it has one. */
export interface ModeratorArrived {
  kind: 'moderator-arrived';
  callSid: Sid;
  name?: string | undefined;
}

/** A supervisor was given the document that leads into the room. */
export interface SupervisorSent {
  kind: 'supervisor-sent';
  callSid: Sid;
  /** Which of this call's stays it is, counted from 1; a later one has a greater number. */
  stayNumber: number;
  name: string;
  /** Masked. */
  address: string;
  mode: Mode;
  /** The moderator's call, and the moderator's name if it is known. */
  target: Sid;
  moderatorName?: string | undefined;
  /** The address that lets this call in again, unheard. It holds what their PIN brought them: a secret. */
  rejoinUrl?: string | undefined;
}

/** A supervisor is to be heard in another mode, or beside another moderator. */
export interface ModeRequested {
  kind: 'mode-requested';
  callSid: Sid;
  mode: Mode;
}

/** REST set a supervisor's target. The event is as old as the request for it. */
export interface TargetSet {
  kind: 'target-set';
  callSid: Sid;
  target: Sid;
}

/** A call's `<Dial>` is over. */
export interface DialEnded {
  kind: 'dial-ended';
  callSid: Sid;
  /** Of a supervisor: which of the call's stays. */
  stayNumber?: number | undefined;
  /** Of a supervisor: whether the Space refused to let them coach their target. */
  coachingFailed?: boolean | undefined;
}

/** The call itself is over. */
export interface CallEnded {
  kind: 'call-ended';
  callSid: Sid;
}

/** What a callback says of a participant; undefined where it says nothing. */
export interface ParticipantReport {
  callSid: Sid;
  conferenceSid: Sid | undefined;
  /**
   * The callback's date by the Space's clock, in milliseconds since 1970, cut to the second. Undefined if it has none:
   * then it happened now, or any time before.
   */
  date: number | undefined;
  isMuted?: boolean | undefined;
  isOnHold?: boolean | undefined;
  /** Whom they coach. */
  coachedCall?: Sid | 'nobody' | undefined;
  /** Whether their leaving ends the conference: only our moderators' does. */
  isModerator?: boolean | undefined;
}

/** What callbacks tell of a participant. */
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

/** A participant as REST shows it. */
export interface ObservedParticipant {
  callSid: Sid;
  isMuted: boolean;
  isOnHold: boolean;
  /** Undefined when REST does not name whom they coach. */
  coachedCall: Sid | 'nobody' | undefined;
  joinAgeMs: number;
  isModerator: boolean;
  /** Who it is by `GET /Calls/{sid}`, where that was asked. */
  person?: { role: Role; name?: string | undefined; address?: string | undefined } | undefined;
}

/** All that REST shows of a room; `ageMs` is how long ago it was asked. */
export interface RoomObserved {
  kind: 'room-observed';
  /** Undefined when no conference of that name runs. */
  conference: { sid: Sid } | undefined;
  participants: readonly ObservedParticipant[];
}

/** One participant as REST shows it. */
export interface ParticipantObserved {
  kind: 'participant-observed';
  conferenceSid: Sid;
  participant: ObservedParticipant;
}

/**
 * Something that happened in a room. `ageMs` is how long ago, in milliseconds: an age and no instant, so that the clocks
 * of several servers and of the store need not agree. Events may be applied late, repeatedly and in any order.
 * `isForeign`: whether a callback came from another account than ours; undefined when it does not say.
 */
export type RoomEvent = { ageMs: number; isForeign?: boolean | undefined } & (
  | ModeratorArrived
  | SupervisorSent
  | ModeRequested
  | TargetSet
  | DialEnded
  | CallEnded
  | ParticipantEvent
  | ConferenceStarted
  | ConferenceEnded
  | RoomObserved
  | ParticipantObserved
);

/** An event of one kind. */
export type EventOf<K extends RoomEvent['kind']> = Extract<RoomEvent, { kind: K }>;

/**
 * Names an event within its room: of two with the same name, the one that happened later is enough. A call can be in several
 * conferences, and in one several times, so joins and leaves are told apart by conference and date.
 */
export function eventKey(event: RoomEvent): string {
  switch (event.kind) {
    case 'conference-started':
    case 'conference-ended':
      return `${event.kind}/${event.conferenceSid}`;
    case 'room-observed':
      return event.kind;
    case 'participant-observed':
      return `${event.kind}/${event.participant.callSid}/${event.conferenceSid}`;
    case 'joined':
    case 'left':
      return `${event.kind}/${event.callSid}/${event.conferenceSid}/${event.date}`;
    case 'supervisor-sent':
    case 'dial-ended':
      return `${event.kind}/${event.callSid}/${event.stayNumber ?? ''}`;
    case 'muted':
    case 'unmuted':
      return `mute/${event.callSid}/${event.conferenceSid}`;
    case 'held':
    case 'unheld':
      return `hold/${event.callSid}/${event.conferenceSid}`;
    default:
      return `${event.kind}/${event.callSid}`;
  }
}
