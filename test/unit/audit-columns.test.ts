import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { AUDIT_CSV_HEADER } from '../../src/dashboard/audit-csv';
import { FACT_COLUMNS, STAY_COLUMNS } from '../../src/supervision/trail-csv';

const docs = readFileSync(path.join(__dirname, '../../docs/audit-trail.md'), 'utf8');

/** The columns that the table names: the code in the first cells of its rows. */
function documented(): string[] {
  const [, table = ''] = /\| column \| meaning \|\n(.*?)\n\n/s.exec(docs) ?? [];
  return table
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
}

it('the docs say what each column means, and of no other', () => {
  const columns = new Set([...FACT_COLUMNS, ...STAY_COLUMNS, ...AUDIT_CSV_HEADER.trim().split(',')]);
  expect(documented().sort()).toEqual([...columns].sort());
});
