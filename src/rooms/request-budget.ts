/** A token bucket of requests. It may be overdrawn, when an answer shows that it took more requests than expected. */
export interface RequestBudget {
  /** Adds the tokens for the time since the last refill, up to `size`. */
  refill(): void;
  has(requests: number): boolean;
  spend(requests: number): void;
}

/**
 * @param options.size the most tokens that the bucket holds
 * @param options.monotonicNow milliseconds from any beginning, never going back
 */
export function createRequestBudget(options: {
  perSecond: number;
  size: number;
  monotonicNow: () => number;
}): RequestBudget {
  const { perSecond, size, monotonicNow } = options;
  let tokens = perSecond;
  let refilledAt = monotonicNow();
  return {
    refill() {
      const now = monotonicNow();
      tokens = Math.min(size, tokens + ((now - refilledAt) / 1_000) * perSecond);
      refilledAt = now;
    },
    has: (requests) => tokens >= requests,
    spend(requests) {
      tokens -= requests;
    },
  };
}

/** The largest page of the Space's lists. */
const PAGE_SIZE = 1_000;

/** How many requests a list took for further pages, at most. */
export function extraRequests({ length }: readonly unknown[]): number {
  return Math.floor(length / PAGE_SIZE);
}
