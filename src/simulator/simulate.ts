import { readFile } from 'node:fs/promises';
import { type CommandContext, parseCommandLine, processContext, runCommand } from '../cli/run-command';
import { UserError } from '../ops/user-error';
import { parsePhoneNumber } from '../people/address';
import { parseRoomName, ROOM_NAME_FORM } from '../rooms/room';
import { type CallError, CODES } from './call-error';
import type { StepReport } from './play-story';
import { createPaint, printable } from './report';
import { runStory } from './run-story';
import { createSpace } from './space';
import { parseStory, type Story } from './story';
import { TUTORIAL_CAST, tutorialStory } from './tutorial';

/** Not a real room: supervisors would be connected to its simulated moderator. */
const SMOKE_TEST_ROOM = 'smoke-test';

const HELP = `Plays phone calls against a running server, as a Space would, and checks who hears whom.

  SIGNALWIRE_SIGNING_KEY=PSK_… npm run simulate -- --url https://coach.example.com

  --url URL             the server's PUBLIC_URL; required
  --signing-key KEY     the server's SIGNALWIRE_SIGNING_KEY; without one, nothing is signed. Better set it in the
                        environment: other users of this machine can see options. (.env is not read)
  --moderator NUMBER    the agent (default ${TUTORIAL_CAST.alice}): one of the server's MODERATOR_NUMBERS, or a number in
                        its roster for all rooms and without requirePin
  --supervisor NUMBER   the supervisor (default ${TUTORIAL_CAST.ted}): one of SUPERVISOR_NUMBERS, or in the roster likewise
  --room ROOM           the room (default ${SMOKE_TEST_ROOM}); nobody else may use it meanwhile
  --method METHOD       how webhooks are requested: POST or GET (default POST)
  --story FILE          a story of your own, in YAML or JSON: see docs/stories.md
  --help                show this text

Exit code: 0 if every step passed and the server accepted every status callback, 1 if not, 2 if it cannot start.
`;

/**
 * `npm run simulate`. Resolves to its exit code.
 *
 * @param signal hangs up for everybody
 * @throws UserError if it cannot start
 */
export async function simulate(
  { args, env, stdout, stderr }: Omit<CommandContext, 'stdin'>,
  signal: AbortSignal,
): Promise<number> {
  const options = readArguments(args);
  if (options.help) {
    stdout.write(HELP);
    return 0;
  }
  const url = readUrl(options.url);
  const story = options.story === undefined ? readTutorial(options) : await readStoryFile(options.story, options);
  // During a key rotation the setting holds two keys; the server accepts either.
  const [signingKey] = (options['signing-key'] || env.SIGNALWIRE_SIGNING_KEY)?.split(',') ?? [];
  const { seed = Math.floor(Math.random() * 2 ** 31), delaySeconds = 0, ...chaos } = story.callbacks ?? {};
  const space = createSpace({ signingKey, chaos: { seed, delayMs: delaySeconds * 1000, ...chaos }, ...story.space });
  const write = (text: string) => void stdout.write(`${text}\n`);
  write(`A simulated Space calls ${url}.${story.callbacks === undefined ? '' : ` Seed of the callbacks: ${seed}.`}\n`);
  const paint = createPaint(stdout);
  const isTutorial = options.story === undefined;
  const endsAfter = (report: StepReport) => isTutorial && findCastHints(report).length > 0;
  const result = await runStory(story, { space, url, paint, write, signal, endsAfter });
  space.close();
  if (signal.aborted) {
    return signal.reason;
  }
  const room = options.room ?? SMOKE_TEST_ROOM;
  const elsewhere = space.conferences.all().find(({ name }) => isTutorial && name !== room);
  if (elsewhere !== undefined) {
    stderr.write(`simulate: The server let people into ${printable(elsewhere.name)} instead of ${room}.\n`);
  }
  const passed = result.passed && elsewhere === undefined;
  if (!passed) {
    for (const hint of findHints(result.reports, { url, signingKey, isTutorial })) {
      stderr.write(`simulate: ${hint}\n`);
    }
  }
  return passed ? 0 : 1;
}

function readArguments(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseCommandLine(
    {
      args,
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
    },
    'Run with --help for the options.',
  );
}

type Options = ReturnType<typeof readArguments>;

function readUrl(text: string | undefined): string {
  if (text === undefined) {
    throw new UserError(['--url is required, for example --url http://localhost:3000.']);
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[?#]/.test(text)) {
    throw new UserError(['--url must be the address of a server, such as https://coach.example.com.']);
  }
  if (url.username || url.password) {
    throw new UserError(['--url must not contain a user or a password: a Space sends none.']);
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
}

function readNumber(name: string, text: string): string {
  const number = text.startsWith('+') ? parsePhoneNumber(text) : undefined;
  if (number === undefined) {
    throw new UserError([`--${name} must be a telephone number in E.164 form, such as +15557788999.`]);
  }
  return number;
}

function readTutorial({ moderator, supervisor, room = SMOKE_TEST_ROOM, method = 'POST' }: Options): Story {
  if (parseRoomName(room) === undefined) {
    throw new UserError([`--room must be ${ROOM_NAME_FORM}, with no space at either end, and not . or ..`]);
  }
  if (method !== 'POST' && method !== 'GET') {
    throw new UserError(['--method must be POST or GET.']);
  }
  const cast = {
    ...TUTORIAL_CAST,
    ...(moderator !== undefined && { alice: readNumber('moderator', moderator) }),
    ...(supervisor !== undefined && { ted: readNumber('supervisor', supervisor) }),
  };
  return { ...tutorialStory(cast, room), method };
}

async function readStoryFile(file: string, options: Options): Promise<Story> {
  for (const name of ['moderator', 'supervisor', 'room', 'method'] as const) {
    if (options[name] !== undefined) {
      throw new UserError([`--${name} cannot be combined with --story: the story has its own.`]);
    }
  }
  const text = await readFile(file, 'utf8').catch((error) => {
    throw new UserError([`The story ${file} cannot be read: ${error.message}.`]);
  });
  try {
    return parseStory(text);
  } catch (error) {
    throw error instanceof UserError ? new UserError(error.problems.map((problem) => `${file}: ${problem}`)) : error;
  }
}

/** Probable causes of failed steps, other than a wrong story. */
function findHints(
  reports: readonly StepReport[],
  { url, signingKey, isTutorial }: { url: string; signingKey: string | undefined; isTutorial: boolean },
): string[] {
  const failures = reports.flatMap(({ errors }) => errors.filter(({ expected }) => !expected));
  const hints = failures.flatMap(({ error }) => hintFor(error, url, signingKey) ?? []);
  return [...new Set([...hints, ...(isTutorial ? reports.flatMap(findCastHints) : [])])];
}

/** Why the server does not take somebody of the tutorial's story for who they are; the rest of it cannot pass then. */
function findCastHints({ rows, ended, told, action }: StepReport): string[] {
  const caller = action.kind === 'call' ? action.who : undefined;
  const hints: string[] = [];
  if (told.some(({ who, text }) => who === caller && text.includes('enter your PIN'))) {
    hints.push(`The server asks ${caller} for a PIN. Use a number without requirePin in its roster.`);
  }
  if (caller === 'Ted' && ended.some(({ who, status }) => who === caller && status === 'no-answer')) {
    hints.push(
      'The server rejects Ted. --supervisor must be one of its SUPERVISOR_NUMBERS, or in its roster for all rooms.',
    );
  }
  if (caller === 'Alice' && rows.some(({ who, sounds }) => who === caller && sounds.includes('music'))) {
    hints.push(
      'The server takes Alice for a caller. --moderator must be one of its MODERATOR_NUMBERS, or in its roster for all rooms.',
    );
  }
  return hints;
}

function hintFor(error: CallError, url: string, signingKey: string | undefined): string | undefined {
  const { code, status = 0 } = error;
  if (error.url !== undefined && !error.url.startsWith(`${url}/`)) {
    return 'The server sends calls to another address than --url. Its PUBLIC_URL must be the address it is reached at.';
  }
  if (status === 401) {
    return 'A proxy in front of the server asks for a password. A Space sends none.';
  }
  if (status === 403) {
    return signingKey === undefined
      ? 'The server requires signed requests. Set SIGNALWIRE_SIGNING_KEY to its signing key.'
      : 'The server refuses the signature. The key must be its SIGNALWIRE_SIGNING_KEY, and --url its PUBLIC_URL.';
  }
  if (status === 404) {
    return 'The server has no such path. --url must be its PUBLIC_URL, and the room a valid name.';
  }
  if (status >= 500) {
    return 'The server, or a proxy in front of it, failed. Its log says why.';
  }
  switch (code) {
    case CODES.noAnswer:
      return / did not /.test(error.message)
        ? 'The server is too slow. A Space waits 2 s for a connection and 5 s for an answer.'
        : `Nothing answers at ${url}. Is the server running there?`;
    case CODES.badHost:
      return `Host ${new URL(url).hostname} not found. Is --url the address of the server?`;
    case CODES.badProtocol:
      return `Wrong protocol. Is ${url} http or https?`;
    case CODES.badContentType:
      return `Something other than Conference Coach answers at ${url}.`;
    default:
      return undefined;
  }
}

/** Runs it as this process, which a signal interrupts, or a reader that is gone, for example `head`. */
async function main(): Promise<void> {
  const stop = new AbortController();
  const interrupt = (code: number) => {
    if (!stop.signal.aborted) {
      process.stderr.write('simulate: Hanging up. Press Ctrl-C again to quit at once.\n');
      stop.abort(code);
    }
  };
  process.once('SIGINT', () => interrupt(130));
  process.once('SIGTERM', () => interrupt(143));
  process.stdout.on('error', () => interrupt(1));
  process.exitCode = await simulate(processContext(), stop.signal);
  if (stop.signal.aborted) {
    process.exit();
  }
}

if (require.main === module) {
  void runCommand('simulate', main);
}
