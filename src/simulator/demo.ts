import { randomBytes, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { parseCommandLine, runCommand } from '../cli/run-command';
import { type ConferenceCoach, startConferenceCoach } from '../conference-coach';
import { loadConfig } from '../config';
import { hashPassword } from '../people/password';
import { hashPin, type Pin, parsePin } from '../people/pin';
import { RIGHTS } from '../people/rights';
import { createSecret, hashSecret } from '../people/tokens';
import { changeTokensFile, tokensFileBeside } from '../people/tokens-file';
import { computeSignature } from '../signalwire/signature';
import { type Call, numberOf, SPACE_NUMBER } from './call';
import { openPhones } from './phones/serve-phones';
import { type CallProgress, NO_PROGRESS, progressOf, rowsOf } from './play-story';
import { createPaint, type Paint, printable, renderMatrix } from './report';
import { serveRestApi } from './rest-api';
import { runStory } from './run-story';
import { createSpace, type Space } from './space';
import { keypadStory, TUTORIAL_AGENT, TUTORIAL_CAST, TUTORIAL_PIN, tutorialStory } from './tutorial';

const SIGNING_KEY = 'PSK_demo';
const CREDENTIALS = { accountSid: 'demo', apiToken: 'demo' };
/** How often changes are looked for while people try things, in milliseconds. */
const LIVE_STEP_MS = 200;

const STORIES = [
  ['First story: Ted supervises from his own telephone.', tutorialStory(TUTORIAL_CAST)],
  ['Second story: Ted calls from an unknown telephone, with a PIN and the keypad.', keypadStory(TUTORIAL_CAST)],
] as const;

const HELP = `Starts the server and a simulated Space, plays two stories of phone calls, and shows who hears whom after each step.
Then it prints commands for placing calls and for using the API, serves three telephones and the supervisors' screen to
your browser, with a sign-in that works only there, and waits for Ctrl-C.

  npm run demo -- [--once]

  --once    end after the stories, with code 0 if everybody heard the right people, otherwise 1
  --help    show this text

PORT in the environment sets the server's port; by default it is any free one.`;

/** `npm run demo`: the server and a simulated Space in one process play two stories, then wait for the user's calls. */
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
  const paint = createPaint(process.stdout);
  const interruption = new Promise<'interrupted'>((resolve) => {
    process.once('SIGINT', () => resolve('interrupted'));
    process.once('SIGTERM', () => resolve('interrupted'));
  });

  write(`Conference Coach runs at ${server.publicUrl}. A simulated Space calls it.\n`);
  const passed = runStories({ space, url: server.publicUrl, paint, write });
  const outcome = await Promise.race([passed, interruption]);
  if (!once && outcome !== 'interrupted') {
    const secret = await addToken(people.ROSTER_FILE);
    await server.reloadRoster();
    const { alice, bob, ted } = TUTORIAL_CAST;
    phones.serve({ space, serverUrl: server.publicUrl, numbers: { alice, bob, ted }, nameOf });
    write(commands(server, api.url, secret));
    write(invitation(phones.url, password));
    await Promise.race([interruption, watch(space, paint)]);
    write('\nStopping.');
  }
  await server.stop(0);
  process.exit(outcome === true ? 0 : 1);
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

/** Runs simulated time at the speed of real time. Prints who hears whom when it changes, what is said, and errors. */
async function watch(space: Space, paint: Paint): Promise<never> {
  const seen = new Map(space.calls.map((call) => [call, progressOf(call)]));
  let shown = renderMatrix([], paint);
  for (;;) {
    await sleep(LIVE_STEP_MS);
    await space.clock.advance(LIVE_STEP_MS);
    for (const call of space.calls) {
      for (const line of changesOf(call, seen.get(call))) {
        write(`    ${paint('yellow', printable(line))}`);
      }
      seen.set(call, progressOf(call));
    }
    const matrix = renderMatrix(rowsOf(space, nameOf), paint);
    if (matrix !== shown) {
      write(`${matrix}\n`);
      shown = matrix;
    }
  }
}

/** What happened to a call since, other than who hears whom. */
function changesOf(call: Call, since: CallProgress = NO_PROGRESS): string[] {
  const { told, errors } = call;
  return [
    ...told.slice(since.told).map((text) => `${nameOf(call)} is told: "${text}"`),
    ...errors.slice(since.errors).map(({ code, message }) => `${nameOf(call)}'s call failed with ${code}: ${message}`),
  ];
}

function nameOf(call: Call): string {
  const number = numberOf(call);
  const { alice, bob, carol, ted } = TUTORIAL_CAST;
  const names = { [alice]: 'Alice', [bob]: 'Bob', [carol]: 'Carol', [TUTORIAL_AGENT]: 'Carol', [ted]: 'Ted' };
  return names[number ?? ''] ?? number ?? 'somebody';
}

function invitation(url: string, password: string): string {
  return [
    'Open the telephones of Alice, Bob and Ted, and the supervisors’ screen beside them, in your browser:\n',
    `  ${url}\n`,
    'Sign in to the screen there. This works until you stop the demo:\n',
    '  Name      Ted',
    `  Password  ${password}`,
    '\nPress Ctrl-C to stop.\n',
  ].join('\n');
}

function commands({ publicUrl }: ConferenceCoach, restUrl: string, secret: string): string {
  const account = `${restUrl}/2010-04-01/Accounts/demo`;
  const place = (name: string, to: string, path: string) =>
    `${name}:\n  curl -su demo:demo ${account}/Calls --data-urlencode To=${to} --data-urlencode From=+15550009999 --data-urlencode 'Url=${publicUrl}${path}'`;
  const fields = { CallSid: 'carol-1', From: TUTORIAL_CAST.carol };
  const signature = computeSignature(SIGNING_KEY, { url: `${publicUrl}/conference`, fields });
  const ask = `curl -i ${publicUrl}/conference -d CallSid=${fields.CallSid} --data-urlencode From=${fields.From}`;
  const authorization = `-H 'Authorization: Bearer ${secret}'`;
  const api = `${publicUrl}/api/v1`;
  const room = `${api}/rooms/sample-conf`;
  const sidOfTed = 'JSON.parse(fs.readFileSync(0)).participants.find(({ name }) => name === "Ted").callSid';
  return [
    'Let the Space call somebody; who hears whom appears here.\n',
    place('Bob, a customer', TUTORIAL_CAST.bob, '/conference'),
    place('Alice, an agent', TUTORIAL_CAST.alice, '/conference'),
    place('Ted, a supervisor who listens', TUTORIAL_CAST.ted, '/coach?mode=monitor'),
    '\nList the conferences:',
    `  curl -su demo:demo '${account}/Conferences?Status=in-progress'`,
    'List the calls:',
    `  curl -su demo:demo ${account}/Calls`,
    'Hang up a call, by its "sid":',
    `  curl -su demo:demo ${account}/Calls/SID -d Status=completed`,
    '\nAsk the server for a document, signed as by the Space:',
    `  ${ask} -H 'X-SignalWire-Signature: ${signature}'`,
    'The same unsigned, which it refuses:',
    `  ${ask}`,
    'Ask whether it is ready, and its store:',
    `  curl -i ${publicUrl}/readyz`,
    "\nUse the server's API, with a token that works only here. List the rooms:",
    `  curl ${authorization} ${api}/rooms`,
    'When Ted is in, let him coach:',
    `  TED=$(curl -s ${authorization} ${room} | node -p '${sidOfTed}')`,
    `  curl -X PUT ${authorization} -H 'Content-Type: application/json' -d '{"mode":"coach"}' ${room}/supervisors/$TED/mode`,
    "Record the agent's call:",
    `  curl -X POST ${authorization} ${room}/recordings`,
    'End the conference:',
    `  curl -X DELETE ${authorization} ${room}/conference`,
    'Follow the live feed, until Ctrl-C:',
    `  curl -N ${authorization} ${api}/events`,
    '',
  ].join('\n');
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

// The reader is gone, for example `head`.
process.stdout.on('error', () => process.exit(1));
void runCommand('demo', main, { failureCode: 1 });
