/**
 * Simulated time. It stands still until {@link Clock.advance} moves it, so that a minute of a call takes no time and a
 * story goes the same way every time. What goes on in real time, such as HTTP, holds it back until it is over.
 */
export interface Clock {
  /** Simulated milliseconds since the beginning. */
  now(): number;
  /**
   * Resolves after so much simulated time.
   *
   * @throws the signal's reason as soon as it is aborted
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets simulated time wait for work that takes real time. */
  hold<T>(work: Promise<T>): Promise<T>;
  /** Resolves when nothing goes on that takes real time: all that is left waits for simulated time. */
  settle(): Promise<void>;
  /** Moves time on, waking whoever sleeps until then one after the other, each with all that follows from it. */
  advance(ms: number): Promise<void>;
}

/** A clock at its beginning. */
export function createClock(): Clock {
  let time = 0;
  const held = new Set<Promise<unknown>>();
  const sleepers = new Set<{ until: number; wake: () => void }>();

  async function settle(): Promise<void> {
    for (;;) {
      // After this turn of the event loop nothing is left that needs no input, output or time.
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
