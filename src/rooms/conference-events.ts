import { isFinalStatus } from '../signalwire/call-status';
import { type Fields, requiredSid, textOf } from '../signalwire/fields';
import { parseSid, type Sid } from '../signalwire/sid';
import type { CallEnded, ConferenceEnded, ConferenceStarted, ParticipantEvent, RoomEvent } from './room-event';
import { SMOKE_TEST_ACCOUNT } from './smoke-test';

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
const flagOf = (fields: Fields, name: string) => FLAGS.get(textOf(fields, name)?.toLowerCase());

/**
 * The SID in a field of a callback; undefined for a missing or empty one.
 *
 * @throws RequestError 400 for an invalid SID
 */
export function optionalSid(fields: Fields, name: string): Sid | undefined {
  const value = fields[name];
  return value === undefined || value === '' ? undefined : requiredSid(fields, name);
}

/**
 * Whether a webhook comes from another account than ours; undefined if it names none.
 *
 * @param accountSid our account; undefined when we do not know it: then only the smoke test's is another
 */
export function isForeignAccount(fields: Fields, accountSid: string | undefined): boolean | undefined {
  const account = textOf(fields, 'AccountSid')?.toLowerCase();
  if (!account) {
    return undefined;
  }
  return account === SMOKE_TEST_ACCOUNT || (accountSid !== undefined && account !== accountSid.toLowerCase());
}

/**
 * Parses a status callback of a conference.
 *
 * @param options.now milliseconds since 1970
 * @param options.accountSid our account; undefined when we do not know it
 * @returns undefined for events that we do not follow, and for those that lack the SID they concern
 * @throws RequestError 400 for an invalid SID
 */
export function parseConferenceEvent(
  fields: Fields,
  { now, accountSid }: { now: number; accountSid: string | undefined },
): (ConferenceEvent & Pick<RoomEvent, 'ageMs' | 'isForeign'>) | undefined {
  const callSid = optionalSid(fields, 'CallSid');
  const conferenceSid = optionalSid(fields, 'ConferenceSid');
  const kind = KINDS.get(textOf(fields, 'StatusCallbackEvent'));
  const date = Date.parse(textOf(fields, 'Timestamp') ?? '') || undefined;
  // The Space's clock may be ahead of ours.
  const ageMs = Math.max(0, now - (date ?? now));
  const isForeign = isForeignAccount(fields, accountSid);
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
    isMuted: flagOf(fields, 'Muted'),
    isOnHold: flagOf(fields, 'Hold'),
    coachedCall: coachedBy(fields),
    // Only our moderators end the conference by leaving it, and only they start it by entering.
    isModerator: flagOf(fields, 'EndConferenceOnExit') ?? flagOf(fields, 'StartConferenceOnEnter'),
  };
}

/** Whom a participant coaches; undefined if the callback does not say. */
function coachedBy(fields: Fields): Sid | 'nobody' | undefined {
  const coaching = flagOf(fields, 'Coaching');
  if (coaching === undefined) {
    return undefined;
  }
  return coaching ? parseSid(fields.CallSidToCoach) : 'nobody';
}

/** Why nobody answered a call, by its final status. */
const UNANSWERED: ReadonlyMap<string | undefined, CallEnded['reason']> = new Map([
  ['busy', 'busy'],
  ['no-answer', 'no-answer'],
  ['failed', 'not-connected'],
  ['canceled', 'not-connected'],
]);

/**
 * Parses the status callback of a telephone number.
 *
 * @returns undefined while the call goes on
 * @throws RequestError 400 for an invalid Call SID
 */
export function parseCallEvent(fields: Fields): (CallEnded & { ageMs: number }) | undefined {
  const callSid = requiredSid(fields, 'CallSid');
  const status = textOf(fields, 'CallStatus')?.toLowerCase();
  return isFinalStatus(status) ? { kind: 'call-ended', callSid, reason: UNANSWERED.get(status), ageMs: 0 } : undefined;
}
