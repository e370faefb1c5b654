import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { createLog } from '../../src/ops/log';
import { type PhoneNumber, parsePhoneNumber } from '../../src/people/address';
import { createPinLimiter, type PinLimiter } from '../../src/people/pin-limiter';
import { connectRedis, type RedisConnection } from '../../src/redis/redis-connection';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { startRedisCluster } from '../support/redis-cluster';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The n-th number; each is another one. */
const numberOf = (n: number) => parsePhoneNumber(`+1555${String(5_000_000 + n)}`) as PhoneNumber;
const alice = numberOf(-1);
const bob = numberOf(-2);

/** Keys in a wrong PIN; whether there was an attempt for it. */
const lets = async (limiter: PinLimiter, number: PhoneNumber | undefined) =>
  (await limiter.consumeAttempt(number, { isRight: false })).isAllowed;

/** Keys in a right PIN; whether there was an attempt left. */
const letsRight = async (limiter: PinLimiter, number: PhoneNumber | undefined) =>
  (await limiter.consumeAttempt(number, { isRight: true })).isAllowed;

/** Keys in so many wrong PINs; how many attempts there were for them. */
async function attempt(limiter: PinLimiter, number: PhoneNumber | undefined, pins: number): Promise<number> {
  let taken = 0;
  for (let n = 0; n < pins; n++) {
    taken += Number(await lets(limiter, number));
  }
  return taken;
}

let fresh = 0;

/** A number that nothing was asked of before. */
const freshNumber = () => numberOf(fresh++);

/** Takes all the attempts that everybody has together, no more than 6 for each number, and then one too many. */
async function takeAll(limiter: PinLimiter): Promise<number> {
  let taken = 0;
  for (let isOver = false; !isOver && taken < 1_000; ) {
    const more = await attempt(limiter, freshNumber(), 6);
    taken += more;
    isOver = more < 6;
  }
  return taken;
}

interface Limiters {
  /** One more server's limiter; it shares the count of the others if there is Redis. */
  create(role?: string): PinLimiter;
  /** Lets the time pass that everybody is locked out at first. */
  endLockout(): Promise<void>;
}

function describeLimiter(setUp: () => Limiters): void {
  let limiters: Limiters;
  let limiter: PinLimiter;

  beforeEach(() => {
    limiters = setUp();
    limiter = limiters.create();
  });

  it('lets a number try 6 PINs', async () => {
    const answers = [];
    for (let n = 0; n < 9; n++) {
      answers.push(await lets(limiter, alice));
    }
    expect(answers).toEqual([true, true, true, true, true, true, false, false, false]);
  });

  it('says who is locked out, and for how much longer', async () => {
    await attempt(limiter, alice, 5);
    // The last attempt may be answered, and starts the lockout.
    const last = await limiter.consumeAttempt(alice, { isRight: false });
    expect(last).toEqual({ isAllowed: true, lockout: { limit: 'attempts', who: 'number', seconds: 900 } });
    const later = await limiter.consumeAttempt(alice, { isRight: false });
    const prompt = await limiter.openPrompt(alice);
    await takeAll(limiter);
    const everybody = await limiter.consumeAttempt(bob, { isRight: false });
    expect([later.isAllowed, everybody.isAllowed]).toEqual([false, false]);
    for (const [lockout, who, seconds] of [
      [later.lockout, 'number', 900],
      [prompt, 'number', 900],
      [everybody.lockout, 'everybody', 3_600],
      [await limiter.openPrompt(bob), 'everybody', 3_600],
    ] as const) {
      expect(lockout).toMatchObject({ limit: 'attempts', who });
      expect(lockout?.seconds).toBeLessThanOrEqual(seconds);
      expect(lockout?.seconds).toBeGreaterThan(seconds - 10);
    }
  });

  it('does not affect other numbers', async () => {
    await attempt(limiter, alice, 10);
    expect(await attempt(limiter, bob, 10)).toBe(6);
  });

  it('lets withheld numbers share the attempts of one number', async () => {
    expect(await attempt(limiter, undefined, 10)).toBe(6);
    expect(await attempt(limiter, alice, 10)).toBe(6);
  });

  it('lets everybody together try 100 PINs, then refuses all', async () => {
    expect(await takeAll(limiter)).toBe(100);
    expect(await lets(limiter, alice)).toBe(false);
    expect(await lets(limiter, undefined)).toBe(false);
  });

  it('counts each role separately', async () => {
    expect(await takeAll(limiter)).toBe(100);
    expect(await takeAll(limiters.create('supervisor'))).toBe(100);
  });

  it('does not let a locked-out number use attempts of the total', async () => {
    await attempt(limiter, alice, 200);
    expect(await takeAll(limiter)).toBe(94);
  });

  it('uses no attempt for a prompt', async () => {
    for (let n = 0; n < 100; n++) {
      expect(await limiter.openPrompt(alice)).toBeUndefined();
    }
    expect(await attempt(limiter, alice, 10)).toBe(6);
    expect(await takeAll(limiter)).toBe(94);
  });

  it('uses no attempt for a right PIN, whatever else is in progress', async () => {
    for (let wrong = 0; wrong < 6; wrong++) {
      for (let n = 0; n < 30; n++) {
        expect(await letsRight(limiter, alice)).toBe(true);
      }
      expect(await lets(limiter, alice)).toBe(true);
    }
    expect(await letsRight(limiter, alice)).toBe(false);
    expect(await lets(limiter, alice)).toBe(false);
    expect(await takeAll(limiter)).toBe(94);
  });

  it('does not end a lockout for a right PIN', async () => {
    await attempt(limiter, alice, 6);
    for (let n = 0; n < 20; n++) {
      expect(await letsRight(limiter, alice)).toBe(false);
    }
    expect(await attempt(limiter, alice, 10)).toBe(0);
    expect(await letsRight(limiter, bob)).toBe(true);
  });

  it('does not end a lockout of everybody for a right PIN', async () => {
    await takeAll(limiter);
    for (let n = 0; n < 20; n++) {
      expect(await letsRight(limiter, freshNumber())).toBe(false);
    }
    expect(await attempt(limiter, alice, 5)).toBe(0);
  });

  it('accepts a right PIN again after the lockout', async () => {
    await takeAll(limiter);
    await limiters.endLockout();
    expect(await letsRight(limiter, alice)).toBe(true);
    expect(await attempt(limiter, alice, 10)).toBe(6);
  });

  it('uses no attempts of a number while everybody is locked out', async () => {
    await takeAll(limiter);
    expect(await attempt(limiter, alice, 5)).toBe(0);
    await limiters.endLockout();
    expect(await attempt(limiter, alice, 10)).toBe(6);
  });

  it('allows no more attempts when many try at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => lets(limiter, alice)));
    expect(answers.filter(Boolean)).toHaveLength(6);
    const others = await Promise.all(Array.from({ length: 200 }, (_, n) => lets(limiter, numberOf(n))));
    expect(others.filter(Boolean)).toHaveLength(94);
  });

  it.each([
    ['6 wrong ones of its number', 6, () => alice, 6],
    ['150 wrong ones of its number', 150, () => alice, 6],
    ['100 wrong ones of other numbers', 100, numberOf, 100],
  ])('lets no right PIN overtake %s that came before it at the same moment', async (_what, before, from, allowed) => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => (n === before ? letsRight : lets)(limiter, from(n))),
    );
    expect(answers[before]).toBe(false);
    expect(answers.filter(Boolean)).toHaveLength(allowed);
  });

  it('lets 200 right PINs through from one number at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => letsRight(limiter, alice)));
    expect(answers).toEqual(Array(200).fill(true));
    expect(await attempt(limiter, alice, 10)).toBe(6);
  });

  it('allows 120 prompts for a number in a short time and 1,000 in total, and uses no attempt for more', async () => {
    const open = async (number: PhoneNumber | undefined, prompts: number) => {
      const refusals = await Promise.all(Array.from({ length: prompts }, () => limiter.openPrompt(number)));
      return refusals.filter((lockout) => lockout === undefined).length;
    };
    expect(await open(alice, 200)).toBe(120);
    expect(await limiter.openPrompt(alice)).toEqual({ limit: 'prompts', who: 'number', seconds: expect.any(Number) });
    expect((await limiter.openPrompt(alice))?.seconds).toBeLessThanOrEqual(10);
    let opened = 120;
    for (let n = 0; n < 10; n++) {
      opened += await open(freshNumber(), 100);
    }
    expect(opened).toBe(1_000);
    expect(await limiter.openPrompt(bob)).toMatchObject({ limit: 'prompts', who: 'everybody' });
    // Another role has prompts of its own, and an open prompt may be answered.
    expect(await limiters.create('supervisor').openPrompt(bob)).toBeUndefined();
    expect(await letsRight(limiter, alice)).toBe(true);
    expect(await attempt(limiter, alice, 10)).toBe(6);
  });

  it('starts a single lockout, the shortest, when many try at the same moment', async () => {
    await Promise.all(Array.from({ length: 200 }, () => lets(limiter, alice)));
    const number = await limiter.openPrompt(alice);
    expect(number?.who).toBe('number');
    expect(number?.seconds).toBeLessThanOrEqual(900);
    await Promise.all(Array.from({ length: 300 }, () => lets(limiter, freshNumber())));
    const everybody = await limiter.openPrompt(bob);
    expect(everybody?.who).toBe('everybody');
    expect(everybody?.seconds).toBeLessThanOrEqual(3_600);
  });
}

describe('a limiter in this process', () => {
  const log = createLog('silent', { write: () => {} });
  const create = (role = 'moderator') => createPinLimiter({ role, redis: undefined, log });

  beforeEach(() => {
    // What promises need goes on as it does.
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'hrtime'] });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  describeLimiter(() => ({
    create,
    async endLockout() {
      jest.advanceTimersByTime(HOUR_MS);
    },
  }));

  it('counts in its own process only', async () => {
    expect(await attempt(create(), alice, 10)).toBe(6);
    expect(await attempt(create(), alice, 10)).toBe(6);
  });

  it('counts an attempt for a day', async () => {
    const limiter = create();
    await attempt(limiter, alice, 5);
    await attempt(limiter, bob, 4);
    jest.advanceTimersByTime(DAY_MS - 1);
    expect(await attempt(limiter, alice, 10)).toBe(1);
    jest.advanceTimersByTime(1);
    expect(await attempt(limiter, bob, 10)).toBe(6);
  });

  it.each([
    ['a number', () => alice, [0.25, 0.5, 1, 2, 4, 8, 16]],
    ['everybody', freshNumber, [1, 2, 4, 8, 16]],
  ])(
    'locks %s out for twice as long each time, up to a day, until there was peace for a week',
    async (_who, next, hours) => {
      const limiter = create();
      /** Takes attempts until there are none, and tells for how many hours there are none. */
      async function lockOut(): Promise<number> {
        for (let n = 0; n < 200 && (await lets(limiter, next())); n++) {}
        for (let minutes = 1; minutes < 3_000; minutes++) {
          jest.advanceTimersByTime(MINUTE_MS);
          if (await lets(limiter, next())) {
            return minutes / 60;
          }
        }
        return Number.POSITIVE_INFINITY;
      }
      const lockouts: number[] = [];
      for (let n = 0; n < hours.length + 12; n++) {
        lockouts.push(await lockOut());
      }
      expect(lockouts).toEqual([...hours, ...Array(12).fill(24)]);
      // A day of the week was the lockout itself.
      jest.advanceTimersByTime(6 * DAY_MS - 1);
      expect(await lockOut()).toBe(24);
      jest.advanceTimersByTime(6 * DAY_MS);
      expect(await lockOut()).toBe(hours[0]);
    },
  );

  it('reports the remaining lockout to the second', async () => {
    const limiter = create();
    await attempt(limiter, alice, 6);
    jest.advanceTimersByTime(5 * MINUTE_MS);
    expect(await limiter.openPrompt(alice)).toMatchObject({ who: 'number', seconds: 600 });
    jest.advanceTimersByTime(10 * MINUTE_MS - 1);
    expect(await limiter.openPrompt(alice)).toMatchObject({ who: 'number', seconds: 1 });
    jest.advanceTimersByTime(1);
    expect(await limiter.openPrompt(alice)).toBeUndefined();
  });

  it('allows prompts again after 10 seconds', async () => {
    const limiter = create();
    const open = () => Promise.all(Array.from({ length: 120 }, () => limiter.openPrompt(alice)));
    await open();
    jest.advanceTimersByTime(9_000);
    expect(await limiter.openPrompt(alice)).toEqual({ limit: 'prompts', who: 'number', seconds: 1 });
    jest.advanceTimersByTime(1_000);
    expect(await open()).toEqual(Array(120).fill(undefined));
  });

  it.each([
    ['back', -DAY_MS],
    ['on', 10 * MINUTE_MS],
  ])('locks out for 15 minutes, even if the clock goes %s', async (_where, byMs) => {
    const limiter = create();
    await attempt(limiter, alice, 6);
    jest.setSystemTime(Date.now() + byMs);
    jest.advanceTimersByTime(15 * MINUTE_MS - 1);
    expect(await letsRight(limiter, alice)).toBe(false);
    jest.advanceTimersByTime(1);
    expect(await letsRight(limiter, alice)).toBe(true);
    expect(await attempt(limiter, alice, 10)).toBe(6);
  });

  it('does not extend a lockout for attempts during it', async () => {
    const limiter = create();
    await attempt(limiter, alice, 7);
    jest.advanceTimersByTime(15 * MINUTE_MS - 1);
    expect(await attempt(limiter, alice, 1_000)).toBe(0);
    jest.advanceTimersByTime(1);
    expect(await attempt(limiter, alice, 10)).toBe(6);
  });

  /** How many PINs an attacker can try on each day, who makes a move each minute, or every so many. */
  async function attack(
    days: number,
    move: (limiter: PinLimiter, minute: number) => Promise<number>,
    { everyMinutes = 1 } = {},
  ) {
    const limiter = create();
    const tries = Array.from({ length: days }, () => 0);
    // No longer than it takes to see that there is no bound.
    for (let minute = 0; minute < days * 1_440 && Math.max(...tries) < 1_000; minute += everyMinutes) {
      const day = Math.floor(minute / 1_440);
      tries[day] = (tries[day] ?? 0) + (await move(limiter, minute));
      jest.advanceTimersByTime(everyMinutes * MINUTE_MS);
    }
    return tries;
  }

  describe('an attacker can try', () => {
    it('42 PINs from one number on the first day, then 6 a day', async () => {
      const tries = await attack(15, (limiter) => attempt(limiter, alice, 7));
      expect(tries).toEqual([42, ...Array(14).fill(6)]);
    });

    it('500 PINs from many numbers on the first day, then 100 a day', async () => {
      expect(await attack(15, takeAll)).toEqual([500, ...Array(14).fill(100)]);
    });

    itInFull('42 and 500 PINs, and no more, when all come at once', async () => {
      const atOnce = (next: () => PhoneNumber) => async (limiter: PinLimiter) => {
        const answers = await Promise.all(Array.from({ length: 150 }, () => lets(limiter, next())));
        return answers.filter(Boolean).length;
      };
      // Every lockout lasts a multiple of 5 minutes.
      const everyMinutes = 5;
      const ofAlice = atOnce(() => alice);
      expect(await attack(2, ofAlice, { everyMinutes })).toEqual([42, 6]);
      expect(await attack(2, atOnce(freshNumber), { everyMinutes })).toEqual([500, 100]);
    });

    it('6 PINs a day from one number and 100 from many, coming once a day', async () => {
      const daily = (move: (limiter: PinLimiter) => Promise<number>) =>
        attack(15, async (limiter, minute) => (minute % 1_440 === 0 ? move(limiter) : 0));
      expect(await daily((limiter) => attempt(limiter, alice, 6))).toEqual(Array(15).fill(6));
      const fromMany = async (limiter: PinLimiter) => {
        let taken = 0;
        for (let n = 0; n < 100; n++) {
          taken += await attempt(limiter, freshNumber(), 1);
        }
        return taken;
      };
      expect(await daily(fromMany)).toEqual(Array(15).fill(100));
    });

    it('as many PINs as on the first day, after a week without attempts', async () => {
      const active = (minute: number) => Math.floor(minute / 1_440) % 9 === 0;
      const tries = await attack(19, async (limiter, minute) => (active(minute) ? attempt(limiter, alice, 7) : 0));
      expect(tries).toEqual([42, ...Array(8).fill(0), 42, ...Array(8).fill(0), 42]);
    });
  });
});

describe('a limiter in Redis', () => {
  const TIMEOUT_MS = 2_000;
  let server: RedisServer;
  let lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });

  async function connected(urls: string[] = [server.url], timeoutMs = TIMEOUT_MS): Promise<RedisConnection> {
    const redis = connectRedis({ urls, timeoutMs, onConnection: () => {} });
    onTestFinished(() => redis.close());
    await eventually(() => redis.ping());
    return redis;
  }

  function administer(): Redis {
    const client = new Redis(server.url);
    onTestFinished(() => client.quit());
    return client;
  }

  beforeAll(async () => {
    server = await startRedis();
  });

  afterAll(() => server.dispose());

  let redis: RedisConnection;

  beforeEach(async () => {
    lines = [];
    redis = await connected();
    await administer().flushall();
  });

  afterEach(() => {
    server.thaw();
  });

  const create = (role = 'moderator', connection = redis) => createPinLimiter({ role, redis: connection, log });

  describeLimiter(() => ({
    create,
    async endLockout() {
      await administer().del('conference-coach:pin:moderator:everybody:all');
    },
  }));

  it('shares its count with other servers', async () => {
    const one = create();
    const other = create('moderator', await connected());
    expect(await attempt(one, alice, 4)).toBe(4);
    expect(await attempt(other, alice, 10)).toBe(2);
    await takeAll(other);
    expect(await lets(one, bob)).toBe(false);
    expect(lines).toEqual([]);
  });

  it('accepts a right PIN on another server while attempts are left', async () => {
    const other = create('moderator', await connected());
    await attempt(create(), alice, 5);
    expect(await letsRight(other, alice)).toBe(true);
    expect(await attempt(create(), alice, 10)).toBe(1);
    expect(await letsRight(other, alice)).toBe(false);
  });

  it.each([
    ['a number', `number:${alice}`, 6, 900],
    ['everybody', 'everybody:all', 100, 3_600],
  ])(
    'starts the lockout of %s that a server left out, which died on its last attempt',
    async (_who, name, used, seconds) => {
      const client = administer();
      await client.set(`conference-coach:pin:moderator:${name}`, used, 'EX', 80_000);
      expect(await create().openPrompt(alice)).toMatchObject({ limit: 'attempts', seconds });
      expect(await client.ttl(`conference-coach:pin:moderator:${name}`)).toBeLessThanOrEqual(seconds);
      expect(await letsRight(create(), alice)).toBe(false);
    },
  );

  it('keeps its count when a server restarts', async () => {
    await attempt(create(), alice, 7);
    expect(await lets(create(), alice)).toBe(false);
  });

  it('leaves only keys with its own prefix, which expire', async () => {
    const client = administer();
    const limiter = create();
    await attempt(limiter, alice, 8);
    await attempt(limiter, undefined, 2);
    await lets(limiter, bob);
    await letsRight(limiter, freshNumber());
    await limiter.openPrompt(freshNumber());
    await takeAll(limiter);
    await takeAll(create('supervisor'));
    const keys = (await client.keys('*')).sort();
    expect(keys.filter((key) => !/:number:(lockouts:)?\+15555\d{6}$/.test(key))).toEqual(
      [
        'conference-coach:pin:moderator:everybody:all',
        'conference-coach:pin:moderator:everybody:lockouts:all',
        `conference-coach:pin:moderator:number:${alice}`,
        `conference-coach:pin:moderator:number:${bob}`,
        `conference-coach:pin:moderator:number:lockouts:${alice}`,
        'conference-coach:pin:moderator:number:withheld',
        'conference-coach:pin:supervisor:everybody:all',
        'conference-coach:pin:supervisor:everybody:lockouts:all',
      ].sort(),
    );
    for (const key of keys) {
      const ttl = await client.ttl(key);
      expect(ttl).toBeGreaterThan(0);
      expect(ttl).toBeLessThanOrEqual((key.includes('lockouts') ? 7 : 1) * 86_400);
    }
  });

  it.each([
    ['a number', `number:${alice}`, 900, (limiter: PinLimiter) => attempt(limiter, alice, 7)],
    ['everybody', 'everybody:all', 3_600, takeAll],
  ])('locks %s out for twice as long each time, at most a day', async (_who, name, firstSeconds, takeThem) => {
    const client = administer();
    const limiter = create();
    const key = `conference-coach:pin:moderator:${name}`;
    const seconds: number[] = [];
    for (let n = 0; n < 9; n++) {
      await takeThem(limiter);
      seconds.push(await client.ttl(key));
      // As when the time is over, for it and for the numbers that took part.
      const lockouts = key.replace(/:([^:]+)$/, ':lockouts:$1');
      await client.expire(lockouts, (await client.ttl(lockouts)) - (seconds.at(-1) ?? 0));
      const counted = await client.keys('conference-coach:pin:moderator:*');
      await client.del(...counted.filter((one) => !one.includes('lockouts')));
    }
    const expected = Array.from({ length: 9 }, (_, n) => Math.min(firstSeconds * 2 ** n, 86_400));
    seconds.forEach((one, n) => {
      expect(one).toBeLessThanOrEqual(expected[n] ?? 0);
      expect(one).toBeGreaterThan((expected[n] ?? 0) - 10);
    });
  });

  itInFull('counts in a Redis Cluster', async () => {
    const cluster = await startRedisCluster(2);
    onTestFinished(() => cluster.dispose());
    const limiter = create('moderator', await connected(cluster.urls));
    expect(await attempt(limiter, alice, 10)).toBe(6);
    expect(await takeAll(limiter)).toBe(94);
    expect(await letsRight(limiter, bob)).toBe(false);
    expect((await limiter.openPrompt(bob))?.who).toBe('everybody');
    expect(lines).toEqual([]);
  });

  describe('counts in this process, and logs it,', () => {
    /** Each sentence of the log, and how often it was said. */
    function said(): Record<string, number> {
      const times: Record<string, number> = {};
      for (const line of lines) {
        const { level, err, msg } = JSON.parse(line) as { level: string; err: { code: string }; msg: string };
        const sentence = `${level}, ${err.code}: ${msg}`;
        times[sentence] = (times[sentence] ?? 0) + 1;
      }
      return times;
    }
    const sentence = 'warn, unavailable: Redis cannot count PIN attempts; counting in this process';

    it('while Redis is down, and in Redis again when it is back', async () => {
      const own = await startRedis();
      onTestFinished(() => own.dispose());
      const connection = await connected([own.url]);
      const limiter = create('moderator', connection);
      await lets(limiter, alice);
      expect(said()).toEqual({});
      await own.kill();
      expect(await attempt(limiter, alice, 10)).toBe(6);
      expect(await takeAll(limiter)).toBe(94);
      expect(await letsRight(limiter, alice)).toBe(false);
      expect((await limiter.openPrompt(bob))?.who).toBe('everybody');
      // Once for each PIN, allowed or not, and for the prompt.
      expect(said()).toEqual({ [sentence]: 10 + 96 + 1 + 1 });
      expect(lines.join('')).not.toMatch(/1555\d{7}/);
      await own.restart();
      await eventually(() => connection.ping());
      expect(await lets(limiter, alice)).toBe(true);
      expect(await connection.client.get(`conference-coach:pin:moderator:number:${alice}`)).toBe('1');
    });

    itInFull('while Redis hangs', async () => {
      const limiter = create('moderator', await connected([server.url], 100));
      server.freeze();
      expect(await attempt(limiter, alice, 8)).toBe(6);
      expect(await letsRight(limiter, alice)).toBe(false);
      expect(said()).toEqual({ [sentence]: 9 });
    });

    it('when Redis was never there', async () => {
      const nowhere = connectRedis({ urls: ['redis://127.0.0.1:1'], timeoutMs: 100, onConnection: () => {} });
      onTestFinished(() => nowhere.close());
      const limiter = create('moderator', nowhere);
      expect(await attempt(limiter, alice, 8)).toBe(6);
      expect(said()).toEqual({ [sentence]: 8 });
    });
  });
});
