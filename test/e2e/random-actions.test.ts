import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { viewRecord } from '../../src/api/views';
import { loadConfig } from '../../src/config';
import { parseAddress } from '../../src/people/address';
import { type Actor, RIGHTS, SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { createRoster } from '../../src/people/roster';
import { MODES, type Mode } from '../../src/rooms/mode';
import { parseRoomName, type RoomName } from '../../src/rooms/room';
import type { Call } from '../../src/simulator/call';
import { createSpace, type Space } from '../../src/simulator/space';
import { type AuditRecord, readTrail } from '../../src/supervision/trail';
import { ActionWatcher, LIMIT_MS, type StoryAction, type StoryAnswer } from '../support/action-watcher';
import { ALICE, BOB, SIGNING_KEY, TED } from '../support/app';
import { compareActionTrail } from '../support/compare-action-trail';
import { fuzzRuns, isFullFuzz, STORY_MS } from '../support/fuzz';
import { eventually } from '../support/redis-server';
import { createFaults } from '../support/rest-faults';
import { openStoryBench, SERVER, type StoryBench, startStoryServer } from '../support/story-server';
import { LONG_TIMEOUTS } from '../support/test-bench';

/** Somebody who may do everything. */
const actorNamed = (name: string): Actor => ({ name, rights: new Set(RIGHTS), rooms: 'all' });

const RUNS = isFullFuzz ? 1_000 : fuzzRuns(400);
/** A second moderator. */
const CAROL = '+15557788998';
const CALLER_ID = '+15550009999';
const SWEEP_MS = 2_500;
/** How long simulated time waits for the servers to see to supervisors, in real milliseconds. */
const MAX_HOLD_MS = 1_000;
/** How long an action may take, in milliseconds of the servers' clocks: they go on by one with each look at them. */
const ACTION_MS = 300;
/** How long an answer may take, in real milliseconds. */
const ANSWER_MS = 30_000;

type Server = 0 | 1;

/** Something that happens at once. */
type Happening =
  | { kind: 'call'; role: 'moderator' | 'caller'; room: 0 | 1; who: 0 | 1 }
  | { kind: 'call'; role: 'supervisor'; room: 0 | 1; mode: Mode }
  | { kind: 'hangUp'; which: number }
  | { kind: 'outside'; what: 'mute' | 'unmute' | 'hold' | 'unhold' | 'retarget' | 'release'; which: number }
  | { kind: 'kill'; server: Server }
  | { kind: 'wipe' };

type Change = { name: 'mode'; mode: Mode } | { name: Exclude<StoryAction['name'], 'mode' | 'join'> };

type Act = { server: Server; change: Change; which: number };

type Step =
  | Happening
  | { kind: 'wait'; seconds: number }
  | { kind: 'keys'; which: number; key: '1' | '2' | '3' }
  | { kind: 'outage'; seconds: number }
  | { kind: 'join'; server: Server; room: 0 | 1; mode: Mode; hasKey: boolean }
  | { kind: 'act'; acts: Act[]; meanwhile: { after: number; what: Happening } | undefined };

const room = fc.constantFrom(0 as const, 0 as const, 0 as const, 1 as const);
const server = fc.constantFrom(0 as const, 1 as const);
const which = fc.nat(20);
const mode = fc.constantFrom(...MODES);
const constant = <T extends string>(value: T) => fc.constant(value);

const call: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    kind: constant('call'),
    role: fc.constantFrom('moderator' as const, 'caller' as const),
    room,
    who: fc.constantFrom(0 as const, 1 as const),
  }),
  fc.record({ kind: constant('call'), role: constant('supervisor'), room, mode }),
);
const hangUp = fc.record({ kind: constant('hangUp'), which });
const outside = fc.record({
  kind: constant('outside'),
  what: fc.constantFrom('mute', 'unmute', 'hold', 'unhold', 'retarget', 'release'),
  which,
});
const kill = fc.record({ kind: constant('kill'), server });
const wipe = fc.record({ kind: constant('wipe') });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: call },
  { weight: 3, arbitrary: hangUp },
  { weight: 3, arbitrary: outside },
  { weight: 2, arbitrary: kill },
  { weight: 1, arbitrary: wipe },
);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ name: constant('mode'), mode }) },
  {
    weight: 4,
    arbitrary: fc.record({
      name: fc.constantFrom('mute' as const, 'unmute' as const, 'hold' as const, 'unhold' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ name: fc.constantFrom('remove' as const, 'end' as const) }) },
);
const act = fc.record({ server, change, which });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: call },
  { weight: 3, arbitrary: hangUp },
  { weight: 4, arbitrary: outside },
  { weight: 5, arbitrary: fc.record({ kind: constant('wait'), seconds: fc.constantFrom(1, 4, 20) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: constant('act'),
      acts: fc.oneof(
        { weight: 3, arbitrary: fc.tuple(act).map(([one]) => [one]) },
        // At once, on the same participant or on two.
        { weight: 1, arbitrary: fc.tuple(act, act).map(([one, other]) => [one, { ...other, which: one.which }]) },
        { weight: 1, arbitrary: fc.tuple(act, act).map(([one, other]) => [one, other]) },
      ),
      meanwhile: fc.option(fc.record({ after: fc.nat(7), what: happening }), { freq: 2, nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: constant('keys'), which, key: fc.constantFrom('1', '2', '3') }) },
  { weight: 1, arbitrary: fc.record({ kind: constant('join'), server, room, mode, hasKey: fc.boolean() }) },
  { weight: 1, arbitrary: kill },
  { weight: 1, arbitrary: wipe },
  { weight: 1, arbitrary: fc.record({ kind: constant('outage'), seconds: fc.constantFrom(1, 5) }) },
);

/** Most stories begin with somebody to coach. */
const opening: fc.Arbitrary<Step[]> = fc.constantFrom<Step[][]>(
  [],
  ...MODES.map((one): Step[] => [
    { kind: 'call', role: 'moderator', room: 0, who: 0 },
    { kind: 'call', role: 'caller', room: 0, who: 0 },
    { kind: 'call', role: 'supervisor', room: 0, mode: one },
  ]),
);

const probability = fc.constantFrom(0, 0, 0.3, 1);
const story = fc.record({
  opening,
  steps: fc.array(step, { minLength: 5, maxLength: 16 }),
  isLossy: fc.boolean(),
  chaos: fc.record({
    seed: fc.nat(),
    lose: probability,
    duplicate: probability,
    reorder: probability,
    delayMs: fc.constantFrom(0, 0, 20_000),
  }),
  /** How often a request to the Space fails. */
  faults: fc.constantFrom(0, 0.1, 0.3),
  withRedis: fc.boolean(),
  behaviour: fc.record({
    coachesBeforeStart: fc.boolean(),
    endsWithLastModerator: fc.boolean(),
    latecomersHearCoaches: fc.boolean(),
    reportsCoaching: fc.boolean(),
  }),
});

type Story = typeof story extends fc.Arbitrary<infer S> ? S : never;

/** The codes of actions that did not come about, in any story, and where the Space's REST API fails. */
const CODES = [
  'busy',
  'not_in_room',
  'not_a_supervisor',
  'is_a_supervisor',
  'no_conference',
  'no_moderator',
  'conversation_changed',
  'superseded',
  'muted_by_server',
  'left',
  'no_key',
  'no_answer',
  'line_busy',
  'not_connected',
  // Somebody else changes it back at once.
  'ineffective',
];
const LOSSY_CODES = [
  ...CODES,
  // A supervisor whose name was lost with the store may only listen.
  'not_allowed',
  'store_away',
  'abandoned',
  'space_refused',
  'space_timeout',
  'space_unreachable',
  'space_unreadable',
];

const seen = {
  stories: 0,
  lossless: 0,
  actions: 0,
  confirmed: 0,
  cut: 0,
  joins: 0,
  outside: 0,
  barges: 0,
  requested: 0,
  confirmedStates: 0,
  shown: 0,
  breaches: 0,
  longestMs: 0,
};
const codesSeen: Record<string, number> = {};

describe('random stories with actions', () => {
  let bench: StoryBench;

  beforeAll(async () => {
    bench = await openStoryBench();
  });

  afterAll(() => bench?.close());

  /** Plays a story. Returns what was wrong. */
  async function play(given: Story): Promise<string[]> {
    const { redis, connection, sockets } = bench;
    const { opening, steps, chaos, isLossy, faults, withRedis, behaviour } = given;
    const startedAt = Date.now();
    const space: Space = createSpace({
      signingKey: SIGNING_KEY,
      timeouts: LONG_TIMEOUTS,
      chaos: isLossy ? chaos : { seed: 0 },
      ...behaviour,
      wallClock: () => startedAt + space.clock.now(),
    });
    const watcher = new ActionWatcher(space, startedAt);
    const wrong = watcher.wrong;
    const faultOf = createFaults(chaos.seed, isLossy ? faults : 0);
    let meanwhile: { after: number; what: Happening } | undefined;
    let isRedisDown = false;
    let isCut = false;
    let wipes = 0;
    const env = {
      SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
      MODERATOR_NUMBERS: `${ALICE},${CAROL}`,
      SUPERVISOR_NUMBERS: TED,
      CALLER_ID,
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
    const servers = await startStoryServer({
      space,
      sockets,
      redis: withRedis ? connection : undefined,
      withRest: true,
      servers: 2,
      sharesRedis: withRedis,
      env,
      roster,
      // Each action has a token of its own.
      tokens: { find: actorNamed, findWall: () => undefined, actorNamed },
      async intercept(request) {
        const needed = watcher.neededFor(request);
        const before = wipes;
        if (needed !== undefined && !isRedisDown) {
          const state = await servers.read(needed.room).catch(() => undefined);
          if (state !== undefined && before === wipes && !wipedSinceAction()) {
            watcher.checkRequested(state, needed);
          }
        }
        if (meanwhile !== undefined && meanwhile.after-- <= 0) {
          const { what } = meanwhile;
          meanwhile = undefined;
          await happen(what);
        }
        return faultOf(request);
      },
      onApplied: (event, state) => watcher.applied(event, state),
      retryMs: 1,
      actionMs: ACTION_MS,
    });
    const over = new AbortController();
    const actions: { action: StoryAction; answer: StoryAnswer; wipes: number }[] = [];
    /** The number of wipes when the oldest action that is in progress began. */
    const begun = new Set<number>();
    const wipedSinceAction = () => [...begun].some((count) => count < wipes);
    let isHeld = false;
    let heldUntil = -1;
    // Looks at every turn of the event loop. Simulated time waits while the servers see to a supervisor.
    const watching = (async () => {
      while (!over.signal.aborted) {
        watcher.look();
        if (!isHeld && space.clock.now() > heldUntil) {
          isHeld = true;
          const idle = Promise.all([servers.current(0).idle(), servers.current(1).idle()]).then(() => 'idle');
          void space.clock.hold(
            Promise.race([idle, sleep(MAX_HOLD_MS, 'late', { ref: false })]).then((outcome) => {
              isHeld = false;
              heldUntil = outcome === 'late' ? space.clock.now() : heldUntil;
            }),
          );
        }
        await new Promise(setImmediate);
      }
    })();
    const checkShown = async (from: number, isSwept: boolean) => {
      const rooms = [roomOf(0), roomOf(1)].filter((one) => !isSwept || watcher.wasSwept(one));
      for (const one of isRedisDown ? [] : rooms) {
        const state = await servers.read(one).catch(() => undefined);
        if (state !== undefined) {
          watcher.checkShown(state, from, isSwept);
        }
      }
    };
    const sweeping = (async () => {
      for (let round = 0; ; round++) {
        await space.clock.sleep(SWEEP_MS, over.signal);
        const from = watcher.history.latest();
        // While Redis is away each server compares the rooms that it knows.
        const due: Server[] = isRedisDown ? [0, 1] : [round % 2 === 0 ? 0 : 1];
        await space.clock.hold(
          Promise.race([
            // A server that is killed meanwhile never ends it.
            Promise.all(due.map((one) => servers.current(one).sweep())),
            sleep(5_000, undefined, { ref: false }),
          ]),
        );
        await space.clock.hold(checkShown(from, true));
        const live = [...space.conferences.live()].map(({ name }) => parseRoomName(name) as RoomName);
        if (isLossy && faults > 0 && !live.every((one) => watcher.wasSwept(one))) {
          watcher.postpone(SWEEP_MS);
        }
      }
    })().catch((error: Error) => {
      if (error !== over.signal.reason) {
        wrong.add(`the sweep failed: ${error.stack}`);
      }
    });

    const dial = (from: string, path: string, role: 'moderator' | 'caller' | 'supervisor') => {
      const made = space.call({ from, url: sockets.publicUrl + path });
      watcher.roles.set(made.sid, role);
      return made;
    };
    const inConferences = () => [...space.conferences.live()].flatMap(({ participants }) => participants);
    const pick = <T>(all: readonly T[], which: number): T | undefined => all[which % all.length];
    const wiped = () => {
      wipes++;
      watcher.wiped();
    };

    async function happen(what: Happening): Promise<void> {
      switch (what.kind) {
        case 'hangUp':
          pick([...space.hearing().keys()], what.which)?.hangUp();
          return;
        case 'outside': {
          const one = pick(inConferences(), what.which);
          if (one !== undefined) {
            const others = one.conference.participants.filter((other) => other !== one);
            const changes = {
              mute: { muted: true },
              unmute: { muted: false },
              hold: { hold: true },
              unhold: { hold: false },
              retarget: { callSidToCoach: pick(others, what.which)?.callSid },
              release: { callSidToCoach: undefined },
            }[what.what];
            // Only supervisors coach. Somebody else who did would be taken for one.
            if ('callSidToCoach' in changes && watcher.roles.get(one.callSid) !== 'supervisor') {
              return;
            }
            watcher.changedOutside(one.callSid);
            space.conferences.update(one, changes);
          }
          return;
        }
        case 'kill':
          if (isLossy) {
            isCut = true;
            await servers.kill(what.server);
          }
          return;
        case 'wipe':
          if (isLossy && !isRedisDown) {
            isCut ||= !withRedis;
            wiped();
            await servers.wipe();
          }
          return;
        case 'call':
          if (what.role === 'supervisor') {
            const { sid } = dial(TED, `/coach/room-${what.room}?mode=${what.mode}`, 'supervisor');
            watcher.arrivals.set(sid, { mode: what.mode, by: 'document' });
          } else {
            const from = what.role === 'caller' ? BOB : what.who === 0 ? ALICE : CAROL;
            dial(from, `/conference/room-${what.room}`, what.role);
          }
      }
    }

    async function ask(which: Server, by: string, method: string, path: string, body?: object): Promise<StoryAnswer> {
      try {
        const response = await fetch(`${sockets.publicUrl}/api/v1${path}`, {
          method,
          headers: {
            authorization: `Bearer ${by}`,
            [SERVER]: String(which),
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        const answered = (await response.json()) as { code?: string; action?: never };
        return { code: answered.code, action: answered.action };
      } catch (error) {
        if (!isCut) {
          wrong.add(`${by} has no answer: ${error}`);
        }
        return 'cut';
      }
    }

    async function request(
      which: Server,
      about: Omit<StoryAction, 'by' | 'from'>,
      method: string,
      path: string,
      body?: object,
    ): Promise<void> {
      const by = `token-${actions.length}`;
      const action: StoryAction = { ...about, by, from: watcher.history.latest() };
      const entry = { action, answer: 'cut' as StoryAnswer, wipes };
      actions.push(entry);
      watcher.requested(action);
      entry.answer = await ask(which, by, method, path, body);
      watcher.answered(action, entry.answer);
    }

    async function carryOut({ server: which, change, which: chosen }: Act): Promise<void> {
      const isSupervisor = ({ callSid }: { callSid: string }) => watcher.roles.get(callSid) === 'supervisor';
      const present = inConferences().filter((one) => isSupervisor(one) === (change.name === 'mode'));
      const one = pick(present, chosen);
      if (one === undefined) {
        return;
      }
      const { callSid, conference } = one;
      const room = parseRoomName(conference.name) as RoomName;
      const about = { name: change.name, room, callSid, mode: undefined, conferenceSid: conference.sid };
      const path = `/rooms/${room}/participants/${callSid}`;
      switch (change.name) {
        case 'mode':
          return request(which, { ...about, mode: change.mode }, 'PUT', `/rooms/${room}/supervisors/${callSid}/mode`, {
            mode: change.mode,
          });
        case 'remove':
          return request(which, about, 'DELETE', path);
        case 'end':
          return request(which, { ...about, callSid: undefined }, 'DELETE', `/rooms/${room}/conference`);
        case 'mute':
        case 'unmute':
          return request(which, about, 'PATCH', path, { muted: change.name === 'mute' });
        case 'hold':
        case 'unhold':
          return request(which, about, 'PATCH', path, { onHold: change.name === 'hold' });
      }
    }

    async function join({ server: which, room: number, mode, hasKey }: Extract<Step, { kind: 'join' }>): Promise<void> {
      const known = new Set(space.calls);
      const room = roomOf(number);
      const about = { name: 'join' as const, room, callSid: undefined, mode, conferenceSid: undefined };
      const by = `token-${actions.length}`;
      await space.clock.hold(request(which, about, 'POST', `/rooms/${room}/supervisors`, { supervisor: 'Ted', mode }));
      const called = space.calls.find((one) => !known.has(one) && one.direction === 'outbound-api');
      if (called !== undefined) {
        watcher.roles.set(called.sid, 'supervisor');
        watcher.arrivals.set(called.sid, { mode, by });
        await space.clock.advance(1_000);
        await space.runUntilIdle();
        if (hasKey) {
          called.press('1');
        }
      }
    }

    async function act(one: Step): Promise<void> {
      switch (one.kind) {
        case 'wait':
          return space.clock.advance(one.seconds * 1_000);
        case 'keys': {
          const ted = pick(
            inConferences().filter(({ callSid }) => watcher.roles.get(callSid) === 'supervisor'),
            one.which,
          );
          const onPhone = space.calls.find(({ sid }) => sid === ted?.callSid);
          onPhone?.press('*');
          await space.runUntilIdle();
          onPhone?.press(one.key);
          return;
        }
        case 'join':
          return join(one);
        case 'outage':
          if (isLossy && withRedis) {
            wiped();
            isRedisDown = true;
            await redis.kill();
            await space.clock.advance(one.seconds * 1_000);
            wiped();
            await redis.restart();
            await space.clock.hold(eventually(() => connection.ping()));
            isRedisDown = false;
          }
          return;
        case 'act': {
          const before = wipes;
          const first = actions.length;
          begun.add(before);
          meanwhile = one.meanwhile && { ...one.meanwhile };
          await space.clock.hold(Promise.all(one.acts.map(carryOut)));
          meanwhile = undefined;
          begun.delete(before);
          if (one.meanwhile === undefined && before === wipes) {
            watcher.checkKept(actions.slice(first).map(({ action, answer }) => [action, answer]));
          }
          return;
        }
        default:
          return happen(one);
      }
    }

    try {
      for (const one of [...opening, ...steps]) {
        await act(one);
        await space.runUntilIdle();
        await space.clock.settle();
        if (!isLossy) {
          await checkShown(watcher.history.latest(), false);
        }
      }
      // Long enough for callbacks that are late, for the sweep to see twice what was lost, and to give up what is abandoned.
      await space.clock.advance(30_000);
      await space.runUntilIdle();
    } finally {
      over.abort(new Error('over'));
      await Promise.all([watching, sweeping]);
    }
    const codes = space.calls.flatMap(({ errors }: Call) => errors.map(({ code }) => code));
    const unexpected = codes.filter((code) => code !== 13_240);
    if (unexpected.length > 0 && !isCut) {
      wrong.add(`calls failed with ${unexpected}`);
    }
    const trail: AuditRecord[] = [];
    for await (const record of readTrail(servers.store(), 0)) {
      trail.push(viewRecord(record));
    }
    for (const { action, answer, wipes: before } of actions) {
      for (const problem of compareActionTrail(trail, action, answer, before === wipes)) {
        wrong.add(`${problem}: ${JSON.stringify([action, answer, trail.filter(({ by }) => by === action.by)])}`);
      }
      const code = answer === 'cut' ? undefined : answer.code;
      // The Space refuses a target who has just left.
      const isTargetGone = code === 'space_refused' && action.mode === 'coach';
      if (code !== undefined && !isTargetGone && !(isLossy ? LOSSY_CODES : CODES).includes(code)) {
        wrong.add(`unexpected code: ${JSON.stringify([action, answer])}`);
      }
      seen.actions++;
      seen.joins += Number(action.name === 'join');
      seen.cut += Number(answer === 'cut');
      seen.confirmed += Number(answer !== 'cut' && answer.action?.status === 'confirmed' && code === undefined);
      if (code !== undefined) {
        codesSeen[code] = (codesSeen[code] ?? 0) + 1;
      }
    }
    const { ms, what } = watcher.longest;
    if (isLossy ? ms > LIMIT_MS : ms > 0) {
      wrong.add(`for ${ms} ms ${what}`);
    }
    for (const callSid of watcher.unfound()) {
      wrong.add(`${callSid} is heard and unknown since the store was wiped`);
    }
    const { barges, requested, confirmedStates, outside, shown } = watcher.counts;
    seen.stories++;
    seen.lossless += Number(!isLossy);
    seen.outside += outside;
    seen.barges += barges;
    seen.requested += requested;
    seen.confirmedStates += confirmedStates;
    seen.shown += shown;
    seen.breaches += Number(ms >= 0);
    seen.longestMs = Math.max(seen.longestMs, ms);
    for (const one of space.hearing().keys()) {
      one.hangUp();
    }
    await space.runUntilIdle();
    await servers.stop();
    space.close();
    return [...wrong];
  }

  it(`${RUNS}: every action is shown, does what it says, and leaves nobody heard whom they should not hear`, async () => {
    await fc.assert(
      fc.asyncProperty(story, async (given) => {
        expect(await play(given)).toEqual([]);
      }),
      { numRuns: RUNS, timeout: STORY_MS },
    );
    // The stories were worth telling.
    if (isFullFuzz) {
      for (const count of Object.values(seen)) {
        expect(count).toBeGreaterThan(0);
      }
      expect(Object.keys(codesSeen)).toEqual(expect.arrayContaining(['busy', 'conversation_changed', 'superseded']));
    }
  });
});

function roomOf(number: 0 | 1): RoomName {
  return parseRoomName(`room-${number}`) as RoomName;
}
