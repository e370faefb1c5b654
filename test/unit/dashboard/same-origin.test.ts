import { describe, expect, it } from '@jest/globals';
import { isSameOrigin } from '../../../src/dashboard/same-origin';

const PUBLIC_URL = 'https://coach.example.com/screen';

describe('a request that changes something', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['our own page', { 'sec-fetch-site': 'same-origin' }, true],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }, false],
    ['another site', { 'sec-fetch-site': 'cross-site' }, false],
    ['the address bar', { 'sec-fetch-site': 'none' }, false],
    ['something that sends the header twice', { 'sec-fetch-site': 'same-origin, same-origin' }, false],
    ['something that sends it empty', { 'sec-fetch-site': '' }, false],
    [
      'another site that also sends our origin',
      { 'sec-fetch-site': 'cross-site', origin: 'https://coach.example.com' },
      false,
    ],
    ['an older browser, from our page', { origin: 'https://coach.example.com' }, true],
    ['an older browser, from our page by http', { origin: 'http://coach.example.com' }, false],
    ['an older browser, from another port', { origin: 'https://coach.example.com:8443' }, false],
    ['an older browser, from elsewhere', { origin: 'https://evil.example.com' }, false],
    [
      'an older browser, from a host that begins like ours',
      { origin: 'https://coach.example.com.evil.example' },
      false,
    ],
    ['a page without an origin', { origin: 'null' }, false],
    ['something that sends neither header', {}, false],
    ['something that names our host only', { host: 'coach.example.com' }, false],
  ])('from %s is judged by its headers: %j', (_who, headers, isOurs) => {
    expect(isSameOrigin({ method: 'POST', headers }, PUBLIC_URL)).toBe(isOurs);
  });

  it.each<[Record<string, string>, boolean]>([
    [{ host: 'localhost:3000', origin: 'http://localhost:3000' }, true],
    [{ host: 'localhost:3000', origin: 'https://localhost:3000' }, true],
    [{ host: 'localhost:3000', origin: 'http://localhost:4000' }, false],
    [{ host: 'localhost:3000', origin: 'null' }, false],
    [{ host: 'null', origin: 'null' }, false],
    [{ origin: 'http://localhost:3000' }, false],
    [{ host: 'localhost:3000' }, false],
  ])('is judged by its host if PUBLIC_URL is not set: %j', (headers, isOurs) => {
    expect(isSameOrigin({ method: 'POST', headers }, undefined)).toBe(isOurs);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'post'])('may be any: %s', (method) => {
    expect(isSameOrigin({ method, headers: { 'sec-fetch-site': 'cross-site' } }, PUBLIC_URL)).toBe(false);
  });
});

it.each(['GET', 'HEAD'])('a request that only reads may come from anywhere: %s', (method) => {
  expect(isSameOrigin({ method, headers: { 'sec-fetch-site': 'cross-site' } }, PUBLIC_URL)).toBe(true);
});
