import { describe, expect, it } from '@jest/globals';
import { viewRoom } from '../../../src/api/views';
import type { Action } from '../../../src/rooms/action';
import type { Mode } from '../../../src/rooms/mode';
import { emptyRoom, type RoomName, type RoomState, type Stay } from '../../../src/rooms/room';
import type { Sid } from '../../../src/signalwire/sid';

const sid = (text: string) => text as Sid;

function stay(callSid: string, more: Partial<Stay>): Stay {
  return { callSid: sid(callSid), conferenceSid: sid('cf-1'), role: 'caller', ...more };
}

interface Circumstances {
  callerJoinedAt?: number;
  targetSetAt?: number;
  /** What has become of the request for the same mode. */
  change?: Action['status'];
  /** What was requested since. */
  requested?: Mode;
  /** Another agent, who came last. */
  carolJoinedAt?: number;
  aliceLeftAt?: number;
}

/** A room where Ted came, confirmed, before or after a caller. */
function roomWith(mode: Mode, circumstances: Circumstances) {
  const { callerJoinedAt = 15, targetSetAt, change, requested = mode, carolJoinedAt, aliceLeftAt } = circumstances;
  const supervision = {
    stayNumber: 1,
    mode: requested,
    target: sid(carolJoinedAt === undefined ? 'alice' : 'carol'),
    moderatorName: carolJoinedAt === undefined ? 'Alice' : 'Carol',
    targetSetAt,
    heard: mode,
    heardAt: 60,
    coachedCall: mode === 'barge' ? ('nobody' as const) : sid('alice'),
    callers: [],
  };
  const stays = [
    stay('alice', { role: 'moderator', joinedAt: 10, joinKnownAt: 10, leftAt: aliceLeftAt }),
    ...(carolJoinedAt ? [stay('carol', { role: 'moderator', joinedAt: carolJoinedAt })] : []),
    stay('ted', { role: 'supervisor', arrivedAt: 20, joinedAt: 21, isMuted: mode === 'monitor', supervision }),
    stay('bob', { joinedAt: callerJoinedAt, joinKnownAt: callerJoinedAt }),
  ];
  const action = { id: 'a-1', name: 'mode' as const, by: 'supervisor Ted', callSid: sid('ted'), mode, requestedAt: 65 };
  const state: RoomState = {
    ...emptyRoom('sales' as RoomName),
    conference: { sid: sid('cf-1') },
    stays,
    ...(change && { actions: [{ ...action, status: change }] }),
    at: 70,
  };
  return viewRoom(state).participants.find(({ callSid }) => callSid === 'ted')?.supervision;
}

describe('what a room says of a supervisor', () => {
  it.each<[string, Mode, Circumstances, boolean]>([
    ['a coach, with a caller who was there before', 'coach', { callerJoinedAt: 15 }, true],
    ['a coach whose target was set after the later caller', 'coach', { callerJoinedAt: 50, targetSetAt: 55 }, true],
    ['a listener, whom nobody hears', 'monitor', { callerJoinedAt: 50 }, true],
    ['somebody who talks to everyone', 'barge', { callerJoinedAt: 50 }, true],
    ['somebody who asked for that mode again', 'barge', { callerJoinedAt: 50, change: 'requested' }, false],
    ['somebody who got that mode again', 'barge', { callerJoinedAt: 50, change: 'confirmed' }, true],
  ])('confirms only who is surely heard so: %s', (_name, mode, callers, confirmed) => {
    expect(roomWith(mode, callers)).toMatchObject({ requestedMode: mode, heardAs: mode, confirmed });
  });

  it.each<[string, Circumstances]>([
    ['another caller may hear them', { callerJoinedAt: 50 }],
    ['another caller may hear them, and they are to listen', { callerJoinedAt: 50, requested: 'monitor' }],
    ['they are to coach the agent who came', { carolJoinedAt: 50 }],
    ['they are to listen to the agent who came', { carolJoinedAt: 50, requested: 'monitor' }],
    ['they are to listen, and their agent has left', { aliceLeftAt: 50, requested: 'monitor' }],
    ['they are to talk to everyone, and their agent has left', { aliceLeftAt: 50, requested: 'barge' }],
  ])('does not know who hears a coach when %s', (_name, circumstances) => {
    expect(roomWith('coach', circumstances)).toMatchObject({ heardAs: 'unknown', confirmed: false, observedAt: null });
  });

  it('says who hears a coach who is to listen', () => {
    expect(roomWith('coach', { requested: 'monitor' })).toMatchObject({ heardAs: 'coach', confirmed: false });
  });
});

describe('what a room says of when its agents left', () => {
  const ALICE = stay('alice', { role: 'moderator', joinedAt: 10, leftAt: 40 });
  const CAROL = stay('carol', { role: 'moderator', joinedAt: 20, leftAt: 30 });

  it.each<[string, Stay[], number | null]>([
    ['nothing while one is in', [ALICE, { ...CAROL, leftAt: undefined }], null],
    ['when the last one did', [ALICE, CAROL, stay('bob', { joinedAt: 5, leftAt: 60 })], 40],
    ['nothing of one who never came in', [stay('alice', { role: 'moderator', arrivedAt: 10, leftAt: 40 })], null],
    ['nothing if there was none', [stay('bob', { joinedAt: 5 })], null],
  ])('is %s', (_what, stays, leftAt) => {
    const { moderatorLeftAt } = viewRoom({ ...emptyRoom('sales' as RoomName), stays, at: 70 });
    expect(moderatorLeftAt).toBe(leftAt === null ? null : new Date(leftAt).toISOString());
  });
});
