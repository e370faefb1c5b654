import { createServer as createHttpServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { loadConfig } from '../../src/config';
import { createRoster, type Roster } from '../../src/people/roster';
import { createTokens, type Tokens } from '../../src/people/tokens';
import { connectRedis, type RedisConnection } from '../../src/redis/redis-connection';
import { soleLease } from '../../src/rooms/lease';
import { createMemoryRoomStorage } from '../../src/rooms/memory-room-storage';
import { createRedisRoomStorage } from '../../src/rooms/redis-room-storage';
import type { RoomName, RoomState } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { RoomStorage } from '../../src/rooms/room-storage';
import { createRoomStore } from '../../src/rooms/room-store';
import { createServer, type Server } from '../../src/server';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { createRestClient } from '../../src/signalwire/rest-client';
import { createRestApi, type RestApiOptions } from '../../src/simulator/rest-api';
import type { Space } from '../../src/simulator/space';
import type { Store } from '../../src/stores';
import { createMemoryRefusalStore } from '../../src/supervision/refusals';
import { STORY_MS } from './fuzz';
import { eventually, type RedisServer, startRedis } from './redis-server';

const LIFETIME_MS = 4 * 3_600_000;

/** Two sockets that stories use one after the other: the server's, and that of the Space's REST API. */
export interface StorySockets {
  publicUrl: string;
  restUrl: string;
  /** Sets what answers. */
  serve(server: RequestListener, rest: RequestListener): void;
  close(): void;
}

async function openStorySockets(): Promise<StorySockets> {
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

/** A Redis and sockets that stories use one after the other. */
export interface StoryBench {
  redis: RedisServer;
  connection: RedisConnection;
  sockets: StorySockets;
  close(): Promise<void>;
}

export async function openStoryBench(): Promise<StoryBench> {
  const redis = await startRedis();
  const connection = connectRedis({ urls: [redis.url], timeoutMs: 10_000, onConnection: () => {} });
  await eventually(() => connection.ping());
  const sockets = await openStorySockets();
  return {
    redis,
    connection,
    sockets,
    async close() {
      sockets.close();
      connection.close();
      await redis.dispose();
    },
  };
}

/** One or several servers over one store, which live in simulated time and can be killed. Each is named by its number. */
export interface StoryServer {
  /** What runs at present; the first server unless given. */
  current(which?: number): Server;
  store(which?: number): Store;
  /** Kills a server, with all that it has not written or answered, and starts another in its place. */
  kill(which?: number): Promise<void>;
  /** Lets the store forget everything. */
  wipe(): Promise<void>;
  /** A room as any server reads it now. @throws StoreError */
  read(room: RoomName): Promise<RoomState>;
  stop(): Promise<void>;
}

export interface StoryServerOptions {
  space: Space;
  sockets: StorySockets;
  /** Undefined for a store in memory. */
  redis: RedisConnection | undefined;
  env: Record<string, string>;
  withRest: boolean;
  /** How many servers; one unless given. Requests go to each in turn, or to the one that the header {@link SERVER} names. */
  servers?: number;
  /** Whether the servers have the connection to Redis for more than rooms. */
  sharesRedis?: boolean;
  /** By the settings alone unless given. */
  roster?: Roster;
  /** None unless given. */
  tokens?: Pick<Tokens, 'find' | 'findWall' | 'actorNamed'>;
  /** What becomes of requests to the Space. */
  intercept?: RestApiOptions['intercept'];
  /** Called with each event that a server's store has applied, and the room after it. */
  onApplied?: (event: RoomEvent, state: RoomState) => void;
  /** Real milliseconds until a failed request or write is repeated; 5 unless given. */
  retryMs?: number;
  /** How long an action may take, in milliseconds of the servers' clocks. */
  actionMs?: number;
}

/** The header that names the server that a request is meant for. */
export const SERVER = 'x-server';

/** A server of a story, until it is killed. */
interface Running {
  server: Server;
  store: Store;
  /** From now on nothing that it does has an effect, and nothing that it waits for comes. */
  cut(): void;
}

export async function startStoryServer(options: StoryServerOptions): Promise<StoryServer> {
  const {
    space,
    sockets,
    redis,
    env,
    withRest,
    servers: count = 1,
    sharesRedis = false,
    onApplied = () => {},
  } = options;
  const { intercept, retryMs = 5, actionMs } = options;
  const config = loadConfig({
    PUBLIC_URL: sockets.publicUrl,
    // A story takes no time.
    SWEEP_REQUESTS_PER_SECOND: '1000',
    ...env,
  });
  const log = pino({ level: 'silent' });
  const now = () => space.wallClock();
  // What happens at one moment of simulated time happens one after the other all the same.
  const monotonicNow = createTickingClock(now);
  const storeNow = createTickingClock(now);
  let memory = createMemoryRoomStorage({ lifetimeMs: LIFETIME_MS, now });
  let running = Array.from({ length: count }, start);
  let turn = 0;
  sockets.serve(
    (req, res) => {
      const given = req.headers[SERVER];
      const which = given === undefined ? turn++ % count : Number(given);
      running[which]?.server.handle(req, res);
    },
    createRestApi(space, intercept === undefined ? {} : { intercept }),
  );
  await redis?.client.flushall();

  function start(): Running {
    let isCut = false;
    const open = new Set<ServerResponse>();
    /** Work with an effect outside of the process: none begins, and no answer comes, once the server is cut off. */
    async function reach<T>(work: () => Promise<T>): Promise<T> {
      const answer = isCut ? new Promise<never>(() => {}) : space.clock.hold(work());
      const settled = await answer.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if (isCut) {
        return new Promise<never>(() => {});
      }
      if ('error' in settled) {
        throw settled.error;
      }
      return settled.value;
    }
    const draining = new AbortController();
    const store = createStore(reach);
    const server = compose(store, reach, draining.signal);
    return {
      store,
      server: {
        ...server,
        async close(timeoutMs) {
          const isWritten = await server.close(timeoutMs);
          // What follows the rooms for the screen would go on for a while.
          draining.abort();
          return isWritten;
        },
        handle(req, res) {
          open.add(res);
          res.once('close', () => open.delete(res));
          server.handle(req, res);
        },
      },
      cut() {
        isCut = true;
        for (const res of open) {
          res.destroy();
        }
      },
    };
  }

  function createStore(reach: Reach): Store {
    const storage: RoomStorage =
      redis === undefined
        ? memory
        : createRedisRoomStorage({ onUnreadable: () => {}, redis, lifetimeMs: LIFETIME_MS, feedMs: LIFETIME_MS });
    const read: RoomStorage['read'] = async (room) => ({ ...(await storage.read(room)), now: storeNow() });
    const rooms = createRoomStore({ storage: { ...storage, read }, lifetimeMs: LIFETIME_MS, monotonicNow: now });
    return {
      // Simulated time waits for the store.
      rooms: {
        ...rooms,
        read: (room) => reach(() => rooms.read(room)),
        list: () => reach(() => rooms.list()),
        async apply(room, event) {
          const applied = await reach(() => rooms.apply(room, event));
          onApplied(event, applied.state);
          return applied;
        },
      },
      refusals: createMemoryRefusalStore(),
      lease: soleLease,
      redis: sharesRedis ? redis : undefined,
      ping: async () => {},
      close() {},
    };
  }

  /** Simulated time stands still while the Space answers, so each request may take as long as it likes. */
  function createPatientApi(reach: Reach): ConferenceApi {
    const client = createRestClient(
      { url: sockets.restUrl, projectId: space.accountSid, apiToken: space.apiToken },
      { timeoutMs: 30_000, now },
    );
    return {
      ...client,
      listConferences: (room) => reach(() => client.listConferences(room)),
      listParticipants: (conferenceSid) => reach(() => client.listParticipants(conferenceSid)),
      findParticipant: (...[conferenceSid, callSid]) => reach(() => client.findParticipant(conferenceSid, callSid)),
      changeParticipant: (...[conferenceSid, callSid, changes]) =>
        reach(() => client.changeParticipant(conferenceSid, callSid, changes)),
      removeParticipant: (...[conferenceSid, callSid]) => reach(() => client.removeParticipant(conferenceSid, callSid)),
      endConference: (conferenceSid) => reach(() => client.endConference(conferenceSid)),
      createCall: (call) => reach(() => client.createCall(call)),
      redirectCall: (...[callSid, url]) => reach(() => client.redirectCall(callSid, url)),
      findCall: (callSid) => reach(() => client.findCall(callSid)),
    };
  }

  function compose(store: Store, reach: Reach, draining: AbortSignal): Server {
    return createServer({
      config,
      publicUrl: sockets.publicUrl,
      roster: options.roster ?? createRoster(config),
      tokens: options.tokens ?? createTokens({ now }),
      store,
      space: withRest ? createPatientApi(reach) : undefined,
      draining,
      refusals: { add() {} },
      log,
      sleep: async () => {},
      now,
      monotonicNow,
      retryMs,
      sweepIntervalMs: 0,
      // Simulated time stands still meanwhile: what is slow by real time is as fast as anything.
      storeTimeoutMs: STORY_MS,
      lookUpTimeoutMs: STORY_MS,
      ...(actionMs !== undefined && { actionMs }),
    });
  }

  const at = (which: number) => running[which] as Running;

  async function end(one: Running): Promise<void> {
    one.cut();
    await one.server.close(0);
  }

  return {
    current: (which = 0) => at(which).server,
    store: (which = 0) => at(which).store,
    async kill(which = 0) {
      const killed = at(which);
      running[which] = start();
      await end(killed);
    },
    async wipe() {
      if (redis === undefined) {
        // What is in the processes goes with it.
        const killed = running;
        memory = createMemoryRoomStorage({ lifetimeMs: LIFETIME_MS, now });
        running = killed.map(start);
        await Promise.all(killed.map(end));
      } else {
        await redis.client.flushall();
      }
    },
    read: async (room) => (await createStore((work) => work()).rooms.read(room)).state,
    async stop() {
      // Also what is still in progress, such as a change of mode after a join: it would reach the next story's store.
      await Promise.all(running.map(end));
    },
  };
}

type Reach = <T>(work: () => Promise<T>) => Promise<T>;

/** A clock that goes on by a millisecond with each look, also while simulated time stands still. */
function createTickingClock(now: () => number): () => number {
  let latest = 0;
  return () => {
    latest = Math.max(latest + 1, now());
    return latest;
  };
}
