import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import { followTokens } from '../../src/people/live-tokens';
import type { Right } from '../../src/people/rights';
import { createSecret, createTokens, hashSecret, type Tokens } from '../../src/people/tokens';
import { changeTokensFile, formatTokens } from '../../src/people/tokens-file';
import { onTestFinished } from '../support/on-test-finished';
import { eventually } from '../support/redis-server';
import { temporaryFolder } from '../support/temporary-folder';

const SECRETS = { wallboard: createSecret(), CRM: createSecret() };
type Name = keyof typeof SECRETS;

let file: string;
let tokens: Tokens;
let lines: { level: string; msg: string; tokens?: number; problems?: string[] }[];

beforeEach(() => {
  file = join(temporaryFolder(), 'tokens.json');
  tokens = createTokens({ now: Date.now });
  lines = [];
});

const entriesOf = (...names: Name[]) =>
  names.map((name) => ({
    name,
    hash: hashSecret(SECRETS[name]),
    rights: new Set<Right>(['see']),
    rooms: 'all' as const,
    created: 0,
    expires: undefined,
  }));

async function follow() {
  const ownLines = lines;
  const log = createLog('info', { write: (line) => void ownLines.push(JSON.parse(line)) });
  const live = await followTokens({ tokens, file, log, intervalMs: 20 });
  onTestFinished(() => live.close());
  return live;
}

const valid = () => (['wallboard', 'CRM'] as const).filter((name) => tokens.find(SECRETS[name]) !== undefined);
const eventuallyValid = (...names: Name[]) => eventually(() => expect(valid()).toEqual(names));
const errors = () => lines.filter(({ level }) => level === 'error');

describe('followTokens', () => {
  it('has loaded the file when it is ready, and logs how many tokens it has', async () => {
    await writeFile(file, formatTokens(entriesOf('wallboard', 'CRM')));
    await follow();
    expect(valid()).toEqual(['wallboard', 'CRM']);
    expect(lines).toEqual([{ level: 'info', time: expect.any(String), tokens: 2, msg: 'Tokens loaded' }]);
  });

  it('has no tokens without the file, logs nothing, and loads it once it appears', async () => {
    const live = await follow();
    await live.reload();
    expect([valid(), lines]).toEqual([[], []]);
    await changeTokensFile(file, () => entriesOf('wallboard'));
    await eventuallyValid('wallboard');
  });

  it('follows every change, and the removal of the file', async () => {
    await changeTokensFile(file, () => entriesOf('wallboard'));
    await follow();
    await changeTokensFile(file, (entries) => [...entries, ...entriesOf('CRM')]);
    await eventuallyValid('wallboard', 'CRM');
    await changeTokensFile(file, () => entriesOf('CRM'));
    await eventuallyValid('CRM');
    await rm(file);
    await eventuallyValid();
    expect(lines.map((line) => line.tokens)).toEqual([1, 2, 1, 0]);
    await changeTokensFile(file, () => entriesOf('wallboard'));
    await eventuallyValid('wallboard');
  });

  it('keeps the tokens while the file is broken, reports the problems, and loads it once it is repaired', async () => {
    await writeFile(file, formatTokens(entriesOf('wallboard')));
    await follow();
    await writeFile(`${file}.edited`, '{"tokens": [{"name": "CRM"}]');
    await rename(`${file}.edited`, file);
    await eventually(() =>
      expect(errors()).toMatchObject([
        {
          problems: [`${file}, line 1, column 29: this is not JSON: the file ends too early.`],
          msg: 'Tokens not usable; keeping the previous ones',
        },
      ]),
    );
    expect(valid()).toEqual(['wallboard']);
    await changeTokensFile(`${file}.repaired`, () => entriesOf('CRM'));
    await rename(`${file}.repaired`, file);
    await eventuallyValid('CRM');
  });

  it('starts without tokens if the file is broken, because calls need none', async () => {
    await writeFile(file, '{');
    await follow();
    expect([valid(), errors().length]).toEqual([[], 1]);
    await rm(file);
    await changeTokensFile(file, () => entriesOf('CRM'));
    await eventuallyValid('CRM');
  });

  it('loads the file at once when told to', async () => {
    const live = await follow();
    await changeTokensFile(file, () => entriesOf('CRM'));
    await live.reload();
    expect(valid()).toEqual(['CRM']);
  });
});
