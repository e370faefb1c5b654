import { randomBytes, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { parseCommandLine, runCommand } from '../cli/run-command';
import { startConferenceCoach } from '../conference-coach';
import { loadConfig } from '../config';
import { hashPassword } from '../people/password';
import { hashPin, type Pin, parsePin } from '../people/pin';
import { RIGHTS } from '../people/rights';
import { createSecret, hashSecret } from '../people/tokens';
import { changeTokensFile, tokensFileBeside } from '../people/tokens-file';
import { SPACE_NUMBER } from './call';
import { nameOf } from './demo/cast';
import { curlCommands } from './demo/curl-commands';
import { demonstrate } from './demo/demonstration';
import { createLiveCalls } from './demo/live-calls';
import { openPrompt, type Prompt } from './demo/prompt';
import { takeCommands } from './demo/take-commands';
import { openPhones } from './phones/serve-phones';
import { createPaint } from './report';
import { serveRestApi } from './rest-api';
import { runStory } from './run-story';
import { createSpace } from './space';
import { keypadStory, TUTORIAL_AGENT, TUTORIAL_CAST, TUTORIAL_PIN, tutorialStory } from './tutorial';

const SIGNING_KEY = 'PSK_demo';
const CREDENTIALS = { accountSid: 'demo', apiToken: 'demo' };
/** How long each step can be read on a terminal, in milliseconds. */
const READING_MS = 1_800;

const STORIES = [
  ['First story: Ted supervises from his own telephone.', tutorialStory(TUTORIAL_CAST)],
  ['Second story: Ted calls from an unknown telephone, with a PIN and the keypad.', keypadStory(TUTORIAL_CAST)],
] as const;

const HELP = `Starts the server and a simulated Space, lets Bob, Alice and Ted call, and shows who hears whom. Then it serves their
telephones and the supervisors' screen to your browser, with a sign-in that works only there, and takes commands such as
"bob calls" until you quit.

  npm run demo -- [--once]

  --once    play two longer stories instead of taking commands; end with code 0 if everybody heard the right people,
            otherwise 1
  --help    show this text

PORT in the environment sets the server's port; by default it is any free one.`;

/** `npm run demo`: the server and a simulated Space in one process show who hears whom, then take the user's commands. */
async function main(): Promise<void> {
  const flag = { type: 'boolean', default: false } as const;
  const { once, help } = parseCommandLine({ options: { once: flag, help: flag } }, 'Run with --help for the options.');
  if (help) {
    write(HELP);
    return;
  }
  const phones = await openPhones();
  const space = createSpace({ signingKey: SIGNING_KEY, ...CREDENTIALS, rings: phones.isAttended });
  const api = await serveRestApi(space);
  // Typed by hand, perhaps: no letter looks like another one.
  const password = randomBytes(8).toString('hex');
  const people = await writeRoster(password);
  // Settings from .env are ignored: the demo must not touch a real store or Space.
  const config = loadConfig({
    PORT: process.env.PORT || '0',
    ...people,
    SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
    SIGNALWIRE_SPACE_URL: api.url,
    SIGNALWIRE_PROJECT_ID: CREDENTIALS.accountSid,
    SIGNALWIRE_API_TOKEN: CREDENTIALS.apiToken,
    CALLER_ID: SPACE_NUMBER,
    ANNOUNCE_IS_PRIVATE: 'true',
    LOG_LEVEL: 'silent',
  });
  const server = await startConferenceCoach(config, pino({ level: 'silent' }), { framedBy: phones.url });
  const serverUrl = server.publicUrl;
  const paint = createPaint(process.stdout);
  const calls = createLiveCalls({ space, serverUrl, paint });
  const interruption = new Promise<'interrupted'>((resolve) => {
    process.once('SIGINT', () => resolve('interrupted'));
    process.once('SIGTERM', () => resolve('interrupted'));
  });
  let prompt: Prompt | undefined;

  async function showAll(): Promise<boolean> {
    write(`Conference Coach runs at ${serverUrl}. A simulated Space calls it.\n`);
    const pause = () => sleep(process.stdout.isTTY && !once ? READING_MS : 0);
    await demonstrate({ calls, write, paint, pause });
    if (once) {
      write('');
      return runStories({ space, url: serverUrl, paint, write });
    }
    const secret = await addToken(people.ROSTER_FILE);
    await server.reloadRoster();
    const { alice, bob, ted } = TUTORIAL_CAST;
    phones.serve({ space, serverUrl, numbers: { alice, bob, ted }, nameOf });
    write(invitation(phones.url, password));
    prompt = openPrompt({
      stdin: process.stdin,
      stdout: process.stdout,
      interrupt: () => process.kill(process.pid, 'SIGINT'),
    });
    const curl = curlCommands({ serverUrl, restUrl: api.url, ...CREDENTIALS, signingKey: SIGNING_KEY, secret });
    await takeCommands({ prompt, calls, space, curl });
    return true;
  }

  const outcome = await Promise.race([showAll(), interruption]);
  if (!once) {
    prompt?.close();
    // Before the prompt, the terminal shows Ctrl-C.
    write(prompt === undefined ? '\nStopping.' : 'Stopping.');
  }
  await server.stop(0);
  process.exit(outcome === true || !once ? 0 : 1);
}

/** Writes a roster of the stories' people to a temporary file, which is removed when the process exits. */
async function writeRoster(password: string): Promise<{ ROSTER_FILE: string; PIN_KEY: string }> {
  const { alice, ted } = TUTORIAL_CAST;
  const key = randomUUID();
  const folder = await mkdtemp(join(tmpdir(), 'conference-coach-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'roster.json');
  const roster = {
    moderators: [
      { name: 'Alice', number: alice },
      { name: 'Carol', number: TUTORIAL_AGENT, rooms: ['support'] },
    ],
    supervisors: [
      {
        name: 'Ted',
        number: ted,
        pin: hashPin(key, parsePin(TUTORIAL_PIN) as Pin),
        password: await hashPassword(password),
        rights: RIGHTS,
      },
    ],
  };
  await writeFile(file, JSON.stringify(roster));
  return { ROSTER_FILE: file, PIN_KEY: key };
}

/** Adds a token with all rights beside the roster. Returns its secret. */
async function addToken(rosterFile: string): Promise<string> {
  const secret = createSecret();
  const [name, hash, rights] = ['demo', hashSecret(secret), new Set(RIGHTS)];
  await changeTokensFile(tokensFileBeside(rosterFile), () => [
    { name, hash, rights, rooms: 'all', created: Date.now(), expires: undefined },
  ]);
  return secret;
}

/** Runs one story after the other. Resolves to whether all passed. */
async function runStories(options: Parameters<typeof runStory>[1]): Promise<boolean> {
  for (const [title, story] of STORIES) {
    options.write(`${title}\n`);
    if (!(await runStory(story, options)).passed) {
      return false;
    }
  }
  return true;
}

function invitation(url: string, password: string): string {
  return `
In your browser, three telephones and the supervisors' screen:
  ${url}    Sign in as Ted, password ${password}

Or type: bob calls, ted *2, alice hangs up, who hears whom, help, quit`;
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

// The reader is gone, for example `head`.
process.stdout.on('error', () => process.exit(1));
void runCommand('demo', main, { failureCode: 1 });
