import { describe, expect, it } from '@jest/globals';
import { RestClient } from '@signalwire/compatibility-api';
import fc from 'fast-check';
import { computeSignature, isSignedBySpace } from '../../src/signalwire/signature';
import { fuzzRuns } from '../support/fuzz';

// The documentation's example.
const key = '12345';
const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
const fields = {
  CallSid: 'CA1234567890ABCDE',
  Caller: '+14158675309',
  Digits: '1234',
  From: '+14158675309',
  To: '+18005551212',
};
const signature = 'RSOYDt4T1cUTdK1PDd93/VVr8B8=';

describe('computeSignature', () => {
  it('gives what the documentation says', () => {
    expect(computeSignature(key, { url, fields })).toBe(signature);
  });

  it("agrees with the SDK's own check on any form, repeated fields included", () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 8 });
    const form = fc.dictionary(value, fc.oneof(value, fc.array(value, { minLength: 2, maxLength: 3 })), { maxKeys: 5 });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), form, (signingKey, params) => {
        const computed = computeSignature(signingKey, { url, fields: params });
        expect(RestClient.validateRequest(signingKey, computed, url, params)).toBe(true);
      }),
      { numRuns: fuzzRuns(2_000) },
    );
  });
});

describe('isSignedBySpace', () => {
  it('accepts the right signature', () => {
    expect(isSignedBySpace([key], signature, { url, fields })).toBe(true);
  });

  it.each([
    ['https://mycompany.com:443/myapp.php', 'https://mycompany.com/myapp.php'],
    ['http://mycompany.com:80/?a=b:80', 'http://mycompany.com/?a=b:80'],
    ['https://mycompany.com:443', 'https://mycompany.com'],
    ['https://[::1]:443/a', 'https://[::1]/a'],
    ['https://mycompany.com/myapp.php', 'https://mycompany.com:8443/myapp.php'],
    ['https://mycompany.com:8443/myapp.php', 'https://mycompany.com:8443/myapp.php'],
    ['http://mycompany.com/?a=b:80', 'http://mycompany.com:3000/?a=b:80'],
    ['https://[::1]/a', 'https://[::1]:8443/a'],
  ])('accepts a signature over %s for %s', (signed, asked) => {
    expect(isSignedBySpace([key], computeSignature(key, { url: signed, fields }), { url: asked, fields })).toBe(true);
  });

  it.each(['https://mycompany.com:8443:443/', 'https://mycompany.com:443/'])(
    'adds no port to an address that has one: refuses %s',
    (url) => {
      const other = computeSignature(key, { url, fields });
      expect(isSignedBySpace([key], other, { url: 'https://mycompany.com:8443/', fields })).toBe(false);
    },
  );

  it("agrees with the SDK's own check on which ports may be in the url", () => {
    const ports = fc.constantFrom('', ':80', ':443', ':8443', ':3000');
    fc.assert(
      fc.property(fc.constantFrom('http', 'https'), ports, ports, (scheme, signedPort, port) => {
        const asked = `${scheme}://mycompany.com${port}/a?b=c:80`;
        const given = computeSignature(key, { url: `${scheme}://mycompany.com${signedPort}/a?b=c:80`, fields });
        fc.pre(new URL(asked).href === asked);
        expect(isSignedBySpace([key], given, { url: asked, fields })).toBe(
          RestClient.validateRequest(key, given, asked, fields),
        );
      }),
    );
  });

  it.each(['new', 'old'])('accepts the %s key while there are two', (name) => {
    const given = computeSignature(name, { url, fields });
    expect(isSignedBySpace(['new', 'old'], given, { url, fields })).toBe(true);
  });

  it('accepts nothing without a key', () => {
    expect(isSignedBySpace([], signature, { url, fields })).toBe(false);
  });

  it.each([
    ['none', undefined, { url, fields }],
    ['an empty one', '', { url, fields }],
    ['one that is too short', signature.slice(0, -1), { url, fields }],
    ['one that differs in a letter', signature.replace('R', 'S'), { url, fields }],
    ['one for another url', signature, { url: `${url}&x=1`, fields }],
    ['one for another form', signature, { url, fields: { ...fields, From: '+15557788999' } }],
    ['one for a form with more in it', signature, { url, fields: { ...fields, Z: '' } }],
    ['one of another key', computeSignature('54321', { url, fields }), { url, fields }],
  ])('refuses %s', (_what, given, request) => {
    expect(isSignedBySpace([key], given, request)).toBe(false);
  });
});
