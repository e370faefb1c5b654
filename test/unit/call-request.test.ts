import { describe, expect, it } from '@jest/globals';
import type { RoomContext } from '../../src/calls/call-context';
import {
  createUrls,
  digitsOf,
  parseDialOutcome,
  parseMenu,
  parsePhoneCall,
  parseRoomContext,
  roomWanted,
  tryOf,
} from '../../src/calls/call-request';
import type { Webhook } from '../../src/calls/webhook';
import type { RoomName } from '../../src/rooms/room';
import { parseSid, type Sid } from '../../src/signalwire/sid';

const urls = createUrls('https://coach.example.com');
const room = 'Sales 2' as RoomName;
const asked = (query: object) => ({ room, query, fields: {} }) as Webhook;
const posted = (fields: object) =>
  ({ room, callSid: parseSid((fields as { CallSid?: unknown }).CallSid), query: {}, fields }) as Webhook;
const queryOf = (address: string) => new URL(address).searchParams;
const read = (address: string) => parseRoomContext(asked(Object.fromEntries(queryOf(address))), { stay: 1 });

const every: Required<RoomContext> = {
  mode: 'monitor',
  initialMode: 'barge',
  isOnLine: true,
  attempt: 1,
  waits: 2,
  stay: 3,
  reprompts: 4,
  named: { target: '6a5b-1' as Sid, conferenceSid: 'c0-1' as Sid },
  isAnnounced: true,
  isMoved: true,
  token: 'abc',
};

describe('the addresses of this server', () => {
  it('list their parameters in alphabetical order', () => {
    for (const address of [
      urls.coach(room, every),
      urls.coachEnded(room, every),
      urls.coachKey(room, every),
      urls.coachMoved(room, every),
      urls.line(every),
      urls.linePin(every, 1, room),
      urls.lineRoom(every, { rooms: [room], page: 1 }),
    ]) {
      const names = [...queryOf(address).keys()];
      expect(names.length).toBeGreaterThanOrEqual(5);
      expect(names).toEqual([...names].sort());
    }
  });

  it('need no escaping, and carry every room’s name', () => {
    const rooms = ['Sales 2', 'a.b-c_d', '02', 'x 0 1', '_1_', 'a__0', '1_'] as RoomName[];
    const address = urls.lineRoom(every, { rooms, page: 1 });
    expect(address.split('?')[1]).toMatch(/^[A-Za-z0-9._=&-]+$/);
    const request = asked(Object.fromEntries(queryOf(address)));
    expect(parseMenu(request)).toEqual({ rooms, page: 1 });
    const pin = urls.linePin(every, 1, room);
    expect(roomWanted(asked(Object.fromEntries(queryOf(pin))))).toBe(room);
  });

  it('carry the first wait, which is not the same as none', () => {
    const waiting: RoomContext = { mode: 'coach', attempt: 0, stay: 2, waits: 0 };
    expect(read(urls.coachEnded(room, waiting))).toMatchObject({ waits: 0 });
    expect(read(urls.coachEnded(room, { ...waiting, waits: undefined })).waits).toBeUndefined();
  });

  it('carry everything that a later request needs', () => {
    expect(read(urls.coachEnded(room, every))).toEqual(every);
  });

  it.each<[string, Partial<RoomContext>, string]>([
    // A mode that the number had goes without saying, unless a key changed it.
    ['the mode of the number', { initialMode: 'coach' }, ''],
    ['another mode than that of the number', { initialMode: 'barge' }, '?initial=barge'],
    // On the line a person may have a mode where the number has none.
    ['the line', { isOnLine: true }, '?line=1'],
    ['the line, and the mode of the number', { isOnLine: true, initialMode: 'coach' }, '?initial=coach&line=1'],
  ])('carry %s', (_what, context, query) => {
    const address = urls.coachEnded(room, { mode: 'coach', attempt: 0, stay: 1, ...context });
    expect(address).toBe(`https://coach.example.com/coach/Sales%202/ended${query}`);
  });
});

describe('a spoilt address', () => {
  it.each<[string, object, Partial<RoomContext>]>([
    // The last count, so that nothing goes on for ever.
    ['a count that is none', { attempt: 'x', waits: '-1' }, { attempt: 12, waits: 60 }],
    ['a count that is too high', { attempt: '13', reprompts: '1e9' }, { attempt: 12, reprompts: 12 }],
    ['a count that is there twice', { attempt: ['1', '2'] }, { attempt: 12 }],
    ['a token that is there twice', { token: ['a', 'b'] }, { token: undefined }],
    ['a mode before a key that there is not', { initial: 'shout' }, { initialMode: undefined }],
    ['a conference without an agent', { conference: 'c0-1' }, { named: undefined }],
    [
      'an agent without a conference',
      { target: '6a5b-1' },
      { named: { target: '6a5b-1' as Sid, conferenceSid: undefined } },
    ],
  ])('may carry %s', (_what, query, expected) => {
    expect(parseRoomContext(asked(query))).toMatchObject(expected);
  });

  it.each(['shout', '', ['coach', 'barge']])('may not carry the mode %j', (mode) => {
    expect(() => parseRoomContext(asked({ mode }))).toThrow('mode must be one of monitor, coach, barge.');
  });

  it('counts as the last try of a PIN; one without a count is that of the greeting', () => {
    expect([tryOf(asked({ try: '9' })), tryOf(asked({}))]).toEqual([3, 0]);
  });
});

describe('a request of a call', () => {
  const from = '+15557788999';
  const to = '+15550002222';

  it.each<[string, object, string | undefined]>([
    ['the caller', { From: from, To: to, Direction: 'inbound' }, from],
    ['the caller if no direction is given', { From: from, To: to }, from],
    ['the person whom the Space called', { From: from, To: to, Direction: 'outbound-api' }, to],
    ['nobody if the number is withheld', { From: 'anonymous' }, undefined],
    ['nobody if there are two numbers', { From: [from, to] }, undefined],
  ])('is from %s', (_what, fields, person) => {
    expect(parsePhoneCall(posted({ CallSid: 'ted-1', ...fields }))).toEqual({ callSid: 'ted-1', from: person });
  });

  it.each([{}, { CallSid: ['a', 'b'] }, { CallSid: 'a/b' }])('has one Call SID, not %j', (fields) => {
    expect(() => parsePhoneCall(posted(fields))).toThrow('CallSid is missing or invalid');
  });

  it.each([
    ['12', '12'],
    ['', undefined],
    [undefined, undefined],
    [['1', '2'], undefined],
  ])('with the keys %j carries %j', (Digits, digits) => {
    expect(digitsOf(posted({ Digits }))).toBe(digits);
  });

  it.each<[object, string[]]>([
    [{ DialCallStatus: 'answered', CallStatus: 'in-progress' }, []],
    [{ DialCallStatus: 'completed' }, []],
    [{}, []],
    [{ DialCallStatus: 'answered', CallStatus: 'completed' }, ['isCallOver']],
    [{ DialCallStatus: 'no-answer' }, ['hasFailed']],
    [{ DialCallStatus: 'Failed' }, ['coachingFailed', 'hasFailed']],
    [{ DialCallStatus: 'answered', ErrorCode: '13240' }, ['coachingFailed', 'hasFailed']],
    [{ ErrorCode: '16002' }, ['coachingFailed', 'hasFailed']],
    [{ ErrorCode: '11200' }, []],
  ])('with %j ended: %j', (fields, expected) => {
    const outcome = Object.entries(parseDialOutcome(posted(fields)));
    expect(outcome.flatMap(([name, is]) => (is ? [name] : [])).sort()).toEqual(expected);
  });
});
