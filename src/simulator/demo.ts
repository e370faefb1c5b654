import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { type ConferenceCoach, explainStartFailure, StartError, startConferenceCoach } from '../conference-coach';
import { loadConfig } from '../config';
import { hashPin, type Pin, parsePin } from '../people/pin';
import { computeSignature } from '../signalwire/signature';
import type { Call } from './call';
import { BEGINNING, type Mark, markOf, rowsOf } from './play-story';
import { createPaint, type Paint, printable, renderMatrix } from './report';
import { serveRestApi } from './rest-api';
import { createSpace, type Space } from './space';
import { tellStory } from './tell-story';
import { keypadStory, TUTORIAL_AGENT, TUTORIAL_CAST, TUTORIAL_PIN, tutorialStory } from './tutorial';

const SIGNING_KEY = 'PSK_demo';
const CREDENTIALS = { accountSid: 'demo', apiToken: 'demo' };
/** How often the matrix is looked at while people try things, in milliseconds. */
const LIVE_STEP_MS = 200;

const STORIES = [
  ['First story: Ted supervises from his own telephone.', tutorialStory(TUTORIAL_CAST)],
  ['Second story: Ted calls from an unknown telephone, with a PIN and the keypad.', keypadStory(TUTORIAL_CAST)],
] as const;

const HELP = `Starts the server and a simulated Space, plays two stories of phone calls, and shows who hears whom after each step.
Then it stays up, and prints commands to place calls yourself.

  npm run demo -- [--once]

  --once    end after the stories, with code 0 if everybody heard the right people, otherwise 1
  --help    show this text

PORT in the environment sets the server's port; by default it is any free one.`;

/** `npm run demo`: the server and a simulated Space in one process, the tutorial's story, then room to try things. */
async function main(): Promise<void> {
  const { once, help } = readArguments();
  if (help) {
    write(HELP);
    return;
  }
  const space = createSpace({ signingKey: SIGNING_KEY, ...CREDENTIALS });
  const api = await serveRestApi(space);
  // Nothing of `.env`: the demo touches no real store and no real Space.
  const config = loadConfig({
    PORT: process.env.PORT || '0',
    ...(await writeRoster()),
    SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
    SIGNALWIRE_SPACE_URL: api.url,
    SIGNALWIRE_PROJECT_ID: CREDENTIALS.accountSid,
    SIGNALWIRE_API_TOKEN: CREDENTIALS.apiToken,
    LOG_LEVEL: 'silent',
  });
  const server = await startConferenceCoach(config, pino({ level: 'silent' }));
  const paint = createPaint(process.stdout);
  const interruption = new Promise<'interrupted'>((resolve) => {
    process.once('SIGINT', () => resolve('interrupted'));
    process.once('SIGTERM', () => resolve('interrupted'));
  });

  write(`Conference Coach runs at ${server.publicUrl}. A simulated Space calls it.\n`);
  const told = tellStories({ space, url: server.publicUrl, paint, write });
  const outcome = await Promise.race([told, interruption]);
  if (!once && outcome !== 'interrupted') {
    write(invitation(server, api.url));
    await Promise.race([interruption, watch(space, paint)]);
    write('\nStopping.');
  }
  await server.stop(0);
  process.exit(outcome === true ? 0 : 1);
}

/** A roster with the people of the stories, in a temporary file; removed when the process exits. */
async function writeRoster(): Promise<{ ROSTER_FILE: string; PIN_KEY: string }> {
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
    supervisors: [{ name: 'Ted', number: ted, pin: hashPin(key, parsePin(TUTORIAL_PIN) as Pin) }],
  };
  await writeFile(file, JSON.stringify(roster));
  return { ROSTER_FILE: file, PIN_KEY: key };
}

/** Tells one story after the other. Resolves to whether all went as they should. */
async function tellStories(options: Parameters<typeof tellStory>[1]): Promise<boolean> {
  for (const [title, story] of STORIES) {
    options.write(`${title}\n`);
    if (!(await tellStory(story, options)).isRight) {
      return false;
    }
  }
  return true;
}

function readArguments() {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ options: { once: flag, help: flag } }).values;
  } catch (error) {
    const [what] = (error as Error).message.split(/\.\s/);
    throw new StartError(`${what}. Run with --help for the options.`);
  }
}

/** Lets time pass as it does outside, and shows who hears whom whenever that changes, what is said and what fails. */
async function watch(space: Space, paint: Paint): Promise<never> {
  const marks = new Map(space.calls.map((call) => [call, markOf(call)]));
  let shown = renderMatrix([], paint);
  for (;;) {
    await sleep(LIVE_STEP_MS);
    await space.clock.advance(LIVE_STEP_MS);
    for (const call of space.calls) {
      for (const line of newsOf(call, marks.get(call))) {
        write(`    ${paint('yellow', printable(line))}`);
      }
      marks.set(call, markOf(call));
    }
    const matrix = renderMatrix(rowsOf(space, nameOf), paint);
    if (matrix !== shown) {
      write(`${matrix}\n`);
      shown = matrix;
    }
  }
}

/** What happened to a call since and is not seen in the matrix. */
function newsOf(call: Call, since: Mark = BEGINNING): string[] {
  const { told, errors } = call;
  return [
    ...told.slice(since.told).map((text) => `${nameOf(call)} is told: "${text}"`),
    ...errors.slice(since.errors).map(({ code, message }) => `${nameOf(call)}'s call failed with ${code}: ${message}`),
  ];
}

function nameOf({ direction, from, to }: Call): string {
  const number = direction === 'inbound' ? from : to;
  const { alice, bob, carol, ted } = TUTORIAL_CAST;
  const names = { [alice]: 'Alice', [bob]: 'Bob', [carol]: 'Carol', [TUTORIAL_AGENT]: 'Carol', [ted]: 'Ted' };
  return names[number ?? ''] ?? number ?? 'somebody';
}

function invitation({ publicUrl }: ConferenceCoach, apiUrl: string): string {
  const account = `${apiUrl}/2010-04-01/Accounts/demo`;
  const place = (to: string, path: string) =>
    `  curl -su demo:demo ${account}/Calls --data-urlencode To=${to} --data-urlencode From=+15550009999 --data-urlencode 'Url=${publicUrl}${path}'`;
  const fields = { CallSid: 'carol-1', From: TUTORIAL_CAST.carol };
  const signature = computeSignature(SIGNING_KEY, { url: `${publicUrl}/conference`, fields });
  const ask = `curl -i ${publicUrl}/conference -d CallSid=${fields.CallSid} --data-urlencode From=${fields.From}`;
  return [
    'Try it yourself. Let the Space call Bob, Alice and Ted; who hears whom appears here:',
    place(TUTORIAL_CAST.bob, '/conference'),
    place(TUTORIAL_CAST.alice, '/conference'),
    place(TUTORIAL_CAST.ted, '/coach?mode=monitor'),
    'List conferences and calls; hang up a call by its "sid":',
    `  curl -su demo:demo '${account}/Conferences?Status=in-progress'`,
    `  curl -su demo:demo ${account}/Calls`,
    `  curl -su demo:demo ${account}/Calls/SID -d Status=completed`,
    'Ask the server for a document as the Space does, signed; then unsigned, which it refuses; then whether it is ready:',
    `  ${ask} -H 'X-SignalWire-Signature: ${signature}'`,
    `  ${ask}`,
    `  curl -i ${publicUrl}/readyz`,
    'Press Ctrl-C to stop.\n',
  ].join('\n');
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

// Whoever reads has gone, as `head` does.
process.stdout.on('error', () => process.exit(1));
main().catch(async (error) => {
  for (const sentence of await explainStartFailure(error)) {
    process.stderr.write(`demo: ${sentence}\n`);
  }
  process.exit(1);
});
