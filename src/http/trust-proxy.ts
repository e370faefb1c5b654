import { compile } from 'proxy-addr';

/** Whether a peer is a trusted proxy. @param hop 0 for the direct peer, 1 for the next, and so on */
export type Trust = (address: string, hop?: number) => boolean;

/**
 * Compiles the setting `TRUST_PROXY` as Express does.
 *
 * @param trustProxy a count of trusted proxies, or their addresses or networks
 */
export function compileTrust(trustProxy: number | readonly string[] | false): Trust {
  if (typeof trustProxy === 'object') {
    const isTrusted = compile([...trustProxy]);
    return (address, hop = 0) => isTrusted(address, hop);
  }
  return (_address, hop = 0) => hop < Number(trustProxy);
}
