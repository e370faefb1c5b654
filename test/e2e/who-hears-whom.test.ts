import { describe, expect, it } from '@jest/globals';
import type { Participant } from '../../src/simulator/conferences';
import { playStory, type StepReport } from '../../src/simulator/play-story';
import type { Story } from '../../src/simulator/story';
import { TUTORIAL_CAST, tutorialStory } from '../../src/simulator/tutorial';
import { PATIENCE } from '../../src/simulator/web-client';
import { atEnd } from '../support/at-end';
import { type Desk, type DeskOptions, startDesk } from '../support/desk';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';

async function startStore(): Promise<RedisServer> {
  const redis = await startRedis();
  atEnd(() => redis.dispose());
  return redis;
}

/** Bob and Alice talk in a room, the usual one unless named. */
async function talking(desk: Desk, room = '') {
  return { bob: await desk.call('Bob', `/conference${room}`), alice: await desk.call('Alice', `/conference${room}`) };
}

const TALKING = { Bob: ['Alice'], Alice: ['Bob'] };
const TWO_ROOMS = { ...TALKING, 'Bob 2': ['Alice 2'], 'Alice 2': ['Bob 2'] };
const COACHED = { Bob: ['Alice'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] };
const MONITORED = { ...TALKING, Ted: ['Alice', 'Bob'] };
const OVER = 'That conversation is over. Please hold for the next one.';
const BARGED = { Bob: ['Alice', 'Ted'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] };

describe('the story of Alice, Bob and Ted', () => {
  const stores: [string, () => Promise<DeskOptions>][] = [
    ['the embedded store', async () => ({})],
    ['Redis', async () => ({ env: { REDIS_URL: (await startStore()).url } })],
    ['the Space asked by REST', async () => ({ withRest: true })],
  ];

  describe.each(stores)('with %s', (_name, optionsOf) => {
    it.each<[Story['method']]>([['POST'], ['GET']])('goes as it should over %s', async (method) => {
      const desk = await startDesk(await optionsOf());
      const reports: StepReport[] = [];
      for await (const report of playStory({ ...tutorialStory(TUTORIAL_CAST), method }, desk.space, desk.url)) {
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
    const desk = await startDesk();
    const { alice } = await talking(desk);
    const ted = await desk.call('Ted', `/coach${query}`);
    expect(desk.hears()).toEqual(matrix);
    await desk.hangUp(alice);
    expect([desk.hears(), ted.told]).toEqual([{ Ted: [] }, [OVER]]);
  });

  it('who listens is heard by the moderator alone, should the mute slip', async () => {
    const desk = await startDesk();
    await talking(desk);
    const ted = await desk.call('Ted', '/coach?mode=monitor');
    const place = desk.space.conferences.of(ted.sid) as Participant;
    desk.space.conferences.update(place, { muted: false });
    expect(desk.hears()).toEqual(COACHED);
  });

  it('comes and goes without a beep', async () => {
    const desk = await startDesk();
    const { bob } = await talking(desk);
    const beeps = () => bob.hearing().sounds;
    for (const query of ['', '?mode=monitor', '?mode=barge']) {
      await desk.space.clock.advance(1_000);
      const ted = await desk.call('Ted', `/coach${query}`);
      expect(beeps()).toEqual([]);
      await desk.hangUp(ted);
      expect(beeps()).toEqual([]);
    }
  });

  it('does not keep a conference going, nor end it', async () => {
    const desk = await startDesk();
    const { bob, alice } = await talking(desk);
    const ted = await desk.call('Ted', '/coach?mode=barge');
    expect(desk.hears()).toEqual(BARGED);
    await desk.hangUp(ted);
    expect(desk.hears()).toEqual(TALKING);
    await desk.call('Ted', '/coach');
    await desk.hangUp(alice);
    expect([desk.hears(), bob.status]).toEqual([{ Ted: [] }, 'completed']);
  });

  it('who waits is let in when the moderator comes', async () => {
    const desk = await startDesk();
    await desk.call('Ted', '/coach');
    await desk.call('Bob', '/conference');
    expect(desk.hears()).toEqual({ Ted: [], Bob: ['music'] });
    await desk.call('Alice', '/conference');
    await desk.space.clock.advance(10_000);
    // They are told how they are heard first.
    await desk.space.runUntilIdle();
    expect(desk.hears()).toEqual(COACHED);
  });

  it('who waits in vain is told goodbye', async () => {
    const desk = await startDesk();
    const ted = await desk.call('Ted', '/coach');
    await desk.space.clock.advance(300_000);
    expect([desk.hears(), ted.told.length, ted.told.at(-1)]).toEqual([{}, 13, 'Goodbye.']);
  });

  it.each([
    ['coach', '', COACHED, 'The agent alone hears you. You are coaching the agent in sample-conf.'],
    ['monitor', '?mode=monitor', MONITORED, 'Nobody hears you. You are listening to the agent in sample-conf.'],
    ['barge', '?mode=barge', MONITORED, 'Nobody hears you. You are listening to the agent in sample-conf.'],
  ])('is told how they are heard in the next conversation, in mode %s', async (_mode, query, matrix, told) => {
    const desk = await startDesk();
    const { alice } = await talking(desk);
    const ted = await desk.call('Ted', `/coach${query}`);
    await desk.hangUp(alice);
    await talking(desk);
    await desk.space.clock.advance(30_000);
    await desk.space.runUntilIdle();
    expect([desk.hears(), ted.told]).toEqual([matrix, [OVER, `${told} For the menu, press star.`]]);
  });

  it('waits half an hour for the next conversation, and is told goodbye', async () => {
    const desk = await startDesk();
    const { alice } = await talking(desk);
    const ted = await desk.call('Ted', '/coach');
    await desk.hangUp(alice);
    await desk.space.clock.advance(29 * 60_000);
    expect(desk.hears()).toEqual({ Ted: [] });
    await desk.space.clock.advance(10 * 60_000);
    expect([desk.hears(), ted.told]).toEqual([{}, [...Array(60).fill(OVER), 'Goodbye.']]);
  });

  it('who is none hears nothing and is heard by nobody', async () => {
    const desk = await startDesk();
    await talking(desk);
    const carol = await desk.call('Carol', '/coach?mode=barge');
    expect([desk.hears(), carol.status, carol.told]).toEqual([TALKING, 'no-answer', []]);
  });
});

describe('a coach, on a Space that lets latecomers hear them', () => {
  /** The Space, with the requests that the server made to change a participant. */
  async function startSpace(coachesBeforeStart: boolean) {
    const changes: Readonly<Record<string, string>>[] = [];
    const desk = await startDesk({
      withRest: true,
      space: { latecomersHearCoaches: true, coachesBeforeStart },
      before({ method, form }) {
        if (method === 'POST') {
          changes.push(form);
        }
        return undefined;
      },
    });
    return { desk, changes };
  }

  it('who waited with the agent is not heard by the caller', async () => {
    const { desk, changes } = await startSpace(true);
    const alice = await desk.call('Alice', '/conference');
    await desk.call('Ted', '/coach');
    await desk.call('Bob', '/conference');
    await eventually(() => expect(desk.hears()).toEqual(COACHED));
    await desk.space.clock.advance(60_000);
    await desk.space.runUntilIdle();
    expect(desk.hears()).toEqual(COACHED);
    expect(changes).toEqual([{ Coaching: 'true', CallSidToCoach: alice.sid }]);
  });

  it.each([true, false])(
    'is not heard by a second caller; coaching before the start: %s',
    async (coachesBeforeStart) => {
      const { desk, changes } = await startSpace(coachesBeforeStart);
      const { alice } = await talking(desk);
      await desk.call('Ted', '/coach');
      await desk.space.clock.advance(60_000);
      expect([desk.hears(), changes]).toEqual([COACHED, []]);
      await desk.call('Carol', '/conference');
      await eventually(() =>
        expect(desk.hears()).toEqual({
          Bob: ['Alice', 'Carol'],
          Carol: ['Alice', 'Bob'],
          Alice: ['Bob', 'Carol', 'Ted'],
          Ted: ['Alice', 'Bob', 'Carol'],
        }),
      );
      await desk.space.clock.advance(60_000);
      await desk.space.runUntilIdle();
      expect(changes).toEqual([{ Coaching: 'true', CallSidToCoach: alice.sid }]);
    },
  );
});

describe('a caller', () => {
  it('is told the notice, before anybody hears them', async () => {
    const desk = await startDesk({ env: { CALLER_NOTICE: 'Calls may be supervised.' } });
    await desk.call('Alice', '/conference');
    const bob = desk.space.call({ from: '+15550001111', url: `${desk.url}/conference` });
    await desk.space.clock.advance(100);
    expect(bob.hearing()).toEqual({ voices: [], sounds: ['notice'] });
    expect(desk.hears()).toMatchObject({ Alice: ['music'] });
    await desk.space.runUntilIdle();
    expect(bob.told).toEqual(['Calls may be supervised.']);
    expect(bob.hearing().voices).toHaveLength(1);
  });

  it('hears no other caller before the moderator is in', async () => {
    const desk = await startDesk();
    await desk.call('Bob', '/conference');
    await desk.call('Carol', '/conference');
    expect(desk.hears()).toEqual({ Bob: ['music'], Carol: ['music'] });
  });

  it('is connected by the fallback url when the webhook fails', async () => {
    const desk = await startDesk();
    await desk.call('Alice', '/conference');
    const bob = await desk.call('Bob', '/confrence', { fallbackUrl: `${desk.url}/fallback` });
    expect(bob.errors.map(({ code }) => code)).toEqual([11_217]);
    expect(desk.hears()).toEqual(TALKING);
  });
});

describe('every call', () => {
  it('is over when it has lasted as long as it may', async () => {
    const desk = await startDesk({ env: { MAX_CALL_SECONDS: '60' } });
    const { bob } = await talking(desk);
    await desk.space.clock.advance(30_000);
    const ted = await desk.call('Ted', '/coach');
    expect(desk.hears()).toEqual(COACHED);
    await desk.space.clock.advance(30_000);
    await desk.space.runUntilIdle();
    // He waits for the next conversation, for half an hour at most.
    expect([desk.hears(), bob.errors]).toEqual([{ Ted: [] }, []]);
    await desk.space.clock.advance(40 * 60_000);
    expect([desk.hears(), ted.errors]).toEqual([{}, []]);
  });

  it.each([
    ['a moderator', 'Alice'],
    ['a caller', 'Bob'],
  ] as const)('alone too: %s', async (_what, who) => {
    const desk = await startDesk({ env: { MAX_CALL_SECONDS: '60' } });
    const call = await desk.call(who, '/conference');
    await desk.space.clock.advance(59_999);
    expect(call.isOver).toBe(false);
    await desk.space.clock.advance(1);
    expect(call.isOver).toBe(true);
  });

  it.each(['/conference', '/coach', '/fallback', '/conference/sample-conf/ended'])(
    'that the Space did not sign is refused at %s',
    async (path) => {
      const desk = await startDesk({ space: { signingKey: 'another' } });
      const call = await desk.call('Alice', path);
      expect(call.errors).toEqual([expect.objectContaining({ code: 11_217, status: 403 })]);
      expect(desk.hears()).toEqual({});
    },
  );
});

describe('two rooms', () => {
  it('hear nothing of each other, and neither do their supervisors', async () => {
    const desk = await startDesk();
    const { alice: one } = await talking(desk, '/one');
    await talking(desk, '/two');
    expect(desk.hears()).toEqual(TWO_ROOMS);
    await desk.call('Ted', '/coach/two');
    expect(desk.hears()).toEqual({
      ...TWO_ROOMS,
      'Alice 2': ['Bob 2', 'Ted'],
      Ted: ['Alice 2', 'Bob 2'],
    });
    await desk.hangUp(one);
    expect(desk.hears()).toEqual(COACHED);
    const again = await desk.call('Ted', '/coach/one');
    expect(again.told.join()).toContain('No conversation in');
    expect(desk.hears()).toEqual({ ...COACHED, 'Ted 2': [] });
  });
});

describe('status callbacks', () => {
  it('that are all lost do no harm: the end of the moderator’s dial tells', async () => {
    const desk = await startDesk({ space: { chaos: { seed: 1, lose: 1 } } });
    const { alice } = await talking(desk);
    await desk.call('Ted', '/coach');
    expect(desk.hears()).toEqual(COACHED);
    await desk.hangUp(alice);
    const ted = await desk.call('Ted', '/coach');
    expect([desk.hears(), ted.errors]).toEqual([{ Ted: [], 'Ted 2': [] }, []]);
    expect(desk.space.callbacks().delivered).toBe(0);
  });

  it('alone tell that a moderator has left, where the Space asks no action of who hangs up', async () => {
    const desk = await startDesk({ space: { asksActionAfterHangUp: false } });
    const { alice } = await talking(desk);
    await desk.hangUp(alice);
    const ted = await desk.call('Ted', '/coach');
    expect([desk.hears(), ted.errors]).toEqual([{ Ted: [] }, []]);
  });

  it.each([1, 2, 3, 4, 5])(
    'of the last call that come late, twice and in disorder spoil nothing (seed %i)',
    async (seed) => {
      const chaos = { seed, duplicate: 0.5, reorder: 0.5, delayMs: 20_000 };
      const desk = await startDesk({ space: { chaos } });
      const { alice } = await talking(desk);
      await desk.hangUp(alice);
      await talking(desk);
      for (let round = 0; round < 3; round++) {
        const ted = await desk.call('Ted', '/coach');
        expect([desk.hears(), ted.errors]).toEqual([COACHED, []]);
        await desk.hangUp(ted);
        await desk.space.clock.advance(9_000);
      }
    },
  );
});

describe('a Call SID that went stale', () => {
  it('costs the supervisor a wait, not the call; the next moderator is coached', async () => {
    const desk = await startDesk({ space: { chaos: { seed: 1, lose: 1 }, asksActionAfterHangUp: false } });
    const { alice } = await talking(desk);
    await desk.hangUp(alice);
    const ted = await desk.call('Ted', '/coach');
    expect(ted.errors.map(({ code }) => code)).toEqual([13_240]);
    expect([desk.hears(), ted.told.join()]).toEqual([{ Ted: [] }, expect.stringContaining('could not be joined')]);
    await talking(desk);
    expect(desk.hears()).toEqual({ ...TALKING, Ted: [] });
    await desk.space.clock.advance(10_000);
    // They are told how they are heard first.
    await desk.space.runUntilIdle();
    expect(desk.hears()).toEqual(COACHED);
  });

  it('stays silent after the retry, for who only listens', async () => {
    const desk = await startDesk({ space: { chaos: { seed: 1, lose: 1 }, asksActionAfterHangUp: false } });
    const { alice } = await talking(desk);
    await desk.hangUp(alice);
    await desk.call('Ted', '/coach?mode=monitor');
    await talking(desk);
    await desk.space.clock.advance(10_000);
    // They are told how they are heard first.
    await desk.space.runUntilIdle();
    expect(desk.hears()).toEqual(MONITORED);
  });
});

describe('a store that stops in the middle of a call', () => {
  it('breaks no call, and lets others meet; what happened meanwhile is known when it is back', async () => {
    const redis = await startStore();
    const desk = await startDesk({ env: { REDIS_URL: redis.url } });
    const first = await talking(desk, '/one');
    await redis.kill();
    await talking(desk, '/two');
    expect(desk.hears()).toEqual(TWO_ROOMS);
    await desk.hangUp(first.alice);
    await desk.call('Ted', '/coach/two');
    expect(desk.hears()).toEqual(COACHED);
    // Another server may know a moderator there.
    const other = await desk.call('Ted', '/coach/one');
    expect([other.told.join(), other.hearing().voices]).toEqual([expect.stringContaining('cannot tell'), []]);
    await redis.restart();
    await nextAttempt(desk);
    expect([other.errors, other.told.at(-1)]).toEqual([[], expect.stringContaining('No conversation in')]);
    expect(desk.hears()).toEqual({ ...COACHED, 'Ted 2': [] });
  });

  it('costs a supervisor nothing when the Space can be asked', async () => {
    const redis = await startStore();
    const desk = await startDesk({ env: { REDIS_URL: redis.url }, withRest: true });
    const { alice } = await talking(desk);
    await redis.kill();
    const ted = await desk.call('Ted', '/coach');
    expect(desk.hears()).toEqual(COACHED);
    await desk.hangUp(ted);
    await desk.call('Ted', '/coach?mode=monitor');
    expect(desk.hears()).toEqual(MONITORED);
    await desk.hangUp(alice);
    const late = await desk.call('Ted', '/coach');
    expect([desk.hears(), late.errors]).toEqual([{ Ted: [], 'Ted 2': [] }, []]);
    // So that the server, when it stops, need not wait for it.
    await redis.restart();
  });

  it('that hangs is waited for no longer than a call can; what this server saw is enough', async () => {
    const redis = await startStore();
    const desk = await startDesk({ env: { REDIS_URL: redis.url }, space: { patience: PATIENCE } });
    await talking(desk);
    redis.freeze();
    const carol = await desk.call('Carol', '/conference');
    const ted = await desk.call('Ted', '/coach');
    redis.thaw();
    expect([carol.errors, ted.errors]).toEqual([[], []]);
    expect(desk.hears()).toEqual({
      Bob: ['Alice', 'Carol'],
      Alice: ['Bob', 'Carol', 'Ted'],
      Carol: ['Alice', 'Bob'],
      Ted: ['Alice', 'Bob', 'Carol'],
    });
  });

  /** The store comes back in real time; then it is the supervisor's next attempt. */
  async function nextAttempt(desk: Desk): Promise<void> {
    await eventually(async () => expect((await fetch(`${desk.url}/readyz`)).status).toBe(200));
    await desk.space.clock.advance(10_000);
    await desk.space.runUntilIdle();
  }
});
