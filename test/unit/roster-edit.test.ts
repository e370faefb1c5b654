import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/ops/user-error';
import type { PasswordHash } from '../../src/people/password';
import {
  addPerson,
  findPerson,
  type RosterFields,
  type RosterName,
  removePerson,
  setFields,
} from '../../src/people/roster-edit';
import { parseRoster, readRosterFile } from '../../src/people/roster-file';
import { temporaryFolder } from '../support/temporary-folder';

const hashOf = (letter: string) => `$scrypt$ln=15,r=8,p=1$${letter.repeat(21)}A$${letter.repeat(42)}A` as PasswordHash;
const [OLD, NEW] = [hashOf('O'), hashOf('N')];

let file: string;

beforeEach(() => {
  file = join(temporaryFolder(), 'roster.json');
});

const TED: RosterName = { name: 'Ted', role: undefined };
const source = () => ({ file, hasPinKey: true });
const set = (fields: RosterFields) => setFields(source(), TED, () => fields);

describe('setFields', () => {
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
    await set({ password: NEW });
    expect(await readFile(file, 'utf8')).toBe(text.replace(from, () => to));
    const { supervisors } = await readRosterFile({ file, hasPinKey: true });
    expect(supervisors.find(({ name }) => name === 'Ted')?.password).toBe(NEW);
  });

  it.each<[string, string, string]>([
    ['without the person', '{}', 'FILE has no person named Ted. To see everybody: npm run --silent roster -- list.'],
    ['that is no JSON', '{ "supervisors": [', 'FILE, line 1, column 19: this is not JSON: the file ends too early.'],
    [
      'with another mistake',
      '{ "moderators": [{ "name": "Alice" }], "supervisors": [{ "name": "Ted", "email": "ted@example.com" }] }',
      'FILE: moderators, entry 1 (Alice) has no number, address, pin, password or email.',
    ],
  ])('leaves a file alone %s', async (_what, text, problem) => {
    await writeFile(file, text);
    await expect(set({ password: NEW })).rejects.toThrow(new UserError([problem.replace('FILE', file)]));
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('creates no file', async () => {
    await expect(set({ password: NEW })).rejects.toThrow(
      new UserError([`${file} is missing. To create it: npm run --silent roster -- add NAME --role ROLE.`]),
    );
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });
});

const TWO = `{
  "moderators": [
    { "name": "Alice", "number": "+15557788999", "rooms": ["sales"] },
    { "number": "+15550003333", "name": "Carol" }
  ],
  "supervisors": [{"name":"Ted","email":"ted@example.com"}]
}
`;

describe('setFields', () => {
  it.each<[string, RosterName, RosterFields, from: string, to: string]>([
    [
      'the only field beside the name',
      TED,
      { email: undefined, number: '+15550002222' },
      '"email":"ted@example.com"',
      '"number":"+15550002222"',
    ],
    ['the last field', { name: 'Alice', role: undefined }, { rooms: undefined }, ', "rooms": ["sales"]', ''],
    [
      'the first field',
      { name: 'Carol', role: undefined },
      { number: undefined, email: 'carol@example.com' },
      '"number": "+15550003333", "name": "Carol"',
      '"name": "Carol", "email": "carol@example.com"',
    ],
    ['a field that is not there', TED, { rooms: undefined }, '', ''],
    [
      'a list',
      { name: 'Alice', role: 'moderator' },
      { rooms: ['sales', 'support'] },
      '["sales"]',
      '["sales", "support"]',
    ],
  ])('replaces or removes %s', async (_what, who, fields, from, to) => {
    await writeFile(file, TWO);
    await setFields(source(), who, () => fields);
    expect(await readFile(file, 'utf8')).toBe(TWO.replace(from, to));
  });

  it('changes nothing if the server would refuse the new version', async () => {
    await writeFile(file, TWO);
    await expect(set({ number: '5' })).rejects.toThrow('number must be a telephone number in E.164 form');
    await expect(set({ email: undefined })).rejects.toThrow('(Ted) has no number, address, pin, password or email');
    expect(await readFile(file, 'utf8')).toBe(TWO);
  });
});

describe('addPerson', () => {
  const add = (role: 'moderator' | 'supervisor', fields: RosterFields) => addPerson(source(), role, () => fields);
  const bob = { name: 'Bob', number: '+15550001111', rooms: ['sales', 'support'], mode: undefined };
  const line = '{ "name": "Bob", "number": "+15550001111", "rooms": ["sales", "support"] }';

  it.each<[string, string, 'moderator' | 'supervisor', string]>([
    ['after the last, spaced as it is', TWO, 'moderator', TWO.replace('"Carol" }', `"Carol" },\n    ${line}`)],
    ['on the same line', TWO, 'supervisor', TWO.replace('"ted@example.com"}', `"ted@example.com"},${line}`)],
    ['to an empty list', '{ "moderators": [] }', 'moderator', `{ "moderators": [\n    ${line}\n  ] }`],
    [
      'to a list that is missing',
      '{ "moderators": [] }',
      'supervisor',
      `{ "moderators": [], "supervisors": [\n    ${line}\n  ] }`,
    ],
    ['to an empty roster', '{}\n', 'supervisor', `{\n  "supervisors": [\n    ${line}\n  ]\n}\n`],
  ])('adds %s', async (_what, before, role, after) => {
    await writeFile(file, before);
    await add(role, bob);
    expect(await readFile(file, 'utf8')).toBe(after);
  });

  it('creates the file, for its owner alone', async () => {
    await add('supervisor', bob);
    expect(await readFile(file, 'utf8')).toBe(`{\n  "moderators": [],\n  "supervisors": [\n    ${line}\n  ]\n}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('adds nobody whom the server would refuse', async () => {
    await writeFile(file, TWO);
    await expect(add('supervisor', { ...bob, name: 'Ted' })).rejects.toThrow('Ted is a supervisor in');
    expect(await readFile(file, 'utf8')).toBe(TWO);
  });
});

describe('removePerson', () => {
  const alice = '\n    { "name": "Alice", "number": "+15557788999", "rooms": ["sales"] },';
  it.each<[string, string, string]>([
    ['Alice', alice, ''],
    ['Carol', ',\n    { "number": "+15550003333", "name": "Carol" }', ''],
    ['Ted', '{"name":"Ted","email":"ted@example.com"}', ''],
  ])('removes %s and nobody else', async (name, from, to) => {
    await writeFile(file, TWO);
    await removePerson(source(), { name, role: undefined });
    expect(await readFile(file, 'utf8')).toBe(TWO.replace(from, to));
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
    ['Dave', undefined, 'roster.json has no person named Dave. To see everybody: npm run --silent roster -- list.'],
    ['alice', undefined, 'roster.json has no person named alice. Did you mean Alice?'],
    [
      'Alice',
      'supervisor',
      'roster.json has no supervisor named Alice. To see everybody: npm run --silent roster -- list.',
    ],
    ['Ted', 'moderator', 'roster.json has no moderator named Ted. To see everybody: npm run --silent roster -- list.'],
    ['Carol', undefined, 'Carol is a moderator and a supervisor in roster.json: choose one with --role.'],
  ])('does not find %s (role: %s)', (name, role, problem) => {
    expect(() => find(name, role)).toThrow(new UserError([problem]));
  });
});
