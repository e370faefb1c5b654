import { describe, expect, it } from '@jest/globals';
import type { Participant } from '../../src/simulator/conferences';
import { playStory, type StepReport } from '../../src/simulator/play-story';
import type { Story } from '../../src/simulator/story';
import { TUTORIAL_CAST, tutorialStory } from '../../src/simulator/tutorial';
import { PLATFORM_TIMEOUTS } from '../../src/simulator/web-client';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { startTestBench, type TestBench, type TestBenchOptions } from '../support/test-bench';

async function startStore(): Promise<RedisServer> {
  const redis = await startRedis();
  onTestFinished(() => redis.dispose());
  return redis;
}

/** Bob and Alice talk in a room, the usual one unless named. */
async function talking(testBench: TestBench, room = '') {
  return {
    bob: await testBench.call('Bob', `/conference${room}`),
    alice: await testBench.call('Alice', `/conference${room}`),
  };
}

const TALKING = { Bob: ['Alice'], Alice: ['Bob'] };
const TWO_ROOMS = { ...TALKING, 'Bob 2': ['Alice 2'], 'Alice 2': ['Bob 2'] };
const COACHED = { Bob: ['Alice'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] };
const MONITORED = { ...TALKING, Ted: ['Alice', 'Bob'] };
const OVER = 'That conversation is over. Please hold for the next one.';
const BARGED = { Bob: ['Alice', 'Ted'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] };

describe('the story of Alice, Bob and Ted', () => {
  const stores: [string, () => Promise<TestBenchOptions>][] = [
    ['the embedded store', async () => ({})],
    ['Redis', async () => ({ env: { REDIS_URL: (await startStore()).url } })],
    ['the Space asked by REST', async () => ({ withRest: true })],
  ];

  describe.each(stores)('with %s', (_name, optionsOf) => {
    it.each<[Story['method']]>([['POST'], ['GET']])('goes as it should over %s', async (method) => {
      const testBench = await startTestBench(await optionsOf());
      const reports: StepReport[] = [];
      for await (const report of playStory(
        { ...tutorialStory(TUTORIAL_CAST), method },
        testBench.space,
        testBench.url,
      )) {
        reports.push(report);
      }
      expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
      const matrices = reports.map(({ rows }) =>
        Object.fromEntries(
          rows.map(({ who, voices, sounds }) => [who, [...voices.sort(), ...sounds.filter((one) => one === 'music')]]),
        ),
      );
      expect(matrices).toEqual([
        { Bob: ['music'] },
        { Bob: ['music'], Carol: ['music'] },
        { Bob: ['Alice', 'Carol'], Carol: ['Alice', 'Bob'], Alice: ['Bob', 'Carol'] },
        TALKING,
        COACHED,
        TALKING,
        MONITORED,
        TALKING,
        BARGED,
        { Ted: [] },
        { Ted: [], Bob: ['music'] },
        { Ted: [], ...TALKING },
        MONITORED,
        TALKING,
        {},
        { Ted: [] },
        {},
      ]);
    });
  });
});

describe('a supervisor', () => {
  it.each([
    ['coach', '', COACHED],
    ['monitor', '?mode=monitor', MONITORED],
    ['barge', '?mode=barge', BARGED],
  ])('in mode %s is heard as the mode says, until the moderator leaves', async (_mode, query, matrix) => {
    const testBench = await startTestBench();
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', `/coach${query}`);
    expect(testBench.hears()).toEqual(matrix);
    await testBench.hangUp(alice);
    expect([testBench.hears(), ted.told]).toEqual([{ Ted: [] }, [OVER]]);
  });

  it('who listens is heard by the moderator alone, should the mute slip', async () => {
    const testBench = await startTestBench();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/coach?mode=monitor');
    const place = testBench.space.conferences.participant(ted.sid) as Participant;
    testBench.space.conferences.update(place, { muted: false });
    expect(testBench.hears()).toEqual(COACHED);
  });

  it('comes and goes without a beep', async () => {
    const testBench = await startTestBench();
    const { bob } = await talking(testBench);
    const beeps = () => bob.hearing().sounds;
    for (const query of ['', '?mode=monitor', '?mode=barge']) {
      await testBench.space.clock.advance(1_000);
      const ted = await testBench.call('Ted', `/coach${query}`);
      expect(beeps()).toEqual([]);
      await testBench.hangUp(ted);
      expect(beeps()).toEqual([]);
    }
  });

  it('does not keep a conference going, nor end it', async () => {
    const testBench = await startTestBench();
    const { bob, alice } = await talking(testBench);
    const ted = await testBench.call('Ted', '/coach?mode=barge');
    expect(testBench.hears()).toEqual(BARGED);
    await testBench.hangUp(ted);
    expect(testBench.hears()).toEqual(TALKING);
    await testBench.call('Ted', '/coach');
    await testBench.hangUp(alice);
    expect([testBench.hears(), bob.status]).toEqual([{ Ted: [] }, 'completed']);
  });

  it('who waits is let in when the moderator comes', async () => {
    const testBench = await startTestBench();
    await testBench.call('Ted', '/coach');
    await testBench.call('Bob', '/conference');
    expect(testBench.hears()).toEqual({ Ted: [], Bob: ['music'] });
    await testBench.call('Alice', '/conference');
    await testBench.space.clock.advance(10_000);
    // They are told how they are heard first.
    await testBench.space.runUntilIdle();
    expect(testBench.hears()).toEqual(COACHED);
  });

  it('who waits in vain is told goodbye', async () => {
    const testBench = await startTestBench();
    const ted = await testBench.call('Ted', '/coach');
    await testBench.space.clock.advance(300_000);
    expect([testBench.hears(), ted.told.length, ted.told.at(-1)]).toEqual([{}, 13, 'Goodbye.']);
  });

  it.each([
    ['coach', '', COACHED, 'The agent alone hears you. You are coaching the agent in sample-conf.'],
    ['monitor', '?mode=monitor', MONITORED, 'Nobody hears you. You are listening to the agent in sample-conf.'],
    ['barge', '?mode=barge', MONITORED, 'Nobody hears you. You are listening to the agent in sample-conf.'],
  ])('is told how they are heard in the next conversation, in mode %s', async (_mode, query, matrix, told) => {
    const testBench = await startTestBench();
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', `/coach${query}`);
    await testBench.hangUp(alice);
    await talking(testBench);
    await testBench.space.clock.advance(30_000);
    await testBench.space.runUntilIdle();
    expect([testBench.hears(), ted.told]).toEqual([matrix, [OVER, `${told} For the menu, press star.`]]);
  });

  it('waits half an hour for the next conversation, and is told goodbye', async () => {
    const testBench = await startTestBench();
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', '/coach');
    await testBench.hangUp(alice);
    await testBench.space.clock.advance(29 * 60_000);
    expect(testBench.hears()).toEqual({ Ted: [] });
    await testBench.space.clock.advance(10 * 60_000);
    expect([testBench.hears(), ted.told]).toEqual([{}, [...Array(60).fill(OVER), 'Goodbye.']]);
  });

  it('who is none hears nothing and is heard by nobody', async () => {
    const testBench = await startTestBench();
    await talking(testBench);
    const carol = await testBench.call('Carol', '/coach?mode=barge');
    expect([testBench.hears(), carol.status, carol.told]).toEqual([TALKING, 'no-answer', []]);
  });
});

describe('a coach, on a Space that lets latecomers hear them', () => {
  /** The Space, with the requests that the server made to change a participant. */
  async function startSpace(coachesBeforeStart: boolean) {
    const changes: Readonly<Record<string, string>>[] = [];
    const testBench = await startTestBench({
      withRest: true,
      space: { latecomersHearCoaches: true, coachesBeforeStart },
      intercept({ method, form }) {
        if (method === 'POST') {
          changes.push(form);
        }
        return undefined;
      },
    });
    return { testBench, changes };
  }

  it('who waited with the agent is not heard by the caller', async () => {
    const { testBench, changes } = await startSpace(true);
    const alice = await testBench.call('Alice', '/conference');
    await testBench.call('Ted', '/coach');
    await testBench.call('Bob', '/conference');
    await eventually(() => expect(testBench.hears()).toEqual(COACHED));
    await testBench.space.clock.advance(60_000);
    await testBench.space.runUntilIdle();
    expect(testBench.hears()).toEqual(COACHED);
    expect(changes).toEqual([{ Coaching: 'true', CallSidToCoach: alice.sid }]);
  });

  it.each([true, false])(
    'is not heard by a second caller; coaching before the start: %s',
    async (coachesBeforeStart) => {
      const { testBench, changes } = await startSpace(coachesBeforeStart);
      const { alice } = await talking(testBench);
      await testBench.call('Ted', '/coach');
      await testBench.space.clock.advance(60_000);
      expect([testBench.hears(), changes]).toEqual([COACHED, []]);
      await testBench.call('Carol', '/conference');
      await eventually(() =>
        expect(testBench.hears()).toEqual({
          Bob: ['Alice', 'Carol'],
          Carol: ['Alice', 'Bob'],
          Alice: ['Bob', 'Carol', 'Ted'],
          Ted: ['Alice', 'Bob', 'Carol'],
        }),
      );
      await testBench.space.clock.advance(60_000);
      await testBench.space.runUntilIdle();
      expect(changes).toEqual([{ Coaching: 'true', CallSidToCoach: alice.sid }]);
    },
  );
});

describe('a caller', () => {
  it('is told the notice, before anybody hears them', async () => {
    const testBench = await startTestBench({ env: { CALLER_NOTICE: 'Calls may be supervised.' } });
    await testBench.call('Alice', '/conference');
    const bob = testBench.space.call({ from: '+15550001111', url: `${testBench.url}/conference` });
    await testBench.space.clock.advance(100);
    expect(bob.hearing()).toEqual({ voices: [], sounds: ['notice'] });
    expect(testBench.hears()).toMatchObject({ Alice: ['music'] });
    await testBench.space.runUntilIdle();
    expect(bob.told).toEqual(['Calls may be supervised.']);
    expect(bob.hearing().voices).toHaveLength(1);
  });

  it('hears no other caller before the moderator is in', async () => {
    const testBench = await startTestBench();
    await testBench.call('Bob', '/conference');
    await testBench.call('Carol', '/conference');
    expect(testBench.hears()).toEqual({ Bob: ['music'], Carol: ['music'] });
  });

  it('is connected by the fallback url when the webhook fails', async () => {
    const testBench = await startTestBench();
    await testBench.call('Alice', '/conference');
    const bob = await testBench.call('Bob', '/confrence', { fallbackUrl: `${testBench.url}/fallback` });
    expect(bob.errors.map(({ code }) => code)).toEqual([11_217]);
    expect(testBench.hears()).toEqual(TALKING);
  });
});

describe('every call', () => {
  it('is over when it has lasted as long as it may', async () => {
    const testBench = await startTestBench({ env: { MAX_CALL_SECONDS: '60' } });
    const { bob } = await talking(testBench);
    await testBench.space.clock.advance(30_000);
    const ted = await testBench.call('Ted', '/coach');
    expect(testBench.hears()).toEqual(COACHED);
    await testBench.space.clock.advance(30_000);
    await testBench.space.runUntilIdle();
    // He waits for the next conversation, for half an hour at most.
    expect([testBench.hears(), bob.errors]).toEqual([{ Ted: [] }, []]);
    await testBench.space.clock.advance(40 * 60_000);
    expect([testBench.hears(), ted.errors]).toEqual([{}, []]);
  });

  it.each([
    ['a moderator', 'Alice'],
    ['a caller', 'Bob'],
  ] as const)('alone too: %s', async (_what, who) => {
    const testBench = await startTestBench({ env: { MAX_CALL_SECONDS: '60' } });
    const call = await testBench.call(who, '/conference');
    await testBench.space.clock.advance(59_999);
    expect(call.isOver).toBe(false);
    await testBench.space.clock.advance(1);
    expect(call.isOver).toBe(true);
  });

  it.each(['/conference', '/coach', '/fallback', '/conference/sample-conf/ended'])(
    'that the Space did not sign is refused at %s',
    async (path) => {
      const testBench = await startTestBench({ space: { signingKey: 'another' } });
      const call = await testBench.call('Alice', path);
      expect(call.errors).toEqual([expect.objectContaining({ code: 11_217, status: 403 })]);
      expect(testBench.hears()).toEqual({});
    },
  );
});

describe('two rooms', () => {
  it('hear nothing of each other, and neither do their supervisors', async () => {
    const testBench = await startTestBench();
    const { alice: one } = await talking(testBench, '/one');
    await talking(testBench, '/two');
    expect(testBench.hears()).toEqual(TWO_ROOMS);
    await testBench.call('Ted', '/coach/two');
    expect(testBench.hears()).toEqual({
      ...TWO_ROOMS,
      'Alice 2': ['Bob 2', 'Ted'],
      Ted: ['Alice 2', 'Bob 2'],
    });
    await testBench.hangUp(one);
    expect(testBench.hears()).toEqual(COACHED);
    const again = await testBench.call('Ted', '/coach/one');
    expect(again.told.join()).toContain('No conversation in');
    expect(testBench.hears()).toEqual({ ...COACHED, 'Ted 2': [] });
  });
});

describe('status callbacks', () => {
  it('that are all lost do no harm: the end of the moderator’s dial tells', async () => {
    const testBench = await startTestBench({ space: { chaos: { seed: 1, lose: 1 } } });
    const { alice } = await talking(testBench);
    await testBench.call('Ted', '/coach');
    expect(testBench.hears()).toEqual(COACHED);
    await testBench.hangUp(alice);
    const ted = await testBench.call('Ted', '/coach');
    expect([testBench.hears(), ted.errors]).toEqual([{ Ted: [], 'Ted 2': [] }, []]);
    expect(testBench.space.callbacks().delivered).toBe(0);
  });

  it('alone tell that a moderator has left, where the Space asks no action of who hangs up', async () => {
    const testBench = await startTestBench({ space: { asksActionAfterHangUp: false } });
    const { alice } = await talking(testBench);
    await testBench.hangUp(alice);
    const ted = await testBench.call('Ted', '/coach');
    expect([testBench.hears(), ted.errors]).toEqual([{ Ted: [] }, []]);
  });

  it.each([1, 2, 3, 4, 5])(
    'of the last call that come late, twice and in disorder spoil nothing (seed %i)',
    async (seed) => {
      const chaos = { seed, duplicate: 0.5, reorder: 0.5, delayMs: 20_000 };
      const testBench = await startTestBench({ space: { chaos } });
      const { alice } = await talking(testBench);
      await testBench.hangUp(alice);
      await talking(testBench);
      for (let round = 0; round < 3; round++) {
        const ted = await testBench.call('Ted', '/coach');
        expect([testBench.hears(), ted.errors]).toEqual([COACHED, []]);
        await testBench.hangUp(ted);
        await testBench.space.clock.advance(9_000);
      }
    },
  );
});

describe('a Call SID that went stale', () => {
  it('costs the supervisor a wait, not the call; the next moderator is coached', async () => {
    const testBench = await startTestBench({ space: { chaos: { seed: 1, lose: 1 }, asksActionAfterHangUp: false } });
    const { alice } = await talking(testBench);
    await testBench.hangUp(alice);
    const ted = await testBench.call('Ted', '/coach');
    expect(ted.errors.map(({ code }) => code)).toEqual([13_240]);
    expect([testBench.hears(), ted.told.join()]).toEqual([
      { Ted: [] },
      expect.stringContaining('we could not connect you to'),
    ]);
    await talking(testBench);
    expect(testBench.hears()).toEqual({ ...TALKING, Ted: [] });
    await testBench.space.clock.advance(10_000);
    // They are told how they are heard first.
    await testBench.space.runUntilIdle();
    expect(testBench.hears()).toEqual(COACHED);
  });

  it('stays silent after the retry, for who only listens', async () => {
    const testBench = await startTestBench({ space: { chaos: { seed: 1, lose: 1 }, asksActionAfterHangUp: false } });
    const { alice } = await talking(testBench);
    await testBench.hangUp(alice);
    await testBench.call('Ted', '/coach?mode=monitor');
    await talking(testBench);
    await testBench.space.clock.advance(10_000);
    // They are told how they are heard first.
    await testBench.space.runUntilIdle();
    expect(testBench.hears()).toEqual(MONITORED);
  });
});

describe('a store that stops in the middle of a call', () => {
  it('breaks no call, and lets others meet; what happened meanwhile is known when it is back', async () => {
    const redis = await startStore();
    const testBench = await startTestBench({ env: { REDIS_URL: redis.url } });
    const first = await talking(testBench, '/one');
    await redis.kill();
    await talking(testBench, '/two');
    expect(testBench.hears()).toEqual(TWO_ROOMS);
    await testBench.hangUp(first.alice);
    await testBench.call('Ted', '/coach/two');
    expect(testBench.hears()).toEqual(COACHED);
    // Another server may know a moderator there.
    const other = await testBench.call('Ted', '/coach/one');
    expect([other.told.join(), other.hearing().voices]).toEqual([expect.stringContaining('a technical problem'), []]);
    await redis.restart();
    await nextAttempt(testBench);
    expect([other.errors, other.told.at(-1)]).toEqual([[], expect.stringContaining('No conversation in')]);
    expect(testBench.hears()).toEqual({ ...COACHED, 'Ted 2': [] });
  });

  it('costs a supervisor nothing when the Space can be asked', async () => {
    const redis = await startStore();
    const testBench = await startTestBench({ env: { REDIS_URL: redis.url }, withRest: true });
    const { alice } = await talking(testBench);
    await redis.kill();
    const ted = await testBench.call('Ted', '/coach');
    expect(testBench.hears()).toEqual(COACHED);
    await testBench.hangUp(ted);
    await testBench.call('Ted', '/coach?mode=monitor');
    expect(testBench.hears()).toEqual(MONITORED);
    await testBench.hangUp(alice);
    const late = await testBench.call('Ted', '/coach');
    expect([testBench.hears(), late.errors]).toEqual([{ Ted: [], 'Ted 2': [] }, []]);
    // So that the server, when it stops, need not wait for it.
    await redis.restart();
  });

  itInFull('that hangs is waited for no longer than a call can; what this server saw is enough', async () => {
    const redis = await startStore();
    const testBench = await startTestBench({ env: { REDIS_URL: redis.url }, space: { timeouts: PLATFORM_TIMEOUTS } });
    await talking(testBench);
    redis.freeze();
    const carol = await testBench.call('Carol', '/conference');
    const ted = await testBench.call('Ted', '/coach');
    redis.thaw();
    expect([carol.errors, ted.errors]).toEqual([[], []]);
    expect(testBench.hears()).toEqual({
      Bob: ['Alice', 'Carol'],
      Alice: ['Bob', 'Carol', 'Ted'],
      Carol: ['Alice', 'Bob'],
      Ted: ['Alice', 'Bob', 'Carol'],
    });
  });

  /** The store comes back in real time; then it is the supervisor's next attempt. */
  async function nextAttempt(testBench: TestBench): Promise<void> {
    await eventually(async () => expect(await (await fetch(`${testBench.url}/readyz`)).text()).toContain('store: ok'));
    await testBench.space.clock.advance(10_000);
    await testBench.space.runUntilIdle();
  }
});
