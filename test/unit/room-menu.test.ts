import { describe, expect, it } from '@jest/globals';
import { chosenOf, conversationsFor, hasProbablyHungUp, type LiveRoom, menuOf } from '../../src/calls/room-menu';
import type { SupervisorEntry } from '../../src/people/roster';
import { roomNamed, sid } from '../support/room-stores';
import { TED } from '../support/supervisor-decisions';

const NOW = 1_000_000;
const extensions = {
  nameOf: (digits: string) => ({ 12: 'Alice', 13: 'Bob' })[digits],
  has: (name: string) => name === 'Alice',
};

/** `secondsAgo`: when the moderator asked for their document, if they were not seen to join. */
function live(room: string, more: { name?: string; hasCaller?: boolean; secondsAgo?: number } = {}): LiveRoom {
  const { name, hasCaller = true, secondsAgo } = more;
  const arrivedAt = NOW - (secondsAgo ?? 0) * 1_000;
  const target = {
    callSid: sid(`agent-${room.replaceAll(' ', '_')}`),
    name,
    hasJoined: secondsAgo === undefined,
    arrivedAt,
  };
  return { room: roomNamed(room), target, hasCaller, supervisors: 0, at: NOW };
}

const menu = (rooms: LiveRoom[], page = 0) => menuOf(rooms, { page, news: undefined, now: NOW, extensions });
const offered = (rooms: LiveRoom[], page = 0) => menu(rooms, page).choices.map(({ room }) => room);
const rooms = (count: number) => Array.from({ length: count }, (_, index) => live(`room ${index + 1}`));

describe('a menu offers', () => {
  it.each<[string, LiveRoom[], string[]]>([
    ['conversations before agents without a caller', [live('a', { hasCaller: false }), live('b')], ['b', 'a']],
    ['ghosts last, even with a caller', [live('a', { secondsAgo: 60 }), live('b', { hasCaller: false })], ['b', 'a']],
    ['agents who may still join in their place', [live('b'), live('a', { secondsAgo: 59 })], ['a', 'b']],
    [
      'rooms in the order of their numbers',
      [live('room 10'), live('room 9'), live('room 2')],
      ['room 2', 'room 9', 'room 10'],
    ],
    [
      'agents by name, whatever their rooms are',
      [live('a', { name: 'Carol' }), live('b', { name: 'Alice' })],
      ['b', 'a'],
    ],
    [
      'one agent’s rooms in the order of the rooms',
      [live('b', { name: 'Alice' }), live('a', { name: 'Alice' })],
      ['a', 'b'],
    ],
    [
      'names and rooms in one order',
      [live('b'), live('z', { name: 'Alice' }), live('c', { name: 'bob' })],
      ['z', 'b', 'c'],
    ],
  ])('%s', (_what, given, expected) => {
    expect(offered(given)).toEqual(expected);
  });

  it('the same whatever order the rooms are listed in, however many there are', () => {
    const many = rooms(1_100);
    const backwards = many.toReversed();
    expect(offered(many, 60)).toEqual(
      ['541', '542', '543', '544', '545', '546', '547', '548', '549'].map((n) => `room ${n}`),
    );
    expect(offered(backwards, 60)).toEqual(offered(many, 60));
  });

  it.each([
    [1, 0, 1, 0, undefined],
    [9, 0, 9, 0, undefined],
    [10, 0, 9, 0, 'more'],
    [10, 1, 1, 1, 'again'],
    [10, 2, 9, 0, 'more'],
    [27, 2, 9, 2, 'again'],
  ])('of %i rooms, on page %i, %i: page %i, pound for %s', (count, page, length, shown, more) => {
    const { choices, ...rest } = menu(rooms(count), page);
    expect(choices).toHaveLength(length);
    expect(rest).toMatchObject({ page: shown, more });
  });

  it('the names of agents, and marks one who leads several rooms', () => {
    const given = [
      live('a', { name: 'Alice' }),
      live('b', { name: 'Alice', hasCaller: false }),
      live('c', { name: 'Bob' }),
      live('d'),
      live('e'),
    ];
    expect(menu(given).choices).toEqual([
      { room: 'a', name: 'Alice', isAmbiguous: true, hasCaller: true },
      { room: 'c', name: 'Bob', isAmbiguous: false, hasCaller: true },
      { room: 'd', name: undefined, isAmbiguous: false, hasCaller: true },
      { room: 'e', name: undefined, isAmbiguous: false, hasCaller: true },
      { room: 'b', name: 'Alice', isAmbiguous: true, hasCaller: false },
    ]);
  });

  it('marks an agent whose other room is on another page', () => {
    const given = [
      ...rooms(9).map(({ room }) => live(room, { name: 'Alice' })),
      live('z', { name: 'Alice', hasCaller: false }),
    ];
    expect(menu(given, 1).choices).toMatchObject([{ room: 'z', isAmbiguous: true }]);
  });

  it.each([
    ['one who leads a room has one', [live('a', { name: 'Bob' }), live('b', { name: 'Alice' })], true],
    ['nobody who leads a room has one', [live('a', { name: 'Bob' }), live('b')], false],
  ])('extensions if %s', (_what, given, hasExtensions) => {
    expect(menu(given).hasExtensions).toBe(hasExtensions);
  });

  it('the news', () => {
    const news = 'conversation-over';
    expect(menuOf([live('a')], { page: 0, news, now: NOW, extensions })).toMatchObject({ news });
  });
});

describe('a choice', () => {
  const given = [
    live('a', { name: 'Alice', hasCaller: false }),
    live('b', { name: 'Alice' }),
    live('c', { name: 'Alice', secondsAgo: 60 }),
    live('d'),
  ];

  it.each([
    ['of a room leads there', roomNamed('a'), 'a'],
    ['of a room that is not live leads nowhere', roomNamed('x'), undefined],
    ['of nothing leads nowhere', undefined, undefined],
    ['of an extension leads to its agent’s conversation with a caller', { extension: '12' }, 'b'],
    ['of an agent who leads no room leads nowhere', { extension: '13' }, undefined],
    // Nor to a room whose agent has no name.
    ['of an extension that nobody has leads nowhere', { extension: '14' }, undefined],
  ])('%s', (_what, choice, room) => {
    expect(chosenOf(given, choice, { now: NOW, extensions })?.room).toBe(room);
  });
});

it.each<[string, SupervisorEntry['rooms'], string[]]>([
  ['those with an agent', 'all', ['a', 'b']],
  ['those that are theirs', new Set([roomNamed('b'), roomNamed('empty')]), ['b']],
])('a supervisor may join, of all rooms, %s', (_what, theirs, expected) => {
  const all = [live('a'), { ...live('empty'), target: undefined }, live('b')];
  expect(conversationsFor({ ...TED, rooms: theirs }, all).map(({ room }) => room)).toEqual(expected);
});

it.each([
  [true, 0, false],
  [false, 40_001, false],
  [false, 40_000, true],
])('a moderator who has joined (%s), and arrived at %i, is a ghost: %s', (hasJoined, arrivedAt, is) => {
  expect(hasProbablyHungUp({ hasJoined, arrivedAt }, 100_000)).toBe(is);
});
