import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createPinTokens, hashPin, type Pin, parsePin, parsePinHash } from '../../src/people/pin';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { anyCharacter, fuzzRuns } from '../support/fuzz';

const KEY = '0123456789abcdef0123456789abcdef';

describe('parsePin', () => {
  it('accepts 5 to 10 digits', () => {
    const lengths = Array.from({ length: 101 }, (_, length) => length);
    expect(lengths.filter((length) => parsePin('7'.repeat(length)) !== undefined)).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it('keeps the digits as they are, including leading zeros', () => {
    expect(parsePin('00420')).toBe('00420');
  });

  it.each([
    ['nothing', undefined],
    ['a star in front', '*12345'],
    ['a hash at the end', '12345#'],
    ['keys that are no digits', '*#*#*#'],
    ['a letter', '1234a'],
    ['letters alone', 'abcdef'],
    ['a space in front', ' 12345'],
    ['a space within', '123 45'],
    ['a line end behind', '12345\n'],
    ['a line of its own among others', 'x\n12345\nx'],
    ['a NUL', '12345\0'],
    ['a sign', '+12345'],
    ['a fraction', '1234.5'],
    ['an exponent', '123e45'],
    ['full-width digits', '１２３４５'],
    ['Arabic-Indic digits', '١٢٣٤٥'],
    ['Devanagari digits', '१२३४५'],
    ['superscript digits', '¹²³⁴⁵'],
    ['circled digits', '①②③④⑤'],
  ])('refuses %s', (_what, text) => {
    expect(parsePin(text)).toBeUndefined();
  });
});

describe('parsePinHash', () => {
  const hash = 'ab'.repeat(32);

  it('accepts 64 hexadecimal digits', () => {
    expect(parsePinHash(hash)).toBe(hash);
  });

  it.each([
    ['nothing', ''],
    ['a PIN', '12345'],
    ['a PIN of ten digits', '1234567890'],
    ['a digit too few', hash.slice(1)],
    ['a digit too many', `${hash}a`],
    ['capitals', hash.toUpperCase()],
    ['another letter', `${hash.slice(1)}g`],
    ['a line end behind', `${hash}\n`],
    ['the prefix of another notation', `0x${hash.slice(2)}`],
  ])('refuses %s', (_what, text) => {
    expect(parsePinHash(text)).toBeUndefined();
  });
});

describe('hashPin', () => {
  const pin = '12345' as Pin;

  it('is stable across versions, because rosters hold it', () => {
    // printf pin:12345 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    expect(hashPin(KEY, pin)).toBe('2347b51d11cf881d5e63b94ac33f00d03ec279097591ae2da03169f10c1c4909');
    expect(parsePinHash(hashPin(KEY, pin))).toBe(hashPin(KEY, pin));
  });

  it('differs for another PIN or key', () => {
    const hashes = [hashPin(KEY, pin), hashPin(KEY, '12346' as Pin), hashPin(KEY, '012345' as Pin), hashPin('x', pin)];
    expect(new Set(hashes).size).toBe(4);
  });
});

describe('createPinTokens', () => {
  const call = parseSid('CA1') as Sid;
  const other = parseSid('CA2') as Sid;
  const tokens = createPinTokens(KEY, 'supervisor');
  const bytesOf = (token: string) => Buffer.from(token, 'base64url');
  const hash = hashPin(KEY, '48213' as Pin);
  const token = tokens.issue(call, hash);

  it('verifies for the call it was issued to', () => {
    expect(tokens.verify(call, token)).toBe(hash);
  });

  it('verifies on another server with the same key', () => {
    expect(createPinTokens(KEY, 'supervisor').verify(call, token)).toBe(hash);
  });

  it('needs no escaping in an address, and hides the hash', () => {
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(bytesOf(token).toString('hex')).not.toContain(hash);
    expect(token).not.toContain(hash);
  });

  it('is different each time', () => {
    const many = Array.from({ length: 100 }, () => tokens.issue(call, hash));
    expect(new Set(many).size).toBe(100);
    // Not only the random number in front: a repeated one would give the cipher away.
    expect(new Set(many.map((one) => bytesOf(one).subarray(0, 12).toString('hex'))).size).toBe(100);
  });

  it.each([
    ['another call', tokens, other],
    ['a call whose SID begins alike', tokens, parseSid('CA') as Sid],
    ['another role', createPinTokens(KEY, 'moderator'), call],
    ['another key', createPinTokens(`${KEY}0`, 'supervisor'), call],
  ])('does not verify for %s', (_what, others, callSid) => {
    expect(others.verify(callSid, token)).toBeUndefined();
  });

  it('does not verify with any bit changed', () => {
    const bytes = bytesOf(token);
    const opened = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return tokens.verify(call, changed.toString('base64url'));
    });
    expect(opened).toHaveLength((12 + 32 + 16) * 8);
    expect(opened.filter((name) => name !== undefined)).toEqual([]);
  });

  it('does not verify when shortened or extended anywhere', () => {
    const bytes = bytesOf(token);
    const cut = Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length));
    const longer = Array.from({ length: bytes.length + 1 }, (_, at) =>
      Buffer.concat([bytes.subarray(0, at), Buffer.from([at]), bytes.subarray(at)]),
    );
    const opened = [...cut, ...longer].map((changed) => tokens.verify(call, changed.toString('base64url')));
    expect(opened.filter((name) => name !== undefined)).toEqual([]);
  });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['the hash', hashPin(KEY, '48213' as Pin)],
    ['no base64 at all', '*#%\0\n ü𝄞'],
    ['as many bytes as an empty name has', Buffer.alloc(28).toString('base64url')],
    ['a byte fewer', Buffer.alloc(27).toString('base64url')],
    ['a megabyte', 'A'.repeat(1_000_000)],
    ['a token with a megabyte behind it', token + 'A'.repeat(1_000_000)],
    ['two tokens in a row', token + token],
  ])('does not verify for %s, and never throws', (_what, given) => {
    expect(tokens.verify(call, given)).toBeUndefined();
  });

  it('never throws, and verifies nothing that it did not issue', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: anyCharacter }), fc.base64String({ maxLength: 200 })), (text) => {
        expect(tokens.verify(call, text)).toBeUndefined();
      }),
      { numRuns: fuzzRuns(2_000) },
    );
  });
});
