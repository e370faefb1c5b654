import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MODES, type Mode } from '../../src/rooms/mode';
import type { Call } from '../../src/simulator/call';
import { createSpace, type Space } from '../../src/simulator/space';
import { readStays, readTrail, type StayRecord } from '../../src/supervision/trail';
import { ALICE, BOB, SIGNING_KEY, TED } from '../support/app';
import { compareTrail, type Told } from '../support/compare-trail';
import { fuzzRuns, isFullFuzz, STORY_MS } from '../support/fuzz';
import { openStoryBench, type StoryBench, type StoryServer, startStoryServer } from '../support/story-server';
import { type Part, type Period, Watcher } from '../support/story-watcher';
import { LONG_TIMEOUTS } from '../support/test-bench';

const RUNS = fuzzRuns(1_000);
/** A second moderator. */
const CAROL = '+15557788998';
/** How long a caller may hear a supervisor who should not be heard, when something was lost. */
const LIMIT_MS = 10_000;
const SWEEP_MS = 2_500;
/** How long simulated time waits for the server to see to a supervisor, in real milliseconds. */
const MAX_HOLD_MS = 200;

type Step =
  | { kind: 'call'; role: 'moderator' | 'caller'; room: 0 | 1; who: 0 | 1 }
  | { kind: 'call'; role: 'supervisor'; room: 0 | 1; mode: Mode }
  | { kind: 'hangUp'; which: number }
  | { kind: 'wait'; seconds: number }
  | { kind: 'kill' }
  | { kind: 'wipe' };

const room = fc.constantFrom(0 as const, 0 as const, 1 as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      role: fc.constantFrom('moderator' as const, 'caller' as const),
      room,
      who: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      role: fc.constant('supervisor' as const),
      room,
      mode: fc.constantFrom(...MODES),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('hangUp' as const), which: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 10, 40) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'kill' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'wipe' as const }) },
);

/** Most stories begin with somebody to coach. */
const opening: fc.Arbitrary<Step[]> = fc.constantFrom(
  [],
  [{ kind: 'call', role: 'moderator', room: 0, who: 0 }],
  [
    { kind: 'call', role: 'moderator', room: 0, who: 0 },
    { kind: 'call', role: 'caller', room: 0, who: 0 },
    { kind: 'call', role: 'supervisor', room: 0, mode: 'coach' },
  ],
);

const probability = fc.constantFrom(0, 0, 0.3, 1);
const story = fc.record({
  opening,
  steps: fc.array(step, { minLength: 4, maxLength: 16 }),
  isLossy: fc.boolean(),
  chaos: fc.record({
    seed: fc.nat(),
    lose: probability,
    duplicate: probability,
    reorder: probability,
    delayMs: fc.constantFrom(0, 0, 20_000),
  }),
  withRest: fc.boolean(),
  withRedis: fc.boolean(),
  behaviour: fc.record({
    asksActionAfterHangUp: fc.boolean(),
    coachesBeforeStart: fc.boolean(),
    endsWithLastModerator: fc.boolean(),
    latecomersHearCoaches: fc.boolean(),
    reportsCoaching: fc.boolean(),
    completesDials: fc.boolean(),
  }),
});

type Story = typeof story extends fc.Arbitrary<infer S> ? S : never;

describe('random stories', () => {
  let bench: StoryBench;

  beforeAll(async () => {
    bench = await openStoryBench();
  });

  afterAll(() => bench?.close());

  async function play(
    given: Story,
  ): Promise<{ space: Space; server: StoryServer; watcher: Watcher; stays: StayRecord[]; told: Told }> {
    const { connection, sockets } = bench;
    const { opening, steps, chaos, isLossy, withRest, withRedis, behaviour } = given;
    const startedAt = Date.now();
    const space: Space = createSpace({
      signingKey: SIGNING_KEY,
      timeouts: LONG_TIMEOUTS,
      chaos: isLossy ? chaos : { seed: 0 },
      ...behaviour,
      // Without REST nobody can help a coach whose agent leaves a conference that goes on, or whom latecomers hear.
      ...(!withRest && { endsWithLastModerator: false, latecomersHearCoaches: false }),
      wallClock: () => startedAt + space.clock.now(),
    });
    const server = await startStoryServer({
      space,
      sockets,
      redis: withRedis ? connection : undefined,
      withRest,
      env: {
        SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
        MODERATOR_NUMBERS: `${ALICE},${CAROL}`,
        SUPERVISOR_NUMBERS: TED,
      },
    });
    const watcher = new Watcher(space, withRest);
    const over = new AbortController();
    const sweeps: number[] = [];
    let wipedAt = Number.NEGATIVE_INFINITY;
    let forgotten: ReadonlySet<Period> = new Set();
    let isHeld = false;
    let heldUntil = -1;
    // Looks at every turn of the event loop. Simulated time waits while the server sees to a supervisor, but for what
    // itself waits for time to pass.
    const watching = (async () => {
      while (!over.signal.aborted) {
        watcher.look();
        if (!isHeld && space.clock.now() > heldUntil) {
          isHeld = true;
          void space.clock.hold(
            Promise.race([server.current().idle(), sleep(MAX_HOLD_MS, 'late')]).then((outcome) => {
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
        if (withRest) {
          sweeps.push(space.clock.now());
        }
      }
    })().catch(() => {});

    const dial = (from: string, path: string, part: Part) => {
      watcher.parts.set(space.call({ from, url: sockets.publicUrl + path }).sid, part);
    };
    const act = async (one: Step): Promise<void> => {
      switch (one.kind) {
        case 'wait':
          return space.clock.advance(one.seconds * 1_000);
        case 'hangUp': {
          const present = [...space.hearing().keys()];
          return present[one.which % present.length]?.hangUp();
        }
        case 'kill':
          return isLossy ? server.kill() : undefined;
        case 'wipe':
          if (isLossy) {
            watcher.look();
            wipedAt = space.clock.now();
            forgotten = new Set(watcher.periods);
            await server.wipe();
          }
          return;
        case 'call':
          if (one.role === 'supervisor') {
            return dial(TED, `/coach/room-${one.room}?mode=${one.mode}`, { role: 'supervisor', mode: one.mode });
          }
          return dial(one.role === 'caller' ? BOB : one.who === 0 ? ALICE : CAROL, `/conference/room-${one.room}`, {
            role: one.role,
          });
      }
    };
    try {
      for (const one of [...opening, ...steps]) {
        await act(one);
        await space.runUntilIdle();
        await space.clock.settle();
      }
      // Long enough for callbacks that are late, and for the sweep to see twice what was lost.
      await space.clock.advance(30_000);
      await space.runUntilIdle();
    } finally {
      over.abort(new Error('over'));
      await Promise.all([watching, sweeping]);
    }
    const stays: StayRecord[] = [];
    for await (const stay of readStays(readTrail(server.store(), 0))) {
      stays.push(stay);
    }
    const told = {
      startedAt,
      periods: watcher.periods,
      sweeps,
      wipedAt,
      forgotten,
      undelivered: space.undelivered(),
      isLate: isLossy && chaos.delayMs + chaos.reorder > 0,
      withRest,
    };
    return { space, server, watcher, stays, told };
  }

  async function finish(space: Space, server: StoryServer): Promise<void> {
    for (const call of space.hearing().keys()) {
      call.hangUp();
    }
    await space.runUntilIdle();
    await server.stop();
    space.close();
  }

  it(`${RUNS}: nobody hears a supervisor whom they should not, and the trail tells what was`, async () => {
    const seen = { whispers: 0, barges: 0, listens: 0, periods: 0, lossless: 0, lost: 0, foundAgain: 0, breaches: 0 };
    await fc.assert(
      fc.asyncProperty(story, async (given) => {
        const { space, server, watcher, stays, told } = await play(given);
        try {
          const { withRest, isLossy } = given;
          const { ms, what } = watcher.longest;
          if (!isLossy) {
            expect([ms > 0, ms > 0 ? what : '']).toEqual([false, '']);
          } else if (withRest) {
            expect([ms > LIMIT_MS, ms > LIMIT_MS ? what : '']).toEqual([false, '']);
          }
          const codes = space.calls.flatMap(({ errors }: Call) => errors.map(({ code }) => code));
          expect(codes.filter((code) => code !== 13_240)).toEqual([]);

          expect(compareTrail(stays, told)).toEqual([]);
          seen.lossless += Number(!isLossy);
          seen.whispers += watcher.heard.whispers;
          seen.barges += watcher.heard.barges;
          seen.listens += watcher.heard.listens;
          seen.periods += watcher.periods.length;
          seen.lost += space.callbacks().lost;
          seen.foundAgain += stays.filter(({ startKnown }) => startKnown === 'unknown').length;
          seen.breaches += Number(ms >= 0);
        } finally {
          await finish(space, server);
        }
      }),
      { numRuns: RUNS, timeout: STORY_MS },
    );
    // The stories were worth telling. A few of them need not have it all.
    if (isFullFuzz) {
      const { breaches, foundAgain, ...others } = seen;
      for (const count of Object.values(others)) {
        expect(count).toBeGreaterThan(RUNS / 10);
      }
      // Where something was lost, somebody was heard for a moment, or found by the sweep.
      expect(breaches).toBeGreaterThan(0);
      expect(foundAgain).toBeGreaterThan(0);
    }
  });
});
