import { describe, expect, it } from '@jest/globals';
import { readMyPage } from '../../src/dashboard/my-page';
import type { Fact } from '../../src/rooms/fact';
import type { AuditRecord } from '../../src/supervision/trail';
import { toRecord } from '../../src/supervision/trail';
import { roomNamed, sid } from '../support/room-stores';

const START = Date.parse('2026-11-25T08:00:00.000Z');
const [alice, bob, ted] = [sid('alice-1'), sid('bob-2'), sid('ted-1')];

const lineOf = (kind: Fact['kind'], seconds: number, given: Partial<Fact>): AuditRecord =>
  toRecord({ kind, at: START + seconds * 1_000, source: 'callback', room: roomNamed('sales'), ...given });
const agent = (kind: Fact['kind'], seconds: number) =>
  lineOf(kind, seconds, { role: 'moderator', callSid: alice, name: 'Alice', since: START });
const line = (kind: Fact['kind'], seconds: number, given: Partial<Fact> = {}) =>
  lineOf(kind, seconds, {
    role: 'supervisor',
    callSid: ted,
    stayNumber: 1,
    name: 'Ted',
    mode: 'coach',
    heard: 'coach',
    target: alice,
    moderatorName: 'Alice',
    callers: [],
    ...given,
  });

const HOUR_MS = 3_600_000;
const readAt = (now: number, readTo = now) => ({ now, readTo, longestCallMs: 4 * HOUR_MS });

const COACHED = [
  agent('joined', 0),
  line('arrived', 10, { source: 'webhook', heard: 'unknown' }),
  line('joined', 10),
  line('told', 11, { source: 'rest' }),
  line('left', 40, { since: START + 10_000 }),
  agent('left', 60),
];

describe('an agent’s page', () => {
  it('tells who listened, when, how, for how long, and when the agent was told', async () => {
    const rows = await readMyPage(COACHED, 'Alice', readAt(START + 100_000));
    expect(rows).toEqual([
      {
        supervisor: 'Ted',
        room: 'sales',
        callSid: ted,
        stay: 1,
        moderatorCallSid: alice,
        from: START + 10_000,
        to: START + 40_000,
        isOngoing: false,
        heardMs: { nobody: 0, agent: 28_000, everyone: 0, unknown: 2_000 },
        isConfirmed: false,
        toldAt: [START + 11_000],
      },
    ]);
  });

  it.each([
    ['a listener of 14 ms', 0.014, 'monitor', { nobody: 14 }],
    ['a coach of 14 ms', 0.014, 'coach', { unknown: 14 }],
    ['a listener whose end has the date of the join', 0, 'monitor', { nobody: 1 }],
    ['a listener of 7.6 s', 7.6, 'monitor', { nobody: 7_600 }],
  ] as const)('has %s, from the join to the end', async (_who, seconds, mode, heardMs) => {
    const given = { mode, heard: mode } as const;
    const lines = [
      agent('joined', 0),
      line('arrived', 10, { source: 'webhook', ...given, heard: 'unknown' }),
      line('joined', 10.5, given),
      line('left', 10.5 + seconds, { ...given, since: START + 10_500 }),
      agent('left', 60),
    ];
    const rows = await readMyPage(lines, 'Alice', readAt(START + 100_000));
    expect(rows).toMatchObject([{ from: START + 10_500, to: START + 10_500 + Math.max(1, seconds * 1_000), heardMs }]);
  });

  it('has nobody who never joined', async () => {
    const lines = [agent('joined', 0), line('arrived', 10, { source: 'webhook', heard: 'unknown' }), line('left', 12)];
    expect(await readMyPage(lines, 'Alice', readAt(START + 100_000))).toEqual([]);
  });

  it('has a stay of which only the end was read', async () => {
    const lines = [agent('joined', 0), line('left', 40, { since: START + 10_000 })];
    expect(await readMyPage(lines, 'Alice', readAt(START + 100_000))).toMatchObject([{ isConfirmed: false }]);
  });

  it('has nothing of other agents', async () => {
    const other = line('joined', 10, { target: bob, moderatorName: 'Bob' });
    expect(await readMyPage([other], 'Alice', readAt(START))).toEqual([]);
    expect(await readMyPage(COACHED, 'Bob', readAt(START))).toEqual([]);
  });

  it('tells who listens now, and that no notice is known', async () => {
    const now = START + 30_000;
    const open = [agent('joined', 0), line('joined', 10, { mode: 'monitor', heard: 'monitor' })];
    const [row] = await readMyPage(open, 'Alice', readAt(now));
    const heardMs = { nobody: 19_000, unknown: 1_000 };
    expect(row).toMatchObject({ to: undefined, isOngoing: true, toldAt: [], heardMs });
  });

  it.each([
    ['longer ago than a call can last', readAt(START + 72 * HOUR_MS), 4 * HOUR_MS],
    ['but lines were read only until later', readAt(START + 2 * HOUR_MS, START + HOUR_MS), HOUR_MS - 10_000],
  ])('tells that an end is not known of who came %s', async (_what, reading, totalMs) => {
    const open = [
      agent('joined', 0),
      line('arrived', 10, { source: 'webhook', mode: 'monitor' }),
      line('joined', 10, { mode: 'monitor', heard: 'monitor' }),
    ];
    const [row] = await readMyPage(open, 'Alice', reading);
    expect(row).toMatchObject({ to: undefined, isOngoing: false, isConfirmed: false });
    const total = Object.values(row?.heardMs ?? {}).reduce((one, other) => one + other);
    expect(total).toBe(totalMs);
  });
});
