import type { Readable, Writable } from 'node:stream';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UserError } from '../ops/user-error';
import { readDotenv } from '../settings/dotenv';

/** Arguments, environment and streams of a command, from a shell or a test. */
export interface CommandContext {
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable;
  stderr: Writable;
}

export interface RunOptions {
  /** The exit code of a command that fails; 2 by default. */
  failureCode?: number;
  /** Where it says why; this process's by default. */
  stderr?: Writable;
  /** Ends the process; `process.exit` by default. */
  exit?: (code: number) => void;
}

/**
 * Runs a command. If it fails, says why on standard error, each line after the command's name, and exits: the problems
 * of a {@link UserError}, or the stack of a fault in the program.
 */
export async function runCommand(
  name: string,
  command: () => Promise<void>,
  { failureCode = 2, stderr = process.stderr, exit = process.exit }: RunOptions = {},
): Promise<void> {
  try {
    await command();
  } catch (error) {
    const lines = error instanceof UserError ? error.problems : [error instanceof Error ? error.stack : error];
    for (const line of lines) {
      // Problems may quote a file or a setting, whose control characters could steer a terminal.
      stderr.write(`${name}: ${String(line).replace(/(?!\n)\p{C}/gu, '?')}\n`);
    }
    exit(failureCode);
  }
}

/** This process as its command sees it. */
export function processContext(): CommandContext {
  const { argv, env, stdin, stdout, stderr } = process;
  return { args: argv.slice(2), env, stdin, stdout, stderr };
}

/**
 * Runs a command that reads the server's settings as this process, with those of `.env` too. A command that returns an
 * exit code ends the process, whatever it has left open.
 */
export function runSettingsCommand(
  name: string,
  command: (context: CommandContext) => Promise<void> | Promise<number>,
): void {
  exitWithoutReader(name);
  void runCommand(name, async () => {
    readDotenv();
    const code = await command(processContext());
    if (typeof code === 'number') {
      process.stdout.write('', () => process.exit(code));
    }
  });
}

/** Ends a command that can no longer print: quietly when its reader has gone, as `head` does. */
function exitWithoutReader(name: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      process.exit(0);
    }
    process.stderr.write(`${name}: Cannot write the output: ${error.message}.\n`);
    process.exit(2);
  });
}

/**
 * Parses the options of a command line.
 *
 * @param hint a sentence that follows the problem
 * @throws UserError
 */
export function parseCommandLine<const T extends ParseArgsConfig>(
  config: T,
  hint?: string,
): ReturnType<typeof parseArgs<T>>['values'] {
  return parseArguments(config, hint).values;
}

/** As {@link parseCommandLine}, with the arguments that are no options. */
export function parseArguments<const T extends ParseArgsConfig>(
  config: T,
  hint = 'See --help.',
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    // Node's other sentences are about quoting.
    const [problem] = (error as Error).message.split(/\.\s/);
    throw new UserError([`${problem}. ${hint}`]);
  }
}
