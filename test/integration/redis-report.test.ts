import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { connectRedis } from '../../src/redis/redis-connection';
import { readRedisReports } from '../../src/redis/redis-report';
import { waitForStore } from '../../src/stores';
import { onTestFinished } from '../support/on-test-finished';
import { startRedisCluster } from '../support/redis-cluster';
import { type RedisServer, startRedis } from '../support/redis-server';

const CLOCKS = { now: Date.now, monotonicNow: () => performance.now() };

/** What the Redis at these urls tells. */
async function reports(urls: string[], { timeoutMs = 5_000, onReady = () => {} } = {}) {
  const redis = connectRedis({ urls, timeoutMs, onConnection: () => {} });
  onTestFinished(() => redis.close());
  await waitForStore(redis, 5_000);
  onReady();
  return readRedisReports(redis, { timeoutMs, ...CLOCKS });
}

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis?.dispose());

describe('the report of a Redis', () => {
  it('has what it tells about itself', async () => {
    const report = {
      address: `127.0.0.1:${redis.port}`,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      isReplica: false,
      evictionPolicy: 'noeviction',
      appendsToDisk: false,
      takesSnapshots: false,
      hasFailedToSave: false,
      clockAheadMs: expect.any(Number),
      medianRoundTripMs: expect.any(Number),
    };
    const [found] = await reports([redis.url]);
    expect(found).toEqual(report);
    expect(Math.abs(found?.clockAheadMs ?? Number.NaN)).toBeLessThan(1_000);
  });

  it('says whether it takes snapshots', async () => {
    const admin = new Redis(redis.url);
    onTestFinished(async () => {
      await admin.config('SET', 'save', '');
      await admin.quit();
    });
    await admin.config('SET', 'save', '3600 1');
    expect(await reports([redis.url])).toMatchObject([{ takesSnapshots: true, appendsToDisk: false }]);
  });

  it('leaves out what it does not tell this login', async () => {
    // ioredis warns that it cannot check whether Redis is loading.
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const admin = new Redis(redis.url);
    await admin.acl('SETUSER', 'limited', 'on', '>secret', '~*', '+@all', '-info', '-config');
    await admin.quit();
    expect(await reports([redis.url.replace('//', '//limited:secret@')])).toMatchObject([
      { version: undefined, evictionPolicy: undefined, takesSnapshots: undefined, hasFailedToSave: undefined },
    ]);
  });

  it('is late if Redis hangs', async () => {
    onTestFinished(() => redis.thaw());
    await expect(reports([redis.url], { timeoutMs: 200, onReady: redis.freeze })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Redis: no answer in 200 ms',
    });
  });

  it('exists for every node of a cluster', async () => {
    const cluster = await startRedisCluster(3);
    onTestFinished(() => cluster.dispose());
    const [first = ''] = cluster.urls;
    const found = await reports([first, first]);
    expect(found.map(({ address }) => `redis://${address}`).sort()).toEqual([...cluster.urls].sort());
  });
});
