import { describe, expect, it } from '@jest/globals';
import { toChange } from '../../src/conferences/events';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';

const room = parseRoomName('sales') as RoomName;
const now = Date.parse('2026-01-02T10:00:00Z');
const read = (fields: Record<string, string | string[]>) => toChange(fields, room, now);

describe('toChange', () => {
  it.each([
    ['the second it happened in', 'Fri, 02 Jan 2026 09:59:30 +0000', 30_000],
    ['another time zone', 'Fri, 02 Jan 2026 10:59:30 +0100', 30_000],
    ['now, for none', '', 0],
    ['now, for one that cannot be read', 'soon', 0],
    ['now, for one from the future', 'Fri, 02 Jan 2026 10:00:01 +0000', 0],
    ['yesterday', 'Thu, 01 Jan 2026 10:00:00 +0000', 86_400_000],
  ])("reads a moderator's join, dated %s", (_when, Timestamp, agoMs) => {
    expect(
      read({
        StatusCallbackEvent: 'participant-join',
        CallSid: 'a-1',
        ConferenceSid: 'c-1',
        EndConferenceOnExit: 'true',
        Timestamp,
      }),
    ).toEqual({ kind: 'joined', room, callSid: 'a-1', conferenceSid: 'c-1', agoMs });
  });

  it("takes nobody else's join for a moderator's", () => {
    const join = { StatusCallbackEvent: 'participant-join', CallSid: 'b-1', ConferenceSid: 'c-1' };
    expect(read({ ...join, EndConferenceOnExit: 'false' })).toBeUndefined();
    expect(read(join)).toBeUndefined();
    expect(read({ ...join, StartConferenceOnEnter: 'false' })).toBeUndefined();
    expect(read({ ...join, EndConferenceOnExit: 'false', StartConferenceOnEnter: 'true' })).toBeUndefined();
    expect(read({ ...join, EndConferenceOnExit: ['true', 'false'] })).toBeUndefined();
  });

  it.each([{ EndConferenceOnExit: 'True' }, { StartConferenceOnEnter: 'true' }])('knows a moderator by %j', (mark) => {
    const join = { StatusCallbackEvent: 'participant-join', CallSid: 'a-1', ...mark };
    expect(read(join)).toEqual({ kind: 'joined', room, callSid: 'a-1', conferenceSid: undefined, agoMs: 0 });
  });

  it('reads a leave and the end of a conference, dated when they reach us', () => {
    const Timestamp = 'Fri, 02 Jan 2026 09:00:00 +0000';
    expect(read({ StatusCallbackEvent: 'participant-leave', CallSid: 'a-1', Timestamp })).toEqual({
      kind: 'left',
      room,
      callSid: 'a-1',
      agoMs: 0,
    });
    expect(read({ StatusCallbackEvent: 'conference-end', ConferenceSid: 'c-1', Timestamp })).toEqual({
      kind: 'ended',
      room,
      conferenceSid: 'c-1',
      agoMs: 0,
    });
  });

  it.each([
    {},
    { StatusCallbackEvent: 'participant-leave' },
    { StatusCallbackEvent: 'participant-join', EndConferenceOnExit: 'true' },
    { StatusCallbackEvent: 'conference-end' },
    { StatusCallbackEvent: ['participant-leave', 'conference-end'], CallSid: 'a-1', ConferenceSid: 'c-1' },
    { StatusCallbackEvent: 'conference-start', CallSid: 'a-1', ConferenceSid: 'c-1' },
    { StatusCallbackEvent: 'participant-mute', CallSid: 'a-1' },
    { StatusCallbackEvent: 'something-new', CallSid: 'a-1' },
  ])('finds no change in %j', (fields) => {
    expect(read(fields)).toBeUndefined();
  });

  it.each([
    [{ CallSid: 'a b' }, 'CallSid must be there once: 1 to 64 letters, digits, - or _.'],
    [{ ConferenceSid: 'x'.repeat(65) }, 'ConferenceSid must be there once: 1 to 64 letters, digits, - or _.'],
  ])('refuses %j', (fields, message) => {
    expect(() => read(fields)).toThrow(message);
  });
});
