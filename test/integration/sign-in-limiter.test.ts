import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import { createSignInLimiter, type SignInLimiter } from '../../src/people/sign-in-limiter';
import { connectRedis, type RedisConnection } from '../../src/redis/redis-connection';
import { onTestFinished } from '../support/on-test-finished';
import { startRedisCluster } from '../support/redis-cluster';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';

const DAY_MS = 86_400_000;
const TEDS_DESK = '192.0.2.1';
const secret = 'a secret for the tests alone';

/** The n-th address; each is another one. */
const addressOf = (n: number) => `198.51.${n >> 8}.${n & 255}`;

/** Enters so many wrong passwords; how many of them were checked. */
async function guess(limiter: SignInLimiter, name: string, ip: string | undefined, passwords: number): Promise<number> {
  let checked = 0;
  for (let n = 0; n < passwords; n++) {
    const isOpen = (await limiter.findLockout({ name, ip })) === undefined;
    checked += Number(isOpen && (await limiter.consumeAttempt({ name, ip }, { isRight: false })).isAllowed);
  }
  return checked;
}

/** Enters the right password; whether it is accepted. */
async function signIn(limiter: SignInLimiter, name: string, ip: string | undefined): Promise<boolean> {
  const isOpen = (await limiter.findLockout({ name, ip })) === undefined;
  return isOpen && (await limiter.consumeAttempt({ name, ip }, { isRight: true })).isAllowed;
}

/** Guesses a name's password from many addresses, until none is checked any more. */
async function guessFromMany(limiter: SignInLimiter, name: string): Promise<number> {
  let checked = 0;
  for (let n = 0; n < 100; n++) {
    const more = await guess(limiter, name, addressOf(n), 9);
    checked += more;
    if (more < 9) {
      break;
    }
  }
  return checked;
}

function describeLimiter(create: () => SignInLimiter): void {
  let limiter: SignInLimiter;

  beforeEach(() => {
    limiter = create();
  });

  it('lets an address try 10 passwords for a name, then tells for how long none is taken', async () => {
    expect(await guess(limiter, 'Ted', TEDS_DESK, 9)).toBe(9);
    const last = await limiter.consumeAttempt({ name: 'Ted', ip: TEDS_DESK }, { isRight: false });
    expect(last).toEqual({ isAllowed: true, lockout: { who: 'pair', seconds: 900 } });
    expect(await limiter.findLockout({ name: 'Ted', ip: TEDS_DESK })).toMatchObject({ who: 'pair' });
    expect(await guess(limiter, 'Ted', TEDS_DESK, 5)).toBe(0);
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(false);
  });

  it('locks nobody out at another address, and nobody else at the same one', async () => {
    await guess(limiter, 'Ted', addressOf(1), 20);
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(true);
    expect(await signIn(limiter, 'Carol', addressOf(1))).toBe(true);
  });

  it('lets an address try 50 passwords, whatever the names', async () => {
    let checked = 0;
    for (let n = 0; n < 60; n++) {
      checked += await guess(limiter, `Name ${n}`, TEDS_DESK, 1);
    }
    expect(checked).toBe(50);
    expect(await limiter.findLockout({ name: 'Ted', ip: TEDS_DESK })).toMatchObject({ who: 'address' });
    expect(await signIn(limiter, 'Ted', addressOf(1))).toBe(true);
  });

  it('lets a person sign in where they did before, while others there enter made-up names', async () => {
    expect(await signIn(limiter, 'Carol', TEDS_DESK)).toBe(true);
    for (let n = 0; n < 60; n++) {
      await guess(limiter, `Name ${n}`, TEDS_DESK, 1);
    }
    expect(await signIn(limiter, 'Carol', TEDS_DESK)).toBe(true);
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(false);
    // No more of Carol's passwords can be guessed there than anywhere.
    expect(await guess(limiter, 'Carol', TEDS_DESK, 20)).toBe(10);
  });

  it('lets many addresses try 200 passwords for a name', async () => {
    expect(await guessFromMany(limiter, 'Ted')).toBe(200);
    expect(await limiter.findLockout({ name: 'Ted', ip: addressOf(200) })).toMatchObject({ who: 'name' });
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(false);
    expect(await signIn(limiter, 'Carol', TEDS_DESK)).toBe(true);
  });

  it('lets a person sign in where they did before, while many addresses guess their password', async () => {
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(true);
    await guessFromMany(limiter, 'Ted');
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(true);
    expect(await signIn(limiter, 'Ted', addressOf(200))).toBe(false);
    // There too, no more can be guessed than anywhere.
    expect(await guess(limiter, 'Ted', TEDS_DESK, 20)).toBe(10);
  });

  it('lets no more passwords be tried at the same moment than in a row, and no right one among them overtake', async () => {
    const attempts = Array.from({ length: 30 }, (_, n) =>
      limiter.consumeAttempt({ name: 'Ted', ip: TEDS_DESK }, { isRight: n === 20 }),
    );
    const answers = (await Promise.all(attempts)).map(({ isAllowed }) => isAllowed);
    expect(answers.filter(Boolean)).toHaveLength(10);
    expect(answers[20]).toBe(false);
  });

  it('takes no attempt for a right password', async () => {
    for (let n = 0; n < 30; n++) {
      expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(true);
    }
    expect(await guess(limiter, 'Ted', TEDS_DESK, 20)).toBe(10);
  });

  it.each([
    ['an IPv6 network', '2001:db8:0:1::1', '2001:db8::1:ffff:0:0:2', '2001:db8:0:2::1'],
    ['an IPv4 address in IPv6', '::ffff:192.0.2.7', '192.0.2.7', '::ffff:192.0.2.8'],
    ['clients whose address is gone', undefined, undefined, '192.0.2.9'],
  ])('counts %s as one address', async (_what, one, same, another) => {
    expect(await guess(limiter, 'Ted', one, 10)).toBe(10);
    expect(await guess(limiter, 'Ted', same, 1)).toBe(0);
    expect(await guess(limiter, 'Ted', another, 1)).toBe(1);
  });
}

describe('a limiter of sign-ins in this process', () => {
  const silent = createLog('silent', { write: () => {} });
  const create = () => createSignInLimiter({ secret, redis: undefined, log: silent });

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'hrtime'] });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  describeLimiter(create);

  it('accepts passwords again after the lockout', async () => {
    const limiter = create();
    await guess(limiter, 'Ted', TEDS_DESK, 10);
    jest.advanceTimersByTime(900_000 - 1);
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(false);
    jest.advanceTimersByTime(1);
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(true);
  });

  it('tells once that a lockout has begun, whatever is entered then', async () => {
    const lockouts: string[] = [];
    const onLockout = (who: string) => void lockouts.push(who);
    const limiter = createSignInLimiter({ secret, redis: undefined, onLockout, log: silent });
    for (let n = 0; n < 12; n++) {
      await limiter.consumeAttempt({ name: 'Ted', ip: TEDS_DESK }, { isRight: false });
    }
    expect(lockouts).toEqual(['pair']);
  });

  it('knows for 14 days where somebody signed in', async () => {
    const limiter = create();
    await signIn(limiter, 'Ted', TEDS_DESK);
    jest.advanceTimersByTime(14 * DAY_MS - 1);
    await guessFromMany(limiter, 'Ted');
    expect(await limiter.findLockout({ name: 'Ted', ip: TEDS_DESK })).toBeUndefined();
    jest.advanceTimersByTime(1);
    expect(await limiter.findLockout({ name: 'Ted', ip: TEDS_DESK })).toMatchObject({ who: 'name' });
  });
});

describe('a limiter of sign-ins in Redis', () => {
  let server: RedisServer;
  let redis: RedisConnection;
  let lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });

  async function connected(urls: readonly string[] = [server.url], timeoutMs = 2_000): Promise<RedisConnection> {
    const connection = connectRedis({ urls, timeoutMs, onConnection: () => {} });
    onTestFinished(() => connection.close());
    await eventually(() => connection.ping());
    return connection;
  }

  beforeAll(async () => {
    server = await startRedis();
  });

  afterAll(() => server.dispose());

  beforeEach(async () => {
    lines = [];
    redis = await connected();
    await redis.client.flushall();
  });

  const create = (connection = redis) => createSignInLimiter({ secret, redis: connection, log });

  describeLimiter(create);

  it('counts for all servers, under keys that tell no name and no address, and expire', async () => {
    const other = create(await connected());
    expect(await guess(create(), 'Ted', TEDS_DESK, 6)).toBe(6);
    expect(await guess(other, 'Ted', TEDS_DESK, 6)).toBe(4);
    await signIn(other, 'Carol', TEDS_DESK);
    const keys = await redis.client.keys('*');
    expect(keys).toHaveLength(5);
    for (const key of keys) {
      expect(key).toMatch(/^conference-coach:sign-in:(pair|pair:lockouts|address|name|known):[\w-]{43}(\.[\w-]{43})?$/);
      expect(await redis.client.ttl(key)).toBeGreaterThan(0);
    }
    expect(lines).toEqual([]);
  });

  it('counts in a Redis Cluster', async () => {
    const cluster = await startRedisCluster(2);
    onTestFinished(() => cluster.dispose());
    const limiter = create(await connected(cluster.urls));
    expect(await signIn(limiter, 'Ted', TEDS_DESK)).toBe(true);
    expect(await guess(limiter, 'Ted', TEDS_DESK, 20)).toBe(10);
    expect(lines).toEqual([]);
  });

  it('counts in this process, and logs it, while Redis is away', async () => {
    const away = connectRedis({
      urls: [`redis://127.0.0.1:${await freePort()}`],
      timeoutMs: 100,
      onConnection: () => {},
    });
    onTestFinished(() => away.close());
    const limiter = create(away);
    expect(await guess(limiter, 'Ted', TEDS_DESK, 20)).toBe(10);
    expect(lines[0]).toContain('Redis cannot count sign-in attempts; counting in this process');
    expect(lines.join('')).not.toMatch(/Ted|192\.0/);
  });
});
