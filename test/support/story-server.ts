import { createServer as createHttpServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { loadConfig } from '../../src/config';
import { createRoster } from '../../src/people/roster';
import { createTokens } from '../../src/people/tokens';
import type { RedisConnection } from '../../src/redis/redis-connection';
import { soleLease } from '../../src/rooms/lease';
import { createMemoryRoomStorage } from '../../src/rooms/memory-room-storage';
import { createRedisRoomStorage } from '../../src/rooms/redis-room-storage';
import type { RoomStorage } from '../../src/rooms/room-storage';
import { createRoomStore } from '../../src/rooms/room-store';
import { createServer, type Server } from '../../src/server';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { createRestClient } from '../../src/signalwire/rest-client';
import { createRestApi } from '../../src/simulator/rest-api';
import type { Space } from '../../src/simulator/space';
import type { Store } from '../../src/stores';
import { createMemoryRefusalStore } from '../../src/supervision/refusals';

const LIFETIME_MS = 4 * 3_600_000;

/** Two sockets that stories use one after the other: the server's, and that of the Space's REST API. */
export interface StorySockets {
  publicUrl: string;
  restUrl: string;
  /** Sets what answers. */
  serve(server: RequestListener, rest: RequestListener): void;
  close(): void;
}

export async function openStorySockets(): Promise<StorySockets> {
  let handlers: RequestListener[] = [];
  const open = async (index: number) => {
    const listening = createHttpServer((req, res) => handlers[index]?.(req, res)).listen(0, '127.0.0.1');
    await new Promise((resolve) => listening.once('listening', resolve));
    return listening;
  };
  const listening = [await open(0), await open(1)] as const;
  const [publicUrl = '', restUrl = ''] = listening.map(
    (one) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`,
  );
  return {
    publicUrl,
    restUrl,
    serve(...given) {
      handlers = given;
    },
    close() {
      for (const one of listening) {
        one.closeAllConnections();
        one.close();
      }
    },
  };
}

/** A server that lives in simulated time, and can be killed. */
export interface StoryServer {
  /** What runs at present. */
  current(): Server;
  store(): Store;
  /** Kills the server, with all that it has not written, and starts another in its place. */
  kill(): Promise<void>;
  /** Lets the store forget everything. */
  wipe(): Promise<void>;
  stop(): Promise<void>;
}

export interface StoryServerOptions {
  space: Space;
  sockets: StorySockets;
  /** Undefined for a store in memory. */
  redis: RedisConnection | undefined;
  env: Record<string, string>;
  withRest: boolean;
}

export async function startStoryServer(options: StoryServerOptions): Promise<StoryServer> {
  const { space, sockets, redis, env, withRest } = options;
  const config = loadConfig({
    PUBLIC_URL: sockets.publicUrl,
    // A story takes no time.
    SWEEP_REQUESTS_PER_SECOND: '1000',
    ...env,
  });
  const log = pino({ level: 'silent' });
  const now = () => space.wallClock();
  let latest = 0;
  // What happens at one moment of simulated time happens one after the other all the same.
  const monotonicNow = () => {
    latest = Math.max(latest + 1, now());
    return latest;
  };
  let store = createStore();
  let current = compose();
  await redis?.client.flushall();

  function createStore(): Store {
    const storage: RoomStorage =
      redis === undefined
        ? createMemoryRoomStorage({ lifetimeMs: LIFETIME_MS, now })
        : createRedisRoomStorage({ onUnreadable: () => {}, redis, lifetimeMs: LIFETIME_MS, feedMs: LIFETIME_MS });
    const read: RoomStorage['read'] = async (room) => ({ ...(await storage.read(room)), now: now() });
    const rooms = createRoomStore({ storage: { ...storage, read }, lifetimeMs: LIFETIME_MS, monotonicNow: now });
    return {
      // Simulated time waits for the store.
      rooms: { ...rooms, apply: (room, event) => space.clock.hold(rooms.apply(room, event)) },
      refusals: createMemoryRefusalStore(),
      lease: soleLease,
      redis: undefined,
      ping: async () => {},
      close() {},
    };
  }

  /** Simulated time stands still while the Space answers, so a lookup may take as long as any other request. */
  function patientApi(): ConferenceApi {
    const client = createRestClient(
      { url: sockets.restUrl, projectId: space.accountSid, apiToken: space.apiToken },
      { timeoutMs: 30_000, now },
    );
    return {
      ...client,
      listConferences: (room) => client.listConferences(room),
      listParticipants: (conferenceSid) => client.listParticipants(conferenceSid),
    };
  }

  function compose(): Server {
    const server = createServer({
      config,
      publicUrl: sockets.publicUrl,
      roster: createRoster(config),
      tokens: createTokens({ now }),
      store,
      space: withRest ? patientApi() : undefined,
      draining: new AbortController().signal,
      refusals: { add() {} },
      log,
      sleep: async () => {},
      now,
      monotonicNow,
      retryMs: 5,
      sweepIntervalMs: 0,
    });
    sockets.serve(server.handle, createRestApi(space));
    return server;
  }

  return {
    current: () => current,
    store: () => store,
    async kill() {
      await current.close(0);
      current = compose();
    },
    async wipe() {
      if (redis === undefined) {
        // What is in this process goes with it.
        await current.close(0);
        store = createStore();
        current = compose();
      } else {
        await redis.client.flushall();
      }
    },
    stop: () => current.close(0).then(() => {}),
  };
}
