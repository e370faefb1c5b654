import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { startConferenceCoach } from '../../src/conference-coach';
import { loadConfig } from '../../src/config';
import { UserError } from '../../src/ops/user-error';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, startRedis } from '../support/redis-server';

it('a server that cannot listen closes its store', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.dispose());
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => other.close());
  const { port } = other.address() as AddressInfo;

  const config = loadConfig({ PORT: String(port), REDIS_URL: redis.url });
  await expect(startConferenceCoach(config, pino({ level: 'silent' }))).rejects.toThrow(UserError);
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  await eventually(async () =>
    expect(
      String(await client.client('LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1),
  );
});
