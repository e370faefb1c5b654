import { networkOf } from '../ops/network';

/** Counts the open connections of each address. */
export interface ConnectionLimit {
  /**
   * Counts a connection.
   *
   * @returns a function that releases it; undefined if the limit is reached
   */
  open(address: string): (() => void) | undefined;
}

/**
 * Limits the connections of each address, as {@link networkOf} counts them.
 *
 * @param isExempt whether an address may open any number, as a trusted proxy may
 */
export function createConnectionLimit(maxPerAddress: number, isExempt: (address: string) => boolean): ConnectionLimit {
  const counts = new Map<string, number>();
  return {
    open(address) {
      const key = networkOf(address);
      const count = counts.get(key) ?? 0;
      if (count >= maxPerAddress && !isExempt(address)) {
        return undefined;
      }
      counts.set(key, count + 1);
      return () => {
        const left = (counts.get(key) ?? 1) - 1;
        if (left === 0) {
          counts.delete(key);
        } else {
          counts.set(key, left);
        }
      };
    },
  };
}
