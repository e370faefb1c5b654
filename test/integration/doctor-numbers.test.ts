import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Fault } from '../../src/simulator/rest-api';
import { type DoctorBench, startDoctorBench } from '../support/doctor-bench';
import { onTestFinished } from '../support/on-test-finished';

let bench: DoctorBench;

beforeAll(async () => {
  bench = await startDoctorBench();
});

afterAll(() => bench?.close());

// A fallback where none may be, and a number without any.
beforeEach(() => {
  bench.change('supervisors', { voiceFallbackUrl: 'https://admin:hunter2@bin.example.com/x?key=hunter3' });
  bench.change('conference', { voiceFallbackUrl: undefined, statusCallback: undefined });
});

/** The addresses that `--fix-numbers` may change. */
function addresses() {
  const { voiceFallbackUrl: fallback, statusCallback } = bench.number('conference');
  const shown = [fallback, statusCallback, bench.number('supervisors').voiceFallbackUrl];
  return shown.map((url) => url?.replace(bench.publicUrl, ''));
}

const BEFORE = [undefined, undefined, 'https://admin:hunter2@bin.example.com/x?key=hunter3'];
const AFTER = ['/fallback/sales', '/events/call/sales', undefined];

const fix = (...args: string[]) => bench.run({ args: ['--fix-numbers', ...args] });

/** What the Space does with requests of this method, until the test is over. */
function answer(method: string, fault: Fault, after = 0): void {
  let requests = 0;
  onTestFinished(() => {
    bench.intercept = () => undefined;
  });
  bench.intercept = (asked) =>
    asked.method === method && asked.path.startsWith('/IncomingPhoneNumbers') && requests++ >= after
      ? fault
      : undefined;
}

describe('--fix-numbers', () => {
  it('shows what it will change, changes it, and shows what became of it', async () => {
    const { code, stdout, stderr } = await fix('--yes');
    expect(addresses()).toEqual(AFTER);
    expect(code).toBe(0);
    const changes = (result: string) => `  ***1111, fallback${result}
    before: none
    after:  ${bench.publicUrl}/fallback/sales
  ***1111, status callback${result}
    before: none
    after:  ${bench.publicUrl}/events/call/sales
  ***2222, fallback${result}
    before: https://bin.example.com/x
    after:  none
`;
    expect(stderr).toBe(`\nProposed changes\n${changes('')}`);
    expect(stdout).toContain('\n1 error, 2 warnings.\n');
    expect(stdout.split('\nChanges\n')[1]).toBe(`${changes(': changed')}
Phone numbers
  ok       ***1111 leads to /conference/sales.
  ok       ***2222 leads to /supervisor?mode=coach.
  ok       Supervisors are called from ***1111.
  ok       Not ours: ***3333.

No errors, no warnings.
`);
    expect(bench.number('other').voiceFallbackUrl).toBe('https://other.example.com/x');
  });

  it.each<[answer: string, isMade: boolean]>([
    ['y\n', true],
    ['Yes\n', true],
    ['n\n', false],
    ['\n', false],
    ['', false],
  ])('asks on a terminal; %j', async (input, isMade) => {
    const how = { args: ['--fix-numbers'], input, isTerminal: true };
    const { code, stderr } = await bench.run(how);
    expect(stderr).toContain('Make these changes? [y/N] ');
    expect(stderr.includes('Nothing was changed.')).toBe(!isMade);
    expect(addresses()).toEqual(isMade ? AFTER : BEFORE);
    expect(code).toBe(isMade ? 0 : 1);
  });

  it('changes nothing without a terminal, even if the input says yes', async () => {
    const { code, stderr } = await bench.run({ args: ['--fix-numbers'], input: 'y\n' });
    expect(stderr).toContain('doctor: Nothing was changed: this is no terminal to ask.');
    expect(addresses()).toEqual(BEFORE);
    expect(code).toBe(1);
  });

  it('corrects wrong addresses, and leaves a fallback elsewhere alone', async () => {
    bench.change('conference', {
      voiceFallbackUrl: 'https://bin.example.com/sales',
      statusCallback: `${bench.publicUrl}/conference/sales`,
    });
    await fix('--yes');
    expect(addresses()).toEqual(['https://bin.example.com/sales', '/events/call/sales', undefined]);
  });

  it.each<[what: string, method: string, fault: Fault, after: number, results: string[], code: number]>([
    ['does not do what it answers', 'POST', 'ignore', 0, ['unchanged', 'unchanged', 'unchanged'], 1],
    ['refuses the second change', 'POST', { status: 403 }, 1, ['changed', 'changed', 'unchanged'], 1],
    ['makes the changes, but does not answer', 'POST', 'lose-answer', 0, ['changed', 'changed', 'changed'], 0],
    ['cannot be read back', 'GET', { status: 500 }, 1, ['unknown', 'unknown', 'unknown'], 1],
  ])('reports what really happened if the Space %s', async (_what, method, fault, after, results, expectedCode) => {
    answer(method, fault, after);
    const { code, stdout } = await fix('--yes', '--json');
    const { checks, changes } = JSON.parse(stdout);
    expect(changes.map(({ result }: { result: string }) => result)).toEqual(results);
    expect(code).toBe(expectedCode);
    const failures = checks.filter(({ id }: { id: string }) => id === 'numbers.changes');
    expect(failures).toHaveLength(expectedCode);
  });

  it('lists proposed changes in JSON, without a result', async () => {
    const { code, stdout } = await fix('--json');
    expect(JSON.parse(stdout).changes).toEqual([
      { number: '***1111', field: 'voiceFallbackUrl', before: 'none', after: `${bench.publicUrl}/fallback/sales` },
      { number: '***1111', field: 'statusCallback', before: 'none', after: `${bench.publicUrl}/events/call/sales` },
      { number: '***2222', field: 'voiceFallbackUrl', before: 'https://bin.example.com/x', after: 'none' },
    ]);
    expect(code).toBe(1);
  });

  it('says so if there is nothing to change', async () => {
    await fix('--yes');
    const { code, stderr } = await fix('--yes');
    expect([code, stderr]).toEqual([0, 'doctor: No number has anything that --fix-numbers can correct.\n']);
  });
});

describe('CALLER_ID', () => {
  const callerIds = async (env: Record<string, string>) =>
    (await bench.examine({ env })).filter(({ id }) => id === 'numbers.caller-id');

  it.each<[what: string, env: Record<string, string>, expected: object]>([
    ["a number of the project's", {}, { status: 'ok', message: 'Supervisors are called from ***1111.', remedy: null }],
    [
      "a number of the project's that leads elsewhere",
      { CALLER_ID: '+15550003333' },
      { status: 'ok', message: 'Supervisors are called from ***3333.', remedy: null },
    ],
    [
      "nobody's number",
      { CALLER_ID: '+15550009999' },
      {
        status: 'warning',
        message: 'CALLER_ID is ***9999, which is no number of the project.',
        remedy: 'Set it to one, or make sure that your Space has verified it: otherwise calls to supervisors fail.',
      },
    ],
    [
      'not set',
      { CALLER_ID: '' },
      { status: 'skipped', message: 'CALLER_ID is not set: the API cannot call supervisors.', remedy: null },
    ],
  ])('is %s', async (_what, env, expected) => {
    expect(await callerIds(env)).toEqual([{ id: 'numbers.caller-id', ...expected }]);
  });
});
