import { describe, expect, it } from '@jest/globals';
import { viewRoom } from '../../src/api/views';
import { actionOn } from '../../src/rooms/action';
import { obstacleTo, type WantedAction } from '../../src/rooms/action-obstacle';
import { evolve } from '../../src/rooms/evolve';
import type { Fact } from '../../src/rooms/fact';
import { emptyRoom, type RoomState, type SupervisorStay } from '../../src/rooms/room';
import type { EventOf, RoomEvent } from '../../src/rooms/room-event';
import { toRecord } from '../../src/supervision/trail';
import { roomNamed, sid } from '../support/room-stores';

const START = Date.parse('2026-01-02T10:00:00Z');
const LIFETIME = { lifetimeMs: 3_600_000 };

type Told = readonly [seconds: number, event: RoomEvent];

/** The room after these events, each told at once, and its feed. */
function play(...told: Told[]): { state: RoomState; facts: Fact[] } {
  let state = emptyRoom(roomNamed('sales'));
  const facts: Fact[] = [];
  for (const [seconds, event] of told) {
    const next = evolve(state, event, START + 1_000 * seconds, LIFETIME);
    state = next.state;
    facts.push(...next.facts);
  }
  return { state, facts };
}

const joins = (call: string, seconds: number, isModerator = false): Told => [
  seconds,
  {
    kind: 'joined',
    callSid: sid(call),
    conferenceSid: sid('cf-1'),
    date: START + 1_000 * seconds,
    ageMs: 0,
    isModerator,
    isMuted: call === 'ted',
  },
];
const sent: RoomEvent = {
  kind: 'supervisor-sent',
  callSid: sid('ted'),
  stayNumber: 1,
  name: 'Ted',
  address: '***2222',
  mode: 'monitor',
  target: sid('alice'),
  moderatorName: 'Alice',
  ageMs: 0,
};
/** Alice and Bob talk, and Ted listens. */
const LISTENING: Told[] = [
  [0, { kind: 'moderator-arrived', callSid: sid('alice'), name: 'Alice', ageMs: 0 }],
  joins('alice', 1, true),
  joins('bob', 2),
  [3, sent],
  joins('ted', 4),
  // What REST shows of Ted.
  [4.5, observed('ted', true, 'alice')],
];
function observed(call: string, isMuted: boolean, coached?: string): RoomEvent {
  return {
    kind: 'participant-observed',
    conferenceSid: sid('cf-1'),
    participant: {
      callSid: sid(call),
      isMuted,
      isOnHold: false,
      coachedCall: coached === undefined ? 'nobody' : sid(coached),
      joinAgeMs: 1,
      isModerator: false,
    },
    ageMs: 0,
  };
}
const requested = (more: Partial<EventOf<'action-requested'>> = {}): RoomEvent => ({
  kind: 'action-requested',
  id: 'a-1',
  name: 'mode',
  by: 'token board',
  callSid: sid('ted'),
  mode: 'coach',
  target: sid('alice'),
  ageMs: 0,
  ...more,
});
const updated = (more: Partial<EventOf<'action-updated'>> = {}): RoomEvent => ({
  kind: 'action-updated',
  id: 'a-1',
  status: 'confirmed',
  ageMs: 0,
  ...more,
});
const ted = ({ stays }: RoomState) => stays.find(({ callSid }) => callSid === 'ted') as SupervisorStay;
const lines = (facts: readonly Fact[]) =>
  facts
    .slice(3)
    .map(({ kind, mode, heard, by, action, status, reason }) =>
      [kind, action, mode, heard, by, status, reason].filter((part) => part !== undefined).join(' '),
    );

describe('a change of mode through the API', () => {
  it('is requested, then confirmed with the time of the observation', () => {
    const { state } = play(...LISTENING, [10, requested()]);
    expect(ted(state).supervision).toMatchObject({ mode: 'coach', heard: 'monitor' });
    expect(state.actions).toMatchObject([{ id: 'a-1', status: 'requested', requestedAt: START + 10_000 }]);

    const after = play(
      ...LISTENING,
      [10, requested()],
      [11, { ...observed('ted', false, 'alice'), ageMs: 200 }],
      [11.5, updated()],
    );
    expect(ted(after.state).supervision).toMatchObject({ mode: 'coach', heard: 'coach', heardAt: START + 10_800 });
    expect(after.state.actions).toMatchObject([{ status: 'confirmed', settledAt: START + 11_500 }]);
    expect(lines(after.facts)).toEqual(['mode coach monitor token board', 'mode coach coach token board']);
  });

  it('that fails leaves them in monitor, and says why', () => {
    const { state, facts } = play(
      ...LISTENING,
      [10, requested()],
      [11, updated({ status: 'failed', reason: 'timeout', isHeardUnknown: true })],
    );
    expect(ted(state).supervision).toMatchObject({ mode: 'monitor', heard: 'unknown', heardAt: undefined });
    expect(lines(facts)).toEqual(['mode coach monitor token board', 'mode monitor unknown token board timeout']);
  });

  it('whose server could not tell its end in time is confirmed when that is told', () => {
    const mute = requested({ name: 'mute', callSid: sid('bob'), mode: undefined });
    const later = play(...LISTENING, [40, { ...mute, ageMs: 30_000 }], [41, { ...updated(), ageMs: 30_500 }]);
    expect(later.state.actions).toMatchObject([{ name: 'mute', status: 'confirmed', settledAt: START + 10_500 }]);
    const tooLate = play(...LISTENING, [40, { ...mute, ageMs: 30_000 }], [41, updated()]);
    expect(tooLate.state.actions).toMatchObject([{ status: 'failed', reason: 'abandoned' }]);
  });

  it('whose server is gone fails by itself, unless it was seen to be done', () => {
    const lost = play(...LISTENING, [10, requested()], [31, observed('bob', false)]);
    expect(lost.state.actions).toMatchObject([{ status: 'failed', reason: 'abandoned' }]);
    expect(ted(lost.state).supervision.mode).toBe('monitor');

    const done = play(
      ...LISTENING,
      [10, requested()],
      [11, observed('ted', false, 'alice')],
      [31, observed('bob', false)],
    );
    expect(done.state.actions).toMatchObject([{ status: 'confirmed' }]);
    expect(ted(done.state).supervision).toMatchObject({ mode: 'coach', heard: 'coach' });
  });

  it('is over when another agent joins', () => {
    const { state } = play(...LISTENING, [10, requested()], joins('carol', 11, true), [12, updated()]);
    expect(state.actions).toMatchObject([{ status: 'failed', reason: 'conversation-changed' }]);
    expect(ted(state).supervision).toMatchObject({ mode: 'monitor', target: 'carol' });
  });

  it('is over when the server mutes them', () => {
    const muted: RoomEvent = { kind: 'mode-requested', callSid: sid('ted'), mode: 'monitor', ageMs: 0 };
    const { state } = play(...LISTENING, [10, requested()], [11, muted]);
    expect(state.actions).toMatchObject([{ status: 'failed', reason: 'muted-by-server' }]);
  });

  it('is not begun while another is carried out, unless it only mutes', () => {
    const second = play(...LISTENING, [10, requested()], [11, requested({ id: 'a-2', mode: 'barge' })]);
    expect(second.state.actions?.map(({ id }) => id)).toEqual(['a-1']);

    const quiet = play(
      ...LISTENING,
      [10, requested()],
      [11, requested({ id: 'a-2', mode: 'monitor' })],
      [12, updated()],
    );
    expect(quiet.state.actions).toMatchObject([
      { id: 'a-1', status: 'failed', reason: 'superseded' },
      { id: 'a-2', status: 'requested' },
    ]);
    expect(ted(quiet.state).supervision.mode).toBe('monitor');
  });

  it('counts once, however often it is told', () => {
    const once = play(...LISTENING, [10, requested()], [11, updated()]);
    const often = play(
      ...LISTENING,
      [10, requested()],
      [10.5, requested()],
      [11, updated()],
      [12, updated()],
      [13, requested()],
    );
    expect(often.facts).toEqual(once.facts);
    expect(often.state).toEqual(once.state);
  });
});

describe('another action', () => {
  it('has one line when it is requested, and one when it is settled', () => {
    const { facts } = play(
      ...LISTENING,
      [10, requested({ name: 'mute', callSid: sid('bob'), mode: undefined })],
      [11, updated()],
      [12, requested({ id: 'a-2', name: 'end', callSid: undefined, mode: undefined })],
      [13, updated({ id: 'a-2', status: 'failed', reason: 'refused' })],
    );
    expect(lines(facts)).toEqual([
      'action mute token board requested',
      'action mute token board confirmed',
      'action end token board requested',
      'action end token board failed refused',
    ]);
  });

  it('that calls a supervisor learns the call, and may take as long as a telephone rings', () => {
    const join = requested({ name: 'join', callSid: undefined, person: 'Ted', mode: 'barge' });
    const { state, facts } = play(
      [1, join],
      [2, updated({ status: 'requested', callSid: sid('ted') })],
      [60, { kind: 'call-ended', callSid: sid('bob'), ageMs: 0 }],
      [61, updated({ status: 'failed', reason: 'no-key' })],
    );
    expect(state.actions).toMatchObject([{ callSid: 'ted', status: 'failed', reason: 'no-key' }]);
    expect(facts.map(({ action, name, callSid, status }) => [action, name, callSid, status])).toEqual([
      ['join', 'Ted', undefined, 'requested'],
      ['join', 'Ted', 'ted', 'failed'],
    ]);
  });

  it('is forgotten some time after it is settled', () => {
    const { state } = play(
      ...LISTENING,
      [10, requested({ name: 'end', callSid: undefined })],
      [11, updated()],
      [620, observed('bob', false)],
    );
    expect(state.actions).toBeUndefined();
  });
});

describe('an action on recordings', () => {
  const act = (id: string, name: EventOf<'action-requested'>['name']) =>
    requested({ id, name, callSid: undefined, mode: undefined, target: undefined });

  it.each<[EventOf<'action-requested'>['name'], EventOf<'action-requested'>['name'], string[]]>([
    ['record', 'record', ['requested']],
    ['record', 'resume', ['requested']],
    ['record', 'pause', ['failed', 'requested']],
    ['resume', 'record', ['requested']],
    ['resume', 'resume', ['requested']],
    ['resume', 'pause', ['failed', 'requested']],
    ['pause', 'record', ['requested']],
    ['pause', 'resume', ['requested']],
    ['pause', 'pause', ['requested', 'requested']],
    ['pause', 'stop', ['requested', 'requested']],
    ['stop', 'resume', ['requested', 'requested']],
    ['end', 'pause', ['requested', 'requested']],
    ['pause', 'end', ['requested', 'requested']],
  ])('%s, then %s before the first is settled', (first, second, statuses) => {
    const before = play(...LISTENING, [10, act('a-1', first)]);
    const { state } = play(...LISTENING, [10, act('a-1', first)], [11, act('a-2', second)]);
    expect(state.actions?.map(({ status }) => status)).toEqual(statuses);
    const isRefused = statuses.length === 1;
    expect(obstacleTo(before.state, { name: second }, START + 11_000)).toBe(isRefused ? 'busy' : undefined);
    if (statuses[0] === 'failed') {
      expect(state.actions?.[0]).toMatchObject({ reason: 'superseded' });
    }
    const settled = play(...LISTENING, [10, act('a-1', first)], [11, updated()], [12, act('a-2', second)]);
    expect(settled.state.actions?.map(({ status }) => status)).toEqual(['confirmed', 'requested']);
  });

  it('names the recording that it stops, or has started', () => {
    const { facts } = play(
      [1, { ...act('a-1', 'stop'), recordingSid: sid('r-1') } as RoomEvent],
      [2, updated()],
      [3, act('a-2', 'record')],
      [4, updated({ id: 'a-2', status: 'requested', recordingSid: sid('r-2') })],
      [5, updated({ id: 'a-2' })],
    );
    expect(facts.map(({ action, status, recordingSid }) => [action, status, recordingSid])).toEqual([
      ['stop', 'requested', 'r-1'],
      ['stop', 'confirmed', 'r-1'],
      ['record', 'requested', undefined],
      ['record', 'confirmed', 'r-2'],
    ]);
    expect(facts.map((fact) => toRecord(fact).recordingSid)).toEqual(['r-1', 'r-1', undefined, 'r-2']);
  });

  it('names whose call it records', () => {
    const record = { ...act('a-1', 'record'), recordedCall: sid('alice') } as RoomEvent;
    const { state, facts } = play(...LISTENING, [10, record], [11, updated()]);
    expect(viewRoom(state).actions).toMatchObject([{ name: 'record', callSid: 'alice' }]);
    expect(facts.slice(-2).map(toRecord)).toMatchObject([
      { action: 'record', status: 'requested', role: 'moderator', moderator: 'Alice', callSid: 'alice' },
      { action: 'record', status: 'confirmed', role: 'moderator', moderator: 'Alice', callSid: 'alice' },
    ]);
  });

  it.each(['bob', 'alice'])('and one on %s do not get in the way of each other', (call) => {
    const mute = requested({ id: 'a-2', name: 'mute', callSid: sid(call), mode: undefined });
    const record = { ...act('a-1', 'record'), recordedCall: sid('alice') } as RoomEvent;
    const { state } = play(...LISTENING, [10, record], [11, mute], [12, act('a-3', 'pause')]);
    expect(state.actions?.map(({ status }) => status)).toEqual(['failed', 'requested', 'requested']);
  });
});

describe('an action in progress', () => {
  const hold = requested({ name: 'hold', callSid: sid('bob'), mode: undefined });

  it('is never forgotten for newer ones; a room takes no more than it can keep', () => {
    const others = Array.from(
      { length: 40 },
      (_, index): Told => [11, requested({ id: `b-${index}`, name: 'join', callSid: undefined, person: `p-${index}` })],
    );
    const { state } = play(...LISTENING, [10, requested()], ...others);
    expect(state.actions).toHaveLength(30);
    expect(state.actions?.[0]).toMatchObject({ id: 'a-1', status: 'requested' });
    expect(obstacleTo(state, { name: 'end' }, START + 12_000)).toBe('busy');
  });

  it('of other kinds never keeps anybody from being muted', () => {
    const pauses = Array.from(
      { length: 40 },
      (_, index): Told => [11, requested({ id: `p-${index}`, name: 'pause', callSid: undefined, mode: undefined })],
    );
    const { state } = play(...LISTENING, ...pauses);
    expect(state.actions).toHaveLength(30);
    const now = START + 12_000;
    expect(obstacleTo(state, { name: 'mode', callSid: sid('ted'), mode: 'monitor' }, now)).toBeUndefined();
    expect(obstacleTo(state, { name: 'mute', callSid: sid('bob') }, now)).toBeUndefined();
    expect(obstacleTo(state, { name: 'remove', callSid: sid('bob') }, now)).toBeUndefined();
    expect(obstacleTo(state, { name: 'pause' }, now)).toBe('busy');
  });

  it('goes on beside one that does not undo it', () => {
    const mute = requested({ id: 'a-2', name: 'mute', callSid: sid('bob'), mode: undefined });
    const { state } = play(...LISTENING, [10, hold], [11, mute]);
    expect(state.actions).toMatchObject([
      { name: 'hold', status: 'requested' },
      { name: 'mute', status: 'requested' },
    ]);
  });

  it.each([
    ['remove', 'confirmed'],
    ['hold', 'failed'],
  ] as const)('%s is settled when the participant leaves: %s', (name, status) => {
    const { state } = play(
      ...LISTENING,
      [10, requested({ name, callSid: sid('bob'), mode: undefined })],
      [11, { kind: 'left', callSid: sid('bob'), conferenceSid: sid('cf-1'), date: START + 11_000, ageMs: 0 }],
    );
    expect(state.actions).toMatchObject([{ status }]);
  });

  it('does not concern the next stay of the call', () => {
    const { state, facts } = play(
      ...LISTENING,
      [10, requested()],
      [11, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, ageMs: 0 }],
      [12, { ...sent, stayNumber: 2, mode: 'barge' } as RoomEvent],
      joins('ted', 13),
      [14, updated({ status: 'failed', reason: 'timeout' })],
    );
    const open = state.stays.find(({ callSid, leftAt }) => callSid === 'ted' && leftAt === undefined) as SupervisorStay;
    expect(open.supervision.mode).toBe('barge');
    expect(state.actions).toMatchObject([{ status: 'failed', reason: 'left' }]);
    expect(facts.filter(({ reason }) => reason === 'timeout')).toEqual([]);
  });

  it.each<[string, Told]>([
    ['conversation-changed', joins('carol', 11, true)],
    ['muted-by-server', [11, { kind: 'mode-requested', callSid: sid('ted'), mode: 'monitor', ageMs: 0 }]],
  ])('that the server ends has a line in the trail with the reason %s', (reason, told) => {
    const { facts } = play(...LISTENING, [10, requested()], told);
    expect(facts.filter((fact) => fact.reason !== undefined)).toMatchObject([
      { kind: 'mode', mode: 'monitor', by: 'token board', reason },
    ]);
  });

  it('that asks for what is already so has a line, too', () => {
    const { facts } = play(...LISTENING, [10, requested({ mode: 'monitor' })], [11, updated()]);
    expect(lines(facts)).toEqual(['mode monitor monitor token board']);
  });

  it('that calls somebody is settled also if their call ended before it was known', () => {
    const { state } = play(
      [1, requested({ name: 'join', callSid: undefined, person: 'Ted' })],
      [2, { kind: 'call-ended', callSid: sid('ted'), ageMs: 0 }],
      [3, updated({ status: 'requested', callSid: sid('ted') })],
    );
    expect(state.actions).toMatchObject([{ status: 'failed', reason: 'left' }]);
  });
});

describe('an obstacle', () => {
  const { state } = play(...LISTENING, [10, requested({ mode: 'monitor' })]);
  const now = START + 11_000;
  const mode = { name: 'mode', callSid: sid('ted'), mode: 'barge', target: sid('alice') } as const;

  it.each<[string | undefined, WantedAction]>([
    ['busy', mode],
    [undefined, { ...mode, mode: 'monitor' }],
    [undefined, { name: 'remove', callSid: sid('ted') }],
    ['busy', { name: 'hold', callSid: sid('ted') }],
    ['not-in-room', { name: 'remove', callSid: sid('carol') }],
    ['not-a-supervisor', { ...mode, callSid: sid('bob') }],
    ['is-a-supervisor', { name: 'mute', callSid: sid('ted') }],
    [undefined, { name: 'unmute', callSid: sid('bob') }],
    [undefined, { name: 'end' }],
    [undefined, { name: 'join' }],
  ])('is %s for %j', (obstacle, wanted) => {
    expect(obstacleTo(state, wanted, now)).toBe(obstacle);
  });

  it('is another conversation than the one that was meant', () => {
    expect(obstacleTo(state, { ...mode, target: sid('carol') }, now + 20_000)).toBe('conversation-changed');
    expect(obstacleTo(state, mode, now + 20_000)).toBeUndefined();
  });

  it('ends with the action that is one', () => {
    expect(actionOn(state, sid('ted'), now)?.id).toBe('a-1');
    expect(actionOn(state, sid('ted'), now + 20_000)).toBeUndefined();
  });
});
