import { describe, expect, it } from '@jest/globals';
import { parseCallEvent, parseConferenceEvent } from '../../src/rooms/conference-events';
import { isFinalStatus } from '../../src/signalwire/call-status';

const NOW = Date.parse('2026-01-02T10:00:00Z');
const DATE = 'Fri, 02 Jan 2026 09:59:30 +0000';
const DATED = { ageMs: 30_000, date: Date.parse(DATE) };

type Given = Record<string, string | string[]>;

const read = (fields: Given) => parseConferenceEvent(fields, { now: NOW, accountSid: undefined });
/** What every callback about a participant carries. */
const participant = (event: string, more: Given = {}): Given => ({
  StatusCallbackEvent: `participant-${event}`,
  CallSid: 'a-1',
  ConferenceSid: 'c-1',
  FriendlyName: 'sales',
  Timestamp: DATE,
  ...more,
});
const JOIN = participant('join');

describe('a status callback of a conference', () => {
  it('may have an empty SID, which is a missing one', () => {
    const ended = { StatusCallbackEvent: 'conference-end', ConferenceSid: 'c-1', CallSid: '', Timestamp: DATE };
    expect(read(ended)).toMatchObject({ kind: 'conference-ended', conferenceSid: 'c-1' });
    expect(read({ ...JOIN, ConferenceSid: '' })).toMatchObject({ kind: 'joined', conferenceSid: undefined });
    expect(read({ ...JOIN, CallSid: '' })).toBeUndefined();
  });

  it.each<[string, string | undefined, boolean | undefined]>([
    ['5C1F-1', '5c1f-1', false],
    ['5c1f-2', '5c1f-1', true],
    ['', '5c1f-1', undefined],
    ['5c1f-1', undefined, false],
    ['conference-coach-smoke-test', '5c1f-1', true],
    ['conference-coach-smoke-test', undefined, true],
  ])('of account %j, ours being %j, is foreign: %j', (AccountSid, accountSid, isForeign) => {
    expect(parseConferenceEvent({ ...JOIN, AccountSid }, { now: NOW, accountSid })?.isForeign).toBe(isForeign);
  });

  it.each<[string, Given, object]>([
    [
      'a moderator joins',
      { Muted: 'false', Hold: 'false', StartConferenceOnEnter: 'true', EndConferenceOnExit: 'true' },
      { isMuted: false, isOnHold: false, isModerator: true },
    ],
    [
      'a caller joins',
      { Muted: 'false', Hold: 'true', StartConferenceOnEnter: 'false', EndConferenceOnExit: 'false' },
      { isMuted: false, isOnHold: true, isModerator: false },
    ],
    [
      'a supervisor joins and coaches',
      { Muted: 'true', EndConferenceOnExit: 'false', Coaching: 'true', CallSidToCoach: 'b-1' },
      { isMuted: true, isModerator: false, coachedCall: 'b-1' },
    ],
    ['a supervisor joins who coaches nobody', { Coaching: 'false' }, { coachedCall: 'nobody' }],
    ['somebody joins, and no more is said', {}, {}],
  ])('tells that %s', (_what, more, expected) => {
    expect(read({ ...JOIN, ...more })).toEqual({
      kind: 'joined',
      callSid: 'a-1',
      conferenceSid: 'c-1',
      ...DATED,
      ...expected,
    });
  });

  it.each([
    ['join', 'joined'],
    ['leave', 'left'],
    ['mute', 'muted'],
    ['unmute', 'unmuted'],
    ['hold', 'held'],
    ['unhold', 'unheld'],
    ['speech-start', 'spoke'],
    ['speech-stop', 'fell-silent'],
  ])('participant-%s tells who, where, when and how they are', (event, kind) => {
    const fields = participant(event, { Muted: 'true', Hold: 'true', EndConferenceOnExit: 'true', Coaching: 'false' });
    expect(read(fields)).toEqual({
      kind,
      callSid: 'a-1',
      conferenceSid: 'c-1',
      ...DATED,
      isMuted: true,
      isOnHold: true,
      isModerator: true,
      coachedCall: 'nobody',
    });
  });

  it.each([
    ['conference-start', 'conference-started'],
    ['conference-end', 'conference-ended'],
  ])('%s tells which conference, and when', (StatusCallbackEvent, kind) => {
    const fields = { StatusCallbackEvent, ConferenceSid: 'c-1', CallSid: 'a-1', Timestamp: DATE };
    expect(read(fields)).toEqual({ kind, conferenceSid: 'c-1', ageMs: 30_000 });
    expect(read({ StatusCallbackEvent, ConferenceSid: 'c-1' })).toEqual({ kind, conferenceSid: 'c-1', ageMs: 0 });
  });

  it.each([
    ['the second it happened in', DATE, 30_000, Date.parse(DATE)],
    ['another time zone', 'Fri, 02 Jan 2026 10:59:30 +0100', 30_000, Date.parse(DATE)],
    ['yesterday', 'Thu, 01 Jan 2026 10:00:00 +0000', 86_400_000, Date.parse('2026-01-01T10:00:00Z')],
    ['the future: clocks differ', 'Fri, 02 Jan 2026 10:00:01 +0000', 0, NOW + 1_000],
    ['no date', '', 0, undefined],
    ['a date that cannot be read', 'soon', 0, undefined],
    ['two dates', [DATE, DATE], 0, undefined],
  ])('is dated: %s', (_when, Timestamp, ageMs, date) => {
    expect(read({ ...JOIN, Timestamp })).toMatchObject({ ageMs, date });
  });

  it('without a date happened now, or any time before', () => {
    const { Timestamp: _, ...undated } = JOIN;
    expect(read(undated)).toMatchObject({ ageMs: 0, date: undefined });
  });

  it.each<[string, Given, boolean | undefined]>([
    ['EndConferenceOnExit', { EndConferenceOnExit: 'true' }, true],
    ['capitals', { EndConferenceOnExit: 'True' }, true],
    ['EndConferenceOnExit first', { EndConferenceOnExit: 'false', StartConferenceOnEnter: 'true' }, false],
    ['StartConferenceOnEnter otherwise', { StartConferenceOnEnter: 'true' }, true],
    ['StartConferenceOnEnter otherwise', { StartConferenceOnEnter: 'false' }, false],
    [
      'StartConferenceOnEnter if the first cannot be read',
      { EndConferenceOnExit: 'x', StartConferenceOnEnter: 'true' },
      true,
    ],
    ['nothing', {}, undefined],
    ['nothing that is repeated', { EndConferenceOnExit: ['true', 'true'] }, undefined],
  ])('tells a moderator by %s', (_what, marks, expected) => {
    expect(read({ ...JOIN, ...marks })).toHaveProperty('isModerator', expected);
  });

  it.each<[string, Given, object]>([
    ['muting', { Muted: 'TRUE' }, { isMuted: true }],
    ['muting', { Muted: 'False' }, { isMuted: false }],
    ['muting that is empty', { Muted: '' }, { isMuted: undefined }],
    ['muting that is neither', { Muted: 'yes' }, { isMuted: undefined }],
    ['muting that is repeated', { Muted: ['true', 'false'] }, { isMuted: undefined }],
    ['hold that is neither', { Hold: '1' }, { isOnHold: undefined }],
    ['coaching without a target', { Coaching: 'true' }, { coachedCall: undefined }],
    ['coaching of an unreadable target', { Coaching: 'true', CallSidToCoach: 'b 1' }, { coachedCall: undefined }],
    ['coaching of two', { Coaching: 'true', CallSidToCoach: ['b-1', 'b-2'] }, { coachedCall: undefined }],
    ['a target alone', { CallSidToCoach: 'b-1' }, { coachedCall: undefined }],
    ['coaching that is neither', { Coaching: 'maybe', CallSidToCoach: 'b-1' }, { coachedCall: undefined }],
    ['no coaching, whatever the target', { Coaching: 'false', CallSidToCoach: 'b-1' }, { coachedCall: 'nobody' }],
  ])('says of %s only what is certain: %j', (_what, more, expected) => {
    const event = read({ ...JOIN, ...more });
    for (const [name, value] of Object.entries(expected)) {
      expect(event).toHaveProperty(name, value);
    }
  });

  it('may leave out the conference', () => {
    const { ConferenceSid: _, ...without } = JOIN;
    expect(read(without)).toMatchObject({ kind: 'joined', callSid: 'a-1', conferenceSid: undefined });
  });

  it.each<[Given]>([
    [{}],
    [{ StatusCallbackEvent: 'participant-leave' }],
    [{ StatusCallbackEvent: 'participant-join', ConferenceSid: 'c-1', EndConferenceOnExit: 'true' }],
    [{ StatusCallbackEvent: 'conference-end' }],
    [{ StatusCallbackEvent: 'conference-start', CallSid: 'a-1' }],
    [{ ...JOIN, StatusCallbackEvent: ['participant-join', 'participant-leave'] }],
    [{ ...JOIN, StatusCallbackEvent: 'Participant-Join' }],
    [{ ...JOIN, StatusCallbackEvent: 'participant-modify' }],
    [{ ...JOIN, StatusCallbackEvent: 'toString' }],
    [{ ...JOIN, StatusCallbackEvent: '__proto__' }],
    [{ ...JOIN, StatusCallbackEvent: '' }],
  ])('that is none we follow, or says not about whom, is no event: %j', (fields) => {
    expect(read(fields)).toBeUndefined();
  });

  it.each<[Given, string]>([
    [{ CallSid: 'a b' }, 'CallSid is missing or invalid: send one, of 1 to 64 letters, digits, - or _.'],
    [{ CallSid: ['a-1', 'a-1'] }, 'CallSid is missing or invalid: send one, of 1 to 64 letters, digits, - or _.'],
    [
      { ConferenceSid: 'x'.repeat(65) },
      'ConferenceSid is missing or invalid: send one, of 1 to 64 letters, digits, - or _.',
    ],
    [
      { ConferenceSid: ['c-1', 'c-2'] },
      'ConferenceSid is missing or invalid: send one, of 1 to 64 letters, digits, - or _.',
    ],
  ])('is refused with the SID %j', (fields, message) => {
    expect(() => read({ ...JOIN, ...fields })).toThrow(message);
  });
});

describe("a status callback of a telephone number's call", () => {
  it.each([
    ['completed', undefined],
    ['canceled', 'not-connected'],
    ['failed', 'not-connected'],
    ['busy', 'busy'],
    ['no-answer', 'no-answer'],
    ['Completed', undefined],
  ])('tells by %s that the call is over, and why it was not answered: %s', (CallStatus, reason) => {
    expect(isFinalStatus(CallStatus)).toBe(true);
    const event = { kind: 'call-ended', callSid: 'a-1', reason, ageMs: 0 };
    expect(parseCallEvent({ CallSid: 'a-1', CallStatus })).toEqual(event);
  });

  it.each<[Given]>([
    [{ CallStatus: 'queued' }],
    [{ CallStatus: 'ringing' }],
    [{ CallStatus: 'in-progress' }],
    [{ CallStatus: 'completed soon' }],
    [{ CallStatus: '' }],
    [{ CallStatus: ['completed', 'completed'] }],
    [{}],
  ])('tells nothing by %j', (fields) => {
    expect(parseCallEvent({ CallSid: 'a-1', ...fields })).toBeUndefined();
  });

  it.each<[Given]>([[{}], [{ CallSid: 'a b' }], [{ CallSid: ['a', 'a'] }]])('is refused with the SID %j', (fields) => {
    expect(() => parseCallEvent({ CallStatus: 'completed', ...fields })).toThrow('CallSid is missing or invalid');
  });
});
