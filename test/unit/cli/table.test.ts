import { describe, expect, it } from '@jest/globals';
import { formatTable } from '../../../src/cli/table';

describe('formatTable', () => {
  it('aligns columns, as wide as their longest cell, without spaces at the end', () => {
    expect(
      formatTable(
        ['NAME', 'ROOMS'],
        [
          ['a', 'all'],
          ['wallboard', ''],
          ['b', 'sales'],
        ],
      ),
    ).toBe('NAME       ROOMS\na          all\nwallboard\nb          sales\n');
  });

  it.each<[string, string, string[]]>([
    ['between words', 'A name of some length', ['A name of some', 'length']],
    ['within a word that is too long', 'abcdefghijklmnopqrst', ['abcdefghijklmn', 'opqrst']],
    ['at line ends', 'sales\nSales 2\nhelp', ['sales', 'Sales 2', 'help']],
    ['never one of 14 characters', 'coach control1', ['coach control1']],
  ])('wraps cells %s', (_where, cell, lines) => {
    expect(
      formatTable(['X'], [[cell]])
        .trimEnd()
        .split('\n')
        .slice(1),
    ).toEqual(lines);
  });

  it('fits five columns of any text into 80 characters', () => {
    const text = `${'word '.repeat(20)}${'x'.repeat(64)}`;
    const lines = formatTable(Array(5).fill('HEADING'), [Array(5).fill(text)]).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  });
});
