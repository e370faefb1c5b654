import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './redis-server';

const MAIN = join(__dirname, '../../dist/main.js');

/** The built program as its own process, in an empty folder, with these settings alone. */
export interface RunningProgram {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** The port it says it listens on; fails if it ends before. */
  port(): Promise<number>;
  /** The exit code, when it has ended. */
  exit: Promise<number | null>;
}

export async function startProgram(env: Record<string, string>, folder?: string): Promise<RunningProgram> {
  const cwd = folder ?? (await mkdtemp(join(tmpdir(), 'conference-coach-')));
  const child = spawn(process.execPath, [MAIN], { cwd, env: { PATH: process.env.PATH, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const exit = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    exit,
    port: () =>
      eventually(() => {
        const line = stdout.split('\n').find((text) => text.includes('is listening'));
        if (line === undefined) {
          throw new Error(`It is not listening: ${stdout}${stderr}`);
        }
        return JSON.parse(line).port as number;
      }),
  };
}
