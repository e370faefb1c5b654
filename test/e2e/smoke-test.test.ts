import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { simulate as runSimulate } from '../../src/simulator/simulate';
import { ALICE, SIGNING_KEY, TED } from '../support/app';
import { type CommandOutcome, type CommandRun, runInProcess } from '../support/command';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { runProgram, startProgram } from '../support/process';
import { freePort, startRedis } from '../support/redis-server';
import { type RosterContent, rosterSettings } from '../support/roster';
import { startScriptedServer } from '../support/scripted-server';
import { temporaryFolder } from '../support/temporary-folder';
import { startTestBench } from '../support/test-bench';

const CAROL = '+15550003333';
const ALICES_PIN = '70001';
const TEDS_PIN = '48213';

/** Nobody may enter every room, some need a PIN, and none has every right. */
const PEOPLE: RosterContent = {
  moderators: [
    { name: 'Bob', email: 'bob@example.com', rooms: ['sales'] },
    { name: 'Alice', number: ALICE, rooms: ['sales'], pin: ALICES_PIN, requirePin: true, extension: '201' },
  ],
  supervisors: [
    { name: 'Carol', number: CAROL, rooms: ['sales'], rights: ['see'] },
    { name: 'Bob', pin: '91735', rooms: ['sales'], rights: ['monitor', 'coach'] },
    { name: 'Ted', number: TED, rooms: ['support'], pin: TEDS_PIN, rights: ['see', 'monitor', 'coach'] },
  ],
};

/** Alice must enter a PIN, and Ted can. */
const MUST = {
  moderators: [{ name: 'Alice', number: ALICE, pin: ALICES_PIN, requirePin: true }],
  supervisors: [{ name: 'Ted', number: TED, pin: TEDS_PIN }],
};

function simulate(run: CommandRun): Promise<CommandOutcome> {
  return runInProcess('simulate', (context) => runSimulate(context, new AbortController().signal), run);
}

/** The settings of production. */
function production(people: RosterContent, more: Record<string, string> = {}): Record<string, string> {
  return {
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://coach.example.com/calls',
    SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
    ...rosterSettings(people),
    ...more,
  };
}

async function startServer(settings: Record<string, string>) {
  const server = await startProgram({ ...settings, PORT: '0', HOST: '127.0.0.1' });
  onTestFinished(() => {
    server.child.kill('SIGKILL');
    return server.exit;
  });
  return `http://127.0.0.1:${await server.port()}`;
}

/** The server and the command in this process, with the same people. */
async function test(
  people: RosterContent,
  run: CommandRun = {},
  more: Record<string, string> = {},
  { withRest = false }: { withRest?: boolean } = {},
) {
  const settings = { SIGNALWIRE_SIGNING_KEY: SIGNING_KEY, ...rosterSettings(people), ...more };
  const { url } = await startTestBench({ env: settings, withRest });
  return simulate({ ...run, env: { ...settings, PORT: new URL(url).port } });
}

describe.each(['memory', 'redis'])('the smoke test of a server in production with an ordinary roster, %s', (store) => {
  (store === 'redis' ? it : itInFull)(
    'passes with the settings alone, again and again',
    async () => {
      const redis = store === 'redis' ? await startRedis() : undefined;
      onTestFinished(() => redis?.dispose());
      const settings = production(PEOPLE, redis && { REDIS_URL: redis.url });
      const to = await startServer(settings);
      for (const method of ['POST', 'GET']) {
        const { code, stdout, stderr } = await simulate({
          args: ['--to', to, '--pin-stdin', '--method', method],
          env: settings,
          input: `${ALICES_PIN}\n${TEDS_PIN}\n`,
        });
        expect([stdout, code, stderr]).toEqual([expect.stringContaining('\nThe smoke test passed.\n'), 0, '']);
        expect(stdout).toContain('Alice is the moderator Alice (***8999). Ted is the supervisor Ted (***2222).\n');
        expect(stdout).toContain('Ted has no right to barge: steps that need it are left out.\n');
        expect(stdout.match(/^Part .*/gm)).toEqual([
          'Part 1: Ted dials the room (/coach).',
          'Part 2: Ted dials the supervisors’ line (/supervisor) and uses the keypad.',
          'Part 3: Ted dials the supervisors’ line from an unknown telephone, with a PIN.',
          'Part 4: Ted is sent to an agent who is gone.',
        ]);
        expect(stdout).not.toContain('mode=barge');
        expect(stdout).toContain('Ted presses PIN#');
        expect(stdout).toContain("Ted's call fails with 13240, as expected");
        expect(stdout).not.toMatch(new RegExp(`[^-0-9a-f](${ALICES_PIN}|${TEDS_PIN})[^-0-9a-f]`));
      }
    },
    60_000,
  );
});

describe('the smoke test', () => {
  it('reads .env and calls a server of development without any option', async () => {
    const folder = temporaryFolder();
    const port = await freePort();
    await writeFile(join(folder, '.env'), `PORT=${port}\nSIGNALWIRE_SIGNING_KEY=${SIGNING_KEY}\n`);
    const server = await startProgram({}, folder);
    onTestFinished(() => {
      server.child.kill('SIGKILL');
      return server.exit;
    });
    await server.port();
    const program = await runProgram('simulator/simulate.js', [], {}, folder);
    program.child.stdin?.end();
    expect([await program.exit, program.stderr()]).toEqual([0, '']);
    expect(program.stdout()).toContain(`A simulated Space calls http://localhost:${port}.`);
    expect(program.stdout()).toContain('Part 3 is left out: no supervisor has a PIN.');
    expect(program.stdout()).toContain('The smoke test passed. Left out: part 3.');
  }, 30_000);

  itInFull('plays people who are known by their PIN alone', async () => {
    const people = {
      moderators: [{ name: 'Alice', pin: ALICES_PIN }],
      supervisors: [{ name: 'Ted', pin: TEDS_PIN, mode: 'coach' }],
    };
    const { code, stdout } = await test(people, { input: `${ALICES_PIN}\n${TEDS_PIN}\n` });
    expect([stdout, code]).toEqual([
      expect.stringContaining('The smoke test passed. Left out: part 1, part 2, part 4.'),
      0,
    ]);
    expect(stdout).toContain('Alice is the moderator Alice (any telephone).');
    expect(stdout).toContain('presses *PIN#');
  });

  itInFull('plays a supervisor who must enter a PIN, starts in another mode, and has every right', async () => {
    const people = {
      moderators: [{ name: 'Alice', number: ALICE }],
      supervisors: [{ name: 'Ted', number: TED, pin: TEDS_PIN, requirePin: true, mode: 'barge' }],
    };
    const { code, stdout } = await test(people, { input: `${TEDS_PIN}\n` });
    expect([stdout, code]).toEqual([expect.stringContaining('\nThe smoke test passed.\n'), 0]);
  });

  itInFull.each([
    ['coach', ['see', 'coach'], 'The smoke test passed. Left out: part 2, part 3.'],
    ['monitor', ['monitor'], 'The smoke test passed. Left out: part 3.'],
  ])('plays a supervisor whose only right is to %s', async (_right, rights, result) => {
    const people = {
      moderators: [{ name: 'Alice', number: ALICE }],
      supervisors: [{ name: 'Ted', number: TED, rights }],
    };
    const { code, stdout } = await test(people);
    expect([stdout, code]).toEqual([expect.stringContaining(result), 0]);
  });

  itInFull('understands a server that speaks German', async () => {
    const people = {
      moderators: [{ name: 'Alice', number: ALICE }],
      supervisors: [{ name: 'Ted', number: TED, pin: TEDS_PIN }],
    };
    const run = { args: ['--pin-stdin'], input: `${TEDS_PIN}\n` };
    const { code, stdout } = await test(people, run, { PROMPT_LANGUAGE: 'de' });
    expect([stdout, code]).toEqual([expect.stringContaining('\nThe smoke test passed.\n'), 0]);
  });

  itInFull('passes against a server that uses REST, records, and speaks to callers first', async () => {
    const settings = { RECORD_CONFERENCES: 'true', CALLER_NOTICE: 'This call is recorded.', CONFERENCE_NAME: 'sales' };
    const run = { input: `${ALICES_PIN}\n` };
    const { code, stdout } = await test(PEOPLE, run, settings, { withRest: true });
    expect([stdout, code]).toEqual([expect.stringContaining('The smoke test passed. Left out: part 3.'), 0]);
  });

  itInFull('chooses who needs no PIN, then who has most rights, then who has a PIN', async () => {
    const people = {
      moderators: [
        { name: 'Alice', number: ALICE, pin: ALICES_PIN, requirePin: true },
        { name: 'Bob', address: 'sip:bob@example.com' },
      ],
      supervisors: [
        { name: 'Carol', number: CAROL, rights: ['monitor'] },
        { name: 'Alice', number: ALICE, pin: ALICES_PIN, requirePin: true },
        { name: 'Bob', number: '+15550001111' },
        { name: 'Ted', number: TED, pin: TEDS_PIN },
      ],
    };
    const { stdout } = await test(people);
    expect(stdout).toContain(
      'Alice is the moderator Bob (sip:bo***@example.com). Ted is the supervisor Ted (***2222).\n',
    );
    expect(stdout).toContain('The smoke test passed. Left out: part 3.');
    const named = await test(people, { args: ['--moderator', ALICE, '--supervisor', CAROL], input: `${ALICES_PIN}\n` });
    expect(named.stdout).toContain('Alice is the moderator Alice (***8999). Ted is the supervisor Carol (***3333).\n');
    expect(named.stdout).toContain('In the part with a PIN, Ted is the supervisor Alice (***8999).\n');
    expect(named.code).toBe(0);
  });

  const WITH_PIN = {
    moderators: [{ name: 'Alice', number: ALICE }],
    supervisors: [{ name: 'Ted', number: TED, pin: TEDS_PIN }],
  };

  it('asks a terminal for the PIN, and leaves the part out on Enter', async () => {
    const asked = await test(WITH_PIN, { isTerminal: true, input: `${TEDS_PIN}\n` });
    expect([asked.code, asked.stderr]).toEqual([
      0,
      'The PIN of the supervisor Ted (***2222), or Enter to leave out the part with a PIN: \n',
    ]);
    expect(asked.stdout).toContain('\nThe smoke test passed.\n');
    const skipped = await test(WITH_PIN, { isTerminal: true, input: '\n' });
    expect(skipped.code).toBe(0);
    expect(skipped.stdout).toContain('Part 3 is left out: the PIN of Ted (***2222) was not entered.');
  });

  itInFull('does not wait for a PIN that it can do without where there is no terminal', async () => {
    const { code, stdout } = await test(WITH_PIN, { input: `${TEDS_PIN}\n` });
    expect(code).toBe(0);
    expect(stdout).toContain(
      'Part 3 is left out: there is no terminal to ask for the PIN of Ted (***2222): give it with --pin-stdin.',
    );
  });

  itInFull('leaves out the supervisors’ line in another room than its own', async () => {
    const { code, stdout } = await test(WITH_PIN, { args: ['--room', 'sales', '--pin-stdin'], input: TEDS_PIN });
    expect(code).toBe(0);
    expect(stdout).toContain('Part 2 is left out: /supervisor offers a smoke test the room smoke-test alone.');
    expect(stdout).toContain('The smoke test passed. Left out: part 2, part 3.');
  });

  it('stops after the first part that fails', async () => {
    const server = await startScriptedServer({});
    const { code, stdout } = await simulate({ args: ['--url', server.url] });
    expect(code).toBe(1);
    expect(stdout).toContain('The smoke test failed in part 1. 3 more parts were not played.');
  });
});

describe('before anybody calls, the smoke test says what to do about', () => {
  const NOBODY = { moderators: [{ name: 'Alice', email: 'alice@example.com' }], supervisors: [] };

  it.each<[string, CommandRun, RegExp[]]>([
    [
      'a roster without people who can phone',
      { env: production(NOBODY) },
      [
        /^simulate: Nobody in the roster can lead a conversation by telephone\. Add somebody: npm run --silent roster -- add Alice --role moderator --number \+15557788999$/m,
        /^simulate: Nobody in the roster can listen or coach by telephone\. Add somebody: npm run --silent roster -- add Ted --role supervisor --number \+15550002222$/m,
      ],
    ],
    [
      'missing settings of production',
      { env: { NODE_ENV: 'production', MODERATOR_NUMBERS: ALICE, SUPERVISOR_NUMBERS: TED } },
      [/^simulate: SIGNALWIRE_SIGNING_KEY /m, /^simulate: PUBLIC_URL /m],
    ],
    [
      'a wrong PIN',
      { env: production(MUST), input: '70002\n' },
      [/^simulate: That is not the PIN of Alice \(\*\*\*8999\)\. Nobody has called\.$/m],
    ],
    [
      'something else than a PIN',
      { env: production(MUST), input: 'hello\n' },
      [/^simulate: A PIN has 5 to 10 digits\.$/m],
    ],
    [
      'a PIN that is needed and missing',
      { env: production(MUST) },
      [/^simulate: The moderator Alice \(\*\*\*8999\) must enter a PIN: type it, .* or choose somebody else/m],
    ],
    ['an unknown port', { env: { PORT: '0' } }, [/^simulate: PORT is 0, .* give its address with --url\.$/m]],
  ])('%s', async (_what, run, sentences) => {
    const { code, stdout, stderr } = await simulate(run);
    expect([code, stdout]).toEqual([2, '']);
    for (const sentence of sentences) {
      expect(stderr).toMatch(sentence);
    }
    expect(stderr.trim().split('\n')).toHaveLength(sentences.length);
  });

  it('a server with another PUBLIC_URL, which refuses the signature', async () => {
    const people = { moderators: [{ name: 'Alice', number: ALICE }], supervisors: [{ name: 'Ted', number: TED }] };
    const settings = production(people);
    const to = await startServer(settings);
    const { code, stdout, stderr } = await simulate({
      args: ['--to', to],
      env: { ...settings, PUBLIC_URL: 'https://coach.example.com' },
    });
    expect([code, stdout]).toEqual([1, expect.not.stringContaining('Bob')]);
    expect(stderr).toContain('The server refuses the signature.');
  });
});
