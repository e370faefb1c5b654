import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from '@jest/globals';
import { onTestFinished } from '../support/on-test-finished';
import { openSocket } from '../support/raw-socket';
import { eventually, freePort } from '../support/redis-server';
import { scrape } from '../support/scrape';
import { temporaryFolder } from '../support/temporary-folder';

/** Makes the program throw where nothing catches it, on SIGUSR2. */
const CRASH = 'data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("planted")})';

const agent = new Agent({ keepAlive: true, maxSockets: 20 });
afterAll(() => agent.destroy());

/** Starts the server with this standard output; resolves when it serves. */
async function start(
  stdout: 'pipe' | number,
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  const child = spawn(process.execPath, ['--import', CRASH, join(__dirname, '../../dist/main.js')], {
    cwd: __dirname,
    env: { PATH: process.env.PATH, PORT: String(port), LOG_LEVEL: 'trace', ...env },
    stdio: ['ignore', stdout, 'ignore'],
  });
  const exit = once(child, 'exit');
  onTestFinished(() => {
    child.kill('SIGKILL');
    return exit;
  });
  await eventually(() => call(port), 30_000);
  return { child, port };
}

/** A caller's request; the document that they get. */
function call(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const path = '/conference?CallSid=bob-1&From=%2B15550001111';
    request({ agent, port, host: '127.0.0.1', path, timeout: 5_000 }, async (res) => {
      let text = '';
      for await (const part of res.setEncoding('utf8')) {
        text += part;
      }
      resolve(text);
    })
      .on('timeout', () => reject(new Error('No answer')))
      .on('error', reject)
      .end();
  });
}

/** Calls 20 times as often as this; each must get its document. */
async function callAgainAndAgain(port: number, batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(port)));
    expect(answers.filter((text) => text.includes('</Conference>'))).toHaveLength(20);
  }
}

/**
 * Standard outputs that fail, each in its own way, and how many batches of calls show it: where nobody reads, their
 * lines of 200 bytes must fill the buffer of the system.
 */
const SINKS: [what: string, batches: number, start: () => Promise<{ child: ChildProcess; port: number }>][] = [
  [
    'the disk is full',
    5,
    async () => {
      const full = openSync('/dev/full', 'w');
      try {
        return await start(full);
      } finally {
        closeSync(full);
      }
    },
  ],
  [
    'its reader has gone',
    5,
    async () => {
      const program = await start('pipe');
      (program.child.stdout as Readable).destroy();
      return program;
    },
  ],
  // Node's 'pipe' is a socket; the shell and Docker give real pipes.
  ['the reader of its socket has stopped reading', 40, () => start('pipe')],
  [
    'the reader of its pipe has stopped reading',
    20,
    async () => {
      const path = join(temporaryFolder(), 'pipe');
      execFileSync('mkfifo', [path]);
      const pipe = openSync(path, 'r+');
      onTestFinished(() => closeSync(pipe));
      return start(pipe);
    },
  ],
];

describe.each(SINKS)('when the log cannot be written because %s', (_what, batches, startWithSink) => {
  it.each([
    ['SIGTERM', 0],
    ['SIGUSR2', 1],
  ] as const)('calls continue, and %s ends the process with code %i, in time', async (signal, code) => {
    const { child, port } = await startWithSink();
    await callAgainAndAgain(port, batches);
    expect(child.exitCode).toBeNull();
    const startedAt = Date.now();
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([code, null]);
    expect(Date.now() - startedAt).toBeLessThan(11_000);
  });
});

it('lines that are dropped are counted in the metrics at once, although nobody reads the log', async () => {
  const metricsPort = await freePort();
  const { port } = await start('pipe', { METRICS_PORT: String(metricsPort) });
  const dropped = async () => (await scrape(metricsPort)).get('conference_coach_dropped_log_lines_total') ?? 0;
  expect(await dropped()).toBe(0);
  while ((await dropped()) === 0) {
    await callAgainAndAgain(port, 50);
  }
});

it('a crash during a stop is a crash, and is logged', async () => {
  const { child, port } = await start('pipe');
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  // Keeps the stop waiting.
  await openSocket(port, 'GET /conference HTTP/1.1\r\nHost: a\r\n');
  child.kill('SIGTERM');
  await eventually(() => expect(text).toContain('Stopping'));
  child.kill('SIGUSR2');
  expect(await once(child, 'exit')).toEqual([1, null]);
  await eventually(() => expect(text).toContain('"level":"fatal"'));
});
