import { readFileSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/ops/user-error';
import { RIGHTS, type Right } from '../../src/people/rights';
import { createSecret, hashSecret, type TokenEntry } from '../../src/people/tokens';
import {
  changeTokensFile,
  formatTokens,
  parseTokens,
  readTokensFile,
  tokensFileBeside,
} from '../../src/people/tokens-file';
import { roomNamed } from '../support/room-stores';
import { temporaryFolder } from '../support/temporary-folder';

const HASH = hashSecret('one');
const given = { name: 'wallboard', hash: HASH, rights: ['see'], created: '2026-11-25T08:00:00Z' };
const WALLBOARD: TokenEntry = {
  name: 'wallboard',
  hash: HASH,
  rights: new Set<Right>(['see']),
  rooms: 'all',
  created: Date.parse('2026-11-25T08:00:00Z'),
  expires: undefined,
};
const CRM: TokenEntry = {
  name: 'CRM',
  hash: hashSecret('two'),
  rights: new Set(RIGHTS),
  rooms: new Set(['sales', 'Sales 2'].map(roomNamed)),
  created: Date.parse('2026-11-25T08:00:00Z'),
  expires: Date.parse('2027-01-31'),
};

const parse = (content: unknown) =>
  parseTokens(typeof content === 'string' ? content : JSON.stringify(content), 'tokens.json');

function problemsOf(content: unknown): readonly string[] {
  try {
    parse(content);
  } catch (error) {
    if (error instanceof UserError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}

it('the file is beside the roster', () => {
  expect(['roster.json', '/etc/coach/people.json', '../roster.json'].map(tokensFileBeside)).toEqual([
    'tokens.json',
    '/etc/coach/tokens.json',
    '../tokens.json',
  ]);
});

describe('parseTokens', () => {
  it('needs a name, a hash, rights and a date', () => {
    expect(parse({ tokens: [given] })).toStrictEqual([WALLBOARD]);
  });

  it('reads every field', () => {
    const all = { name: 'CRM', rights: RIGHTS, rooms: ['sales', 'Sales 2'], expires: '2027-01-31' };
    expect(parse({ tokens: [{ ...given, ...all, hash: CRM.hash }] })).toStrictEqual([CRM]);
  });

  it.each(['{}', '{"tokens":[]}', '\uFEFF{}'])('finds no token in %j', (text) => {
    expect(parse(text)).toEqual([]);
  });

  const secret = createSecret();
  const first = 'tokens.json: tokens, entry 1 (wallboard)';
  const noObject = 'must be an object: names in quotes, with values.';
  const noHash = 'hash must be the SHA-256 of a secret, as `npm run tokens -- add` writes it: 64 of 0-9 and a-f.';
  const noDate = 'must be a date such as 2027-01-31 or 2027-01-31T08:00:00Z.';
  const token = (fields: object) => ({ tokens: [{ ...given, ...fields }] });

  it.each<[what: string, content: unknown, problem: string]>([
    ['a list', [], `tokens.json: the file ${noObject}`],
    ['tokens that are no list', { tokens: given }, 'tokens.json: tokens must be a list.'],
    ['a token that is null', { tokens: [null] }, `tokens.json: tokens, entry 1 ${noObject}`],
    ['a roster', { moderators: [] }, 'tokens.json: the file has unknown fields: moderators.'],
    [
      'what is not JSON',
      `{"tokens": [${secret}]}`,
      'tokens.json, line 1, column 13: this is not JSON: names and texts need double quotes.',
    ],
    [
      'a field twice',
      '{"tokens": [], "tokens": []}',
      'tokens.json, line 1, column 16: this name appears twice in one object.',
    ],
    ['no name', token({ name: undefined }), 'tokens.json: tokens, entry 1, name is missing.'],
    [
      'a name that is too long',
      token({ name: 'x'.repeat(65) }),
      `tokens.json: tokens, entry 1 (${'x'.repeat(64)}), name must be 1 to 64 letters, digits, spaces and .,'_()-, and begin with a letter or digit.`,
    ],
    [
      'a secret for a name',
      token({ name: secret }),
      'tokens.json: tokens, entry 1, name must not begin with cc_, as secrets do.',
    ],
    ['no hash', token({ hash: undefined }), `${first}, hash is missing.`],
    ['a secret for a hash', token({ hash: secret }), `${first}, ${noHash}`],
    ['a hash in capitals', token({ hash: HASH.toUpperCase() }), `${first}, ${noHash}`],
    ['no list of rights', token({ rights: undefined }), `${first}, rights is missing.`],
    ['no rights', token({ rights: [] }), `${first}, rights must name a right.`],
    ['every right at once', token({ rights: 'all' }), `${first}, rights must be a list of rights.`],
    [
      'a right that there is not',
      token({ rights: ['see', 'admin'] }),
      `${first}, rights, 2 must be one of see, monitor, coach, barge, control, record, audit, wall.`,
    ],
    ['no rooms', token({ rooms: [] }), `${first}, rooms must name a room; leave it out for all rooms.`],
    [
      'a room that is none',
      token({ rooms: ['a/b'] }),
      `${first}, rooms, 1 must be a room name: 1 to 64 letters A–Z without accents, digits, spaces, _, . or -.`,
    ],
    ['no date of creation', token({ created: undefined }), `${first}, created is missing.`],
    ['a day that there is not', token({ expires: '2027-02-30' }), `${first}, expires ${noDate}`],
    ['an age', token({ expires: '90d' }), `${first}, expires ${noDate}`],
    ['null for never', token({ expires: null }), `${first}, expires ${noDate}`],
    ['a misspelt field', token({ room: ['sales'] }), `${first} has unknown fields: room.`],
    [
      'a name twice',
      { tokens: [given, { ...given, hash: CRM.hash }] },
      'tokens.json: tokens, entry 2 (wallboard) has the same name as entry 1 (wallboard).',
    ],
    [
      'a hash twice',
      { tokens: [given, { ...given, name: 'CRM' }] },
      'tokens.json: tokens, entry 2 (CRM) has the same hash as entry 1 (wallboard).',
    ],
  ])('refuses %s, and quotes nothing secret', (_what, content, problem) => {
    expect(problemsOf(content)).toEqual([problem]);
    expect(problem).not.toMatch(new RegExp(`${secret}|${HASH}`, 'i'));
  });

  it('reads what formatTokens writes', () => {
    expect(parse(formatTokens([WALLBOARD, CRM]))).toStrictEqual([WALLBOARD, CRM]);
  });
});

let folder: string;
let file: string;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder, 'tokens.json');
});

const add = (entry: TokenEntry) => changeTokensFile(file, (entries) => [...entries, entry]);
const modeOf = async () => (await stat(file)).mode & 0o777;

describe('readTokensFile', () => {
  it('finds no token without the file', async () => {
    expect(await readTokensFile(file)).toEqual([]);
  });

  it('reports a folder in place of the file', async () => {
    await mkdir(file);
    await expect(readTokensFile(file)).rejects.toThrow(
      new UserError([`Cannot read ${file}: EISDIR: illegal operation on a directory, read.`]),
    );
  });
});

describe('changeTokensFile', () => {
  it('creates the file for its owner alone, then changes it, and leaves nothing else behind', async () => {
    await add(WALLBOARD);
    expect(await modeOf()).toBe(0o600);
    await add(CRM);
    expect(await modeOf()).toBe(0o600);
    expect(await readTokensFile(file)).toStrictEqual([WALLBOARD, CRM]);
    expect(await readdir(folder)).toEqual(['tokens.json']);
  });

  it('keeps the mode of the file', async () => {
    await add(WALLBOARD);
    await chmod(file, 0o640);
    await add(CRM);
    expect(await modeOf()).toBe(0o640);
  });

  const itAsRoot = process.getuid?.() === 0 ? it : it.skip;
  itAsRoot('keeps the owner of the file, who must still be able to read it', async () => {
    await add(WALLBOARD);
    await chown(file, 1234, 4321);
    await add(CRM);
    expect(await stat(file)).toMatchObject({ uid: 1234, gid: 4321 });
  });

  it('loses no change of many at once: each is made, or refused with a sentence', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `token ${index}`);
    const results = await Promise.allSettled(names.map((name) => add({ ...WALLBOARD, name, hash: hashSecret(name) })));
    const made = names.filter((_name, index) => results[index]?.status === 'fulfilled');
    expect(made).not.toEqual([]);
    expect((await readTokensFile(file)).map(({ name }) => name).sort()).toEqual(made.sort());
    for (const result of results) {
      expect(result.status === 'rejected' ? result.reason : new UserError([])).toBeInstanceOf(UserError);
    }
    expect(await readdir(folder)).toEqual(['tokens.json']);
  });

  it('changes nothing while another command does', async () => {
    await add(WALLBOARD);
    await writeFile(`${file}.new`, '');
    await expect(add(CRM)).rejects.toThrow(
      new UserError([`Another command is changing ${file}. If none is running, delete ${file}.new.`]),
    );
    expect(await readTokensFile(file)).toStrictEqual([WALLBOARD]);
    expect(await readdir(folder)).toEqual(['tokens.json', 'tokens.json.new']);
  });

  it('lets readers see the old file until the new one is complete', async () => {
    await add(WALLBOARD);
    let seen: string | undefined;
    await changeTokensFile(file, (entries) => {
      seen = readFileSync(file, 'utf8');
      return [...entries, CRM];
    });
    expect(seen).toBe(formatTokens([WALLBOARD]));
  });

  it('leaves a file alone that it cannot read', async () => {
    await writeFile(file, '{');
    await expect(add(WALLBOARD)).rejects.toThrow(
      new UserError([`${file}, line 1, column 2: this is not JSON: the file ends too early.`]),
    );
    expect([await readFile(file, 'utf8'), await readdir(folder)]).toEqual(['{', ['tokens.json']]);
  });

  it('leaves the file alone when the change is refused', async () => {
    const refusal = new UserError(['No.']);
    const refused = changeTokensFile(file, () => {
      throw refusal;
    });
    await expect(refused).rejects.toBe(refusal);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    [
      'is read-only',
      '/sys',
      /^Cannot write \/sys\/tokens\.json: E(ROFS|ACCES|PERM): .*\. Run the command where this folder can be written\.$/,
    ],
    [
      'is missing',
      '/nowhere',
      /^Cannot write \/nowhere\/tokens\.json: ENOENT: .*\. Run the command where this folder can be written\.$/,
    ],
  ])('says so when the folder %s', async (_what, elsewhere, sentence) => {
    const refused = changeTokensFile(join(elsewhere, 'tokens.json'), (entries) => entries);
    await expect(refused).rejects.toThrow(sentence);
    await expect(refused).rejects.toBeInstanceOf(UserError);
  });
});
