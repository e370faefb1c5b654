import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Fact } from '../../src/rooms/fact';
import type { Mode } from '../../src/rooms/mode';
import { isOpen, type RoomName, supervisorsOf, targetOf } from '../../src/rooms/room';
import { entryOf, type RoomEntry } from '../../src/rooms/room-entry';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { RoomStore } from '../../src/rooms/room-store';
import { createMemoryStore, createRedisStore, type Store } from '../../src/stores';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

const LIFETIME_MS = 60_000;
/** Events are made as this file is read, and later: only the order of their dates matters. */
const LOADED_AT = Date.now();

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
  createRedisStore({ urls, lifetimeMs: LIFETIME_MS, auditMs: 3_600_000, timeoutMs: 10_000, onConnection: () => {} });

const arrived = (call: string, ageMs = 0, name?: string): RoomEvent => ({
  kind: 'moderator-arrived',
  callSid: sid(call),
  ageMs,
  ...(name !== undefined && { name }),
});
const report = (call: string, conference: string | undefined, ageMs: number | undefined) => ({
  callSid: sid(call),
  conferenceSid: conference === undefined ? undefined : sid(conference),
  date: ageMs === undefined ? undefined : LOADED_AT - ageMs,
  ageMs: ageMs ?? 0,
});
/** Without an age the callback has no date. */
const joined = (call: string, conference?: string, ageMs?: number): RoomEvent => ({
  kind: 'joined',
  ...report(call, conference, ageMs),
  isModerator: true,
});
const callerJoined = (call: string, conference?: string, ageMs?: number): RoomEvent => ({
  kind: 'joined',
  ...report(call, conference, ageMs),
  isModerator: false,
});
const left = (call: string, conference?: string, ageMs?: number): RoomEvent => ({
  kind: 'left',
  ...report(call, conference, ageMs),
});
const dialEnded = (call: string, ageMs = 0): RoomEvent => ({ kind: 'dial-ended', callSid: sid(call), ageMs });
const callEnded = (call: string): RoomEvent => ({ kind: 'call-ended', callSid: sid(call), ageMs: 0 });
const ended = (conference: string, ageMs = 0): RoomEvent => ({
  kind: 'conference-ended',
  conferenceSid: sid(conference),
  ageMs,
});
const started = (conference: string): RoomEvent => ({
  kind: 'conference-started',
  conferenceSid: sid(conference),
  ageMs: 0,
});
const sent = (call: string, target: string, more: Partial<Extract<RoomEvent, { kind: 'supervisor-sent' }>> = {}) =>
  ({
    kind: 'supervisor-sent',
    callSid: sid(call),
    stayNumber: 1,
    name: 'Ted',
    address: '***2222',
    mode: 'coach',
    target: sid(target),
    ageMs: 0,
    ...more,
  }) satisfies RoomEvent;
const refused = (call: string, number = 1): RoomEvent => ({
  kind: 'dial-ended',
  callSid: sid(call),
  stayNumber: number,
  coachingFailed: true,
  ageMs: 0,
});

/** How somebody is heard by what a callback says. */
const COACHING_A = { isMuted: false, coachedCall: sid('a') };
const LISTENING = { isMuted: true };
const BARGING = { isMuted: false, coachedCall: 'nobody' } as const;
const supervisorJoined = (call: string, ageMs: number | undefined, heard: object = COACHING_A): RoomEvent =>
  ({ ...callerJoined(call, 'x', ageMs), ...heard }) as RoomEvent;
const supervisorOut = (call: string, number: number, ageMs = 0): RoomEvent => ({
  kind: 'dial-ended',
  callSid: sid(call),
  stayNumber: number,
  ageMs,
});
const modeRequested = (call: string, mode: Mode, ageMs = 0): RoomEvent => ({
  kind: 'mode-requested',
  callSid: sid(call),
  mode,
  ageMs,
});

describe.each<[string, () => Store]>([
  ['embedded', () => createMemoryStore({ lifetimeMs: LIFETIME_MS, monotonicNow: now, now })],
  ['in Redis', () => connected([redis.url])],
  ['in a Redis Cluster', () => connected(cluster.urls)],
])('rooms %s', (_name, create) => {
  let store: Store;
  let rooms: RoomStore;
  let count = 0;
  let room: RoomName;
  let startedAt: number;

  beforeAll(async () => {
    clock.nowMs = Date.now();
    store = create();
    rooms = store.rooms;
    await eventually(() => store.ping());
  });

  beforeEach(() => {
    startedAt = clock.nowMs;
  });

  afterEach(() => {
    clock.nowMs = Date.now();
  });

  afterAll(() => store.close());

  /** The target in a new room after these events. */
  async function targetAfter(...events: RoomEvent[]): Promise<string | undefined> {
    room = roomNamed(`room ${++count}`);
    return targetAfterMore(...events);
  }

  async function targetAfterMore(...events: RoomEvent[]): Promise<string | undefined> {
    for (const event of events) {
      await rooms.apply(room, event);
    }
    return targetOf((await rooms.read(room)).state)?.callSid;
  }

  async function listed(...of: RoomName[]): Promise<RoomEntry[]> {
    return (await rooms.list()).rooms.filter((one) => of.includes(one.room) && one.target !== undefined);
  }

  /** What this test made happen there. */
  async function factsIn(of: RoomName): Promise<Fact[]> {
    const facts: Fact[] = [];
    for await (const { fact } of rooms.feed({ since: startedAt })) {
      if (fact.room === of) {
        facts.push(fact);
      }
    }
    return facts;
  }

  it.each<[string, RoomEvent[], string | undefined]>([
    ['nobody in a room never heard of', [], undefined],
    ['the moderator who arrived', [arrived('a')], 'a'],
    ['the last to arrive', [arrived('a', 2000), arrived('b', 1000)], 'b'],
    ['the last noted of one instant', [arrived('a', 1000), arrived('b', 1000)], 'b'],
    ['the last to arrive, though noted first', [arrived('b', 1000), arrived('a', 2000)], 'b'],
    ['one who arrives again', [arrived('a', 3000), arrived('b', 2000), arrived('a', 1000)], 'a'],
    ['nobody after they left', [arrived('a'), left('a')], undefined],
    ['nobody after they left twice', [arrived('a'), left('a'), left('a')], undefined],
    ['nobody after their <Dial> ended', [arrived('a'), dialEnded('a')], undefined],
    ['nobody after their call ended', [arrived('a'), joined('a', 'x'), callEnded('a')], undefined],
    ['nobody whose leave was told before an older arrival', [left('a'), arrived('a', 1000)], undefined],
    ['one whose arrival is newer than their leave', [arrived('a'), left('a'), arrived('a')], 'a'],
    ['one who is back in a new conference', [arrived('a'), joined('a', 'x'), left('a', 'x'), joined('a', 'y')], 'a'],
    ['nobody whose leave was told before their join', [left('a'), joined('a', 'x')], undefined],
    ['nobody whose leave was told before their dated join', [left('a', 'x', 100), joined('a', 'x', 1000)], undefined],
    ['them, when another leaves', [arrived('b', 2000), arrived('a'), left('b')], 'a'],
    ['them, when a caller leaves', [arrived('a'), left('bob')], 'a'],
    ['them, when a caller joins', [arrived('a'), joined('a', 'x'), callerJoined('bob', 'x')], 'a'],
    ['no caller', [callerJoined('bob', 'x')], undefined],
    ['one whose arrival was lost', [joined('a', 'x')], 'a'],
    ['one whose arrival was lost, after another', [arrived('a', 9000), joined('b', 'x', 1000)], 'b'],
    ['who joined, though another arrived later', [arrived('a', 9000), joined('a', 'x', 8000), arrived('b')], 'a'],
    ['who joined last', [joined('a', 'x', 9000), joined('b', 'x', 1000)], 'b'],
    ['who joined last, though told first', [joined('b', 'x', 1000), joined('a', 'x', 9000)], 'b'],
    [
      'one who is still in when the last to join left',
      [joined('a', 'x', 9000), joined('b', 'x', 1000), left('b', 'x')],
      'a',
    ],
    [
      'one who is still in when the <Dial> of the last to join failed',
      [joined('a', 'x', 9000), arrived('b'), dialEnded('b')],
      'a',
    ],
    ['nobody when the conference ended', [joined('a', 'x'), ended('x')], undefined],
    [
      'nobody of several when the conference ended',
      [joined('a', 'x', 9000), joined('b', 'x', 1000), ended('x')],
      undefined,
    ],
    ['nobody revived by a join after the conference ended', [arrived('a'), ended('x'), joined('a', 'x')], undefined],
    ['one who arrives after the conference ended', [joined('a', 'x'), ended('x'), arrived('a')], 'a'],
    ['them, when an older conference ends', [arrived('a'), joined('a', 'y'), ended('x')], 'a'],
    ['them, when a conference ends before they joined theirs', [arrived('a'), ended('x')], 'a'],
    ['nobody, when a join without a conference follows', [joined('a', 'x'), joined('a'), ended('x')], undefined],
    [
      'nobody in an earlier conference whose end was lost',
      [joined('a', 'x', 9000), joined('b', 'y', 1000), left('b', 'y')],
      undefined,
    ],
    [
      'one who came back, when the leave of their first stay is late',
      [
        arrived('a', 9000),
        joined('a', 'x', 8000),
        dialEnded('a', 5000),
        arrived('a', 4000),
        joined('a', 'y', 3000),
        left('a', 'x', 6000),
      ],
      'a',
    ],
    [
      'one who came back within the second, when their first stay was told to have ended by its <Dial>',
      [arrived('a', 9000), joined('a', 'x', 8000), dialEnded('a', 4000), arrived('a', 3900), left('a', 'x', 4500)],
      'a',
    ],
    [
      'one who came back, when the first leave is told twice',
      [joined('a', 'x', 8000), left('a', 'x', 4000), arrived('a', 3900), left('a', 'x', 4000)],
      'a',
    ],
    [
      'the second leg of one who redialled, when the first leaves',
      [joined('a1', 'x', 9000), joined('a2', 'x', 2000), left('a1', 'x', 1000)],
      'a2',
    ],
    ['nobody who was refused before they joined', [arrived('short'), sent('ted', 'short'), refused('ted')], undefined],
    [
      'one who was refused before they joined, when they have',
      [arrived('a'), sent('ted', 'a'), refused('ted'), joined('a', 'x')],
      'a',
    ],
    ['one who joined, though refused', [arrived('a'), joined('a', 'x'), sent('ted', 'a'), refused('ted')], 'a'],
  ])('hand out %s', async (_who, events, expected) => {
    expect(await targetAfter(...events)).toBe(expected);
  });

  it('keep rooms apart', async () => {
    await targetAfter(arrived('a'));
    const first = room;
    expect(await targetAfter(arrived('b'), left('a'))).toBe('b');
    expect(targetOf((await rooms.read(first)).state)?.callSid).toBe('a');
  });

  it('take every event a hundred times', async () => {
    const often = (event: RoomEvent) => Array.from({ length: 100 }, () => event);
    expect(await targetAfter(...often(arrived('a')), ...often(joined('a', 'x')))).toBe('a');
    expect(
      await targetAfterMore(...often(left('a', 'x')), ...often(ended('x')), ...often(joined('a', 'x'))),
    ).toBeUndefined();
  });

  it('take events at once', async () => {
    room = roomNamed(`room ${++count}`);
    await Promise.all(
      Array.from({ length: 250 }, (_, index) => rooms.apply(room, callerJoined(`bob-${index}`, 'x', 2000))),
    );
    await rooms.apply(room, joined('a', 'x', 1000));
    const { state } = await rooms.read(room);
    expect(state.stays).toHaveLength(251);
    expect(targetOf(state)?.callSid).toBe('a');
  });

  it('forget a moderator when the lifetime since their arrival is over, whoever joins meanwhile', async () => {
    expect(await targetAfter(arrived('a', LIFETIME_MS - 400), callerJoined('bob', 'x'))).toBe('a');
    await eventually(async () => {
      clock.nowMs = Date.now();
      expect(await targetAfterMore()).toBeUndefined();
    });
  });

  it('ignore what happened longer ago than that', async () => {
    expect(await targetAfter(arrived('a', LIFETIME_MS))).toBeUndefined();
    expect(await targetAfter(joined('a', 'x', LIFETIME_MS + 1))).toBeUndefined();
  });

  it.each<[string, RoomEvent[], string | undefined]>([
    ['as they arrived', [arrived('a', 0, 'Zoë "Z"')], 'Zoë "Z"'],
    ['without one', [arrived('a')], undefined],
    ['also when they joined', [arrived('a', 9000, 'Alice'), joined('a', 'x')], 'Alice'],
    ['also when they arrived again without it', [arrived('a', 9000, 'Alice'), arrived('a')], 'Alice'],
    ['as they arrived last', [arrived('a', 9000, 'Alice'), arrived('a', 0, 'Carol')], 'Carol'],
    ['when it came after the join', [joined('a', 'x', 8000), arrived('a', 9000, 'Alice')], 'Alice'],
    ['not of the moderator before them', [arrived('a', 9000, 'Alice'), arrived('b', 0, 'Carol')], 'Carol'],
    ['none of the moderator before them', [arrived('a', 9000, 'Alice'), arrived('b')], undefined],
  ])('hand out the name of the moderator %s, in one room and in the list', async (_which, events, expected) => {
    await targetAfter(...events);
    expect(targetOf((await rooms.read(room)).state)?.name).toBe(expected);
    expect((await listed(room)).map(({ target }) => target?.name)).toEqual([expected]);
  });

  it('list every room with a moderator, and none without', async () => {
    await targetAfter(arrived('a', 0, 'Alice'));
    const first = room;
    await targetAfter(joined('c', 'x', 2000), callerJoined('bob', 'x', 1000));
    const second = room;
    await targetAfter(arrived('d'), left('d'));
    const leftRoom = room;
    await targetAfter(joined('e', 'x'), ended('x'));
    const endedRoom = room;
    await targetAfter(left('f'));
    const found = await listed(first, second, leftRoom, endedRoom, room);
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          room: first,
          target: expect.objectContaining({ callSid: 'a', name: 'Alice', hasJoined: false }),
          hasCaller: false,
        }),
        expect.objectContaining({
          room: second,
          target: expect.objectContaining({ callSid: 'c', hasJoined: true }),
          hasCaller: true,
          supervisors: 0,
        }),
      ]),
    );
    await rooms.apply(first, left('a'));
    expect(await listed(first)).toEqual([]);
  });

  it.each<[string, RoomEvent[]]>([
    ['a moderator without a name', [arrived('a')]],
    [
      'a moderator who joined, with a caller and a supervisor',
      [arrived('a', 9000, 'Zoë "Z"\n'), joined('a', 'x', 8000), callerJoined('bob', 'x', 7000), sent('ted', 'a')],
    ],
    ['a caller alone', [callerJoined('bob', 'x')]],
  ])('list a room with %s as its state has it', async (_who, events) => {
    await targetAfter(...events);
    const entry = (await rooms.list()).rooms.find((one) => one.room === room);
    expect(entry).toStrictEqual(entryOf((await rooms.read(room)).state));
  });

  it('list no room whose moderator has been forgotten since', async () => {
    await targetAfter(arrived('a', LIFETIME_MS - 400, 'Alice'));
    const short = room;
    await targetAfter(arrived('b'));
    const long = room;
    await eventually(async () => {
      clock.nowMs = Date.now();
      expect(await listed(short)).toEqual([]);
    });
    expect(await listed(long)).toHaveLength(1);
  });

  describe('the feed', () => {
    const kinds = (facts: readonly Fact[]) => facts.map(({ kind, callSid }) => `${callSid} ${kind}`);

    it('tells every fact about a supervisor and a moderator once, however often it is told', async () => {
      const twice = (event: RoomEvent) => [event, event];
      await targetAfter(
        ...twice(arrived('a', 9000, 'Alice')),
        ...twice(joined('a', 'x', 8000)),
        ...twice(callerJoined('bob', 'x', 7000)),
        ...twice(sent('ted', 'a', { ageMs: 6000, moderatorName: 'Alice' })),
        ...twice({ ...callerJoined('ted', 'x', 5000), isMuted: false, coachedCall: sid('a') } as RoomEvent),
        ...twice({ kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, ageMs: 4000 }),
        ...twice(left('ted', 'x', 4500)),
        ...twice(left('a', 'x', 3000)),
        ...twice(ended('x', 2000)),
      );
      const facts = await factsIn(room);
      expect(kinds(facts)).toEqual(['a joined', 'ted arrived', 'ted joined', 'ted left', 'a left']);
      expect(facts[3]).toMatchObject({
        stayNumber: 1,
        name: 'Ted',
        address: '***2222',
        mode: 'coach',
        heard: 'coach',
        target: 'a',
        moderatorName: 'Alice',
        callers: ['bob'],
        conferenceSid: 'x',
        since: expect.any(Number),
        source: 'webhook',
      });
    });

    it('begins at an instant, that one included', async () => {
      await targetAfter(arrived('a'), joined('a', 'x'));
      const before = Date.now();
      await eventually(() => expect(Date.now()).toBeGreaterThan(before + 2));
      const since = Date.now();
      clock.nowMs = since;
      await targetAfterMore(left('a', 'x'), arrived('b'), joined('b', 'y'));
      const found: string[] = [];
      for await (const { fact } of rooms.feed({ since })) {
        if (fact.room === room) {
          found.push(`${fact.callSid} ${fact.kind}`);
        }
      }
      expect(found).toEqual(['a left', 'b joined']);
    });

    it('begins with what was written at an instant, however long ago that happened', async () => {
      await targetAfter(joined('a', 'x', 40_000));
      const before = Date.now();
      await eventually(() => expect(Date.now()).toBeGreaterThan(before + 2));
      const since = Date.now();
      clock.nowMs = since;
      await targetAfterMore(left('a', 'x', 20_000));
      const found: string[] = [];
      for await (const { fact } of rooms.feed({ since })) {
        if (fact.room === room) {
          found.push(`${fact.callSid} ${fact.kind}`);
        }
      }
      expect(found).toEqual(['a left']);
    });

    it('goes on after a position in every room, with what was not asked for left out', async () => {
      // Enough rooms for every part of a store to have some, and some before the beginning.
      const names = Array.from({ length: 60 }, () => roomNamed(`room ${++count}`));
      for (const name of names) {
        await rooms.apply(name, joined(`old-${name.replace(' ', '-')}`, 'x'));
      }
      const before = Date.now();
      await eventually(() => expect(Date.now()).toBeGreaterThan(before + 2));
      const since = Date.now();
      clock.nowMs = since;
      room = names[0] as RoomName;
      await targetAfterMore(joined('first', 'y'));
      let position = '';
      for await (const line of rooms.feed({ since })) {
        position = line.position;
      }
      for (const name of names) {
        await rooms.apply(name, joined(`new-${name.replace(' ', '-')}`, 'z'));
      }
      const found: Fact[] = [];
      for await (const { fact } of rooms.feed({ after: position })) {
        found.push(fact);
      }
      const joins = found.filter(({ kind }) => kind === 'joined').map(({ callSid }) => callSid);
      expect(joins.sort()).toEqual(names.map((name) => `new-${name.replace(' ', '-')}`).sort());
    });

    it('can be left and resumed after each line', async () => {
      await targetAfter(...['a', 'b', 'c', 'd', 'e'].map((call, index) => joined(call, 'x', 9_000 - index * 1_000)));
      const all: string[] = [];
      for await (const { fact } of rooms.feed({ since: 0 })) {
        all.push(`${fact.room} ${fact.callSid} ${fact.kind}`);
      }
      const one: string[] = [];
      let position: string | undefined;
      for (let isOver = false; !isOver; ) {
        isOver = true;
        for await (const line of rooms.feed(position === undefined ? { since: 0 } : { after: position })) {
          one.push(`${line.fact.room} ${line.fact.callSid} ${line.fact.kind}`);
          position = line.position;
          isOver = false;
          break;
        }
      }
      expect(one.filter((line) => line.startsWith(`${room} `))).toEqual(
        all.filter((line) => line.startsWith(`${room} `)),
      );
      expect([...one].sort()).toEqual([...all].sort());
    });

    it('tells of more than fits in one answer of the store, in order for each room', async () => {
      const names = [roomNamed(`room ${++count}`), roomNamed(`room ${++count}`)];
      await Promise.all(
        names.flatMap((name) =>
          Array.from({ length: 1_300 }, (_, index) => rooms.apply(name, joined(`a-${index}`, 'x', 0))),
        ),
      );
      for (const name of names) {
        const calls = (await factsIn(name)).filter(({ kind }) => kind === 'joined').map(({ callSid }) => callSid);
        expect(calls).toEqual(Array.from({ length: 1_300 }, (_, index) => `a-${index}`));
      }
    });

    it('goes on after a position', async () => {
      await targetAfter(arrived('a'), joined('a', 'x'));
      let position = '';
      for await (const line of rooms.feed({ since: 0 })) {
        position = line.position;
      }
      await targetAfterMore(left('a', 'x'));
      const more: Fact[] = [];
      for await (const { fact } of rooms.feed({ after: position })) {
        more.push(fact);
      }
      expect(kinds(more)).toEqual(['a left']);
    });

    it.each<[string, RoomEvent[], string[]]>([
      [
        'a stay whose join was told before its document',
        [callerJoined('ted', 'x', 3000), sent('ted', 'a', { ageMs: 3500 })],
        ['ted arrived', 'ted joined'],
      ],
      [
        'a stay whose end was told before its beginning',
        [{ kind: 'dial-ended', callSid: sid('ted'), stayNumber: 1, ageMs: 1000 }, sent('ted', 'a', { ageMs: 3000 })],
        ['ted arrived', 'ted left'],
      ],
      [
        'a stay that a later one has replaced',
        [sent('ted', 'a', { ageMs: 3000, stayNumber: 2 }), sent('ted', 'a', { ageMs: 4000, stayNumber: 1 })],
        ['ted arrived', 'ted arrived', 'ted left'],
      ],
      [
        'a supervisor who hung up before they joined',
        [sent('ted', 'a', { ageMs: 2000 }), left('ted')],
        ['ted arrived', 'ted left'],
      ],
    ])('tells %s', async (_what, events, expected) => {
      await targetAfter(...events);
      expect(kinds(await factsIn(room))).toEqual(expected);
    });

    it('says that a supervisor is to listen when their target leaves, and how they are heard then', async () => {
      await targetAfter(
        joined('a', 'x', 9000),
        joined('c', 'x', 8000),
        sent('ted', 'c', { mode: 'barge', ageMs: 7000 }),
        { ...callerJoined('ted', 'x', 6000), isMuted: false, coachedCall: 'nobody' } as RoomEvent,
        left('c', 'x', 3000),
        { kind: 'muted', ...report('ted', 'x', 2000) },
      );
      const modes = (await factsIn(room)).filter(({ kind }) => kind === 'mode');
      expect(modes.map(({ mode, heard, target }) => [mode, heard, target])).toEqual([
        ['monitor', 'unknown', 'a'],
        ['monitor', 'monitor', 'a'],
      ]);
    });
  });

  describe('with supervisors', () => {
    beforeEach(() => targetAfter(joined('a', 'x', 20_000)));

    const apply = async (...events: RoomEvent[]) => {
      for (const event of events) {
        await rooms.apply(room, event);
      }
    };
    /** Which stays somebody is on: their numbers, with the mode asked for and the one that the Space reported. */
    const goingOn = async (call: string) =>
      supervisorsOf((await rooms.read(room)).state)
        .filter(({ callSid }) => callSid === call)
        .map(({ supervision: { stayNumber, mode, heard } }) => [stayNumber, mode, heard]);
    const factsOf = async (call: string) => (await factsIn(room)).filter(({ callSid }) => callSid === call);
    const kindsOf = async (call: string) =>
      (await factsOf(call)).map(({ kind, stayNumber }) => (stayNumber === 1 ? kind : `${kind} ${stayNumber ?? '?'}`));

    it('know who is there, and count them in the list', async () => {
      await apply(sent('ted', 'a', { ageMs: 5_000 }), sent('tess', 'a', { ageMs: 4_000, mode: 'barge', name: 'Tess' }));
      expect(supervisorsOf((await rooms.read(room)).state)).toMatchObject([
        { callSid: 'ted', name: 'Ted', address: '***2222', supervision: { stayNumber: 1, mode: 'coach', target: 'a' } },
        { callSid: 'tess', name: 'Tess', supervision: { stayNumber: 1, mode: 'barge', target: 'a' } },
      ]);
      expect(await listed(room)).toMatchObject([{ supervisors: 2, target: { callSid: 'a' } }]);
      await apply(supervisorOut('ted', 1));
      expect(await goingOn('ted')).toEqual([]);
      expect(await goingOn('tess')).toEqual([[1, 'barge', 'unknown']]);
      expect(await listed(room)).toMatchObject([{ supervisors: 1 }]);
    });

    it('keep rooms apart', async () => {
      const first = room;
      await apply(sent('ted', 'a', { ageMs: 5_000 }));
      await targetAfter(joined('b', 'y', 20_000), supervisorOut('ted', 1), left('ted', 'x'));
      expect(await goingOn('ted')).toEqual([]);
      expect(await kindsOf('ted')).toEqual([]);
      room = first;
      expect(await goingOn('ted')).toEqual([[1, 'coach', 'unknown']]);
      expect(await kindsOf('ted')).toEqual(['arrived']);
    });

    it.each<[string, RoomEvent[], (number | string)[][], string[]]>([
      ['a stay', [sent('ted', 'a')], [[1, 'coach', 'unknown']], ['arrived']],
      [
        'a stay told twice once',
        [sent('ted', 'a', { ageMs: 3_000 }), supervisorJoined('ted', 2_000), sent('ted', 'a', { ageMs: 3_000 })],
        [[1, 'coach', 'coach']],
        ['arrived', 'joined'],
      ],
      [
        'no stay that is told again after its end',
        [sent('ted', 'a', { ageMs: 3_000 }), supervisorOut('ted', 1), sent('ted', 'a', { ageMs: 3_000 })],
        [],
        ['arrived', 'left'],
      ],
      [
        'a later stay in place of the one before, which was never told to end',
        [sent('ted', 'a', { ageMs: 3_000 }), sent('ted', 'a', { stayNumber: 2, mode: 'barge' })],
        [[2, 'barge', 'unknown']],
        ['arrived', 'left', 'arrived 2'],
      ],
      [
        'a later stay without what was reported of the one before',
        [sent('ted', 'a', { ageMs: 3_000 }), supervisorJoined('ted', 2_000), sent('ted', 'a', { stayNumber: 2 })],
        [[2, 'coach', 'unknown']],
        ['arrived', 'joined', 'left', 'arrived 2'],
      ],
      [
        'no earlier stay in place of a later one that goes on',
        [sent('ted', 'a', { stayNumber: 2, ageMs: 2_000 }), sent('ted', 'a', { ageMs: 4_000 })],
        [[2, 'coach', 'unknown']],
        ['arrived 2', 'arrived', 'left'],
      ],
      [
        'no earlier stay after the end of a later one',
        [
          sent('ted', 'a', { stayNumber: 2, ageMs: 2_000 }),
          supervisorOut('ted', 2),
          sent('ted', 'a', { ageMs: 4_000 }),
        ],
        [],
        ['arrived 2', 'left 2', 'arrived', 'left'],
      ],
      [
        'no stay whose end was told twice before it',
        [supervisorOut('ted', 1, 1_000), supervisorOut('ted', 1, 1_000), sent('ted', 'a', { ageMs: 3_000 })],
        [],
        ['arrived', 'left'],
      ],
      [
        'a stay after one whose end was told before it',
        [supervisorOut('ted', 1, 2_000), sent('ted', 'a', { ageMs: 3_000 }), sent('ted', 'a', { stayNumber: 2 })],
        [[2, 'coach', 'unknown']],
        ['arrived', 'left', 'arrived 2'],
      ],
      [
        'a stay after one whose end alone was told',
        [supervisorOut('ted', 1, 2_000), sent('ted', 'a', { stayNumber: 2 }), sent('ted', 'a', { ageMs: 3_000 })],
        [[2, 'coach', 'unknown']],
        ['arrived 2', 'arrived', 'left'],
      ],
      [
        'no later stay whose end was told first, though an earlier one goes on until then',
        [
          sent('ted', 'a', { ageMs: 5_000 }),
          supervisorOut('ted', 2, 1_000),
          sent('ted', 'a', { stayNumber: 2, ageMs: 3_000 }),
        ],
        [],
        ['arrived', 'left', 'arrived 2', 'left 2'],
      ],
      [
        'exactly the stay whose end is told',
        [sent('ted', 'a', { stayNumber: 7, ageMs: 3_000 }), ...[1, 6, 8].map((number) => supervisorOut('ted', number))],
        [[7, 'coach', 'unknown']],
        ['arrived 7'],
      ],
      [
        'a stay after the late leave of the one before',
        [
          sent('ted', 'a', { ageMs: 9_000 }),
          supervisorJoined('ted', 8_000),
          supervisorOut('ted', 1, 5_000),
          sent('ted', 'a', { stayNumber: 2, ageMs: 4_000 }),
          left('ted', 'x', 5_500),
          supervisorOut('ted', 1),
        ],
        [[2, 'coach', 'unknown']],
        ['arrived', 'joined', 'left', 'arrived 2'],
      ],
      [
        'a stay in spite of what happened before it began',
        [sent('ted', 'a', { ageMs: 3_000 }), left('ted', 'x', 15_000), supervisorJoined('ted', 15_000)],
        [[1, 'coach', 'unknown']],
        ['arrived'],
      ],
      [
        'that a stay is over by a callback whose date is cut to the second',
        [sent('ted', 'a'), left('ted', 'x', 900)],
        [],
        ['arrived', 'left'],
      ],
      [
        'that a stay was joined by a callback whose date is cut to the second',
        [sent('ted', 'a'), supervisorJoined('ted', 900)],
        [[1, 'coach', 'coach']],
        ['arrived', 'joined'],
      ],
      [
        'that somebody joined once',
        [sent('ted', 'a', { ageMs: 3_000 }), supervisorJoined('ted', 2_000), supervisorJoined('ted', undefined)],
        [[1, 'coach', 'coach']],
        ['arrived', 'joined'],
      ],
      [
        'no joining of one who has left',
        [sent('ted', 'a', { ageMs: 3_000 }), supervisorOut('ted', 1), supervisorJoined('ted', undefined)],
        [],
        ['arrived', 'left'],
      ],
      ['nothing of a call that is no supervisor', [left('ted'), supervisorOut('ted', 1)], [], []],
    ])('note %s', async (_what, events, expected, kinds) => {
      await apply(...events);
      expect(await goingOn('ted')).toEqual(expected);
      expect(await kindsOf('ted')).toEqual(kinds);
    });

    it.each<[string, object, string]>([
      ['as they asked', COACHING_A, 'coach'],
      ['by nobody', LISTENING, 'monitor'],
      ['by everyone', BARGING, 'barge'],
      ['in a way that was not reported', { isMuted: false }, 'unknown'],
      ['in a way that was not reported', {}, 'unknown'],
    ])('note that somebody joined and is heard %s', async (_how, heard, expected) => {
      await apply(sent('ted', 'a', { ageMs: 3_000 }), supervisorJoined('ted', 2_000, heard));
      expect(await goingOn('ted')).toEqual([[1, 'coach', expected]]);
      expect(await factsOf('ted')).toMatchObject([
        { kind: 'arrived', mode: 'coach', heard: 'unknown' },
        { kind: 'joined', mode: 'coach', heard: expected, conferenceSid: 'x' },
      ]);
    });

    it.each<[string, RoomEvent[]]>([
      ['by callbacks', [left('ted', 'x', 1_000), left('ted', 'x', 1_000)]],
      ['by callbacks without a date', [left('ted'), left('ted')]],
      ['by the call', [supervisorOut('ted', 1), supervisorOut('ted', 1)]],
      ['by a callback, then the call', [left('ted', 'x', 1_000), supervisorOut('ted', 1, 900)]],
      ['by the call, then a callback', [supervisorOut('ted', 1, 900), left('ted', 'x', 1_000)]],
      ['by the end of the conference, then the call', [ended('x', 1_000), supervisorOut('ted', 1)]],
      ['by the end of the call', [callEnded('ted'), callEnded('ted')]],
    ])('note the end of a stay once: %s', async (_by, events) => {
      await apply(sent('ted', 'a', { ageMs: 9_000 }), supervisorJoined('ted', 8_000), ...events);
      expect(await goingOn('ted')).toEqual([]);
      const facts = (await factsOf('ted')).filter(({ kind }) => kind === 'left');
      expect(facts).toHaveLength(1);
      expect(facts[0]).toMatchObject({ stayNumber: 1, heard: expect.any(String) });
      expect((facts[0]?.at ?? 0) - (facts[0]?.since ?? 0)).toBeGreaterThan(6_000);
    });

    it('say of the end of a stay that the Space never reported it', async () => {
      await apply(sent('ted', 'a', { ageMs: 9_000 }), supervisorOut('ted', 1));
      const end = (await factsOf('ted')).at(-1);
      expect(end).toMatchObject({ kind: 'left', mode: 'coach', heard: 'unknown' });
      expect(end?.since).toBeUndefined();
    });

    it.each([[true], [false]])('change the mode of a stay, in the conference or not yet: %s', async (isIn) => {
      const before = isIn ? [supervisorJoined('ted', 2_000)] : [];
      await apply(sent('ted', 'a', { ageMs: 3_000 }), ...before, modeRequested('ted', 'monitor'));
      expect(await goingOn('ted')).toEqual([[1, 'monitor', isIn ? 'coach' : 'unknown']]);
      expect((await factsOf('ted')).at(-1)).toMatchObject({
        kind: 'mode',
        mode: 'monitor',
        stayNumber: 1,
        target: 'a',
      });
      await apply(supervisorOut('ted', 1));
      const end = (await factsOf('ted')).at(-1);
      expect(end).toMatchObject({ kind: 'left', mode: 'monitor' });
      expect(end?.since !== undefined).toBe(isIn);
    });

    it.each<[string, RoomEvent[], Mode, number]>([
      ['twice, once', [modeRequested('ted', 'monitor'), modeRequested('ted', 'monitor')], 'monitor', 1],
      ['to what it is, never', [modeRequested('ted', 'coach')], 'coach', 0],
      ['there and back, twice', [modeRequested('ted', 'monitor'), modeRequested('ted', 'coach')], 'coach', 2],
      ['before the stay began, never', [modeRequested('ted', 'monitor', 5_000)], 'coach', 0],
      ['of another call, never', [modeRequested('tess', 'monitor')], 'coach', 0],
    ])('tell of a change of mode %s', async (_how, events, mode, times) => {
      await apply(sent('ted', 'a', { ageMs: 3_000, stayNumber: 2 }), ...events);
      expect(await goingOn('ted')).toEqual([[2, mode, 'unknown']]);
      expect(await kindsOf('ted')).toEqual(['arrived 2', ...Array.from({ length: times }, () => 'mode 2')]);
    });

    it('change no stay that is over', async () => {
      await apply(sent('ted', 'a', { ageMs: 3_000 }), supervisorOut('ted', 1), modeRequested('ted', 'monitor'));
      expect(await goingOn('ted')).toEqual([]);
      expect(await kindsOf('ted')).toEqual(['arrived', 'left']);
    });

    it('remember how a call was heard in a stay that is over', async () => {
      await apply(
        sent('ted', 'a', { ageMs: 9_000 }),
        supervisorJoined('ted', 8_000),
        { kind: 'muted', ...report('ted', 'x', 6_000) },
        supervisorOut('ted', 1, 5_000),
        sent('ted', 'a', { stayNumber: 2, mode: 'barge', ageMs: 4_000 }),
      );
      const { state } = await rooms.read(room);
      expect(state.stays.filter(({ callSid }) => callSid === 'ted')).toMatchObject([
        { supervision: { stayNumber: 1, heard: 'monitor', mode: 'coach' } },
        { supervision: { stayNumber: 2, heard: 'unknown', mode: 'barge' } },
      ]);
    });

    it.each([
      ['letters of all the world', 'Zoë Жанна 李小龍 🎧'],
      ['quotes and backslashes', `Ted "the \\ Ear" O'Neil`],
      ['what means something to a script', '%d+ (.*)$ \n1\n{"a":1}\t\u2028'],
      ['what looks like the rest of a record', '","arrivedAt":0,"leftAt":1}],"x":"'],
    ])('keep names with %s', async (_what, name) => {
      await apply(arrived('a', 0, name), sent('ted', 'a', { name, moderatorName: name, ageMs: 3_000 }));
      await apply(supervisorJoined('ted', 2_000), modeRequested('ted', 'monitor'), supervisorOut('ted', 1));
      const facts = await factsOf('ted');
      expect(facts.map(({ kind }) => kind)).toEqual(['arrived', 'joined', 'mode', 'left']);
      for (const fact of facts) {
        expect([fact.name, fact.moderatorName]).toEqual([name, name]);
      }
      expect(targetOf((await rooms.read(room)).state)?.name).toBe(name);
      expect(await listed(room)).toMatchObject([{ target: { name } }]);
    });
  });

  describe('when a stay has lasted longer than a call can', () => {
    it('let go of it, and of no younger one', async () => {
      await targetAfter(
        joined('a', 'x', 5_000),
        sent('old', 'a', { ageMs: LIFETIME_MS - 400 }),
        sent('young', 'a', { ageMs: 1_000 }),
      );
      await eventually(async () => {
        clock.nowMs = Date.now();
        const { state } = await rooms.read(room);
        expect(supervisorsOf(state).map(({ callSid }) => callSid)).toEqual(['young']);
      });
    });

    it('take nothing that is told of it then for news of it', async () => {
      await targetAfter(joined('a', 'x', 5_000), sent('ted', 'a', { ageMs: LIFETIME_MS - 400 }));
      await eventually(async () => {
        clock.nowMs = Date.now();
        expect(supervisorsOf((await rooms.read(room)).state)).toEqual([]);
      });
      await rooms.apply(room, modeRequested('ted', 'barge'));
      await rooms.apply(room, supervisorOut('ted', 1));
      expect((await factsIn(room)).filter(({ callSid }) => callSid === 'ted').map(({ kind }) => kind)).toEqual([
        'arrived',
        'left',
      ]);
      await rooms.apply(room, sent('ted', 'a', { stayNumber: 2 }));
      expect(supervisorsOf((await rooms.read(room)).state)).toMatchObject([{ supervision: { stayNumber: 2 } }]);
    });
  });

  it('remember 200 stays that ended, and no more', async () => {
    room = roomNamed(`room ${++count}`);
    await Promise.all(
      Array.from({ length: 250 }, async (_, index) => {
        await rooms.apply(room, callerJoined(`bob-${index}`, 'x', 2_000));
        await rooms.apply(room, left(`bob-${index}`, 'x', 1_000));
      }),
    );
    await rooms.apply(room, joined('a', 'x'));
    const { state } = await rooms.read(room);
    expect(state.stays.filter((stay) => !isOpen(stay))).toHaveLength(200);
    expect(targetOf(state)?.callSid).toBe('a');
  });

  describe('when the document of a supervisor is noted before all that is known of their target', () => {
    it.each<[string, RoomEvent[]]>([
      ['their webhook and their join', [arrived('a', 60_000, 'Alice'), joined('a', 'x', 59_000)]],
      ['their join and their webhook', [joined('a', 'x', 59_000), arrived('a', 60_000, 'Alice')]],
    ])('take %s for what happened before it', async (_what, events) => {
      await targetAfter(
        sent('ted', 'a', { ageMs: 1_000 }),
        ...events.map((event) => ({ ...event, ageMs: event.ageMs / 2 })),
      );
      const { state, now: at } = await rooms.read(room);
      const stay = state.stays.find(({ callSid }) => callSid === 'a');
      expect(state.stays).toHaveLength(2);
      expect(stay?.name).toBe('Alice');
      expect(at - (stay?.arrivedAt ?? 0)).toBeGreaterThanOrEqual(29_000);
      expect(at - (stay?.joinedAt ?? 0)).toBeGreaterThanOrEqual(28_000);
    });

    it.each<[string, RoomEvent]>([
      ['their leave', left('a', 'x', 10_000)],
      ['the end of their <Dial>', dialEnded('a', 10_000)],
      ['the end of their call', { kind: 'call-ended', callSid: sid('a'), ageMs: 10_000 }],
    ])('take %s for theirs', async (_what, event) => {
      expect(await targetAfter(sent('ted', 'a', { ageMs: 3_000 }), event)).toBeUndefined();
      expect(await targetAfterMore(joined('a', 'x', 20_000))).toBeUndefined();
    });

    it('take a join of a conference that is over for one that is over', async () => {
      expect(
        await targetAfter(ended('x', 5_000), sent('ted', 'a', { ageMs: 1_000 }), joined('a', 'x', 20_000)),
      ).toBeUndefined();
    });
  });

  it('try a refused moderator again when somebody comes or the conference starts', async () => {
    const isRefused = async () => targetOf((await rooms.read(room)).state)?.coachingFailedAt !== undefined;
    const alone = [joined('a', 'x'), sent('ted', 'a'), refused('ted')];
    await targetAfter(...alone);
    expect(await isRefused()).toBe(true);
    await rooms.apply(room, callerJoined('bob', 'x'));
    expect(await isRefused()).toBe(false);
    await targetAfter(...alone);
    await rooms.apply(room, started('x'));
    expect(await isRefused()).toBe(false);
  });
});
