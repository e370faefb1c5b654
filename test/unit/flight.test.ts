import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { answerAt, type FlightAnswer, readFlight } from '../../src/dashboard/flight';
import type { Fact } from '../../src/rooms/fact';
import { MODES, type Mode } from '../../src/rooms/mode';
import { type AuditRecord, toRecord } from '../../src/supervision/trail';
import { fuzzRuns } from '../support/fuzz';
import { roomNamed, sid } from '../support/room-stores';

const START = Date.parse('2026-11-25T08:00:00.000Z');
const [alice, bob, carol, ted] = [sid('alice-1'), sid('bob-1'), sid('carol-1'), sid('ted-1')];

type Given = Partial<Omit<Fact, 'kind' | 'at'>>;

const lineOf = (kind: Fact['kind'], seconds: number, given: Given): AuditRecord =>
  toRecord({ kind, at: START + seconds * 1_000, source: 'callback', room: roomNamed('sales'), ...given });

const agent = (kind: Fact['kind'], seconds: number, given: Given = {}) =>
  lineOf(kind, seconds, { role: 'moderator', callSid: alice, name: 'Alice', ...given });

/** A line about Ted, who is to coach Alice unless given. */
const line = (kind: Fact['kind'], seconds: number, mode: Mode, heard: Fact['heard'], given: Given = {}) =>
  lineOf(kind, seconds, {
    role: 'supervisor',
    callSid: ted,
    stayNumber: 1,
    name: 'Ted',
    mode,
    heard,
    target: alice,
    callers: [bob],
    ...given,
  });

const arrived = (mode: Mode, seconds = 10) => line('arrived', seconds, mode, 'unknown', { source: 'webhook' });
const left = (mode: Mode, heard: Fact['heard'], seconds: number, given: Given = {}) =>
  line('left', seconds, mode, heard, { since: START + 12_000, ...given });
const REST = { source: 'rest' } as const;
const API = { source: 'api', by: 'Carol' } as const;
const [ALICE_IN, ALICE_OUT] = [agent('joined', 0), agent('left', 90, { since: START })];

/** The answers at so many seconds after the start: who heard, how certain that is, and why. */
async function answersTo(lines: readonly AuditRecord[], ...seconds: number[]): Promise<string[]> {
  const flight = await readFlight(lines);
  return seconds.map((one) =>
    answerAt(flight, START + one * 1_000)
      .map(({ heardBy, certainty, why }) => `${heardBy} ${certainty} ${why}`)
      .join(', '),
  );
}

describe('who could hear a supervisor', () => {
  it.each<[Mode, string]>([
    ['monitor', 'nobody confirmed reported'],
    ['coach', 'agent confirmed reported'],
    ['barge', 'everyone confirmed reported'],
  ])(
    'in %s, as the Space reported, from a second after its date until a second before the end',
    async (mode, answer) => {
      const lines = [ALICE_IN, arrived(mode), line('joined', 12, mode, mode), left(mode, mode, 60), ALICE_OUT];
      const isQuiet = mode === 'monitor';
      expect(await answersTo(lines, 9, 10.5, 13, 58.9, 61)).toEqual([
        'nobody confirmed arrived',
        'nobody confirmed arrived',
        answer,
        answer,
        'nobody confirmed left',
      ]);
      expect(await answersTo(lines, 12, 59.5)).toEqual(
        isQuiet
          ? ['nobody confirmed reported', 'nobody confirmed left']
          : ['unknown unknown changing', 'unknown unknown changing'],
      );
    },
  );

  it('is unknown until the Space reports it', async () => {
    const lines = [ALICE_IN, arrived('coach'), line('joined', 12, 'coach', 'unknown'), left('coach', 'unknown', 60)];
    expect(await answersTo(lines, 30)).toEqual(['unknown unknown not-reported']);
  });

  it('is unknown from a request until the Space reports it', async () => {
    const lines = [
      ALICE_IN,
      arrived('monitor'),
      line('joined', 12, 'monitor', 'monitor'),
      line('mode', 20, 'barge', 'monitor', API),
      line('mode', 24, 'barge', 'barge', REST),
      left('barge', 'barge', 60),
      ALICE_OUT,
    ];
    expect(await answersTo(lines, 19.99, 20, 23.9, 25)).toEqual([
      'nobody confirmed reported',
      'unknown unknown requested',
      'unknown unknown requested',
      'everyone confirmed reported',
    ]);
  });

  it('never includes the customer while a coach is being muted', async () => {
    const lines = [
      ALICE_IN,
      arrived('coach'),
      line('joined', 12, 'coach', 'coach'),
      line('mode', 20, 'monitor', 'coach', API),
      left('monitor', 'coach', 60),
      ALICE_OUT,
    ];
    const [answer] = answerAt(await readFlight(lines), START + 30_000);
    expect(answer).toMatchObject({ heardBy: 'unknown', agent: 'unknown', others: 'no', why: 'requested' });
  });

  it('is not confirmed by a report from before a request to unmute them failed', async () => {
    const failed = (reason: Fact['reason']) => [
      arrived('monitor'),
      line('joined', 12, 'monitor', 'monitor'),
      line('mode', 20, 'barge', 'monitor', API),
      line('mode', 24, 'monitor', 'monitor', { ...API, reason }),
      left('monitor', 'monitor', 60),
    ];
    expect(await answersTo(failed('refused'), 30)).toEqual(['nobody inferred requested']);
    expect(await answersTo(failed('abandoned'), 30)).toEqual(['unknown unknown requested']);
  });

  it('is unknown at any time before REST found a change that nobody had reported', async () => {
    const lines = [
      arrived('monitor'),
      line('joined', 12, 'monitor', 'monitor'),
      line('mode', 40, 'monitor', 'barge', REST),
      left('monitor', 'barge', 60),
    ];
    expect(await answersTo(lines, 20, 39)).toEqual(['unknown unknown requested', 'unknown unknown requested']);
  });

  it.each<[string, Given, string]>([
    ['inferred', { source: 'inferred' }, 'everyone inferred undated-end'],
    ['found by REST', REST, 'everyone inferred undated-end'],
    ['reported', {}, 'everyone confirmed reported'],
  ])('of a stay whose end is %s is as certain as that', async (_what, given, answer) => {
    const lines = [arrived('barge'), line('joined', 12, 'barge', 'barge'), left('barge', 'barge', 60, given)];
    expect(await answersTo(lines, 30)).toEqual([answer]);
  });

  it('is inferred while they go on, unless nobody hears them', async () => {
    const open = (mode: Mode) => [arrived(mode), line('joined', 12, mode, mode)];
    expect(await answersTo(open('barge'), 30)).toEqual(['everyone inferred undated-end']);
    expect(await answersTo(open('monitor'), 30)).toEqual(['nobody confirmed reported']);
  });

  it('is unknown also of the customer, if it is unknown of the agent and nothing is confirmed', async () => {
    const lines = [ALICE_IN, arrived('coach'), line('joined', 12, 'coach', 'coach')];
    const flight = await readFlight(lines);
    // A second after the join, a customer may hear the coach who came too late for any line to name them.
    expect(answerAt(flight, START + 12_500)).toMatchObject([{ agent: 'unknown', others: 'unknown', why: 'changing' }]);
    const muted = await readFlight([...lines, line('mode', 30, 'monitor', 'coach', API)]);
    expect(answerAt(muted, START + 31_000)).toMatchObject([{ agent: 'unknown', others: 'unknown' }]);
  });

  it('is unknown of a coach whose agent has left', async () => {
    const lines = [
      ALICE_IN,
      arrived('coach'),
      line('joined', 12, 'coach', 'coach'),
      agent('left', 30, { since: START }),
      left('coach', 'coach', 60),
    ];
    expect(await answersTo(lines, 28, 30, 40)).toEqual([
      'agent confirmed reported',
      'unknown unknown agent-gone',
      'unknown unknown agent-gone',
    ]);
  });

  it('names the call that hears a coach, if that is another than they were to coach', async () => {
    const wrong = (target: typeof alice) => [
      ALICE_IN,
      agent('joined', 1, { callSid: carol, name: 'Carol' }),
      arrived('coach'),
      line('joined', 12, 'coach', 'coach', { target, coachesWrongCall: true }),
      left('coach', 'coach', 60),
      agent('left', 80, { callSid: carol, since: START }),
    ];
    const answer = async (target: typeof alice) => answerAt(await readFlight(wrong(target)), START + 30_000)[0];
    expect(await answer(carol)).toMatchObject({ heardBy: 'agent', listener: carol, certainty: 'confirmed' });
    expect(await answer(bob)).toMatchObject({ heardBy: 'unknown', listener: bob, why: 'other-call' });
  });

  it('is inferred if somebody entered while they coached', async () => {
    const lines = [
      ALICE_IN,
      arrived('coach'),
      line('joined', 12, 'coach', 'coach'),
      left('coach', 'coach', 60, { callers: [bob, sid('bob-2')] }),
      ALICE_OUT,
    ];
    expect(await answersTo(lines, 30)).toEqual(['agent inferred newcomer']);
  });

  it('is unknown while they may be on hold, and nobody if nobody hears them anyway', async () => {
    const hold = (name: 'hold' | 'unhold', seconds: number, status: Fact['status']) =>
      lineOf('action', seconds, { role: 'supervisor', callSid: ted, action: name, status, source: 'api' });
    const held = (mode: Mode) => [
      arrived(mode),
      line('joined', 12, mode, mode),
      hold('hold', 20, 'requested'),
      hold('hold', 21, 'confirmed'),
      hold('unhold', 30, 'requested'),
      hold('unhold', 31, 'confirmed'),
      left(mode, mode, 60),
    ];
    expect(await answersTo(held('barge'), 19, 20, 30.5, 31)).toEqual([
      'everyone confirmed reported',
      'unknown unknown hold',
      'unknown unknown hold',
      'everyone confirmed reported',
    ]);
    expect(await answersTo(held('monitor'), 25)).toEqual(['nobody confirmed reported']);
  });

  it.each<[string, string, ...[Fact['status'], Fact['reason']?][]]>([
    ['the Space refused', 'everyone confirmed reported', ['requested'], ['failed', 'refused']],
    ['had no effect', 'everyone confirmed reported', ['requested'], ['failed', 'ineffective']],
    ['was refused, as one line alone says', 'everyone confirmed reported', ['failed', 'refused']],
    ['got no answer', 'unknown unknown hold', ['requested'], ['failed', 'timeout']],
    ['may not have come through', 'unknown unknown hold', ['requested'], ['failed', 'unreachable']],
    ['has no known end', 'unknown unknown hold', ['requested'], ['failed', 'abandoned']],
    [
      'was refused after one without an answer',
      'unknown unknown hold',
      ['requested'],
      ['failed', 'timeout'],
      ['requested'],
      ['failed', 'refused'],
    ],
    [
      'was refused after another one',
      'unknown unknown hold',
      ['requested'],
      ['confirmed'],
      ['requested'],
      ['failed', 'refused'],
    ],
  ])('whose hold %s is %s', async (_what, answer, ...updates) => {
    const about = { role: 'supervisor', callSid: ted, action: 'hold', source: 'api' } as const;
    const holds = updates.map(([status, reason], index) => lineOf('action', 20 + index, { ...about, status, reason }));
    const lines = [arrived('barge'), line('joined', 12, 'barge', 'barge'), ...holds, left('barge', 'barge', 60)];
    expect(await answersTo(lines, 40)).toEqual([answer]);
  });

  it('is unknown of a stay that was never seen, and of the time before the lines', async () => {
    expect(await answersTo([arrived('monitor')], 9, 30)).toEqual([
      'nobody confirmed arrived',
      'unknown unknown never-seen',
    ]);
    const cut = [left('monitor', 'monitor', 60)];
    expect(await answersTo(cut, 30, 70)).toEqual(['unknown unknown before-trail', 'nobody confirmed left']);
  });

  it('is unknown where a line came late: how they were heard then is not known', async () => {
    const lines = [
      arrived('barge'),
      line('mode', 30, 'barge', 'barge'),
      line('joined', 12, 'barge', 'barge'),
      left('barge', 'barge', 60),
    ];
    expect(await answersTo(lines, 20, 40)).toEqual(['unknown unknown changing', 'everyone confirmed reported']);
  });

  it('is the same with each line twice', async () => {
    const lines = [
      ALICE_IN,
      arrived('coach'),
      line('joined', 12, 'coach', 'coach'),
      left('coach', 'coach', 60),
      ALICE_OUT,
    ];
    expect(await readFlight([...lines, ...lines])).toEqual(await readFlight(lines));
  });

  it('joins the lines from before a document was known to its stay', async () => {
    const lines = [
      line('joined', 12, 'monitor', 'monitor', { ...REST, stayNumber: undefined }),
      arrived('monitor'),
      left('monitor', 'monitor', 60),
    ];
    const { supervisors } = await readFlight(lines);
    expect(supervisors.map(({ stay }) => stay)).toEqual([1]);
    expect(await answersTo(lines, 40)).toEqual(['nobody confirmed reported']);
  });

  it('keeps the stays of a call apart that came back by the same document', async () => {
    const lines = [
      arrived('barge'),
      line('joined', 12, 'barge', 'barge'),
      left('barge', 'barge', 30),
      arrived('monitor', 40),
      line('joined', 41, 'monitor', 'monitor'),
      left('monitor', 'monitor', 60),
    ];
    expect(await answersTo(lines, 20, 50)).toEqual([
      'everyone confirmed reported, nobody confirmed arrived',
      'nobody confirmed left, nobody confirmed reported',
    ]);
  });

  it('changes with the next stay of a call, if the end of the one before is lost', async () => {
    const lines = [
      arrived('barge'),
      line('joined', 12, 'barge', 'barge'),
      line('arrived', 40, 'monitor', 'unknown', { source: 'webhook', stayNumber: 2 }),
      line('joined', 41, 'monitor', 'monitor', { stayNumber: 2 }),
    ];
    expect(await answersTo(lines, 30, 50)).toEqual([
      'everyone inferred undated-end, nobody confirmed arrived',
      'nobody inferred left, nobody confirmed reported',
    ]);
  });
});

/** A supervisor's mode from an instant on; `away`: not in the conference. Seconds after the start. */
interface Truth {
  at: number;
  mode: Mode | 'away';
}

/**
 * The oracle: a supervisor whose modes change at random, all of it known, and an honest recorder. It dates callbacks by the
 * second, REST by the question, and leaves out what is lost.
 */
const flightStory = fc
  .record({
    modes: fc.array(fc.record({ afterMs: fc.integer({ min: 3_000, max: 20_000 }), mode: fc.constantFrom(...MODES) }), {
      minLength: 1,
      maxLength: 6,
    }),
    offsetMs: fc.nat(999),
    /** How each change is known. */
    sources: fc.array(fc.constantFrom('callback' as const, 'rest' as const), { minLength: 8, maxLength: 8 }),
    restLateMs: fc.integer({ min: 0, max: 2_500 }),
    isEndKnown: fc.boolean(),
    repeated: fc.array(fc.nat(30), { maxLength: 4 }),
    askedAtMs: fc.array(fc.integer({ min: 0, max: 150_000 }), { minLength: 20, maxLength: 20 }),
  })
  .map(({ modes, offsetMs, sources, restLateMs, isEndKnown, repeated, askedAtMs }) => {
    const truth: Truth[] = [{ at: 0, mode: 'away' }];
    const lines: AuditRecord[] = [ALICE_IN];
    let now = 10_000 + offsetMs;
    let before: Mode | 'unknown' = 'unknown';
    const cut = (ms: number) => Math.floor(ms / 1_000);
    for (const [index, { afterMs, mode }] of modes.entries()) {
      const source = sources[index] ?? 'callback';
      const isFirst = index === 0;
      const document = isFirst ? mode : (modes[0]?.mode ?? mode);
      if (isFirst) {
        lines.push(line('arrived', now / 1_000, document, 'unknown', { source: 'webhook' }));
      } else {
        lines.push(line('mode', now / 1_000, mode, before, API));
      }
      const changedAt = now + 700;
      truth.push({ at: changedAt, mode });
      const seenAt = source === 'rest' ? (changedAt + restLateMs) / 1_000 : Math.max(cut(changedAt), now / 1_000);
      lines.push(line(isFirst ? 'joined' : 'mode', seenAt, mode, mode, { source }));
      before = mode;
      now += afterMs + restLateMs;
    }
    const last = modes.at(-1)?.mode ?? 'monitor';
    truth.push({ at: now, mode: 'away' });
    if (isEndKnown) {
      lines.push(left(last, last, cut(now)));
    }
    lines.push(agent('left', cut(now) + 5, { since: START }));
    for (const index of repeated) {
      const again = lines[index];
      lines.push(...(again === undefined ? [] : [again]));
    }
    return { truth, lines, askedAtMs };
  });

const HEARERS = { away: 'nobody', monitor: 'nobody', coach: 'agent', barge: 'everyone' } as const;

describe('a confirmed answer', () => {
  it('is what was so', async () => {
    const seen = { confirmed: 0, all: 0 };
    await fc.assert(
      fc.asyncProperty(flightStory, async ({ truth, lines, askedAtMs }) => {
        const flight = await readFlight(lines);
        for (const askedAt of askedAtMs) {
          const [answer] = answerAt(flight, START + askedAt) as [FlightAnswer];
          const mode = truth.findLast(({ at }) => at <= askedAt)?.mode ?? 'away';
          seen.all++;
          if (answer.certainty === 'confirmed') {
            seen.confirmed++;
            expect([askedAt, answer.heardBy]).toEqual([askedAt, HEARERS[mode]]);
          }
        }
      }),
      { numRuns: fuzzRuns(20_000) },
    );
    expect(seen.confirmed).toBeGreaterThan(seen.all / 3);
  });

  it('has spans without gaps, each different from the one before', async () => {
    await fc.assert(
      fc.asyncProperty(flightStory, async ({ lines }) => {
        const { supervisors } = await readFlight(lines);
        for (const { spans } of supervisors) {
          for (const [index, { from, to }] of spans.entries()) {
            expect(to).toBe(spans[index + 1]?.from);
            expect(to === undefined || from < to).toBe(true);
          }
        }
      }),
      { numRuns: fuzzRuns(5_000) },
    );
  });
});
