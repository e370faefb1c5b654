import { describe, expect, it } from '@jest/globals';
import { createConnectionLimit } from '../../src/http/connection-limit';
import { compileTrust } from '../../src/http/trust-proxy';

describe('the connection limit', () => {
  it.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['an IPv4 address mapped into IPv6', '192.0.2.1', '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
    ['an IPv6 network', '2001:db8:0:1::1', '2001:db8:0:1:ffff::2', '2001:db8:0:2::1'],
    ['an IPv6 network with zeros left out', '2001:db8::1', '2001:db8:0:0:1::', '2001:db8:1::'],
    ['a local IPv6 address', '::1', '::2', 'fe80::1'],
  ])('counts %s as one, and others apart', (_what, address, same, other) => {
    const limit = createConnectionLimit(1, () => false);
    const close = limit.open(address);
    expect(close).toBeDefined();
    expect(limit.open(same)).toBeUndefined();
    expect(limit.open(other)).toBeDefined();
    close?.();
    expect(limit.open(same)).toBeDefined();
  });

  it('does not hold for who is exempt', () => {
    const limit = createConnectionLimit(1, compileTrust(['uniquelocal']));
    expect([limit.open('10.0.0.1'), limit.open('10.0.0.1')]).not.toContain(undefined);
    limit.open('192.0.2.1');
    expect(limit.open('192.0.2.1')).toBeUndefined();
  });
});
