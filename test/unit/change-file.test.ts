import { readFileSync, writeFileSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/ops/user-error';
import { changeFile, readIfPresent } from '../../src/people/change-file';
import { temporaryFolder } from '../support/temporary-folder';

let folder: string;
let file: string;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder, 'roster.json');
});

describe('changeFile', () => {
  it('changes the target of a symbolic link, with its mode, and keeps the link', async () => {
    await mkdir(join(folder, 'versions'));
    await writeFile(join(folder, 'versions/1.json'), 'one');
    await chmod(join(folder, 'versions/1.json'), 0o640);
    await symlink('versions/1.json', file);
    await changeFile(file, (text) => `${text}, two`);
    expect((await lstat(file)).isSymbolicLink()).toBe(true);
    expect(await readFile(join(folder, 'versions/1.json'), 'utf8')).toBe('one, two');
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect([await readdir(folder), await readdir(join(folder, 'versions'))]).toEqual([
      ['roster.json', 'versions'],
      ['1.json'],
    ]);
  });

  it.each([
    ['an editor writes', () => writeFileSync(file, 'edited')],
    ['another file replaces', () => rename(join(folder, 'other'), file)],
  ])('does not undo what %s meanwhile', async (_what, edit) => {
    await writeFile(file, 'one');
    await writeFile(join(folder, 'other'), 'edited');
    let edited: unknown;
    const changed = changeFile(file, (text) => {
      edited = edit();
      return `${text}, two`;
    });
    await expect(changed).rejects.toThrow(
      new UserError([`${file} was changed at the same time: run the command again.`]),
    );
    await edited;
    expect(await readFile(file, 'utf8')).toBe('edited');
    expect(await readdir(folder)).not.toContain('roster.json.new');
  });

  it('shows a reader the old file or the new one, and never a part', async () => {
    const versions = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
    await writeFile(file, versions[0] ?? '');
    for (const version of [versions[1] ?? '', versions[0] ?? '']) {
      let isDone = false;
      const changed = changeFile(file, () => version).then(() => {
        isDone = true;
      });
      while (!isDone) {
        expect(versions.includes(readFileSync(file, 'utf8'))).toBe(true);
        await new Promise(setImmediate);
      }
      await changed;
      expect(readFileSync(file, 'utf8')).toBe(version);
    }
  });
});

describe('readIfPresent', () => {
  it('tells a missing file from one that cannot be read', async () => {
    expect(await readIfPresent(file)).toBeUndefined();
    await expect(readIfPresent(folder)).rejects.toThrow(
      new UserError([`Cannot read ${folder}: EISDIR: illegal operation on a directory, read.`]),
    );
  });
});
