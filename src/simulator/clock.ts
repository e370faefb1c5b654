/**
 * Simulated time. It stands still until {@link Clock.advance} moves it: a simulated minute takes no real time, and a story
 * always runs the same way. Work in real time, such as HTTP, holds the clock until it is done.
 */
export interface Clock {
  /** Simulated milliseconds since the beginning. */
  now(): number;
  /**
   * Resolves after `ms` of simulated time.
   *
   * @throws the signal's reason as soon as the signal is aborted
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Makes simulated time wait for work in real time. */
  hold<T>(work: Promise<T>): Promise<T>;
  /** Resolves when no held work is left: everything waits for simulated time. */
  settle(): Promise<void>;
  /** Moves time forward. Sleepers wake in order; each one's consequences settle before the next wakes. */
  advance(ms: number): Promise<void>;
}

/** A clock at 0. */
export function createClock(): Clock {
  let time = 0;
  const held = new Set<Promise<unknown>>();
  const sleepers = new Set<{ until: number; wake: () => void }>();

  async function settle(): Promise<void> {
    for (;;) {
      // One turn of the event loop runs everything that waits neither for I/O nor for time.
      await new Promise(setImmediate);
      if (held.size === 0) {
        return;
      }
      await Promise.allSettled([Promise.race(held)]);
    }
  }

  function nextUntil(limit: number) {
    let next: { until: number; wake: () => void } | undefined;
    for (const sleeper of sleepers) {
      if (sleeper.until <= limit && (next === undefined || sleeper.until < next.until)) {
        next = sleeper;
      }
    }
    return next;
  }

  return {
    now: () => time,

    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const sleeper = { until: time + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', abort);
        function wake() {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', abort);
          resolve();
        }
        function abort() {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        }
      });
    },

    async hold(work) {
      held.add(work);
      try {
        return await work;
      } finally {
        held.delete(work);
      }
    },

    settle,

    async advance(ms) {
      const limit = time + ms;
      await settle();
      for (let sleeper = nextUntil(limit); sleeper !== undefined; sleeper = nextUntil(limit)) {
        time = Math.max(time, sleeper.until);
        sleeper.wake();
        await settle();
      }
      time = Math.max(time, limit);
    },
  };
}
