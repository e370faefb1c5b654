import { isIPv4, isIPv6 } from 'node:net';

/**
 * What clients are counted by: an IPv4 address, also one mapped into IPv6, or the first 64 bits of an IPv6 address, because
 * one client usually has a whole /64. `unknown` for anything else, such as the address of a client that is gone.
 */
export function networkOf(ip = ''): string {
  const address = ip.replace(/^::ffff:(?=[0-9.]+$)/i, '');
  if (isIPv4(address)) {
    return address;
  }
  if (!isIPv6(address)) {
    return 'unknown';
  }
  const [before = '', after] = address.replace(/%.*$/, '').split('::');
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [groupsOf(before), groupsOf(after ?? '')];
  const missing = after === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array<string>(missing).fill('0'), ...last]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
