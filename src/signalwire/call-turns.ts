import { SpaceError } from './conference-api';

/** A Space makes one call a second. */
const CALL_EVERY_MS = 1_000;
/** The longest wait, whatever the deadline: so many calls can wait. */
const MAX_WAIT_MS = 100 * CALL_EVERY_MS;

/**
 * Gives out turns to make a call, one a second, first come, first served. Other clients of the Space have turns of
 * their own; if they make calls as well, the Space queues them.
 *
 * @param options.monotonicNow milliseconds from any beginning
 */
export function createCallTurns({
  monotonicNow,
  sleep,
}: {
  monotonicNow: () => number;
  sleep: (ms: number) => Promise<void>;
}) {
  let nextAt = monotonicNow();

  return {
    /**
     * Waits for a turn.
     *
     * @throws SpaceError `timeout`, without waiting, if the turn would come later than in `timeoutMs`
     */
    async take(timeoutMs: number): Promise<void> {
      const now = monotonicNow();
      const at = Math.max(now, nextAt);
      if (at - now > Math.min(timeoutMs, MAX_WAIT_MS)) {
        throw new SpaceError('timeout', 'Too many calls are waiting to be made; this one was not made.');
      }
      nextAt = at + CALL_EVERY_MS;
      if (at > now) {
        await sleep(at - now);
      }
    },
  };
}
