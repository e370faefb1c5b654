import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parseRoomName } from '../conferences/room-name';
import { CODES } from './call-error';
import type { StepReport } from './play-story';
import { createPaint } from './report';
import { createSpace, type Space } from './space';
import { parseStory, type Story, StoryError } from './story';
import { tellStory } from './tell-story';
import { TUTORIAL_CAST, tutorialStory } from './tutorial';

const HELP = `Plays calls against a running server, as a Space would, and tells who hears whom.

  npm run simulate -- --url https://coach.example.com --signing-key PSK_…

  --url URL             the server's PUBLIC_URL
  --signing-key KEY     its SIGNALWIRE_SIGNING_KEY; or set that in the environment; without one nothing is signed
  --moderator NUMBER    one of its MODERATOR_NUMBERS (${TUTORIAL_CAST.alice})
  --supervisor NUMBER   one of its SUPERVISOR_NUMBERS (${TUTORIAL_CAST.ted})
  --room ROOM           the room to meet in (smoke-test), best one that nobody else uses
  --method METHOD       POST or GET (POST)
  --story FILE          another story than the tutorial's, in YAML or JSON: see docs/stories.md
  --help                this text

It ends with code 0 if everything was as the story demands, 1 if not, 2 if it cannot begin.
`;

/** Why it cannot begin: sentences for the person who tries. */
class UsageError extends Error {
  readonly sentences: readonly string[];

  constructor(...sentences: string[]) {
    super(sentences.join('\n'));
    this.sentences = sentences;
  }
}

async function main(): Promise<void> {
  const options = readArguments();
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const url = readUrl(options.url);
  const story = options.story === undefined ? readTutorial(options) : await readStoryFile(options.story, options);
  const signingKey = options['signing-key'] || process.env.SIGNALWIRE_SIGNING_KEY || undefined;
  const { seed = Math.floor(Math.random() * 2 ** 31), delaySeconds = 0, ...chaos } = story.callbacks ?? {};
  const space = createSpace({ signingKey, chaos: { seed, delayMs: delaySeconds * 1000, ...chaos } });
  process.once('SIGINT', () => void abandon(space, 130));
  process.once('SIGTERM', () => void abandon(space, 143));

  const write = (text: string) => void process.stdout.write(`${text}\n`);
  write(`A simulated Space calls ${url}.${story.callbacks === undefined ? '' : ` Callbacks: seed ${seed}.`}\n`);
  const reports = await tellStory(story, { space, url, paint: createPaint(process.stdout), write });
  space.close();
  const isWrong = reports.some(({ problems }) => problems.length > 0);
  if (isWrong) {
    for (const hint of findHints(reports, signingKey)) {
      process.stderr.write(`simulate: ${hint}\n`);
    }
  }
  process.exitCode = isWrong ? 1 : 0;
}

function readArguments() {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      options: {
        url: text,
        'signing-key': text,
        moderator: text,
        supervisor: text,
        room: text,
        method: text,
        story: text,
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    const [what] = (error as Error).message.split(/\.\s/);
    throw new UsageError(`${what}. --help tells what there is.`);
  }
}

type Options = ReturnType<typeof readArguments>;

function readUrl(text: string | undefined): string {
  const url = URL.canParse(text ?? '') ? new URL(text ?? '') : undefined;
  if (text === undefined || url === undefined || !/^https?:$/.test(url.protocol) || /[?#]/.test(text)) {
    throw new UsageError('--url must be the address of a server, such as https://coach.example.com.');
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
}

function readTutorial({ moderator, supervisor, room = 'smoke-test', method = 'POST' }: Options): Story {
  if (parseRoomName(room) === undefined) {
    throw new UsageError('--room must be 1 to 64 letters, digits, spaces, _, . or -.');
  }
  if (method !== 'POST' && method !== 'GET') {
    throw new UsageError('--method must be POST or GET.');
  }
  const cast = {
    ...TUTORIAL_CAST,
    ...(moderator !== undefined && { alice: moderator }),
    ...(supervisor !== undefined && { ted: supervisor }),
  };
  return { ...tutorialStory(cast, room), method };
}

async function readStoryFile(file: string, options: Options): Promise<Story> {
  for (const name of ['moderator', 'supervisor', 'room', 'method'] as const) {
    if (options[name] !== undefined) {
      throw new UsageError(`--${name} goes with the tutorial's story alone; --story brings its own.`);
    }
  }
  const text = await readFile(file, 'utf8').catch((error) => {
    throw new UsageError(`The story ${file} cannot be read: ${error.message}.`);
  });
  try {
    return parseStory(text);
  } catch (error) {
    throw error instanceof StoryError ? new UsageError(...error.problems) : error;
  }
}

/** What is probably the matter, when it is not the story. */
function findHints(reports: readonly StepReport[], signingKey: string | undefined): string[] {
  const hints = new Set<string>();
  for (const { rows, ended, errors, action } of reports) {
    for (const { error } of errors) {
      if (error.status === 403) {
        hints.add(
          signingKey === undefined
            ? 'The server wants signed requests: give its SIGNALWIRE_SIGNING_KEY as --signing-key.'
            : 'The server refuses our signature: --signing-key must be its SIGNALWIRE_SIGNING_KEY, and --url its PUBLIC_URL.',
        );
      } else if (error.status === 404) {
        hints.add('The server has no such address: is --url its PUBLIC_URL, and the room one that can exist?');
      } else if (error.code === CODES.noAnswer || error.code === CODES.badHost) {
        hints.add('Nothing answers there: is the server running, and is --url its address?');
      }
    }
    if (ended.some(({ status }) => status === 'no-answer')) {
      hints.add('The server turned a call away: is --supervisor one of its SUPERVISOR_NUMBERS?');
    }
    const caller = action.kind === 'call' ? action.who : undefined;
    if (caller === 'Alice' && rows.some(({ who, sounds }) => who === caller && sounds.includes('music'))) {
      hints.add('The server let Alice in as a caller: is --moderator one of its MODERATOR_NUMBERS?');
    }
  }
  return [...hints];
}

/** Hangs up before leaving, so that the server does not wait for people who never were. */
async function abandon(space: Space, code: number): Promise<void> {
  for (const call of space.calls) {
    call.hangUp();
  }
  await space.clock.settle();
  process.exit(code);
}

main().catch((error) => {
  for (const sentence of error instanceof UsageError ? error.sentences : [error.stack]) {
    process.stderr.write(`simulate: ${sentence}\n`);
  }
  process.exit(2);
});
