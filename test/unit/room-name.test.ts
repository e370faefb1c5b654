import { describe, expect, it } from '@jest/globals';
import { parseRoomName } from '../../src/rooms/room-name';

describe('parseRoomName', () => {
  it.each(['a', 'sample-conf', 'Sales 2', 'a_b.c-d', '...', '-', 'ended', 'x'.repeat(64)])('takes %j', (text) => {
    expect(parseRoomName(text)).toBe(text);
  });

  it.each([
    '',
    ' ',
    ' a',
    'a ',
    '.',
    '..',
    'x'.repeat(65),
    'a<b',
    'a/b',
    '../a',
    'a\0',
    'a\n',
    'a\n',
    'é',
    'a{b}',
    "a'b",
    'a&b',
  ])('refuses %j', (text) => {
    expect(parseRoomName(text)).toBeUndefined();
  });
});
