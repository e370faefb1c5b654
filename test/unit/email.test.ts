import { describe, expect, it } from '@jest/globals';
import { parseEmail } from '../../src/people/email';

describe('parseEmail', () => {
  it.each([
    ['alice@example.com', 'alice@example.com'],
    ['Alice.O+Sales@Example.CO.UK', 'alice.o+sales@example.co.uk'],
    ["o'brien@xn--bcher-kva.example", "o'brien@xn--bcher-kva.example"],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
  ])('reads %s in lower case', (text, email) => {
    expect(parseEmail(text)).toBe(email);
  });

  it.each([
    ['nothing', ''],
    ['a name', 'Alice'],
    ['no user', '@example.com'],
    ['no host', 'alice@'],
    ['a host without a dot', 'alice@localhost'],
    ['two at signs', 'alice@bob@example.com'],
    ['an address in brackets', 'Alice <alice@example.com>'],
    ['two addresses', 'alice@example.com,bob@example.com'],
    ['a space in front', ' alice@example.com'],
    ['a line end behind', 'alice@example.com\n'],
    ['a host that begins with a dash', 'alice@-example.com'],
    ['a host with an empty part', 'alice@example..com'],
    ['an IP address', 'alice@127.0.0.1'],
    ['a Kelvin sign, whose lower case is k', 'ted\u212a@example.com'],
    ['a Cyrillic a', '\u0430lice@example.com'],
    ['a user that is too long', `${'a'.repeat(65)}@example.com`],
    ['a host that is too long', `alice@${'example.'.repeat(32)}com`],
    ['a megabyte', `alice@${'a.'.repeat(500_000)}`],
  ])('refuses %s', (_what, text) => {
    expect(parseEmail(text)).toBeUndefined();
  });
});
