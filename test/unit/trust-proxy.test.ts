import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { clientAddress, compileTrust } from '../../src/http/trust-proxy';

describe('compileTrust', () => {
  it.each<[number | string[] | false, string, boolean]>([
    [false, '127.0.0.1', false],
    [0, '127.0.0.1', false],
    [1, '192.0.2.1', true],
    [['loopback'], '127.0.0.1', true],
    [['loopback'], '::ffff:127.0.0.1', true],
    [['loopback'], '192.0.2.1', false],
    [['192.0.2.0/24', '2001:db8::/32'], '192.0.2.9', true],
    [['192.0.2.0/24', '2001:db8::/32'], '2001:db8::9', true],
    [['192.0.2.0/24', '2001:db8::/32'], '192.0.2.9:443', true],
  ])('%j trusts %s: %s', (setting, address, isTrusted) => {
    expect(compileTrust(setting)(address)).toBe(isTrusted);
  });
});

describe('clientAddress', () => {
  const requestFrom = (forwardedFor: string) =>
    ({
      headers: { 'x-forwarded-for': forwardedFor },
      socket: { remoteAddress: '127.0.0.1' },
    }) as unknown as IncomingMessage;

  it.each([
    ['an address', '192.0.2.1', '192.0.2.1'],
    ['the last of several', '198.51.100.1, 192.0.2.1', '192.0.2.1'],
    ['an address with a port', '192.0.2.1:5678', '192.0.2.1'],
    ['an address behind a proxy with a port', '192.0.2.1:5678, 127.0.0.1:80', '192.0.2.1'],
    ['an IPv6 address', '2001:db8::1', '2001:db8::1'],
    ['an IPv6 address in brackets', '[2001:db8::1]', '2001:db8::1'],
    ['an IPv6 address with a port', '[2001:db8::1]:5678', '2001:db8::1'],
    ['an IPv6 address with a zone', `fe80::1%${'a'.repeat(1_000)}`, 'fe80::1'],
    ['no address', '<script>alert(1)</script>', undefined],
    ['a name', 'coach.example.com:443', undefined],
    ['what is unknown', 'unknown', undefined],
  ])('is what a trusted proxy names: %s', (_what, forwardedFor, address) => {
    expect(clientAddress(requestFrom(forwardedFor), compileTrust(['loopback']))).toBe(address);
  });

  it('is the peer if that is not trusted', () => {
    expect(clientAddress(requestFrom('192.0.2.1'), compileTrust(false))).toBe('127.0.0.1');
  });
});
