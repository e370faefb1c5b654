import type { Logger } from 'pino';

/** Work that must be done and that nobody waits for, in order. */
export interface Outbox {
  /**
   * Takes work to be done after all that was taken before; work that fails is tried again until it succeeds, so it
   * must do no harm when it is done twice.
   *
   * @param about what to say of it in the log if it is lost
   * @returns when it was done or lost; never rejects
   */
  put(work: () => Promise<void>, about: object): Promise<void>;
  /**
   * Goes on for `timeoutMs`, then gives up; what is left is logged as lost.
   *
   * @returns whether nothing was lost
   */
  close(timeoutMs: number): Promise<boolean>;
}

export interface OutboxOptions {
  log: Logger;
  /** Milliseconds between two attempts. */
  retryMs?: number;
  /** How much may wait; beyond that the oldest is given up. */
  maxWaiting?: number;
}

/** An outbox in this process, for a store that may be away for a while. */
export function createOutbox({ log, retryMs = 500, maxWaiting = 10_000 }: OutboxOptions): Outbox {
  const waiting: { work: () => Promise<void>; about: object; settle: () => void }[] = [];
  let running: Promise<void> | undefined;
  let isClosed = false;
  let wake = () => {};

  async function run(): Promise<void> {
    let hasFailed = false;
    for (let next = waiting[0]; next !== undefined && !isClosed; next = waiting[0]) {
      try {
        await next.work();
        // Or it was given up meanwhile, for want of room.
        if (waiting[0] === next) {
          waiting.shift();
        }
        next.settle();
        hasFailed = false;
      } catch (err) {
        if (!hasFailed) {
          log.warn({ err, waiting: waiting.length }, 'The store did not take a record; it will be tried again');
        }
        hasFailed = true;
        await pause();
      }
    }
    running = undefined;
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, retryMs);
      timer.unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function lose({ about, settle }: (typeof waiting)[number]): void {
    log.error(about, 'Lost: the store did not take a record');
    settle();
  }

  return {
    put(work, about) {
      if (isClosed) {
        lose({ work, about, settle() {} });
        return Promise.resolve();
      }
      const done = new Promise<void>((resolve) => {
        waiting.push({ work, about, settle: resolve });
      });
      if (waiting.length > maxWaiting) {
        waiting.splice(0, 1).forEach(lose);
      }
      running ??= run();
      return done;
    },

    async close(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, Math.max(0, timeoutMs));
      });
      await Promise.race([running, late]);
      clearTimeout(timer);
      isClosed = true;
      wake();
      const left = waiting.splice(0);
      left.forEach(lose);
      return left.length === 0;
    },
  };
}
