import { describe, expect, it } from '@jest/globals';
import { evolve } from '../../src/rooms/evolve';
import type { Fact } from '../../src/rooms/fact';
import {
  emptyRoom,
  isInConference,
  isOpen,
  type Role,
  type RoomState,
  type Stay,
  supervisorsOf,
  targetOf,
} from '../../src/rooms/room';
import type { EventOf, ObservedParticipant, RoomEvent } from '../../src/rooms/room-event';
import { roomNamed, sid } from '../support/room-stores';

const START = Date.parse('2026-01-02T10:00:00Z');

/** What happened so many seconds after the start, told at once. */
type Told = readonly [number, RoomEvent];

/** The room after these events, and its feed. */
function play(...told: Told[]): { state: RoomState; facts: Fact[] } {
  let state = emptyRoom(roomNamed('sales'));
  const facts: Fact[] = [];
  for (const [seconds, event] of told) {
    const next = evolve(state, event, START + 1_000 * seconds, { lifetimeMs: 3_600_000 });
    state = next.state;
    facts.push(...next.facts);
  }
  return { state, facts };
}

const arrives = (call: string): RoomEvent => ({ kind: 'moderator-arrived', callSid: sid(call), ageMs: 0 });
const joins = (call: string, conference: string, seconds: number, more: Partial<EventOf<'joined'>> = {}): Told => [
  seconds,
  {
    kind: 'joined',
    callSid: sid(call),
    conferenceSid: sid(conference),
    date: START + 1_000 * seconds,
    ageMs: 0,
    isModerator: false,
    ...more,
  },
];
/** The same, told so many seconds later. */
const late = ([seconds, event]: Told, by: number): Told => [
  seconds + by,
  { ...event, ageMs: event.ageMs + 1_000 * by },
];
const leaves = (call: string, conference: string, seconds: number): Told => [
  seconds,
  { kind: 'left', callSid: sid(call), conferenceSid: sid(conference), date: START + 1_000 * seconds, ageMs: 0 },
];
const sent = (more: Partial<EventOf<'supervisor-sent'>> = {}): RoomEvent => ({
  kind: 'supervisor-sent',
  callSid: sid('ted'),
  stayNumber: 1,
  name: 'Ted',
  address: '***2222',
  mode: 'barge',
  target: sid('alice'),
  ageMs: 0,
  ...more,
});
const seen = (call: string, more: Partial<ObservedParticipant> = {}): ObservedParticipant => ({
  callSid: sid(call),
  isMuted: false,
  isOnHold: false,
  coachedCall: 'nobody',
  joinAgeMs: 1_000,
  isModerator: false,
  ...more,
});
const observed = (...participants: ObservedParticipant[]): RoomEvent => ({
  kind: 'room-observed',
  conference: { sid: sid('cf-1') },
  participants,
  ageMs: 0,
});
const AGENT = { isModerator: true };
const TED_IN_CF1 = { callSid: sid('ted'), conferenceSid: sid('cf-1') };
const ALICE_IN: Told[] = [[0, arrives('alice')], joins('alice', 'cf-1', 1, AGENT)];
const stayOf = (state: RoomState, call: string) => state.stays.findLast(({ callSid }) => callSid === call) as Stay;
const kinds = (facts: readonly Fact[], call: string) =>
  facts.filter(({ callSid }) => callSid === call).map(({ kind, stayNumber }) => `${kind} ${stayNumber ?? '-'}`);

describe('a supervisor', () => {
  it('who looks like a caller in the callback becomes a supervisor when REST shows the coaching', () => {
    const { state } = play(...ALICE_IN, joins('ted', 'cf-1', 3), [
      6,
      observed(seen('alice', AGENT), seen('ted', { person: { role: 'supervisor', name: 'Ted' } })),
    ]);
    expect(stayOf(state, 'ted')).toMatchObject({ role: 'supervisor', name: 'Ted' });
  });

  it('whom REST shows first gets a name in the feed as soon as it is known, and so does the agent', () => {
    const ted = seen('ted', { coachedCall: sid('alice') });
    const known = (participant: ObservedParticipant, role: Role, name: string): RoomEvent => ({
      kind: 'participant-observed',
      conferenceSid: sid('cf-1'),
      participant: { ...participant, person: { role, name, address: `***${name}` } },
      ageMs: 0,
    });
    const { facts } = play(
      [3, observed(seen('alice', AGENT), ted)],
      [4, known(ted, 'supervisor', 'Ted')],
      [5, known(seen('alice', AGENT), 'moderator', 'Alice')],
      [6, known(ted, 'supervisor', 'Ted')],
    );
    expect(facts.map(({ kind, name, moderatorName }) => [kind, name, moderatorName])).toEqual([
      ['joined', undefined, undefined],
      ['joined', undefined, undefined],
      ['identified', 'Ted', undefined],
      ['identified', 'Alice', undefined],
      ['mode', 'Ted', 'Alice'],
    ]);
  });

  it('whose document is lost has a reported mode from when REST shows it, and no earlier', () => {
    const ted = seen('ted', { coachedCall: sid('alice'), joinAgeMs: 600_000 });
    const { facts } = play([700, { ...observed(seen('alice', { ...AGENT, joinAgeMs: 650_000 }), ted), ageMs: 100 }]);
    expect(facts.map(({ callSid, kind, at }) => [callSid, kind, at - START])).toEqual([
      ['alice', 'joined', 49_900],
      ['ted', 'joined', 699_900],
    ]);
  });

  it('joins once in the feed, although REST showed them before their document was known', () => {
    const coaching = seen('ted', { coachedCall: sid('alice') });
    const { facts } = play(...ALICE_IN, [6, observed(seen('alice', AGENT), coaching)], leaves('ted', 'cf-1', 8), [
      9,
      sent({ mode: 'coach', ageMs: 6_000 }),
    ]);
    expect(kinds(facts, 'ted')).toEqual(['joined -', 'left -']);
  });

  it('who joins after another agent gets the mode monitor, and a fact', () => {
    const { facts } = play(
      ...ALICE_IN,
      [2, sent()],
      joins('carol', 'cf-1', 3, AGENT),
      joins('ted', 'cf-1', 4, { isMuted: false, coachedCall: 'nobody' }),
    );
    const told = facts
      .filter(({ callSid }) => callSid === 'ted')
      .map(({ kind, mode, heard, target }) => [kind, mode, heard, target]);
    expect(told).toEqual([
      ['arrived', 'barge', 'unknown', 'alice'],
      ['joined', 'barge', 'barge', 'alice'],
      ['mode', 'monitor', 'unknown', 'carol'],
    ]);
  });

  it('keeps the mode that REST reported after the agent left, although the leave is told late', () => {
    const [, left] = leaves('alice', 'cf-1', 5);
    const { facts } = play(
      ...ALICE_IN,
      [2, sent()],
      [6, observed(seen('alice', AGENT), seen('ted'))],
      [9, { ...left, ageMs: 4_000 }],
    );
    expect(facts.at(-1)).toMatchObject({ kind: 'mode', mode: 'monitor', heard: 'barge', at: START + 6_000 });
  });

  it('whom REST shows coaching a caller is in the feed with that call, as coaching the wrong one', () => {
    const coaching = (call: string) =>
      observed(seen('alice', AGENT), seen('bob'), seen('ted', { coachedCall: sid(call), joinAgeMs: 500 }));
    const { facts } = play(
      ...ALICE_IN,
      joins('bob', 'cf-1', 2),
      [3, sent({ mode: 'coach' })],
      joins('ted', 'cf-1', 4, { isMuted: false, coachedCall: sid('alice') }),
      [7, coaching('bob')],
      [9, coaching('alice')],
    );
    const told = facts.filter(({ callSid, kind }) => callSid === 'ted' && kind !== 'arrived');
    expect(told.map(({ kind, heard, target, coachesWrongCall }) => [kind, heard, target, coachesWrongCall])).toEqual([
      ['joined', 'coach', 'alice', undefined],
      ['mode', 'coach', 'bob', true],
      ['mode', 'coach', 'alice', undefined],
    ]);
  });

  it('keeps the reported mode when an older event comes', () => {
    const [, join] = joins('carol', 'cf-1', 6, AGENT);
    const { facts } = play(
      ...ALICE_IN,
      [2, sent()],
      joins('ted', 'cf-1', 4, { isMuted: false, coachedCall: 'nobody' }),
      [8, { kind: 'muted', ...TED_IN_CF1, date: START + 8_000, ageMs: 0, isMuted: true }],
      [10, { ...join, ageMs: 4_000 }],
    );
    expect(facts.at(-1)).toMatchObject({ kind: 'mode', heard: 'monitor', target: 'carol', at: START + 8_000 });
  });

  it('is in the feed with the agent who still hears them, until muted', () => {
    const coaching = (isMuted: boolean) =>
      observed(seen('alice', AGENT), seen('carol', AGENT), seen('ted', { isMuted, coachedCall: sid('alice') }));
    const { facts } = play(
      [0, { ...arrives('alice'), name: 'Alice' } as RoomEvent],
      joins('alice', 'cf-1', 1, AGENT),
      [2, sent({ mode: 'coach', moderatorName: 'Alice' })],
      joins('ted', 'cf-1', 3, { isMuted: false, coachedCall: sid('alice') }),
      [4, { ...arrives('carol'), name: 'Carol' } as RoomEvent],
      joins('carol', 'cf-1', 5, AGENT),
      [7, coaching(false)],
      [9, coaching(false)],
      [11, coaching(true)],
    );
    const told = facts.filter(({ callSid, kind }) => callSid === 'ted' && kind === 'mode');
    expect(told.map(({ mode, heard, target, moderatorName }) => [mode, heard, target, moderatorName])).toEqual([
      ['monitor', 'unknown', 'carol', 'Carol'],
      ['monitor', 'coach', 'alice', 'Alice'],
      ['monitor', 'monitor', 'carol', 'Carol'],
    ]);
  });

  it('has facts in the order of events, although callbacks are cut to the second and REST is slow', () => {
    const [, leave] = leaves('carol', 'cf-1', 3);
    const muted = { callSid: sid('ted'), conferenceSid: sid('cf-1'), date: START + 3_000, isMuted: true };
    const [, out] = leaves('ted', 'cf-1', 6);
    const { facts } = play(
      ...ALICE_IN,
      [1.6, arrives('carol')],
      joins('carol', 'cf-1', 1.8, AGENT),
      [2, sent({ target: sid('carol') })],
      joins('ted', 'cf-1', 2.4),
      [3.1, observed(seen('alice', AGENT), seen('carol', AGENT), seen('ted'))],
      [3.8, { ...leave, ageMs: 800 }],
      [3.85, { ...muted, kind: 'muted', ageMs: 850 }],
      [
        6.7,
        { ...observed(seen('alice', AGENT), seen('ted', { isMuted: false, coachedCall: sid('carol') })), ageMs: 600 },
      ],
      [6.8, { ...out, ageMs: 800 }],
    );
    const told = facts.filter(({ callSid }) => callSid === 'ted');
    expect(told.map(({ kind, mode, heard, at }) => [kind, mode, heard, at - START])).toEqual([
      ['arrived', 'barge', 'unknown', 2_000],
      ['joined', 'barge', 'unknown', 2_400],
      ['mode', 'barge', 'barge', 3_100],
      ['mode', 'monitor', 'unknown', 3_800],
      ['mode', 'monitor', 'coach', 6_100],
      ['left', 'monitor', 'coach', 6_800],
    ]);
  });

  it('is heard nobody knows how, if a callback contradicts what REST showed in the same second', () => {
    const about = { callSid: sid('ted'), conferenceSid: sid('cf-1'), date: START + 6_000 };
    const mute = (second: number): Told => [
      second,
      { ...about, kind: 'muted', isMuted: true, ageMs: second * 1_000 - 6_000 },
    ];
    const unmute = (second: number): Told => [
      second,
      { ...about, kind: 'unmuted', isMuted: false, ageMs: second * 1_000 - 6_000 },
    ];
    const heardAfter = (...more: Told[]) => {
      const shown = observed(seen('alice', AGENT), seen('ted', { isMuted: false, coachedCall: 'nobody' }));
      const { state } = play(...ALICE_IN, [2, sent({ mode: 'barge' })], joins('ted', 'cf-1', 4), [6.3, shown], ...more);
      return supervisorsOf(state).map(({ supervision }) => supervision.heard);
    };
    expect(heardAfter()).toEqual(['barge']);
    expect(heardAfter(mute(8))).toEqual(['unknown']);
    expect(heardAfter(mute(8), unmute(9))).toEqual(['barge']);
    expect(heardAfter(unmute(8), mute(9))).toEqual(['unknown']);
    // The same callbacks again do not decide it.
    expect(heardAfter(mute(8), mute(9))).toEqual(['unknown']);
    expect(heardAfter(mute(8), unmute(9), mute(10))).toEqual(['unknown']);
    // A second later it is no longer in doubt.
    expect(heardAfter([8, { ...about, kind: 'muted', isMuted: true, date: START + 7_000, ageMs: 1_000 }])).toEqual([
      'monitor',
    ]);
  });

  it.each<[string, Told[]]>([
    ['has come back, and is not in yet', [[6, arrives('alice')]]],
    ['has come back to another conference', [[6, arrives('alice')], joins('alice', 'cf-2', 7, AGENT)]],
  ])('does not go on in their mode with an agent who %s', (_what, more) => {
    const { state } = play(...ALICE_IN, [2, sent()], joins('ted', 'cf-1', 4, { isMuted: false }), ...more);
    const present = supervisorsOf(state).map(({ supervision }) => supervision.mode);
    expect(present).not.toContain('barge');
  });

  it.each<[string, Told[], string]>([
    ['coach', [joins('ted', 'cf-1', 6, { isMuted: false, coachedCall: sid('alice') })], 'coach'],
    ['barge', [joins('ted', 'cf-1', 6, { isMuted: false, coachedCall: 'nobody' })], 'barge'],
    [
      'coach, reported otherwise since',
      [
        joins('ted', 'cf-1', 6, { isMuted: false, coachedCall: 'nobody' }),
        [8, { kind: 'unmuted', ...TED_IN_CF1, date: START + 8_000, ageMs: 0, coachedCall: sid('alice') }],
      ],
      'coach',
    ],
  ])('whose join is known before their document is confirmed: %s', (_mode, told, heard) => {
    const document = late([5, sent({ mode: heard as 'coach' })], 4);
    const { state, facts } = play(...ALICE_IN, ...told, document);
    expect(facts.findLast(({ callSid }) => callSid === 'ted')).toMatchObject({ kind: 'joined', mode: heard, heard });
    expect(stayOf(state, 'ted').coachedCall).toBeUndefined();
  });

  it('whose join is told after the leave has the mode that the join reports', () => {
    const { facts } = play(
      ...ALICE_IN,
      [5, sent()],
      leaves('ted', 'cf-1', 20),
      late(joins('ted', 'cf-1', 6, { isMuted: false, coachedCall: 'nobody' }), 16),
    );
    expect(facts.at(-1)).toMatchObject({ kind: 'joined', mode: 'barge', heard: 'barge', at: START + 6_000 });
  });

  it('names in the join the callers who had entered in an earlier second, and no later ones', () => {
    const { facts } = play(
      joins('bob', 'cf-1', 1),
      ...ALICE_IN,
      [3, sent()],
      joins('carol', 'cf-1', 4),
      joins('ted', 'cf-1', 4),
    );
    const join = facts.find(({ kind, role }) => kind === 'joined' && role === 'supervisor');
    expect(join?.callers).toEqual(['bob']);
  });

  it('does not count a colleague as a caller who joined before their document was known', () => {
    const { state } = play(
      ...ALICE_IN,
      [2, sent()],
      joins('ted', 'cf-1', 3),
      joins('carol', 'cf-1', 5),
      joins('bob', 'cf-1', 6),
      [7, sent({ callSid: sid('carol'), name: 'Carol', ageMs: 2_500 })],
    );
    expect(stayOf(state, 'ted').supervision?.callers).toEqual(['bob']);
  });
});

describe('what REST shows of', () => {
  const REDIALLED: Told[] = [
    ...ALICE_IN,
    [20, { kind: 'dial-ended', callSid: sid('alice'), ageMs: 0 }],
    [20, { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 0 }],
    [22, arrives('alice')],
  ];
  const ended: RoomEvent = { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 0 };
  const listed = (seconds: number): Told => [
    seconds,
    observed(seen('alice', { ...AGENT, joinAgeMs: 1_000 * seconds - 1_000 }), seen('bob')),
  ];

  it('an earlier stay does not make the next one join', () => {
    const shown: RoomEvent = {
      kind: 'participant-observed',
      conferenceSid: sid('cf-1'),
      participant: seen('ted', { joinAgeMs: 13_500 }),
      ageMs: 5_000,
    };
    const { state, facts } = play(
      ...ALICE_IN,
      [5, sent()],
      joins('ted', 'cf-1', 6, { isMuted: false, coachedCall: 'nobody' }),
      [20, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, ageMs: 0 }],
      [24, sent({ stayNumber: 2, mode: 'monitor' })],
      [24.5, shown],
    );
    expect(kinds(facts, 'ted')).toEqual(['arrived 1', 'joined 1', 'left 1', 'arrived 2']);
    expect(stayOf(state, 'ted').supervision?.heard).toBe('unknown');
  });

  it('an ended conference makes nobody join', () => {
    const { state } = play(...REDIALLED, listed(22.9));
    expect(state.stays.filter(isInConference)).toEqual([]);
    expect(state.conference).toBeUndefined();
  });

  it.each<[string, RoomEvent]>([
    ['list', observed(seen('alice', AGENT), seen('ted', { coachedCall: sid('alice') }))],
    [
      'reading',
      {
        kind: 'participant-observed',
        conferenceSid: sid('cf-1'),
        participant: seen('ted', { coachedCall: sid('alice') }),
        ageMs: 0,
      },
    ],
  ])('an ended conference in a later %s is supervised again', (_what, shown) => {
    const { state } = play(...ALICE_IN, joins('ted', 'cf-1', 3), [20, ended], [23, shown]);
    expect(state).toMatchObject({ conference: { sid: 'cf-1' }, ended: [] });
    expect(supervisorsOf(state)).toMatchObject([{ callSid: 'ted', conferenceSid: 'cf-1' }]);
  });

  it('an ended conference without participants revives nothing', () => {
    expect(play(...ALICE_IN, [20, ended], [30, observed()]).state).toMatchObject({
      conference: undefined,
      ended: [{ sid: 'cf-1' }],
    });
  });

  it('an ended conference ends no stay in the next one', () => {
    const { state } = play(...REDIALLED, joins('alice', 'cf-2', 23, AGENT), listed(24));
    expect(targetOf(state)).toMatchObject({ callSid: 'alice', conferenceSid: 'cf-2' });
  });

  it('another conference ends no younger stay', () => {
    const { state } = play(
      ...ALICE_IN,
      [20, { kind: 'dial-ended', callSid: sid('alice'), ageMs: 0 }],
      [22, arrives('alice')],
      joins('alice', 'cf-2', 23, AGENT),
      [25, { ...observed(seen('alice', AGENT)), ageMs: 2_100 }],
    );
    expect(targetOf(state)).toMatchObject({ callSid: 'alice', conferenceSid: 'cf-2' });
  });
});

describe('an agent whose join callback does not say that they are one', () => {
  const FLAGLESS = joins('alice', 'cf-1', 4, { isModerator: undefined });
  const named = { ...arrives('alice'), name: 'Alice' } as RoomEvent;

  it.each<[string, Told[]]>([
    ['when they arrive in time', [[3, named], FLAGLESS, leaves('alice', 'cf-1', 8)]],
    ['when they arrive after their join', [FLAGLESS, late([3, named], 2), leaves('alice', 'cf-1', 8)]],
    ['when they arrive after their leave', [FLAGLESS, leaves('alice', 'cf-1', 8), late([3, named], 6)]],
    [
      'once, however often they arrive',
      [FLAGLESS, late([3, named], 2), leaves('alice', 'cf-1', 8), late([3, named], 6)],
    ],
  ])('is in the feed %s', (_when, told) => {
    const { facts } = play(...told);
    const of = facts.map(({ kind, role, name, at }) => [kind, role, name, at - START]);
    expect(of).toEqual([
      ['joined', 'moderator', 'Alice', 4_000],
      ['left', 'moderator', 'Alice', 8_000],
    ]);
  });

  it('is no longer counted as a caller once the late arrival is told', () => {
    const { state } = play(
      [0, arrives('carol')],
      joins('carol', 'cf-1', 1, AGENT),
      [2, sent({ target: sid('carol') })],
      joins('ted', 'cf-1', 3),
      FLAGLESS,
      leaves('alice', 'cf-1', 8),
      late([3, named], 6),
    );
    expect(stayOf(state, 'ted').supervision?.callers).toEqual([]);
  });
});

it('an arrival told again belongs to the stay it began, though the call is known to be over since', () => {
  const { facts } = play(
    ...ALICE_IN,
    leaves('alice', 'cf-1', 10),
    [21, { kind: 'call-ended', callSid: sid('alice'), ageMs: 0 }],
    late([0, arrives('alice')], 22),
  );
  expect(facts.map(({ kind }) => kind)).toEqual(['joined', 'left']);
});

describe('coaching that failed', () => {
  const refused = (ageMs: number): RoomEvent => ({
    kind: 'dial-ended',
    callSid: sid('ted'),
    stayNumber: 1,
    coachingFailed: true,
    ageMs,
  });
  const SENT: Told[] = [...ALICE_IN, [2, sent({ mode: 'coach' })]];
  const coachingFailedAt = (...told: Told[]) => targetOf(play(...told).state)?.coachingFailedAt;

  it('counts until somebody joins', () => {
    expect(coachingFailedAt(...SENT, [3, refused(0)])).toBe(START + 3_000);
    expect(coachingFailedAt(...SENT, [3, refused(0)], joins('bob', 'cf-1', 5))).toBeUndefined();
  });

  it.each<[string, Told[]]>([
    ['told again', [[3, refused(0)], joins('bob', 'cf-1', 5), [6, refused(3_000)]]],
    ['told late', [joins('bob', 'cf-1', 5), [6, refused(3_000)]]],
    [
      'told late, of somebody who has left since',
      [joins('bob', 'cf-1', 5), leaves('bob', 'cf-1', 6), [7, refused(4_000)]],
    ],
  ])('does not undo help that came after it: %s', (_how, told) => {
    expect(coachingFailedAt(...SENT, ...told)).toBeUndefined();
  });

  it('does not undo the join of the target', () => {
    const early: Told[] = [
      [0, arrives('alice')],
      [2, sent({ mode: 'coach' })],
      [3, refused(0)],
    ];
    expect(coachingFailedAt(...early, joins('alice', 'cf-1', 5, AGENT), [6, refused(3_000)])).toBeUndefined();
  });

  it.each<[string, Told[]]>([
    ['before it', [joins('bob', 'cf-1', 4), [6, refused(0)]]],
    ['before it, and is told late', [[6, refused(0)], late(joins('bob', 'cf-1', 4), 4)]],
  ])('is not undone by somebody who joined %s', (_when, told) => {
    expect(coachingFailedAt(...SENT, ...told)).toBe(START + 6_000);
  });

  it.each<[string, RoomEvent, number | undefined]>([
    ['two participants', observed(seen('alice', AGENT), seen('bob', { joinAgeMs: 7_000 })), undefined],
    ['the target alone', observed(seen('alice', AGENT)), START + 6_000],
    [
      'two participants, asked before it',
      { ...observed(seen('alice', AGENT), seen('bob')), ageMs: 4_000 },
      START + 6_000,
    ],
  ])('counts after REST has listed %s', (_whom, list, expected) => {
    expect(coachingFailedAt(...SENT, joins('bob', 'cf-1', 3), [6, refused(0)], [9, list])).toBe(expected);
  });
});

it.each<[string, Told[]]>([
  [
    'is told before',
    [joins('ted', 'cf-1', 3), [9, { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 0 }]],
  ],
  ['is told after', [[9, { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 0 }], joins('ted', 'cf-1', 3)]],
])('an end known by that of the conference alone is inferred: the join %s', (_when, more) => {
  const { facts } = play(...ALICE_IN, [2, sent()], ...more);
  expect(facts.filter(({ callSid }) => callSid === 'ted').at(-1)).toMatchObject({ kind: 'left', source: 'inferred' });
});

it('a late join of a forgotten stay does not belong to a later one that REST shows', () => {
  const [[, join], [, next]] = [joins('ted', 'cf-1', 2), joins('ted', 'cf-1', 19)];
  const { facts } = play(
    [20, { ...join, ageMs: 18_000 }],
    [22, observed(seen('alice', AGENT), seen('ted', { coachedCall: sid('alice'), joinAgeMs: 3_000 }))],
    [23, { ...next, ageMs: 4_000 }],
  );
  expect(facts.filter(({ callSid }) => callSid === 'ted')).toMatchObject([{ kind: 'joined', at: START + 22_000 }]);
});

it('the late join of a stay whose mode has changed does not belong to the next one', () => {
  const [, join] = joins('ted', 'cf-1', 2, { isMuted: false });
  const { facts } = play(
    ...ALICE_IN,
    [2, sent({ mode: 'barge' })],
    [2.3, observed(seen('alice', AGENT), seen('ted', { joinAgeMs: 200 }))],
    [2.4, { kind: 'mode-requested', callSid: sid('ted'), mode: 'monitor', ageMs: 0 }],
    [2.5, sent({ stayNumber: 2, mode: 'monitor' })],
    [9, { ...join, ageMs: 7_000 }],
  );
  expect(kinds(facts, 'ted').filter((line) => line.endsWith('2'))).toEqual(['arrived 2']);
});

it('an agent whom REST shows to have joined again is still the target', () => {
  const { state } = play(joins('alice', 'cf-1', 2, AGENT), [20, observed(seen('alice', { ...AGENT, joinAgeMs: 500 }))]);
  expect(targetOf(state)).toMatchObject({ callSid: 'alice', joinedAt: START + 19_500 });
});

it('a conference that ended in the second of a document may be the one that it led to', () => {
  const [, join] = joins('ted', 'cf-1', 2);
  const { facts } = play(
    ...ALICE_IN,
    [2.9, sent()],
    [4, { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 2_000 }],
    [9, { ...join, ageMs: 7_000 }],
  );
  expect(kinds(facts, 'ted')).toEqual(['arrived 1', 'joined 1', 'left 1']);
});

it('a target that could not be coached before its document was known is not used again until it joins', () => {
  const { state } = play(
    [0, arrives('ghost')],
    [3, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, coachingFailed: true, ageMs: 0 }],
    [4, sent({ mode: 'coach', target: sid('ghost'), ageMs: 3_000 })],
  );
  expect(targetOf(state)).toBeUndefined();
});

it('of many arrivals that nobody saw join, the latest are kept, and the target is among them', () => {
  const moderators = Array.from({ length: 100 }, (_, index): Told => [index, arrives(`agent-${index}`)]);
  const supervisors = Array.from(
    { length: 100 },
    (_, index): Told => [index + 100, sent({ callSid: sid(`ted-${index}`), target: sid('agent-99') })],
  );
  const { state } = play(joins('alice', 'c1', 0, { isModerator: true }), ...moderators, ...supervisors);
  expect(targetOf(state)?.callSid).toBe('alice');
  // The twenty before the last arrival, and that one.
  expect(state.stays.filter(({ callSid }) => callSid.startsWith('agent-'))).toHaveLength(20);
  expect(supervisorsOf(state).map(({ callSid }) => callSid)).toEqual(
    Array.from({ length: 21 }, (_, index) => `ted-${index + 79}`),
  );
  expect(targetOf({ stays: state.stays.filter(({ callSid }) => callSid !== 'alice') })?.callSid).toBe('agent-99');
});

it('a moderator who left is remembered, however many callers left since', () => {
  const callers = Array.from({ length: 300 }, (_, index) => `bob-${index}`);
  const { state } = play(
    ...ALICE_IN,
    ...callers.map((call) => joins(call, 'cf-1', 2)),
    leaves('alice', 'cf-1', 10),
    ...callers.map((call) => leaves(call, 'cf-1', 11)),
    [20, { ...arrives('alice'), ageMs: 19_500 }],
  );
  expect(state.stays.filter(isOpen)).toEqual([]);
});

it('an old document does not restore its target', () => {
  const { state } = play([0, sent({ ageMs: 50_000 })]);
  expect(targetOf(state)).toBeUndefined();
});

describe('a target that REST set', () => {
  const retargeted = (more: Partial<EventOf<'target-set'>> = {}): RoomEvent => ({
    kind: 'target-set',
    callSid: sid('ted'),
    target: sid('alice'),
    ageMs: 0,
    ...more,
  });
  const setAt = ({ state }: { state: RoomState }) => stayOf(state, 'ted').supervision?.targetSetAt;
  const COACHED: Told[] = [...ALICE_IN, [2, sent({ mode: 'coach' })], joins('ted', 'cf-1', 3)];

  it('is remembered by when that was', () => {
    expect(setAt(play(...COACHED))).toBeUndefined();
    expect(setAt(play(...COACHED, [9, retargeted({ ageMs: 1_000 })]))).toBe(START + 8_000);
  });

  it('covers whoever was known when that began, though the store counts whole milliseconds', () => {
    const { state } = play(...COACHED, joins('bob', 'cf-1', 9), [9.005, { ...retargeted({ ageMs: 5.7 }) }]);
    expect(stayOf(state, 'bob').joinKnownAt).toBe(START + 9_000);
    expect(stayOf(state, 'ted').supervision?.targetSetAt).toBe(START + 9_000);
  });

  it('is the latest one that was told, in whatever order', () => {
    const told: Told[] = [
      [9, retargeted({ ageMs: 1_000 })],
      [10, retargeted({ ageMs: 5_000 })],
    ];
    expect(setAt(play(...COACHED, ...told))).toBe(START + 8_000);
  });

  it.each<[string, Told[]]>([
    ['of another target', [[9, retargeted({ target: sid('carol') })]]],
    [
      'of an earlier stay',
      [
        [5, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, ageMs: 0 }],
        [6, sent({ mode: 'coach', stayNumber: 2 })],
        joins('ted', 'cf-1', 7),
        [9, retargeted({ ageMs: 4_500 })],
      ],
    ],
  ])('%s does not count', (_which, more) => {
    expect(setAt(play(...COACHED, ...more))).toBeUndefined();
  });
});

describe('a moderator who was told of a supervisor', () => {
  const told = (more: Partial<EventOf<'moderator-told'>> = {}): RoomEvent => ({
    kind: 'moderator-told',
    callSid: sid('ted'),
    target: sid('alice'),
    ageMs: 0,
    ...more,
  });
  const COACHED: Told[] = [...ALICE_IN, [2, sent({ mode: 'coach' })], joins('ted', 'cf-1', 3)];

  it('is in the feed, dated by the request to REST', () => {
    const { facts } = play(...COACHED, [9, told({ ageMs: 1_000 })]);
    expect(facts.at(-1)).toMatchObject({
      kind: 'told',
      at: START + 8_000,
      role: 'supervisor',
      callSid: 'ted',
      target: 'alice',
      source: 'rest',
    });
  });

  it('is in the feed once for each notice, however often its write is repeated', () => {
    const { facts } = play(
      ...COACHED,
      [9, told({ ageMs: 1_000 })],
      [12, told({ ageMs: 4_000 })],
      [20, told()],
      [21, told({ target: sid('carol') })],
    );
    expect(facts.filter(({ kind }) => kind === 'told').map(({ at, target }) => [at - START, target])).toEqual([
      [8_000, 'alice'],
      [20_000, 'alice'],
      [21_000, 'carol'],
    ]);
  });

  it('is in the feed also if the supervisor has left meanwhile, and not without a supervisor', () => {
    const { facts } = play(...COACHED, leaves('ted', 'cf-1', 8), [9, told()], [10, told({ callSid: sid('bob') })]);
    expect(facts.slice(-2).map(({ kind }) => kind)).toEqual(['left', 'told']);
  });
});

it('the feed says that the server itself muted a supervisor, through REST', () => {
  const { facts } = play(...ALICE_IN, [2, sent()], joins('ted', 'cf-1', 3), [
    5,
    { kind: 'mode-requested', callSid: sid('ted'), mode: 'monitor', ageMs: 0 },
  ]);
  expect(facts.at(-1)).toMatchObject({ kind: 'mode', mode: 'monitor', source: 'rest' });
});

describe('a call that comes back', () => {
  it('as a supervisor by the same document begins another stay', () => {
    const { state, facts } = play(
      ...ALICE_IN,
      [2, sent()],
      joins('ted', 'cf-1', 3),
      leaves('ted', 'cf-1', 6),
      [9, sent()],
      joins('ted', 'cf-1', 10),
    );
    expect(stayOf(state, 'ted')).toMatchObject({ role: 'supervisor', supervision: { stayNumber: 1 } });
    expect(kinds(facts, 'ted')).toEqual(['arrived 1', 'joined 1', 'left 1', 'arrived 1', 'joined 1']);
  });

  it('as a supervisor by the same document is heard in each stay as its own lines say', () => {
    const [, leave] = leaves('ted', 'cf-1', 8);
    const [, join] = joins('ted', 'cf-1', 10, { isMuted: true });
    const { facts } = play(
      ...ALICE_IN,
      [2, sent()],
      joins('ted', 'cf-1', 3, { isMuted: false, coachedCall: 'nobody' }),
      [9, sent({ mode: 'monitor' })],
      [9.5, { ...leave, ageMs: 1_500 }],
      [10.5, { ...join, ageMs: 500 }],
    );
    const told = facts.filter(({ callSid }) => callSid === 'ted');
    expect(told.map(({ kind, mode, heard }) => [kind, mode, heard])).toEqual([
      ['arrived', 'barge', 'unknown'],
      ['joined', 'barge', 'barge'],
      ['left', 'barge', 'barge'],
      ['arrived', 'monitor', 'unknown'],
      ['joined', 'monitor', 'monitor'],
    ]);
  });

  it('and was followed into the conference by REST alone begins a stay with its next document', () => {
    const { facts } = play(
      ...ALICE_IN,
      [3, observed(seen('alice', AGENT), seen('ted', { coachedCall: sid('alice'), joinAgeMs: 400 }))],
      [3.2, sent({ stayNumber: 1_001 })],
    );
    expect(kinds(facts, 'ted')).toEqual(['joined -', 'left -', 'arrived 1001']);
    expect(facts.map(({ kind, name }) => [kind, name])).toContainEqual(['left', 'Ted']);
  });

  const ends = (stayNumber: number, seconds: number): Told => [
    seconds,
    { kind: 'dial-ended', callSid: sid('ted'), stayNumber, ageMs: 0 },
  ];
  it.each<[string, Told[]]>([
    [
      'second',
      [
        joins('ted', 'cf-1', 10),
        leaves('ted', 'cf-1', 18),
        ends(1, 18),
        ends(2, 28),
        late([6, sent()], 25),
        late([30, sent({ stayNumber: 3 })], 2),
        late(joins('ted', 'cf-1', 24), 9),
        late(leaves('ted', 'cf-1', 28), 6),
        late([22, sent({ stayNumber: 2 })], 13),
      ],
    ],
    [
      'first',
      [
        leaves('ted', 'cf-1', 10),
        ends(1, 10),
        ends(2, 28),
        late([22, sent({ stayNumber: 2 })], 7),
        [30, sent({ stayNumber: 3 })],
        late(joins('ted', 'cf-1', 8), 23),
        late([6, sent()], 26),
        late(joins('ted', 'cf-1', 24), 9),
        late(leaves('ted', 'cf-1', 28), 6),
      ],
    ],
  ])('has not joined a third time, whatever came of the %s, whose document was late', (_which, told) => {
    const { state } = play(...ALICE_IN, ...told);
    const later = state.stays.filter(({ supervision }) => (supervision?.stayNumber ?? 0) > 1);
    expect(later.map((stay) => [stay.supervision?.stayNumber, isOpen(stay), stay.joinDate])).toEqual([
      [2, false, START + 24_000],
      [3, true, undefined],
    ]);
  });

  it('does not join again by what REST showed before', () => {
    const { facts } = play(
      ...ALICE_IN,
      [2, sent()],
      joins('ted', 'cf-1', 3),
      [6, sent({ stayNumber: 2 })],
      [7, { kind: 'participant-observed', conferenceSid: sid('cf-1'), participant: seen('ted'), ageMs: 1_500 }],
    );
    expect(kinds(facts, 'ted')).toEqual(['arrived 1', 'joined 1', 'left 1', 'arrived 2']);
  });

  it.each<[string, Told[], string[]]>([
    [
      'REST knew of it',
      [
        [2, sent()],
        [2.4, observed(seen('alice', AGENT), seen('ted', { joinAgeMs: 300 }))],
        [2.6, sent({ stayNumber: 2 })],
      ],
      ['arrived 1', 'joined 1', 'left 1', 'arrived 2'],
    ],
    [
      'the conference is over',
      [
        [2, sent()],
        [2.4, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, ageMs: 0 }],
        [2.5, { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 0 }],
        [2.6, sent({ stayNumber: 2 })],
      ],
      ['arrived 1', 'left 1', 'arrived 2', 'joined 1'],
    ],
    [
      'it was refused since',
      [
        [2, sent()],
        joins('ted', 'cf-1', 2),
        leaves('ted', 'cf-1', 2),
        [30, sent({ stayNumber: 2 })],
        [31, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 2, coachingFailed: true, ageMs: 0 }],
      ],
      ['arrived 1', 'joined 1', 'left 1', 'arrived 2', 'left 2'],
    ],
    [
      'both have ended',
      [
        [2, sent()],
        [2.4, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, ageMs: 0 }],
        [2.5, sent({ stayNumber: 2 })],
        [9, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 2, coachingFailed: true, ageMs: 0 }],
      ],
      ['arrived 1', 'left 1', 'arrived 2', 'left 2', 'joined 1'],
    ],
  ])('is not let in again by the late join of its first stay: %s', (_when, first, expected) => {
    const [, join] = joins('ted', 'cf-1', 2);
    const { facts } = play(...ALICE_IN, ...first, [40, { ...join, ageMs: 38_000 }]);
    expect(kinds(facts, 'ted')).toEqual(expected);
  });

  it.each([[['coach', 'monitor']], [['monitor', 'coach']]])(
    'in the second in which it left joins each stay with its own late callback, whichever comes first: %j',
    (order) => {
      const late = order.map((mode, index): Told => {
        const [, join] = joins('ted', 'cf-1', 2, { isMuted: mode === 'monitor' });
        return [3 + index / 10, { ...join, ageMs: 1_000 + index * 100 }];
      });
      const { facts } = play(
        ...ALICE_IN,
        [2.1, sent({ mode: 'coach' })],
        [2.3, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, ageMs: 0 }],
        [2.6, sent({ mode: 'monitor', stayNumber: 2 })],
        ...late,
      );
      const joined = facts.filter(({ kind, role }) => kind === 'joined' && role === 'supervisor');
      expect(joined.map(({ stayNumber, at }) => [stayNumber, at - START]).sort()).toEqual([
        [1, 2_100],
        [2, 2_600],
      ]);
    },
  );

  it('does not take its mode from a late callback of the stay before', () => {
    const { state } = play(
      ...ALICE_IN,
      [2, sent()],
      joins('ted', 'cf-1', 3),
      [6, sent({ stayNumber: 2 })],
      [8, { kind: 'muted', ...TED_IN_CF1, date: START + 6_000, ageMs: 1_950, isMuted: true }],
    );
    expect(stayOf(state, 'ted').supervision).toMatchObject({ stayNumber: 2, heard: 'unknown' });
  });

  it('takes its mode from REST only when the list cannot show the stay before', () => {
    const list = observed(seen('alice', AGENT), seen('ted'));
    const before = [
      ...ALICE_IN,
      [2, sent()],
      joins('ted', 'cf-1', 3, { isMuted: false }),
      leaves('ted', 'cf-1', 6),
      [6.2, sent({ stayNumber: 2, mode: 'monitor' })],
      joins('ted', 'cf-1', 6.4, { isMuted: true }),
    ] as Told[];
    const heardAfter = (...more: Told[]) => stayOf(play(...before, ...more).state, 'ted').supervision?.heard;
    expect(heardAfter([7.8, list])).toBe('monitor');
    expect(heardAfter([7.8, list], [10.3, list])).toBe('barge');
  });

  describe('joins, though the server’s clock is 5 s ahead of the Space’s', () => {
    /** A callback seems older than it is. */
    const skewed = ([seconds, event]: Told): Told => [seconds, { ...event, ageMs: 5_000 }];
    const dial = (call: string, number?: number): Told => [
      30.1,
      { kind: 'dial-ended', callSid: sid(call), stayNumber: number, ageMs: 0 },
    ];
    const leave = (call: string): Told => skewed(leaves(call, 'cf-1', 30));

    it.each<[string, Told[]]>([
      ['by a callback and the <Dial>', [leave('alice'), dial('alice')]],
      ['by the <Dial> and a callback', [dial('alice'), leave('alice')]],
      ['by a callback', [leave('alice')]],
    ])('an agent whose first stay was told to have ended %s', (_how, ended) => {
      const first: Told[] = [[0, arrives('alice')], skewed(joins('alice', 'cf-1', 1, AGENT))];
      const { state } = play(...first, ...ended, [31, arrives('alice')], skewed(joins('alice', 'cf-2', 32, AGENT)));
      expect(targetOf(state)).toMatchObject({ joinedAt: START + 31_000, conferenceSid: 'cf-2' });
    });

    it.each<[string, Told[]]>([
      ['by a callback and the <Dial>', [leave('ted'), dial('ted', 1)]],
      ['by the <Dial> and a callback', [dial('ted', 1), leave('ted')]],
    ])('a supervisor whose first stay was told to have ended %s', (_how, ended) => {
      const { state } = play(
        ...ALICE_IN,
        [2, sent()],
        skewed(joins('ted', 'cf-1', 4)),
        ...ended,
        [31, sent({ stayNumber: 2 })],
        skewed(joins('ted', 'cf-1', 32, { isMuted: true })),
      );
      expect(stayOf(state, 'ted')).toMatchObject({ joinedAt: START + 31_000, supervision: { stayNumber: 2 } });
    });
  });

  it.each<[string, Told[]]>([
    [
      'all its webhooks are late',
      [
        joins('alice', 'cf-1', 4, AGENT),
        leaves('alice', 'cf-1', 6),
        joins('alice', 'cf-2', 14, AGENT),
        late([2, arrives('alice')], 18),
      ],
    ],
    [
      'all is late that came between its first arrival and its second join',
      [
        [2, arrives('alice')],
        joins('alice', 'cf-2', 14, AGENT),
        late(joins('alice', 'cf-1', 4, AGENT), 16),
        late(leaves('alice', 'cf-1', 6), 14),
      ],
    ],
  ])('is not ended by the <Dial> of its first stay, though %s', (_what, told) => {
    const { state } = play(
      ...told,
      [21, { kind: 'dial-ended', callSid: sid('alice'), ageMs: 14_900 }],
      late([8, arrives('alice')], 14),
    );
    expect(targetOf(state)).toMatchObject({ callSid: 'alice', conferenceSid: 'cf-2' });
  });

  it.each<[string, (over: Told) => Told[]]>([
    ['told before that', (over) => [leaves('alice', 'cf-1', 10), over, late(over, 0.5)]],
    ['told after that', (over) => [over, late(over, 0.5), late(leaves('alice', 'cf-1', 10), 11.8)]],
  ])('and is over for good is not revived by a late arrival, its leave %s', (_when, told) => {
    const over: Told = [21, { kind: 'call-ended', callSid: sid('alice'), ageMs: 0 }];
    const { state } = play(...ALICE_IN, ...told(over), late([20, arrives('alice')], 2));
    expect(targetOf(state)).toBeUndefined();
  });

  it('as a supervisor is not ended by its first stay, although all of that is told after the next document', () => {
    const { state } = play(
      ...ALICE_IN,
      [20, sent({ stayNumber: 2 })],
      late(joins('ted', 'cf-1', 6), 15),
      late(leaves('ted', 'cf-1', 18), 4),
      [23, sent({ ageMs: 18_000 })],
    );
    expect(supervisorsOf(state).map(({ supervision }) => supervision.stayNumber)).toEqual([2]);
  });

  describe('as a supervisor, and whose second join is told before the end of its first stay,', () => {
    const ends = (seconds: number, stayNumber: number): Told => [
      seconds,
      { kind: 'dial-ended', callSid: sid('ted'), stayNumber, ageMs: 0 },
    ];
    const first = ends(12, 1);
    const leave = leaves('ted', 'cf-1', 12);
    const document: Told = [20, sent({ stayNumber: 2, mode: 'monitor' })];
    /** After the first document and the second join, in this order. */
    const playLate = (...told: Told[]) =>
      play(
        ...ALICE_IN,
        [14, { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 0 }],
        joins('alice', 'cf-2', 16, AGENT),
        late([8, sent()], 10),
        joins('ted', 'cf-2', 22, { isMuted: true, coachedCall: sid('alice') }),
        ...told.map((one, index) => late(one, 40 + index - one[0])),
      );

    it.each<[string, Told[]]>([
      ['leave, <Dial>, document', [leave, first, document]],
      ['leave, document, <Dial>', [leave, document, first]],
      ['<Dial>, leave, document', [first, leave, document]],
      ['<Dial>, document, leave', [first, document, leave]],
      ['document, leave, <Dial>', [document, leave, first]],
      ['document, <Dial>, leave', [document, first, leave]],
    ])('is in its second stay, whatever the order of the rest: %s', (_order, told) => {
      const { state, facts } = playLate(...told);
      const supervisors = supervisorsOf(state);
      expect(supervisors.map(({ supervision }) => supervision.stayNumber)).toEqual([2]);
      expect(supervisors[0]).toMatchObject({
        conferenceSid: 'cf-2',
        joinedAt: START + 22_000,
        supervision: { mode: 'monitor', heard: 'monitor', coachedCall: 'alice' },
      });
      expect(kinds(facts, 'ted').slice(-2)).toEqual(['arrived 2', 'joined 2']);
    });

    it.each<[string, Told[]]>([
      ['first', [first, document]],
      ['last', [document, first]],
    ])('is out when its second stay is known to have ended, the end of the first told %s', (_when, told) => {
      const { state } = playLate(ends(30, 2), leaves('ted', 'cf-2', 30), ...told);
      expect(state.stays.filter((stay) => isOpen(stay) && stay.callSid === 'ted')).toEqual([]);
    });
  });

  it('and whose document is written twice begins none', () => {
    const { facts } = play(...ALICE_IN, [2, sent()], leaves('ted', 'cf-1', 6), [7, sent({ ageMs: 5_000 })]);
    expect(kinds(facts, 'ted')).toEqual(['arrived 1', 'left 1']);
  });

  it.each<[string, Told[]]>([
    ['before they joined', []],
    ['after they joined', [joins('ted', 'cf-1', 3)]],
  ])('as a moderator, sent by REST %s, is no supervisor any more', (_when, more) => {
    const { state } = play(...ALICE_IN, [2, sent()], ...more, [8, arrives('ted')], joins('ted', 'cf-1', 9, AGENT));
    expect(supervisorsOf(state)).toEqual([]);
    expect(targetOf(state)?.callSid).toBe('ted');
  });
});

describe('what is kept of a room', () => {
  const callsOf = (state: RoomState) => state.stays.map(({ callSid }) => callSid);
  const bobs = (count: number) => Array.from({ length: count }, (_, index) => `bob-${index}`);

  it('is a caller for ten minutes after their end, and an agent for longer', () => {
    const over = [joins('bob', 'cf-1', 2), leaves('bob', 'cf-1', 10), leaves('alice', 'cf-1', 11)];
    const keptAt = (seconds: number) => callsOf(play(...ALICE_IN, ...over, [seconds, arrives('carol')]).state);
    expect(keptAt(609)).toEqual(['alice', 'bob', 'carol']);
    expect(keptAt(611)).toEqual(['alice', 'carol']);
  });

  it('are ten callers of a supervisor', () => {
    const { state } = play(
      ...ALICE_IN,
      [2, sent()],
      joins('ted', 'cf-1', 3),
      ...bobs(12).map((call) => joins(call, 'cf-1', 4)),
    );
    expect(stayOf(state, 'ted').supervision?.callers).toEqual(bobs(10));
  });

  it('is nothing that happened longer ago than a call can last', () => {
    const { state } = play(...ALICE_IN);
    const [, leave] = leaves('zoe', 'cf-1', 0);
    const next = evolve(state, { ...leave, ageMs: 3_600_000 }, START + 5_000, { lifetimeMs: 3_600_000 });
    expect(next.state).toBe(state);
  });
});

describe('an agent', () => {
  const listed = (seconds: number): Told => [seconds, observed(seen('bob'))];

  it.each<[string, Told[], boolean]>([
    ['half a minute, though REST does not list them', [listed(30), listed(33)], true],
    ['a minute, and not when REST then leaves them out twice', [listed(61), listed(64)], false],
  ])('may take as long from their document into the conference as %s', (_time, lists, isExpected) => {
    const { state } = play([0, arrives('alice')], ...lists);
    expect(targetOf(state)?.callSid).toBe(isExpected ? 'alice' : undefined);
  });

  it('who joined an unnamed conference does not leave when an earlier one ends', () => {
    const ended: RoomEvent = { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 21_000 };
    const { state } = play(joins('alice', 'cf-1', 30, { ...AGENT, conferenceSid: undefined }), [31, ended]);
    expect(targetOf(state)?.callSid).toBe('alice');
  });

  it('neither joins nor leaves by a late join of a conference that ended before they arrived', () => {
    const ended: RoomEvent = { kind: 'conference-ended', conferenceSid: sid('cf-1'), ageMs: 0 };
    const { state } = play([10, ended], [20, arrives('alice')], late(joins('alice', 'cf-1', 5, AGENT), 16));
    expect(targetOf(state)).toMatchObject({ callSid: 'alice', arrivedAt: START + 20_000 });
    expect(state.stays.filter(isInConference)).toEqual([]);
  });

  it('speaks no longer than their stay', () => {
    const spoke: RoomEvent = { ...TED_IN_CF1, callSid: sid('alice'), kind: 'spoke', date: START + 2_000, ageMs: 0 };
    expect(stayOf(play(...ALICE_IN, [2, spoke]).state, 'alice').speakingSince).toBe(START + 2_000);
    expect(
      stayOf(play(...ALICE_IN, [2, spoke], leaves('alice', 'cf-1', 4)).state, 'alice').speakingSince,
    ).toBeUndefined();
  });

  describe('whose arrival a slow store dates', () => {
    const SLOW: Told = [10.9, arrives('alice')];
    const dial = (call: string, seconds: number, more = {}): Told => [
      12,
      { kind: 'dial-ended', callSid: sid(call), ageMs: 12_000 - 1_000 * seconds, ...more },
    ];

    it.each<[string, number, string | undefined]>([
      ['within a second after the end of their <Dial> has left', 10, undefined],
      ['later than that is here again', 9.8, 'alice'],
    ])('%s', (_when, seconds, expected) => {
      expect(targetOf(play(SLOW, dial('alice', seconds)).state)?.callSid).toBe(expected);
    });

    it.each<[string, number, string | undefined]>([
      ['within a second after their refusal is passed over', 10, undefined],
      ['later than that is the target', 9.8, 'alice'],
    ])('%s', (_when, seconds, expected) => {
      const refusal = dial('ted', seconds, { stayNumber: 1, coachingFailed: true });
      expect(targetOf(play(SLOW, late([9, sent()], 2), refusal).state)?.callSid).toBe(expected);
    });
  });
});

it('a late join of the conference before, in the same second, ends nobody in the present one', () => {
  const { state } = play(joins('alice', 'cf-2', 5, AGENT), joins('bob', 'cf-1', 5), leaves('bob', 'cf-1', 5));
  expect(targetOf(state)?.callSid).toBe('alice');
});
