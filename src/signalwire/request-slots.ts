/**
 * Runs `work` as soon as one of the slots is free, first come, first served.
 *
 * @param signal ends the wait: rejects with its reason, and `work` never starts
 */
export type RunInSlot = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Limits how much runs at once to `count`. */
export function createSlots(count: number): RunInSlot {
  const waiting = new Set<() => void>();
  let free = count;

  function waitForSlot(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        waiting.delete(start);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.add(start);
    });
  }

  return async (work, signal) => {
    signal.throwIfAborted();
    if (free > 0) {
      free--;
    } else {
      await waitForSlot(signal);
    }
    try {
      return await work();
    } finally {
      const [next] = waiting;
      if (next === undefined) {
        free++;
      } else {
        // The slot passes on to the one who has waited longest.
        waiting.delete(next);
        next();
      }
    }
  };
}
