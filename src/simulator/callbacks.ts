import type { CallError } from './call-error';
import type { Clock } from './clock';
import type { Method } from './laml-parser';
import { createRandom } from './random';
import type { WebClient } from './web-client';

/** What may befall status callbacks on their way. Probabilities from 0 to 1, all 0 if not given. */
export interface Chaos {
  /** The same seed makes the same trouble. */
  seed: number;
  /** How likely a callback is never sent. */
  lose?: number | undefined;
  /** How likely it is sent twice. */
  duplicate?: number | undefined;
  /** How likely it is overtaken by the one after it, if there is one within 5 s. */
  reorder?: number | undefined;
  /** How late it may be sent, in simulated milliseconds. */
  delayMs?: number | undefined;
}

/** How callbacks have fared so far. */
export interface CallbackCounts {
  /** Taken by the server, repeated ones counted each time. */
  delivered: number;
  /** On their way: late, overtaken, or to be tried again. */
  pending: number;
  /** Lost on their way, as the chaos would have it. */
  lost: number;
  /** Given up after three attempts that the server did not take. */
  refused: number;
  /** Why the last was refused, undefined if none was. */
  refusal: string | undefined;
}

/** Something to be told to the server. */
export interface Callback {
  url: string;
  method: Method;
  /** Its fields; made anew for each attempt, because they hold its date. */
  fields: () => Record<string, string>;
}

export interface Callbacks {
  /**
   * Sends a callback, as the chaos allows: advisory, three attempts, then lost. Never fails. Where the last one was
   * given up, the next is tried once.
   */
  send(callback: Callback): void;
  counts(): CallbackCounts;
  /** The fields of those that the server has not taken: lost, given up, or on their way. */
  undelivered(): Record<string, string>[];
}

const ATTEMPTS = 3;
const RETRY_MS = 1_000;
const OVERTAKEN_MS = 5_000;

/**
 * The Space's outgoing status callbacks. To one address they go one after the other, unless chaos says otherwise, or
 * that address takes none.
 */
export function createCallbacks(options: { clock: Clock; client: WebClient; chaos: Chaos }): Callbacks {
  const { clock, client } = options;
  const { seed, lose = 0, duplicate = 0, reorder = 0, delayMs = 0 } = options.chaos;
  const random = createRandom(seed);
  const counts: CallbackCounts = { delivered: 0, pending: 0, lost: 0, refused: 0, refusal: undefined };
  const undelivered = new Set<Callback>();
  const lines = new Map<string, Promise<void>>();
  /** The addresses where the last one was given up. */
  const dead = new Set<string>();
  /** What waits to be overtaken, by address. */
  const overtaken = new Map<string, () => void>();

  async function deliver(callback: Callback): Promise<void> {
    // An address that takes none is not waited for three times each.
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

  /** Returns why the server did not take it. */
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
    const line = (lines.get(callback.url) ?? Promise.resolve()).then(() => deliver(callback));
    lines.set(callback.url, line);
    void line.then(() => {
      if (lines.get(callback.url) === line) {
        lines.delete(callback.url);
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
      // All is drawn for each callback, needed or not, so that one setting does not change what another does.
      const [isLost, isDuplicated, isReordered] = [random() < lose, random() < duplicate, random() < reorder];
      const delays = [random() * delayMs, random() * delayMs].slice(0, isDuplicated ? 2 : 1);
      undelivered.add(callback);
      if (isLost) {
        counts.lost++;
        return;
      }
      counts.pending += delays.length;
      const go = () => {
        for (const lateMs of delays) {
          dispatch(callback, lateMs);
        }
      };
      const held = overtaken.get(callback.url);
      if (isReordered && held === undefined) {
        const release = () => {
          if (overtaken.get(callback.url) === release) {
            overtaken.delete(callback.url);
            go();
          }
        };
        overtaken.set(callback.url, release);
        void clock.sleep(OVERTAKEN_MS).then(release);
      } else {
        go();
        held?.();
      }
    },
    counts: () => ({ ...counts }),
    undelivered: () => [...undelivered].map(({ fields }) => fields()),
  };
}
