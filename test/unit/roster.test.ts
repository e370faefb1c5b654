import { describe, expect, it } from '@jest/globals';
import { type Endpoint, type PhoneNumber, parseEndpoint, parsePhoneNumber } from '../../src/people/address';
import { mayEnter } from '../../src/people/authenticator';
import type { Email } from '../../src/people/email';
import type { PinHash } from '../../src/people/pin';
import { SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { canPhone, createRoster, labelOf, type ModeratorEntry, type SupervisorEntry } from '../../src/people/roster';
import { parseRoomName, type RoomName } from '../../src/rooms/room';

const number = (text: string) => parsePhoneNumber(text) as PhoneNumber;
const room = (text: string) => parseRoomName(text) as RoomName;
const alice = number('+15557788999');
const ted = number('+15550002222');
const bob = number('+15550001111');
const desk = parseEndpoint('sip:carol@example.com') as Endpoint;

const entry = { pin: undefined, requirePin: false, password: undefined, email: undefined, rooms: 'all' } as const;
const carol: ModeratorEntry = { ...entry, name: 'Carol', address: bob, pin: 'hash-1' as PinHash, extension: '201' };
const boss: SupervisorEntry = {
  ...entry,
  name: 'Ted',
  address: ted,
  pin: 'hash-2' as PinHash,
  mode: 'barge',
  rights: new Set(['barge']),
};

describe('createRoster', () => {
  const create = () => createRoster({ moderatorNumbers: [alice], supervisorNumbers: [ted] });

  it.each([
    ['Alice', alice, true, false],
    ['Ted', ted, false, true],
    ['Bob', bob, false, false],
    ['a call without a number', undefined, false, false],
  ])('tells from the settings what %s may do', (_who, from, moderates, supervises) => {
    const { moderators, supervisors } = create();
    expect([moderators.byAddress.get(from), supervisors.byAddress.get(from)].map((one) => one !== undefined)).toEqual([
      moderates,
      supervises,
    ]);
  });

  it('finds nobody by nothing, though some have neither address, PIN nor name', () => {
    const roster = createRoster({ moderatorNumbers: [alice], supervisorNumbers: [] });
    const pinOnly = { ...carol, address: undefined, extension: undefined };
    roster.replace({ moderators: [pinOnly], supervisors: [] });
    const { byAddress, byPin, byName, byEmail, byExtension } = roster.moderators;
    expect([byAddress, byPin, byName, byEmail, byExtension].map((people) => people.get(undefined))).toEqual(
      Array(5).fill(undefined),
    );
  });

  it("lets any address supervise with 'any', but nobody without an address", () => {
    const { supervisors } = createRoster({ moderatorNumbers: [alice], supervisorNumbers: 'any' });
    expect(supervisors.byAddress.get(bob)).toMatchObject({ name: undefined, address: bob, rooms: 'all' });
    expect(supervisors.byAddress.get(desk)).toMatchObject({ name: undefined, address: desk, rooms: 'all' });
    expect(supervisors.byAddress.get(undefined)).toBeUndefined();
  });

  it.each([
    ['a number of the settings', [ted]],
    ['anyone where anyone may supervise', 'any' as const],
  ])('gives the rights of every supervisor to %s', (_who, supervisorNumbers) => {
    const { supervisors } = createRoster({ moderatorNumbers: [], supervisorNumbers });
    expect(supervisors.byAddress.get(ted)?.rights).toBe(SUPERVISOR_RIGHTS);
  });

  it.each([
    ['a supervisor', [ted], ted, true],
    ['a supervisor who moderates too', [ted, bob], bob, false],
    ['a moderator', [ted], alice, false],
    ['a customer', [ted], number('+15550003333'), false],
    ['a call without an address', [ted], undefined, false],
    ['anyone where anyone may supervise', 'any' as const, ted, false],
  ])('tells whether the address is only a supervisor’s: %s', (_who, supervisorNumbers, from, isOnly) => {
    const roster = createRoster({ moderatorNumbers: [alice, bob], supervisorNumbers });
    expect(roster.isOnlySupervisor(from)).toBe(isOnly);
  });

  it('recognises people of a file by SIP address', () => {
    const roster = create();
    const clerk = { ...carol, address: desk };
    roster.replace({ moderators: [clerk], supervisors: [] });
    expect(roster.moderators.byAddress.get(desk)).toBe(clerk);
    expect(roster.moderators.byAddress.get(bob)).toBeUndefined();
    expect(roster.supervisors.byAddress.get(desk)).toBeUndefined();
  });

  it('adds the people of a file, whose entry wins over a number in the settings', () => {
    const roster = create();
    roster.replace({ moderators: [carol], supervisors: [boss] });
    expect(roster.moderators.byAddress.get(alice)).toMatchObject({ name: undefined });
    expect(roster.moderators.byAddress.get(bob)).toBe(carol);
    expect(roster.moderators.byAddress.get(desk)).toBeUndefined();
    expect(roster.moderators.byPin.get('hash-1' as PinHash)).toBe(carol);
    expect(roster.moderators.byPin.get('hash-2' as PinHash)).toBeUndefined();
    expect(roster.moderators.byName.get('Carol')).toBe(carol);
    expect(roster.moderators.byExtension.get('201')).toBe(carol);
    expect(roster.moderators.byExtension.get('202')).toBeUndefined();
    expect(roster.supervisors.byAddress.get(ted)).toBe(boss);
    expect([roster.moderators.hasPins, roster.supervisors.hasPins]).toEqual([true, true]);
    roster.replace({ moderators: [], supervisors: [] });
    expect(roster.moderators.byAddress.get(bob)).toBeUndefined();
    expect(roster.supervisors.byAddress.get(ted)).toMatchObject({ name: undefined });
    expect([roster.moderators.hasPins, roster.supervisors.hasPins]).toEqual([false, false]);
  });
});

it('a person may enter only their own rooms', () => {
  expect(mayEnter({ ...carol, rooms: new Set([room('sales')]) }, room('sales'))).toBe(true);
  expect(mayEnter({ ...carol, rooms: new Set([room('sales')]) }, room('support'))).toBe(false);
  expect(mayEnter(carol, room('support'))).toBe(true);
});

it('a person may enter the room of the smoke test, whatever their own', () => {
  expect(mayEnter({ ...carol, rooms: new Set([room('sales')]) }, room('smoke-test'))).toBe(true);
  expect(mayEnter({ ...carol, rooms: new Set([room('sales')]) }, room('smoke-test-2'))).toBe(false);
});

it.each([
  ['a number', carol, true],
  ['a PIN alone', { ...carol, address: undefined }, true],
  ['an address alone', { ...carol, address: desk, pin: undefined }, true],
  [
    'an email address alone',
    { ...carol, address: undefined, pin: undefined, email: 'carol@example.com' as Email },
    false,
  ],
])('a person with %s can phone or not', (_what, person, can) => {
  expect(canPhone(person)).toBe(can);
});

it.each([
  ['their name', carol, 'Carol'],
  ['the end of their number without one', { ...carol, name: undefined }, '***1111'],
  ['their masked address without one', { ...carol, name: undefined, address: desk }, 'sip:ca***@example.com'],
])('a person is labelled by %s', (_what, person, label) => {
  expect(labelOf(person)).toBe(label);
});
