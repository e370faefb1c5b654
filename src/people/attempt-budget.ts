import type * as limiters from 'rate-limiter-flexible';
import type { RedisConnection } from '../redis/redis-connection';

/** From files of their own: the package's index loads thirty stores, which takes 20 ms of every start. */
const RateLimiterMemory: typeof limiters.RateLimiterMemory = require('rate-limiter-flexible/lib/RateLimiterMemory');
const RateLimiterRedis: typeof limiters.RateLimiterRedis = require('rate-limiter-flexible/lib/RateLimiterRedis');

const DAY_SECONDS = 86_400;

/** A lockout that starts within this time after the last one is twice as long. */
const REMEMBERED_SECONDS = 7 * DAY_SECONDS;

/** The count that marks a lockout: more attempts than anyone can make. */
const LOCKED = 1_000_000_000;

/** Counts by key, each for a time. */
export type Counter = limiters.RateLimiterMemory | limiters.RateLimiterRedis;

export type CreateCounter = (options: limiters.IRateLimiterOptions) => Counter;

/** A counter in this process. */
export const createMemoryCounter: CreateCounter = (options) => new RateLimiterMemory(options);

/** Counters in Redis, for all servers. Use them within the connection's `run`. */
export function createRedisCounters({ client }: RedisConnection): CreateCounter {
  return (options) => new RateLimiterRedis({ ...options, storeClient: client });
}

/** Follows a budget's prefix in the Redis keys of its lockouts. */
const LOCKOUTS = 'lockouts';

/**
 * The keys in Redis, as glob patterns, of a key's attempts and lockouts.
 *
 * @param keyPrefix of the budget
 * @param pattern of the key
 */
export function attemptPatterns(keyPrefix: string, pattern: string): string[] {
  return [`${keyPrefix}:${pattern}`, `${keyPrefix}:${LOCKOUTS}:${pattern}`];
}

/** The wrong attempts that each key may make in a day. */
export interface AttemptBudget {
  /**
   * Uses `cost` attempts.
   *
   * @returns whether an attempt was left, and the seconds until one is left again; undefined if one still is
   */
  take(key: string, cost: 0 | 1): Promise<{ wasLeft: boolean; lockedSeconds: number | undefined }>;
}

/**
 * A budget whose last attempt starts a lockout. Each further lockout lasts twice as long, at most a day. After a lockout all
 * attempts are available again.
 */
export function createAttemptBudget(
  create: CreateCounter,
  keyPrefix: string,
  { attempts, firstLockSeconds }: { attempts: number; firstLockSeconds: number },
): AttemptBudget {
  const counter = create({ keyPrefix, points: attempts, duration: DAY_SECONDS });
  const lockouts = create({ keyPrefix: `${keyPrefix}:${LOCKOUTS}`, points: 1, duration: REMEMBERED_SECONDS });

  /** @returns its length in seconds */
  async function startLockout(key: string): Promise<number> {
    const last = await lockouts.get(key);
    // Attempts that use the last one at the same moment start one lockout together. No lockout is shorter than the
    // first, so one that started less than that ago is this one.
    const isStarted = last !== null && last.msBeforeNext > (REMEMBERED_SECONDS - firstLockSeconds) * 1000;
    const lockout = (last?.consumedPoints ?? 0) + (isStarted ? 0 : 1);
    const seconds = Math.min(firstLockSeconds * 2 ** (lockout - 1), DAY_SECONDS);
    await lockouts.set(key, lockout, REMEMBERED_SECONDS);
    await counter.set(key, LOCKED, seconds);
    return seconds;
  }

  return {
    async take(key, cost) {
      const counted = cost === 0 ? await counter.get(key) : await counter.penalty(key, cost);
      const used = counted?.consumedPoints ?? 0;
      const wasLeft = used - cost < attempts;
      if (counted === null || used < attempts) {
        return { wasLeft, lockedSeconds: undefined };
      }
      return { wasLeft, lockedSeconds: used < LOCKED ? await startLockout(key) : secondsOf(counted.msBeforeNext) };
    },
  };
}

/** A lockout, and of whom. */
interface BudgetLockout<Who> {
  who: Who;
  seconds: number;
}

/** The result of an attempt. `lockout` if it was the last one of a budget, or if none was left. */
export type TakenAttempt<Who> =
  | { isAllowed: true; lockout: BudgetLockout<Who> | undefined }
  | { isAllowed: false; lockout: BudgetLockout<Who> };

/** Uses `cost` attempts of each budget in turn. One that has none left ends it: later budgets lose nothing. */
export async function takeAttempt<Who extends string>(
  budgets: Readonly<Record<Who, AttemptBudget>>,
  keys: readonly (readonly [who: Who, key: string])[],
  cost: 0 | 1,
): Promise<TakenAttempt<Who>> {
  let last: BudgetLockout<Who> | undefined;
  for (const [who, key] of keys) {
    const { wasLeft, lockedSeconds } = await budgets[who].take(key, cost);
    if (lockedSeconds !== undefined) {
      const lockout = { who, seconds: lockedSeconds };
      if (!wasLeft) {
        return { isAllowed: false, lockout };
      }
      last = lockout;
    }
  }
  return { isAllowed: true, lockout: last };
}

/** Milliseconds in whole seconds, rounded up. */
export function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000);
}
