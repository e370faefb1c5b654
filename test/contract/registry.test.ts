import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Change, ConferenceRegistry, LiveRoom } from '../../src/conferences/registry';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { createMemoryStore, createRedisStore, type Store } from '../../src/store/store';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';

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

/** Starts at the present: Redis counts by its own clock. */
const clock = { nowMs: Date.now() };
const now = () => clock.nowMs;

const connected = (urls: readonly string[]) =>
  createRedisStore({ urls, lifetimeMs: LIFETIME_MS, timeoutMs: 2_000, onConnection: () => {} });

describe.each<[string, () => Store]>([
  ['the embedded registry', () => createMemoryStore({ lifetimeMs: LIFETIME_MS, monotonicNow: now, now })],
  ['the Redis registry', () => connected([redis.url])],
  ['the Redis registry on a cluster', () => connected(cluster.urls)],
])('%s', (_name, create) => {
  let store: Store;
  let registry: ConferenceRegistry;
  let rooms = 0;
  let room: RoomName;

  beforeAll(async () => {
    clock.nowMs = Date.now();
    store = create();
    ({ registry } = store);
    await eventually(() => store.ping());
  });

  afterEach(() => {
    clock.nowMs = Date.now();
  });

  afterAll(() => store.close());

  const sid = (text: string) => parseSid(text) as Sid;
  const newRoom = () => parseRoomName(`room ${++rooms}`) as RoomName;
  const arrived = (call: string, agoMs = 0, name?: string): Change => {
    return { kind: 'arrived', room, callSid: sid(call), agoMs, ...(name !== undefined && { name }) };
  };
  const joined = (call: string, conference?: string, agoMs = 0): Change => {
    const conferenceSid = conference === undefined ? undefined : sid(conference);
    return { kind: 'joined', room, callSid: sid(call), conferenceSid, agoMs };
  };
  const left = (call: string): Change => ({ kind: 'left', room, callSid: sid(call), agoMs: 0 });
  const ended = (conference: string): Change => ({ kind: 'ended', room, conferenceSid: sid(conference), agoMs: 0 });

  /** The moderator of a new room after these changes. */
  async function moderatorAfter(...changes: (() => Change)[]): Promise<Sid | undefined> {
    room = newRoom();
    for (const change of changes) {
      await registry.apply(change());
    }
    return (await registry.findModerator(room))?.callSid;
  }

  /** What the list of all rooms says of these. */
  async function listed(...of: RoomName[]): Promise<LiveRoom[]> {
    return (await registry.listModerators()).filter((one) => of.includes(one.room));
  }

  it('knows no moderator of a room it never heard of', async () => {
    expect(await moderatorAfter()).toBeUndefined();
  });

  it('knows the moderator who arrived', async () => {
    expect(await moderatorAfter(() => arrived('a'))).toBe('a');
  });

  it('keeps rooms apart', async () => {
    await moderatorAfter(() => arrived('a'));
    const first = room;
    expect(
      await moderatorAfter(
        () => arrived('b'),
        () => left('a'),
      ),
    ).toBe('b');
    expect((await registry.findModerator(first))?.callSid).toBe('a');
  });

  it.each<[string, (() => Change)[], string | undefined]>([
    ['the last to arrive', [() => arrived('a', 2000), () => arrived('b', 1000)], 'b'],
    ['the last written of one instant', [() => arrived('a', 1000), () => arrived('b', 1000)], 'b'],
    ['the last to arrive, written late', [() => arrived('b', 1000), () => arrived('a', 2000)], 'b'],
    ['one who arrives again', [() => arrived('a', 3000), () => arrived('b', 2000), () => arrived('a', 1000)], 'a'],
    ['nobody after they left', [() => arrived('a'), () => left('a')], undefined],
    ['nobody after they left twice', [() => arrived('a'), () => left('a'), () => left('a')], undefined],
    ['nobody whose leave came first', [() => left('a'), () => arrived('a')], undefined],
    ['nobody whose leave came before their join', [() => left('a'), () => joined('a', 'x')], undefined],
    ['them, when another leaves', [() => arrived('b', 2000), () => arrived('a'), () => left('b')], 'a'],
    ['them, when a caller leaves', [() => arrived('a'), () => left('bob')], 'a'],
    ['one whose arrival was lost', [() => joined('a', 'x')], 'a'],
    ['one whose arrival was lost, after another', [() => arrived('a', 9000), () => joined('b', 'x', 1000)], 'b'],
    ['them, when an older join is late', [() => arrived('b', 1000), () => joined('a', 'x', 9000)], 'b'],
    [
      'them, when one who arrived earlier joins',
      [() => arrived('a', 9000), () => arrived('b', 8000), () => joined('a', 'x')],
      'b',
    ],
    [
      'them, when one who arrived in the same instant joins',
      [() => arrived('a', 9000), () => arrived('b', 9000), () => joined('a', 'x', 9000)],
      'b',
    ],
    [
      'one who is still there when the last to arrive left',
      [() => arrived('a', 9000), () => arrived('b'), () => left('b'), () => joined('a', 'x')],
      'a',
    ],
    ['nobody when the conference ended', [() => joined('a', 'x'), () => ended('x')], undefined],
    [
      'nobody when the conference ended, arrival known',
      [() => arrived('a'), () => joined('a', 'x'), () => ended('x')],
      undefined,
    ],
    [
      'nobody revived by arrival after the conference ended',
      [() => joined('a', 'x'), () => ended('x'), () => arrived('a')],
      undefined,
    ],
    [
      'nobody revived by join after the conference ended',
      [() => arrived('a'), () => ended('x'), () => joined('a', 'x')],
      undefined,
    ],
    ['them, when an older conference ends', [() => arrived('a'), () => joined('a', 'y'), () => ended('x')], 'a'],
    ['them, when a conference ends before they joined theirs', [() => arrived('a'), () => ended('x')], 'a'],
    [
      'them, when a join without a conference follows',
      [() => joined('a', 'x'), () => joined('a'), () => ended('x')],
      undefined,
    ],
    [
      'them, when an arrival follows the join',
      [() => joined('a', 'x', 9000), () => arrived('a'), () => ended('x')],
      undefined,
    ],
  ])('hands out %s', async (_who, changes, expected) => {
    expect(await moderatorAfter(...changes)).toBe(expected);
  });

  it('takes every change a hundred times', async () => {
    const often = (change: () => Change) => Array.from({ length: 100 }, () => change);
    expect(await moderatorAfter(...often(() => arrived('a')), ...often(() => joined('a', 'x')))).toBe('a');
    for (const change of [...often(() => left('a')), ...often(() => ended('x')), ...often(() => arrived('a'))]) {
      await registry.apply(change());
    }
    expect(await registry.findModerator(room)).toBeUndefined();
  });

  it('forgets a moderator when the lifetime since their arrival is over, whoever joins meanwhile', async () => {
    expect(
      await moderatorAfter(
        () => arrived('a', LIFETIME_MS - 400),
        () => joined('a', 'x'),
      ),
    ).toBe('a');
    await eventually(async () => {
      clock.nowMs = Date.now();
      expect(await registry.findModerator(room)).toBeUndefined();
    });
  });

  it('ignores what happened longer ago than that', async () => {
    expect(await moderatorAfter(() => arrived('a', LIFETIME_MS))).toBeUndefined();
    expect(await moderatorAfter(() => joined('a', 'x', LIFETIME_MS + 1))).toBeUndefined();
  });

  it.each<[string, (() => Change)[], { callSid: string; name: string | undefined } | undefined]>([
    ['as they arrived', [() => arrived('a', 0, 'Zoë "Z"')], { callSid: 'a', name: 'Zoë "Z"' }],
    ['without one', [() => arrived('a')], { callSid: 'a', name: undefined }],
    ['also when they joined', [() => arrived('a', 9000, 'Ann'), () => joined('a', 'x')], { callSid: 'a', name: 'Ann' }],
    [
      'also when they arrived again without it',
      [() => arrived('a', 9000, 'Ann'), () => arrived('a')],
      { callSid: 'a', name: 'Ann' },
    ],
    [
      'as they arrived last',
      [() => arrived('a', 9000, 'Ann'), () => arrived('a', 0, 'Anna')],
      { callSid: 'a', name: 'Anna' },
    ],
    [
      'when it came after the join',
      [() => joined('a', 'x', 9000), () => arrived('a', 9000, 'Ann')],
      { callSid: 'a', name: 'Ann' },
    ],
    [
      'not of the moderator before them',
      [() => arrived('a', 9000, 'Ann'), () => arrived('b', 0, 'Ben')],
      { callSid: 'b', name: 'Ben' },
    ],
    [
      'none of the moderator before them',
      [() => arrived('a', 9000, 'Ann'), () => arrived('b')],
      { callSid: 'b', name: undefined },
    ],
    [
      'none of the moderator before them, when their arrival was lost',
      [() => arrived('a', 9000, 'Ann'), () => joined('b', 'x', 1000)],
      { callSid: 'b', name: undefined },
    ],
    [
      'not of one who arrived earlier and was noted late',
      [() => arrived('b', 1000, 'Ben'), () => arrived('a', 9000, 'Ann')],
      { callSid: 'b', name: 'Ben' },
    ],
    ['not after they left', [() => arrived('a', 0, 'Ann'), () => left('a')], undefined],
  ])('hands out the name of the moderator %s, in one room and in the list', async (_which, changes, expected) => {
    await moderatorAfter(...changes);
    expect(await registry.findModerator(room)).toEqual(expected);
    expect(await listed(room)).toEqual(expected === undefined ? [] : [{ room, ...expected }]);
  });

  describe('listing', () => {
    it('names every room with a moderator, and none whose moderator left or whose conference ended', async () => {
      await moderatorAfter(() => arrived('a', 0, 'Ann'));
      const first = room;
      await moderatorAfter(
        () => arrived('b', 9000, 'Ben'),
        () => arrived('c', 1000, 'Cy'),
      );
      const second = room;
      await moderatorAfter(() => joined('a', 'y'));
      const third = room;
      await moderatorAfter(
        () => arrived('d', 0, 'Dee'),
        () => left('d'),
      );
      const leftRoom = room;
      await moderatorAfter(
        () => joined('e', 'x'),
        () => ended('x'),
      );
      const endedRoom = room;
      await moderatorAfter(() => left('f'));
      const found = await listed(first, second, third, leftRoom, endedRoom, room);
      expect(found).toHaveLength(3);
      expect(found).toEqual(
        expect.arrayContaining([
          { room: first, callSid: 'a', name: 'Ann' },
          { room: second, callSid: 'c', name: 'Cy' },
          { room: third, callSid: 'a', name: undefined },
        ]),
      );
      await registry.apply({ kind: 'left', room: first, callSid: sid('a'), agoMs: 0 });
      expect(await listed(first)).toEqual([]);
    });

    it('names no room whose moderator has been forgotten since', async () => {
      await moderatorAfter(() => arrived('a', LIFETIME_MS - 400, 'Ann'));
      const short = room;
      await moderatorAfter(() => arrived('b'));
      const long = room;
      expect(await listed(long)).toEqual([{ room: long, callSid: 'b', name: undefined }]);
      await eventually(async () => {
        clock.nowMs = Date.now();
        expect(await listed(short)).toEqual([]);
      });
      expect(await listed(long)).toEqual([{ room: long, callSid: 'b', name: undefined }]);
    });
  });
});
