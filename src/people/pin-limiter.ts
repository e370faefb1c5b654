import type { Logger } from 'pino';
import type { RedisConnection } from '../redis/redis-connection';
import type { Address } from './address';
import {
  type AttemptBudget,
  attemptPatterns,
  type CreateCounter,
  createAttemptBudget,
  createMemoryCounter,
  createRedisCounters,
  secondsOf,
  takeAttempt,
} from './attempt-budget';

/** Why a call may not enter PINs now. */
export interface Lockout {
  /** The limit that was reached: wrong PINs, or prompts in a short time. */
  limit: 'attempts' | 'prompts';
  /** `number`: the caller's number or other address. */
  who: 'number' | 'everybody';
  /** Until it ends. */
  seconds: number;
}

/** The result of a PIN attempt. */
export type Attempt =
  /** The caller may learn the result. `lockout` if this was the last attempt. */
  | { isAllowed: true; lockout: Lockout | undefined }
  /** No attempt was left: the caller must not learn whether the PIN was right. */
  | { isAllowed: false; lockout: Lockout };

/**
 * Limits wrong PINs, and PIN prompts in a short time, per address and in total. `address` is undefined for withheld
 * numbers, which share one limit. Never rejects.
 */
export interface PinLimiter {
  /**
   * Call it before each PIN prompt. Uses no attempt.
   *
   * @returns undefined if there may be a prompt
   */
  openPrompt(address: Address | undefined): Promise<Lockout | undefined>;
  /**
   * Call it for each PIN that is entered, and use the PIN only if it is allowed. A wrong PIN uses one attempt of the
   * address and one of the total; the last attempt starts a lockout, each twice as long as the one before. A right PIN
   * uses none, but one must be left.
   */
  consumeAttempt(address: Address | undefined, options: { isRight: boolean }): Promise<Attempt>;
}

/**
 * Wrong PINs allowed in a day, and the length of the first lockout. Each further lockout lasts twice as long, at most a
 * day. After a lockout all attempts are available again.
 */
export const PIN_BUDGETS = {
  number: { attempts: 6, firstLockSeconds: 900 },
  everybody: { attempts: 100, firstLockSeconds: 3_600 },
} as const;

/**
 * PIN prompts per server in so many seconds. Callers who enter nothing use no attempt, so prompts need their own limit.
 */
const PROMPT_BOUNDS = { number: 120, everybody: 1_000, seconds: 10 } as const;

const PREFIX = 'conference-coach:pin';

/**
 * The keys in Redis, as glob patterns, of wrong PINs and lockouts of every role.
 *
 * @param address from which they were entered; everybody's unless given
 */
export function pinAttemptPatterns(address?: Address): string[] {
  // An address may have characters that mean something in a pattern.
  const escaped = address?.replace(/[[\]*?\\^]/g, '\\$&');
  return escaped === undefined ? [`${PREFIX}:*`] : attemptPatterns(`${PREFIX}:*:number`, escaped);
}

type Budgets = Record<keyof typeof PIN_BUDGETS, AttemptBudget>;

export interface PinLimiterOptions {
  /** Each role has its own attempts. */
  role: string;
  /** Counts attempts for all servers; undefined counts them in this process. */
  redis: RedisConnection | undefined;
  /** Called when wrong PINs start a lockout. */
  onLockout?: ((who: Lockout['who']) => void) | undefined;
  log: Logger;
}

/** A limiter that counts attempts in Redis, and in this process while Redis does not answer. */
export function createPinLimiter({ role, redis, onLockout, log }: PinLimiterOptions): PinLimiter {
  const local = createBudgets(createMemoryCounter);
  const shared = redis && createBudgets(createRedisCounters(redis));
  // Prompts are a load on this server alone, so they are counted here.
  const prompts = {
    number: createMemoryCounter({ points: PROMPT_BOUNDS.number, duration: PROMPT_BOUNDS.seconds }),
    everybody: createMemoryCounter({ points: PROMPT_BOUNDS.everybody, duration: PROMPT_BOUNDS.seconds }),
  };

  function createBudgets(create: CreateCounter): Budgets {
    const prefix = `${PREFIX}:${role}`;
    return {
      number: createAttemptBudget(create, `${prefix}:number`, PIN_BUDGETS.number),
      everybody: createAttemptBudget(create, `${prefix}:everybody`, PIN_BUDGETS.everybody),
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
    return work(local);
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

    async consumeAttempt(address, { isRight }) {
      const attempt = await count(async (budgets) => {
        // A lockout, of the address or of everybody, counts no attempts.
        const before = await take(budgets, address, 0);
        // A right PIN takes the same steps as a wrong one. Otherwise it would overtake wrong ones that were entered at
        // the same moment, and many calls at once could guess more PINs than calls in a row.
        return before.isAllowed ? take(budgets, address, isRight ? 0 : 1) : before;
      });
      if (attempt.isAllowed && attempt.lockout !== undefined) {
        onLockout?.(attempt.lockout.who);
      }
      return attempt;
    },
  };
}

/** The address comes first: once locked out, it uses no attempts of the total. */
async function take(budgets: Budgets, address: Address | undefined, cost: 0 | 1): Promise<Attempt> {
  const taken = await takeAttempt(budgets, keysOf(address), cost);
  const limit = 'attempts' as const;
  return taken.isAllowed
    ? { isAllowed: true, lockout: taken.lockout && { limit, ...taken.lockout } }
    : { isAllowed: false, lockout: { limit, ...taken.lockout } };
}

function keysOf(address: Address | undefined) {
  return [
    ['number', address ?? 'withheld'],
    ['everybody', 'all'],
  ] as const;
}
