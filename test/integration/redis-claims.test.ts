import { expect, it } from '@jest/globals';
import { connectRedis } from '../../src/redis/redis-connection';
import { createRedisClaim } from '../../src/supervision/redis-claims';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, startRedis } from '../support/redis-server';

it('a claim is had by the server that asks first, again and again, and by each while Redis is away', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.dispose());
  const connect = async () => {
    const connection = connectRedis({ urls: [redis.url], timeoutMs: 500, onConnection: () => {} });
    onTestFinished(() => connection.close());
    await eventually(() => connection.ping());
    return createRedisClaim(connection);
  };
  const claims = await Promise.all([connect(), connect(), connect()]);
  const ask = (name: string) => Promise.all(claims.map((claim) => claim(name)));
  const first = await ask('ted-1');
  expect(first.filter(Boolean)).toHaveLength(1);
  expect(await ask('ted-1')).toEqual(first);
  expect((await ask('ted-2')).filter(Boolean)).toHaveLength(1);
  await redis.kill();
  expect(await ask('ted-1')).toEqual([true, true, true]);
});
