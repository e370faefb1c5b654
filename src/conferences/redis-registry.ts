import Redis, { Cluster, type RedisOptions } from 'ioredis';
import { withDeadline } from '../ops/deadline';
import type { Sid } from '../signalwire/sid';
import { type ConferenceRegistry, StoreError } from './registry';
import type { RoomName } from './room-name';

/**
 * Notes a change in a room: the twin of `note` in memory-registry.ts, in one atomic step.
 *
 * Instants are by the Redis server's clock alone.
 *
 *     KEYS[1]  hash of the room's moderator: callSid, arrivedAt (ms), conferenceSid ('' while unknown)
 *     KEYS[2]  sorted set of what was seen in the room: 'arrived:<Call SID>' scored by when it arrived (ms),
 *              'gone:<Call SID or Conference SID>' scored by when that was noted (ms)
 *     ARGV[1]  'arrived', 'joined', 'left' or 'ended'
 *     ARGV[2]  Call SID, '' for 'ended'
 *     ARGV[3]  Conference SID, '' when unknown
 *     ARGV[4]  how long ago it happened (ms)
 *     ARGV[5]  how long anything is remembered (ms)
 *     returns  nothing
 */
const APPLY_SCRIPT = `
local moderator, seen = KEYS[1], KEYS[2]
local kind, call, conference, age, lifetime = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if age >= lifetime then return end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(number) return string.format('%.0f', number) end
local function gone(sid) return redis.call('ZSCORE', seen, 'gone:' .. sid) end
local function leave(sid)
  redis.call('ZADD', seen, text(now), 'gone:' .. sid)
  if redis.call('HGET', moderator, 'callSid') == sid then redis.call('DEL', moderator) end
end

if kind == 'left' then
  leave(call)
elseif kind == 'ended' then
  redis.call('ZADD', seen, text(now), 'gone:' .. conference)
  local current = redis.call('HMGET', moderator, 'callSid', 'conferenceSid')
  if current[1] and current[2] == conference then leave(current[1]) end
else
  if conference ~= '' and gone(conference) then leave(call) end
  if not gone(call) then
    local current = redis.call('HMGET', moderator, 'callSid', 'arrivedAt', 'conferenceSid')
    local than = tonumber(current[2] or nil)
    local arrivedAt = now - age
    local known = tonumber(redis.call('ZSCORE', seen, 'arrived:' .. call) or nil)
    if known and (kind == 'joined' or known > arrivedAt) then arrivedAt = known end
    if kind == 'arrived' and age == 0 and than and than > arrivedAt then arrivedAt = than end
    redis.call('ZADD', seen, text(arrivedAt), 'arrived:' .. call)
    local same = current[1] == call
    if same or not than or arrivedAt > than or (kind == 'arrived' and arrivedAt == than) then
      if same and conference == '' then conference = current[3] end
      redis.call('HSET', moderator, 'callSid', call, 'arrivedAt', text(arrivedAt), 'conferenceSid', conference)
      redis.call('PEXPIREAT', moderator, text(arrivedAt + lifetime))
    end
  end
end
redis.call('ZREMRANGEBYSCORE', seen, '-inf', text(now - lifetime))
redis.call('PEXPIRE', seen, text(lifetime))
`;

/** The keys of a room; the braces keep them on one node of a cluster. */
function roomKeys(room: RoomName): { moderator: string; seen: string } {
  return { moderator: `conference-coach:{${room}}:moderator`, seen: `conference-coach:{${room}}:seen` };
}

interface WithScripts {
  applyChange(moderatorKey: string, seenKey: string, ...args: (string | number)[]): Promise<null>;
}

export interface RedisRegistryOptions {
  /** One `redis:` or `rediss:` url; or several, which are nodes of one Redis Cluster and share the first one's credentials. */
  urls: readonly string[];
  /** How long anything is remembered, in milliseconds. */
  lifetimeMs: number;
  /** How long one operation may take in all, connecting and repeating included, in milliseconds. */
  timeoutMs: number;
  /** Told of every failure to connect, and of every connection that became usable. */
  onConnection: (state: { ready: true } | { ready: false; error: Error }) => void;
}

/**
 * A registry in Redis, or in a Redis Cluster. It connects at once and reconnects for ever, at least once a second;
 * while there is no connection every operation fails immediately. Needs Redis 6 or newer.
 */
export function createRedisRegistry(options: RedisRegistryOptions): ConferenceRegistry {
  const { lifetimeMs, timeoutMs } = options;
  const client = connect(options.urls);
  client.defineCommand('applyChange', { numberOfKeys: 2, lua: APPLY_SCRIPT });
  const scripts = client as unknown as WithScripts;
  // The error that says why there is no connection; a command only learns that there is none.
  let connectionError: Error | undefined;
  // ioredis goes on with database 0 when it is not let into the one it was told to use.
  let databaseError: Error | undefined;
  client.on('ready', () => {
    connectionError = databaseError;
    options.onConnection(databaseError === undefined ? { ready: true } : { ready: false, error: databaseError });
  });
  client.on('close', () => {
    databaseError = undefined;
  });
  client.on('error', (error: Error) => {
    connectionError = rootCause(error);
    if ((error as { command?: { name: string } }).command?.name === 'select') {
      databaseError = error;
    }
    options.onConnection({ ready: false, error: connectionError });
  });

  return {
    async apply(change) {
      const { moderator, seen } = roomKeys(change.room);
      const callSid = change.kind === 'ended' ? '' : change.callSid;
      const conferenceSid = change.kind === 'joined' || change.kind === 'ended' ? (change.conferenceSid ?? '') : '';
      const { kind, agoMs } = change;
      await run(() => scripts.applyChange(moderator, seen, kind, callSid, conferenceSid, agoMs, lifetimeMs));
    },

    async findModerator(room) {
      return ((await run(() => client.hget(roomKeys(room).moderator, 'callSid'))) ?? undefined) as Sid | undefined;
    },

    async ping() {
      // A read that a cluster must route and a password must allow, unlike PING.
      await run(() => client.exists('conference-coach:{ping}'));
    },

    async close() {
      client.disconnect();
    },
  };

  async function run<T>(command: () => Promise<T>): Promise<T> {
    if (databaseError !== undefined) {
      throw toStoreError(databaseError);
    }
    if (client.status !== 'ready') {
      throw toStoreError(connectionError ?? new Error('not connected yet'));
    }
    try {
      return await withDeadline(command(), timeoutMs, () => new Error(`no answer in ${timeoutMs} ms`));
    } catch (error) {
      throw toStoreError(error as Error);
    }
  }
}

function connect(urls: readonly string[]): Redis | Cluster {
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
    // A primary that was demoted keeps its connections; the address leads to the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    // Commands are few and independent; batching them would add SCRIPT EXISTS round trips.
    enableAutoPipelining: false,
    connectionName: 'conference-coach',
  } satisfies RedisOptions;
  const [first, ...others] = urls.map((url) => new URL(url));
  if (first === undefined) {
    throw new RangeError('A Redis registry needs at least one url.');
  }
  if (others.length === 0) {
    return new Redis(first.href, common);
  }
  return new Cluster(
    [first, ...others].map((url) => ({ host: hostOf(url), port: Number(url.port || 6379) })),
    {
      enableOfflineQueue: false,
      // Certificates name hosts; a host looked up beforehand is an address by the time it is checked.
      dnsLookup: (host, done) => done(null, host),
      clusterRetryStrategy: reconnectDelayMs,
      slotsRefreshTimeout: 2_000,
      enableAutoPipelining: false,
      redisOptions: {
        ...common,
        ...(first.username && { username: decodeURIComponent(first.username) }),
        ...(first.password && { password: decodeURIComponent(first.password) }),
        ...(first.protocol === 'rediss:' && { tls: {} }),
      },
    },
  );
}

/** Soon at first, never more than a second, and not all servers at the same moment. */
function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** (attempt - 1), 800) + Math.floor(Math.random() * 200);
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** ioredis wraps what a cluster's nodes said in an error of its own. */
function rootCause(error: Error): Error {
  const last = (error as { lastNodeError?: Error }).lastNodeError;
  return last ?? error;
}

function toStoreError(error: Error): StoreError {
  if (error.message.startsWith('Unknown RESP type')) {
    return new StoreError('misconfigured', 'What answers there does not speak the protocol of Redis.', {
      cause: error,
    });
  }
  const isRefusal =
    /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR unknown command|ERR DB index|ERR This instance has cluster support disabled)/.test(
      error.message,
    );
  return new StoreError(isRefusal ? 'misconfigured' : 'unavailable', `Redis: ${error.message}`, { cause: error });
}
