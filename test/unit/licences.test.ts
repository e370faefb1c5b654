import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

/** Licences that ask for no more than a notice. */
const ALLOWED = ['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'];

interface Component {
  name: string;
  licenses?: { license?: { id?: string }; expression?: string }[];
}

it('every package that the server ships has a licence that we may use', async () => {
  const { stdout } = await promisify(execFile)('npm', ['sbom', '--omit=dev', '--sbom-format=cyclonedx'], {
    cwd: join(__dirname, '../..'),
    maxBuffer: 10_000_000,
  });
  const { components }: { components: Component[] } = JSON.parse(stdout);
  expect(components.length).toBeGreaterThan(50);
  const others = components
    .map(({ name, licenses = [] }) => ({
      name,
      ids: licenses.map(({ license, expression }) => license?.id ?? expression),
    }))
    .filter(({ ids }) => ids.length === 0 || ids.some((id) => !ALLOWED.includes(id ?? '')));
  expect(others).toEqual([]);
});
