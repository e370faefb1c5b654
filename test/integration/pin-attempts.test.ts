import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createMemoryStore, createRedisStore, type Store } from '../../src/stores';
import type { AuditRecord } from '../../src/supervision/trail';
import { ALICE, startApp, TED, type TestApp } from '../support/app';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { supervisorsTrail } from '../support/trail';

const ALICE_PIN = '70001';
const TED_PIN = '48213';
/** A telephone that nobody knows. */
const MOBILE = '+15550004444';
const people = {
  moderators: [{ name: 'Alice', number: ALICE, pin: ALICE_PIN, requirePin: true }],
  supervisors: [{ name: 'Ted', number: TED, pin: TED_PIN }],
};

const ASK = 'Please enter your PIN, then press pound.';
const WRONG = `Wrong PIN. ${ASK}`;
const SILENT = `Nothing entered. ${ASK}`;
const GOODBYE = 'Goodbye.';

/** The n-th of many numbers. */
const numberOf = (n: number) => `+1556${String(1_000_000 + n)}`;

/** What a document comes to: what it says before it asks for keys or hangs up, else the role that it enters in. */
function outcomeOf(text: string): string {
  if (text.includes('<Reject/>')) {
    return 'reject';
  }
  if (text.includes('<Gather') || text.includes('<Hangup/>')) {
    return /<Say>([^<]*)</.exec(text)?.[1] ?? '';
  }
  return text.includes('coach=') ? 'supervisor' : text.includes('endConferenceOnExit="true"') ? 'moderator' : 'caller';
}

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

const stores: [string, () => Store][] = [
  ['the embedded store', () => createMemoryStore({ lifetimeMs: 60_000, monotonicNow: Date.now, now: Date.now })],
  [
    'Redis',
    () =>
      createRedisStore({
        urls: [redis.url],
        lifetimeMs: 60_000,
        auditMs: 3_600_000,
        timeoutMs: 800,
        onConnection: () => {},
      }),
  ],
];

describe.each(stores)('PIN attempts, counted in %s,', (_name, createStore) => {
  let app: TestApp;

  beforeEach(async () => {
    const client = new Redis(redis.url);
    await client.flushall();
    await client.quit();
    const store = createStore();
    await eventually(() => store.ping());
    app = await startApp({ store, people });
  });

  afterEach(async () => {
    await app.stop();
    app.store.close();
  });

  let calls = 0;
  const freshCall = (from: string | undefined) => ({
    CallSid: `call-${++calls}`,
    ...(from !== undefined && { From: from }),
  });
  const post = async (path: string, form: Record<string, string>) => outcomeOf((await app.post(path, form)).text);

  /** A line that asks for PINs. */
  const lines = {
    conference: {
      dial: (from: string | undefined) => post('/conference/sales', freshCall(from)),
      press: (from: string | undefined, Digits: string) =>
        post('/conference/sales/pin?try=1', { ...freshCall(from), Digits }),
      right: ALICE_PIN,
      in: 'moderator',
      out: 'caller',
    },
    supervisor: {
      dial: (from: string | undefined) => post('/supervisor', freshCall(from)),
      press: (from: string | undefined, Digits: string) =>
        post('/supervisor/pin?try=1&room=sales', { ...freshCall(from), Digits }),
      right: TED_PIN,
      in: 'supervisor',
      out: GOODBYE,
    },
  };

  /** A moderator whom a supervisor can join. */
  const startConversation = () =>
    app.post('/conference/sales/pin?try=1', { CallSid: 'alice-1', From: ALICE, Digits: ALICE_PIN });

  async function readTrail(): Promise<Partial<AuditRecord>[]> {
    // What is noted is written in the background.
    await app.stop();
    const records: Partial<AuditRecord>[] = [];
    for (const { kind, reason, lockedOut, limit } of await supervisorsTrail(app.store)) {
      records.push({ kind, ...(reason && { reason }), ...(lockedOut && { lockedOut, limit }) });
    }
    return records;
  }

  it('are not used up by 34 customers who press * and say nothing', async () => {
    for (let n = 0; n < 34; n++) {
      const call = freshCall(numberOf(n));
      await app.post('/conference/sales', call);
      const heard = [await post('/conference/sales/pin', { ...call, Digits: '*' })];
      for (const shown of [1, 2, 3]) {
        heard.push(await post(`/conference/sales/pin?try=${shown}`, call));
      }
      expect(heard).toEqual([ASK, SILENT, SILENT, 'caller']);
    }
    expect(await lines.conference.dial(ALICE)).toBe(ASK);
    expect(await lines.conference.press(ALICE, ALICE_PIN)).toBe('moderator');
  });

  it('are not used up by 34 silent calls to the supervisors’ line', async () => {
    await startConversation();
    for (let n = 0; n < 34; n++) {
      const call = freshCall(numberOf(n));
      const heard = [await post('/supervisor', call)];
      for (const shown of [1, 2, 3]) {
        heard.push(await post(`/supervisor/pin?try=${shown}`, call));
      }
      expect(heard).toEqual([ASK, SILENT, SILENT, GOODBYE]);
    }
    expect(await lines.supervisor.dial(MOBILE)).toBe(ASK);
    expect(await lines.supervisor.press(MOBILE, TED_PIN)).toBe('supervisor');
  });

  it('are not used up by one number that stays silent 20 times', async () => {
    for (let n = 0; n < 20; n++) {
      expect(await post('/conference/sales/pin', { ...freshCall(MOBILE), Digits: '*' })).toBe(ASK);
    }
    expect(await lines.conference.press(MOBILE, ALICE_PIN)).toBe('moderator');
  });

  describe.each(Object.keys(lines) as (keyof typeof lines)[])('on the %s line', (name) => {
    const line = lines[name];

    beforeEach(async () => {
      await startConversation();
    });

    it.each(['1', '1234', '*', '*#', '12345678901', '４８２１３'])(
      'are not used up by %s, which is no PIN',
      async (digits) => {
        for (let n = 0; n < 20; n++) {
          expect(await line.press(MOBILE, digits)).toBe(WRONG);
        }
        expect(await line.press(MOBILE, line.right)).toBe(line.in);
      },
    );

    it('are 6 for a number, and then a right PIN fails too', async () => {
      for (let n = 0; n < 5; n++) {
        expect(await line.press(MOBILE, '11111')).toBe(WRONG);
      }
      expect(await line.press(MOBILE, line.right)).toBe(line.in);
      expect(await line.press(MOBILE, '11111')).toBe(line.out);
      expect(await line.press(MOBILE, line.right)).toBe(line.out);
      expect(await line.dial(MOBILE)).toBe(name === 'conference' ? 'Welcome.' : 'reject');
      expect(await line.press(numberOf(1), line.right)).toBe(line.in);
    });

    it('are 6 for each SIP address, and shared by withheld addresses', async () => {
      for (let n = 1; n <= 6; n++) {
        for (let attempts = 1; attempts <= 6; attempts++) {
          const outcome = await line.press(`sip:agent${n}@example.com;x=${attempts}`, '11111');
          expect(outcome).toBe(attempts < 6 ? WRONG : line.out);
        }
      }
      expect(await line.press('sip:agent7@example.com', line.right)).toBe(line.in);
      for (const from of ['anonymous', 'sip:anonymous@anonymous.invalid', undefined, 'Restricted', 'sip:x', '']) {
        await line.press(from, '11111');
      }
      expect(await line.press(undefined, line.right)).toBe(line.out);
      expect(await line.press('sip:agent7@example.com', line.right)).toBe(line.in);
    });

    it('are not used by a right PIN, however often it is delivered', async () => {
      for (const digits of ['11111', '22222', '33333']) {
        expect(await line.press(MOBILE, digits)).toBe(WRONG);
      }
      for (let n = 0; n < 10; n++) {
        expect(await line.press(MOBILE, line.right)).toBe(line.in);
      }
      for (const digits of ['44444', '55555']) {
        expect(await line.press(MOBILE, digits)).toBe(WRONG);
      }
      expect(await line.press(MOBILE, '66666')).toBe(line.out);
      // In the lockout it buys nothing.
      for (let n = 0; n < 10; n++) {
        expect(await line.press(MOBILE, line.right)).toBe(line.out);
      }
      expect(await line.press(MOBILE, '77777')).toBe(line.out);
    });

    it('are 100 in total; then no PIN works, even in a prompt that was open before', async () => {
      expect(await line.dial(numberOf(0))).toBe(name === 'conference' ? 'Welcome.' : ASK);
      for (let n = 1; n <= 100; n++) {
        expect(await line.press(numberOf(n), '11111')).toBe(n < 100 ? WRONG : line.out);
      }
      expect(await line.press(numberOf(0), line.right)).toBe(line.out);
      expect(await line.press(undefined, line.right)).toBe(line.out);
    });

    it('are not used by 200 right PINs from one number at once', async () => {
      const outcomes = await Promise.all(Array.from({ length: 200 }, () => line.press(MOBILE, line.right)));
      expect(new Set(outcomes)).toEqual(new Set([line.in]));
      expect(await line.press(MOBILE, '11111')).toBe(WRONG);
    });

    it('do not increase when 200 wrong PINs come from one number at once', async () => {
      const outcomes = await Promise.all(Array.from({ length: 200 }, () => line.press(MOBILE, '11111')));
      expect(outcomes.filter((outcome) => outcome === WRONG)).toHaveLength(5);
      expect(new Set(outcomes)).toEqual(new Set([WRONG, line.out]));
      expect(await line.press(numberOf(1), line.right)).toBe(line.in);
    });
  });

  it('that run out are in the trail and the log', async () => {
    await startConversation();
    for (let n = 0; n < 5; n++) {
      await lines.supervisor.press(MOBILE, '11111');
    }
    await lines.supervisor.press(MOBILE, '');
    await lines.supervisor.press(MOBILE, '11111');
    await lines.supervisor.press(MOBILE, TED_PIN);
    await lines.supervisor.dial(MOBILE);
    const wrong = { kind: 'refused', reason: 'wrong-pin' };
    const lockedOut = { kind: 'locked-out', lockedOut: 'number', limit: 'attempts' };
    expect(await readTrail()).toEqual([
      ...Array(5).fill(wrong),
      { kind: 'refused', reason: 'no-pin' },
      // The sixth was compared, and was the last; the seventh was not.
      wrong,
      ...Array(3).fill(lockedOut),
    ]);
    const seconds = app.log.map((line) => JSON.parse(line).seconds).filter((one) => one !== undefined);
    expect(seconds).toHaveLength(3);
    for (const one of seconds) {
      expect(one).toBeLessThanOrEqual(900);
      expect(one).toBeGreaterThan(890);
    }
    expect(app.log.join('')).not.toMatch(/48213|5550004444/);
  });

  it('on the callers’ line, a locked-out caller joins, and the log says why', async () => {
    for (let n = 0; n < 6; n++) {
      await lines.conference.press(MOBILE, '11111');
    }
    const call = freshCall(MOBILE);
    expect(await post('/conference/sales', call)).toBe('Welcome.');
    expect(await post('/conference/sales/pin', { ...call, Digits: '*' })).toBe('caller');
    expect(await post('/conference/sales/pin', { ...call, Digits: `*${ALICE_PIN}` })).toBe('caller');
    const logged = app.log.map((line) => JSON.parse(line)).filter(({ callSid }) => callSid === call.CallSid);
    const limited = logged.filter(({ lockedOut }) => lockedOut === 'number').map(({ limit }) => limit);
    expect(limited).toEqual(['attempts', 'attempts']);
  });

  describe('a flood of prompts', () => {
    it('from one number is limited, affects no other number, and uses no attempt', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, () => post('/conference/sales/pin', { ...freshCall(MOBILE), Digits: '*' })),
      );
      expect(outcomes.filter((outcome) => outcome === ASK)).toHaveLength(120);
      expect(outcomes.filter((outcome) => outcome === 'caller')).toHaveLength(80);
      expect(await lines.conference.dial(ALICE)).toBe(ASK);
      expect(await lines.conference.press(MOBILE, ALICE_PIN)).toBe('moderator');
      const refused = app.log.map((line) => JSON.parse(line)).find(({ lockedOut }) => lockedOut === 'number');
      expect(refused).toMatchObject({ limit: 'prompts' });
      expect(refused.seconds).toBeLessThanOrEqual(10);
    });

    it('answered with digits that are not a PIN is limited too', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, () =>
          post('/conference/sales/pin', { ...freshCall(MOBILE), Digits: '*123456789012' }),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === WRONG)).toHaveLength(120);
    });

    it('from many numbers is limited: callers join, supervisors are turned away', async () => {
      await startConversation();
      for (let n = 0; n < 1_000; n += 100) {
        const asked = Array.from({ length: 100 }, (_, i) => post('/supervisor', freshCall(numberOf(n + i))));
        expect(new Set(await Promise.all(asked))).toEqual(new Set([ASK]));
      }
      expect(await lines.supervisor.dial(MOBILE)).toBe('reject');
      // Each line has its own bound, and what was asked before may be answered.
      expect(await lines.conference.dial(ALICE)).toBe(ASK);
      expect(await lines.supervisor.press(numberOf(0), TED_PIN)).toBe('supervisor');
      expect((await readTrail()).filter(({ kind }) => kind === 'locked-out')).toEqual([
        { kind: 'locked-out', lockedOut: 'everybody', limit: 'prompts' },
      ]);
    });
  });
});

describe('with a Redis that hangs', () => {
  let app: TestApp;

  beforeEach(async () => {
    const store = createRedisStore({
      urls: [redis.url],
      lifetimeMs: 60_000,
      auditMs: 3_600_000,
      timeoutMs: 800,
      onConnection: () => {},
    });
    await eventually(() => store.ping());
    app = await startApp({ store, people });
    redis.freeze();
  });

  afterEach(async () => {
    redis.thaw();
    await app.stop();
    app.store.close();
  });

  it.each([
    ['a prompt', '/conference/sales', ALICE, '', ASK, 1_500],
    ['a wrong PIN', '/conference/sales/pin?try=1', MOBILE, '11111', WRONG, 1_500],
    ['a right PIN', '/conference/sales/pin?try=1', MOBILE, ALICE_PIN, 'moderator', 2_000],
    ['a wrong PIN of a supervisor', '/supervisor/pin?try=1', MOBILE, '11111', WRONG, 1_500],
  ])('%s is answered in time', async (_what, path, From, Digits, outcome, promisedMs) => {
    const startedAt = performance.now();
    const { text } = await app.post(path, { CallSid: 'x-1', From, Digits });
    expect(performance.now() - startedAt).toBeLessThan(promisedMs);
    expect(outcomeOf(text)).toBe(outcome);
  });
});
