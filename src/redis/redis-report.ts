import { once } from 'node:events';
import { Cluster, type Redis } from 'ioredis';
import { withDeadline } from '../ops/deadline';
import { type RedisConnection, toStoreError } from './redis-connection';

/** What one Redis tells about itself. Undefined: it does not tell this login. */
export interface RedisReport {
  /** `host:port`. */
  address: string;
  /** Such as `7.4.2`. */
  version: string | undefined;
  isReplica: boolean | undefined;
  /** Its `maxmemory-policy`. */
  evictionPolicy: string | undefined;
  /** Whether it logs every write to disk (AOF). */
  appendsToDisk: boolean | undefined;
  /** Whether it takes snapshots (RDB) by itself. */
  takesSnapshots: boolean | undefined;
  /** Whether its latest write to disk failed. */
  hasFailedToSave: boolean | undefined;
  /** How far its clock is ahead of ours, in milliseconds; negative if it is behind. */
  clockAheadMs: number;
  /** The median of {@link ROUND_TRIPS} round trips, in milliseconds. */
  medianRoundTripMs: number;
}

/** How many round trips are measured. */
export const ROUND_TRIPS = 7;

/**
 * Asks Redis, or every node of a Redis Cluster, about itself. Needs a connection that is ready.
 *
 * @param options.timeoutMs deadline for all nodes together
 * @param options.now milliseconds since 1970
 * @param options.monotonicNow milliseconds from any beginning, never going back
 * @throws StoreError if a node does not answer in time
 */
export async function readRedisReports(
  { client }: Pick<RedisConnection, 'client'>,
  { timeoutMs, ...clocks }: { timeoutMs: number; now: () => number; monotonicNow: () => number },
): Promise<RedisReport[]> {
  const nodes = client instanceof Cluster ? client.nodes('all') : [client];
  try {
    return await withDeadline(Promise.all(nodes.map((node) => readReport(node, clocks))), timeoutMs);
  } catch (error) {
    throw toStoreError(error as Error);
  }
}

async function readReport(
  node: Redis,
  { now, monotonicNow }: { now: () => number; monotonicNow: () => number },
): Promise<RedisReport> {
  if (node.status === 'wait') {
    // A cluster connects to a node when it first needs it. If that fails, `once` says so.
    node.connect().catch(() => {});
  }
  if (node.status !== 'ready') {
    await once(node, 'ready');
  }
  const info = await unlessForbidden(node.info());
  const setting = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info ?? '')?.[1];
  const flag = (name: string, value: string) => {
    const given = setting(name);
    return given === undefined ? undefined : given === value;
  };
  const save = await unlessForbidden(node.config('GET', 'save'));
  const roundTrips: number[] = [];
  for (let count = 0; count < ROUND_TRIPS; count++) {
    const sentAt = monotonicNow();
    await node.ping();
    roundTrips.push(monotonicNow() - sentAt);
  }
  const askedAt = now();
  const [seconds, microseconds] = await node.time();
  const clockAheadMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (askedAt + now()) / 2;
  return {
    address: `${node.options.host}:${node.options.port}`,
    version: setting('redis_version'),
    isReplica: flag('role', 'slave'),
    evictionPolicy: setting('maxmemory_policy'),
    appendsToDisk: flag('aof_enabled', '1'),
    takesSnapshots: save && String(Object.values(save as object).at(-1)) !== '',
    hasFailedToSave:
      info === undefined ? undefined : flag('rdb_last_bgsave_status', 'err') || flag('aof_last_write_status', 'err'),
    clockAheadMs,
    medianRoundTripMs: roundTrips.sort((a, b) => a - b)[ROUND_TRIPS >> 1] ?? 0,
  };
}

/** The answer; undefined if this login may not ask, or this Redis does not know the command. */
async function unlessForbidden<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (/^(NOPERM|ERR unknown command)/.test((error as Error).message)) {
      return undefined;
    }
    throw error;
  }
}
