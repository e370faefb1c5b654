import { expect, it } from '@jest/globals';
import { parseByteRange } from '../../src/signalwire/byte-range';

it.each([
  ['bytes=0-', 'bytes=0-'],
  ['bytes=0-99', 'bytes=0-99'],
  ['bytes=00-', 'bytes=00-'],
  ['Bytes=100-', 'bytes=100-'],
  ['bytes=1-1', 'bytes=1-1'],
  ['bytes=-100', 'bytes=-100'],
])('%s is a range', (header, range) => expect(parseByteRange(header)).toBe(range));

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
