import { expect, it } from '@jest/globals';
import { parseLocalPath } from '../../../src/dashboard/local-path';

it.each(['/', '/rooms/sales', '/rooms/Sales%202?tab=1&x=%2F%2Fevil.example#top', '/@evil.example', '/.//evil.example'])(
  'a path of this server is one: %s',
  (path) => {
    expect(parseLocalPath(path)).toBe(path);
    expect(new URL(path, 'https://coach.example.com').origin).toBe('https://coach.example.com');
  },
);

it.each([
  '',
  'rooms',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/rooms\\..\\..',
  '/rooms sales',
  '/rooms\r\nSet-Cookie: a=b',
  '/\u2028',
  'https://evil.example/',
  'javascript:alert(1)',
  `/${'a'.repeat(2_000)}`,
  ['/rooms', '/rooms'],
  { path: '/rooms' },
  undefined,
])('anything else is none: %j', (text) => {
  expect(parseLocalPath(text)).toBeUndefined();
});
