import type { Logger } from 'pino';
import { type IRateLimiterOptions, RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { RedisConnection } from '../redis/redis-connection';
import type { Address } from './address';

/** Why a call may not use PINs now. */
export interface Lockout {
  /** Which limit was reached: too many wrong PINs, or too many prompts in a short time. */
  limit: 'attempts' | 'prompts';
  /** `number`: the caller's number or other address. */
  who: 'number' | 'everybody';
  /** How long it still lasts. */
  seconds: number;
}

/** The result of a PIN attempt. */
export type Attempt =
  /** It may be answered. `lockout` if it took the last attempt. */
  | { isAllowed: true; lockout: Lockout | undefined }
  /** No attempt was left: the caller must not learn whether it was right. */
  | { isAllowed: false; lockout: Lockout };

/**
 * Limits how many PINs can be guessed, and how many prompts are opened in a short time. For both, `address` is undefined
 * for withheld numbers, which share the limits of one. Never rejects.
 */
export interface PinLimiter {
  /**
   * Call it before a prompt for a PIN is opened. Takes no attempt.
   *
   * @returns undefined if the prompt may be opened
   */
  openPrompt(address: Address | undefined): Promise<Lockout | undefined>;
  /**
   * Call it for each PIN that is keyed in, and answer only if it is allowed. A wrong PIN takes an attempt from the address
   * and from everybody; the last one starts a lockout, twice as long each time. A right PIN needs an attempt to be left,
   * and takes none.
   */
  consumeAttempt(address: Address | undefined, options: { isRight: boolean }): Promise<Attempt>;
}

const DAY_SECONDS = 86_400;

/**
 * Wrong PINs in a day, and how long the first lockout lasts; each further one lasts twice as long, a day at the most.
 * After it all attempts are there again.
 */
export const PIN_BUDGETS = {
  number: { attempts: 6, firstLockSeconds: 900 },
  everybody: { attempts: 100, firstLockSeconds: 3_600 },
} as const;

/** How many prompts each server opens in so many seconds. Silence takes no attempt, so prompts need a limit of their own. */
const PROMPT_BOUNDS = { number: 120, everybody: 1_000, seconds: 10 } as const;

/** A lockout within this time of the last one lasts twice as long. */
const REMEMBERED_SECONDS = 7 * DAY_SECONDS;

/** Stands for a lockout in the count of attempts: more than can be made. */
const LOCKED = 1_000_000_000;

interface Budget {
  /**
   * Takes an attempt, or none with a cost of 0.
   *
   * @returns whether one was left, and the seconds until one is left again; undefined while one still is
   */
  take(key: string, cost: 0 | 1): Promise<{ wasLeft: boolean; lockedSeconds: number | undefined }>;
}

type Budgets = Record<keyof typeof PIN_BUDGETS, Budget>;

export interface PinLimiterOptions {
  /** Whose PINs: each role has attempts of its own. */
  role: string;
  /** Where attempts are counted; undefined for this process. */
  redis: RedisConnection | undefined;
  log: Logger;
}

/** A limiter that counts attempts in Redis for all servers, and in this process while Redis does not answer. */
export function createPinLimiter({ role, redis, log }: PinLimiterOptions): PinLimiter {
  const here = createBudgets((options) => new RateLimiterMemory(options));
  const shared = redis && createBudgets((options) => new RateLimiterRedis({ ...options, storeClient: redis.client }));
  // Prompts load the server that opens them: no store is asked.
  const prompts = {
    number: new RateLimiterMemory({ points: PROMPT_BOUNDS.number, duration: PROMPT_BOUNDS.seconds }),
    everybody: new RateLimiterMemory({ points: PROMPT_BOUNDS.everybody, duration: PROMPT_BOUNDS.seconds }),
  };

  function createBudgets(create: (options: IRateLimiterOptions) => RateLimiterMemory | RateLimiterRedis): Budgets {
    const prefix = `conference-coach:pin:${role}`;
    return {
      number: createBudget(create, `${prefix}:number`, PIN_BUDGETS.number),
      everybody: createBudget(create, `${prefix}:everybody`, PIN_BUDGETS.everybody),
    };
  }

  async function count<T>(work: (budgets: Budgets) => Promise<T>): Promise<T> {
    if (redis !== undefined && shared !== undefined) {
      try {
        return await redis.run(() => work(shared));
      } catch (err) {
        log.warn({ err }, 'Redis cannot count PIN attempts; counting in this process');
      }
    }
    return work(here);
  }

  return {
    async openPrompt(address) {
      const { lockout } = await count((budgets) => take(budgets, address, 0));
      if (lockout !== undefined) {
        return lockout;
      }
      for (const [who, key] of keysOf(address)) {
        const { consumedPoints, msBeforeNext } = await prompts[who].penalty(key);
        if (consumedPoints > PROMPT_BOUNDS[who]) {
          return { limit: 'prompts', who, seconds: secondsOf(msBeforeNext) };
        }
      }
      return undefined;
    },

    consumeAttempt(address, { isRight }) {
      return count(async (budgets) => {
        // During a lockout nothing is counted, for the address or for everybody.
        const before = await take(budgets, address, 0);
        // Right or wrong, it takes the same steps. Otherwise, of many PINs keyed in at once, a right one would overtake
        // the wrong ones, and a burst of calls could guess more than one call after the other.
        return before.isAllowed ? take(budgets, address, isRight ? 0 : 1) : before;
      });
    },
  };
}

/** The address first: once it is locked out, it takes nothing from the others. */
async function take(budgets: Budgets, address: Address | undefined, cost: 0 | 1): Promise<Attempt> {
  let lockout: Lockout | undefined;
  for (const [who, key] of keysOf(address)) {
    const { wasLeft, lockedSeconds } = await budgets[who].take(key, cost);
    if (lockedSeconds !== undefined) {
      lockout = { limit: 'attempts', who, seconds: lockedSeconds };
      if (!wasLeft) {
        return { isAllowed: false, lockout };
      }
    }
  }
  return { isAllowed: true, lockout };
}

function keysOf(address: Address | undefined) {
  return [
    ['number', address ?? 'withheld'],
    ['everybody', 'all'],
  ] as const;
}

function createBudget(
  create: (options: IRateLimiterOptions) => RateLimiterMemory | RateLimiterRedis,
  keyPrefix: string,
  { attempts, firstLockSeconds }: { attempts: number; firstLockSeconds: number },
): Budget {
  const counter = create({ keyPrefix, points: attempts, duration: DAY_SECONDS });
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

function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000);
}
