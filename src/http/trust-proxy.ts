import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr, { compile } from 'proxy-addr';

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
    return (address, hop = 0) => isTrusted(withoutPort(address), hop);
  }
  return (_address, hop = 0) => hop < Number(trustProxy);
}

/** The address of a request's client, without a port; undefined if the client is gone, or if its proxy names no address. */
export function clientAddress(req: IncomingMessage, trust: Trust): string | undefined {
  const address = withoutPort(proxyAddr(req, trust) ?? '').replace(/%.*$/, '');
  return isIP(address) === 0 ? undefined : address;
}

/** Some proxies add the port. */
function withoutPort(address: string): string {
  return address.replace(/^([0-9.]+):[0-9]+$/, '$1').replace(/^\[(.*)\](?::[0-9]+)?$/, '$1');
}
