import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real redis-server of a test's own. */
export interface RedisServer {
  port: number;
  url: string;
  /** Kills it without a goodbye; its data is gone. */
  kill(): Promise<void>;
  /** Starts it anew at the same port, empty. */
  restart(): Promise<void>;
  /** Makes it hang: connections are accepted, nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Kills it for good and removes its files. */
  dispose(): Promise<void>;
}

/** Below the ports that the system gives to connections: one of those might be taken before a program listens on it. */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_999;

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Starts a redis-server; `args` are more of its command line. Nothing is kept on disk. */
export async function startRedis(args: readonly string[] = [], port?: number): Promise<RedisServer> {
  const chosenPort = port ?? (await freePort());
  const dir = await mkdtemp(join(tmpdir(), 'redis-'));
  let child = await launch();

  async function launch(): Promise<ChildProcess> {
    const options = ['--port', String(chosenPort), '--bind', '127.0.0.1', '--save', '', '--dir', dir, ...args];
    const started = spawn('redis-server', options, { stdio: 'ignore' });
    const isOver = new AbortController();
    try {
      await Promise.race([
        waitForPort(chosenPort, isOver.signal),
        once(started, 'exit').then(([code]) => {
          throw new Error(`redis-server ${options.join(' ')} ended with code ${code}`);
        }),
      ]);
    } finally {
      isOver.abort();
    }
    return started;
  }

  async function kill(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  return {
    port: chosenPort,
    url: `redis://127.0.0.1:${chosenPort}`,
    kill,
    async restart() {
      await kill();
      child = await launch();
    },
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async dispose() {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function waitForPort(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await sleep(10);
    } finally {
      socket.destroy();
    }
  }
}

/** Waits until `check` holds, asking again every few milliseconds; fails after `timeoutMs`. */
export async function eventually<T>(check: () => Promise<T> | T, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) {
        throw error;
      }
      await sleep(20);
    }
  }
}
