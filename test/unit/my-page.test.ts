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
    const rows = await readMyPage(COACHED, 'Alice', START + 100_000);
    expect(rows).toEqual([
      {
        supervisor: 'Ted',
        room: 'sales',
        callSid: ted,
        stay: 1,
        moderatorCallSid: alice,
        from: START + 10_000,
        to: START + 41_000,
        heardMs: { nobody: 0, agent: 28_000, everyone: 0, unknown: 3_000 },
        isConfirmed: false,
        toldAt: [START + 11_000],
      },
    ]);
  });

  it('has nothing of other agents', async () => {
    const other = line('joined', 10, { target: bob, moderatorName: 'Bob' });
    expect(await readMyPage([other], 'Alice', START)).toEqual([]);
    expect(await readMyPage(COACHED, 'Bob', START)).toEqual([]);
  });

  it('tells who listens now, and that no notice is known', async () => {
    const now = START + 30_000;
    const open = [agent('joined', 0), line('joined', 10, { mode: 'monitor', heard: 'monitor' })];
    const [row] = await readMyPage(open, 'Alice', now);
    expect(row).toMatchObject({ to: undefined, toldAt: [], heardMs: { nobody: 19_000, unknown: 1_000 } });
  });
});
