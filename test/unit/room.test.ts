import { describe, expect, it } from '@jest/globals';
import { isSameConversation, supervisedConversation } from '../../src/rooms/conversation';
import { evolve } from '../../src/rooms/evolve';
import {
  emptyRoom,
  isInOrEntering,
  parseRoomName,
  type Stay,
  type SupervisionState,
  targetOf,
} from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import { roomNamed, sid } from '../support/room-stores';

const moderator = (callSid: string, more: Partial<Stay>): Stay => ({
  callSid: sid(callSid),
  role: 'moderator',
  ...more,
});

it.each<[string, Stay[], string]>([
  [
    'who joined last',
    [moderator('a', { arrivedAt: 1_000, joinedAt: 9_000 }), moderator('c', { arrivedAt: 2_000, joinedAt: 3_000 })],
    'a',
  ],
  [
    'in one second, who arrived last, though the clocks put the other join a millisecond later',
    [moderator('a', { arrivedAt: 5_100, joinedAt: 5_001 }), moderator('c', { arrivedAt: 5_200, joinedAt: 5_000 })],
    'c',
  ],
  [
    'in one second, who arrived last, long before it, whoever was noted first',
    [
      moderator('c', { arrivedAt: 2_000, joinedAt: 9_000, joinDate: 9_000 }),
      moderator('a', { arrivedAt: 1_000, joinedAt: 9_003, joinDate: 9_000 }),
    ],
    'c',
  ],
  [
    'who has joined rather than who only arrived',
    [moderator('a', { arrivedAt: 1_000, joinedAt: 1_500 }), moderator('c', { arrivedAt: 2_000 })],
    'a',
  ],
  [
    'of two who joined at one instant, the one noted last',
    [moderator('a', { arrivedAt: 1_000, joinedAt: 1_500 }), moderator('c', { arrivedAt: 1_000, joinedAt: 1_500 })],
    'c',
  ],
  [
    'of two who arrived at one instant, the one noted last',
    [moderator('a', { arrivedAt: 1_000 }), moderator('c', { arrivedAt: 1_000 })],
    'c',
  ],
])('the target is %s', (_what, stays, target) => {
  expect(targetOf({ stays })?.callSid).toBe(target);
});

it('a webhook that is repeated after the join makes nobody the target', () => {
  const joined = (callSid: string): RoomEvent => ({
    kind: 'joined',
    callSid: sid(callSid),
    conferenceSid: sid('x'),
    date: undefined,
    isModerator: true,
    ageMs: 0,
  });
  const arrived = (callSid: string): RoomEvent => ({ kind: 'moderator-arrived', callSid: sid(callSid), ageMs: 0 });
  const events = [arrived('a'), joined('a'), arrived('c'), joined('c'), arrived('a')];
  const state = events.reduce(
    (before, event, index) => evolve(before, event, 1_000 + 10 * index, { lifetimeMs: 60_000 }).state,
    emptyRoom(roomNamed('sales')),
  );
  expect(targetOf(state)?.callSid).toBe('c');
});

it.each<[string, Partial<Stay>, boolean]>([
  ['who has joined', { arrivedAt: 0, joinedAt: 1_000 }, true],
  ['who arrived less than 10 s ago', { arrivedAt: 90_001 }, true],
  ['who arrived 10 s ago and was not seen to join', { arrivedAt: 90_000 }, false],
  ['who has left', { arrivedAt: 99_000, joinedAt: 99_500, leftAt: 99_900 }, false],
  ['who hung up on the way', { arrivedAt: 99_000, leftAt: 99_900 }, false],
])('a moderator %s is there: %j, %s', (_what, more, is) => {
  expect(isInOrEntering(moderator('a', more), 100_000)).toBe(is);
});

describe('a conversation', () => {
  const CONVERSATION = { target: sid('a'), conferenceSid: sid('cf-1') };
  const UNKNOWN = { target: sid('a'), conferenceSid: undefined };

  it.each([
    ['itself', CONVERSATION, CONVERSATION, true],
    ['another moderator’s', CONVERSATION, { ...CONVERSATION, target: sid('c') }, false],
    ['one in another conference', CONVERSATION, { ...CONVERSATION, conferenceSid: sid('cf-2') }, false],
    ['one in no known conference', CONVERSATION, UNKNOWN, false],
    ['an unknown one by the same call', UNKNOWN, UNKNOWN, true],
  ])('is compared with %s', (_what, one, other, isSame) => {
    expect([isSameConversation(one, other), isSameConversation(other, one)]).toEqual([isSame, isSame]);
  });

  const supervisor = (arrivedAt: number, conferenceSid?: string): Stay & { supervision: SupervisionState } => ({
    callSid: sid('t'),
    role: 'supervisor',
    arrivedAt,
    conferenceSid: conferenceSid === undefined ? undefined : sid(conferenceSid),
    supervision: {
      stayNumber: 1,
      mode: 'coach',
      target: sid('a'),
      moderatorName: undefined,
      heard: 'unknown',
      callers: [],
    },
  });
  const stays = [
    moderator('a', { arrivedAt: 1_000, joinedAt: 2_000, leftAt: 4_000, conferenceSid: sid('cf-1') }),
    moderator('a', { arrivedAt: 5_000 }),
  ];

  it.each([
    ['where they were seen', supervisor(6_000, 'cf-9'), 'cf-9'],
    ['where their target was when they were sent', supervisor(3_000), 'cf-1'],
    ['unknown while their target has not joined', supervisor(6_000), undefined],
    ['unknown if no stay of the target is left from that time', supervisor(500), undefined],
  ])('of a supervisor is %s', (_what, stay, conferenceSid) => {
    expect(supervisedConversation({ stays }, stay)).toEqual({ target: 'a', conferenceSid });
  });
});

describe('parseRoomName', () => {
  it.each(['a', 'sample-conf', 'Sales 2', 'a_b.c-d', '...', '-', 'ended', 'x'.repeat(64)])('takes %j', (text) => {
    expect(parseRoomName(text)).toBe(text);
  });

  it.each([
    '',
    ' ',
    ' a',
    'a ',
    '.',
    '..',
    'x'.repeat(65),
    'a<b',
    'a/b',
    '../a',
    'a\0',
    'a\n',
    'a\n',
    'é',
    'a{b}',
    "a'b",
    'a&b',
  ])('refuses %j', (text) => {
    expect(parseRoomName(text)).toBeUndefined();
  });
});
