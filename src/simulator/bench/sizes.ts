import { Agent, createServer as createHttpServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { loadConfig } from '../../config';
import { createRoster } from '../../people/roster';
import { createTokens } from '../../people/tokens';
import { parseRoomName, type RoomName } from '../../rooms/room';
import type { RoomEvent } from '../../rooms/room-event';
import { createServer } from '../../server';
import { parseSid, type Sid } from '../../signalwire/sid';
import type { Store } from '../../stores';
import { TUTORIAL_CAST } from '../tutorial';

/** The number of rooms with an agent and a customer, and of those with a supervisor too. */
export interface Size {
  rooms: number;
  supervisors: number;
}

/** The average cost of a request: processor time of this process, and time until its answer; in milliseconds. */
export interface Cost {
  cpuMs: number;
  waitMs: number;
}

/** The requests to measure, by name; `n` makes each differ from the one before. */
const REQUESTS = {
  '/conference': (n: number) => ['/conference/room-1', { CallSid: `alice-${n}`, From: TUTORIAL_CAST.alice }],
  '/coach': (n: number) => ['/coach/room-1', { CallSid: `ted-${n}`, From: TUTORIAL_CAST.ted }],
  callback: (n: number) => [
    '/events/conference/room-2',
    { CallSid: 'bob-2', StatusCallbackEvent: n % 2 ? 'participant-hold' : 'participant-unhold' },
  ],
  '/supervisor': (n: number) => ['/supervisor', { CallSid: `ted-line-${n}`, From: TUTORIAL_CAST.ted }],
} as const satisfies Record<string, (n: number) => readonly [string, Record<string, string>]>;

/** A measured kind of request. */
export type Measured = keyof typeof REQUESTS;

export const MEASURED = Object.keys(REQUESTS) as Measured[];

/** How many requests of a kind are made in a row, before the other server's turn. Lists take longer than the others. */
const IN_A_ROW: Readonly<Record<Measured, number>> = {
  '/conference': 40,
  '/coach': 40,
  callback: 40,
  '/supervisor': 10,
};
const TURNS = 5;

/**
 * Measures the cost of requests by the content of the store. The servers take turns, so that the load of the machine affects
 * all of them.
 *
 * @param stores empty stores, each with the content it gets
 */
export async function measureSizes(stores: readonly { store: Store; size: Size }[]): Promise<Record<Measured, Cost>[]> {
  const servers = await Promise.all(
    stores.map(async ({ store, size }) => {
      await fill(store, size);
      return startServer(store);
    }),
  );
  const costs = servers.map(() => new Map<Measured, Cost>());
  let n = 0;
  for (const kind of MEASURED) {
    // The first turn only warms up.
    for (let turn = 0; turn <= TURNS; turn++) {
      for (const [index, server] of servers.entries()) {
        const { cpuMs, waitMs } = await measure(IN_A_ROW[kind], () => {
          const [path, fields] = REQUESTS[kind](++n);
          return server.post(path, fields);
        });
        const before = costs[index]?.get(kind) ?? { cpuMs: 0, waitMs: 0 };
        if (turn > 0) {
          costs[index]?.set(kind, { cpuMs: before.cpuMs + cpuMs / TURNS, waitMs: before.waitMs + waitMs / TURNS });
        }
      }
    }
  }
  await Promise.all(servers.map((server) => server.close()));
  return costs.map((cost) => Object.fromEntries(cost) as Record<Measured, Cost>);
}

async function measure(times: number, post: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const since = performance.now();
  for (let i = 0; i < times; i++) {
    await post();
  }
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1_000 / times, waitMs: (performance.now() - since) / times };
}

async function fill({ rooms }: Store, size: Size): Promise<void> {
  // In no order, as calls come in; 7919 is a prime.
  const left = Array.from({ length: size.rooms }, (_, index) => (index * 7919) % size.rooms);
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let index = left.pop(); index !== undefined; index = left.pop()) {
        const room = parseRoomName(`room-${index}`) as RoomName;
        await Promise.all(eventsOf(index, index < size.supervisors).map((event) => rooms.apply(room, event)));
      }
    }),
  );
}

function eventsOf(index: number, isSupervised: boolean): RoomEvent[] {
  const sid = (text: string) => parseSid(`${text}-${index}`) as Sid;
  const joined = { kind: 'joined', conferenceSid: sid('cf'), date: undefined, ageMs: 0 } as const;
  return [
    { kind: 'moderator-arrived', callSid: sid('alice'), ageMs: 0 },
    { ...joined, callSid: sid('alice'), isModerator: true },
    { ...joined, callSid: sid('bob'), isModerator: false },
    ...(isSupervised
      ? [
          {
            kind: 'supervisor-sent',
            callSid: sid('ted'),
            stayNumber: 1,
            name: 'Ted',
            address: '***2222',
            mode: 'monitor',
            target: sid('alice'),
            ageMs: 0,
          } as const,
          { ...joined, callSid: sid('ted'), isMuted: true, isModerator: false },
        ]
      : []),
  ];
}

async function startServer(store: Store) {
  const config = loadConfig({});
  const server = createServer({
    config,
    publicUrl: 'http://localhost',
    roster: createRoster(config),
    tokens: createTokens({ now: Date.now }),
    store,
    space: undefined,
    draining: new AbortController().signal,
    refusals: { add() {} },
    log: pino({ level: 'silent' }),
    sleep: async () => {},
    now: Date.now,
    monotonicNow: () => performance.now(),
  });
  const listening = createHttpServer(server.handle).listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  const { port } = listening.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    post(path: string, fields: Record<string, string>): Promise<void> {
      return new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (res) => {
          res
            .resume()
            .once('end', () => (Number(res.statusCode) < 300 ? resolve() : reject(new Error(`${path} failed`))));
        })
          .once('error', reject)
          .end(new URLSearchParams(fields).toString());
      });
    },
    async close() {
      agent.destroy();
      listening.closeAllConnections();
      listening.close();
      await server.close(1_000);
    },
  };
}
