import { describe, expect, it } from '@jest/globals';
import { emptyRoom, type RoomState, type Stay, type SupervisionState, type SupervisorStay } from '../../src/rooms/room';
import { neededCorrection } from '../../src/supervision/correction';
import { roomNamed, sid } from '../support/room-stores';

const supervision = (more: Partial<SupervisionState> = {}): SupervisionState => ({
  stayNumber: 1,
  mode: 'coach',
  target: sid('alice'),
  moderatorName: 'Alice',
  heard: 'coach',
  coachedCall: sid('alice'),
  callers: [],
  ...more,
});
const ALICE: Stay = { callSid: sid('alice'), role: 'moderator', joinedAt: 1_000, joinKnownAt: 1_200 };
/** Ted asked for his document at 10.5 s, and is in since the second that begins at 11 s. */
const TED: SupervisorStay = {
  callSid: sid('ted'),
  role: 'supervisor',
  arrivedAt: 10_500,
  joinedAt: 11_000,
  joinDate: 11_000,
  joinKnownAt: 11_400,
  isMuted: false,
  supervision: supervision(),
};
/** Bob joined in the second that begins at 20 s. */
const BOB: Stay = {
  callSid: sid('bob'),
  role: 'caller',
  joinedAt: 20_000,
  joinDate: 20_000,
  joinKnownAt: 20_300,
};

function correctionOf(ted: SupervisorStay, ...others: Stay[]) {
  const state: RoomState = { ...emptyRoom(roomNamed('sales')), stays: [ALICE, ted, ...others], at: 30_000 };
  return neededCorrection(state, ted, 30_000);
}

describe('a coach is muted', () => {
  it.each<[string, Partial<SupervisionState>]>([
    ['somebody else', { coachedCall: sid('bob') }],
    ['somebody else, and was not observed for long', { heard: 'unknown', coachedCall: sid('bob') }],
    ['nobody, and is heard by everybody', { heard: 'barge', coachedCall: 'nobody' }],
    ['nobody, and was not observed for long', { heard: 'unknown', coachedCall: 'nobody' }],
  ])('who coaches %s', (_whom, more) => {
    expect(correctionOf({ ...TED, supervision: supervision(more) }, { ...BOB, joinDate: 5_000 })).toBe('mute');
  });

  it.each<[string, Partial<Stay>, Partial<SupervisionState>]>([
    ['who coaches their target', {}, {}],
    ['of whom nobody says whom they coach', {}, { heard: 'unknown', coachedCall: undefined }],
    ['who is muted already', { isMuted: true }, { heard: 'monitor', coachedCall: sid('bob') }],
    ['whose target has moved on, and who is muted', { isMuted: true }, { mode: 'monitor', heard: 'monitor' }],
  ])('not %s', (_who, more, also) => {
    expect(correctionOf({ ...TED, ...more, supervision: supervision(also) })).not.toBe('mute');
  });
});

describe('who hears a coach is asked', () => {
  it.each<[string, Partial<Stay>, Partial<SupervisionState>]>([
    ['nobody reported whom they coach', {}, { coachedCall: undefined }],
    ['nobody reported whether they are muted', { isMuted: undefined }, {}],
  ])('when %s', (_when, ted, more) => {
    expect(correctionOf({ ...TED, ...ted, supervision: supervision({ heard: 'unknown', ...more }) })).toBe('verify');
  });

  it('not when the room was not compared for long: the next comparison tells', () => {
    expect(correctionOf({ ...TED, supervision: supervision({ heard: 'unknown' }) })).toBeUndefined();
  });
});

describe('a coach’s target is set again', () => {
  it.each<[string, Partial<Stay>]>([
    ['a caller', {}],
    ['somebody unknown', { role: 'unknown' }],
    ['another agent', { role: 'moderator' }],
    ['somebody in the same second as the coach', { joinDate: 11_000, joinedAt: 11_000, joinKnownAt: 11_300 }],
    ['somebody whose join is not dated', { joinDate: undefined, joinedAt: 10_600, joinKnownAt: 10_600 }],
    ['somebody whom REST alone showed', { joinDate: undefined, joinedAt: 5_000 }],
  ])('for %s who entered after the coach, or may have', (_who, more) => {
    expect(correctionOf(TED, { ...BOB, ...more })).toBe('retarget');
  });

  it.each<[string, Partial<Stay>, Partial<SupervisionState>]>([
    ['nobody knows how they are heard', {}, { heard: 'unknown', coachedCall: undefined }],
    ['nobody knows whether they are muted', { isMuted: undefined }, { heard: 'unknown' }],
    ['nobody knows when they joined', { joinDate: undefined }, {}],
    ['their document is lost', { arrivedAt: undefined, joinDate: undefined }, { stayNumber: undefined }],
    ['it was set before that', {}, { targetSetAt: 20_299 }],
  ])('when %s', (_when, ted, more) => {
    expect(correctionOf({ ...TED, ...ted, supervision: supervision(more) }, BOB)).toBe('retarget');
  });

  it.each<[string, Stay[]]>([
    ['nobody', []],
    ['somebody who has left', [{ ...BOB, leftAt: 25_000 }]],
    ['an agent who is on the way', [{ callSid: sid('carol'), role: 'moderator', arrivedAt: 20_000 }]],
    ['another supervisor', [{ ...TED, callSid: sid('carol'), joinDate: 20_000, joinKnownAt: 20_300 }]],
    ['somebody known before the coach’s document was written', [{ ...BOB, joinDate: undefined, joinKnownAt: 10_500 }]],
    ['somebody told of late who entered a second before', [{ ...BOB, joinDate: 10_000 }]],
  ])('for %s not', (_who, others) => {
    expect(correctionOf(TED, ...others)).toBeUndefined();
  });

  it.each<[string, Partial<Stay>, Partial<SupervisionState>]>([
    ['has been since', {}, { targetSetAt: 20_300 }],
    ['is that of a muted coach', { isMuted: true }, { heard: 'monitor' }],
    ['is that of a listener', { isMuted: true }, { mode: 'monitor', heard: 'monitor' }],
    ['is not used: everybody hears them', {}, { mode: 'barge', heard: 'barge', coachedCall: 'nobody' }],
  ])('if it %s not', (_if, ted, more) => {
    expect(correctionOf({ ...TED, ...ted, supervision: supervision(more) }, BOB)).toBeUndefined();
  });
});

describe('while somebody changes the mode through the API', () => {
  const listens = { ...TED, supervision: supervision({ mode: 'monitor' }) };
  const correctionAfter = (ms: number, name: 'mode' | 'hold' = 'mode') => {
    const action = {
      id: '1',
      name,
      by: 'token board',
      requestedAt: 30_000 - ms,
      status: 'requested',
      callSid: sid('ted'),
    };
    const state = {
      ...emptyRoom(roomNamed('sales')),
      stays: [ALICE, listens],
      actions: [action],
      at: 30_000,
    } as RoomState;
    return neededCorrection(state, listens, 30_000);
  };

  it('nobody else mutes the supervisor for 3 s, as long as a mute should take', () => {
    expect([2_999, 3_000].map((ms) => correctionAfter(ms))).toEqual([undefined, 'mute']);
  });

  it('another action changes nothing', () => {
    expect(correctionAfter(0, 'hold')).toBe('mute');
  });

  it('a supervisor without an agent is removed all the same', () => {
    const action = {
      id: '1',
      name: 'mode',
      by: 'token board',
      requestedAt: 29_000,
      status: 'requested',
      callSid: sid('ted'),
    };
    const state = { ...emptyRoom(roomNamed('sales')), stays: [TED], actions: [action], at: 30_000 } as RoomState;
    expect(neededCorrection(state, TED, 30_000)).toBe('remove');
  });
});
