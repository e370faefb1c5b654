import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createMemoryStore, createRedisStore, type Store } from '../../src/store/store';
import { ALICE, startApp, TED, type TestApp } from '../support/app';
import { fuzzRuns, isFullFuzz } from '../support/fuzz';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';

const RUNS = fuzzRuns(1_000);

/** Three calls of one moderator, with how long ago their late joins are dated; and the conferences they enter. */
const CALLS = {
  a: { conference: 'x', lateMs: 300_000 },
  b: { conference: 'y', lateMs: 240_000 },
  c: { conference: 'y', lateMs: 180_000 },
} as const;
type Call = keyof typeof CALLS;
type Conference = 'x' | 'y';

/** One request of the Space. A `late` join is dated minutes ago, other joins have no date. */
type Step = { room: 0 | 1 } & (
  | { kind: 'webhook' | 'leave' | 'dial-ended' | 'mute' | 'callers-join' | 'callers-leave'; call: Call }
  | { kind: 'join'; call: Call; late: boolean }
  | { kind: 'conference-end'; conference: Conference }
);

const room = fc.constantFrom(0 as const, 1 as const);
const call = fc.constantFrom(...(Object.keys(CALLS) as Call[]));
const conference = fc.constantFrom<Conference>('x', 'y');
const kind = <T extends Step['kind']>(...kinds: T[]) => fc.constantFrom(...kinds);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ room, kind: kind('webhook', 'leave', 'dial-ended', 'mute'), call }) },
  { weight: 1, arbitrary: fc.record({ room, kind: kind('callers-join', 'callers-leave'), call }) },
  { weight: 3, arbitrary: fc.record({ room, kind: kind('join'), call, late: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ room, kind: kind('conference-end'), conference }) },
);
/** Steps in any order, many of them missing; every one may come twice, at once or much later. */
const steps = fc
  .array(step, { minLength: 1, maxLength: 8, size: 'max' })
  .chain((list) => fc.shuffledSubarray([...list, ...list], { minLength: 1 }));

/** What the rules of state demand of one room. */
class RoomModel {
  current: Call | undefined;
  /** When each call arrived: late ones before all others. */
  readonly arrivals = new Map<Call, number>();
  readonly over = new Set<Call>();
  private readonly endedConferences = new Set<Conference>();
  private currentConference: Conference | undefined;
  private ticks = 0;

  see(seen: Step): void {
    switch (seen.kind) {
      case 'webhook':
        if (!this.over.has(seen.call)) {
          this.arrivals.set(seen.call, ++this.ticks);
          this.makeCurrent(seen.call);
        }
        return;
      case 'join': {
        const entered = CALLS[seen.call].conference;
        if (this.endedConferences.has(entered)) {
          this.finish(seen.call);
        }
        if (this.over.has(seen.call)) {
          return;
        }
        const arrival = this.arrivals.get(seen.call) ?? (seen.late ? -CALLS[seen.call].lateMs : ++this.ticks);
        this.arrivals.set(seen.call, arrival);
        if (this.current === undefined || arrival > (this.arrivals.get(this.current) ?? 0)) {
          this.makeCurrent(seen.call);
        }
        if (this.current === seen.call) {
          this.currentConference = entered;
        }
        return;
      }
      case 'leave':
      case 'dial-ended':
        this.finish(seen.call);
        return;
      case 'conference-end':
        this.endedConferences.add(seen.conference);
        if (this.current !== undefined && this.currentConference === seen.conference) {
          this.finish(this.current);
        }
        return;
      case 'mute':
      case 'callers-join':
      case 'callers-leave':
        return;
    }
  }

  private makeCurrent(moderator: Call): void {
    if (this.current !== moderator) {
      this.current = moderator;
      this.currentConference = undefined;
    }
  }

  private finish(gone: Call): void {
    this.over.add(gone);
    if (this.current === gone) {
      this.current = undefined;
    }
  }
}

/** Sends a step as the Space would; SIDs and rooms are those of one run. */
async function send(app: TestApp, seen: Step, run: string): Promise<void> {
  const path = `${run}-${seen.room}`;
  const event = (fields: Record<string, string>) => app.post(`/events/conference/${path}`, fields);
  const sidOf = (text: string) => `${text}-${path}`;
  switch (seen.kind) {
    case 'webhook':
      await app.post(`/conference/${path}`, { CallSid: sidOf(seen.call), From: ALICE });
      return;
    case 'dial-ended':
      await app.post(`/conference/${path}/ended`, { CallSid: sidOf(seen.call), DialCallStatus: 'completed' });
      return;
    case 'join': {
      const { conference: entered, lateMs } = CALLS[seen.call];
      if (!seen.late) {
        // Two events of one millisecond have no order; what the model calls later must be so.
        await sleep(2);
      }
      await event({
        StatusCallbackEvent: 'participant-join',
        CallSid: sidOf(seen.call),
        ConferenceSid: sidOf(entered),
        EndConferenceOnExit: 'true',
        ...(seen.late && { Timestamp: new Date(Date.now() - lateMs).toUTCString() }),
      });
      return;
    }
    case 'leave':
    case 'mute':
      await event({ StatusCallbackEvent: `participant-${seen.kind}`, CallSid: sidOf(seen.call) });
      return;
    case 'callers-join':
    case 'callers-leave':
      // A customer who is in the same conference as the moderator.
      await event({
        StatusCallbackEvent: seen.kind.replace('callers', 'participant'),
        CallSid: sidOf(`bob-${seen.call}`),
        ConferenceSid: sidOf(CALLS[seen.call].conference),
        EndConferenceOnExit: 'false',
      });
      return;
    case 'conference-end':
      await event({ StatusCallbackEvent: 'conference-end', ConferenceSid: sidOf(seen.conference) });
      return;
  }
}

describe('webhooks and callbacks in any order, repeated and lost', () => {
  let redis: RedisServer;
  let runs = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(() => redis.dispose());

  it.each<[string, () => Store]>([
    ['the embedded store', () => createMemoryStore({ lifetimeMs: 3_600_000, monotonicNow: Date.now, now: Date.now })],
    [
      'Redis',
      () => createRedisStore({ urls: [redis.url], lifetimeMs: 3_600_000, timeoutMs: 5_000, onConnection: () => {} }),
    ],
  ])('never hand out a moderator who left, nor lose one who is there, with %s', async (_name, createStore) => {
    const store = createStore();
    await eventually(() => store.ping());
    const app = await startApp({ store, env: { LOG_LEVEL: 'silent' } });
    let handedOut = 0;
    try {
      await fc.assert(
        fc.asyncProperty(steps, async (list) => {
          const run = `run${++runs}`;
          const models = [new RoomModel(), new RoomModel()] as const;
          for (const one of list) {
            await send(app, one, run);
            const model = models[one.room];
            model.see(one);
            const { text } = await app.post(`/coach/${run}-${one.room}`, { CallSid: 'ted', From: TED });
            const target = /coach="([abc])-/.exec(text)?.[1] as Call | undefined;
            // The two promises, each by itself, and then exactly whom the rules demand.
            expect(target !== undefined && model.over.has(target)).toBe(false);
            expect(target).toBe(model.current);
            handedOut += Number(target !== undefined);
          }
        }),
        { numRuns: RUNS },
      );
    } finally {
      await app.stop();
      store.close();
    }
    if (isFullFuzz) {
      expect(handedOut).toBeGreaterThan(RUNS);
    }
  });
});
