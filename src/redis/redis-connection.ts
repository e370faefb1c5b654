import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { withDeadline } from '../ops/deadline';
import { StoreError } from './store-error';
import { findTlsProblem, type RedisAddress, type RedisTls, tlsOptions } from './tls-problem';

export type RedisClient = Redis | Cluster;

/** This process's connection to Redis, or to a Redis Cluster. */
export interface RedisConnection {
  /** For `defineCommand`, and for libraries with commands of their own; send all commands through `run`. */
  client: RedisClient;
  /**
   * Sends commands and waits for the result.
   *
   * @throws StoreError at once if there is no connection, or after `timeoutMs`
   */
  run<T>(command: () => Promise<T>): Promise<T>;
  /** @throws StoreError if Redis does not answer */
  ping(): Promise<void>;
  /** Closes the connection. Never throws. */
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
  /** Deadline of one operation, in milliseconds. */
  timeoutMs: number;
  /** Called for every failure to connect, and whenever the connection becomes usable. */
  onConnection: (state: { ready: true } | { ready: false; error: StoreError }) => void;
}

/** How long the first connection may take before a probe for a TLS mismatch, in milliseconds. */
const SUSPICION_MS = 300;

/**
 * Connects at once, and reconnects for ever, at least once a second. Without a connection every operation fails at
 * once. Needs Redis 6.2 or newer.
 */
export function connectRedis({ urls, tls, timeoutMs, onConnection }: RedisConnectionOptions): RedisConnection {
  const parsed = urls.map((url) => new URL(url));
  const usedTls = parsed[0]?.protocol === 'rediss:' ? (tls ?? { ca: undefined, verify: true }) : undefined;
  const client = connect(parsed, usedTls);
  // Why there is no connection; the error of a command only says that there is none.
  let connectionError: StoreError | undefined;
  // If the database cannot be selected, ioredis goes on with database 0.
  let databaseError: Error | undefined;
  // From our own probe of the port: ioredis drops a cluster's errors, and a port that expects TLS just closes.
  let tlsError: StoreError | undefined;
  // A cluster node, which REDIS_URL may not name.
  let failedNode: RedisAddress | undefined;
  let isDiagnosing = false;
  let isClosed = false;
  // A Redis without TLS never answers a handshake, so no event would tell us.
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

  /** Finds out whether TLS prevents the connection. Never rejects. */
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

  /**
   * The connections whose commands of this turn of the event loop are sent together: a write to the socket costs more than a
   * command. ioredis's `enableAutoPipelining` joins them too, but each batch waits for the answer to the previous one.
   */
  const corked: Redis['stream'][] = [];

  function uncork(): void {
    for (const stream of corked.splice(0)) {
      stream?.uncork();
    }
  }

  async function run<T>(command: () => Promise<T>): Promise<T> {
    if (databaseError !== undefined) {
      throw toStoreError(databaseError);
    }
    if (client.status !== 'ready') {
      throw tlsError ?? connectionError ?? new StoreError('unavailable', 'Redis: not connected yet');
    }
    if (corked.length === 0) {
      for (const { stream } of client instanceof Cluster ? client.nodes() : [client]) {
        stream?.cork();
        corked.push(stream);
      }
      setImmediate(uncork);
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
      // Unlike PING, a read must be routed by a cluster and allowed by the login.
      await run(() => client.exists('conference-coach:{ping}'));
    },
    close() {
      isClosed = true;
      clearTimeout(suspicion);
      client.disconnect();
    },
  };
}

/** The least time between two reconnects because of a read-only Redis, in milliseconds. */
const RECONNECT_INTERVAL_MS = 500;

/**
 * Decides whether an error requires a new connection. A demoted primary keeps its connections, while its address already
 * leads to the new primary. Of several failing commands, only the first reconnects.
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
    // Commands never wait for a connection: callers handle its absence.
    enableOfflineQueue: false,
    connectTimeout: 2_000,
    // Closing does not wait for the other side. (Missing in the types.)
    ...({ disconnectTimeout: 200 } as object),
    // Replaces a connection that stops answering, even during its handshake.
    socketTimeout: 2_000,
    // Commands in progress fail when the connection breaks. Sending them again here would give them a new date.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: reconnectDelayMs,
    reconnectOnError: createReconnectDecision(),
    // Commands are few; batching them would add SCRIPT EXISTS round trips.
    enableAutoPipelining: false,
    connectionName: 'conference-coach',
  } satisfies RedisOptions;
  const [first, ...others] = urls;
  if (first === undefined) {
    throw new RangeError('connectRedis needs at least one url.');
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
      // Certificates name hosts: a lookup here would have the certificate checked against an address.
      dnsLookup: (name, done) => done(null, name),
      clusterRetryStrategy: reconnectDelayMs,
      slotsRefreshTimeout: 2_000,
      enableAutoPipelining: false,
      redisOptions: options,
    },
  );
}

/** Short at first, at most a second, and random, so that servers do not reconnect at the same moment. */
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

/** ioredis wraps the errors of cluster nodes in its own. */
function rootCause(error: Error): Error {
  const last = (error as { lastNodeError?: Error }).lastNodeError;
  return last ?? error;
}

/** Redis errors that do not pass with time, and what each means. */
const REFUSALS: readonly [RegExp, string][] = [
  // 21 begins a TLS alert, which our probe of the port explains.
  [/^Unknown RESP type (?!21 )/, 'not a Redis server'],
  [/^NOAUTH/, 'login refused; Redis requires a password, and the url has none'],
  [/^(WRONGPASS|ERR invalid password)/, 'login refused; wrong user or password'],
  [/^NOPERM/, 'login refused; the user lacks a permission'],
  [/^ERR DB index/, 'no such database'],
  [/^ERR This instance has cluster support disabled/, 'not a Redis Cluster; name a single url'],
  [/^ERR unknown command/, 'Redis 6.2 or newer is needed'],
];

/** An error of the Redis client as a StoreError, without keys or other arguments of commands. */
export function toStoreError(given: Error): StoreError {
  // Redis quotes the arguments of an unknown command: keys with telephone numbers.
  const message = given.message.replace(/,? with args beginning with.*/s, '');
  const error = message === given.message ? given : new Error(message);
  const [, refusal] = REFUSALS.find(([form]) => form.test(error.message)) ?? [];
  return refusal === undefined
    ? new StoreError('unavailable', `Redis: ${error.message}`, { cause: error })
    : new StoreError('misconfigured', `REDIS_URL: ${refusal} (${firstWords(error.message)}).`, { cause: error });
}

/** The beginning of a message, enough to identify it. */
function firstWords(message: string): string {
  return message.length <= 60 ? message : `${message.slice(0, 60)}…`;
}
