import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from './config';
import { findFeatures } from './features';
import { type Listener, listen } from './http/listener';
import { createRefusalLog, type RefusalLog } from './http/refusal-log';
import { compileTrust } from './http/trust-proxy';
import { createMetrics, type Metrics } from './metrics/metrics';
import { listenForScrapes, type MetricsListener } from './metrics/metrics-listener';
import { timeSpace } from './metrics/timed-space';
import { timeStorage } from './metrics/timed-storage';
import { UserError } from './ops/user-error';
import { followRoster } from './people/live-roster';
import { followTokens } from './people/live-tokens';
import { createRoster, type Roster } from './people/roster';
import { readRosterFile } from './people/roster-file';
import { createTokens } from './people/tokens';
import { tokensFileBeside } from './people/tokens-file';
import type { RedisConnectionOptions } from './redis/redis-connection';
import { StoreError } from './redis/store-error';
import { createServer, lifetimeOf, type ServerOptions } from './server';
import type { ConferenceApi } from './signalwire/conference-api';
import { createRestClient } from './signalwire/rest-client';
import { createMemoryStore, createRedisStore, type Store, waitForStore } from './stores';

/** Deadline of the store while a call waits. A Space waits 5 s. */
const STORE_TIMEOUT_MS = 800;
/** Deadline of the Space's REST API for work that no call waits for. */
const REST_TIMEOUT_MS = 10_000;
/** Deadline for requests in progress, counted from the end of the drain. */
const STOP_DEADLINE_MS = 6_500;
/** Deadline for flushing pending writes, counted from the end of the drain. With a drain of 1 s, it ends within 10 s. */
const FLUSH_DEADLINE_MS = 8_000;

/** A running server. */
export interface ConferenceCoach {
  port: number;
  /** Where the metrics are; undefined if they are off. */
  metricsPort: number | undefined;
  /** The base of the addresses in its documents, without a slash at the end. */
  publicUrl: string;
  /**
   * Stops taking requests, finishes those in progress, and flushes pending writes. Takes at most 8.5 s and the drain.
   *
   * @param drainMs how long it goes on serving first, so that load balancers notice; `DRAIN_SECONDS` by default
   * @returns false if a request or a write was lost; the log has the details
   */
  stop(drainMs?: number): Promise<boolean>;
  /** Reloads the files of roster and tokens, if there are any; see {@link followRoster}. Never rejects. */
  reloadRoster(): Promise<void>;
}

/**
 * Starts a server with these settings.
 *
 * @param options as of {@link createServer}; `droppedLines` tells how many lines of the log have been dropped so far
 * @throws UserError if the port, the store or the roster cannot be used
 */
export async function startConferenceCoach(
  config: Config,
  log: Logger,
  options: Partial<Pick<ServerOptions, 'sleep' | 'retryMs' | 'sweepIntervalMs' | 'actionMs' | 'framedBy'>> & {
    droppedLines?: () => number;
  } = {},
): Promise<ConferenceCoach> {
  const draining = new AbortController();
  const roster = createRoster(config);
  const liveRoster = await followRosterFile(config, roster, log);
  const tokens = createTokens({ now: Date.now });
  const liveTokens = config.roster && (await followTokens({ tokens, file: tokensFileBeside(config.roster.file), log }));
  const connectionLog = createConnectionLog(log);
  const metrics = config.metricsPort === undefined ? undefined : createMetrics();
  const store = createStore(config, connectionLog.onConnection, metrics);
  const refusals = createRefusalLog(log);
  const { listener, scrapes } = await listenWithStore(config, store, log, refusals, metrics).catch((error) => {
    liveRoster?.close();
    liveTokens?.close();
    store.close();
    throw error;
  });
  connectionLog.started();
  const publicUrl = config.publicUrl ?? `http://localhost:${listener.port}`;
  const { droppedLines = () => 0, ...serverOptions } = options;
  const server = createServer({
    config,
    publicUrl,
    roster,
    tokens,
    store,
    space: createSpace(config, metrics),
    draining: draining.signal,
    refusals,
    log,
    now: Date.now,
    monotonicNow: performance.now.bind(performance),
    sleep,
    metrics,
    ...serverOptions,
  });
  metrics?.watch({ store: store.rooms, pendingEvents: server.pendingEvents, droppedLines });
  listener.serve(server.handle);
  for (const warning of config.warnings) {
    log.warn(warning);
  }
  const { port } = listener;
  const metricsPort = scrapes?.port;
  log.info(
    { port, metricsPort, publicUrl, room: config.conferenceName, ...findFeatures(config) },
    'Conference Coach is listening',
  );
  void server.sweep();

  return {
    port,
    metricsPort,
    publicUrl,
    async stop(drainMs = config.drainSeconds * 1_000) {
      draining.abort();
      const stoppingSince = performance.now();
      const answered = await listener.stop({ drainMs, deadlineMs: drainMs + STOP_DEADLINE_MS });
      liveRoster?.close();
      liveTokens?.close();
      const timeLeftMs = drainMs + FLUSH_DEADLINE_MS - (performance.now() - stoppingSince);
      const written = await server.close(timeLeftMs);
      store.close();
      scrapes?.close();
      if (!answered || !written) {
        log.error({ answered, written }, 'Stopped; some requests or changes were lost');
      }
      return answered && written;
    },
    async reloadRoster() {
      if (liveRoster === undefined) {
        log.warn('No roster to reload: ROSTER_FILE is not set');
      }
      await Promise.all([liveRoster?.reload(), liveTokens?.reload()]);
    },
  };
}

async function followRosterFile({ roster: source }: Config, roster: Roster, log: Logger) {
  return source && followRoster({ roster, file: source.file, log, read: () => readRosterFile(source) });
}

async function listenWithStore(
  config: Config,
  store: Store,
  log: Logger,
  refusals: RefusalLog,
  metrics: Metrics | undefined,
): Promise<{ listener: Listener; scrapes: MetricsListener | undefined }> {
  await checkStore(store, log);
  const { host, port, metricsPort: scrapePort = 0 } = config;
  const scrapes =
    metrics &&
    (await listenForScrapes({ port: scrapePort, host, metrics }).catch((error) => {
      throw explainListenError(error, { host, port: scrapePort, setting: 'METRICS_PORT' });
    }));
  try {
    return { listener: await listen({ ...config, isTrustedPeer: compileTrust(config.trustProxy), refusals }), scrapes };
  } catch (error) {
    scrapes?.close();
    throw explainListenError(error as NodeJS.ErrnoException, { host, port, setting: 'PORT' });
  }
}

/** The client of the Space's REST API; undefined if that is not configured. */
function createSpace({ space }: Config, metrics: Metrics | undefined): ConferenceApi | undefined {
  const client = space && createRestClient(space, { timeoutMs: REST_TIMEOUT_MS, now: Date.now });
  return client && metrics ? timeSpace(client, metrics.timeRest) : client;
}

function createStore(
  config: Config,
  onConnection: RedisConnectionOptions['onConnection'],
  metrics: Metrics | undefined,
): Store {
  const lifetimeMs = lifetimeOf(config);
  if (config.redisUrls.length === 0) {
    return createMemoryStore({ lifetimeMs, monotonicNow: () => performance.now(), now: Date.now });
  }
  return createRedisStore({
    lifetimeMs,
    auditMs: config.auditDays * 86_400_000,
    urls: config.redisUrls,
    tls: config.redisTls,
    timeoutMs: STORE_TIMEOUT_MS,
    onConnection,
    wrapStorage: metrics && ((storage) => timeStorage(storage, metrics.timeStore)),
  });
}

/** Logs each change of the connection once, not each attempt. At the start, {@link checkStore} logs a missing Redis. */
function createConnectionLog(log: Logger) {
  let isStarting = true;
  let wasReady = false;
  let lastReason: string | undefined;
  return {
    started() {
      isStarting = false;
    },
    onConnection(state: Parameters<RedisConnectionOptions['onConnection']>[0]) {
      if (state.ready) {
        if (!wasReady) {
          log.info('Redis connected');
        }
        lastReason = undefined;
      } else if (!isStarting && state.error.code === 'misconfigured') {
        if (state.error.message !== lastReason) {
          lastReason = state.error.message;
          log.error({ err: state.error }, 'Redis refuses this server; calls continue without it, retrying');
        }
      } else if (wasReady) {
        log.error(
          { err: state.error },
          'Redis unreachable: start it, or correct REDIS_URL; calls continue without it, retrying',
        );
      }
      wasReady = state.ready;
    },
  };
}

/** Waits a moment for the store. One that is down may come back; one that refuses this server stops the start. */
async function checkStore(store: Store, log: Logger): Promise<void> {
  try {
    await waitForStore(store, STORE_TIMEOUT_MS);
  } catch (err) {
    if (err instanceof StoreError && err.code === 'misconfigured') {
      throw new UserError([err.message]);
    }
    log.error({ err }, 'Redis unreachable: start it, or correct REDIS_URL; starting without it, retrying');
  }
}

function explainListenError(
  error: NodeJS.ErrnoException,
  { setting, port, host }: { setting: 'PORT' | 'METRICS_PORT'; port: number; host: string | undefined },
): UserError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new UserError([`${setting} ${port} is taken: stop the program that has it, or set another ${setting}.`]);
    case 'EACCES':
      return new UserError([
        `${setting} ${port} needs rights this program does not have: set a ${setting} above 1023.`,
      ]);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError([`HOST ${host} is not an address of this machine: set another HOST, or none.`]);
    default:
      return new UserError([`Cannot listen on HOST ${host ?? ''}, ${setting} ${port}: ${error.message}.`]);
  }
}
