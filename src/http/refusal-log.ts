import type { Logger } from 'pino';

/** A refused request or connection. */
export interface Refusal {
  /** The reason, for programs. There are few, because refusals are counted by code. */
  code: string;
  /** The client's address. */
  ip: string | undefined;
  /** Other fields for the log line. */
  [field: string]: unknown;
}

/** Logs refusals, at most one line a second. */
export interface RefusalLog {
  add(refusal: Refusal): void;
}

const INTERVAL_MS = 1_000;

/**
 * Logs the first refusal at once. Those of the following second are counted by code and make one line at its end, and
 * so on until a second passes without any.
 */
export function createRefusalLog(log: Logger): RefusalLog {
  let counts: Record<string, number> | undefined;
  let lastIp: string | undefined;

  function startInterval(): void {
    counts = {};
    setTimeout(() => {
      if (Object.keys(counts ?? {}).length === 0) {
        counts = undefined;
        return;
      }
      log.warn({ refused: counts, lastIp }, 'More requests refused');
      startInterval();
    }, INTERVAL_MS).unref();
  }

  return {
    add(refusal) {
      if (counts === undefined) {
        log.warn(refusal, 'Request refused');
        startInterval();
        return;
      }
      counts[refusal.code] = (counts[refusal.code] ?? 0) + 1;
      lastIp = refusal.ip;
    },
  };
}
