import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { ConferenceRegistry } from '../../src/conferences/registry';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import type { RedisConnectionOptions } from '../../src/store/redis-connection';
import { createRedisStore } from '../../src/store/store';
import { atEnd } from '../support/at-end';
import { startRedisCluster } from '../support/redis-cluster';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';

const LIFETIME_MS = 60_000;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

function connected(
  urls: readonly string[],
  options: Partial<RedisConnectionOptions> = {},
): ConferenceRegistry & { ping(): Promise<void> } {
  const common = { urls, lifetimeMs: LIFETIME_MS, timeoutMs: 2_000, onConnection: () => {} };
  const store = createRedisStore({ ...common, ...options });
  atEnd(() => store.close());
  return { ...store.registry, ping: store.ping };
}

function administer(): Redis {
  const client = new Redis(redis.url);
  atEnd(() => client.quit());
  return client;
}

describe('the Redis registry', () => {
  const room = parseRoomName('Sales 2') as RoomName;
  const callSid = parseSid('a') as Sid;

  it('shares what it knows with other servers', async () => {
    const one = connected([redis.url]);
    const other = connected([redis.url]);
    await eventually(() => Promise.all([one.ping(), other.ping()]));
    await one.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    expect((await other.findModerator(room))?.callSid).toBe('a');
    await other.apply({ kind: 'left', room, callSid, agoMs: 0 });
    expect(await one.findModerator(room)).toBeUndefined();
  });

  it('leaves no key that does not expire', async () => {
    const client = administer();
    await client.flushall();
    const registry = connected([redis.url]);
    await eventually(() => registry.ping());
    const conferenceSid = parseSid('x') as Sid;
    await registry.apply({ kind: 'left', room, callSid: parseSid('b') as Sid, agoMs: 0 });
    await registry.apply({ kind: 'ended', room, conferenceSid: parseSid('y') as Sid, agoMs: 0 });
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    await registry.apply({ kind: 'joined', room, callSid, conferenceSid, agoMs: 0 });
    expect((await client.keys('*')).sort()).toEqual([
      'conference-coach:rooms',
      'conference-coach:{Sales 2}:moderator',
      'conference-coach:{Sales 2}:seen',
    ]);
    for (const key of await client.keys('*')) {
      expect(await client.pttl(key)).toBeGreaterThan(0);
      expect(await client.pttl(key)).toBeLessThanOrEqual(LIFETIME_MS);
    }
  });

  it('prunes what it saw longer ago than the lifetime', async () => {
    const client = administer();
    await client.flushall();
    const registry = connected([redis.url]);
    await eventually(() => registry.ping());
    const seen = 'conference-coach:{Sales 2}:seen';
    await client.zadd(seen, Date.now() - LIFETIME_MS - 1000, 'gone:old');
    await client.zadd(seen, Date.now(), 'gone:new');
    await registry.apply({ kind: 'left', room, callSid, agoMs: 0 });
    expect((await client.zrange(seen, '0', '-1')).sort()).toEqual(['gone:a', 'gone:new']);
  });

  it('leaves a demoted primary for the address behind it', async () => {
    let connections = 0;
    const registry = connected([redis.url], {
      timeoutMs: 500,
      onConnection: ({ ready }) => {
        connections += Number(ready);
      },
    });
    await eventually(() => registry.ping());
    const client = administer();
    await client.replicaof('127.0.0.1', '1');
    await expect(registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 })).rejects.toMatchObject({
      code: 'unavailable',
    });
    await eventually(() => expect(connections).toBeGreaterThan(1));
    await client.replicaof('NO', 'ONE');
    await eventually(() => registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 }));
  });

  it('takes what arrives now for the latest, even when the clock of Redis has gone back', async () => {
    const client = administer();
    await client.flushall();
    const registry = connected([redis.url]);
    await eventually(() => registry.ping());
    const moderator = 'conference-coach:{Sales 2}:moderator';
    await client.hset(moderator, 'callSid', 'old', 'arrivedAt', String(Date.now() + 3_600_000), 'conferenceSid', '');
    const callSidOf = async () => (await registry.findModerator(room))?.callSid;
    await registry.apply({ kind: 'joined', room, callSid: parseSid('b') as Sid, conferenceSid: undefined, agoMs: 0 });
    expect(await callSidOf()).toBe('old');
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 1 });
    expect(await callSidOf()).toBe('old');
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    expect(await callSidOf()).toBe('a');
  });

  it('lets nothing that was under way when the connection broke be written later, dated anew', async () => {
    const registry = connected([redis.url]);
    await eventually(() => registry.ping());
    redis.freeze();
    atEnd(() => redis.thaw());
    const write = registry.apply({ kind: 'arrived', room, callSid: parseSid('z') as Sid, agoMs: 0 });
    const outcome = expect(write).rejects.toMatchObject({ code: 'unavailable' });
    await redis.restart();
    await outcome;
    await eventually(() => registry.ping());
    expect(await registry.findModerator(room)).toBeUndefined();
  });

  it('replaces a connection that has gone silent', async () => {
    // A network that swallows what is sent on the connections it has, and lets new ones through.
    const swallowed = new Set<Socket>();
    const connections = new Set<Socket>();
    const network = createServer((near) => {
      const far = connect(redis.port, '127.0.0.1');
      near.on('data', (data) => swallowed.has(near) || far.write(data)).on('error', () => {});
      far.on('data', (data) => near.write(data)).on('error', () => {});
      near.on('close', () => far.destroy());
      connections.add(near);
    });
    atEnd(() => {
      network.close();
      for (const socket of connections) {
        socket.destroy();
      }
    });
    network.listen(0, '127.0.0.1');
    await once(network, 'listening');
    const { port } = network.address() as { port: number };
    const registry = connected([`redis://127.0.0.1:${port}`]);
    await eventually(() => registry.ping());
    for (const socket of connections) {
      swallowed.add(socket);
    }
    await expect(registry.ping()).rejects.toMatchObject({ code: 'unavailable' });
    await eventually(() => registry.ping());
  });

  it('does not wait for a cluster that hangs, and goes on when it answers again', async () => {
    const cluster = await startRedisCluster(1);
    atEnd(() => cluster.dispose());
    // Named twice, one node is a cluster.
    const registry = connected([...cluster.urls, ...cluster.urls], { timeoutMs: 500 });
    await eventually(() => registry.ping());
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    cluster.nodes[0]?.freeze();
    const startedAt = performance.now();
    await expect(registry.findModerator(room)).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    cluster.nodes[0]?.thaw();
    await eventually(async () => expect((await registry.findModerator(room))?.callSid).toBe('a'));
  });
});
