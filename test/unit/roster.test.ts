import { describe, expect, it } from '@jest/globals';
import { type PhoneNumber, parsePhoneNumber } from '../../src/people/phone-number';
import type { PinHash } from '../../src/people/pin';
import { createRoster, labelOf, type ModeratorEntry, mayEnter, type SupervisorEntry } from '../../src/people/roster';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';

const number = (text: string) => parsePhoneNumber(text) as PhoneNumber;
const room = (text: string) => parseRoomName(text) as RoomName;
const alice = number('+15557788999');
const ted = number('+15550002222');
const bob = number('+15550001111');

const entry = { pin: undefined, requirePin: false, rooms: 'all' } as const;
const carol: ModeratorEntry = { ...entry, name: 'Carol', number: bob, pin: 'hash-1' as PinHash, extension: '201' };
const boss: SupervisorEntry = { ...entry, name: 'Ted', number: ted, pin: 'hash-2' as PinHash, mode: 'barge' };

describe('createRoster', () => {
  const create = () => createRoster({ moderatorNumbers: [alice], supervisorNumbers: [ted] });

  it.each([
    ['Alice', alice, true, false],
    ['Ted', ted, false, true],
    ['Bob', bob, false, false],
    ['a call without a number', undefined, false, false],
  ])('knows what %s may do by the settings', (_who, from, moderates, supervises) => {
    const { moderators, supervisors } = create();
    expect([moderators.withNumber(from), supervisors.withNumber(from)].map((one) => one !== undefined)).toEqual([
      moderates,
      supervises,
    ]);
  });

  it('lets any number supervise when told so, but nobody without one', () => {
    const { supervisors } = createRoster({ moderatorNumbers: [alice], supervisorNumbers: 'any' });
    expect(supervisors.withNumber(bob)).toMatchObject({ name: undefined, number: bob, rooms: 'all' });
    expect(supervisors.withNumber(undefined)).toBeUndefined();
  });

  it('adds the people of a file, and lets its entry hold where the settings have the number too', () => {
    const roster = create();
    roster.replace({ moderators: [carol], supervisors: [boss] });
    expect(roster.moderators.withNumber(alice)).toMatchObject({ name: undefined });
    expect(roster.moderators.withNumber(bob)).toBe(carol);
    expect(roster.moderators.withPin('hash-1' as PinHash)).toBe(carol);
    expect(roster.moderators.withPin('hash-2' as PinHash)).toBeUndefined();
    expect(roster.moderators.withName('Carol')).toBe(carol);
    expect(roster.moderators.withExtension('201')).toBe(carol);
    expect(roster.moderators.withExtension('202')).toBeUndefined();
    expect(roster.supervisors.withNumber(ted)).toBe(boss);
    expect([roster.moderators.hasPins, roster.supervisors.hasPins]).toEqual([true, true]);
    roster.replace({ moderators: [], supervisors: [] });
    expect(roster.moderators.withNumber(bob)).toBeUndefined();
    expect(roster.supervisors.withNumber(ted)).toMatchObject({ name: undefined });
    expect([roster.moderators.hasPins, roster.supervisors.hasPins]).toEqual([false, false]);
  });
});

it('a person may enter the rooms that are theirs', () => {
  expect(mayEnter({ ...carol, rooms: new Set([room('sales')]) }, room('sales'))).toBe(true);
  expect(mayEnter({ ...carol, rooms: new Set([room('sales')]) }, room('support'))).toBe(false);
  expect(mayEnter(carol, room('support'))).toBe(true);
});

it('a person is called by their name, or by the end of their number', () => {
  expect([labelOf(carol), labelOf({ ...carol, name: undefined })]).toEqual(['Carol', '***1111']);
});
