import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, freePort } from './redis-server';
import { sign } from './sign';
import { temporaryFolder } from './temporary-folder';

const ROOT = join(__dirname, '../..');
const PASSWORD = '0123456789abcdef0123456789abcdef';
export const PUBLIC_URL = 'https://coach.example.com';

/** How an answer through the proxy came. */
export interface Answer {
  status: number;
  text: string;
  ms: number;
}

/** Caddy, two servers and Redis, as in compose.yaml, but for the ports and TLS. The scripts of `deploy` work on it. */
export interface Deployment {
  /** The folder of `.env` and of the roster. */
  folder: string;
  redisPort: number;
  /** The key that the Space signs with. */
  signingKey: string;
  /** Posts a form through the proxy, signed as by the Space; each on a connection of its own unless `agent` is given. */
  post(path: string, form: Record<string, string>, agent?: Agent): Promise<Answer>;
  /** Runs a script of `deploy`, or a program of `dist`, in the folder, with the servers' settings. Returns its output. */
  run(
    program: string,
    args?: string[],
    options?: { input?: string | Buffer; env?: Record<string, string> },
  ): Promise<string>;
  /** The environment with which deploy/rolling-restart.sh restarts these servers. */
  restarting: Record<string, string>;
  /** How many times a server was restarted. */
  restarts(): number;
  startRedis(folder: string): Promise<void>;
  stopRedis(): Promise<void>;
  startServers(): Promise<void>;
  stopServers(): Promise<void>;
  dispose(): Promise<void>;
}

/** @param drainSeconds `DRAIN_SECONDS`; the Caddyfile checks every two seconds */
export async function startDeployment({ drainSeconds }: { drainSeconds: number }): Promise<Deployment> {
  const folder = temporaryFolder();
  const [proxyPort, redisPort, ...ports] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const env = {
    SIGNALWIRE_SIGNING_KEY: 'PSK_first',
    PUBLIC_URL,
    ROSTER_FILE: 'roster.json',
    PIN_KEY: '0123456789abcdef0123456789abcdef',
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    TRUST_PROXY: 'loopback',
    DRAIN_SECONDS: String(drainSeconds),
    REDIS_URL: `redis://:${PASSWORD}@127.0.0.1:${redisPort}`,
  };
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(folder, '.env'), settings.join(''));
  const children = new Map<string, ChildProcess>();
  let restarts = 0;

  async function start(name: string, command: string, args: string[], options: { cwd?: string; env?: object }) {
    const child = spawn(command, args, {
      cwd: options.cwd ?? folder,
      env: { PATH: process.env.PATH, HOME: folder, ...options.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.resume();
    children.set(name, child);
  }

  async function stop(name: string): Promise<void> {
    const child = children.get(name);
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    children.delete(name);
  }

  async function startServer(name: string): Promise<void> {
    const port = ports[Number(name.split('-')[1]) - 1];
    await start(name, process.execPath, [join(ROOT, 'dist/main.js')], { env: { PORT: String(port) } });
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok || Promise.reject(new Error(name)),
      20_000,
    );
  }

  // What `docker compose` or `systemctl` is elsewhere.
  const supervisor = createServer((req, res) => {
    void (async () => {
      let name = '';
      for await (const part of req.setEncoding('utf8')) {
        name += part;
      }
      restarts++;
      await stop(name);
      await startServer(name);
      res.end();
    })();
  }).listen(0, '127.0.0.1');
  await once(supervisor, 'listening');
  const { port: supervisorPort } = supervisor.address() as AddressInfo;

  const deployment: Deployment = {
    folder,
    redisPort: redisPort as number,
    signingKey: env.SIGNALWIRE_SIGNING_KEY,
    restarting: {
      RESTART: `curl --silent --show-error --fail http://127.0.0.1:${supervisorPort} --data`,
      PAUSE_SECONDS: '5',
    },
    restarts: () => restarts,

    post(path, form, agent = new Agent()) {
      const body = new URLSearchParams(form).toString();
      const headers = {
        'Content-Type': 'application/x-www-form-urlencoded',
        'Content-Length': body.length,
        'X-SignalWire-Signature': sign(deployment.signingKey, PUBLIC_URL + path, Object.entries(form)),
      };
      const since = performance.now();
      return new Promise((resolve, reject) => {
        const req = request(
          { port: proxyPort, host: '127.0.0.1', method: 'POST', path, headers, agent },
          async (res) => {
            let text = '';
            for await (const part of res.setEncoding('utf8')) {
              text += part;
            }
            resolve({ status: res.statusCode ?? 0, text, ms: performance.now() - since });
          },
        );
        req.once('error', reject);
        req.end(body);
      });
    },

    async run(program, args = [], { input = '', env: more = {} } = {}) {
      const [command, ...first] = program.endsWith('.js')
        ? [process.execPath, join(ROOT, 'dist', program)]
        : [join(ROOT, 'deploy', program)];
      const running = promisify(execFile)(command as string, [...first, ...args], {
        cwd: folder,
        env: { PATH: process.env.PATH, REDIS_PASSWORD: PASSWORD, ...more },
        encoding: 'buffer',
        maxBuffer: 100_000_000,
      });
      // A script that refuses ends without reading.
      running.child.stdin?.on('error', () => {}).end(input);
      return (await running).stdout.toString('latin1');
    },

    async startRedis(data) {
      await start('redis', 'sh', [join(ROOT, 'deploy/redis.sh'), '--port', String(redisPort)], {
        cwd: data,
        env: { REDIS_PASSWORD: PASSWORD },
      });
      await eventually(() =>
        promisify(execFile)('redis-cli', ['-p', String(redisPort), 'ping'], {
          env: { PATH: process.env.PATH, REDISCLI_AUTH: PASSWORD },
        }),
      );
    },
    stopRedis: () => stop('redis'),
    startServers: async () => void (await Promise.all(['server-1', 'server-2'].map(startServer))),
    stopServers: async () => void (await Promise.all(['server-1', 'server-2'].map(stop))),

    async dispose() {
      await Promise.all([...children.keys()].map(stop));
      supervisor.closeAllConnections();
      supervisor.close();
    },
  };
  await start('caddy', 'caddy', ['run', '--adapter', 'caddyfile', '--config', join(ROOT, 'deploy/Caddyfile')], {
    env: { DOMAIN: `http://127.0.0.1:${proxyPort}`, SERVERS: ports.map((port) => `127.0.0.1:${port}`).join(' ') },
  });
  return deployment;
}
