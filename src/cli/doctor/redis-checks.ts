import type { Config } from '../../config';
import { connectRedis } from '../../redis/redis-connection';
import { type RedisReport, ROUND_TRIPS, readRedisReports } from '../../redis/redis-report';
import { StoreError } from '../../redis/store-error';
import { waitForStore } from '../../stores';
import { judgeClock } from './clock';
import { error, type Finding, ok, skipped, warning } from './finding';

const CONNECTION = 'redis.connection';
const VERSION = 'redis.version';
const ROLE = 'redis.role';
const EVICTION = 'redis.eviction';
const PERSISTENCE = 'redis.persistence';
const LATENCY = 'redis.latency';
const CLOCK = 'redis.clock';

/** Round trips that take longer than these, in milliseconds, are a warning and an error. A call waits at most 800 ms. */
const SLOW_MS = 20;
const TOO_SLOW_MS = 200;

const MIN_VERSION: readonly [number, number] = [6, 2];

/** The findings without Redis. */
export function skipRedis(reason: string): Finding[] {
  return skipped([CONNECTION, ...Object.keys(judgements)], reason);
}

/** Checks Redis, or every node of a Redis Cluster. */
export async function checkRedis(
  { redisUrls: urls, redisTls: tls }: Pick<Config, 'redisUrls' | 'redisTls'>,
  clocks: { timeoutMs: number; now: () => number; monotonicNow: () => number },
): Promise<Finding[]> {
  if (urls.length === 0) {
    return skipRedis('REDIS_URL is not set: state is kept in memory.');
  }
  const { timeoutMs } = clocks;
  const redis = connectRedis({ urls, tls, timeoutMs, onConnection: () => {} });
  try {
    await waitForStore(redis, timeoutMs);
    return judgeRedis(await readRedisReports(redis, clocks), urls.length > 1);
  } catch (problem) {
    if (!(problem instanceof StoreError)) {
      throw problem;
    }
    const [message, remedy] =
      problem.code === 'misconfigured'
        ? [problem.message, 'Correct REDIS_URL, or Redis.']
        : [
            `Redis did not answer: ${problem.message.replace(/^Redis: /, '')}.`,
            'Start Redis, or correct REDIS_URL. Check that a firewall lets this machine in.',
          ];
    return [
      error(CONNECTION, message, remedy),
      ...skipped(Object.keys(judgements), 'There is no connection to Redis.'),
    ];
  } finally {
    redis.close();
  }
}

/** Judges what each Redis told. Pure. */
export function judgeRedis(reports: readonly RedisReport[], isCluster: boolean): Finding[] {
  const names = reports.map(({ address, version }) => `${version ?? 'of unknown version'} at ${address}`);
  const perCheck = Object.values(judgements).map((judge) => {
    const findings = reports.map((report) => judge(report, isCluster));
    const wrong = findings.filter(({ status }) => status !== 'ok');
    // One sentence for all nodes if none has a problem.
    return wrong.length === 0 ? findings.slice(0, 1) : wrong;
  });
  return [ok(CONNECTION, `Redis ${names.join(', ')} answers.`), ...perCheck.flat()];
}

type Judgement = (report: RedisReport, isCluster: boolean) => Finding;

const judgements: Readonly<Record<string, Judgement>> = {
  [VERSION]({ address, version }) {
    const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
    const needed = MIN_VERSION.join('.');
    if (version === undefined) {
      return untold(VERSION, address, 'its version', 'INFO');
    }
    return major > MIN_VERSION[0] || (major === MIN_VERSION[0] && minor >= MIN_VERSION[1])
      ? ok(VERSION, `The version is ${needed} or newer.`)
      : error(VERSION, `Redis at ${address} is ${version}.`, `Update it to ${needed} or newer.`);
  },

  [ROLE]({ address, isReplica }, isCluster) {
    return isReplica && !isCluster
      ? error(ROLE, `Redis at ${address} is a replica, which takes no writes.`, 'Set REDIS_URL to the primary.')
      : ok(ROLE, 'It takes writes.');
  },

  [EVICTION]({ address, evictionPolicy }) {
    if (evictionPolicy === undefined) {
      return untold(EVICTION, address, 'its maxmemory-policy', 'INFO');
    }
    return evictionPolicy === 'noeviction'
      ? ok(EVICTION, 'maxmemory-policy is noeviction: a full Redis deletes nothing.')
      : error(
          EVICTION,
          `Redis at ${address} has maxmemory-policy ${evictionPolicy}: when full, it deletes rooms or the audit trail.`,
          'Set maxmemory-policy noeviction.',
        );
  },

  [PERSISTENCE]({ address, appendsToDisk, takesSnapshots, hasFailedToSave }) {
    if (hasFailedToSave) {
      return error(
        PERSISTENCE,
        `Redis at ${address} failed to write to its disk; it may refuse all writes.`,
        'Free space on its disk, or see its log.',
      );
    }
    if (appendsToDisk) {
      return ok(PERSISTENCE, 'Every write is kept on disk (AOF).');
    }
    if (appendsToDisk === undefined || takesSnapshots === undefined) {
      return untold(PERSISTENCE, address, 'what it keeps on disk', 'INFO and CONFIG GET');
    }
    return takesSnapshots
      ? ok(
          PERSISTENCE,
          'It takes snapshots only (RDB): a crash loses the minutes since the last one. With AOF it would be a second.',
        )
      : warning(
          PERSISTENCE,
          `Redis at ${address} keeps nothing on disk: a restart loses the rooms and the audit trail.`,
          'Set appendonly yes.',
        );
  },

  [LATENCY]({ address, medianRoundTripMs: ms }) {
    const measured = `Redis at ${address} takes ${ms.toFixed(1)} ms per round trip, the median of ${ROUND_TRIPS}`;
    const remedy = 'Run Redis near the server, and nothing slow in it. A call waits at most 800 ms for several.';
    if (ms > TOO_SLOW_MS) {
      return error(LATENCY, `${measured}.`, remedy);
    }
    return ms > SLOW_MS
      ? warning(LATENCY, `${measured}.`, remedy)
      : ok(LATENCY, `A round trip takes ${ms.toFixed(1)} ms, the median of ${ROUND_TRIPS}.`);
  },

  [CLOCK]({ address, clockAheadMs }) {
    return judgeClock(CLOCK, `The clock of Redis at ${address}`, 'this machine', clockAheadMs);
  },
};

function untold(id: string, address: string, what: string, command: string): Finding {
  return {
    id,
    status: 'skipped',
    message: `Redis at ${address} does not tell ${what}.`,
    remedy: `Allow the user in REDIS_URL to use ${command}.`,
  };
}
