import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { expect } from '@jest/globals';
import { onTestFinished } from './on-test-finished';
import { type RunningServer, startProgram } from './process';
import { openSocket, type RawSocket } from './raw-socket';
import { sign } from './sign';

const KEY = 'PSK_test';
const PUBLIC_URL = 'https://coach.example.com';

/** A server with a signing key, on a port that the system chose. */
export const SETTINGS = { PORT: '0', SIGNALWIRE_SIGNING_KEY: KEY, PUBLIC_URL };

export interface AttackedServer extends RunningServer {
  at: number;
  /** The memory it holds, in MB. */
  residentMb(): number;
}

/** Starts the server as a process; it is killed when the test is over. */
export async function startAttacked(env: Record<string, string> = {}): Promise<AttackedServer> {
  const program = await startProgram({ ...SETTINGS, ...env });
  onTestFinished(() => {
    program.child.kill('SIGKILL');
    return program.exit;
  });
  const status = `/proc/${program.child.pid}/status`;
  return {
    ...program,
    at: await program.port(),
    residentMb: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1]) / 1024,
  };
}

export function openMany(count: number, port: number, bytes?: string): Promise<RawSocket[]> {
  return Promise.all(Array.from({ length: count }, () => openSocket(port, bytes)));
}

const CALL_PATH = '/conference?CallSid=bob-1&From=%2B15550001111';
const CALL_SIGNATURE = sign(KEY, PUBLIC_URL + CALL_PATH);

/** The bytes of a signed call. */
export const SIGNED_REQUEST = `GET ${CALL_PATH} HTTP/1.1\r\nHost: a\r\nX-SignalWire-Signature: ${CALL_SIGNATURE}\r\n\r\n`;

/** A signed call, on a connection of its own unless there is an agent; how many milliseconds its document took. */
export function call(port: number, agent: Agent | false = false): Promise<number> {
  const startedAt = performance.now();
  const headers = { 'x-signalwire-signature': CALL_SIGNATURE };
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: CALL_PATH, headers, agent }, (res) => {
      expect(res.statusCode).toBe(200);
      res.resume().on('end', () => resolve(performance.now() - startedAt));
    })
      .on('error', reject)
      .end();
  });
}

/** Asks without a signature on so many connections, each at full speed, until it is stopped. */
export function floodUnsigned(port: number, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let isOver = false;
  let refused = 0;
  const floods = Array.from({ length: connections }, async () => {
    while (!isOver) {
      const req = request({ agent, port, host: '127.0.0.1', path: '/conference?CallSid=a-1' }).end();
      const [res] = await once(req, 'response');
      await once(res.resume(), 'end');
      refused++;
    }
  });
  return {
    /** How many requests were refused in all. */
    async stop(): Promise<number> {
      isOver = true;
      await Promise.all(floods);
      agent.destroy();
      return refused;
    },
  };
}

/** The time that 95 of 100 calls stay below, in milliseconds. */
export function p95(delaysMs: readonly number[]): number {
  const sorted = [...delaysMs].sort((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}

/** Sends SIGTERM; the process must end well within the 10 s of `docker stop` and a second. */
export async function expectToStop(program: RunningServer): Promise<void> {
  const startedAt = Date.now();
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
  expect(Date.now() - startedAt).toBeLessThan(11_000);
}
