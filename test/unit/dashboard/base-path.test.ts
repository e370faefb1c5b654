import { expect, it } from '@jest/globals';
import { basePathOf, withBasePath } from '../../../src/dashboard/base-path';

it.each([
  ['https://coach.example.com', ''],
  ['https://example.com/desk', '/desk'],
  ['https://example.com/a/b', '/a/b'],
])('the base path of %s is "%s"', (url, path) => {
  expect(basePathOf(url)).toBe(path);
});

it('stands before our own addresses alone', () => {
  const html =
    '<a href="/audit"></a><a href="//example.com/"></a><a href="https://example.com/"></a><script src="/a.js"></script>' +
    '<form action="/sign-in"><button formaction="/rooms/a/end" id="do-/rooms/a/end"></button></form>&quot; href=&quot;/';
  expect(withBasePath(html, '')).toBe(html);
  expect(withBasePath(html, '/desk')).toBe(
    '<a href="/desk/audit"></a><a href="//example.com/"></a><a href="https://example.com/"></a><script src="/desk/a.js"></script>' +
      '<form action="/desk/sign-in"><button formaction="/desk/rooms/a/end" id="do-/rooms/a/end"></button></form>&quot; href=&quot;/',
  );
});
