import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLiveFeed, type LiveFeedOptions } from '../../../src/api/live-feed';
import { createLog } from '../../../src/ops/log';
import { StoreError } from '../../../src/redis/store-error';
import { isOpen, type RoomName, type RoomState } from '../../../src/rooms/room';
import { createMemoryStore } from '../../../src/stores';
import { FakeOutput } from '../../support/feed-output';
import { roomNamed, sid } from '../../support/room-stores';

const LIFETIME_MS = 3_600_000;
const START = Date.parse('2026-01-02T03:04:05.000Z');
const [sales, support] = [roomNamed('sales'), roomNamed('support')];

beforeEach(() => {
  jest.useFakeTimers({ now: START });
});

afterEach(() => {
  jest.useRealTimers();
});

/** Which calls are in a room. */
const view = ({ room, stays }: RoomState) => ({ room, calls: stays.filter(isOpen).map(({ callSid }) => callSid) });

/** A feed over a store whose answers the test delays and fails, and what it asks. */
function create(options: Partial<LiveFeedOptions> = {}) {
  const { rooms } = createMemoryStore({
    lifetimeMs: LIFETIME_MS,
    monotonicNow: () => performance.now(),
    now: Date.now,
  });
  const store = { delayMs: 0, fails: new Set<string>(), asked: [] as string[], isWritable: true };
  const ask = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    store.asked.push(name);
    if (store.delayMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, store.delayMs));
    }
    if (store.fails.has(name)) {
      throw new StoreError('unavailable', 'Redis: gone');
    }
    return call();
  };
  const lines: { level: string; msg: string; room?: string }[] = [];
  const feed = createLiveFeed({
    store: {
      changes: (after, max) =>
        ask('changes', async () => {
          const changes = await rooms.changes(after, max);
          return changes === 'expired' ? changes : { ...changes, isWritable: store.isWritable };
        }),
      read: (room) => ask(`read ${room}`, () => rooms.read(room)),
      list: () => ask('list', () => rooms.list()),
    },
    render: view,
    now: Date.now,
    monotonicNow: () => performance.now(),
    log: createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) }),
    ...options,
  });
  const subscribe = (of: readonly RoomName[] | 'all' = 'all', lastEventId?: string, owner = 'token wallboard') => {
    const out = new FakeOutput();
    const rights = { isAllowed: true };
    const reader = {
      owner,
      rooms: of === 'all' ? of : new Set(of),
      isStillAllowed: () => rights.isAllowed,
    };
    return { out, rights, unsubscribe: feed.subscribe(reader, lastEventId, out) };
  };
  const join = (room: RoomName, call: string) =>
    rooms.apply(room, {
      kind: 'joined',
      callSid: sid(call),
      conferenceSid: sid('x'),
      date: undefined,
      ageMs: 0,
      isModerator: false,
    });
  const leave = (room: RoomName, call: string) =>
    rooms.apply(room, { kind: 'left', callSid: sid(call), conferenceSid: sid('x'), date: undefined, ageMs: 0 });
  return { feed, store, rooms, lines, subscribe, join, leave };
}

/** The batches of `ms` milliseconds. */
const pass = (ms = 80) => jest.advanceTimersByTimeAsync(ms);

const told = ({ events }: FakeOutput) => events.map(({ event, data }) => [event, data]);

describe('a new reader', () => {
  it('gets every live room they may see, then its changes', async () => {
    const { subscribe, join, leave } = create();
    await join(sales, 'alice');
    await join(support, 'carol');
    await join(roomNamed('over'), 'bob');
    await leave(roomNamed('over'), 'bob');
    const [all, one, none] = [subscribe(), subscribe([sales]), subscribe([])];
    await pass();
    await join(sales, 'bob');
    await join(support, 'ted');
    await pass();
    expect(told(all.out)).toEqual([
      [
        'snapshot',
        {
          rooms: [
            { room: 'sales', calls: ['alice'] },
            { room: 'support', calls: ['carol'] },
          ],
        },
      ],
      ['room', { room: 'sales', calls: ['alice', 'bob'] }],
      ['room', { room: 'support', calls: ['carol', 'ted'] }],
    ]);
    expect(told(one.out)).toEqual([
      ['snapshot', { rooms: [{ room: 'sales', calls: ['alice'] }] }],
      ['room', { room: 'sales', calls: ['alice', 'bob'] }],
    ]);
    expect(told(none.out)).toEqual([['snapshot', { rooms: [] }]]);
  });

  it('gets no room in the snapshot that has become empty since it was listed', async () => {
    const { subscribe, join, leave, rooms } = create();
    await join(sales, 'a');
    const listed = await rooms.list();
    jest.spyOn(rooms, 'list').mockResolvedValueOnce(listed);
    await leave(sales, 'a');
    const { out } = subscribe();
    await pass();
    expect(told(out)).toEqual([['snapshot', { rooms: [] }]]);
  });

  it('misses nothing that happens while a slow store is asked for 200 rooms, and sees nothing go back', async () => {
    const { subscribe, join, store } = create();
    const names = Array.from({ length: 200 }, (_, index) => roomNamed(`room-${index}`));
    for (const room of names) {
      await join(room, 'call-0');
    }
    store.delayMs = 50;
    const { out } = subscribe();
    for (let call = 1; call <= 20; call++) {
      await Promise.all(names.map((room) => join(room, `call-${call}`)));
      await pass(50);
    }
    await pass(5_000);
    const seen = new Map<string, number>();
    for (const { event, data } of out.events.filter(({ event }) => event !== 'heartbeat')) {
      const views = event === 'snapshot' ? (data as { rooms: unknown[] }).rooms : [data];
      for (const { room, calls } of views as ReturnType<typeof view>[]) {
        expect(calls.length).toBeGreaterThanOrEqual(seen.get(room) ?? 0);
        seen.set(room, calls.length);
      }
    }
    expect([...seen.keys()].toSorted()).toEqual(names.toSorted());
    expect(new Set(seen.values())).toEqual(new Set([21]));
    expect(out.events.filter(({ event }) => event === 'snapshot')).toHaveLength(1);
  });
});

describe('changes', () => {
  it('of one batch are one event for each room, and the last event has the position', async () => {
    const { subscribe, join } = create();
    const { out } = subscribe();
    await pass();
    await join(sales, 'a');
    await join(support, 'b');
    await join(sales, 'c');
    await pass();
    expect(told(out).slice(1)).toEqual([
      ['room', { room: 'support', calls: ['b'] }],
      ['room', { room: 'sales', calls: ['a', 'c'] }],
    ]);
    expect(out.events.map(({ id }) => id !== undefined)).toEqual([true, false, true]);
  });

  it('are read and rendered once, and written as one buffer to all who see the same rooms', async () => {
    const render = jest.fn(view);
    const { subscribe, join, store } = create({ render });
    const everywhere = Array.from({ length: 50 }, () => subscribe());
    const inSales = Array.from({ length: 50 }, () => subscribe([sales]));
    await pass();
    store.asked = [];
    await join(sales, 'a');
    await pass();
    expect(store.asked.filter((name) => name.startsWith('read'))).toEqual(['read sales']);
    expect(render).toHaveBeenCalledTimes(1);
    for (const same of [everywhere, inSales]) {
      expect(new Set(same.map(({ out }) => out.chunks.at(-1))).size).toBe(1);
    }
  });

  it('tell once that a room has become empty', async () => {
    const { subscribe, join, leave } = create();
    await join(sales, 'a');
    const { out } = subscribe();
    await pass();
    await leave(sales, 'a');
    await pass(1_000);
    expect(told(out).slice(1)).toEqual([['room', { room: 'sales', calls: [] }]]);
  });

  it('tell once that a room has lapsed, which nobody was seen to leave', async () => {
    const { subscribe, rooms } = create();
    const event = { kind: 'joined', callSid: sid('a'), conferenceSid: sid('x'), isModerator: false } as const;
    await rooms.apply(sales, { ...event, date: undefined, ageMs: LIFETIME_MS - 1_000 });
    const { out } = subscribe();
    await pass();
    await pass(2_000);
    await rooms.probe();
    await pass();
    await rooms.probe();
    await pass();
    expect(told(out)).toEqual([
      ['snapshot', { rooms: [{ room: 'sales', calls: ['a'] }] }],
      ['room', { room: 'sales', calls: [] }],
    ]);
  });

  it('are not read in rooms that nobody may see, until somebody may', async () => {
    const { subscribe, join, store } = create();
    const first = subscribe();
    subscribe([support]);
    await pass();
    await join(sales, 'a');
    await pass();
    first.unsubscribe();
    store.asked = [];
    await join(sales, 'b');
    await pass();
    expect(store.asked.filter((name) => name.startsWith('read'))).toEqual([]);
    const { out } = subscribe();
    await pass();
    expect(told(out)).toEqual([['snapshot', { rooms: [{ room: 'sales', calls: ['a', 'b'] }] }]]);
  });

  it('of a room that cannot be rendered hold up no other', async () => {
    const { subscribe, join, lines } = create({
      render: (state) => {
        if (state.room === sales) {
          throw new Error('no');
        }
        return view(state);
      },
    });
    const { out } = subscribe();
    await pass();
    await join(sales, 'a');
    await join(support, 'b');
    await pass();
    expect(told(out).slice(1)).toEqual([['room', { room: 'support', calls: ['b'] }]]);
    expect(lines).toMatchObject([{ level: 'error', room: 'sales', msg: 'Room left out of the live feed' }]);
  });
});

describe('a reader who comes back', () => {
  it('gets the rooms that changed since, and then what follows', async () => {
    const { subscribe, join } = create();
    await join(sales, 'a');
    await join(support, 'b');
    const first = subscribe();
    await pass();
    first.unsubscribe();
    await pass(1_000);
    await join(sales, 'c');
    const { out } = subscribe('all', first.out.events.at(-1)?.id);
    await pass();
    await join(support, 'd');
    await pass();
    expect(told(out)).toEqual([
      ['room', { room: 'sales', calls: ['a', 'c'] }],
      ['room', { room: 'support', calls: ['b', 'd'] }],
    ]);
  });

  it('goes on from a heartbeat', async () => {
    const { subscribe, join } = create();
    const first = subscribe([sales]);
    await pass();
    await join(support, 'a');
    await pass(5_000);
    const beat = first.out.events.at(-1);
    expect(beat).toMatchObject({ event: 'heartbeat', id: expect.any(String) });
    first.unsubscribe();
    const { out } = subscribe('all', beat?.id);
    await pass();
    expect(told(out)).toEqual([]);
  });

  it.each(['', 'other', '\n', 'aaaaaaaa.1', 'x'.repeat(10_000)])('gets a snapshot after %j', async (lastEventId) => {
    const { subscribe, join } = create();
    await join(sales, 'a');
    const { out } = subscribe('all', lastEventId);
    await pass();
    expect(told(out)).toEqual([['snapshot', { rooms: [{ room: 'sales', calls: ['a'] }] }]]);
  });

  it('gets a snapshot if they missed too many changes', async () => {
    const { subscribe, join, rooms } = create();
    const start = await rooms.changes(undefined);
    for (let index = 0; index < 64; index++) {
      await join(roomNamed(`room-${index}`), 'a');
    }
    const { out } = subscribe('all', start === 'expired' ? '' : start.position);
    await pass();
    expect(out.events.map(({ event }) => event)).toEqual(['snapshot']);
  });

  it('shares one read of each room with 199 others, whose positions all differ', async () => {
    const { subscribe, join, rooms, store } = create();
    const positions: string[] = [];
    const names = Array.from({ length: 200 }, (_, index) => roomNamed(`room-${index % 20}`));
    for (const [index, room] of names.entries()) {
      const changes = await rooms.changes(undefined);
      positions.push(changes === 'expired' ? '' : changes.position);
      await join(room, `call-${index}`);
    }
    const outs = positions.map((position) => subscribe('all', position).out);
    await pass();
    expect(store.asked.filter((name) => name.startsWith('read')).toSorted()).toEqual(
      [...new Set(names)].map((room) => `read ${room}`).toSorted(),
    );
    // Two polls: one began with the first reader, and one resumed from as many positions as a poll may.
    expect(store.asked.filter((name) => name === 'changes')).toHaveLength(2 + 1 + 8);
    for (const out of outs) {
      const shown = out.events.flatMap(({ data }) => (data as { rooms?: unknown[] }).rooms ?? [data]);
      expect(new Set((shown as ReturnType<typeof view>[]).map(({ room }) => room))).toEqual(new Set(names));
    }
  });

  it('sees no room go back to what this server has kept of it', async () => {
    const { subscribe, join, store } = create();
    await join(sales, 'a');
    const first = subscribe();
    await pass();
    store.delayMs = 100;
    await join(support, 'b');
    await pass(200);
    // The server knows of the change in support, and is reading that room.
    expect(store.asked.at(-1)).toBe('read support');
    await join(sales, 'c');
    const { out } = subscribe('all', first.out.events.at(-1)?.id);
    await pass(1_000);
    expect(
      out.events.filter(({ data }) => (data as { room: string }).room === 'sales').map(({ data }) => data),
    ).toEqual([{ room: 'sales', calls: ['a', 'c'] }]);
  });

  it('gets a snapshot, as all others, when the position expires meanwhile', async () => {
    const { subscribe, join, rooms } = create();
    const { out } = subscribe();
    await pass();
    await join(sales, 'a');
    jest.spyOn(rooms, 'changes').mockResolvedValueOnce('expired');
    await pass(200);
    expect(told(out)).toEqual([
      ['snapshot', { rooms: [] }],
      ['snapshot', { rooms: [{ room: 'sales', calls: ['a'] }] }],
    ]);
  });
});

describe('a heartbeat', () => {
  it('comes every 5 s, also while the store hangs', async () => {
    const { subscribe, store } = create();
    store.delayMs = 60_000;
    const { out } = subscribe();
    await pass(10_000);
    expect(out.text).toBe(
      [5, 10]
        .map((s) => `event: heartbeat\ndata: {"at":"${new Date(START + s * 1_000).toISOString()}","store":"ok"}\n\n`)
        .join(''),
    );
  });

  it('ends the stream of a reader who may not see it any more', async () => {
    const { feed, subscribe, join } = create();
    const [one, other] = [subscribe(), subscribe()];
    await pass();
    one.rights.isAllowed = false;
    await pass(5_000);
    expect([one.out.isEnded, other.out.isEnded, feed.readers]).toEqual([true, false, 1]);
    const { length } = one.out.chunks;
    await join(sales, 'a');
    await pass();
    expect(one.out.chunks).toHaveLength(length);
  });
});

describe('when the store fails', () => {
  it.each(['changes', `read ${sales}`])(
    '(%s) readers are told, also that it is back, and miss nothing',
    async (what) => {
      const { subscribe, join, store, lines } = create();
      const { out } = subscribe();
      await pass();
      store.fails.add(what);
      await join(sales, 'a');
      await pass(500);
      const late = subscribe();
      await pass(5_000);
      store.fails.clear();
      await pass();
      expect(told(out).filter(([event]) => event !== 'heartbeat')).toEqual([
        ['snapshot', { rooms: [] }],
        ['store', { store: 'away' }],
        ['room', { room: 'sales', calls: ['a'] }],
        ['store', { store: 'ok' }],
      ]);
      expect(out.events.find(({ event }) => event === 'heartbeat')?.data).toMatchObject({ store: 'away' });
      expect(told(late.out).filter(([event]) => event !== 'heartbeat')).toEqual([
        ['store', { store: 'away' }],
        ['snapshot', { rooms: [{ room: 'sales', calls: ['a'] }] }],
        ['store', { store: 'ok' }],
      ]);
      expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
        ['warn', 'Live feed cannot read the store; retrying'],
        ['info', 'Live feed is complete again'],
      ]);
    },
  );

  it('only to be written, readers are told too, and get what changes nevertheless', async () => {
    const { subscribe, join, store, lines } = create();
    const { out } = subscribe();
    await pass();
    store.isWritable = false;
    await pass();
    const late = subscribe();
    await join(sales, 'a');
    await pass();
    store.isWritable = true;
    await pass();
    expect(told(out)).toEqual([
      ['snapshot', { rooms: [] }],
      ['store', { store: 'away' }],
      ['room', { room: 'sales', calls: ['a'] }],
      ['store', { store: 'ok' }],
    ]);
    expect(told(late.out)).toEqual([
      ['store', { store: 'away' }],
      ['snapshot', { rooms: [{ room: 'sales', calls: ['a'] }] }],
      ['store', { store: 'ok' }],
    ]);
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      ['warn', 'Live feed may lack changes: the store refuses writes'],
      ['info', 'Live feed is complete again'],
    ]);
  });

  it('sends no snapshot that lacks a part of the store', async () => {
    const { subscribe, join, rooms } = create();
    await join(sales, 'a');
    const list = jest.spyOn(rooms, 'list');
    list.mockResolvedValueOnce({ rooms: [], now: START, problems: [new StoreError('unavailable', 'Redis: gone')] });
    const { out } = subscribe();
    await pass(200);
    expect(told(out)).toEqual([
      ['store', { store: 'away' }],
      ['snapshot', { rooms: [{ room: 'sales', calls: ['a'] }] }],
      ['store', { store: 'ok' }],
    ]);
  });
});

it('a reader who falls behind is disconnected and counted, with room for their snapshot', async () => {
  const { feed, subscribe, join } = create({ maxBehindBytes: 100 });
  await join(sales, 'a'.repeat(30));
  const { out } = subscribe();
  await pass();
  const snapshotBytes = out.text.length;
  out.writableLength = snapshotBytes + 100;
  await join(sales, 'b');
  await pass();
  expect([out.isDestroyed, feed.dropped]).toEqual([false, 0]);
  out.writableLength++;
  await join(sales, 'c');
  await pass();
  expect([out.isDestroyed, feed.dropped, feed.readers]).toEqual([true, 1, 0]);
});

it('the streams of each owner are counted until they are closed', () => {
  const { feed, subscribe } = create();
  const [one] = [subscribe(), subscribe(), subscribe('all', undefined, 'token other')];
  expect(['token wallboard', 'token other', 'token none'].map(feed.readersOf)).toEqual([2, 1, 0]);
  one.unsubscribe();
  expect(feed.readersOf('token wallboard')).toBe(1);
});

it('changes that may have waited longer than 250 ms are counted, for each reader', async () => {
  const { feed, subscribe, join, store } = create();
  subscribe();
  subscribe();
  await pass();
  await join(sales, 'a');
  await pass();
  expect(feed.lateSends).toBe(0);
  store.delayMs = 200;
  await join(sales, 'b');
  await pass(1_000);
  expect(feed.lateSends).toBe(2);
});

it('nothing is asked before the first reader, nor after the last', async () => {
  const { subscribe, store } = create();
  await pass(10_000);
  expect(store.asked).toEqual([]);
  const { unsubscribe } = subscribe();
  await pass();
  unsubscribe();
  await pass();
  store.asked = [];
  await pass(60_000);
  expect(store.asked).toEqual([]);
  expect(jest.getTimerCount()).toBe(0);
});

it('one poll at a time is in progress', async () => {
  const { subscribe, store } = create();
  store.delayMs = 1_000;
  subscribe();
  await pass(2_500);
  expect(store.asked).toEqual(['changes', 'list', 'changes']);
});

it('closing ends every stream with a time to come back, and refuses later readers', async () => {
  const { feed, subscribe } = create();
  const [one, other] = [subscribe(), subscribe()];
  await pass();
  let next = 1_000;
  const closed = feed.close(() => next++);
  const late = subscribe();
  expect([one, other, late].map(({ out }) => [out.isEnded, /retry: .*\n\n$/.exec(out.text)?.[0]])).toEqual([
    [true, 'retry: 1000\n\n'],
    [true, 'retry: 1001\n\n'],
    [true, 'retry: 1002\n\n'],
  ]);
  await pass();
  await closed;
  expect(jest.getTimerCount()).toBe(0);
  expect(feed.readers).toBe(0);
});
