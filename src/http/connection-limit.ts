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
 * Limits the connections of each address. An IPv6 /64 network counts as one address, because one client usually controls a
 * whole /64.
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

/** An IPv4 address, also one mapped into IPv6, or the first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  const [, mapped] = /^(?:::ffff:)?([0-9.]+)$/.exec(address) ?? [];
  if (mapped !== undefined) {
    return mapped;
  }
  const [left = [], right = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
