import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { type ConferenceCoach, startConferenceCoach } from '../../src/conference-coach';
import { loadConfig } from '../../src/config';
import { MODES, type Mode } from '../../src/rooms/mode';
import { createRestApi } from '../../src/simulator/rest-api';
import { createSpace, type Space } from '../../src/simulator/space';
import { ALICE, BOB, SIGNING_KEY, TED } from '../support/app';
import { UNHURRIED } from '../support/desk';
import { fuzzRuns, isFullFuzz } from '../support/fuzz';

/** `settle`: whether what follows from a step has happened before the next begins. */
type Step = { settle: boolean } & (
  | { kind: 'call'; role: 'moderator' | 'caller'; room: 0 | 1 }
  | { kind: 'call'; role: 'supervisor'; room: 0 | 1; mode: Mode }
  | { kind: 'hangUp'; which: number }
  | { kind: 'wait'; seconds: number }
);

const room = fc.constantFrom(0 as const, 1 as const);
const settle = fc.boolean();
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('call'), role: fc.constantFrom('moderator', 'caller'), room, settle }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('call'),
      role: fc.constant('supervisor'),
      room,
      mode: fc.constantFrom(...MODES),
      settle,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('hangUp'), which: fc.nat(20), settle }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), seconds: fc.constantFrom(1, 10, 60), settle }) },
) as fc.Arbitrary<Step>;

const probability = fc.constantFrom(0, 0, 0.3, 1);
const story = fc.record({
  steps: fc.array(step, { minLength: 4, maxLength: 16 }),
  chaos: fc.record({
    seed: fc.nat(),
    lose: probability,
    duplicate: probability,
    reorder: probability,
    delayMs: fc.constantFrom(0, 0, 20_000),
  }),
  /** Whether every step is over before the next, whatever the steps say. */
  orderly: fc.boolean(),
  asksActionAfterHangUp: fc.boolean(),
  withRest: fc.boolean(),
});

const RUNS = fuzzRuns(1_000);
const CREDENTIALS = { accountSid: 'account', apiToken: 'token' };

let servers: Record<'withRest' | 'without', ConferenceCoach>;
let stop: () => Promise<void>;
/** The Space of the story that is played. */
let answerRest: RequestListener;

beforeAll(async () => {
  const rest = createServer((req, res) => answerRest(req, res)).listen(0, '127.0.0.1');
  await new Promise((resolve) => rest.once('listening', resolve));
  const start = (env: Record<string, string>) =>
    startConferenceCoach(
      loadConfig({
        PORT: '0',
        SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
        MODERATOR_NUMBERS: ALICE,
        SUPERVISOR_NUMBERS: TED,
        ...env,
      }),
      pino({ level: 'silent' }),
    );
  servers = {
    without: await start({}),
    withRest: await start({
      SIGNALWIRE_SPACE_URL: `http://127.0.0.1:${(rest.address() as AddressInfo).port}`,
      SIGNALWIRE_PROJECT_ID: CREDENTIALS.accountSid,
      SIGNALWIRE_API_TOKEN: CREDENTIALS.apiToken,
    }),
  };
  stop = async () => {
    await Promise.all([servers.without.stop(0), servers.withRest.stop(0)]);
    rest.closeAllConnections();
    rest.close();
  };
});

afterAll(() => stop());

type Part =
  | { role: 'moderator' | 'caller' }
  /** `hasModerator`: whether one was in the room when they called. */
  | { role: 'supervisor'; mode: Mode; hasModerator: boolean };

/** What must hold at every moment, however calls and callbacks go. Returns what does not. */
function findBreach(space: Space, parts: ReadonlyMap<string, Part>): string | undefined {
  for (const [listener, { voices }] of space.hearing()) {
    const hears = voices.map((sid) => parts.get(sid));
    const role = parts.get(listener.sid)?.role;
    for (const speaker of hears) {
      if (speaker?.role === 'supervisor' && speaker.mode !== 'barge' && role !== 'moderator') {
        return `a ${role} hears a supervisor in mode ${speaker.mode}`;
      }
      if (speaker?.role === 'supervisor' && speaker.mode === 'monitor') {
        return 'somebody hears a supervisor in mode monitor';
      }
    }
    const conference = space.conferences.of(listener.sid)?.conference;
    const moderators = conference?.participants.filter(({ callSid }) => parts.get(callSid)?.role === 'moderator');
    if (hears.some((speaker) => speaker?.role === 'caller') && moderators?.length === 0) {
      return `a ${role} hears a caller without a moderator`;
    }
  }
  for (const call of space.hearing().keys()) {
    const place = space.conferences.of(call.sid);
    const target = place?.callSidToCoach;
    if (target !== undefined && space.conferences.of(target)?.conference !== place?.conference) {
      return 'a supervisor is connected with the SID of a moderator who has left';
    }
  }
  return undefined;
}

/**
 * What must hold when nothing is under way: whoever called to supervise a moderator who was in is in with them, and a
 * coach is heard. Returns what does not.
 */
function findMisled(space: Space, parts: ReadonlyMap<string, Part>): string | undefined {
  for (const call of space.hearing().keys()) {
    const part = parts.get(call.sid);
    if (part?.role !== 'supervisor' || !part.hasModerator) {
      continue;
    }
    const place = space.conferences.of(call.sid);
    if (place === undefined) {
      return 'a supervisor is not let in to a moderator';
    }
    const listeners = place.conference.participants.filter(({ callSid }) =>
      space.conferences.hearing(place.conference).get(callSid)?.voices.includes(call.sid),
    );
    const roles = listeners.map(({ callSid }) => parts.get(callSid)?.role);
    // Where another moderator came in after them, a server that can ask the Space to let them listen only.
    const { participants } = place.conference;
    const later = participants.slice(participants.indexOf(place) + 1);
    if (place.muted && later.some(({ callSid }) => parts.get(callSid)?.role === 'moderator')) {
      continue;
    }
    if (part.mode === 'coach' && roles.join() !== 'moderator') {
      return `a coach is heard by ${roles.join() || 'nobody'}`;
    }
  }
  return undefined;
}

it(`${RUNS} random stories: no supervisor is heard who should be silent, whatever is lost`, async () => {
  let runs = 0;
  const seen = { orderly: 0, whispers: 0, barges: 0, listens: 0, stale: 0, lostCallbacks: 0 };

  await fc.assert(
    fc.asyncProperty(story, async ({ steps, chaos, orderly, asksActionAfterHangUp, withRest }) => {
      const run = `run-${++runs}`;
      const { publicUrl } = servers[withRest ? 'withRest' : 'without'];
      const space = createSpace({
        signingKey: SIGNING_KEY,
        patience: UNHURRIED,
        chaos,
        asksActionAfterHangUp,
        ...CREDENTIALS,
      });
      answerRest = createRestApi(space);
      const parts = new Map<string, Part>();
      let breach: string | undefined;
      let misled: string | undefined;
      let over = false;
      // Looks at every turn of the event loop, also between what a step sets off.
      const watch = (async () => {
        while (!over) {
          breach ??= findBreach(space, parts);
          await new Promise(setImmediate);
        }
      })();

      const dial = (from: string, path: string, part: Part) => {
        parts.set(space.call({ from, url: publicUrl + path }).sid, part);
      };
      const act = async (one: Step): Promise<void> => {
        if (one.kind === 'wait') {
          await space.clock.advance(one.seconds * 1000);
        } else if (one.kind === 'hangUp') {
          const present = [...space.hearing().keys()];
          present[one.which % present.length]?.hangUp();
        } else if (one.role === 'supervisor') {
          const conference = [...space.conferences.live()].find(({ name }) => name === `${run}-${one.room}`);
          const hasModerator =
            conference?.participants.some(({ callSid }) => parts.get(callSid)?.role === 'moderator') ?? false;
          dial(TED, `/coach/${run}-${one.room}?mode=${one.mode}`, { ...one, hasModerator });
        } else {
          dial(one.role === 'moderator' ? ALICE : BOB, `/conference/${run}-${one.room}`, one);
        }
      };
      try {
        for (const one of steps) {
          await act(one);
          if (one.settle || orderly) {
            await space.rest();
          }
          if (orderly) {
            misled ??= findMisled(space, parts);
          }
          for (const [listener, { voices }] of space.hearing()) {
            const part = parts.get(listener.sid);
            const heard = voices.map((sid) => parts.get(sid));
            seen.listens += part?.role === 'supervisor' && voices.length > 0 ? 1 : 0;
            seen.whispers += heard.some((speaker) => speaker?.role === 'supervisor' && speaker.mode === 'coach')
              ? 1
              : 0;
            seen.barges += heard.some((speaker) => speaker?.role === 'supervisor' && speaker.mode === 'barge') ? 1 : 0;
          }
        }
        await space.rest();
        for (const call of space.hearing().keys()) {
          call.hangUp();
        }
        await space.rest();
      } finally {
        over = true;
        await watch;
        space.close();
      }

      expect(breach).toBeUndefined();
      expect(space.hearing().size).toBe(0);
      const codes = space.calls.flatMap(({ errors }) => errors.map(({ code }) => code));
      expect(codes.filter((code) => code !== 13_240)).toEqual([]);
      // When every step was over before the next, and the server was told of every moderator's leaving, it sent nobody
      // to one who had left, and everybody to one who was there.
      const { lose, duplicate, reorder, delayMs } = chaos;
      const isUndisturbed = lose === 0 && duplicate === 0 && reorder === 0 && delayMs === 0;
      if (orderly && (asksActionAfterHangUp || isUndisturbed)) {
        expect(codes).toEqual([]);
        expect(misled).toBeUndefined();
        seen.orderly++;
      }
      seen.stale += codes.length;
      seen.lostCallbacks += space.callbacks().lost;
    }),
    { numRuns: RUNS },
  );

  // The stories were worth telling. A few of them need not have it all.
  if (isFullFuzz) {
    expect(seen.listens).toBeGreaterThan(RUNS / 2);
    expect(seen.whispers).toBeGreaterThan(RUNS / 10);
    expect(seen.barges).toBeGreaterThan(RUNS / 10);
    expect(seen.orderly).toBeGreaterThan(RUNS / 10);
    expect(seen.stale).toBeGreaterThan(0);
    expect(seen.lostCallbacks).toBeGreaterThan(RUNS);
  }
});
