import { beforeEach, describe, expect, it } from '@jest/globals';
import { connectRedis, type RedisConnection } from '../../src/redis/redis-connection';
import { createRedisLease } from '../../src/rooms/redis-lease';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';

describe('a lease in Redis', () => {
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await startRedis();
    onTestFinished(() => redis.dispose());
  });

  /** One server's connection. */
  async function connect(): Promise<RedisConnection> {
    const connection = connectRedis({ urls: [redis.url], timeoutMs: 500, onConnection: () => {} });
    onTestFinished(() => connection.close());
    await eventually(() => connection.ping());
    return connection;
  }

  it('is had by one server at a time, as long as it takes it again', async () => {
    const [first, second] = [await connect(), await connect()];
    const leases = [createRedisLease(first), createRedisLease(second)] as const;
    expect(await leases[0].take()).toBe('ours');
    expect(await leases[1].take()).toBe("another's");
    expect(await leases[0].take()).toBe('ours');
    expect(await leases[1].take()).toBe("another's");
  });

  it('is one server’s when many ask at once', async () => {
    const leases = await Promise.all(Array.from({ length: 5 }, async () => createRedisLease(await connect())));
    const answers = await Promise.all(leases.map((lease) => lease.take()));
    expect(answers.filter((answer) => answer === 'ours')).toHaveLength(1);
  });

  it('is another’s within two rounds after its server was killed, and each renewal counts', async () => {
    const [first, second] = [await connect(), await connect()];
    const lease = createRedisLease(first);
    const key = 'conference-coach:sweep';
    expect(await lease.take()).toBe('ours');
    await first.client.pexpire(key, 100);
    expect(await lease.take()).toBe('ours');
    const left = await first.client.pttl(key);
    expect(left).toBeGreaterThan(2_500);
    expect(left).toBeLessThan(5_000);
    first.close();
    await second.client.pexpire(key, 1);
    await eventually(async () => expect(await createRedisLease(second).take()).toBe('ours'));
  });

  it('is free when its server gives it up, and no other can do that', async () => {
    const leases = [createRedisLease(await connect()), createRedisLease(await connect())] as const;
    expect(await leases[0].take()).toBe('ours');
    await leases[1].release();
    expect(await leases[1].take()).toBe("another's");
    await leases[0].release();
    expect(await leases[1].take()).toBe('ours');
  });

  it('is free after Redis lost its data', async () => {
    const [first, second] = [await connect(), await connect()];
    expect(await createRedisLease(first).take()).toBe('ours');
    await first.client.flushall();
    expect(await createRedisLease(second).take()).toBe('ours');
  });

  it.each([
    ['is gone', () => redis.kill()],
    ['hangs', async () => redis.freeze()],
  ])('is unknown while Redis %s', async (_what, hinder) => {
    const lease = createRedisLease(await connect());
    expect(await lease.take()).toBe('ours');
    await hinder();
    expect(await lease.take()).toBe('unknown');
  });
});
