import { expect, it } from '@jest/globals';
import { isContinuation, parseByteRange } from '../../src/signalwire/byte-range';

it.each([
  ['bytes=0-', 'bytes=0-', false],
  ['bytes=0-99', 'bytes=0-99', false],
  ['bytes=00-', 'bytes=00-', false],
  ['Bytes=100-', 'bytes=100-', true],
  ['bytes=1-1', 'bytes=1-1', true],
  ['bytes=-100', 'bytes=-100', true],
])('%s is a range', (header, range, continues) => {
  expect(parseByteRange(header)).toBe(range);
  expect(isContinuation(parseByteRange(header))).toBe(continues);
});

it.each([
  '',
  'bytes',
  'bytes=',
  'bytes=-',
  'bytes=2-1',
  'bytes=0-1,2-3',
  'seconds=0-',
  'bytes=a-',
  `bytes=${'1'.repeat(16)}-`,
])('%j is none', (header) => expect(parseByteRange(header)).toBeUndefined());
