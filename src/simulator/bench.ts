import { spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { pino } from 'pino';
import { runCommand } from '../cli/run-command';
import { startConferenceCoach } from '../conference-coach';
import { loadConfig } from '../config';
import { createMemoryStore, createRedisStore, type Store, waitForStore } from '../stores';
import { type Cost, MEASURED, measureSizes, type Size } from './bench-sizes';
import type { Call } from './call';
import { createSpace, type Space } from './space';
import { TUTORIAL_CAST } from './tutorial';

const SIGNING_KEY = 'PSK_bench';
const ROOMS = 125;
/** Who enters each room, in this order: 500 calls in all. */
const ROLES = [
  { role: 'moderators', from: TUTORIAL_CAST.alice, path: 'conference' },
  { role: 'first callers', from: TUTORIAL_CAST.bob, path: 'conference' },
  { role: 'second callers', from: '+15550003333', path: 'conference' },
  { role: 'supervisors', from: TUTORIAL_CAST.ted, path: 'coach' },
] as const;

/**
 * `npm run bench`: 500 calls at once, the server and the Space in this one process, and what they take of it; then what
 * a request costs by how many rooms there are.
 */
async function main(): Promise<void> {
  const config = loadConfig({ PORT: '0', SIGNALWIRE_SIGNING_KEY: SIGNING_KEY });
  const server = await startConferenceCoach(config, pino({ level: 'silent' }));
  report('before the first call', 0, 0);
  const isRight = [await fillRooms(server.publicUrl), await fillOneRoom(server.publicUrl)];
  await server.stop(0);
  await reportSizes();
  process.exitCode = isRight.every(Boolean) ? 0 : 1;
}

const SIZES: readonly Size[] = [
  { rooms: 10, supervisors: 2 },
  { rooms: 10_000, supervisors: 2_000 },
];
const LIFETIME_MS = 3_600_000;

/** The table of costs by size: in memory and, where a redis-server is installed, in one that is started for this. */
async function reportSizes(): Promise<void> {
  const redis = await startRedis();
  const kinds: [string, (index: number) => Store][] = [
    ['memory', () => createMemoryStore({ lifetimeMs: LIFETIME_MS, monotonicNow: Date.now, now: Date.now })],
    ...(redis === undefined ? [] : [['Redis', redis.connect] as [string, (index: number) => Store]]),
  ];
  write('cost of a request              10 rooms           10,000 rooms, 2,000 supervisors   ratio of CPU time');
  for (const [name, create] of kinds) {
    const stores = SIZES.map((size, index) => ({ store: create(index), size }));
    await Promise.all(stores.map(({ store }) => waitForStore(store, 5_000)));
    const [small, large] = await measureSizes(stores);
    for (const kind of MEASURED) {
      const [one, other] = [small?.[kind], large?.[kind]] as [Cost, Cost];
      const ms = ({ cpuMs, waitMs }: Cost) => `${cpuMs.toFixed(2)} ms CPU, ${waitMs.toFixed(2)} ms`.padEnd(28);
      write(
        `${`${name} ${kind}`.padEnd(22)} ${ms(one)} ${ms(other)} ${(other.cpuMs / one.cpuMs).toFixed(2).padStart(8)}`,
      );
    }
    for (const { store } of stores) {
      store.close();
    }
  }
  redis?.stop();
  if (redis === undefined) {
    write('  Redis was not measured: there is no redis-server.');
  }
}

/** A Redis of its own; undefined if none is installed. */
async function startRedis() {
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  });
  const hasStarted = await new Promise<boolean>((resolve) => {
    server.once('spawn', () => resolve(true));
    server.once('error', () => resolve(false));
  });
  return hasStarted
    ? {
        connect: (database: number) =>
          createRedisStore({
            urls: [`redis://127.0.0.1:${port}/${database}`],
            lifetimeMs: LIFETIME_MS,
            auditMs: LIFETIME_MS,
            timeoutMs: 5_000,
            onConnection: () => {},
          }),
        stop: () => server.kill(),
      }
    : undefined;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** 125 rooms of four. Returns whether everybody heard whom they should. */
async function fillRooms(url: string): Promise<boolean> {
  const space = createSpace({ signingKey: SIGNING_KEY });
  const rooms: Call[][] = Array.from({ length: ROOMS }, () => []);
  for (const { role, from, path } of ROLES) {
    const since = performance.now();
    for (const [index, room] of rooms.entries()) {
      room.push(space.call({ from, url: `${url}/${path}/room-${index}` }));
    }
    await space.runUntilIdle();
    report(`${ROOMS} ${role} are in`, space.hearing().size, performance.now() - since);
  }
  const hearing = space.hearing();
  const wrong = rooms.filter((room) => room.map((call) => hearing.get(call)?.voices.length).join() !== '3,2,2,3');
  write(`  ${wrong.length} of ${ROOMS} rooms were wrong about who hears whom.`);
  // Supervisors would wait for the next conversation.
  const leaving = rooms.flat().filter(({ from }) => from === TUTORIAL_CAST.alice || from === TUTORIAL_CAST.ted);
  return (await hangUp(space, leaving, 'moderators, supervisors left')) && wrong.length === 0;
}

/** One room of 500. Returns whether everybody heard everybody. */
async function fillOneRoom(url: string): Promise<boolean> {
  const space = createSpace({ signingKey: SIGNING_KEY });
  const since = performance.now();
  const moderator = space.call({ from: TUTORIAL_CAST.alice, url: `${url}/conference/one` });
  for (let index = 1; index < ROOMS * ROLES.length; index++) {
    space.call({ from: TUTORIAL_CAST.bob, url: `${url}/conference/one` });
  }
  await space.runUntilIdle();
  const hearing = space.hearing();
  report('all are in one room', hearing.size, performance.now() - since);
  const wrong = [...hearing.values()].filter(({ voices }) => voices.length !== hearing.size - 1);
  write(`  ${wrong.length} of ${hearing.size} calls were wrong about who hears whom.`);
  return (await hangUp(space, [moderator], 'their moderator has hung up')) && wrong.length === 0;
}

/** Returns whether that ended every call. */
async function hangUp(space: Space, calls: readonly Call[], what: string): Promise<boolean> {
  const since = performance.now();
  for (const call of calls) {
    call.hangUp();
  }
  await space.runUntilIdle();
  report(what, space.hearing().size, performance.now() - since);
  const { delivered, refused } = space.callbacks();
  write(`  ${delivered} status callbacks were taken, ${refused} were not.`);
  space.close();
  return space.hearing().size === 0;
}

function report(what: string, calls: number, ms: number): void {
  const { rss, heapUsed } = process.memoryUsage();
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`.padStart(8);
  const numbers = `${String(calls).padStart(4)} calls ${`${Math.round(ms)} ms`.padStart(8)}`;
  write(`${what.padEnd(30)} ${numbers}   resident ${mib(rss)}   heap ${mib(heapUsed)}`);
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

void runCommand('bench', main, { failureCode: 1 });
