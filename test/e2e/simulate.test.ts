import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { simulate as runSimulate } from '../../src/simulator/simulate';
import { ALICE, BOB, SIGNING_KEY, TED } from '../support/app';
import { type CommandOutcome, type CommandRun, runInProcess } from '../support/command';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { type RunningServer, runProgram, startProgram } from '../support/process';
import { eventually, freePort } from '../support/redis-server';
import { type Answer, startScriptedServer } from '../support/scripted-server';
import { temporaryFolder } from '../support/temporary-folder';
import { startTestBench } from '../support/test-bench';

const ROOT = join(__dirname, '../..');

/** Starts a program of the simulator; it is stopped when the test is over. */
async function start(name: string, args: string[] = [], env?: Record<string, string>, folder?: string) {
  const program = await runProgram(`simulator/${name}.js`, args, env, folder);
  onTestFinished(() => {
    program.child.kill('SIGKILL');
    return program.exit;
  });
  return program;
}

/** Runs a program of the simulator to its end. */
async function run(
  name: string,
  args: string[],
  env?: Record<string, string>,
  folder?: string,
): Promise<CommandOutcome> {
  const program = await start(name, args, env, folder);
  const code = await program.exit;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

async function fileOf(text: string): Promise<string> {
  const file = join(temporaryFolder(), 'story.yaml');
  await writeFile(file, text);
  return file;
}

/** Runs `simulate` in this process. */
const simulate = (...args: string[]) => simulateWith({ args });

function simulateWith(how: CommandRun): Promise<CommandOutcome> {
  return runInProcess('simulate', (context) => runSimulate(context, new AbortController().signal), how);
}

/** What comes first: three people call. */
const CALLS = [
  'Conference Coach runs at http://localhost:PORT. A simulated Space calls it.',
  '',
  '> bob calls         Bob, a customer, hears music until an agent is in.',
  '               Bob  sounds',
  '    Bob hears  -    music',
  '> alice calls       Alice is the agent. They hear each other.',
  '                 Bob  Alice',
  '    Bob hears    -    yes',
  '    Alice hears  yes  -',
  '> ted calls         Ted, a supervisor, listens: nobody hears him.',
  '    Ted is told: "Nobody hears you. You are listening to Alice. …"',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    no',
  '    Alice hears  yes  -      no',
  '    Ted hears    yes  yes    -',
  '> ted *2            He coaches: only Alice hears him.',
  '    Ted is told: "The agent alone hears you."',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    no',
  '    Alice hears  yes  -      yes',
  '    Ted hears    yes  yes    -',
  '> ted *3            He steps in: everyone hears him.',
  '    Ted is told: "Everybody hears you."',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    yes',
  '    Alice hears  yes  -      yes',
  '    Ted hears    yes  yes    -',
  '> alice hangs up    That ends the conversation. Ted waits for the next one.',
  '    Ted is told: "That conversation is over. Please hold for the next one."',
  '               Ted',
  '    Ted hears  -',
  '> ted hangs up',
  '    Nobody is on the line.',
  '',
].join('\n');

const STORIES = [
  '',
  'First story: Ted supervises from his own telephone.',
  '',
  ' 1. Bob calls /conference (a customer; he hears music until an agent is in)',
  '               Bob  sounds',
  '    Bob hears  -    music',
  '',
  ' 2. Carol calls /conference (a second customer; they do not hear each other)',
  '                 Bob  Carol  sounds',
  '    Bob hears    -    no     music',
  '    Carol hears  no   -      music',
  '',
  ' 3. Alice calls /conference (the agent; everybody hears everybody)',
  '                 Bob  Carol  Alice  sounds',
  '    Bob hears    -    yes    yes    beep',
  '    Carol hears  yes  -      yes    beep',
  '    Alice hears  yes  yes    -      beep',
  '',
  ' 4. Carol hangs up (the others go on talking)',
  '                 Bob  Alice  sounds',
  '    Bob hears    -    yes    beep',
  '    Alice hears  yes  -      beep',
  '',
  ' 5. Ted calls /coach (only Alice hears him: he coaches)',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    no',
  '    Alice hears  yes  -      yes',
  '    Ted hears    yes  yes    -',
  '',
  ' 6. Ted hangs up',
  '                 Bob  Alice',
  '    Bob hears    -    yes',
  '    Alice hears  yes  -',
  '',
  ' 7. Ted calls /coach?mode=monitor (nobody hears him: he listens)',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    no',
  '    Alice hears  yes  -      no',
  '    Ted hears    yes  yes    -',
  '',
  ' 8. Ted hangs up',
  '                 Bob  Alice',
  '    Bob hears    -    yes',
  '    Alice hears  yes  -',
  '',
  ' 9. Ted calls /coach?mode=barge (everybody hears him: he barges in)',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    yes',
  '    Alice hears  yes  -      yes',
  '    Ted hears    yes  yes    -',
  '',
  '10. Alice hangs up (the conversation ends; Ted waits for the next one)',
  '    Ted is told: "That conversation is over. Please hold for the next one."',
  "    Bob's call ends.",
  '               Ted',
  '    Ted hears  -',
  '',
  '11. Bob calls /conference',
  '               Ted  Bob  sounds',
  '    Ted hears  -    no',
  '    Bob hears  no   -    music',
  '',
  '12. Alice calls /conference (the next conversation; Ted is not in it yet)',
  '                 Ted  Bob  Alice  sounds',
  '    Ted hears    -    no   no',
  '    Bob hears    no   -    yes    beep',
  '    Alice hears  no   yes  -      beep',
  '',
  '13. 30 s pass (nobody hears Ted: he joins as a listener)',
  '    Ted is told: "Nobody hears you. You are listening to Alice. For the menu, press star."',
  '                 Ted  Bob  Alice',
  '    Ted hears    -    yes  yes',
  '    Bob hears    no   -    yes',
  '    Alice hears  no   yes  -',
  '',
  '14. Ted hangs up',
  '                 Bob  Alice',
  '    Bob hears    -    yes',
  '    Alice hears  yes  -',
  '',
  '15. Alice hangs up (the conversation ends for Bob too)',
  "    Bob's call ends.",
  '    Nobody is on the line.',
  '',
  '16. Ted calls /coach (no conversation yet: he is asked to wait)',
  '    Ted is told: "No conversation in sample-conf right now. Please hold."',
  '               Ted',
  '    Ted hears  -',
  '',
  '17. Ted hangs up',
  '    Nobody is on the line.',
  '',
  'All 17 steps passed.',
  'The server accepted 22 status callbacks.',
  '',
  'Second story: Ted calls from an unknown telephone, with a PIN and the keypad.',
  '',
  ' 1. Alice calls /conference/sales (an agent)',
  '                 Alice  sounds',
  '    Alice hears  -      music',
  '',
  ' 2. Bob calls /conference/sales (a customer)',
  '                 Alice  Bob  sounds',
  '    Alice hears  -      yes  beep',
  '    Bob hears    yes    -    beep',
  '',
  ' 3. Carol calls /conference/support (an agent in another room, without customers yet)',
  '                 Alice  Bob  Carol  sounds',
  '    Alice hears  -      yes  no',
  '    Bob hears    yes    -    no',
  '    Carol hears  no     no   -      music',
  '',
  ' 4. Ted calls /supervisor (from an unknown telephone)',
  '    Ted is told: "Please enter your PIN, then press pound."',
  '                 Alice  Bob  Carol  Ted  sounds',
  '    Alice hears  -      yes  no     no',
  '    Bob hears    yes    -    no     no',
  '    Carol hears  no     no   -      no   music',
  '    Ted hears    no     no   no     -',
  '',
  ' 5. Ted presses 48213# (he hears the menu of conversations)',
  '    Ted is told: "For Alice, press 1. For Carol, no caller yet, press 2."',
  '                 Alice  Bob  Carol  Ted  sounds',
  '    Alice hears  -      yes  no     no',
  '    Bob hears    yes    -    no     no',
  '    Carol hears  no     no   -      no   music',
  '    Ted hears    no     no   no     -',
  '',
  ' 6. Ted presses 1 (nobody hears him: he listens)',
  '    Ted is told: "Nobody hears you. You are listening to Alice. For the menu, press star."',
  '                 Alice  Bob  Carol  Ted  sounds',
  '    Alice hears  -      yes  no     no',
  '    Bob hears    yes    -    no     no',
  '    Carol hears  no     no   -      no   music',
  '    Ted hears    yes    yes  no     -',
  '',
  ' 7. Ted presses * (the keypad menu; nobody hears him meanwhile)',
  '    Ted is told: "Nobody hears you now. To listen to Alice, press 1. To coach, 2. To talk to everyone, 3. For another conversation, 4. To end, 9."',
  '                 Alice  Bob  Carol  Ted  sounds',
  '    Alice hears  -      yes  no     no',
  '    Bob hears    yes    -    no     no',
  '    Carol hears  no     no   -      no   music',
  '    Ted hears    no     no   no     -',
  '',
  ' 8. Ted presses 2 (only Alice hears him: he coaches)',
  '    Ted is told: "The agent alone hears you."',
  '                 Alice  Bob  Carol  Ted  sounds',
  '    Alice hears  -      yes  no     yes',
  '    Bob hears    yes    -    no     no',
  '    Carol hears  no     no   -      no   music',
  '    Ted hears    yes    yes  no     -',
  '',
  ' 9. Ted presses *',
  '    Ted is told: "Nobody hears you now. To listen to Alice, press 1. To coach, 2. To talk to everyone, 3. For another conversation, 4. To end, 9."',
  '                 Alice  Bob  Carol  Ted  sounds',
  '    Alice hears  -      yes  no     no',
  '    Bob hears    yes    -    no     no',
  '    Carol hears  no     no   -      no   music',
  '    Ted hears    no     no   no     -',
  '',
  '10. Ted presses 4 (he moves on to Carol; nobody hears him)',
  '    Ted is told: "Nobody hears you. You are listening to Carol. For the menu, press star."',
  '                 Alice  Bob  Carol  Ted',
  '    Alice hears  -      yes  no     no',
  '    Bob hears    yes    -    no     no',
  '    Carol hears  no     no   -      no',
  '    Ted hears    no     no   yes    -',
  '',
  '11. Ted presses *',
  '    Ted is told: "Nobody hears you now. To listen to Carol, press 1. To coach, 2. To talk to everyone, 3. For another conversation, 4. To end, 9."',
  '                 Alice  Bob  Carol  Ted',
  '    Alice hears  -      yes  no     no',
  '    Bob hears    yes    -    no     no',
  '    Carol hears  no     no   -      no',
  '    Ted hears    no     no   no     -',
  '',
  '12. Ted presses 9',
  '    Ted is told: "Goodbye."',
  "    Ted's call ends.",
  '                 Alice  Bob  Carol',
  '    Alice hears  -      yes  no',
  '    Bob hears    yes    -    no',
  '    Carol hears  no     no   -',
  '',
  '13. Carol hangs up',
  '                 Alice  Bob',
  '    Alice hears  -      yes',
  '    Bob hears    yes    -',
  '',
  '14. Carol calls /conference/sales (not her room: she joins as a customer)',
  '    Carol is told: "You are not an agent on this line. You are joining as a customer."',
  '                 Alice  Bob  Carol  sounds',
  '    Alice hears  -      yes  yes    beep',
  '    Bob hears    yes    -    yes    beep',
  '    Carol hears  yes    yes  -      beep',
  '',
  'All 14 steps passed.',
  'The server accepted 18 status callbacks.',
  '',
  '',
].join('\n');

describe('npm run demo', () => {
  it('-- --once tells the stories and ends well, whatever the folder’s .env says', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, '.env'), 'REDIS_URL=redis://127.0.0.1:1\nMODERATOR_NUMBERS=+15550009999\n');
    const TMPDIR = temporaryFolder();
    const { code, stdout, stderr } = await run('demo', ['--once'], { TMPDIR }, folder);
    expect(stdout.replace(/localhost:\d+/, 'localhost:PORT')).toBe(CALLS + STORIES);
    expect([code, stderr]).toEqual([0, '']);
    // Its roster is gone, too.
    expect(readdirSync(TMPDIR)).toEqual([]);
  }, 30_000);

  itInFull('listens on PORT', async () => {
    const port = await freePort();
    const demo = await start('demo', [], { PORT: String(port) });
    await demo.says(`http://localhost:${port}. `);
  });

  it('says so when PORT is taken, or is none', async () => {
    const { url } = await startScriptedServer({});
    const port = new URL(url).port;
    expect(await run('demo', ['--once'], { PORT: port })).toMatchObject({
      code: 1,
      stderr: `demo: PORT ${port} is taken: stop the program that has it, or set another PORT.\n`,
    });
    const { code, stderr } = await run('demo', ['--once'], { PORT: 'x' });
    expect([code, stderr]).toEqual([1, 'demo: PORT must be a whole number from 0 to 65535.\n']);
  });

  it('says so when it is asked for something unknown', async () => {
    const { code, stderr } = await run('demo', ['--twice']);
    expect([code, stderr]).toEqual([1, "demo: Unknown option '--twice'. Run with --help for the options.\n"]);
  });

  itInFull(
    'stays up, and its curl commands do what they say, until Ctrl-C',
    async () => {
      const demo = await start('demo');
      await demo.says('Or type: ');
      demo.child.stdin?.write('commands\n');
      await demo.says('/api/v1/events\n');
      const commands = demo
        .stdout()
        .split('\n')
        .filter((line) => /^ {2}(curl |TED=)/.test(line));
      expect(commands).toHaveLength(15);
      const [, phones = ''] = /^ {2}(http:\/\/localhost:\d+) /m.exec(demo.stdout()) ?? [];
      const [bob = '', alice = '', ted = '', conferences = '', list = '', hangUp = '', ...asks] = commands;
      const [signed = '', unsigned = '', ready = '', ...api] = asks;

      expect(await paste(bob)).toMatchObject({ status: 200 });
      await demo.says('    Bob hears  -    music');
      expect(await (await fetch(phones)).text()).toContain('Bob hears music.');
      expect(await paste(alice)).toMatchObject({ status: 200 });
      await demo.says('    Alice hears  yes  -\n');
      expect(await paste(ted)).toMatchObject({ status: 200 });
      await demo.says(
        '    Bob hears    -    yes    no\n    Alice hears  yes  -      no\n    Ted hears    yes  yes    -',
      );
      expect((await paste(conferences)).text).toContain('"friendly_name":"sample-conf"');

      const { calls } = JSON.parse((await paste(list)).text);
      const moderator = calls.find(
        (call: { to: string; status: string }) => call.to === ALICE && call.status === 'in-progress',
      );
      expect(await paste(hangUp.replace('SID', moderator.sid))).toMatchObject({ status: 200 });
      await demo.says('    Ted is told: "That conversation is over. Please hold for the next one."');
      const supervisor = calls.find(
        (call: { to: string; status: string }) => call.to === TED && call.status === 'in-progress',
      );
      expect(await paste(hangUp.replace('SID', supervisor.sid))).toMatchObject({ status: 200 });
      await demo.says('    Nobody is on the line.');

      expect(await paste(alice.replace('/conference', '/nowhere'))).toMatchObject({ status: 200 });
      await demo.says("    Alice's call failed with 11217: ");

      expect((await paste(signed)).text).toContain('<Conference startConferenceOnEnter="false"');
      expect(await paste(unsigned)).toMatchObject({ status: 403 });
      expect(await paste(ready)).toMatchObject({ status: 200 });

      const [rooms = '', findTed = '', coach = '', record = '', end = '', follow = ''] = api;
      for (const call of [bob, alice, ted]) {
        expect(await paste(call)).toMatchObject({ status: 200 });
      }
      await demo.says(
        '    Bob hears    -    yes    no\n    Alice hears  yes  -      no\n    Ted hears    yes  yes    -',
      );
      expect(JSON.parse((await paste(rooms)).text)).toMatchObject({ rooms: [{ room: 'sample-conf' }] });
      expect(await paste(findTed, coach)).toMatchObject({ status: 200, text: expect.stringContaining('"confirmed"') });
      await demo.says(
        '    Bob hears    -    yes    no\n    Alice hears  yes  -      yes\n    Ted hears    yes  yes    -',
      );
      expect(await paste(record)).toMatchObject({ status: 200, text: expect.stringContaining('"in-progress"') });
      expect(await paste(end)).toMatchObject({ status: 200 });
      await demo.says('    Ted is told: "That conversation is over. Please hold for the next one."');
      // It never ends by itself.
      const { stdout } = await promisify(execFile)('sh', ['-c', `${follow} -s --max-time 1`]).catch((error) => error);
      expect(stdout).toContain('event: snapshot');
      demo.child.kill('SIGINT');
      expect(await demo.exit).toBe(0);
      expect(demo.stderr()).toBe('');
    },
    60_000,
  );
});

/** Pastes command lines into a shell. Returns the answer to the last one, a curl. */
async function paste(...lines: string[]): Promise<{ status: number; text: string }> {
  const last = lines.at(-1)?.replace('curl', "curl -w '%{stderr}%{http_code}' -s");
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', [...lines.slice(0, -1), last].join('\n')]);
  return { status: Number(stderr), text: stdout };
}

describe('npm run simulate', () => {
  let server: RunningServer;
  let url: string;

  beforeAll(async () => {
    server = await startProgram({
      PORT: '0',
      SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
      MODERATOR_NUMBERS: ALICE,
      SUPERVISOR_NUMBERS: TED,
    });
    url = `http://localhost:${await server.port()}`;
  });

  afterAll(() => {
    server.child.kill('SIGKILL');
    return server.exit;
  });

  it.each(['POST', 'GET'])('tells of a server that is right, over %s', async (method) => {
    const args = ['--url', url, '--signing-key', SIGNING_KEY, '--method', method];
    const { code, stdout, stderr } = await simulate(...args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Bob calls /conference/smoke-test');
    expect(stdout).toContain('\nAll 17 steps passed.\n');
  });

  itInFull('takes the key from the environment, and plays with the people and the room it is told', async () => {
    const [moderator, supervisor] = ['+15550007777', '+15550008888'];
    const own = await startTestBench({ env: { MODERATOR_NUMBERS: moderator, SUPERVISOR_NUMBERS: supervisor } });
    const args = ['--url', `${own.url}/`, '--moderator', moderator, '--supervisor', supervisor, '--room', 'Sales 2'];
    const { code, stdout } = await run('simulate', args, { SIGNALWIRE_SIGNING_KEY: SIGNING_KEY });
    expect(code).toBe(0);
    expect(stdout).toContain('Bob calls /conference/Sales%202');
  });

  itInFull('can be repeated against the same server', async () => {
    for (let time = 0; time < 2; time++) {
      expect((await simulate('--url', url, '--signing-key', SIGNING_KEY)).code).toBe(0);
    }
  });

  it.each<[string, string[], string]>([
    ['a wrong key', ['--signing-key', 'wrong'], 'refuses the signature. The key must be its SIGNALWIRE_SIGNING_KEY'],
    ['no key', [], 'requires signed requests. Set SIGNALWIRE_SIGNING_KEY to its signing key.'],
  ])('says what is the matter with %s, before anybody calls', async (_what, args, sentence) => {
    const { code, stdout, stderr } = await simulate('--url', url, ...args);
    expect(code).toBe(1);
    expect(stdout).not.toContain('Bob');
    expect(stderr).toContain(`${sentence}`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each<[string, string[], string]>([
    [
      'another supervisor',
      ['--signing-key', SIGNING_KEY, '--supervisor', BOB],
      '--supervisor must be one of its SUPERVISOR_NUMBERS',
    ],
    [
      'another moderator',
      ['--signing-key', SIGNING_KEY, '--moderator', '+15550007777'],
      '--moderator must be one of its MODERATOR_NUMBERS',
    ],
  ])('says what is the matter with %s, after the first step that shows it', async (_what, args, sentence) => {
    const { code, stdout, stderr } = await simulate('--url', url, ...args);
    expect(code).toBe(1);
    expect(stdout.match(/^1 of \d steps failed\.$/m)).not.toBeNull();
    expect(stderr).toContain(`${sentence}`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('says what is the matter with a room that is missing', async () => {
    const story = `people: { Bob: '${BOB}' }\nsteps: [{ call: Bob, to: '/conference/a~b' }]`;
    const args = ['--url', url, '--signing-key', SIGNING_KEY, '--story', await fileOf(story)];
    expect(await simulate(...args)).toMatchObject({
      code: 1,
      stderr: 'simulate: The server has no such path. --url must be its PUBLIC_URL, and the room a valid name.\n',
    });
  });

  it('says what is the matter where nothing answers', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    expect(await simulate('--url', nowhere)).toMatchObject({
      code: 1,
      stdout: expect.not.stringContaining('Bob'),
      stderr: `simulate: Nothing answers at ${nowhere}. Start the server, or correct the address.\n`,
    });
    const args = ['--url', 'https://127.0.0.1:1', '--to', nowhere];
    const { stderr } = await simulate(...args.slice(0, 2));
    expect(stderr).toContain(
      'If that address does not lead to it yet, add --to http://localhost:PORT, with the port where it listens.',
    );
    expect((await simulate(...args)).stderr).toContain(`Nothing answers at ${nowhere}.`);
  });

  it.each<[string, string[], string]>([
    ['a url that is none', ['--url', 'coach.example.com'], '--url must be the address of a server'],
    ['an unknown option', ['--uri', 'x'], "Unknown option '--uri'"],
    ['a room that cannot be', ['--url', 'http://a.b', '--room', 'a/b'], '--room must be 1 to 64 letters'],
    ['a method that is none', ['--url', 'http://a.b', '--method', 'PUT'], '--method must be POST or GET.'],
    [
      'a story that is not there',
      ['--url', 'http://a.b', '--story', '/nowhere.yaml'],
      'The story /nowhere.yaml cannot be read',
    ],
    [
      'a story and a room',
      ['--url', 'http://a.b', '--story', 'a', '--room', 'b'],
      '--room cannot be combined with --story',
    ],
    [
      'a moderator without a number',
      ['--url', 'http://a.b', '--moderator', ''],
      '--moderator must be a telephone number',
    ],
    [
      'a number without a plus',
      ['--url', 'http://a.b', '--supervisor', '15550002222'],
      '--supervisor must be a telephone',
    ],
    ['a detour that is none', ['--url', 'http://a.b', '--to', 'c.d'], '--to must be the address of a server'],
    ['a password', ['--url', 'http://a:b@c.d'], '--url must not contain a user or a password: a Space sends none.'],
  ])('does not begin with %s', async (_what, args, sentence) => {
    const { code, stdout, stderr } = await simulate(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`simulate: ${sentence}`);
  });

  it('does not begin with a story that has an unknown step', async () => {
    const story = await fileOf(`people: { Bob: '${BOB}' }\nsteps: [{ dial: Bob }, { hangUp: Ted }]`);
    expect(await run('simulate', ['--url', 'http://127.0.0.1:1', '--story', story])).toEqual({
      code: 2,
      stdout: '',
      stderr: `simulate: ${story}: Step 1 must have exactly one of call, callOut, hangUp, press, wait; it has dial.\n`,
    });
  });

  it('tells all its options', async () => {
    const { code, stdout } = await simulate('--help');
    expect(code).toBe(0);
    const options = ['url', 'to', 'signing-key', 'moderator', 'supervisor', 'pin-stdin', 'room', 'method', 'story'];
    for (const option of options) {
      expect(stdout).toContain(`  --${option} `);
    }
  });

  const body =
    (text: string, type = 'text/xml', status = 200): Answer =>
    (res) =>
      res.writeHead(status, { 'content-type': type }).end(text);

  it.each<[string, Answer, string, string | undefined]>([
    ['HTML', body('<html></html>', 'text/html'), '12300', 'Something other than Conference Coach answers'],
    ['500', body('Oops', 'text/plain', 500), '11217', 'Its log says why.'],
    ['nothing', () => {}, '11200', 'A Space waits 2 s for a connection and 5 s for an answer'],
    ['70 kB', body(`<Response>${'<Pause/>'.repeat(9_000)}</Response>`), '11750', undefined],
    ['<dial>', '<dial><Conference>a</Conference></dial>', '12100', undefined],
    ['a circle', '<Redirect>/conference/smoke-test</Redirect>', '11215', undefined],
    [
      'what is elsewhere',
      '<Redirect>http://127.0.0.1:1/</Redirect>',
      '11200',
      'sends calls to another address than --url',
    ],
  ])('ends the call with the platform’s code when the server answers %s', async (_what, answer, error, hint) => {
    const { url } = await startScriptedServer({ '/conference/smoke-test': answer });
    const { code, stdout, stderr } = await simulate('--url', url);
    expect(code).toBe(1);
    expect(stderr).toEqual(hint === undefined ? '' : expect.stringContaining(hint));
    expect(stdout).toContain(`    WRONG: Bob's call failed with ${error}: `);
    expect(stdout).toContain('1 of 1 steps failed.\n16 more steps were not played.');
  });

  it('is not content with a server that takes no status callbacks', async () => {
    const { url } = await startScriptedServer({
      '/room': '<Dial><Conference statusCallback="/events" statusCallbackEvent="join">a</Conference></Dial>',
    });
    const story = `people: { Bob: '${BOB}' }\nsteps: [{ call: Bob, to: /room, hears: { Bob: [music] } }]`;
    const { code, stdout } = await simulate('--url', url, '--story', await fileOf(story));
    expect(code).toBe(1);
    expect(stdout).toContain(
      `The server did not accept 1 status callbacks. The last: ${url}/events answered with status 404.\n`,
    );
  });

  it('is not content with a server that asks for no status callbacks', async () => {
    const { url } = await startScriptedServer({ '/room': '<Dial><Conference>a</Conference></Dial>' });
    const story = `people: { Bob: '${BOB}' }\nsteps: [{ call: Bob, to: /room }]`;
    const { code, stdout } = await simulate('--url', url, '--story', await fileOf(story));
    expect(code).toBe(1);
    expect(stdout).toContain('The server asked for no status callbacks, so it cannot know who leaves.');
  });

  it('is not content with a server that lets people into another room', async () => {
    const room = '<Dial><Conference>sales</Conference></Dial>';
    const { url } = await startScriptedServer({ '/conference/smoke-test': room, '/coach/smoke-test': room });
    const { code, stderr } = await simulate('--url', url);
    expect([code, stderr]).toEqual([1, expect.stringContaining('let people into sales instead of smoke-test.')]);
  });

  itInFull('takes it calmly when nobody reads on', async () => {
    const simulation = await start('simulate', ['--url', url]);
    simulation.child.stdout?.destroy();
    expect(await simulation.exit).toBe(1);
    expect(simulation.stderr()).not.toContain('    at ');
  });

  it('tells in what a server is wrong about who hears whom', async () => {
    const everybody = '<Dial><Conference>a</Conference></Dial>';
    const { url } = await startScriptedServer({
      '/conference/smoke-test': everybody,
      '/coach/smoke-test': everybody,
    });
    const { code, stdout } = await simulate('--url', url);
    expect(code).toBe(1);
    expect(stdout).toContain('WRONG: Bob hears Alice, Ted; expected: Alice.');
    expect(stdout).toContain('WRONG: A beep was played; expected: none.');
    expect(stdout).toContain(
      'WRONG: Ted was told nothing; expected: "No conversation in smoke-test right now. Please hold.".',
    );
  });

  it("behaves as the story's space says", async () => {
    let alice = '';
    const server = await startScriptedServer({
      '/agent': (res, { fields }) => {
        alice = fields.CallSid ?? '';
        dial(res, 'statusCallback="/events" statusCallbackEvent="join"');
      },
      '/coach': (res) => dial(res, `coach="${alice}"`),
      '/events': (res) => res.writeHead(204).end(),
    });
    const dial = (res: ServerResponse, attributes: string) =>
      res
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(`<Response><Dial><Conference ${attributes}>a</Conference></Dial></Response>`);
    const story = [
      `people: { Alice: '${ALICE}', Ted: '${TED}' }`,
      'space: { coachesBeforeStart: false }',
      'steps: [{ call: Alice, to: /agent }, { call: Ted, to: /coach, fails: { Ted: 13240 } }]',
    ].join('\n');
    const { code, stdout } = await simulate('--url', server.url, '--story', await fileOf(story));
    expect([stdout, code]).toEqual([expect.stringContaining('All 2 steps passed.'), 0]);
  });

  it('plays the story of the manual', async () => {
    const manual = readFileSync(join(ROOT, 'docs/stories.md'), 'utf8');
    const [story = '', trouble = '', space = ''] = [...manual.matchAll(/```yaml\n([^`]*)```/g)].map(
      ([, text]) => text ?? '',
    );
    for (const text of [story, trouble.replace(/lose: .*/, '') + story, space + story]) {
      const args = ['--url', url, '--signing-key', SIGNING_KEY, '--story', await fileOf(text)];
      const { code, stdout } = await simulate(...args);
      expect(stdout).toContain('All 6 steps passed.');
      expect(code).toBe(0);
    }
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('hangs up for everybody on %s', async (signal, code) => {
    let held: ServerResponse | undefined;
    const server = await startScriptedServer({
      '/slow': (res) => {
        held = res;
      },
      '/ended': '<Hangup/>',
    });
    const story = `people: { Alice: '${ALICE}', Ted: '${TED}' }\nsteps: [{ call: Alice, to: /slow }, { call: Ted, to: /never }]`;
    const args = ['--url', server.url, '--story', await fileOf(story)];
    const simulation = await start('simulate', args);
    await eventually(() => expect(held).toBeDefined());
    simulation.child.kill(signal);
    await eventually(() =>
      expect(simulation.stderr()).toBe('simulate: Hanging up. Press Ctrl-C again to quit at once.\n'),
    );
    const moderator = '<Response><Dial action="/ended"><Conference>a</Conference></Dial></Response>';
    held?.writeHead(200, { 'content-type': 'text/xml' }).end(moderator);
    expect(await simulation.exit).toBe(code);
    expect(server.askedOf('/ended')).toMatchObject([{ CallStatus: 'completed' }]);
    expect([server.askedOf('/never'), simulation.stdout()]).toEqual([[], expect.not.stringContaining('WRONG')]);
  });
});
