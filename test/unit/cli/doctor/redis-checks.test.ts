import { describe, expect, it } from '@jest/globals';
import { judgeRedis } from '../../../../src/cli/doctor/redis-checks';
import type { RedisReport } from '../../../../src/redis/redis-report';

const GOOD: RedisReport = {
  address: 'redis-1:6379',
  version: '7.4.2',
  isReplica: false,
  evictionPolicy: 'noeviction',
  appendsToDisk: true,
  takesSnapshots: false,
  hasFailedToSave: false,
  clockAheadMs: 0,
  medianRoundTripMs: 0.2,
};

/** The findings that are not ok: `id status message`. */
const problemsOf = (reports: RedisReport[], isCluster = reports.length > 1) =>
  judgeRedis(reports, isCluster)
    .filter(({ status }) => status !== 'ok')
    .map(({ id, status, message }) => `${id} ${status} ${message}`);

describe('judgeRedis', () => {
  it.each<[what: string, report: Partial<RedisReport>]>([
    ['the oldest version that will do', { version: '6.2.0' }],
    ['a later major version', { version: '10.0.1' }],
    ['snapshots alone', { appendsToDisk: false, takesSnapshots: true }],
    ['a clock that is two seconds off', { clockAheadMs: -2_000 }],
  ])('accepts %s', (_what, report) => {
    expect(problemsOf([{ ...GOOD, ...report }])).toEqual([]);
  });

  it.each<[report: Partial<RedisReport>, problem: string]>([
    [{ version: '6.0.16' }, 'redis.version error Redis at redis-1:6379 is 6.0.16.'],
    [{ version: '5.0.14' }, 'redis.version error Redis at redis-1:6379 is 5.0.14.'],
    [
      { hasFailedToSave: true },
      'redis.persistence error Redis at redis-1:6379 failed to write to its disk; it may refuse all writes.',
    ],
    [
      { medianRoundTripMs: 201 },
      'redis.latency error Redis at redis-1:6379 takes 201.0 ms per round trip, the median of 7.',
    ],
    [
      { clockAheadMs: 3_400 },
      'redis.clock warning The clock of Redis at redis-1:6379 is 3 s ahead of that of this machine.',
    ],
    [
      { clockAheadMs: -61_000 },
      'redis.clock error The clock of Redis at redis-1:6379 is 61 s behind that of this machine.',
    ],
    [{ version: undefined }, 'redis.version skipped Redis at redis-1:6379 does not tell its version.'],
    [{ evictionPolicy: undefined }, 'redis.eviction skipped Redis at redis-1:6379 does not tell its maxmemory-policy.'],
    [
      { appendsToDisk: false, takesSnapshots: undefined },
      'redis.persistence skipped Redis at redis-1:6379 does not tell what it keeps on disk.',
    ],
  ])('finds %j', (report, problem) => {
    expect(problemsOf([{ ...GOOD, ...report }])).toEqual([problem]);
  });

  it('names each node of a cluster that has a problem, and takes replicas for granted there', () => {
    const other = { ...GOOD, address: 'redis-2:6379', isReplica: true };
    expect(problemsOf([GOOD, other])).toEqual([]);
    expect(problemsOf([GOOD, { ...other, evictionPolicy: 'volatile-ttl' }])).toEqual([
      'redis.eviction error Redis at redis-2:6379 has maxmemory-policy volatile-ttl: when full, it deletes rooms or the audit trail.',
    ]);
  });
});
