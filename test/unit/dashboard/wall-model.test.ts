import { expect, it } from '@jest/globals';
import type { RoomView } from '../../../src/api/schemas';
import { attentionOf, NO_ATTENTION } from '../../../src/dashboard/attention';
import { MAX_WALL_ROOMS, wallOf } from '../../../src/dashboard/wall-model';
import { ALICE_IN, ago, BOB_IN, NOW, participant, roomWith, tedIn } from '../../support/room-view';

const boardRoom = (view: RoomView) => ({ view, attention: attentionOf(view, NOW, NO_ATTENTION), changedAt: 1 });

it('a wall counts who waits and who is supervised how, and names nobody', () => {
  const talking = roomWith([
    ALICE_IN,
    BOB_IN,
    tedIn(),
    tedIn({ requestedMode: 'coach', heardAs: 'coach' }, { callSid: 'ted-2' }),
    tedIn({ requestedMode: 'barge', heardAs: 'barge' }, { callSid: 'ted-3' }),
    tedIn({ requestedMode: 'barge', heardAs: 'monitor', confirmed: false }, { callSid: 'ted-4' }),
    tedIn({ requestedMode: 'barge', heardAs: 'barge' }, { callSid: 'ted-5', onHold: true }),
    tedIn({}, { callSid: 'ted-6', joinedAt: null }),
  ]);
  const waiting = roomWith([BOB_IN, participant({ callSid: 'carol-1', joinedAt: ago(20) })], { room: 'support' });
  const alone = roomWith([ALICE_IN], { room: 'late' });
  const wall = wallOf([talking, waiting, alone].map(boardRoom));
  const nobody = { monitor: 0, coach: 0, barge: 0, unknown: 0 };
  expect(wall).toEqual({
    totals: { waiting: 2, longestWaitSince: NOW - 60_000, live: 1 },
    counts: { attention: 1, talking: 1, waiting: 1 },
    rooms: [
      {
        name: 'support',
        section: 'attention',
        state: 'waiting',
        since: NOW - 60_000,
        alerts: ['no-agent'],
        supervisors: nobody,
      },
      {
        name: 'sales',
        section: 'talking',
        state: 'talking',
        since: NOW - 60_000,
        alerts: [],
        supervisors: { monitor: 2, coach: 1, barge: 1, unknown: 1 },
      },
      { name: 'late', section: 'waiting', state: 'alone', since: undefined, alerts: [], supervisors: nobody },
    ],
    others: 0,
  });
  expect(JSON.stringify(wall)).not.toMatch(/Alice|Ted|\*\*\*|alice-1|cf-1/);
});

it('a wall counts the wait from when the agent left, on top as in the room', () => {
  const { totals, rooms } = wallOf([boardRoom(roomWith([BOB_IN], { moderatorLeftAt: ago(40) }))]);
  expect([totals.longestWaitSince, rooms[0]?.since]).toEqual([NOW - 40_000, NOW - 40_000]);
  expect(rooms[0]).toMatchObject({ alerts: ['no-agent'] });
});

it('a wall shows the most urgent rooms, and counts the others', () => {
  const rooms = Array.from({ length: MAX_WALL_ROOMS + 3 }, (_, index) =>
    boardRoom(roomWith([ALICE_IN, BOB_IN], { room: `room ${index}` })),
  );
  const urgent = boardRoom(roomWith([BOB_IN], { room: 'urgent' }));
  const wall = wallOf([...rooms, urgent]);
  expect([wall.rooms.length, wall.rooms[0]?.name, wall.others]).toEqual([MAX_WALL_ROOMS, 'urgent', 4]);
});
