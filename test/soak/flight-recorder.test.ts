import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { loadConfig } from '../../src/config';
import { readFlight } from '../../src/dashboard/flight';
import { parseAddress } from '../../src/people/address';
import { type Actor, RIGHTS, SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { createRoster } from '../../src/people/roster';
import { MODES, type Mode } from '../../src/rooms/mode';
import { createSpace, type Space } from '../../src/simulator/space';
import type { AuditRecord } from '../../src/supervision/trail';
import { ALICE, BOB, SIGNING_KEY, TED } from '../support/app';
import { recordTruth } from '../support/flight-truth';
import { fuzzRuns, STORY_MS } from '../support/fuzz';
import { openStoryBench, type StoryBench, startStoryServer } from '../support/story-server';
import { LONG_TIMEOUTS } from '../support/test-bench';

const RUNS = fuzzRuns(1_000);
/** A second moderator. */
const CAROL = '+15557788998';
const SWEEP_MS = 2_500;
/** How long simulated time waits for the server to see to a supervisor, in real milliseconds. */
const MAX_HOLD_MS = 200;
const ROOM = 'sales';

const actorNamed = (name: string): Actor => ({ name, rights: new Set(RIGHTS), rooms: 'all' });

type Step =
  | { kind: 'call'; role: 'moderator' | 'caller'; who: 0 | 1 }
  | { kind: 'call'; role: 'supervisor'; mode: Mode }
  | { kind: 'hangUp'; which: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'mode'; which: number; mode: Mode }
  | { kind: 'hold'; which: number; onHold: boolean }
  | { kind: 'outside'; which: number; muted: boolean }
  | { kind: 'kill' }
  | { kind: 'restAway'; isAway: boolean };

const constant = <T extends string>(kind: T) => fc.constant(kind);
const which = fc.nat(20);
const mode = fc.constantFrom(...MODES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: constant('call'),
      role: fc.constantFrom('moderator' as const, 'caller' as const),
      who: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: constant('call'), role: constant('supervisor'), mode }) },
  { weight: 4, arbitrary: fc.record({ kind: constant('hangUp'), which }) },
  { weight: 8, arbitrary: fc.record({ kind: constant('wait'), ms: fc.constantFrom(300, 700, 1_500, 4_000, 15_000) }) },
  { weight: 8, arbitrary: fc.record({ kind: constant('mode'), which, mode }) },
  { weight: 1, arbitrary: fc.record({ kind: constant('hold'), which, onHold: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: constant('outside'), which, muted: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: constant('kill') }) },
  { weight: 2, arbitrary: fc.record({ kind: constant('restAway'), isAway: fc.boolean() }) },
);

const opening: fc.Arbitrary<Step[]> = fc.constantFrom<Step[][]>(
  [],
  ...MODES.map((one): Step[] => [
    { kind: 'call', role: 'moderator', who: 0 },
    { kind: 'call', role: 'caller', who: 0 },
    { kind: 'call', role: 'supervisor', mode: one },
    { kind: 'wait', ms: 4_000 },
  ]),
);

const probability = fc.constantFrom(0, 0, 0.3, 1);
const story = fc.record({
  opening,
  steps: fc.array(step, { minLength: 3, maxLength: 16 }),
  isLossy: fc.boolean(),
  chaos: fc.record({
    seed: fc.nat(),
    lose: probability,
    duplicate: probability,
    reorder: probability,
    delayMs: fc.constantFrom(0, 0, 20_000),
  }),
  withRest: fc.constantFrom(true, true, false),
  behaviour: fc.record({
    asksActionAfterHangUp: fc.boolean(),
    coachesBeforeStart: fc.boolean(),
    endsWithLastModerator: fc.boolean(),
    latecomersHearCoaches: fc.boolean(),
    orphanedCoachesAreHeard: fc.boolean(),
    reportsCoaching: fc.boolean(),
  }),
});

type Story = typeof story extends fc.Arbitrary<infer S> ? S : never;

interface Played {
  wrong: string[];
  confirmed: number;
  unknown: number;
  trail: AuditRecord[];
}

describe('the flight recorder', () => {
  let bench: StoryBench;

  beforeAll(async () => {
    bench = await openStoryBench();
  });

  afterAll(() => bench?.close());

  /** Plays a story, reads the trail through the API, and compares each answer with the Space. */
  async function play({ opening, steps, chaos, isLossy, withRest, behaviour }: Story): Promise<Played> {
    const { sockets } = bench;
    const startedAt = Math.floor(Date.now() / 1_000) * 1_000 + (chaos.seed % 1_000);
    const space: Space = createSpace({
      signingKey: SIGNING_KEY,
      timeouts: LONG_TIMEOUTS,
      chaos: isLossy ? chaos : { seed: 0 },
      ...behaviour,
      // Of a customer whose join is lost, and who has gone at the next sweep, nothing is in the trail.
      latecomersHearCoaches: behaviour.latecomersHearCoaches && !isLossy,
      wallClock: () => startedAt + space.clock.now(),
    });
    const supervisors = new Set<string>();
    const truth = recordTruth(space, startedAt, (callSid) => supervisors.has(callSid));
    const env = {
      SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
      MODERATOR_NUMBERS: `${ALICE},${CAROL}`,
      SUPERVISOR_NUMBERS: TED,
    };
    const roster = createRoster(loadConfig(env));
    const ted = {
      name: 'Ted',
      address: parseAddress(TED),
      pin: undefined,
      requirePin: false,
      password: undefined,
      email: undefined,
      rooms: 'all' as const,
    };
    roster.replace({ moderators: [], supervisors: [{ ...ted, mode: undefined, rights: SUPERVISOR_RIGHTS }] });
    let isRestAway = false;
    const server = await startStoryServer({
      space,
      sockets,
      redis: undefined,
      withRest,
      env,
      roster,
      tokens: { find: actorNamed, findWall: () => undefined, actorNamed },
      intercept: async () => (isRestAway ? 'disconnect' : undefined),
      retryMs: 1,
      actionMs: 300,
    });
    const over = new AbortController();
    let isHeld = false;
    let heldUntil = -1;
    const watching = (async () => {
      while (!over.signal.aborted) {
        if (!isHeld && space.clock.now() > heldUntil) {
          isHeld = true;
          const idle = Promise.race([server.current().idle(), sleep(MAX_HOLD_MS, 'late', { ref: false })]);
          void space.clock.hold(
            idle.then((outcome) => {
              isHeld = false;
              heldUntil = outcome === 'late' ? space.clock.now() : heldUntil;
            }),
          );
        }
        await new Promise(setImmediate);
      }
    })();
    const sweeping = (async () => {
      for (;;) {
        await space.clock.sleep(SWEEP_MS, over.signal);
        await space.clock.hold(server.current().sweep());
      }
    })().catch(() => {});
    const ask = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${sockets.publicUrl}/api/v1${path}`, {
        method,
        headers: { authorization: 'Bearer Carol', ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return (await response.json()) as { records: AuditRecord[]; next: string | null };
    };
    const pick = <T>(all: readonly T[], index: number): T | undefined => all[index % all.length];
    const present = () =>
      [...space.conferences.live()]
        .flatMap(({ participants }) => participants)
        .filter(({ callSid }) => supervisors.has(callSid));
    const act = async (one: Step): Promise<unknown> => {
      const chosen = 'which' in one ? pick(present(), one.which) : undefined;
      const from = (path: string, number: string) => space.call({ from: number, url: sockets.publicUrl + path });
      switch (one.kind) {
        case 'wait':
          return space.clock.advance(one.ms);
        case 'hangUp':
          return pick([...space.hearing().keys()], one.which)?.hangUp();
        case 'kill':
          return isLossy ? server.kill() : undefined;
        case 'restAway':
          isRestAway = one.isAway;
          return;
        case 'mode':
          return chosen && ask('PUT', `/rooms/${ROOM}/supervisors/${chosen.callSid}/mode`, { mode: one.mode });
        case 'hold':
          return chosen && ask('PATCH', `/rooms/${ROOM}/participants/${chosen.callSid}`, { onHold: one.onHold });
        case 'outside':
          // What nobody reports, and is undone before anybody looks, is in no trail.
          return chosen && !isLossy ? space.conferences.update(chosen, { muted: one.muted }) : undefined;
        case 'call':
          if (one.role === 'supervisor') {
            supervisors.add(from(`/coach/${ROOM}?mode=${one.mode}`, TED).sid);
            return;
          }
          from(`/conference/${ROOM}`, one.role === 'caller' ? BOB : one.who === 0 ? ALICE : CAROL);
          return;
      }
    };
    try {
      for (const one of [...opening, ...steps]) {
        await space.clock.hold(Promise.resolve(one.kind === 'wait' ? undefined : act(one)));
        if (one.kind === 'wait') {
          await act(one);
        }
        await space.runUntilIdle();
        await space.clock.settle();
      }
      isRestAway = false;
      await space.clock.advance(25_000);
      await space.runUntilIdle();
    } finally {
      over.abort(new Error('over'));
      await Promise.all([watching, sweeping]);
    }
    const trail: AuditRecord[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const page = await ask('GET', `/rooms/${ROOM}/audit?limit=50${after && `&after=${after}`}`);
      trail.push(...page.records);
      after = page.next;
    }
    const compared = truth.compare(await readFlight(trail));
    for (const call of space.hearing().keys()) {
      call.hangUp();
    }
    await space.runUntilIdle();
    await server.stop();
    space.close();
    return { ...compared, trail };
  }

  it(`${RUNS}: confirms nothing that the Space denies`, async () => {
    const seen = { confirmed: 0, unknown: 0 };
    await fc.assert(
      fc.asyncProperty(story, async (given) => {
        const { wrong, confirmed, unknown, trail } = await play(given);
        seen.confirmed += confirmed;
        seen.unknown += unknown;
        expect(wrong.length === 0 ? [] : [wrong[0], wrong.length, trail]).toEqual([]);
      }),
      { numRuns: RUNS, timeout: STORY_MS },
    );
    // It says something.
    expect(seen.confirmed).toBeGreaterThan(seen.unknown);
  });
});
