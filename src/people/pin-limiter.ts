import type { Logger } from 'pino';
import { type IRateLimiterOptions, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RedisConnection } from '../store/redis-connection';
import type { PhoneNumber } from './phone-number';

/** Who is locked out, and for how many seconds yet. */
export interface Lockout {
  who: 'number' | 'everybody';
  seconds: number;
}

/** Bounds how many PINs can be tried. */
export interface PinLimiter {
  /**
   * Takes one of the tries that a number has, and of those that all have together. A number or everybody without one is
   * locked out for a time that doubles with each lockout. Never rejects.
   *
   * @param number undefined for all who withhold theirs, who share the tries of one number
   * @returns undefined when the try was taken
   */
  take(number: PhoneNumber | undefined): Promise<Lockout | undefined>;
  /** Gives a try back that was right. Never rejects. */
  giveBack(number: PhoneNumber | undefined): Promise<void>;
}

const DAY_SECONDS = 86_400;

/**
 * Tries in a day, and how long the first lockout lasts when there was one too many; each further one lasts twice as
 * long, a day at the most, and after it the tries are there again.
 */
export const PIN_BUDGETS = {
  number: { tries: 6, firstLockSeconds: 900 },
  everybody: { tries: 100, firstLockSeconds: 3_600 },
} as const;

/** How long after a lockout the next one is longer, in seconds. */
const REMEMBERED_SECONDS = 7 * DAY_SECONDS;

/** More than any number of tries: who is locked out stays so, whatever is given back meanwhile. */
const LOCKED = 1_000_000_000;

interface Budget {
  /** How many seconds there is no try yet, undefined when one was taken. */
  take(key: string): Promise<number | undefined>;
  giveBack(key: string): Promise<unknown>;
}

export interface PinLimiterOptions {
  /** Whose PINs: each role has tries of its own. */
  role: string;
  /** Where tries are counted; undefined for this process. */
  redis: RedisConnection | undefined;
  log: Logger;
}

/** A limiter that counts in Redis for all servers, and in this process as long as Redis does not answer. */
export function createPinLimiter({ role, redis, log }: PinLimiterOptions): PinLimiter {
  const here = createBudgets((options) => new RateLimiterMemory(options));
  const shared = redis && createBudgets((options) => new RateLimiterRedis({ ...options, storeClient: redis.client }));

  function createBudgets(create: (options: IRateLimiterOptions) => RateLimiterMemory | RateLimiterRedis) {
    const prefix = `conference-coach:pin:${role}`;
    return {
      number: createBudget(create, `${prefix}:number`, PIN_BUDGETS.number),
      everybody: createBudget(create, `${prefix}:everybody`, PIN_BUDGETS.everybody),
    };
  }

  async function count<T>(work: (budgets: Record<keyof typeof PIN_BUDGETS, Budget>) => Promise<T>): Promise<T> {
    if (redis !== undefined && shared !== undefined) {
      try {
        return await redis.run(() => work(shared));
      } catch (err) {
        log.warn({ err }, 'The store does not count PINs; this process does');
      }
    }
    return work(here);
  }

  return {
    take(number) {
      return count(async (budgets) => {
        // A number that is locked out takes nothing from the others.
        for (const [who, key] of [
          ['number', keyOf(number)],
          ['everybody', EVERYBODY],
        ] as const) {
          const seconds = await budgets[who].take(key);
          if (seconds !== undefined) {
            if (who === 'everybody') {
              await budgets.number.giveBack(keyOf(number));
            }
            return { who, seconds };
          }
        }
        return undefined;
      });
    },
    async giveBack(number) {
      await count((budgets) =>
        Promise.all([budgets.number.giveBack(keyOf(number)), budgets.everybody.giveBack(EVERYBODY)]),
      );
    },
  };
}

const EVERYBODY = 'all';

function keyOf(number: PhoneNumber | undefined): string {
  return number ?? 'withheld';
}

function createBudget(
  create: (options: IRateLimiterOptions) => RateLimiterMemory | RateLimiterRedis,
  keyPrefix: string,
  { tries, firstLockSeconds }: { tries: number; firstLockSeconds: number },
): Budget {
  const counter = create({ keyPrefix, points: tries, duration: DAY_SECONDS });
  const lockouts = create({ keyPrefix: `${keyPrefix}:lockouts`, points: 1, duration: REMEMBERED_SECONDS });

  /** @returns how many seconds it lasts */
  async function startLockout(key: string): Promise<number> {
    const last = await lockouts.get(key);
    // Calls that find no attempt left at the same moment start one lockout together. No lockout is shorter than the
    // first, so one that started more recently is this one.
    const isStarted = last !== null && last.msBeforeNext > (REMEMBERED_SECONDS - firstLockSeconds) * 1000;
    const lockout = (last?.consumedPoints ?? 0) + (isStarted ? 0 : 1);
    const seconds = Math.min(firstLockSeconds * 2 ** (lockout - 1), DAY_SECONDS);
    await lockouts.set(key, lockout, REMEMBERED_SECONDS);
    await counter.set(key, LOCKED, seconds);
    return seconds;
  }

  return {
    async take(key) {
      try {
        await counter.consume(key);
        return undefined;
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) {
          throw refusal;
        }
        return refusal.consumedPoints < LOCKED / 2 ? startLockout(key) : Math.ceil(refusal.msBeforeNext / 1000);
      }
    },
    async giveBack(key) {
      // What does not count any more is not to be had twice.
      if (((await counter.get(key))?.consumedPoints ?? 0) > 0) {
        await counter.reward(key);
      }
    },
  };
}
