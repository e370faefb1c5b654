import { Readable, Writable } from 'node:stream';
import { type CommandContext, runCommand } from '../../src/cli/run-command';

/** How a command is run; without arguments, settings and input unless they are given. */
export interface CommandRun {
  args?: string[];
  env?: Record<string, string>;
  input?: string;
  /** Whether the input comes from a terminal. */
  isTerminal?: boolean;
}

/** How a command ended, and all that it wrote. */
export interface CommandOutcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end in this process. It may return its exit code. */
export async function runInProcess(
  name: string,
  command: (context: CommandContext) => Promise<number> | Promise<void>,
  { args = [], env = {}, input = '', isTerminal = false }: CommandRun = {},
): Promise<CommandOutcome> {
  const outcome: CommandOutcome = { code: 0, stdout: '', stderr: '' };
  const into = (output: 'stdout' | 'stderr') =>
    new Writable({
      decodeStrings: false,
      write(text, _encoding, done) {
        outcome[output] += text;
        done();
      },
    });
  const stdin = Object.assign(Readable.from([input]), { isTTY: isTerminal });
  const [stdout, stderr] = [into('stdout'), into('stderr')];
  await runCommand(
    name,
    async () => {
      outcome.code = (await command({ args, env, stdin, stdout, stderr })) ?? 0;
    },
    {
      stderr,
      exit: (code) => {
        outcome.code = code;
      },
    },
  );
  return outcome;
}
