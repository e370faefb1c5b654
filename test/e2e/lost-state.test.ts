import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import Redis from 'ioredis';
import type { Call } from '../../src/simulator/call';
import type { Participant } from '../../src/simulator/conferences';
import { ALICE, TED } from '../support/app';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { rosterSettings } from '../support/roster';
import { CAROL, startTestBench, type TestBench } from '../support/test-bench';

const PEOPLE = rosterSettings({
  moderators: [
    { name: 'Alice', number: ALICE },
    { name: 'Carol', number: CAROL },
  ],
  supervisors: [{ name: 'Ted', number: TED }],
});

const LISTENING = 'Nobody hears you. You are listening to Carol.';

/** How long callers may hear a supervisor after something was lost, in milliseconds of real time. */
const PROMISED_MS = 10_000;

interface Scene {
  testBench: TestBench;
  /** Another server of the same Redis, that no call asks for anything. */
  other: TestBench | undefined;
  redis: RedisServer | undefined;
  alice: Call;
  ted: Call;
}

/** Alice talks to Bob while Carol is there, and Ted coaches Alice. The conference goes on when one moderator leaves. */
async function coaching(store: 'memory' | 'Redis'): Promise<Scene> {
  let redis: RedisServer | undefined;
  if (store === 'Redis') {
    redis = await startRedis();
    onTestFinished(() => redis?.dispose());
  }
  const env = { ...PEOPLE, ...(redis && { REDIS_URL: redis.url }) };
  // Whether an action is asked for after a hang-up is an open question: the worst is that it is not.
  const space = { endsWithLastModerator: true, asksActionAfterHangUp: false };
  const testBench = await startTestBench({ withRest: true, env, space });
  const other = redis && (await startTestBench({ withRest: true, env, shared: testBench.space }));
  await testBench.call('Carol', '/conference/sales');
  await testBench.call('Bob', '/conference/sales');
  await testBench.space.clock.advance(5_000);
  const alice = await testBench.call('Alice', '/conference/sales');
  const ted = await testBench.call('Ted', '/coach/sales');
  expect(testBench.hears()).toMatchObject({ Bob: ['Alice', 'Carol'], Alice: ['Bob', 'Carol', 'Ted'] });
  return { testBench, other, redis, alice, ted };
}

/** Nothing that is about the leave reaches a server. */
function loseTheLeave({ testBench, alice }: Scene): void {
  const { attributes } = placeOf(testBench, alice).conference;
  attributes.statusCallbackEvent = attributes.statusCallbackEvent.filter((event) => event !== 'leave');
}

const placeOf = (testBench: TestBench, call: Call) => testBench.space.conferences.participant(call.sid) as Participant;

/**
 * Lets simulated time pass as real time does, until Ted is told that he listens to Carol.
 *
 * @returns for how long Bob heard him, in milliseconds
 */
async function heardFor({ testBench, ted }: Scene): Promise<number> {
  const since = performance.now();
  let passed = 0;
  let heardUntil = 0;
  while (!ted.told.at(-1)?.includes(LISTENING)) {
    const next = Math.floor(performance.now() - since);
    await testBench.space.clock.advance(next - passed);
    passed = next;
    heardUntil = testBench.hears().Bob?.includes('Ted') ? passed : heardUntil;
    if (passed > 2 * PROMISED_MS) {
      throw new Error(`After ${passed} ms: ${JSON.stringify([testBench.hears(), ted.told])}`);
    }
    await sleep(20);
  }
  await testBench.space.runUntilIdle();
  expect(testBench.hears()).toEqual({ Bob: ['Carol'], Carol: ['Bob'], Ted: ['Bob', 'Carol'] });
  return heardUntil;
}

describe('no caller hears a supervisor for more than ten seconds', () => {
  itInFull('when Redis is gone, and the moderator’s leave is never told', async () => {
    const scene = await coaching('Redis');
    await scene.redis?.kill();
    loseTheLeave(scene);
    await scene.testBench.hangUp(scene.alice);
    expect(await heardFor(scene)).toBeLessThan(PROMISED_MS);
    // A stop would wait for it.
    await scene.redis?.restart();
    for (const { url } of [scene.testBench, scene.other as TestBench]) {
      await eventually(async () => expect(await (await fetch(`${url}/readyz`)).text()).toContain('store: ok'));
    }
  });

  it.each(['memory', 'Redis'] as const)('when the moderator’s leave is never told, with %s', async (store) => {
    const scene = await coaching(store);
    loseTheLeave(scene);
    await scene.testBench.hangUp(scene.alice);
    expect(await heardFor(scene)).toBeLessThan(PROMISED_MS);
  });

  itInFull.each(['memory', 'Redis'] as const)(
    'when every server restarts while the moderator leaves, with %s',
    async (store) => {
      const scene = await coaching(store);
      const { testBench, other, alice } = scene;
      await testBench.restart(async () => {
        const leave = async () => {
          await testBench.hangUp(alice);
          // Until the Space gives up telling.
          await testBench.space.clock.advance(10_000);
        };
        await (other === undefined ? leave() : other.restart(leave));
        expect(testBench.hears().Bob).toContain('Ted');
      });
      expect(await heardFor(scene)).toBeLessThan(PROMISED_MS);
    },
  );

  it.each([
    ['is told', false],
    ['is never told', true],
  ])('when Redis loses its data, and then the moderator leaves, which %s', async (_how, isLost) => {
    const scene = await coaching('Redis');
    await flush(scene.redis as RedisServer);
    if (isLost) {
      loseTheLeave(scene);
    }
    await scene.testBench.hangUp(scene.alice);
    expect(await heardFor(scene)).toBeLessThan(PROMISED_MS);
  });
});

async function flush({ url }: RedisServer): Promise<void> {
  const client = new Redis(url);
  await client.flushall();
  client.disconnect();
}
