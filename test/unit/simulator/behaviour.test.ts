import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { DEFAULT_BEHAVIOUR } from '../../../src/simulator/behaviour';

it('each setting is documented with its default', () => {
  const manual = readFileSync(join(__dirname, '../../../docs/stories.md'), 'utf8');
  const section = manual.split('\n## The Space\n')[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| `(\w+)` \| .* \| (true|false) \|$/gm)];
  expect(Object.fromEntries(rows.map(([, name, value]) => [name, value === 'true']))).toEqual(DEFAULT_BEHAVIOUR);
});
