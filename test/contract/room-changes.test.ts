import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isOpen, type RoomName } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { RoomStore } from '../../src/rooms/room-store';
import { createMemoryStore, createRedisStore, type Store } from '../../src/stores';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

const LIFETIME_MS = 60_000;

let redis: RedisServer;
let cluster: RedisCluster;

beforeAll(async () => {
  redis = await startRedis();
  cluster = await startRedisCluster(3);
});

afterAll(async () => {
  await Promise.all([redis?.dispose(), cluster?.dispose()]);
});

const connected = (urls: readonly string[]) =>
  createRedisStore({ urls, lifetimeMs: LIFETIME_MS, auditMs: 3_600_000, timeoutMs: 10_000, onConnection: () => {} });

const callback = (call: string) => ({ callSid: sid(call), conferenceSid: sid('x'), date: undefined, ageMs: 0 });
const joined = (call: string): RoomEvent => ({ kind: 'joined', ...callback(call), isModerator: true });
const left = (call: string): RoomEvent => ({ kind: 'left', ...callback(call) });

describe.each<[string, () => Store]>([
  ['embedded', () => createMemoryStore({ lifetimeMs: LIFETIME_MS, monotonicNow: Date.now, now: Date.now })],
  ['in Redis', () => connected([redis.url])],
  ['in a Redis Cluster', () => connected(cluster.urls)],
])('the changes of rooms %s', (_name, create) => {
  let store: Store;
  let rooms: RoomStore;
  let count = 0;

  beforeAll(async () => {
    store = create();
    rooms = store.rooms;
    await eventually(() => store.ping());
  });

  afterAll(() => store.close());

  const newRoom = () => roomNamed(`room ${++count}`);

  async function present(): Promise<string> {
    return (await changesAfter(undefined)).position;
  }

  async function changesAfter(position: string | undefined): Promise<{ rooms: RoomName[]; position: string }> {
    const changes = await rooms.changes(position);
    if (changes === 'expired') {
      throw new Error('The position has expired.');
    }
    return changes;
  }

  it('are none at the present, before the first and later', async () => {
    const { rooms: changed, position } = await changesAfter(undefined);
    expect(changed).toEqual([]);
    expect(await changesAfter(position)).toEqual({ rooms: [], position, isWritable: true });
    await rooms.apply(newRoom(), joined('alice'));
    expect((await changesAfter(undefined)).rooms).toEqual([]);
  });

  it('name each room that changed once, whatever part of the store it is in', async () => {
    const before = await present();
    const names = Array.from({ length: 60 }, newRoom);
    for (const room of names) {
      await rooms.apply(room, joined('alice'));
      await rooms.apply(room, joined('bob'));
    }
    const { rooms: changed, position } = await changesAfter(before);
    expect(changed).toHaveLength(60);
    expect(new Set(changed)).toEqual(new Set(names));
    expect(await changesAfter(position)).toEqual({ rooms: [], position, isWritable: true });
  });

  it.each<[string, RoomEvent[], RoomEvent, boolean]>([
    ['a person who joins', [], joined('alice'), true],
    ['the last one who leaves', [joined('alice')], left('alice'), true],
    ['somebody who speaks', [joined('alice')], { kind: 'spoke', ...callback('alice') }, true],
    ['an event that is told again', [joined('alice')], joined('alice'), false],
    ['a room of another account', [], { ...joined('alice'), isForeign: true }, false],
  ])('report %s', async (_what, earlier, event, isChange) => {
    const room = newRoom();
    for (const each of earlier) {
      await rooms.apply(room, each);
    }
    const before = await present();
    await rooms.apply(room, event);
    expect((await changesAfter(before)).rooms).toEqual(isChange ? [room] : []);
  });

  it('report a room that nobody was seen to leave once everybody must have left, and once only', async () => {
    const [room, lasting] = [newRoom(), newRoom()];
    await rooms.apply(room, { ...joined('alice'), ageMs: LIFETIME_MS - 1_000 });
    await rooms.apply(lasting, { ...joined('alice'), ageMs: LIFETIME_MS - 1_000 });
    await rooms.apply(lasting, joined('bob'));
    const before = await present();
    await rooms.probe();
    expect((await changesAfter(before)).rooms).toEqual([]);
    await eventually(async () => {
      await rooms.probe();
      expect((await changesAfter(before)).rooms).toEqual([room]);
    });
    expect((await rooms.read(room)).state.stays.filter(isOpen)).toEqual([]);
    const after = await present();
    await rooms.probe();
    expect((await changesAfter(after)).rooms).toEqual([]);
  });

  it('can be followed from any earlier position', async () => {
    const names = Array.from({ length: 20 }, newRoom);
    const positions = [await present()];
    for (const room of names) {
      await rooms.apply(room, joined('alice'));
      positions.push((await changesAfter(positions.at(-1))).position);
    }
    for (const [index, position] of positions.entries()) {
      expect((await changesAfter(position)).rooms.toSorted()).toEqual(names.slice(index).toSorted());
    }
  });

  it('are unknown if as many follow as may be read', async () => {
    const room = newRoom();
    const before = await present();
    await rooms.apply(room, joined('alice'));
    await rooms.apply(newRoom(), joined('alice'));
    expect(await rooms.changes(before, 1)).toBe('expired');
    expect(await rooms.changes(before, 4)).toMatchObject({ rooms: expect.arrayContaining([room]) });
  });

  it('name the rooms changed while they are read, now or next time', async () => {
    const names = Array.from({ length: 100 }, newRoom);
    let position = await present();
    const seen: RoomName[] = [];
    let isWritten = false;
    const writing = Promise.all(names.map((room) => rooms.apply(room, joined('alice')))).then(() => {
      isWritten = true;
    });
    for (let isOver = false; !isOver; ) {
      isOver = isWritten;
      const changes = await changesAfter(position);
      seen.push(...changes.rooms);
      position = changes.position;
    }
    await writing;
    expect(seen.toSorted()).toEqual(names.toSorted());
  });

  it('fit a position into a short line of a stream', async () => {
    await Promise.all(Array.from({ length: 100 }, () => rooms.apply(newRoom(), joined('alice'))));
    expect(await present()).toMatch(/^[\w.,-]{1,320}$/);
  });

  it.each([
    ['', 'nothing'],
    ['0', 'a number'],
    [','.repeat(14), 'too few parts'],
    [','.repeat(16), 'too many parts'],
    [`-${','.repeat(15)}`, 'no ID'],
    [`1-${','.repeat(15)}`, 'half an ID'],
    [`+${','.repeat(15)}`, "Redis's own words"],
    [`(1${','.repeat(15)}`, 'an open range'],
    [`1-1-1${','.repeat(15)}`, 'too long an ID'],
    [`zzzzzzzzzz${','.repeat(15)}`, 'too great a number'],
    [`lyw3v28g${','.repeat(15)}`, 'a time at which nothing was written'],
    [`zzzzzzzzz-zzzzzzzzz${','.repeat(15)}`, 'a position to come'],
    [`1\r\n1${','.repeat(15)}`, 'two lines'],
    ['aaaaaaaa.0', 'an earlier process'],
    ['aaaaaaaa.999999999999999', 'an earlier process, far ahead'],
    ['1'.repeat(100_000), 'too long a text'],
    ['\0', 'a control character'],
  ])('are unknown after %j: %s', async (position) => {
    await rooms.apply(newRoom(), joined('alice'));
    expect(await rooms.changes(position)).toBe('expired');
  });

  it('are unknown after a position in another store', async () => {
    const other = createMemoryStore({ lifetimeMs: LIFETIME_MS, monotonicNow: Date.now, now: Date.now });
    const position = await other.rooms.changes(undefined);
    expect(await rooms.changes(position === 'expired' ? '' : position.position)).toBe('expired');
    const own = await present();
    expect(await other.rooms.changes(own)).toBe('expired');
  });
});
