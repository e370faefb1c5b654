import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Questions to a measured process: its processor time so far in microseconds, its resident memory in bytes. */
export type Question = 'cpu' | 'memory';

export interface Answer {
  question: Question;
  value: number;
}

/** A server in a process of its own. */
export interface MeasuredServer {
  port: number;
  /** From the start of the process to its first answer, in milliseconds. */
  startMs: number;
  ask(question: Question): Promise<number>;
  /** Sends a message to its probe. @returns the reply */
  tell(message: string): Promise<unknown>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;

/**
 * Starts a server and waits until `readyPath` answers 200.
 *
 * @param script the file to run, under `dist`
 * @param env its settings; `PORT` is added
 * @param log takes its standard output
 */
export async function startServer(
  script: string,
  {
    env,
    readyPath,
    log,
    probe = 'probe.js',
    nodeOptions = [],
  }: {
    env: Readonly<Record<string, string>>;
    readyPath: string;
    log: FileHandle | 'ignore';
    probe?: string;
    nodeOptions?: readonly string[];
  },
): Promise<MeasuredServer> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [...nodeOptions, '--require', join(__dirname, probe), join(__dirname, script)],
    {
      env: { PATH: process.env.PATH, ...env, PORT: String(port) },
      stdio: ['ignore', log === 'ignore' ? 'ignore' : log.fd, 'inherit', 'ipc'],
    },
  );
  async function tell(message: string): Promise<unknown> {
    const answered = once(child, 'message');
    child.send(message);
    return (await answered)[0];
  }

  const startMs = await waitUntil(() => answers(port, readyPath), child).then(() => performance.now() - startedAt);
  return {
    port,
    startMs,
    ask: async (question) => ((await tell(question)) as Answer).value,
    tell,
    stop: () => stop(child),
  };
}

/** A separate redis-server that keeps nothing on disk. */
export interface BenchRedis {
  url: string;
  stop(): Promise<void>;
}

/** @throws Error if no redis-server is installed */
export async function startRedis(): Promise<BenchRedis> {
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  });
  const isInstalled = await Promise.race([
    once(child, 'spawn').then(() => true),
    once(child, 'error').then(() => false),
  ]);
  if (!isInstalled) {
    throw new Error('There is no redis-server to measure with; install one.');
  }
  await waitUntil(() => accepts(port), child);
  return { url: `redis://127.0.0.1:${port}`, stop: () => stop(child) };
}

/** A file for a server's log, as a container runtime has one; deleted when it is closed. */
export async function openLogFile(): Promise<{ file: FileHandle; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'conference-coach-bench-'));
  const file = await open(join(folder, 'log'), 'a');
  return {
    file,
    async close() {
      await file.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill();
    await once(child, 'exit');
  }
}

/** Checks every 2 ms until it holds. @throws Error if the process ends or takes too long */
async function waitUntil(holds: () => Promise<boolean>, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await holds())) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop(child);
      throw new Error(`${child.spawnargs.join(' ')} did not start.`);
    }
    await sleep(2);
  }
}

function answers(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, path, agent: false }, (res) => {
      res.resume().once('end', () => resolve(res.statusCode === 200));
    })
      .once('error', () => resolve(false))
      .end();
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).once('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
