import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RoomView } from '../../src/api/schemas';
import { loadConfig } from '../../src/config';
import { type Actor, RIGHTS } from '../../src/people/rights';
import { createRoster } from '../../src/people/roster';
import { parseRoster } from '../../src/people/roster-file';
import { MODES, type Mode } from '../../src/rooms/mode';
import { createSpace, type Space } from '../../src/simulator/space';
import { ALICE, BOB, SIGNING_KEY, TED } from '../support/app';
import { openBrowser, type TestPage } from '../support/browser';
import { fuzzRuns, isFullFuzz, STORY_MS } from '../support/fuzz';
import { PIN_KEY, rosterText } from '../support/roster';
import { PASSWORD, TED_LISTED } from '../support/screen-bench';
import { LIMIT_MS, type ScreenPart, ScreenWatcher } from '../support/screen-watcher';
import { openStoryBench, type StoryBench, startStoryServer } from '../support/story-server';
import { CAROL, LONG_TIMEOUTS } from '../support/test-bench';

const RUNS = fuzzRuns(200);
const CUSTOMER = '+15550004444';
const SWEEP_MS = 2_500;
/** How long simulated time waits for the server to see to a supervisor, in real milliseconds. */
const MAX_HOLD_MS = 1_000;
/** How long an action may take, in milliseconds of the server's clock: it goes on by one with each look at it. */
const ACTION_MS = 300;

/** Whose numbers these are. Bob is an agent too; customers have no name. */
const PEOPLE: Readonly<Record<string, ScreenPart>> = {
  [ALICE]: { role: 'moderator', name: 'Alice' },
  [BOB]: { role: 'moderator', name: 'Bob' },
  [TED]: { role: 'supervisor', name: 'Ted' },
  [CAROL]: { role: 'supervisor', name: 'Carol' },
  [CUSTOMER]: { role: 'caller', name: undefined },
};

const ROSTER = rosterText({
  moderators: [
    { name: 'Alice', number: ALICE },
    { name: 'Bob', number: BOB },
  ],
  supervisors: [TED_LISTED, { name: 'Carol', number: CAROL }],
});

/** A program that may do everything. */
const PROGRAM: Actor = { name: 'token program', rights: new Set(RIGHTS), rooms: 'all' };

type Step =
  | { kind: 'call'; from: string; room: 0 | 1 }
  | { kind: 'supervise'; from: string; room: 0 | 1; mode: Mode }
  | { kind: 'hangUp'; which: number }
  | { kind: 'outside'; what: 'mute' | 'unmute' | 'hold' | 'unhold' | 'retarget' | 'release'; which: number }
  | { kind: 'api' | 'keys'; which: number; mode: Mode }
  | { kind: 'click'; mode: Mode }
  | { kind: 'wait'; seconds: number };

const room = fc.constantFrom(0 as const, 0 as const, 0 as const, 1 as const);
const which = fc.nat(20);
const mode = fc.constantFrom(...MODES);
const constant = <T extends string>(value: T) => fc.constant(value);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: constant('call'), from: fc.constantFrom(ALICE, BOB, CUSTOMER), room }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: constant('supervise'), from: fc.constantFrom(TED, CAROL), room, mode }),
  },
  { weight: 4, arbitrary: fc.record({ kind: constant('hangUp'), which }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: constant('outside'),
      what: fc.constantFrom('mute', 'unmute', 'hold', 'unhold', 'retarget', 'release'),
      which,
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: constant('api'), which, mode }) },
  { weight: 5, arbitrary: fc.record({ kind: constant('click'), mode }) },
  { weight: 1, arbitrary: fc.record({ kind: constant('keys'), which, mode }) },
  { weight: 3, arbitrary: fc.record({ kind: constant('wait'), seconds: fc.constantFrom(1, 4, 15) }) },
);

/** Stories begin with somebody to supervise. */
const opening: fc.Arbitrary<Step[]> = fc.tuple(mode, fc.constantFrom(TED, TED, CAROL)).map(([one, from]) => [
  { kind: 'call', from: ALICE, room: 0 },
  { kind: 'call', from: CUSTOMER, room: 0 },
  { kind: 'supervise', from, room: 0, mode: one },
]);

const probability = fc.constantFrom(0, 0, 0.3, 1);
const story = fc.record({
  opening,
  steps: fc.array(step, { minLength: 4, maxLength: 12 }),
  isLossy: fc.boolean(),
  chaos: fc.record({
    seed: fc.nat(),
    lose: probability,
    duplicate: probability,
    reorder: probability,
    delayMs: fc.constantFrom(0, 2_000, 20_000),
  }),
  withRedis: fc.boolean(),
  behaviour: fc.record({
    coachesBeforeStart: fc.boolean(),
    endsWithLastModerator: fc.boolean(),
    latecomersHearCoaches: fc.boolean(),
    reportsCoaching: fc.boolean(),
  }),
});

type Story = typeof story extends fc.Arbitrary<infer S> ? S : never;

const seen = { stories: 0, lossless: 0, actions: 0, confirmed: 0, open: 0, changes: 0, waits: 0, late: 0, flashes: 0 };

describe('random stories with a browser open', () => {
  let bench: StoryBench;
  let page: TestPage;

  beforeAll(async () => {
    bench = await openStoryBench();
    page = await (await openBrowser()).newPage();
    await ScreenWatcher.prepare(page);
  });

  afterAll(() => bench?.close());

  /** Plays a story. Returns what was wrong. */
  async function play(given: Story): Promise<string[]> {
    const { connection, sockets } = bench;
    const { opening, steps, chaos, isLossy, withRedis, behaviour } = given;
    const { lose, reorder, delayMs } = chaos;
    const startedAt = Date.now();
    const space: Space = createSpace({
      signingKey: SIGNING_KEY,
      timeouts: LONG_TIMEOUTS,
      chaos: isLossy ? chaos : { seed: 0 },
      ...behaviour,
      wallClock: () => startedAt + space.clock.now(),
    });
    const latestMs = lose > 0 ? LIMIT_MS : Math.min(LIMIT_MS, delayMs + (reorder > 0 ? 5_000 : 0));
    const watcher = new ScreenWatcher(space, page, isLossy ? latestMs : 0);
    const { parts, wrong } = watcher;
    const env = { SIGNALWIRE_SIGNING_KEY: SIGNING_KEY, MODERATOR_NUMBERS: '', SUPERVISOR_NUMBERS: '', PIN_KEY };
    const roster = createRoster(loadConfig(env));
    roster.replace(parseRoster(ROSTER, { file: 'roster.json', hasPinKey: true }));
    const server = await startStoryServer({
      space,
      sockets,
      redis: withRedis ? connection : undefined,
      sharesRedis: withRedis,
      withRest: true,
      env,
      roster,
      tokens: { find: () => PROGRAM, actorNamed: () => PROGRAM, findWall: () => undefined },
      async intercept(request) {
        await watcher.holdUntilOpen(request);
        return undefined;
      },
      retryMs: 1,
      actionMs: ACTION_MS,
    });
    const over = new AbortController();
    let isHeld = false;
    let heldUntil = -1;
    // At every turn of the event loop: simulated time waits while the server sees to a supervisor.
    const watching = (async () => {
      while (!over.signal.aborted) {
        if (!isHeld && space.clock.now() > heldUntil) {
          isHeld = true;
          const isLate = sleep(MAX_HOLD_MS, 'late', { ref: false });
          void space.clock.hold(
            Promise.race([server.current().idle(), isLate]).then((outcome) => {
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

    async function ask<T>(method: string, path: string, body?: object): Promise<T> {
      const response = await fetch(`${sockets.publicUrl}/api/v1${path}`, {
        method,
        headers: { authorization: 'Bearer program', ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      return (await response.json()) as T;
    }

    async function askRooms(): Promise<RoomView[]> {
      const { rooms } = await ask<{ rooms: { room: string }[] }>('GET', '/rooms');
      return Promise.all(rooms.map(({ room }) => ask<RoomView>('GET', `/rooms/${room}`)));
    }

    const dial = (from: string, path: string) => {
      const { sid } = space.call({ from, url: sockets.publicUrl + path });
      parts.set(sid, PEOPLE[from] as ScreenPart);
    };
    const inConferences = () => [...space.conferences.live()].flatMap(({ participants }) => participants);
    const isSupervisor = ({ callSid }: { callSid: string }) => parts.get(callSid)?.role === 'supervisor';
    const pick = <T>(all: readonly T[], which: number): T | undefined => all[which % all.length];

    async function act(one: Step): Promise<unknown> {
      switch (one.kind) {
        case 'call':
          return dial(one.from, `/conference/room-${one.room}`);
        case 'supervise':
          return dial(one.from, `/coach/room-${one.room}?mode=${one.mode}`);
        case 'hangUp':
          return pick([...space.hearing().keys()], one.which)?.hangUp();
        case 'wait':
          return wait(one.seconds * 1_000);
        case 'outside': {
          const chosen = pick(inConferences(), one.which);
          if (chosen === undefined) {
            return;
          }
          const others = chosen.conference.participants.filter((other) => other !== chosen);
          const changes = {
            mute: { muted: true },
            unmute: { muted: false },
            hold: { hold: true },
            unhold: { hold: false },
            retarget: { callSidToCoach: pick(others, one.which)?.callSid },
            release: { callSidToCoach: undefined },
          }[one.what];
          // Only supervisors coach. Somebody else who did would be taken for one.
          if (!('callSidToCoach' in changes) || isSupervisor(chosen)) {
            space.conferences.update(chosen, changes);
          }
          return;
        }
        case 'api': {
          const chosen = pick(inConferences().filter(isSupervisor), one.which);
          if (chosen !== undefined) {
            seen.actions++;
            const path = `/rooms/${chosen.conference.name}/supervisors/${chosen.callSid}/mode`;
            await space.clock.hold(ask('PUT', path, { mode: one.mode }));
          }
          return;
        }
        case 'click':
          return space.clock.hold(click(one.mode));
        case 'keys': {
          const chosen = pick(inConferences().filter(isSupervisor), one.which);
          const phone = space.calls.find(({ sid }) => sid === chosen?.callSid);
          phone?.press('*');
          await space.runUntilIdle();
          return phone?.press(String(MODES.indexOf(one.mode) + 1));
        }
      }
    }

    /** Ted chooses on the screen, if he is there; until he is answered. */
    async function click(mode: Mode): Promise<void> {
      const button = `document.querySelector('#you button[data-mode="${mode}"]')`;
      if (await page.evaluate<boolean>(`${button} !== null`)) {
        seen.actions++;
        const answer = page.waitForResponse((response) => response.request().method() === 'POST');
        await page.evaluate(`${button}.click()`);
        await answer;
      }
    }

    /** Looks often, so that nothing wrong comes and goes unseen. */
    async function wait(ms: number): Promise<void> {
      for (let left = ms; left > 0; left -= SWEEP_MS) {
        await space.clock.advance(Math.min(left, SWEEP_MS));
        await settle();
      }
    }

    async function settle(): Promise<void> {
      await space.runUntilIdle();
      await space.clock.settle();
      await space.clock.hold(watcher.check(askRooms));
    }

    try {
      await page.goto(`${sockets.publicUrl}/sign-in`);
      await page.getByLabel('Name').fill('Ted');
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.locator('#you').waitFor();
      for (const one of [...opening, ...steps]) {
        await act(one);
        await settle();
      }
      // Long enough for the sweep to see twice what was lost.
      await wait(LIMIT_MS);
    } finally {
      over.abort(new Error('over'));
      await Promise.all([watching, sweeping]);
      await page.goto('about:blank');
      for (const one of space.hearing().keys()) {
        one.hangUp();
      }
      await space.runUntilIdle();
      await server.stop();
      space.close();
    }
    seen.stories++;
    seen.lossless += Number(!isLossy);
    for (const [name, count] of Object.entries(watcher.counts) as [keyof typeof watcher.counts, number][]) {
      seen[name] += count;
    }
    // The conversation may have changed under his finger, or he may have left it: then nothing is done.
    return [...wrong, ...page.problems.filter((problem) => !/status of 40[49] .*\/mode\?/.test(problem))];
  }

  it(`${RUNS}: the screen confirms only what the Space does, and nothing while the server changes it`, async () => {
    await fc.assert(
      fc.asyncProperty(story, async (given) => {
        expect(await play(given)).toEqual([]);
      }),
      // Looking for a simpler story that fails would take longer than the test may.
      { numRuns: RUNS, endOnFailure: true, timeout: STORY_MS },
    );
    // The stories were worth telling.
    expect(seen.confirmed).toBeGreaterThan(0);
    expect(seen.changes).toBeGreaterThan(0);
    if (isFullFuzz) {
      for (const count of Object.values(seen)) {
        expect(count).toBeGreaterThan(0);
      }
    }
  });
});
