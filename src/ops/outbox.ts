import type { Logger } from 'pino';

/** Something to be done that nobody waits for. */
export interface Errand {
  /** What it is about: errands about one thing are done one after the other, in order. */
  key: string;
  /** Work that fails is tried again until it succeeds, so it must do no harm when it is done twice. */
  work: () => Promise<void>;
  /** What to say of it in the log if it is lost. */
  about: object;
  /** Whether others come first when there is too much to do. */
  isMinor?: boolean;
}

/** Work that must be done and that nobody waits for. */
export interface Outbox {
  put(errand: Errand): void;
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
  /** How much may wait; beyond that the oldest is given up, minor ones first. */
  maxWaiting?: number;
}

/** How much is done at once. */
const CONCURRENCY = 16;

/** An outbox in this process, for a store that may be away for a while. */
export function createOutbox({ log, retryMs = 500, maxWaiting = 10_000 }: OutboxOptions): Outbox {
  const waiting: Errand[] = [];
  const running = new Map<string, Errand>();
  let pause: NodeJS.Timeout | undefined;
  let hasFailed = false;
  let isClosed = false;
  let onIdle = () => {};

  function pump(): void {
    while (pause === undefined && !isClosed && running.size < CONCURRENCY) {
      const next = waiting.find(({ key }) => !running.has(key));
      if (next === undefined) {
        break;
      }
      waiting.splice(waiting.indexOf(next), 1);
      running.set(next.key, next);
      void run(next);
    }
    if (waiting.length === 0 && running.size === 0) {
      onIdle();
    }
  }

  async function run(errand: Errand): Promise<void> {
    try {
      await errand.work();
      hasFailed = false;
    } catch (err) {
      // After closing it was given up already.
      if (!isClosed) {
        // Before whatever waits about the same.
        waiting.unshift(errand);
        rest(err);
      }
    }
    running.delete(errand.key);
    pump();
  }

  function rest(err: unknown): void {
    if (!hasFailed) {
      log.warn({ err, waiting: waiting.length }, 'The store did not take a record; it will be tried again');
    }
    hasFailed = true;
    pause ??= setTimeout(() => {
      pause = undefined;
      pump();
    }, retryMs).unref();
  }

  function lose({ about }: Errand): void {
    log.error(about, 'Lost: the store did not take a record');
  }

  return {
    put(errand) {
      if (isClosed) {
        lose(errand);
        return;
      }
      waiting.push(errand);
      if (waiting.length > maxWaiting) {
        const minor = waiting.findIndex(({ isMinor }) => isMinor);
        waiting.splice(Math.max(0, minor), 1).forEach(lose);
      }
      pump();
    },

    async close(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, Math.max(0, timeoutMs));
        onIdle = resolve;
        pump();
      });
      clearTimeout(timer);
      clearTimeout(pause);
      isClosed = true;
      // What is under way may yet succeed, but nobody will know.
      const left = [...running.values(), ...waiting.splice(0)];
      left.forEach(lose);
      running.clear();
      return left.length === 0;
    },
  };
}
