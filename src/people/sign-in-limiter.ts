import { createHmac } from 'node:crypto';
import type { Logger } from 'pino';
import { networkOf } from '../ops/network';
import type { RedisConnection } from '../redis/redis-connection';
import {
  attemptPatterns,
  type CreateCounter,
  createAttemptBudget,
  createMemoryCounter,
  createRedisCounters,
  type TakenAttempt,
  takeAttempt,
} from './attempt-budget';

/** A name and a password that were entered, as far as they are counted. */
export interface SignInAttempt {
  /** As it was entered. */
  name: string;
  /** Whose password is checked; undefined if nobody has the name. */
  role?: 'supervisor' | 'moderator' | undefined;
  /** The client's address; undefined if it is gone. */
  ip: string | undefined;
}

/** Whose passwords are not taken for a while. */
export interface SignInLockout {
  /** `pair`: this name at this address; `address`: every new name at this address; `name`: this name at new addresses. */
  who: keyof typeof SIGN_IN_BUDGETS;
  /** Until it ends. */
  seconds: number;
}

/** Limits wrong passwords per name and address, per address, and per name. Never rejects. */
export interface SignInLimiter {
  /** Call it before a password is checked. Uses no attempt. Returns undefined if it may be. */
  findLockout(attempt: SignInAttempt): Promise<SignInLockout | undefined>;
  /** Whether the person with this name has signed in at this address within 14 days. */
  isKnown(attempt: SignInAttempt): Promise<boolean>;
  /**
   * Call it when a password has been checked, and use the result only if it is allowed. A wrong password uses one attempt of
   * each budget that counts; the last one starts a lockout. A right password uses none, but one must be left.
   */
  consumeAttempt(
    attempt: SignInAttempt,
    options: { isRight: boolean },
  ): Promise<TakenAttempt<keyof typeof SIGN_IN_BUDGETS>>;
}

/**
 * Wrong passwords allowed in a day, and the length of the first lockout. Each further lockout lasts twice as long, at most a
 * day. After a lockout all attempts are available again.
 *
 * The budget of an address stops somebody who guesses many names there, the budget of a name somebody who guesses at many
 * addresses. Neither counts where the person has signed in lately: they are not locked out by others, and the pair's budget
 * suffices.
 */
export const SIGN_IN_BUDGETS = {
  pair: { attempts: 10, firstLockSeconds: 900 },
  address: { attempts: 50, firstLockSeconds: 900 },
  name: { attempts: 200, firstLockSeconds: 3_600 },
} as const;

const PREFIX = 'conference-coach:sign-in';

const ROLES = ['supervisor', 'moderator'] as const;

/** How long an address counts as one where a person has signed in. */
const KNOWN_SECONDS = 14 * 86_400;

export interface SignInLimiterOptions {
  /** Keys the hashes under which names and addresses are counted: sometimes a password is entered as the name. */
  secret: string;
  /** Counts attempts for all servers; undefined counts them in this process. */
  redis: RedisConnection | undefined;
  /** Called when wrong passwords start a lockout. */
  onLockout?: ((who: SignInLockout['who']) => void) | undefined;
  log: Logger;
}

/** A limiter that counts attempts in Redis, and in this process while Redis does not answer. */
export function createSignInLimiter({ secret, redis, onLockout, log }: SignInLimiterOptions): SignInLimiter {
  const local = createCounts(createMemoryCounter);
  const shared = redis && createCounts(createRedisCounters(redis));

  async function count<T>(work: (counts: Counts) => Promise<T>): Promise<T> {
    if (redis !== undefined && shared !== undefined) {
      try {
        return await redis.run(() => work(shared));
      } catch (err) {
        log.warn({ err }, 'Redis cannot count sign-in attempts; counting in this process');
      }
    }
    return work(local);
  }

  function keysOf({ name, role, ip }: SignInAttempt) {
    const [ofName, ofNetwork] = [hashName(secret, name, role), hashParts(secret, networkOf(ip))];
    return { pair: `${ofName}.${ofNetwork}`, address: ofNetwork, name: ofName };
  }

  async function isKnown(counts: Counts, attempt: SignInAttempt): Promise<boolean> {
    return (await counts.known.get(keysOf(attempt).pair)) !== null;
  }

  async function take(counts: Counts, attempt: SignInAttempt, cost: 0 | 1) {
    const { pair, address, name } = keysOf(attempt);
    const others = [
      ['address', address],
      ['name', name],
    ] as const;
    return takeAttempt(counts.budgets, [['pair', pair], ...((await isKnown(counts, attempt)) ? [] : others)], cost);
  }

  return {
    async findLockout(attempt) {
      const { isAllowed, lockout } = await count((counts) => take(counts, attempt, 0));
      return isAllowed ? undefined : lockout;
    },

    isKnown: (attempt) => count((counts) => isKnown(counts, attempt)),

    async consumeAttempt(attempt, { isRight }) {
      const taken = await count(async (counts) => {
        const result = await take(counts, attempt, isRight ? 0 : 1);
        if (isRight && result.isAllowed) {
          await counts.known.set(keysOf(attempt).pair, 1, KNOWN_SECONDS);
        }
        return result;
      });
      if (taken.isAllowed && taken.lockout !== undefined) {
        onLockout?.(taken.lockout.who);
      }
      return taken;
    },
  };
}

function hashName(secret: string, name: string, role = ''): string {
  return hashParts(secret, role, name);
}

function hashParts(secret: string, ...parts: string[]): string {
  return createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64url');
}

/**
 * The keys in Redis, as glob patterns, of wrong passwords and lockouts.
 *
 * @param person whose; everybody's unless given
 */
export function signInAttemptPatterns(person?: { secret: string; name: string }): string[] {
  if (person === undefined) {
    return Object.keys(SIGN_IN_BUDGETS).flatMap((who) => attemptPatterns(`${PREFIX}:${who}`, '*'));
  }
  return ROLES.map((role) => hashName(person.secret, person.name, role)).flatMap((name) => [
    ...attemptPatterns(`${PREFIX}:pair`, `${name}.*`),
    ...attemptPatterns(`${PREFIX}:name`, name),
  ]);
}

type Counts = ReturnType<typeof createCounts>;

function createCounts(create: CreateCounter) {
  const budget = (who: keyof typeof SIGN_IN_BUDGETS) =>
    createAttemptBudget(create, `${PREFIX}:${who}`, SIGN_IN_BUDGETS[who]);
  return {
    budgets: { pair: budget('pair'), address: budget('address'), name: budget('name') },
    /** The pairs of a name and an address where that person has signed in. */
    known: create({ keyPrefix: `${PREFIX}:known`, points: 1, duration: KNOWN_SECONDS }),
  };
}
