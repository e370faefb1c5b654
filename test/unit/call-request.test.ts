import { describe, expect, it } from '@jest/globals';
import type { Request } from 'express';
import type { RoomContext } from '../../src/calls/call-context';
import { createAddresses, parseMenu, parseRoomContext, roomWanted } from '../../src/calls/call-request';
import type { RoomName } from '../../src/rooms/room-name';
import type { Sid } from '../../src/signalwire/sid';

const addresses = createAddresses('https://coach.example.com');
const room = 'Sales 2' as RoomName;
const queryOf = (address: string) => new URL(address).searchParams;
const read = (address: string) =>
  parseRoomContext({ query: Object.fromEntries(queryOf(address)) } as unknown as Request, { stay: 1 });

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
      addresses.coach(room, every),
      addresses.coachEnded(room, every),
      addresses.coachKey(room, every),
      addresses.coachMoved(room, every),
      addresses.line(every),
      addresses.linePin(every, 1, room),
      addresses.lineRoom(every, { rooms: [room], page: 1 }),
    ]) {
      const names = [...queryOf(address).keys()];
      expect(names.length).toBeGreaterThanOrEqual(5);
      expect(names).toEqual([...names].sort());
    }
  });

  it('need no escaping, and carry every room’s name', () => {
    const rooms = ['Sales 2', 'a.b-c_d', '02', 'x 0 1'] as RoomName[];
    const address = addresses.lineRoom(every, { rooms, page: 1 });
    expect(address.split('?')[1]).toMatch(/^[A-Za-z0-9._~=&-]+$/);
    const request = { query: Object.fromEntries(queryOf(address)) } as unknown as Request;
    expect(parseMenu(request)).toEqual({ rooms, page: 1 });
    const pin = addresses.linePin(every, 1, room);
    expect(roomWanted({ query: Object.fromEntries(queryOf(pin)) } as unknown as Request)).toBe(room);
  });

  it('carry everything that a later request needs', () => {
    expect(read(addresses.coachEnded(room, every))).toEqual(every);
  });

  it.each<[string, Partial<RoomContext>, string]>([
    // A mode that the number had goes without saying, unless a key changed it.
    ['the mode of the number', { initialMode: 'coach' }, ''],
    ['another mode than that of the number', { initialMode: 'barge' }, '?own=barge'],
    // On the line a person may have a mode where the number has none.
    ['the line', { isOnLine: true }, '?line=1'],
    ['the line, and the mode of the number', { isOnLine: true, initialMode: 'coach' }, '?line=1&own=coach'],
  ])('carry %s', (_what, context, query) => {
    const address = addresses.coachEnded(room, { mode: 'coach', attempt: 0, stay: 1, ...context });
    expect(address).toBe(`https://coach.example.com/coach/Sales%202/ended${query}`);
  });
});
