import Redis, { Cluster, type RedisOptions } from 'ioredis';
import { withDeadline } from '../ops/deadline';
import { StoreError } from './store-error';
import { findTlsProblem, type RedisAddress, type RedisTls, tlsOptions } from './tls-problem';

export type RedisClient = Redis | Cluster;

/** One connection to Redis, or to a Redis Cluster, for all that this process keeps there. */
export interface RedisConnection {
  /** For `defineCommand`, and for libraries that bring commands of their own; what they send goes through `run`. */
  client: RedisClient;
  /**
   * Sends commands and waits for what comes of them.
   *
   * @throws StoreError at once while there is no connection, or when it took too long
   */
  run<T>(command: () => Promise<T>): Promise<T>;
  /** @throws StoreError when the store does not answer */
  ping(): Promise<void>;
  /** Lets go of the connection. Never throws. */
  close(): void;
}

export interface RedisConnectionOptions {
  /**
   * One `redis:` or `rediss:` url; or several, which are nodes of one Redis Cluster and share the first one's
   * credentials and `?family=`.
   */
  urls: readonly string[];
  /** For `rediss:` urls; by default Node's own authorities are trusted. */
  tls?: RedisTls | undefined;
  /** How long one operation may take in all, connecting and repeating included, in milliseconds. */
  timeoutMs: number;
  /** Told of every failure to connect, and of every connection that became usable. */
  onConnection: (state: { ready: true } | { ready: false; error: StoreError }) => void;
}

/** How long a first connection may take before TLS is looked at, in milliseconds. */
const SUSPICION_MS = 300;

/**
 * Connects at once and reconnects for ever, at least once a second; while there is no connection every operation fails
 * immediately. Needs Redis 6.2 or newer.
 */
export function connectRedis({ urls, tls, timeoutMs, onConnection }: RedisConnectionOptions): RedisConnection {
  const parsed = urls.map((url) => new URL(url));
  const usedTls = parsed[0]?.protocol === 'rediss:' ? (tls ?? { ca: undefined, verify: true }) : undefined;
  const client = connect(parsed, usedTls);
  // The error that says why there is no connection; a command only learns that there is none.
  let connectionError: StoreError | undefined;
  // ioredis goes on with database 0 when it is not let into the one it was told to use.
  let databaseError: Error | undefined;
  // Asked of the port itself: ioredis drops a cluster's errors, and a port that expects TLS just closes.
  let tlsError: StoreError | undefined;
  // A node of the cluster that REDIS_URL may not name.
  let failedNode: RedisAddress | undefined;
  let isDiagnosing = false;
  let isClosed = false;
  // A Redis without TLS never answers a handshake, so no event comes in time.
  const suspicion = setTimeout(diagnose, SUSPICION_MS);
  client.on('ready', () => {
    clearTimeout(suspicion);
    tlsError = undefined;
    failedNode = undefined;
    connectionError = databaseError && toStoreError(databaseError);
    onConnection(connectionError === undefined ? { ready: true } : { ready: false, error: connectionError });
  });
  client.on('close', () => {
    databaseError = undefined;
    connectionError ??= toStoreError(new Error('connection closed'));
    void diagnose();
  });
  client.on('error', (error: Error) => {
    if ((error as { command?: { name: string } }).command?.name === 'select') {
      databaseError = error;
    }
    connectionError = toStoreError(rootCause(error));
    onConnection({ ready: false, error: connectionError });
  });
  client.on('node error', (_error: Error, node: string) => {
    const colon = node.lastIndexOf(':');
    failedNode = { host: node.slice(0, colon), port: Number(node.slice(colon + 1)), family: 0 };
  });

  /** Finds out whether TLS is why there is no connection. Never rejects. */
  async function diagnose(): Promise<void> {
    if (isDiagnosing || isClosed || connectionError?.code === 'misconfigured') {
      return;
    }
    isDiagnosing = true;
    const addresses = [...parsed.map(addressOf), ...(failedNode ? [failedNode] : [])];
    const problems = await Promise.all(addresses.map((address) => findTlsProblem(address, usedTls)));
    isDiagnosing = false;
    if (isClosed || client.status === 'ready') {
      return;
    }
    const problem = problems.find((sentence) => sentence !== undefined);
    tlsError = problem === undefined ? undefined : new StoreError('misconfigured', problem);
    if (tlsError !== undefined) {
      onConnection({ ready: false, error: tlsError });
    }
  }

  async function run<T>(command: () => Promise<T>): Promise<T> {
    if (databaseError !== undefined) {
      throw toStoreError(databaseError);
    }
    if (client.status !== 'ready') {
      throw tlsError ?? connectionError ?? new StoreError('unavailable', 'Redis: not connected yet');
    }
    try {
      return await withDeadline(command(), timeoutMs);
    } catch (error) {
      throw error instanceof Error ? toStoreError(error) : error;
    }
  }

  return {
    client,
    run,
    async ping() {
      // A read that a cluster must route and a password must allow, unlike PING.
      await run(() => client.exists('conference-coach:{ping}'));
    },
    close() {
      isClosed = true;
      clearTimeout(suspicion);
      client.disconnect();
    },
  };
}

/** How long a connection to a Redis that is read-only is kept at least, in milliseconds. */
const RECONNECT_INTERVAL_MS = 500;

/**
 * Decides whether an error calls for another connection: a primary that was demoted keeps its connections, and the
 * address leads to the new one. Of the errors of many commands under way, the first one does.
 */
function createReconnectDecision(): (error: Error) => boolean {
  let reconnectedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    const isDue = performance.now() - reconnectedAt >= RECONNECT_INTERVAL_MS;
    if (!isDue || !error.message.startsWith('READONLY')) {
      return false;
    }
    reconnectedAt = performance.now();
    return true;
  };
}

function connect(urls: readonly URL[], tls: RedisTls | undefined): RedisClient {
  const common = {
    // A command waits for an answer, never for a connection: the caller has a plan for when there is none.
    enableOfflineQueue: false,
    connectTimeout: 2_000,
    // Closing does not wait for the other side to close too. (Missing in the types.)
    ...({ disconnectTimeout: 200 } as object),
    // A connection that stops answering is replaced, also in the middle of its handshake.
    socketTimeout: 2_000,
    // What was under way when a connection broke fails at once. It is not sent again from here: it would be dated anew.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: reconnectDelayMs,
    reconnectOnError: createReconnectDecision(),
    // Commands are few and independent; batching them would add SCRIPT EXISTS round trips.
    enableAutoPipelining: false,
    connectionName: 'conference-coach',
  } satisfies RedisOptions;
  const [first, ...others] = urls;
  if (first === undefined) {
    throw new RangeError('A Redis registry needs at least one url.');
  }
  const { host, port, family } = addressOf(first);
  const options = {
    ...common,
    family,
    username: decodeURIComponent(first.username),
    password: decodeURIComponent(first.password),
    ...(tls && { tls: tlsOptions(tls) }),
  } satisfies RedisOptions;
  if (others.length === 0) {
    return new Redis({ ...options, host, port, db: Number(first.pathname.slice(1)) });
  }
  return new Cluster(
    urls.map(addressOf).map((node) => ({ host: node.host, port: node.port })),
    {
      enableOfflineQueue: false,
      // Certificates name hosts; a host looked up beforehand is an address by the time it is checked.
      dnsLookup: (name, done) => done(null, name),
      clusterRetryStrategy: reconnectDelayMs,
      slotsRefreshTimeout: 2_000,
      enableAutoPipelining: false,
      redisOptions: options,
    },
  );
}

/** Soon at first, never more than a second, and not all servers at the same moment. */
function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** (attempt - 1), 800) + Math.floor(Math.random() * 200);
}

function addressOf(url: URL): RedisAddress {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    family: Number(url.searchParams.get('family')),
  };
}

/** ioredis wraps what a cluster's nodes said in an error of its own. */
function rootCause(error: Error): Error {
  const last = (error as { lastNodeError?: Error }).lastNodeError;
  return last ?? error;
}

/** Redis errors that waiting does not help, each with its reason. */
const REFUSALS: readonly [RegExp, string][] = [
  // 21 begins an alert of TLS, which is told from its port.
  [/^Unknown RESP type (?!21 )/, 'not a Redis server'],
  [/^NOAUTH/, 'login refused; Redis wants a password, and the url has none'],
  [/^(WRONGPASS|ERR invalid password)/, 'login refused; wrong user or password'],
  [/^NOPERM/, 'login refused; the user lacks a permission'],
  [/^ERR DB index/, 'no such database'],
  [
    /^ERR This instance has cluster support disabled/,
    'several urls are for a Redis Cluster, and this is none; name one',
  ],
  [/^ERR unknown command/, 'Redis 6.2 or newer is needed'],
];

function toStoreError(given: Error): StoreError {
  // Redis repeats the arguments of a command that it does not know: keys with telephone numbers.
  const message = given.message.replace(/,? with args beginning with.*/s, '');
  const error = message === given.message ? given : new Error(message);
  const [, refusal] = REFUSALS.find(([form]) => form.test(error.message)) ?? [];
  return refusal === undefined
    ? new StoreError('unavailable', `Redis: ${error.message}`, { cause: error })
    : new StoreError('misconfigured', `REDIS_URL: ${refusal} (${firstWords(error.message)}).`, { cause: error });
}

/** The beginning of what Redis said, which identifies it. */
function firstWords(message: string): string {
  return message.length <= 60 ? message : `${message.slice(0, 60)}…`;
}
