/** Runs tasks, a few at a time. */
export interface Turns {
  /**
   * Runs a task when it is its turn, and settles as it does.
   *
   * @throws the error of `refuse`, at once, if too many tasks wait
   */
  run<T>(task: () => Promise<T>): Promise<T>;
}

export interface TurnsOptions {
  /** How many tasks run at a time. */
  width: number;
  /** How many tasks may wait. */
  maxWaiting: number;
  /** The error for a task that cannot wait. */
  refuse: () => Error;
}

/** Creates a queue of tasks that start in the order in which they came. */
export function createTurns({ width, maxWaiting, refuse }: TurnsOptions): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(task) {
      if (running < width) {
        running += 1;
      } else if (waiting.length < maxWaiting) {
        await new Promise<void>((start) => waiting.push(start));
      } else {
        throw refuse();
      }
      try {
        return await task();
      } finally {
        const startNext = waiting.shift();
        if (startNext === undefined) {
          running -= 1;
        } else {
          startNext();
        }
      }
    },
  };
}
