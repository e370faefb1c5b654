import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const SRC = join(__dirname, '../../../src');

it('nothing in the server imports the simulator', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('simulator'),
  );
  const importers = files.filter((file) => /['"`][./]*\bsimulator\//.test(readFileSync(join(SRC, file), 'utf8')));
  expect(files.length).toBeGreaterThan(20);
  expect(importers).toEqual([]);
});
