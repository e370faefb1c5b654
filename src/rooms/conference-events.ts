import { z } from 'zod';
import { isFinalStatus } from '../signalwire/call-status';
import { type Fields, parseFields, sidField, textField } from '../signalwire/fields';
import type { CallEnded, ConferenceEnded, ConferenceStarted, ParticipantEvent, RoomEvent } from './room-event';

type ConferenceEvent = ParticipantEvent | ConferenceStarted | ConferenceEnded;

/** Our kind of event for each `StatusCallbackEvent` that we follow. */
const KINDS: ReadonlyMap<string | undefined, ConferenceEvent['kind']> = new Map([
  ['participant-join', 'joined'],
  ['participant-leave', 'left'],
  ['participant-mute', 'muted'],
  ['participant-unmute', 'unmuted'],
  ['participant-hold', 'held'],
  ['participant-unhold', 'unheld'],
  ['participant-speech-start', 'spoke'],
  ['participant-speech-stop', 'fell-silent'],
  ['conference-start', 'conference-started'],
  ['conference-end', 'conference-ended'],
]);

const FLAGS: ReadonlyMap<string | undefined, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

/** Any other value counts as unknown. */
const flagField = textField.transform((text) => FLAGS.get(text?.toLowerCase()));

/** An empty SID counts as missing. */
const optionalSid = z.preprocess((value) => (value === '' ? undefined : value), sidField.optional());

const callback = z.object({
  StatusCallbackEvent: textField,
  AccountSid: textField,
  CallSid: optionalSid,
  ConferenceSid: optionalSid,
  Timestamp: textField,
  Muted: flagField,
  Hold: flagField,
  Coaching: flagField,
  CallSidToCoach: sidField.optional().catch(undefined),
  EndConferenceOnExit: flagField,
  StartConferenceOnEnter: flagField,
});

/**
 * Parses a status callback of a conference.
 *
 * @param options.now milliseconds since 1970
 * @param options.accountSid our account; undefined when we do not know it
 * @returns undefined for events that we do not follow, and for those without the SID that they are about
 * @throws RequestError 400 for an invalid SID
 */
export function parseConferenceEvent(
  fields: Fields,
  { now, accountSid }: { now: number; accountSid: string | undefined },
): (ConferenceEvent & Pick<RoomEvent, 'ageMs' | 'isForeign'>) | undefined {
  const read = parseFields(callback, fields);
  const { CallSid: callSid, ConferenceSid: conferenceSid } = read;
  const kind = KINDS.get(read.StatusCallbackEvent);
  const date = Date.parse(read.Timestamp ?? '') || undefined;
  // The Space's clock may be ahead of ours.
  const ageMs = Math.max(0, now - (date ?? now));
  const isKnown = Boolean(read.AccountSid) && accountSid !== undefined;
  const isForeign = isKnown ? read.AccountSid?.toLowerCase() !== accountSid.toLowerCase() : undefined;
  if (kind === 'conference-started' || kind === 'conference-ended') {
    return conferenceSid && { kind, conferenceSid, ageMs, isForeign };
  }
  if (kind === undefined || callSid === undefined) {
    return undefined;
  }
  return {
    kind,
    callSid,
    conferenceSid,
    ageMs,
    isForeign,
    date,
    isMuted: read.Muted,
    isOnHold: read.Hold,
    coachedCall: read.Coaching === false ? 'nobody' : read.Coaching ? read.CallSidToCoach : undefined,
    // Only our moderators end the conference by leaving it, and only they start it by entering.
    isModerator: read.EndConferenceOnExit ?? read.StartConferenceOnEnter,
  };
}

const callStatus = z.object({ CallSid: sidField, CallStatus: textField });

/**
 * Parses the status callback of a telephone number.
 *
 * @returns undefined while the call goes on
 * @throws RequestError 400 for an invalid Call SID
 */
export function parseCallEvent(fields: Fields): (CallEnded & { ageMs: number }) | undefined {
  const { CallSid: callSid, CallStatus } = parseFields(callStatus, fields);
  return isFinalStatus(CallStatus) ? { kind: 'call-ended', callSid, ageMs: 0 } : undefined;
}
