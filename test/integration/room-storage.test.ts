import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { createLog } from '../../src/ops/log';
import { connectRedis, type RedisConnectionOptions } from '../../src/redis/redis-connection';
import type { Fact } from '../../src/rooms/fact';
import { emptyRoom, isInConference, isOpen, type RoomName, targetOf } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { FeedStart } from '../../src/rooms/room-storage';
import type { RoomStore } from '../../src/rooms/room-store';
import { createRooms } from '../../src/rooms/rooms';
import type { SpaceObserver } from '../../src/rooms/space-observer';
import { createRedisStore, type Store } from '../../src/stores';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { startRedisCluster } from '../support/redis-cluster';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

const LIFETIME_MS = 60_000;
const AUDIT_MS = 3_600_000;
/** What all store work of one webhook may take together. */
const STORE_MS = 800;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

const sales = roomNamed('Sales 2');

const arrived = (call: string, ageMs = 0): RoomEvent => ({ kind: 'moderator-arrived', callSid: sid(call), ageMs });
const joined = (call: string, isModerator: boolean, ageMs = 0): RoomEvent => ({
  kind: 'joined',
  callSid: sid(call),
  conferenceSid: sid('conf'),
  date: ageMs > 0 ? Date.now() - ageMs : undefined,
  isModerator,
  ageMs,
});
const dialEnded = (call: string): RoomEvent => ({ kind: 'dial-ended', callSid: sid(call), ageMs: 0 });
const sent = (call: string, target: string): RoomEvent => ({
  kind: 'supervisor-sent',
  callSid: sid(call),
  stayNumber: 1,
  name: 'Ted',
  address: '***2222',
  mode: 'coach',
  target: sid(target),
  ageMs: 0,
});

/** A server's store. */
async function connected(urls: readonly string[], options: Partial<RedisConnectionOptions> = {}): Promise<Store> {
  const common = { urls, lifetimeMs: LIFETIME_MS, auditMs: AUDIT_MS, timeoutMs: 2_000, onConnection: () => {} };
  const store = createRedisStore({ ...common, ...options });
  onTestFinished(() => store.close());
  await eventually(() => store.ping());
  return store;
}

/** A server's rooms, and what it logs. */
function serve(store: Store, space?: SpaceObserver) {
  const lines: { level: string; msg: string; room?: string; err?: { message: string } }[] = [];
  const rooms = createRooms({
    store: store.rooms,
    space,
    lifetimeMs: LIFETIME_MS,
    log: createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) }),
    now: Date.now,
    monotonicNow: () => performance.now(),
    retryMs: 50,
  });
  onTestFinished(() => rooms.close(0));
  const targetIn = async (room: RoomName) => {
    const found = await rooms.find(room);
    return found.isKnown ? (targetOf(found.state)?.callSid ?? 'nobody') : 'unknown';
  };
  return { rooms, lines, targetIn };
}

async function administer(url = redis.url): Promise<Redis> {
  const client = new Redis(url);
  onTestFinished(() => client.quit());
  await client.flushall();
  return client;
}

async function factsFrom(rooms: RoomStore, from: FeedStart = { since: 0 }): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const { fact } of rooms.feed(from)) {
    facts.push(fact);
  }
  return facts;
}

const storedTarget = async ({ rooms }: Store, room: RoomName) => targetOf((await rooms.read(room)).state)?.callSid;

/** The key that holds a room, whatever it is called. */
async function keyOf(client: Redis, room: RoomName): Promise<string> {
  const keys = (await client.keys('*')).filter((key) => key.endsWith(`:${room}`));
  expect(keys).toHaveLength(1);
  return keys[0] ?? '';
}

describe('several servers', () => {
  it('share what they know, and one feed', async () => {
    await administer();
    const one = await connected([redis.url]);
    const other = await connected([redis.url]);
    await one.rooms.apply(sales, arrived('a'));
    expect(await storedTarget(other, sales)).toBe('a');
    expect((await other.rooms.list()).rooms).toMatchObject([{ room: sales, target: { callSid: 'a' } }]);
    await other.rooms.apply(sales, dialEnded('a'));
    expect(await storedTarget(one, sales)).toBeUndefined();
    expect((await one.rooms.list()).rooms).toEqual([]);
    expect((await factsFrom(one.rooms)).map(({ kind }) => kind)).toEqual(['left']);
  });

  it('apply 200 simultaneous events of one room within 800 ms', async () => {
    await administer();
    const stores = await Promise.all(Array.from({ length: 4 }, () => connected([redis.url])));
    await Promise.all(stores.map(({ rooms }) => rooms.read(sales)));
    const since = performance.now();
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        stores[index % 4]?.rooms.apply(sales, joined(`call-${index}`, index % 10 === 0, (200 - index) * 100)),
      ),
    );
    expect(performance.now() - since).toBeLessThan(STORE_MS);
    const { state } = await (stores[0] as Store).rooms.read(sales);
    expect(state.stays.filter(isInConference)).toHaveLength(200);
    expect(targetOf(state)?.callSid).toBe('call-190');
    expect((await factsFrom((stores[0] as Store).rooms)).filter(({ kind }) => kind === 'joined')).toHaveLength(20);
  });

  it('keep a call of a busy room waiting for 800 ms at the most, and lose nothing', async () => {
    await administer();
    const servers = await Promise.all(Array.from({ length: 4 }, async () => serve(await connected([redis.url]))));
    const waits = await Promise.all(
      Array.from({ length: 400 }, async (_, index) => {
        const since = performance.now();
        await servers[index % 4]?.rooms.record(sales, joined(`call-${index}`, false, 1_000));
        return performance.now() - since;
      }),
    );
    expect(Math.max(...waits)).toBeLessThan(STORE_MS + 300);
    const store = await connected([redis.url]);
    await eventually(async () =>
      expect((await store.rooms.read(sales)).state.stays.filter(isInConference)).toHaveLength(400),
    );
  });

  it('serve a room with 250 participants', async () => {
    await administer();
    const store = await connected([redis.url]);
    for (let index = 0; index < 250; index++) {
      await store.rooms.apply(sales, joined(`call-${index}`, false, 10_000));
    }
    const since = performance.now();
    await store.rooms.apply(sales, joined('a', true));
    await store.rooms.apply(sales, sent('ted', 'a'));
    const { state } = await store.rooms.read(sales);
    expect(performance.now() - since).toBeLessThan(STORE_MS);
    expect(state.stays.filter(isOpen)).toHaveLength(252);
    expect((await store.rooms.list()).rooms).toMatchObject([
      { target: { callSid: 'a' }, hasCaller: true, supervisors: 1 },
    ]);
  });

  itInFull('coach who arrived last, though Redis hung in between', async () => {
    await administer();
    const start = () => connected([redis.url], { timeoutMs: STORE_MS });
    const [one, other] = await Promise.all([start(), start()]);
    const [first, second] = [serve(one), serve(other)];
    redis.freeze();
    onTestFinished(() => redis.thaw());
    const since = performance.now();
    await first.rooms.record(sales, arrived('first'));
    await second.rooms.record(sales, arrived('second'));
    await eventually(() => expect(performance.now()).toBeGreaterThan(since + 2_500));
    redis.thaw();
    await eventually(async () => {
      expect((await one.rooms.read(sales)).state.stays).toHaveLength(2);
    });
    expect(await storedTarget(one, sales)).toBe('second');
    await eventually(async () =>
      expect([await first.targetIn(sales), await second.targetIn(sales)]).toEqual(['second', 'second']),
    );
  });

  it('take what happens now for the latest, also when the clock of Redis has gone back', async () => {
    const client = await administer();
    const store = await connected([redis.url]);
    await store.rooms.apply(sales, arrived('old'));
    const key = await keyOf(client, sales);
    const later = Date.now() + 3_600_000;
    await respell(client, key, ({ stays, ...state }) => ({
      ...state,
      stays: (stays as object[]).map((stay) => ({ ...stay, arrivedAt: later })),
      at: later,
    }));
    expect(await storedTarget(store, sales)).toBe('old');
    await store.rooms.apply(sales, arrived('earlier', 5_000));
    expect(await storedTarget(store, sales)).toBe('old');
    await store.rooms.apply(sales, arrived('new'));
    expect(await storedTarget(store, sales)).toBe('new');
  });
});

/** Changes what Redis has of a room, as another program would: with a version of its own. */
async function respell(client: Redis, key: string, change: (state: Record<string, unknown>) => object): Promise<void> {
  const [, text = ''] = String(await client.get(key)).split('\n', 2);
  await client.set(key, `other\n${JSON.stringify(change(JSON.parse(text)))}`);
}

describe('unexpected data in Redis', () => {
  const others = Array.from({ length: 40 }, (_, index) => roomNamed(`room ${index}`));

  it.each<[string, (client: Redis, key: string) => Promise<unknown>]>([
    ['of the wrong type', (client, key) => client.multi().del(key).rpush(key, 'x').exec()],
    ['that is no JSON', (client, key) => client.set(key, 'v1\n{"stays":')],
    ['without a version', (client, key) => client.set(key, '{"stays":[]}')],
    ['that is something else', (client, key) => client.set(key, 'v1\n5')],
    ['without the ended conferences', (client, key) => respell(client, key, ({ ended, ...state }) => state)],
    ['without its instant', (client, key) => respell(client, key, ({ at, ...state }) => state)],
    ['whose conference is a text', (client, key) => respell(client, key, (state) => ({ ...state, conference: 'x' }))],
    ['with a stay of nobody', (client, key) => respell(client, key, (state) => ({ ...state, stays: [{}] }))],
    [
      'with a stay dated in words',
      (client, key) =>
        respell(client, key, (state) => ({ ...state, stays: [{ callSid: 'a', role: 'moderator', joinedAt: 'now' }] })),
    ],
    [
      'with a supervisor without callers',
      (client, key) =>
        respell(client, key, (state) => ({
          ...state,
          stays: [
            { callSid: 'ted', role: 'supervisor', arrivedAt: 1, supervision: { stayNumber: 1, heard: 'unknown' } },
          ],
        })),
    ],
    [
      'with actions that are none',
      (client, key) => respell(client, key, (state) => ({ ...state, actions: [{ id: 1 }] })),
    ],
    [
      'with a recording without a status',
      (client, key) =>
        respell(client, key, (state) => ({ ...state, recordings: [{ recordingSid: 'r-1', changedAt: 1 }] })),
    ],
    ['of another room', (client, key) => respell(client, key, (state) => ({ ...state, room: 'other' }))],
  ])(
    'in place of one room, %s, leaves all others readable and listed, and is named in the log',
    async (_what, spoil) => {
      const client = await administer();
      const store = await connected([redis.url]);
      const { rooms, targetIn } = serve(store);
      for (const room of [sales, ...others]) {
        await rooms.record(room, arrived('a'));
      }
      const key = await keyOf(client, sales);
      await spoil(client, key);
      const another = serve(await connected([redis.url]));
      expect(await another.targetIn(sales)).toBe('unknown');
      await expect(store.rooms.read(sales)).rejects.toMatchObject({ name: 'StoreError', code: 'unreadable' });
      for (const room of others) {
        expect(await targetIn(room)).toBe('a');
        await rooms.record(room, joined('bob', false));
      }
      const listed = await rooms.list();
      expect(listed === 'unknown' ? [] : listed.map(({ room }) => room)).toEqual(expect.arrayContaining(others));
      expect(another.lines.filter(({ level }) => level === 'error')).toMatchObject([
        {
          room: sales,
          err: { message: `Redis: unexpected data at ${key}; delete that key.` },
          msg: 'Stored room is unreadable; its events wait in memory',
        },
      ]);
      // And it does what the log says.
      await rooms.record(sales, joined('a', true));
      await client.del(key);
      await eventually(async () => expect(await storedTarget(store, sales)).toBe('a'));
    },
  );

  it.each([':live', ':live-until', ':feed', ':changes'])(
    'in place of %s costs no line of the trail',
    async (ending) => {
      const client = await administer();
      const store = await connected([redis.url]);
      const { rooms, targetIn, lines } = serve(store);
      await rooms.record(sales, joined('a', true));
      const [key = ''] = (await client.keys('*')).filter((name) => name.endsWith(ending));
      await client.multi().rename(key, 'aside').set(key, 'x').exec();
      await rooms.record(sales, dialEnded('a'));
      expect(await targetIn(sales)).not.toBe('a');
      expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
        { room: sales, err: { message: `Redis: unexpected data at ${key}; delete that key.` } },
      ]);
      await eventually(async () => expect((await store.rooms.read(sales)).isWritable).toBe(false), 3_000);
      await client.rename('aside', key);
      await eventually(async () =>
        expect((await factsFrom(store.rooms)).map(({ kind }) => kind)).toEqual(['joined', 'left']),
      );
      expect((await store.rooms.list()).rooms).toEqual([]);
      await eventually(async () => expect((await store.rooms.read(sales)).isWritable).toBe(true), 3_000);
    },
  );

  it('in place of an index keeps no room out of the list once it is repaired', async () => {
    const client = await administer();
    const store = await connected([redis.url]);
    const { rooms } = serve(store);
    await rooms.record(sales, arrived('a'));
    const [key = ''] = (await client.keys('*')).filter((name) => name.endsWith(':live'));
    await client.del(key);
    await client.set(key, 'x');
    await rooms.record(sales, joined('a', true));
    await client.del(key);
    await eventually(async () => expect((await store.rooms.list()).rooms).toMatchObject([{ room: sales }]));
  });

  it.each<[string, (client: Redis, key: string) => Promise<unknown>]>([
    ['of the wrong type', (client, key) => client.multi().del(key).set(key, 'x').exec()],
    ['in an entry', (client, key) => client.hset(key, 'room', '{"room":')],
    ['in an entry that is cut off', (client, key) => client.hset(key, 'room', '["sales",true')],
    ['in an entry that is no array', (client, key) => client.hset(key, 'room', '{"room":"sales"}')],
    ['in an entry that is null', (client, key) => client.hset(key, 'room', 'null')],
    ['in an empty entry', (client, key) => client.hset(key, 'room', '')],
  ])('in one index, %s, leaves the rooms of all others listed, and is named in the log', async (_what, spoil) => {
    const client = await administer();
    const store = await connected([redis.url]);
    const { rooms, lines } = serve(store);
    for (const room of others) {
      await rooms.record(room, arrived('a'));
    }
    const indexes = (await client.keys('*')).filter((key) => key.endsWith(':live')).sort();
    expect(indexes.length).toBeGreaterThan(5);
    await spoil(client, indexes[0] ?? '');
    const listed = await rooms.list();
    expect(listed.length).toBeGreaterThan(20);
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      {
        err: { message: `Redis: unexpected data at ${indexes[0]}; delete that key.` },
        msg: 'Some rooms could not be listed',
      },
    ]);
  });
});

describe('a Redis that is full', () => {
  /** A server of its own without room for another byte. */
  async function full() {
    const server = await startRedis(['--maxmemory-policy', 'noeviction']);
    onTestFinished(() => server.dispose());
    const store = await connected([server.url]);
    await store.rooms.apply(sales, joined('a', true, 5_000));
    await store.rooms.apply(sales, sent('ted', 'a'));
    const client = new Redis(server.url);
    onTestFinished(() => client.quit());
    await client.config('SET', 'maxmemory', '1');
    await expect(client.set('x', 'y')).rejects.toThrow('OOM');
    return { store, client, other: await connected([server.url]) };
  }

  it.each<[string, RoomEvent]>([
    ['their <Dial> ends', dialEnded('a')],
    ['their call ends', { kind: 'call-ended', callSid: sid('a'), ageMs: 0 }],
    ['they leave', { kind: 'left', callSid: sid('a'), conferenceSid: sid('conf'), date: undefined, ageMs: 0 }],
    ['the conference ends', { kind: 'conference-ended', conferenceSid: sid('conf'), ageMs: 0 }],
  ])('hands out no moderator to another server when %s', async (_how, event) => {
    const { store, other } = await full();
    const { rooms } = serve(store);
    expect(await storedTarget(other, sales)).toBe('a');
    await rooms.record(sales, event);
    expect(await storedTarget(other, sales)).toBeUndefined();
    expect((await other.rooms.list()).rooms.filter(({ target }) => target !== undefined)).toEqual([]);
  });

  it('loses neither who else is in, nor the line about the leave', async () => {
    const { store, other, client } = await full();
    const { rooms } = serve(store);
    await rooms.record(sales, dialEnded('a'));
    await client.config('SET', 'maxmemory', '0');
    await eventually(async () => {
      const { state } = await other.rooms.read(sales);
      expect(state.stays.filter(isOpen)).toMatchObject([{ callSid: 'ted', role: 'supervisor' }]);
      expect((await factsFrom(other.rooms)).filter(({ kind }) => kind === 'left')).toMatchObject([{ callSid: 'a' }]);
    });
  });

  it('takes everything else when there is room again', async () => {
    const { store, other, client } = await full();
    const { rooms, targetIn } = serve(store);
    await rooms.record(sales, joined('b', true));
    expect(await storedTarget(other, sales)).toBe('a');
    expect(await targetIn(sales)).toBe('b');
    await client.config('SET', 'maxmemory', '0');
    await eventually(async () => expect(await storedTarget(other, sales)).toBe('b'));
  });
});

describe('a Redis that cannot be written', () => {
  const carol: SpaceObserver = {
    observe: async (room) => ({
      room,
      event: {
        kind: 'room-observed',
        ageMs: 0,
        conference: { sid: sid('conf') },
        participants: [
          {
            callSid: sid('carol'),
            isMuted: false,
            isOnHold: false,
            coachedCall: 'nobody',
            joinAgeMs: 500,
            isModerator: true,
          },
        ],
      },
    }),
    observeAll: async () => [],
  };

  itInFull.each<[string, (client: Redis) => Promise<unknown>, (client: Redis) => Promise<unknown>]>([
    ['a replica', (client) => client.replicaof('127.0.0.1', '1'), (client) => client.replicaof('NO', 'ONE')],
    ['full', (client) => client.config('SET', 'maxmemory', '1'), (client) => client.config('SET', 'maxmemory', '0')],
  ])('because it is %s is noticed within 2 s, and then REST is asked for the target', async (_why, spoil, mend) => {
    const client = await administer();
    onTestFinished(() => mend(client));
    const store = await connected([redis.url]);
    const { targetIn } = serve(store, carol);
    await store.rooms.apply(sales, joined('a', true, 20_000));
    expect((await store.rooms.read(sales)).isWritable).toBe(true);
    expect(await targetIn(sales)).toBe('a');
    await spoil(client);
    await eventually(async () => expect((await store.rooms.read(sales)).isWritable).toBe(false), 2_000);
    await eventually(async () => expect(await targetIn(sales)).toBe('carol'));
    await mend(client);
    await eventually(async () => expect((await store.rooms.read(sales)).isWritable).toBe(true), 3_000);
  });

  it('because it was demoted is left for the primary behind the same address', async () => {
    const client = await administer();
    let connections = 0;
    const store = await connected([redis.url], {
      timeoutMs: 500,
      onConnection: ({ ready }) => {
        connections += Number(ready);
      },
    });
    await client.replicaof('127.0.0.1', '1');
    onTestFinished(() => client.replicaof('NO', 'ONE'));
    await expect(store.rooms.apply(sales, arrived('a'))).rejects.toMatchObject({ code: 'unavailable' });
    await eventually(() => expect(connections).toBeGreaterThan(1));
    await client.replicaof('NO', 'ONE');
    await eventually(() => store.rooms.apply(sales, arrived('a')));
  });
});

describe('what is kept', () => {
  it('expires, all of it, and lives its whole lifetime since the last event', async () => {
    const client = await administer();
    const store = await connected([redis.url]);
    const write = async () => {
      await store.rooms.apply(sales, arrived('a'));
      await store.rooms.apply(sales, joined('a', true));
      await store.rooms.apply(roomNamed('left'), joined('b', true));
      await store.rooms.apply(roomNamed('left'), dialEnded('b'));
      await store.rooms.probe();
    };
    await write();
    const keys = await client.keys('*');
    expect(keys.length).toBeGreaterThan(4);
    for (const key of keys) {
      expect([key, (await client.pttl(key)) > 0]).toEqual([key, true]);
      expect(await client.pttl(key)).toBeLessThanOrEqual(key.endsWith(':feed') ? AUDIT_MS : LIFETIME_MS);
      await client.pexpire(key, 500);
    }
    await store.rooms.apply(sales, joined('bob', false));
    await store.rooms.apply(sales, joined('c', true));
    for (const key of [await keyOf(client, sales), ...keys.filter((one) => one.endsWith(':live'))]) {
      expect(await client.pttl(key)).toBeGreaterThan(LIFETIME_MS - 30_000);
    }
    const feeds = await Promise.all(keys.filter((key) => key.endsWith(':feed')).map((key) => client.pttl(key)));
    expect(Math.max(...feeds)).toBeGreaterThan(AUDIT_MS - 30_000);
  });

  it('of the feed is as old as AUDIT_DAYS at the most', async () => {
    const client = await administer();
    const store = await connected([redis.url]);
    await store.rooms.apply(sales, joined('a', true));
    const [feed = ''] = (await client.keys('*')).filter((key) => key.endsWith(':feed'));
    const old = Date.now() - AUDIT_MS - 60_000;
    const line = { kind: 'left', at: old, source: 'webhook', room: sales, role: 'moderator', callSid: 'old' };
    await client.del(feed);
    for (let index = 0; index < 250; index++) {
      await client.xadd(feed, `${old + index}-0`, 'fact', JSON.stringify(line));
    }
    expect(await factsFrom(store.rooms)).toEqual([]);
    expect(await factsFrom(store.rooms, { since: old - 1_000 })).toEqual([]);
    await store.rooms.apply(sales, dialEnded('a'));
    expect((await factsFrom(store.rooms)).map(({ callSid }) => callSid)).toEqual(['a']);
    // Redis throws away whole blocks of 100 lines.
    expect(await client.xlen(feed)).toBeLessThanOrEqual(101);
  });

  it('of a room is forgotten when nothing is told of it for a lifetime', async () => {
    const client = await administer();
    const store = await connected([redis.url]);
    await store.rooms.apply(sales, arrived('a'));
    await client.pexpire(await keyOf(client, sales), 1);
    await eventually(async () => expect((await store.rooms.read(sales)).state).toEqual(emptyRoom(sales)));
  });
});

it('commands that are sent in one turn of the event loop leave in one write', async () => {
  const connection = connectRedis({ urls: [redis.url], timeoutMs: 2_000, onConnection: () => {} });
  onTestFinished(() => connection.close());
  await eventually(() => connection.ping());
  const { stream } = connection.client as Redis;
  const writes = [jest.spyOn(stream, '_write'), jest.spyOn(stream, '_writev' as '_write')];
  await Promise.all(Array.from({ length: 20 }, () => connection.ping()));
  expect(writes.flatMap(({ mock }) => mock.calls)).toHaveLength(1);
  await connection.ping();
  expect(writes.flatMap(({ mock }) => mock.calls)).toHaveLength(2);
});

it('several commands of one operation have one deadline', async () => {
  // A Redis that answers, but slowly.
  const slow = createServer((near) => {
    const far = connect(redis.port, '127.0.0.1');
    near.on('data', (data) => far.write(data)).on('error', () => {});
    far.on('data', (data) => setTimeout(() => near.write(data), 200)).on('error', () => {});
    near.on('close', () => far.destroy());
  });
  slow.listen(0, '127.0.0.1');
  await once(slow, 'listening');
  onTestFinished(() => slow.close());
  const { port } = slow.address() as { port: number };
  const connection = connectRedis({ urls: [`redis://127.0.0.1:${port}`], timeoutMs: 500, onConnection: () => {} });
  onTestFinished(() => connection.close());
  await eventually(() => connection.ping());
  const { client } = connection;
  const since = performance.now();
  const operation = connection.run(async () => {
    for (let command = 0; command < 5; command++) {
      await client.get('a');
    }
  });
  await expect(operation).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' });
  expect(performance.now() - since).toBeLessThan(800);
});

describe('a connection that fails', () => {
  it('lets nothing be written later, dated anew, that was under way when it broke', async () => {
    const server = await startRedis();
    onTestFinished(() => server.dispose());
    const store = await connected([server.url]);
    server.freeze();
    onTestFinished(() => server.thaw());
    const write = store.rooms.apply(sales, arrived('z'));
    const outcome = expect(write).rejects.toMatchObject({ code: 'unavailable' });
    await server.restart();
    await outcome;
    await eventually(() => store.ping());
    expect(await storedTarget(store, sales)).toBeUndefined();
  });

  itInFull('is replaced when it has gone silent', async () => {
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
    onTestFinished(() => {
      network.close();
      for (const socket of connections) {
        socket.destroy();
      }
    });
    network.listen(0, '127.0.0.1');
    await once(network, 'listening');
    const { port } = network.address() as { port: number };
    const store = await connected([`redis://127.0.0.1:${port}`]);
    for (const socket of connections) {
      swallowed.add(socket);
    }
    await expect(store.rooms.read(sales)).rejects.toMatchObject({ code: 'unavailable' });
    await eventually(() => store.rooms.read(sales));
  });

  it('says so, whatever is asked of it', async () => {
    const options = { lifetimeMs: LIFETIME_MS, auditMs: AUDIT_MS, timeoutMs: 500, onConnection: () => {} };
    const store = createRedisStore({ ...options, urls: [`redis://127.0.0.1:${await freePort()}`] });
    onTestFinished(() => store.close());
    const { rooms } = store;
    for (const ask of [
      () => rooms.apply(sales, arrived('a')),
      () => rooms.read(sales),
      () => rooms.list(),
      () => factsFrom(rooms),
      () => rooms.changes(undefined),
      () => rooms.changes(','.repeat(15)),
    ]) {
      await expect(ask()).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' });
    }
    await expect(rooms.probe()).resolves.toBeUndefined();
  });
});

describe('a Redis Cluster', () => {
  it('is not waited for while it hangs, and goes on when it answers again', async () => {
    const cluster = await startRedisCluster(1);
    onTestFinished(() => cluster.dispose());
    // Named twice, one node is a cluster.
    const store = await connected([...cluster.urls, ...cluster.urls], { timeoutMs: 500 });
    await store.rooms.apply(sales, arrived('a'));
    cluster.nodes[0]?.freeze();
    const since = performance.now();
    await expect(store.rooms.read(sales)).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - since).toBeLessThan(1_500);
    cluster.nodes[0]?.thaw();
    await eventually(async () => expect(await storedTarget(store, sales)).toBe('a'));
  });

  itInFull('without one of its nodes serves and lists the rooms of the others', async () => {
    const cluster = await startRedisCluster(3);
    onTestFinished(() => cluster.dispose());
    for (const { url } of cluster.nodes) {
      const client = new Redis(url);
      await client.config('SET', 'cluster-require-full-coverage', 'no');
      await client.quit();
    }
    const store = await connected(cluster.urls, { timeoutMs: 500 });
    const { rooms, lines, targetIn } = serve(store);
    const names = Array.from({ length: 60 }, (_, index) => roomNamed(`room ${index}`));
    for (const room of names) {
      await rooms.record(room, arrived('a'));
    }
    cluster.nodes[2]?.freeze();
    onTestFinished(() => cluster.nodes[2]?.thaw());
    const { rooms: listed, problems } = await store.rooms.list();
    const missing = names.filter((room) => !listed.some((entry) => entry.room === room));
    expect(missing.length).toBeGreaterThan(0);
    expect(missing.length).toBeLessThan(names.length / 2);
    expect(problems.length).toBeGreaterThan(0);
    for (const { room } of listed) {
      expect(await targetIn(room)).toBe('a');
    }
    expect(await rooms.list()).not.toBe('unknown');
    expect(lines.filter(({ msg }) => msg === 'Some rooms could not be listed').length).toBeGreaterThan(0);
  });
});
