import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from './redis-server';
import { temporaryFolder } from './temporary-folder';

const DIST = join(__dirname, '../../dist');

/** How long a program may take to say something, on a machine that is busy with other things. */
const PATIENCE_MS = 30_000;

/** A built program as its own process. */
export interface RunningProgram {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Waits until it says this on standard output, after what was waited for before. */
  says(text: string): Promise<void>;
  /** The exit code, when it has ended. */
  exit: Promise<number | null>;
}

export interface RunningServer extends RunningProgram {
  /** The port it says it listens on; fails if it ends before. */
  port(): Promise<number>;
}

/** Starts a program of `dist` with this environment alone, in an empty folder unless one is given. */
export async function runProgram(
  program: string,
  args: string[] = [],
  env: Record<string, string> = {},
  folder = temporaryFolder(),
): Promise<RunningProgram> {
  return follow(
    spawn(process.execPath, [join(DIST, program), ...args], { cwd: folder, env: { PATH: process.env.PATH, ...env } }),
  );
}

/** Starts a program of `dist` on a terminal, with 80 columns. What is written to its standard input is typed. */
export async function runOnTerminal(program: string): Promise<RunningProgram> {
  const command = `stty cols 80; exec '${process.execPath}' '${join(DIST, program)}'`;
  return follow(
    spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
      cwd: temporaryFolder(),
      env: { PATH: process.env.PATH },
    }),
  );
}

function follow(child: ChildProcessWithoutNullStreams): RunningProgram {
  let stdout = '';
  let stderr = '';
  let heard = 0;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    exit: once(child, 'close').then(([code]) => code as number | null),
    says: (text) =>
      eventually(() => {
        const at = stdout.indexOf(text, heard);
        if (at < 0) {
          throw new Error(`It did not say ${text}: ${stdout}${stderr}`);
        }
        heard = at + text.length;
      }, PATIENCE_MS),
  };
}

/** Starts the server, in an empty folder unless one is given, with these settings alone. */
export async function startProgram(env: Record<string, string>, folder?: string): Promise<RunningServer> {
  const program = await runProgram('main.js', [], env, folder);
  return {
    ...program,
    port: () =>
      eventually(() => {
        const line = program
          .stdout()
          .split('\n')
          .find((text) => text.includes('is listening'));
        if (line === undefined) {
          throw new Error(`It is not listening: ${program.stdout()}${program.stderr()}`);
        }
        return JSON.parse(line).port as number;
      }, PATIENCE_MS),
  };
}
