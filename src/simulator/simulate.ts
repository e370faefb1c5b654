import { readFile } from 'node:fs/promises';
import { type CommandContext, parseCommandLine, processContext, runCommand } from '../cli/run-command';
import { UserError } from '../ops/user-error';
import { type PhoneNumber, parsePhoneNumber } from '../people/address';
import { parseRoomName, ROOM_NAME_FORM } from '../rooms/room';
import { SMOKE_TEST_ROOM } from '../rooms/smoke-test';
import { readDotenv } from '../settings/dotenv';
import { CallError } from './call-error';
import { hintFor, hintForStatus } from './hints';
import { type Program, playProgram } from './play-program';
import { createPaint } from './report';
import { knock, readServerAddress, type ServerAddress } from './server-address';
import { prepareSmokeTest } from './smoke-test/smoke-test';
import { parseStory, type Story } from './story';

const HELP = `Plays phone calls against a running server, as a Space would, and checks who hears whom: a smoke test before
customers call. Without options, it reads the server's own settings (environment and .env) and roster.

  npm run simulate [-- OPTIONS]                     in the image: node dist/simulator/simulate.js [OPTIONS]

  --to URL              where to send the requests if PUBLIC_URL does not lead to the server yet, such as
                        http://localhost:3000; they are signed for PUBLIC_URL
  --moderator NUMBER    the agent, and
  --supervisor NUMBER   the supervisor, instead of those picked from MODERATOR_NUMBERS, SUPERVISOR_NUMBERS and the roster
  --pin-stdin           reads PINs from standard input, a line each, where there is no terminal to ask for them
  --room ROOM           the room (default ${SMOKE_TEST_ROOM}, which is open to everybody in the roster); nobody else may
                        use it meanwhile
  --method METHOD       how webhooks are requested: POST or GET (default POST)
  --url URL             the PUBLIC_URL of a server with other settings than those here
  --signing-key KEY     its SIGNALWIRE_SIGNING_KEY. Better set it in the environment: other users of this machine can see
                        options
  --story FILE          a story of your own, in YAML or JSON: see docs/stories.md
  --help                show this text

Exit code: 0 if every step passed and the server accepted every status callback, 1 if not, 2 if settings or
options are wrong.
`;

/**
 * `npm run simulate`. Resolves to its exit code.
 *
 * @param signal hangs up for everybody
 * @throws UserError if it cannot start
 */
export async function simulate(context: CommandContext, signal: AbortSignal): Promise<number> {
  const { args, env, stdout, stderr } = context;
  const options = readArguments(args);
  if (options.help) {
    stdout.write(HELP);
    return 0;
  }
  const { url, to, 'signing-key': key } = options;
  const server = await readServerAddress({ url, to, 'signing-key': key || undefined }, env);
  const program =
    options.story === undefined
      ? await readSmokeTest(server, options, context)
      : { cast: [], parts: [{ story: await readStoryFile(options.story, options) }], pins: [], room: undefined };
  if (signal.aborted) {
    return signal.reason;
  }
  const complain = (sentence: string) => void stderr.write(`simulate: ${sentence}\n`);
  const write = (text: string) =>
    void stdout.write(`${program.pins.reduce((rest, pin) => rest.replaceAll(pin, 'PIN'), text)}\n`);
  const way = server.detour === undefined ? '' : ` by way of ${server.detour.to}`;
  write([`A simulated Space calls ${server.url}${way}.`, ...program.cast, ''].join('\n'));
  const obstacle = await findObstacle(server);
  if (obstacle !== undefined) {
    complain(obstacle);
    return 1;
  }
  const passed = await playProgram(program, server, { write, complain, paint: createPaint(stdout), signal });
  return signal.aborted ? signal.reason : passed ? 0 : 1;
}

/** Why no call can succeed, and what to do; undefined if calls can be tried. */
async function findObstacle(server: ServerAddress): Promise<string | undefined> {
  try {
    return hintForStatus(await knock(server), server);
  } catch (error) {
    if (error instanceof CallError) {
      return hintFor(error, server) ?? error.message;
    }
    throw error;
  }
}

function readArguments(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  return parseCommandLine(
    {
      args,
      options: {
        url: text,
        to: text,
        'signing-key': text,
        moderator: text,
        supervisor: text,
        'pin-stdin': flag,
        room: text,
        method: text,
        story: text,
        help: flag,
      },
    },
    'Run with --help for the options.',
  );
}

type Options = ReturnType<typeof readArguments>;

function readNumber(name: 'moderator' | 'supervisor', text: string | undefined): PhoneNumber | undefined {
  const number = text?.startsWith('+') ? parsePhoneNumber(text) : undefined;
  if (text !== undefined && number === undefined) {
    throw new UserError([`--${name} must be a telephone number in E.164 form, such as +15557788999.`]);
  }
  return number;
}

async function readSmokeTest(
  { config }: ServerAddress,
  options: Options,
  io: Pick<CommandContext, 'stdin' | 'stderr'>,
): Promise<Program> {
  const { room = SMOKE_TEST_ROOM, method = 'POST' } = options;
  if (parseRoomName(room) === undefined) {
    throw new UserError([`--room must be ${ROOM_NAME_FORM}, with no space at either end, and not . or ..`]);
  }
  if (method !== 'POST' && method !== 'GET') {
    throw new UserError(['--method must be POST or GET.']);
  }
  const { parts, ...test } = await prepareSmokeTest(config, {
    ...io,
    room,
    moderator: readNumber('moderator', options.moderator),
    supervisor: readNumber('supervisor', options.supervisor),
    readsPins: options['pin-stdin'],
  });
  return {
    ...test,
    room,
    parts: parts.map((part) => ('story' in part ? { ...part, story: { ...part.story, method } } : part)),
  };
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
  readDotenv();
  process.exitCode = await simulate(processContext(), stop.signal);
  if (stop.signal.aborted) {
    process.exit();
  }
}

if (require.main === module) {
  void runCommand('simulate', main);
}
