import type { CallError } from './call-error';
import type { Clock } from './clock';
import type { Method } from './laml-parser';
import { createRandom } from './random';
import type { WebClient } from './web-client';

/** How status callbacks are disturbed. Probabilities are from 0 to 1, by default 0. */
export interface Chaos {
  /** The same seed disturbs the same callbacks. */
  seed: number;
  /** Probability that a callback is never sent. */
  lose?: number | undefined;
  /** Probability that it is sent twice. */
  duplicate?: number | undefined;
  /** Probability that the next one overtakes it, if there is one within 5 s. */
  reorder?: number | undefined;
  /** Longest delay, in simulated milliseconds. */
  delayMs?: number | undefined;
}

/** What became of the callbacks so far. */
export interface CallbackCounts {
  /** Accepted by the server; a callback that is sent twice counts twice. */
  delivered: number;
  /** Still under way: delayed, being overtaken, or to be retried. */
  pending: number;
  /** Never sent, because of `lose` or `loseAll`. */
  lost: number;
  /** Given up, because the server accepted none of the attempts. */
  refused: number;
  /** Why the last failed attempt failed; undefined if none did. */
  refusal: string | undefined;
}

/** A status callback to send. */
export interface Callback {
  url: string;
  method: Method;
  /** Computed for each attempt, because the date depends on the wall clock. */
  fields: () => Record<string, string>;
}

export interface Callbacks {
  /**
   * Sends a callback in the background, disturbed as {@link Chaos} says. It is given up after three attempts, or after
   * one if the previous callback to this URL was given up. Never throws.
   */
  send(callback: Callback): void;
  /** Whether to lose every callback from now on. */
  loseAll(isLosing: boolean): void;
  counts(): CallbackCounts;
  /** The fields of the callbacks that the server has not accepted: lost, given up, or under way. */
  undelivered(): Record<string, string>[];
}

const ATTEMPTS = 3;
const RETRY_MS = 1_000;
const OVERTAKEN_MS = 5_000;

/**
 * The Space's outgoing status callbacks. Those to one URL are sent one after the other, except for what {@link Chaos}
 * reorders and for URLs where a callback was given up.
 */
export function createCallbacks(options: { clock: Clock; client: WebClient; chaos: Chaos }): Callbacks {
  const { clock, client } = options;
  const { seed, lose = 0, duplicate = 0, reorder = 0, delayMs = 0 } = options.chaos;
  const random = createRandom(seed);
  const counts: CallbackCounts = { delivered: 0, pending: 0, lost: 0, refused: 0, refusal: undefined };
  const undelivered = new Set<Callback>();
  let losesAll = false;
  const queues = new Map<string, Promise<void>>();
  /** URLs whose last callback was given up. */
  const dead = new Set<string>();
  /** Sends the callback that waits to be overtaken, by URL. */
  const heldBack = new Map<string, () => void>();

  async function deliver(callback: Callback): Promise<void> {
    // Three attempts for each callback to a dead URL would take too long.
    const attempts = dead.has(callback.url) ? 1 : ATTEMPTS;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (attempt > 1) {
        await clock.sleep(RETRY_MS);
      }
      const refusal = await clock.hold(attemptTo(callback));
      if (refusal === undefined) {
        counts.pending--;
        counts.delivered++;
        undelivered.delete(callback);
        dead.delete(callback.url);
        return;
      }
      counts.refusal = refusal;
    }
    counts.pending--;
    counts.refused++;
    dead.add(callback.url);
  }

  /** Returns why the attempt failed; undefined if the server accepted it. */
  async function attemptTo({ url, method, fields }: Callback): Promise<string | undefined> {
    try {
      const { status } = await client.send({ url, method, fields: fields() });
      return status >= 200 && status < 300 ? undefined : `${url} answered with status ${status}.`;
    } catch (error) {
      return (error as CallError).message;
    }
  }

  function enqueue(callback: Callback): void {
    if (dead.has(callback.url)) {
      void deliver(callback);
      return;
    }
    const queue = (queues.get(callback.url) ?? Promise.resolve()).then(() => deliver(callback));
    queues.set(callback.url, queue);
    void queue.then(() => {
      if (queues.get(callback.url) === queue) {
        queues.delete(callback.url);
      }
    });
  }

  function dispatch(callback: Callback, lateMs: number): void {
    if (lateMs > 0) {
      void clock.sleep(lateMs).then(() => enqueue(callback));
    } else {
      enqueue(callback);
    }
  }

  return {
    send(callback) {
      // Draw all numbers for each callback, needed or not: changing one setting must not change the others' outcome.
      const [isLost, isDuplicated, isReordered] = [random() < lose, random() < duplicate, random() < reorder];
      const delays = [random() * delayMs, random() * delayMs].slice(0, isDuplicated ? 2 : 1);
      undelivered.add(callback);
      if (isLost || losesAll) {
        counts.lost++;
        return;
      }
      counts.pending += delays.length;
      const go = () => {
        for (const lateMs of delays) {
          dispatch(callback, lateMs);
        }
      };
      const held = heldBack.get(callback.url);
      if (isReordered && held === undefined) {
        const release = () => {
          if (heldBack.get(callback.url) === release) {
            heldBack.delete(callback.url);
            go();
          }
        };
        heldBack.set(callback.url, release);
        void clock.sleep(OVERTAKEN_MS).then(release);
      } else {
        go();
        held?.();
      }
    },
    loseAll(isLosing) {
      losesAll = isLosing;
    },
    counts: () => ({ ...counts }),
    undelivered: () => [...undelivered].map(({ fields }) => fields()),
  };
}
