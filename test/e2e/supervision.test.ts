import { describe, expect, it } from '@jest/globals';
import { audit as runAudit } from '../../src/cli/audit';
import type { Participant } from '../../src/simulator/conferences';
import { createRedisStore } from '../../src/stores';
import type { AuditRecord } from '../../src/supervision/trail';
import { ALICE, TED } from '../support/app';
import { runInProcess } from '../support/command';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { rosterSettings } from '../support/roster';
import { CAROL, startTestBench, type TestBench, type TestBenchOptions } from '../support/test-bench';
import { supervisorsTrail } from '../support/trail';

const MOBILE = '+15550004444';
const PEOPLE = rosterSettings({
  moderators: [
    { name: 'Alice', number: ALICE },
    { name: 'Carol', number: CAROL },
  ],
  supervisors: [{ name: 'Ted', number: TED, pin: '48213', rooms: ['sales', 'support'] }],
});
const NOTICE = 'A supervisor is on the line.';
const OVER = 'That conversation is over. Please hold for the next one.';
/** Where announcements are heard by one participant alone. */
const PRIVATE = { ANNOUNCE_IS_PRIVATE: 'true' };

function start(env: Record<string, string> = {}, options: TestBenchOptions = {}): Promise<TestBench> {
  return startTestBench({ withRest: true, ...options, env: { ...PEOPLE, ...env } });
}

async function talking(testBench: TestBench) {
  return {
    bob: await testBench.call('Bob', '/conference/sales'),
    alice: await testBench.call('Alice', '/conference/sales'),
  };
}

/** The Space dates callbacks to the second: what is to be told apart by them is a second apart. */
async function aSecond(): Promise<void> {
  const since = Date.now();
  await eventually(() => expect(Date.now() - since).toBeGreaterThan(1_000));
}

const placeOf = (testBench: TestBench, call: { sid: string }) =>
  testBench.space.conferences.participant(call.sid) as Participant;

/** What a platform may do that does not end the conference with its moderator. */
function letTheConferenceGoOn(testBench: TestBench, call: { sid: string }): void {
  placeOf(testBench, call).endConferenceOnExit = false;
}

describe('a supervisor whose moderator leaves', () => {
  itInFull.each([
    ['by the callback alone', { asksActionAfterHangUp: false }],
    ['by the end of the dial alone', { chaos: { seed: 1, lose: 1 } }],
    ['by both', {}],
  ])('is taken out of a conference that goes on, and told so: told %s', async (_how, space) => {
    const testBench = await start({}, { space });
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    expect(testBench.hears()).toEqual({ Bob: ['Alice'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] });
    letTheConferenceGoOn(testBench, alice);
    await testBench.hangUp(alice);
    await eventually(async () => {
      await testBench.space.runUntilIdle();
      expect(ted.told).toEqual([OVER]);
    });
    expect(testBench.hears()).toEqual({ Bob: [], Ted: [] });
  });

  it.each([
    ['', [expect.stringContaining('Nobody hears you. You are listening to Carol.')]],
    ['true', ['You have been muted. Nobody hears you.']],
  ])(
    'and is followed by another, only listens to that one, and can coach them by the keypad, where ANNOUNCE_IS_PRIVATE=%s',
    async (isPrivate, told) => {
      const testBench = await start({ ANNOUNCE_IS_PRIVATE: isPrivate });
      await talking(testBench);
      const ted = await testBench.call('Ted', '/coach/sales');
      const carol = await testBench.call('Carol', '/conference/sales');
      await eventually(async () => {
        await testBench.space.runUntilIdle();
        expect(placeOf(testBench, ted)).toMatchObject({ muted: true, callSidToCoach: carol.sid });
        expect(ted.told).toEqual(told);
      });
      await testBench.space.clock.advance(10_000);
      expect(testBench.hears()).toEqual({
        Bob: ['Alice', 'Carol'],
        Alice: ['Bob', 'Carol'],
        Carol: ['Alice', 'Bob'],
        Ted: ['Alice', 'Bob', 'Carol'],
      });
      // The menu says how they are heard, and not how they had asked to be.
      expect(await testBench.press(ted, '*')).toContain('To listen to Carol, press 1.');
      await testBench.press(ted, '2');
      expect(testBench.hears()).toMatchObject({ Alice: ['Bob', 'Carol'], Carol: ['Alice', 'Bob', 'Ted'] });
    },
  );

  it('who only listened keeps doing so, and is told nothing', async () => {
    const testBench = await start();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales?mode=monitor');
    const carol = await testBench.call('Carol', '/conference/sales');
    await eventually(() => expect(placeOf(testBench, ted).callSidToCoach).toBe(carol.sid));
    await testBench.space.runUntilIdle();
    expect([placeOf(testBench, ted).muted, ted.told]).toEqual([true, []]);
  });

  it('is left alone when a late callback names the one before', async () => {
    const testBench = await start({}, { space: { chaos: { seed: 3, duplicate: 1, delayMs: 20_000 } } });
    await talking(testBench);
    await testBench.call('Ted', '/coach/sales');
    for (let i = 0; i < 30; i++) {
      await testBench.space.clock.advance(1_000);
    }
    expect(testBench.hears()).toEqual({ Bob: ['Alice'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] });
  });

  it('is not left waiting in an empty room, where they would be heard in the next conversation', async () => {
    const testBench = await start();
    const { alice } = await talking(testBench);
    const ted = testBench.space.call({ from: TED, url: `${testBench.url}/supervisor?mode=barge` });
    await testBench.space.clock.advance(100);
    expect(ted.told).toEqual([expect.stringContaining('Everybody hears you.')]);
    await testBench.hangUp(alice);
    await eventually(async () => {
      await testBench.space.runUntilIdle();
      expect(ted.told.at(-1)).toBe(OVER);
    });
    expect(testBench.space.conferences.participant(ted.sid)).toBeUndefined();
    const next = await talking(testBench);
    await testBench.space.clock.advance(30_000);
    await testBench.space.runUntilIdle();
    expect(placeOf(testBench, ted)).toMatchObject({ muted: true, callSidToCoach: next.alice.sid });
  });
});

describe('a moderator', () => {
  it.each([
    ['never', '', 0],
    ['never', '?mode=barge', 0],
    ['coach', '', 1],
    ['coach', '?mode=monitor', 0],
    ['coach', '?mode=barge', 0],
    ['always', '', 1],
    ['always', '?mode=monitor', 1],
    ['always', '?mode=barge', 1],
  ])('is told %s of who comes in by /coach%s: %i times, and nobody else is', async (policy, query, times) => {
    const testBench = await start({ ...PRIVATE, MODERATOR_NOTICE: policy });
    const { bob, alice } = await talking(testBench);
    const ted = await testBench.call('Ted', `/coach/sales${query}`);
    if (times > 0) {
      await eventually(async () => {
        await testBench.space.runUntilIdle();
        expect(alice.told).toHaveLength(times);
      });
    }
    await testBench.server.stop(0);
    expect(alice.told).toEqual(Array.from({ length: times }, () => NOTICE));
    expect([bob.told, ted.told]).toEqual([[], []]);
  });

  it.each([
    ['coach', 3],
    ['always', 1],
  ])('is told %s again only when there is news', async (policy, times) => {
    const testBench = await start({ ...PRIVATE, MODERATOR_NOTICE: policy, MODERATOR_NOTICE_TEXT: 'Psst.' });
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    // Listens, whispers, whispers again, speaks to all, whispers.
    for (const key of ['1', '2', '2', '3', '2']) {
      await testBench.press(ted, '*');
      await testBench.press(ted, key);
    }
    await eventually(async () => {
      await testBench.space.runUntilIdle();
      expect(alice.told).toEqual(Array.from({ length: times }, () => 'Psst.'));
    });
  });

  it('is told nothing where callers may hear it, whatever the policy', async () => {
    const testBench = await start({ MODERATOR_NOTICE: 'always' }, { space: { announcesPrivately: false } });
    const { bob, alice } = await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    await testBench.call('Carol', '/conference/sales');
    await eventually(async () => {
      await testBench.space.runUntilIdle();
      expect(ted.told).toHaveLength(1);
    });
    await testBench.server.stop(0);
    expect([alice.told, bob.told]).toEqual([[], []]);
  });

  it('costs a supervisor nothing who cannot be told of', async () => {
    const testBench = await start({ ...PRIVATE, MODERATOR_NOTICE: 'always', SIGNALWIRE_API_TOKEN: 'wrong' });
    await talking(testBench);
    await testBench.call('Ted', '/coach/sales');
    expect(testBench.hears()).toMatchObject({ Alice: ['Bob', 'Ted'] });
  });
});

describe('the audit trail', () => {
  async function startStore(): Promise<RedisServer> {
    const redis = await startRedis();
    onTestFinished(() => redis.dispose());
    return redis;
  }

  async function readTrail(redis: RedisServer): Promise<AuditRecord[]> {
    const store = createRedisStore({
      urls: [redis.url],
      lifetimeMs: 60_000,
      auditMs: 3_600_000,
      timeoutMs: 2_000,
      onConnection: () => {},
    });
    try {
      await eventually(() => store.ping());
      return await supervisorsTrail(store);
    } finally {
      store.close();
    }
  }

  const brief = ({ kind, supervisor, number, room, mode, moderator, confirmed, reason, lockedOut }: AuditRecord) =>
    Object.fromEntries(
      Object.entries({ kind, supervisor, number, room, mode, moderator, confirmed, reason, lockedOut }).filter(
        ([, value]) => value !== undefined,
      ),
    );

  it('tells who supervised whom, where, how, from when until when, and whether it was confirmed', async () => {
    const redis = await startStore();
    // The sweep would write lines of its own.
    const testBench = await start({ ...PRIVATE, REDIS_URL: redis.url }, { sweepIntervalMs: 3_600_000 });
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    await testBench.press(ted, '11111#');
    await testBench.press(ted, '48213#');
    await testBench.press(ted, '*');
    await aSecond();
    await testBench.press(ted, '2');
    await eventually(async () => expect((await readTrail(redis)).at(-1)?.heard).toBe('coach'));
    const carol = await testBench.call('Carol', '/conference/sales');
    await eventually(async () => expect((await readTrail(redis)).at(-1)?.heard).toBe('monitor'));
    await testBench.hangUp(ted);
    const stranger = await testBench.call('Bob', '/coach/sales');
    const elsewhere = await testBench.call('Ted', '/coach/elsewhere');
    await testBench.server.stop(0);

    const trail = await readTrail(redis);
    const about = { supervisor: 'Ted', number: '***4444', room: 'sales', moderator: 'Alice' };
    expect(trail.map(brief)).toEqual([
      { kind: 'refused', number: '***4444', reason: 'wrong-pin' },
      { kind: 'arrived', ...about, mode: 'monitor' },
      { kind: 'joined', ...about, mode: 'monitor', confirmed: true },
      { kind: 'left', ...about, mode: 'monitor', confirmed: true },
      { kind: 'arrived', ...about, mode: 'coach' },
      // The callback says nothing of coaching; REST does.
      { kind: 'joined', ...about, mode: 'coach', confirmed: false },
      { kind: 'mode', ...about, mode: 'coach', confirmed: true },
      { kind: 'mode', ...about, mode: 'monitor', moderator: 'Carol', confirmed: false },
      { kind: 'mode', ...about, mode: 'monitor', moderator: 'Carol', confirmed: true },
      { kind: 'left', ...about, mode: 'monitor', moderator: 'Carol', confirmed: true },
      { kind: 'refused', number: '***1111', room: 'sales', reason: 'unknown' },
      { kind: 'refused', supervisor: 'Ted', number: '***2222', room: 'elsewhere', reason: 'room' },
    ]);
    expect(trail.map(({ callSid }) => callSid)).toEqual([
      ...Array.from({ length: 10 }, () => ted.sid),
      stranger.sid,
      elsewhere.sid,
    ]);
    const [, arrived, entered, left, , , , dropped] = trail;
    expect([arrived?.moderatorCallSid, dropped?.moderatorCallSid]).toEqual([alice.sid, carol.sid]);
    expect(left).toMatchObject({ since: entered?.at, until: left?.at });
    expect(Date.parse(left?.until ?? '')).toBeGreaterThanOrEqual(Date.parse(left?.since ?? ''));
    expect(JSON.stringify(trail)).not.toMatch(/\+1555|48213/);
  });

  it('tells of lockouts', async () => {
    const redis = await startStore();
    const testBench = await start({ REDIS_URL: redis.url });
    // Silence is no attempt.
    for (let i = 0; i < 7; i++) {
      await testBench.hangUp(await testBench.call('Ted', '/supervisor', { from: MOBILE }));
    }
    for (let i = 0; i < 2; i++) {
      const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
      for (const pin of ['11111', '22222', '33333']) {
        await testBench.press(ted, `${pin}#`);
      }
    }
    await testBench.call('Ted', '/supervisor', { from: MOBILE });
    await testBench.server.stop(0);
    const lockedOut = { kind: 'locked-out', number: '***4444', lockedOut: 'number' };
    expect((await readTrail(redis)).map(brief)).toEqual([
      ...Array(6).fill({ kind: 'refused', number: '***4444', reason: 'wrong-pin' }),
      // By the last wrong PIN, and by the call after it.
      lockedOut,
      lockedOut,
    ]);
  });

  it.each([
    ['by the end of the dial alone', { chaos: { seed: 1, lose: 1 } }, false],
    ['by the callback alone', { asksActionAfterHangUp: false }, true],
  ])('tells of who left: told %s', async (_how, space, confirmed) => {
    const redis = await startStore();
    const testBench = await start({ REDIS_URL: redis.url }, { space });
    await talking(testBench);
    await testBench.hangUp(await testBench.call('Ted', '/coach/sales'));
    await testBench.server.stop(0);
    expect((await readTrail(redis)).at(-1)).toMatchObject({ kind: 'left', supervisor: 'Ted', confirmed });
  });

  it('is written when the store is back', async () => {
    const redis = await startStore();
    const testBench = await start({ REDIS_URL: redis.url });
    await talking(testBench);
    await redis.kill();
    await testBench.hangUp(await testBench.call('Ted', '/coach/sales?mode=monitor'));
    await redis.restart();
    await eventually(async () =>
      expect((await readTrail(redis)).map(({ kind }) => kind)).toEqual(['arrived', 'joined', 'left']),
    );
  });

  it('is exported as lines of JSON and as CSV, from a moment on', async () => {
    const redis = await startStore();
    const testBench = await start({ REDIS_URL: redis.url }, { sweepIntervalMs: 3_600_000 });
    await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales?mode=barge');
    await eventually(async () => expect((await readTrail(redis)).at(-1)?.confirmed).toBe(true));
    await testBench.hangUp(ted);
    await testBench.server.stop(0);
    const audit = async (...args: string[]) => {
      const { code, stdout } = await runInProcess('audit', runAudit, { args, env: { REDIS_URL: redis.url } });
      expect(code).toBe(0);
      return stdout;
    };

    const records = (await audit('--since', '1h'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);
    expect(records.filter(({ role }) => role === 'supervisor').map(brief)).toEqual((await readTrail(redis)).map(brief));
    expect(records.map(({ kind, role }) => [kind, role])).toEqual([
      ['joined', 'moderator'],
      ...['arrived', 'joined', 'mode', 'left'].map((kind) => [kind, 'supervisor']),
    ]);

    const [header, , , , , left, ...rest] = (await audit('--format', 'csv')).split('\r\n');
    expect(header).toBe(
      'at,kind,role,supervisor,number,room,mode,heard,confirmed,moderator,since,until,action,by,status,reason,lockedOut,limit,method,ip,callSid,stay,moderatorCallSid,callerCallSids,conferenceSid,recordingSid,source',
    );
    expect(left?.split(',').slice(1, 10)).toEqual([
      ...['left', 'supervisor', 'Ted', '***2222', 'sales', 'barge', 'barge', 'true', 'Alice'],
    ]);
    expect(rest).toEqual(['']);
    expect(await audit('--since', '2100-01-01', '--format', 'csv')).toBe(`${header}\r\n`);
    expect(await audit('--since', '2100-01-01T00:00:00Z')).toBe('');
  });
});
