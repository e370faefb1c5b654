import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisRegistry } from '../../src/conferences/redis-registry';
import { parseRoomName, type RoomName } from '../../src/conferences/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';

const LIFETIME_MS = 60_000;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

const connected = (urls: readonly string[]) =>
  createRedisRegistry({ urls, lifetimeMs: LIFETIME_MS, timeoutMs: 2_000, onConnection: () => {} });

describe('the Redis registry', () => {
  const room = parseRoomName('Sales 2') as RoomName;
  const callSid = parseSid('a') as Sid;

  it('shares what it knows with other servers', async () => {
    const one = connected([redis.url]);
    const other = connected([redis.url]);
    await eventually(() => Promise.all([one.ping(), other.ping()]));
    await one.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    expect(await other.findModerator(room)).toBe('a');
    await other.apply({ kind: 'left', room, callSid, agoMs: 0 });
    expect(await one.findModerator(room)).toBeUndefined();
    await Promise.all([one.close(), other.close()]);
  });

  it('leaves no key that does not expire', async () => {
    const client = new Redis(redis.url);
    await client.flushall();
    const registry = connected([redis.url]);
    await eventually(() => registry.ping());
    const conferenceSid = parseSid('x') as Sid;
    await registry.apply({ kind: 'left', room, callSid: parseSid('b') as Sid, agoMs: 0 });
    await registry.apply({ kind: 'ended', room, conferenceSid: parseSid('y') as Sid, agoMs: 0 });
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    await registry.apply({ kind: 'joined', room, callSid, conferenceSid, agoMs: 0 });
    expect((await client.keys('*')).sort()).toEqual([
      'conference-coach:{Sales 2}:moderator',
      'conference-coach:{Sales 2}:seen',
    ]);
    for (const key of await client.keys('*')) {
      expect(await client.pttl(key)).toBeGreaterThan(0);
      expect(await client.pttl(key)).toBeLessThanOrEqual(LIFETIME_MS);
    }
    client.disconnect();
    await registry.close();
  });

  it('prunes what it saw longer ago than the lifetime', async () => {
    const client = new Redis(redis.url);
    await client.flushall();
    const registry = connected([redis.url]);
    await eventually(() => registry.ping());
    const seen = 'conference-coach:{Sales 2}:seen';
    await client.zadd(seen, Date.now() - LIFETIME_MS - 1000, 'gone:old');
    await client.zadd(seen, Date.now(), 'gone:new');
    await registry.apply({ kind: 'left', room, callSid, agoMs: 0 });
    expect((await client.zrange(seen, '0', '-1')).sort()).toEqual(['gone:a', 'gone:new']);
    client.disconnect();
    await registry.close();
  });

  it('leaves a demoted primary for the address behind it', async () => {
    let connections = 0;
    const registry = createRedisRegistry({
      urls: [redis.url],
      lifetimeMs: LIFETIME_MS,
      timeoutMs: 500,

      onConnection: ({ ready }) => {
        connections += Number(ready);
      },
    });
    await eventually(() => registry.ping());
    const client = new Redis(redis.url);
    await client.replicaof('127.0.0.1', '1');
    await expect(registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 })).rejects.toMatchObject({
      code: 'unavailable',
    });
    await eventually(() => expect(connections).toBeGreaterThan(1));
    await client.replicaof('NO', 'ONE');
    await eventually(() => registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 }));
    client.disconnect();
    await registry.close();
  });
});
