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
});
