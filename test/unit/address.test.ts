import { describe, expect, it } from '@jest/globals';
import { type Address, maskAddress, parseAddress, parseEndpoint } from '../../src/people/address';

const ALICE = 'sip:alice@example.sip.signalwire.com';

describe('parseAddress', () => {
  it.each([
    ['+15557788999', '+15557788999'],
    [' 15557788999', '+15557788999'],
    [ALICE, ALICE],
    ['client:alice', 'client:alice'],
  ])('reads %j as %s', (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  it.each([undefined, '', 'anonymous', 'Restricted', 'Алиса', 'Alice', '15557788999', 'tel:+15557788999'])(
    'finds no address in %j',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );
});

describe('parseEndpoint', () => {
  it.each([
    'SIP:alice@Example.SIP.signalwire.COM',
    'sips:alice@example.sip.signalwire.com',
    'sip:alice@example.sip.signalwire.com:5061',
    'sip:alice@example.sip.signalwire.com;transport=tls;lr',
    'sip:alice@example.sip.signalwire.com:5060;transport=udp?Subject=hello',
    'sip:alice@example.sip.signalwire.com?Subject=hello',
    '<sip:alice@example.sip.signalwire.com>',
    '<sip:alice@example.sip.signalwire.com:5060;transport=tcp>;tag=1a2b',
    'Alice <sip:alice@example.sip.signalwire.com>',
    '"Alice" <sip:alice@example.sip.signalwire.com>',
    '"Ted <sip:ted@example.com>"<sip:alice@example.sip.signalwire.com>',
    String.raw`"Al \"ice\"" <sip:alice@example.sip.signalwire.com>;tag=1`,
  ])('reads %j as the address of Alice', (text) => {
    expect(parseEndpoint(text)).toBe(ALICE);
  });

  it.each([
    ['sip:Alice@example.com', 'sip:Alice@example.com'],
    ['sip:+15557788999@example.com;user=phone', 'sip:+15557788999@example.com'],
    ['sip:201@10.0.0.7:5060', 'sip:201@10.0.0.7'],
    ['sip:alice@[2001:DB8::1]:5060', 'sip:alice@[2001:db8::1]'],
    ['sip:alice@localhost', 'sip:alice@localhost'],
    ["sip:a.b-c_d!e~f*g'h(i)j&k=l+m$n,o/p@example.com", "sip:a.b-c_d!e~f*g'h(i)j&k=l+m$n,o/p@example.com"],
    ['Client:Alice', 'client:Alice'],
    ['client:alice@example.com', 'client:alice@example.com'],
    ['<client:alice>', 'client:alice'],
  ])('reads %j as %s', (text, address) => {
    expect(parseEndpoint(text)).toBe(address);
  });

  it.each([
    ['a number', '+15557788999'],
    ['another scheme', 'https://alice@example.com'],
    ['no scheme', 'alice@example.com'],
    ['no user', 'sip:example.com'],
    ['an empty user', 'sip:@example.com'],
    ['an empty client', 'client:'],
    ['no host', 'sip:alice'],
    ['an empty host', 'sip:alice@'],
    ['a host with an empty label', 'sip:alice@example..com'],
    ['a port that is no number', 'sip:alice@example.com:sip'],
    ['a password', 'sip:alice:secret@example.com'],
    ['percent-escapes', 'sip:%61lice@example.com'],
    ['a second host', 'sip:ted@example.com@evil.example'],
    ['a second host after a parameter', 'sip:ted@example.com;x@evil.example'],
    ['a second host after a header', 'sip:ted@example.com?x@evil.example'],
    ['two addresses', 'sip:ted@example.com, sip:alice@example.com'],
    ['two addresses in brackets', '<sip:ted@example.com> <sip:alice@example.com>'],
    ['something behind the brackets', '<sip:ted@example.com>x'],
    ['an open bracket', '<sip:ted@example.com'],
    ['an address before the brackets', 'sip:ted@example.com <sip:alice@example.com>'],
    ['an open quote', '"Ted <sip:ted@example.com>'],
    ['spaces around it', ' sip:alice@example.com '],
    ['a line end', 'sip:alice@example.com\n'],
    ['a line end in a parameter', 'sip:alice@example.com;a\nb'],
    ['letters beyond ASCII', 'sip:алиса@example.com'],
    ['a letter whose lower case is ASCII', 'sip:alice@example.\u212Aom'],
    ['a user that is too long', `sip:${'a'.repeat(65)}@example.com`],
    ['far too much', `sip:alice@example.com;${'a'.repeat(600)}`],
    ['an anonymous user', 'sip:anonymous@example.com'],
    ['an anonymous host', '"Anonymous" <sip:x@anonymous.invalid>'],
    ['a restricted user', 'sip:Restricted@example.com'],
    ['an anonymous client', 'client:Anonymous'],
  ])('finds no address in %s', (_what, text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });

  it('returns an address that parses to itself', () => {
    for (const address of [ALICE, 'client:alice', 'sip:alice@[2001:db8::1]']) {
      expect(parseEndpoint(address)).toBe(address);
    }
  });
});

describe('maskAddress', () => {
  it.each([
    ['+15557788999', '***8999'],
    ['sip:alice@example.sip.signalwire.com', 'sip:al***@example.sip.signalwire.com'],
    ['sip:201@10.0.0.7', 'sip:20***@10.0.0.7'],
    ['sip:+15557788999@example.com', 'sip:***8999@example.com'],
    ['sip:15557788999@example.com', 'sip:***8999@example.com'],
    ['sip:5557788@example.com', 'sip:***7788@example.com'],
    ['sip:+1-555-778-8999@example.com', 'sip:+1***@example.com'],
    ['sip:alice@[2001:db8::1]', 'sip:al***@[2001:db8::1]'],
    ['client:alice', 'client:al***'],
    ['client:+15557788999', 'client:***8999'],
    ['client:alice@example.com', 'client:al***@example.com'],
  ])('shows %s as %s', (address, shown) => {
    expect(maskAddress(parseAddress(address) as Address)).toBe(shown);
  });

  it('shows a missing address as no number', () => {
    expect(maskAddress(undefined)).toBe('no number');
  });
});
