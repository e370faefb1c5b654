import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/ops/user-error';
import type { PasswordHash } from '../../src/people/password';
import { findPerson, type RosterName, writePassword } from '../../src/people/roster-edit';
import { parseRoster, readRosterFile } from '../../src/people/roster-file';
import { temporaryFolder } from '../support/temporary-folder';

const hashOf = (letter: string) => `$scrypt$ln=15,r=8,p=1$${letter.repeat(21)}A$${letter.repeat(42)}A` as PasswordHash;
const [OLD, NEW] = [hashOf('O'), hashOf('N')];

let file: string;

beforeEach(() => {
  file = join(temporaryFolder(), 'roster.json');
});

const write = (who: Partial<RosterName>, hash = NEW) =>
  writePassword({ file, hasPinKey: true }, { name: 'Ted', role: undefined, ...who }, hash);

describe('writePassword', () => {
  const before = '"number": "+15550002222"';
  it.each<[what: string, text: string, from: string, to: string]>([
    [
      'an entry on one line',
      `{ "supervisors": [{ "name": "Ted", ${before} }, {"name":"Bob","email":"bob@example.com"}] }`,
      before,
      `${before}, "password": "${NEW}"`,
    ],
    [
      'an entry without spaces',
      '{"supervisors":[{"name":"Ted","number":"+15550002222"}]}',
      '"number":"+15550002222"',
      `"number":"+15550002222","password":"${NEW}"`,
    ],
    [
      'an entry with a line for each field',
      `{\n  "supervisors": [\n    {\n      "name": "Ted",\n      ${before}\n    }\n  ]\n}\n`,
      before,
      `${before},\n      "password": "${NEW}"`,
    ],
    [
      'tabs, CRLF, a byte order mark and no line end at the end',
      `\uFEFF{\r\n\t"moderators" : [],\r\n\t"supervisors" : [{\r\n\t\t"name" : "Ted",\r\n\t\t"number" : "+15550002222"\r\n\t}]\r\n}`,
      '"number" : "+15550002222"',
      `"number" : "+15550002222",\r\n\t\t"password" : "${NEW}"`,
    ],
    [
      'a comma at the beginning of the line',
      `{ "supervisors": [\n    { "name": "Ted"\n    , ${before}\n    }\n] }`,
      before,
      `${before}, "password": "${NEW}"`,
    ],
    [
      'a list at the end of the entry',
      `{ "supervisors": [{ "name": "Ted", ${before}, "rooms": [ "sales","support" ] }] }`,
      '"support" ]',
      `"support" ], "password": "${NEW}"`,
    ],
    [
      'an entry that has a password, among others',
      `{ "moderators": [{ "name": "Alice", "password": "${hashOf('A')}" }],\n"supervisors": [ {"password":  "${OLD}" ,"name": "Ted"}] }`,
      OLD,
      NEW,
    ],
    [
      'names with escapes and other scripts',
      `{ "supervisors": [{ "name": "李小龙", "email": "li@example.com" }, { "n\\u0061me": "T\\u0065d", "p\\u0061ssword": "${OLD}" }] }`,
      OLD,
      NEW,
    ],
  ])('changes nothing else: %s', async (_what, text, from, to) => {
    await writeFile(file, text);
    await write({});
    expect(await readFile(file, 'utf8')).toBe(text.replace(from, () => to));
    const { supervisors } = await readRosterFile({ file, hasPinKey: true });
    expect(supervisors.find(({ name }) => name === 'Ted')?.password).toBe(NEW);
  });

  it.each<[string, string, string]>([
    ['without the person', '{}', 'FILE has no person named Ted. See docs/sign-in.md.'],
    ['that is no JSON', '{ "supervisors": [', 'FILE, line 1, column 19: this is not JSON: the file ends too early.'],
    [
      'with another mistake',
      '{ "moderators": [{ "name": "Alice" }], "supervisors": [{ "name": "Ted", "email": "ted@example.com" }] }',
      'FILE: moderators, entry 1 (Alice) has no number, address, pin, password or email.',
    ],
  ])('leaves a file alone %s', async (_what, text, problem) => {
    await writeFile(file, text);
    await expect(write({})).rejects.toThrow(new UserError([problem.replace('FILE', file)]));
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('creates no file', async () => {
    await expect(write({})).rejects.toThrow(new UserError([`${file} is missing.`]));
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });
});

describe('findPerson', () => {
  const person = (name: string, index: number) => ({ name, number: `+1555000222${index}` });
  const entries = parseRoster(
    JSON.stringify({
      moderators: ['Alice', 'Carol'].map(person),
      supervisors: ['Ted', 'Bob', 'Carol'].map(person),
    }),
    { file: 'roster.json', hasPinKey: false },
  );
  const find = (name: string, role?: RosterName['role']) => findPerson(entries, { name, role }, 'roster.json');

  it.each<[string, RosterName['role'], object]>([
    ['Alice', undefined, { list: 'moderators', index: 0 }],
    ['Bob', undefined, { list: 'supervisors', index: 1 }],
    ['Bob', 'supervisor', { list: 'supervisors', index: 1 }],
    ['Carol', 'moderator', { list: 'moderators', index: 1 }],
    ['Carol', 'supervisor', { list: 'supervisors', index: 2 }],
  ])('finds %s (role: %s)', (name, role, place) => {
    expect(find(name, role)).toEqual(place);
  });

  it.each<[string, RosterName['role'], string]>([
    ['Dave', undefined, 'roster.json has no person named Dave. See docs/sign-in.md.'],
    ['alice', undefined, 'roster.json has no person named alice. Did you mean Alice?'],
    ['Alice', 'supervisor', 'roster.json has no supervisor named Alice. See docs/sign-in.md.'],
    ['Ted', 'moderator', 'roster.json has no moderator named Ted. See docs/sign-in.md.'],
    ['Carol', undefined, 'Carol is a moderator and a supervisor in roster.json: choose one with --role.'],
  ])('does not find %s (role: %s)', (name, role, problem) => {
    expect(() => find(name, role)).toThrow(new UserError([problem]));
  });
});
