import { compile } from 'proxy-addr';

/** Whether a peer is believed about who is behind it. @param hop 0 for the direct peer, and so on */
export type Trust = (address: string, hop?: number) => boolean;

/**
 * Compiles the setting `TRUST_PROXY` as Express does.
 *
 * @param trustProxy how many proxies there are, or their addresses or networks
 */
export function compileTrust(trustProxy: number | readonly string[] | false): Trust {
  if (typeof trustProxy === 'object') {
    const isTrusted = compile([...trustProxy]);
    return (address, hop = 0) => isTrusted(address, hop);
  }
  return (_address, hop = 0) => hop < Number(trustProxy);
}
