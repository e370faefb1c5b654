import { isFinalStatus } from './call-status';
import {
  type SpaceCall,
  SpaceError,
  type SpaceNumber,
  type SpaceParticipant,
  type SpaceRecording,
} from './conference-api';
import { parseSid, type Sid } from './sid';

/** Fields of an SDK object. The SDK types them but does not check them. */
type Unread<Field extends string> = { readonly [K in Field]?: unknown };
type ParticipantField =
  | 'callSid'
  | 'status'
  | 'muted'
  | 'hold'
  | 'coaching'
  | 'callSidToCoach'
  | 'endConferenceOnExit'
  | 'dateCreated';

/**
 * @param now milliseconds since 1970
 * @returns undefined for a participant who has left
 * @throws SpaceError `unreadable` without a Call SID
 */
export function parseParticipant(
  given: Unread<ParticipantField>,
  conferenceSid: Sid,
  now: number,
): SpaceParticipant | undefined {
  if (given.status === 'completed') {
    return undefined;
  }
  const isCoaching = isTrue(given.coaching);
  return {
    callSid: requiredSid(given.callSid),
    conferenceSid,
    isMuted: isTrue(given.muted),
    isOnHold: isTrue(given.hold),
    target: isCoaching ? parseSid(given.callSidToCoach) : undefined,
    isCoaching,
    endsConference: isTrue(given.endConferenceOnExit),
    joinAgeMs: ageOf(given.dateCreated, now),
  };
}

/** @throws SpaceError `unreadable` without a Call SID */
export function parseCall(given: Unread<'sid' | 'status' | 'from' | 'to' | 'direction'>): SpaceCall {
  return {
    callSid: requiredSid(given.sid),
    isOver: isFinalStatus(textIn(given.status)),
    from: textIn(given.from),
    to: textIn(given.to),
    direction: textIn(given.direction),
  };
}

type RecordingField = 'sid' | 'callSid' | 'conferenceSid' | 'status' | 'startTime' | 'dateCreated' | 'duration';

/**
 * @param now milliseconds since 1970
 * @throws SpaceError `unreadable` without a recording SID or a status
 */
export function parseRecording(given: Unread<RecordingField>, now: number): SpaceRecording {
  const status = textIn(given.status);
  if (status === undefined) {
    throw new SpaceError('unreadable', 'The Space answered without the status of a recording.');
  }
  const { startTime, dateCreated } = given;
  return {
    recordingSid: requiredSid(given.sid),
    callSid: parseSid(given.callSid),
    conferenceSid: parseSid(given.conferenceSid),
    status: status === 'resumed' ? 'in-progress' : status,
    startedAgeMs: ageOf(startTime instanceof Date ? startTime : dateCreated, now),
    durationSeconds: wholeNumberIn(given.duration),
  };
}

/** Whether a recording with this status can no longer be paused, resumed or stopped. */
export function isFinishedRecording(status: string): boolean {
  return !['queued', 'in-progress', 'paused'].includes(status);
}

type NumberField =
  | 'sid'
  | 'phoneNumber'
  | 'voiceApplicationSid'
  | 'voiceUrl'
  | 'voiceMethod'
  | 'voiceFallbackUrl'
  | 'voiceFallbackMethod'
  | 'statusCallback'
  | 'statusCallbackMethod';

/** @returns undefined without a SID or a number */
export function parseNumber(given: Unread<NumberField>): SpaceNumber | undefined {
  const [numberSid, number] = [parseSid(given.sid), textIn(given.phoneNumber)];
  if (numberSid === undefined || number === undefined) {
    return undefined;
  }
  return {
    numberSid,
    number,
    usesVoiceUrl: textIn(given.voiceApplicationSid) === undefined,
    voiceUrl: textIn(given.voiceUrl),
    voiceMethod: textIn(given.voiceMethod),
    voiceFallbackUrl: textIn(given.voiceFallbackUrl),
    voiceFallbackMethod: textIn(given.voiceFallbackMethod),
    statusCallback: textIn(given.statusCallback),
    statusCallbackMethod: textIn(given.statusCallbackMethod),
  };
}

/** A whole number, as such or as digits. */
function wholeNumberIn(value: unknown): number | undefined {
  return /^\d{1,9}$/.test(String(value)) ? Number(value) : undefined;
}

/** The Space sends booleans as such or as words. */
function isTrue(value: unknown): boolean {
  return String(value) === 'true';
}

/** A text; undefined for an empty one and for anything else. */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** @throws SpaceError `unreadable` if there is none */
export function requiredSid(value: unknown): Sid {
  const sid = parseSid(value);
  if (sid === undefined) {
    throw new SpaceError('unreadable', 'The Space answered without a SID.');
  }
  return sid;
}

/** Milliseconds since then, at least 1; 1 for a missing date, and for one that the SDK could not parse. */
export function ageOf(date: unknown, now: number): number {
  return date instanceof Date ? Math.max(1, now - date.getTime()) : 1;
}
