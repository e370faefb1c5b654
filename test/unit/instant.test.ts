import { describe, expect, it } from '@jest/globals';
import { parseDuration, parseInstant, parseMoment } from '../../src/ops/instant';

describe('parseInstant', () => {
  it.each([
    ['2026-11-25', '2026-11-25T00:00:00.000Z'],
    ['2026-11-25T08:00', '2026-11-25T08:00:00.000Z'],
    ['2026-11-25T08:00:30Z', '2026-11-25T08:00:30.000Z'],
    ['2026-11-25T08:00:30.5Z', '2026-11-25T08:00:30.500Z'],
    ['2026-11-25T08:00:30.123456Z', '2026-11-25T08:00:30.123Z'],
    ['2026-11-25T08:00:00+02:00', '2026-11-25T06:00:00.000Z'],
    ['2026-11-25+02:00', '2026-11-24T22:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ])('reads %s', (text, expected) => {
    expect(new Date(parseInstant(text) ?? Number.NaN).toISOString()).toBe(expected);
  });

  it.each([
    '',
    'now',
    '2026',
    '2026-11',
    '2026-02-29',
    '2026-02-40',
    '2026-13-01',
    '2026-11-25T25:00',
    '25.11.2026',
    '1',
  ])('refuses %j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});

describe('parseDuration', () => {
  it.each([
    ['90m', 5_400_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['0m', 0],
  ])('reads %s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(['', '7', 'd', '-1d', '1.5h', '7 d', '7w', '1234567m', '7dd'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

it.each([
  ['1970-01-02', 86_400_000],
  ['90m', 94_600_000],
  ['yesterday', undefined],
])('parseMoment reads %s', (text, expected) => {
  expect(parseMoment(text, 100_000_000)).toBe(expected);
});
