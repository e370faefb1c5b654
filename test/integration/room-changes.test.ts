import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RoomName } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import { createRedisStore, type Store } from '../../src/stores';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

const LIFETIME_MS = 60_000;
/** How many changes a part of the store keeps. */
const KEPT = 2_000;
const sales = roomNamed('sales');

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

const joined = (call: string): RoomEvent => ({
  kind: 'joined',
  callSid: sid(call),
  conferenceSid: sid('x'),
  date: undefined,
  ageMs: 0,
  isModerator: false,
});

/** A server's store. */
async function connected({ url }: RedisServer = redis): Promise<Store['rooms']> {
  const options = { urls: [url], lifetimeMs: LIFETIME_MS, auditMs: 3_600_000, timeoutMs: 2_000 };
  const store = createRedisStore({ ...options, onConnection: () => {} });
  onTestFinished(() => store.close());
  await eventually(() => store.ping());
  return store.rooms;
}

async function administer({ url }: RedisServer = redis): Promise<Redis> {
  const client = new Redis(url);
  onTestFinished(() => client.quit());
  await client.flushall();
  return client;
}

async function changesAfter(rooms: Store['rooms'], position?: string) {
  const changes = await rooms.changes(position);
  if (changes === 'expired') {
    throw new Error('The position has expired.');
  }
  return changes;
}

/** The streams of changes. */
const streamsOf = async (client: Redis) => (await client.keys('*')).filter((key) => key.endsWith(':changes'));

/** A stream of changes with one room's, and a position before it. */
async function changed() {
  const client = await administer();
  const rooms = await connected();
  const { position: before } = await changesAfter(rooms);
  await rooms.apply(sales, joined('alice'));
  const { position } = await changesAfter(rooms);
  const [stream = ''] = await streamsOf(client);
  return { client, rooms, before, position, stream };
}

it('a position that one server told leads on at another, and after a new start', async () => {
  const { rooms, position } = await changed();
  await rooms.apply(roomNamed('support'), joined('alice'));
  const other = await connected();
  expect((await changesAfter(other, position)).rooms).toEqual(['support']);
  await other.apply(sales, joined('bob'));
  expect((await changesAfter(rooms, position)).rooms.toSorted()).toEqual(['sales', 'support']);
});

it('rooms of one part are in the order of their latest changes', async () => {
  const { rooms, client, position, stream } = await changed();
  // Written as another server would.
  for (const room of ['one', 'two', 'three', 'one', 'two', 'one']) {
    await client.xadd(stream, '*', 'room', room);
  }
  expect((await changesAfter(rooms, position)).rooms).toEqual(['three', 'two', 'one']);
});

it.each<[string, (client: Redis) => Promise<unknown>]>([
  ['wiped', (client) => client.flushall()],
  ['killed, and starts empty', () => redis.restart()],
])('a position has expired when Redis was %s', async (_how, wipe) => {
  const { client, rooms, position } = await changed();
  await wipe(client);
  await eventually(async () => expect(await rooms.changes(position)).toBe('expired'));
  await rooms.apply(roomNamed('support'), joined('alice'));
  await rooms.apply(sales, joined('alice'));
  expect(await rooms.changes(position)).toBe('expired');
});

it('a position has expired in another Redis', async () => {
  const { position } = await changed();
  const another = await startRedis();
  onTestFinished(() => another.dispose());
  const rooms = await connected(another);
  expect(await rooms.changes(position)).toBe('expired');
  await rooms.apply(sales, joined('alice'));
  expect(await rooms.changes(position)).toBe('expired');
});

it.each<[string, 'before' | 'position']>([
  ['of one that knew none', 'before'],
  ['of one that knew some', 'position'],
])('the changes %s are told until too many follow', async (_which, which) => {
  const { client, rooms, stream, [which]: position } = await changed();
  const names: RoomName[] = [];
  for (let index = 0; index < KEPT - 2; index++) {
    names.push(roomNamed(`room-${index}`));
  }
  await client.xadd(stream, '*', 'room', sales);
  const writes = client.pipeline();
  for (const name of names.slice(1)) {
    writes.xadd(stream, '*', 'room', name);
  }
  await writes.exec();
  const { rooms: told } = await changesAfter(rooms, position);
  expect(told).toHaveLength(names.length);
  await client.xadd(stream, '*', 'room', 'another');
  await client.xadd(stream, '*', 'room', 'another');
  expect(await rooms.changes(position)).toBe('expired');
});

it('a part keeps the latest changes, for as long as its rooms', async () => {
  const { client, rooms, stream } = await changed();
  const writes = client.pipeline();
  for (let index = 0; index < 2 * KEPT; index++) {
    writes.xadd(stream, '*', 'room', 'old');
  }
  await writes.exec();
  await client.pexpire(stream, 500);
  await rooms.apply(sales, joined('bob'));
  expect(await client.xlen(stream)).toBeGreaterThanOrEqual(KEPT);
  // Redis drops whole blocks of 100.
  expect(await client.xlen(stream)).toBeLessThan(KEPT + 101);
  expect(await client.pttl(stream)).toBeGreaterThan(LIFETIME_MS - 30_000);
  expect(await client.pttl(stream)).toBeLessThanOrEqual(LIFETIME_MS);
});

it('a write tells of the rooms that have lapsed in its part, whatever it changes itself', async () => {
  const { client, rooms, position, stream } = await changed();
  await client.zadd(stream.replace(/changes$/, 'live-until'), 1, 'lapsed');
  await rooms.apply(sales, { ...joined('bob'), kind: 'left' } as RoomEvent);
  expect((await changesAfter(rooms, position)).rooms).toEqual(['lapsed', 'sales']);
});

it('the rooms that will lapse are known for as long as their changes, also after a room has become empty', async () => {
  const { client, rooms, stream } = await changed();
  const liveUntil = stream.replace(/changes$/, 'live-until');
  await client
    .multi()
    .zadd(liveUntil, Date.now() + LIFETIME_MS, 'other')
    .pexpire(liveUntil, 500)
    .exec();
  await rooms.apply(sales, { ...joined('alice'), kind: 'left' } as RoomEvent);
  expect(await client.zrange(liveUntil, '0', '-1')).toEqual(['other']);
  expect(await client.pttl(liveUntil)).toBeGreaterThan(LIFETIME_MS - 30_000);
});

it('names that are none are left out', async () => {
  const { client, rooms, position, stream } = await changed();
  await client.xadd(stream, '*', 'room', '../x');
  await client.xadd(stream, '*', 'room', sales);
  expect((await changesAfter(rooms, position)).rooms).toEqual(['sales']);
});

it('a key that holds something else is named', async () => {
  const { client, rooms, position, stream } = await changed();
  await client.multi().del(stream).set(stream, 'x').exec();
  const error = { code: 'unreadable', message: `Redis: unexpected data at ${stream}; delete that key.` };
  await expect(rooms.changes(position)).rejects.toMatchObject(error);
  await expect(rooms.changes(undefined)).rejects.toMatchObject(error);
});

it('changes are read in one round trip', async () => {
  const { client, rooms, position } = await changed();
  const reads = async () => Number(/total_reads_processed:(\d+)/.exec(await client.info('stats'))?.[1]);
  const before = await reads();
  await rooms.changes(position);
  // One read for the 16 commands, one for INFO.
  expect((await reads()) - before).toBeLessThan(5);
});
