/** One server at a time may sweep: a lease. */
export interface Lease {
  /** Takes the lease, or keeps it, for a while; whether it is ours. Never rejects. */
  take(): Promise<'ours' | "another's" | 'unknown'>;
  /** Leaves it to others, if it is ours. Never rejects. */
  release(): Promise<void>;
}

/** The lease of a server that shares its store with no other. */
export const soleLease: Lease = { take: async () => 'ours', release: async () => {} };
