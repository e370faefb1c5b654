/** Makes sure that one server at a time sweeps. */
export interface Lease {
  /** Takes or renews the lease for a few seconds, unless another server has it. `unknown`: Redis is down. Never rejects. */
  take(): Promise<'ours' | "another's" | 'unknown'>;
  /** Gives the lease up, if it is ours. Never rejects. */
  release(): Promise<void>;
}

/** The lease of a server that shares its store with no other. */
export const soleLease: Lease = { take: async () => 'ours', release: async () => {} };
