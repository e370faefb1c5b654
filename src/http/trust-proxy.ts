import { compile } from 'proxy-addr';

/**
 * Compiles the setting `TRUST_PROXY` as Express does.
 *
 * @param trustProxy how many proxies there are, or their addresses or networks
 * @returns whether a direct peer with this address is a trusted proxy
 */
export function compileTrust(trustProxy: number | readonly string[] | false): (address: string) => boolean {
  if (typeof trustProxy === 'object') {
    const isTrusted = compile([...trustProxy]);
    return (address) => isTrusted(address, 0);
  }
  return () => trustProxy !== false && trustProxy > 0;
}
