import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import { StoreError } from '../../src/redis/store-error';
import { createMemoryRoomStorage } from '../../src/rooms/memory-room-storage';
import { emptyRoom, type RoomName, type RoomState, targetOf } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { RoomStorage } from '../../src/rooms/room-storage';
import { createRoomStore } from '../../src/rooms/room-store';
import { createRooms, type RoomsOptions } from '../../src/rooms/rooms';
import { createSpaceObserver, type Observation } from '../../src/rooms/space-observer';
import type { SpeechEvent } from '../../src/rooms/speech';
import { createMemoryRefusalStore } from '../../src/supervision/refusals';
import { readStays, readTrail } from '../../src/supervision/trail';
import { roomNamed, sid } from '../support/room-stores';

const LIFETIME_MS = 3_600_000;
/** What all store work of one webhook may take together. */
const STORE_MS = 800;

const sales = roomNamed('sales');
const support = roomNamed('support');
const arrived: RoomEvent = { kind: 'moderator-arrived', callSid: sid('alice'), name: 'Alice', ageMs: 0 };
const joined = (call: string, isModerator: boolean): RoomEvent => ({
  kind: 'joined',
  callSid: sid(call),
  conferenceSid: sid('conf'),
  date: undefined,
  isModerator,
  ageMs: 0,
});
const left: RoomEvent = {
  kind: 'left',
  callSid: sid('alice'),
  conferenceSid: undefined,
  date: undefined,
  ageMs: 0,
};
const spoke = { kind: 'spoke', ...report('alice') } satisfies RoomEvent;

function report(call: string) {
  return { callSid: sid(call), conferenceSid: undefined, date: undefined, ageMs: 0 };
}

/** A room with these moderators by REST; none stands for a room without a conference. */
function observed(room: RoomName, ...moderators: string[]): Observation {
  return {
    room,
    event: {
      kind: 'room-observed',
      ageMs: 0,
      conference: moderators.length === 0 ? undefined : { sid: sid('conf') },
      participants: moderators.map((call) => ({
        callSid: sid(call),
        isMuted: false,
        isOnHold: false,
        coachedCall: 'nobody',
        joinAgeMs: 1_000,
        isModerator: true,
      })),
    },
  };
}

/** What the Space shows: these rooms, nothing because it does not answer, or never anything. */
type Shown = Observation[] | 'down' | 'silent';

function createSpace() {
  const state = { shown: [] as Shown, asked: 0 };
  async function show(): Promise<Observation[]> {
    state.asked++;
    if (state.shown === 'down') {
      throw new Error('no answer');
    }
    return state.shown === 'silent' ? new Promise(() => {}) : state.shown;
  }
  const observer: RoomsOptions['space'] = {
    observe: async (room) => (await show()).find((one) => one.room === room) ?? observed(room),
    observeAll: show,
  };
  return { observer, state };
}

/** A store in memory that can be down, slow, read-only, or unable to read one room. */
function createFlakyStorage() {
  const memory = createMemoryRoomStorage({ lifetimeMs: LIFETIME_MS, now: () => Date.now() + state.aheadMs });
  const state = {
    isDown: false,
    aheadMs: 0,
    isReadOnly: false,
    takesMs: 0,
    unreadable: undefined as RoomName | undefined,
    problems: [] as Error[],
    reads: 0,
    writes: 0,
    probes: 0,
  };
  async function answer(room?: RoomName): Promise<void> {
    if (state.takesMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, state.takesMs));
    }
    if (state.isDown) {
      throw new StoreError('unavailable', 'down');
    }
    if (room !== undefined && room === state.unreadable) {
      throw new StoreError('unreadable', 'not a room');
    }
  }
  const storage: RoomStorage = {
    ...memory,
    async read(room) {
      state.reads++;
      await answer(room);
      return { ...(await memory.read(room)), isWritable: !state.isReadOnly };
    },
    async write(room, version, next) {
      state.writes++;
      await answer(room);
      if (state.isReadOnly) {
        throw new StoreError('unavailable', 'READONLY');
      }
      return memory.write(room, version, next);
    },
    async list() {
      await answer();
      return { ...(await memory.list()), problems: state.problems };
    },
    probe: async () => void state.probes++,
  };
  return { memory, storage, state };
}

function create({ hasRest = false, ...options }: Partial<RoomsOptions> & { hasRest?: boolean } = {}) {
  const { memory, storage, state } = createFlakyStorage();
  const space = createSpace();
  const lines: { level: string; msg: string; room?: string; err?: { message: string } }[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) });
  const changes: RoomState[] = [];
  const monotonicNow = () => performance.now();
  const store = createRoomStore({ storage, lifetimeMs: LIFETIME_MS, monotonicNow });
  const rooms = createRooms({
    store,
    space: hasRest ? space.observer : undefined,
    lifetimeMs: LIFETIME_MS,
    log,
    now: Date.now,
    monotonicNow,
    onChange: (change) => void changes.push(change),
    ...options,
  });
  /** Another server with the same store. */
  const other = createRoomStore({ storage: memory, lifetimeMs: LIFETIME_MS, monotonicNow });
  const logged = (level: string) => lines.filter((line) => line.level === level);
  /** Who is in a room, for a supervisor who dials now. */
  const targetIn = async (room: RoomName) => {
    const found = await rooms.find(room);
    return found.isKnown ? (targetOf(found.state)?.callSid ?? 'nobody') : 'unknown';
  };
  /** The rooms of the menu, with whom to coach there. */
  const listed = async () => {
    const entries = await rooms.list();
    return entries === 'unknown' ? entries : entries.map(({ room, target }) => [room, target?.callSid]);
  };
  /** Whom the store itself knows. */
  const storedTarget = async (room: RoomName) => targetOf((await other.read(room)).state)?.callSid;
  const storedFacts = async () => {
    const facts: string[] = [];
    for await (const { fact } of memory.feed({ since: 0 })) {
      facts.push(`${fact.callSid} ${fact.kind}`);
    }
    return facts;
  };
  return {
    rooms,
    store,
    state,
    space: space.state,
    other,
    changes,
    logged,
    targetIn,
    listed,
    storedTarget,
    storedFacts,
  };
}

const wait = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** What comes of this, and after how many milliseconds. */
async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const since = performance.now();
  const done = work.then((result) => ({ result, ms: performance.now() - since }));
  for (let ms = 0; ms < 10_000; ms += 10) {
    await wait(10);
  }
  return done;
}

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('record', () => {
  it('writes an event at once, and tells of the state that it led to', async () => {
    const { rooms, targetIn, storedTarget, changes } = create();
    expect(await targetIn(sales)).toBe('nobody');
    await rooms.record(sales, arrived);
    expect(await storedTarget(sales)).toBe('alice');
    expect(await targetIn(sales)).toBe('alice');
    expect(changes.map((change) => targetOf(change)?.callSid)).toEqual(['alice']);
  });

  it('waits 800 ms at the most; what the store takes later does no harm', async () => {
    const { rooms, state, storedTarget, storedFacts, changes } = create();
    // Each of the two steps is in time, both together are not.
    state.takesMs = 700;
    const { ms } = await timed(rooms.record(sales, joined('alice', true)));
    expect(ms).toBeLessThanOrEqual(STORE_MS + 10);
    expect(ms).toBeGreaterThanOrEqual(STORE_MS);
    expect(targetOf(changes[0] as RoomState)?.callSid).toBe('alice');
    state.takesMs = 0;
    await wait(60_000);
    expect(await storedTarget(sales)).toBe('alice');
    expect(await storedFacts()).toEqual(['alice joined']);
    expect((await rooms.read(sales)) as { state: RoomState }).toMatchObject({
      state: { stays: [{ callSid: 'alice' }] },
    });
  });

  it('and a look-up by the same webhook wait 800 ms together', async () => {
    const { rooms, state, targetIn } = create();
    state.takesMs = STORE_MS;
    state.isDown = true;
    const webhook = async () => {
      await rooms.record(sales, arrived);
      return targetIn(sales);
    };
    const { result, ms } = await timed(webhook());
    expect(result).toBe('alice');
    expect(ms).toBeLessThanOrEqual(STORE_MS + 10);
    // The next webhook asks the store again.
    state.takesMs = 0;
    const { reads } = state;
    await targetIn(sales);
    expect(state.reads).toBe(reads + 1);
  });

  it('asks a store again at once that failed at once', async () => {
    const { rooms, state, targetIn, other } = create();
    await other.apply(sales, arrived);
    state.isReadOnly = true;
    await rooms.record(sales, joined('bob', false));
    expect(await targetIn(sales)).toBe('alice');
  });

  it('dates an event from when it happened, though it waited for others of its room', async () => {
    const { rooms, state, other } = create();
    const since = Date.now();
    state.takesMs = 300;
    void rooms.record(sales, joined('bob', false));
    await wait(10);
    void rooms.record(sales, arrived);
    await wait(2_000);
    const alice = (await other.read(sales)).state.stays.find(({ callSid }) => callSid === 'alice');
    // The store's clock is asked by a read, which takes a while too.
    expect((alice?.arrivedAt ?? 0) - since).toBeLessThanOrEqual(10 + state.takesMs);
  });

  it('rejects never', async () => {
    const { rooms, state, space } = create({ hasRest: true });
    state.isDown = true;
    space.shown = 'down';
    await rooms.record(sales, arrived);
    await rooms.find(sales);
    await rooms.read(sales);
    await rooms.list();
    await rooms.listStored();
    rooms.recordSpeech(sales, spoke);
    await wait(60_000);
  });

  it('rejects never, whatever the rules throw, and logs why once for each room', async () => {
    const { rooms, store, logged } = create();
    const broken = { ...emptyRoom(sales), stays: [null] as unknown as RoomState['stays'] };
    jest.spyOn(store, 'read').mockImplementation(async (room) => {
      return { state: room === sales ? broken : emptyRoom(room), now: Date.now(), isWritable: true };
    });
    jest.spyOn(store, 'lastKnown').mockImplementation((room) => (room === sales ? broken : undefined));
    jest.spyOn(store, 'apply').mockRejectedValue(new TypeError('stays'));
    await rooms.read(sales);
    await rooms.record(sales, arrived);
    await rooms.record(sales, joined('alice', true));
    await rooms.record(support, arrived);
    await rooms.read(sales);
    await rooms.record(sales, joined('carol', true));
    await rooms.find(sales);
    expect(logged('error')).toMatchObject([
      { room: 'sales', kind: 'moderator-arrived', msg: 'Event could not be applied to this room; skipped' },
      { room: 'sales', msg: 'Room lookup failed' },
    ]);
    expect(await rooms.read(support)).toMatchObject({ isKnown: true, state: { stays: [{ callSid: 'alice' }] } });
  });

  describe('while the store is away', () => {
    it('keeps the event, tells of the state, and writes it when the store is back, with its age', async () => {
      const { rooms, state, changes, storedTarget, other } = create();
      state.isDown = true;
      await rooms.record(sales, arrived);
      expect(targetOf(changes[0] as RoomState)?.callSid).toBe('alice');
      await wait(20_000);
      expect(await storedTarget(sales)).toBeUndefined();
      state.isDown = false;
      await wait(5_500);
      expect(await storedTarget(sales)).toBe('alice');
      const { state: room, now } = await other.read(sales);
      expect(now - (room.stays[0]?.arrivedAt ?? 0)).toBe(25_500);
      expect(changes).toHaveLength(2);
      const { writes } = state;
      await wait(60_000);
      expect(state.writes).toBe(writes);
    });

    it('dates the event from when it happened, not from when the store gave up', async () => {
      const { rooms, state, other } = create();
      state.takesMs = 600;
      state.isDown = true;
      void rooms.record(sales, arrived);
      await wait(600);
      state.isDown = false;
      state.takesMs = 0;
      await wait(1_000);
      const { state: room, now } = await other.read(sales);
      expect(now - (room.stays[0]?.arrivedAt ?? 0)).toBe(1_600);
    });

    it('writes an event once that was told a hundred times', async () => {
      const { rooms, store, state } = create();
      state.isDown = true;
      await Promise.all(Array.from({ length: 100 }, () => rooms.record(sales, left)));
      const apply = jest.spyOn(store, 'apply');
      state.isDown = false;
      await wait(5_000);
      expect(apply).toHaveBeenCalledTimes(1);
    });

    it.each(['isDown', 'isReadOnly'] as const)('applies each of many events once, if the store %s', async (how) => {
      jest.useRealTimers();
      const { rooms, state, changes } = create();
      await rooms.record(sales, arrived);
      state[how] = true;
      const since = process.cpuUsage();
      for (let call = 0; call < 500; call++) {
        await rooms.record(sales, joined(`call-${call}`, false));
        await rooms.read(sales);
      }
      expect(process.cpuUsage(since).user / 1_000 / 500).toBeLessThan(2);
      expect(changes.at(-1)?.stays).toHaveLength(501);
      await rooms.close(0);
    });

    it('keeps what means nothing to a store that lacks the event before', async () => {
      const { rooms, state, other } = create();
      state.isReadOnly = true;
      await rooms.record(sales, joined('bob', false));
      await wait(10);
      await rooms.record(sales, { ...report('bob'), kind: 'muted' });
      const bob = { callSid: 'bob', isMuted: true };
      expect(await rooms.read(sales)).toMatchObject({ state: { stays: [bob] } });
      state.isReadOnly = false;
      await wait(10_000);
      expect((await other.read(sales)).state.stays).toMatchObject([bob]);
    });

    it('forgets what REST showed: by then it is out of date', async () => {
      const { rooms, store, state, targetIn } = create();
      state.isDown = true;
      await rooms.record(sales, observed(sales, 'alice').event);
      expect(await targetIn(sales)).toBe('alice');
      const apply = jest.spyOn(store, 'apply');
      state.isDown = false;
      await wait(60_000);
      expect(apply).not.toHaveBeenCalled();
    });

    it('loses nothing of thousands of events in many rooms', async () => {
      const { rooms, state, storedTarget, logged } = create();
      state.isDown = true;
      const names = Array.from({ length: 2_000 }, (_, index) => roomNamed(`room ${index}`));
      for (const name of names) {
        await rooms.record(name, arrived);
        await rooms.record(name, joined('alice', true));
        await rooms.record(name, joined('bob', false));
      }
      state.isDown = false;
      await wait(10_000);
      expect(await Promise.all(names.map(storedTarget))).toEqual(names.map(() => 'alice'));
      expect(logged('error')).toEqual([]);
    });

    it('holds one event of each kind about each participant, the last, however many there were', async () => {
      const { rooms, state, logged, other } = create({ maxPending: 2 });
      state.isDown = true;
      await rooms.record(sales, joined('bob', false));
      for (let count = 0; count < 1_000; count++) {
        await rooms.record(sales, { ...report('bob'), kind: count % 2 === 0 ? 'unmuted' : 'muted' });
      }
      state.isDown = false;
      await wait(5_000);
      expect(logged('error')).toEqual([]);
      expect((await other.read(sales)).state.stays).toMatchObject([{ callSid: 'bob', isMuted: true }]);
    });

    /** What a callback told of a call some seconds ago; dates are the Space's, cut to the second. */
    const told = (kind: 'joined' | 'left' | 'muted' | 'unmuted' | 'held' | 'unheld', call: string, agoS: number) => {
      const date = Math.floor(Date.now() / 1_000 - agoS) * 1_000;
      return { ...report(call), kind, conferenceSid: sid('conf'), date, ageMs: Date.now() - date };
    };

    it.each<[string, 'unmuted' | 'unheld', 'muted' | 'held', object]>([
      ['mute', 'unmuted', 'muted', { isMuted: false }],
      ['hold', 'unheld', 'held', { isOnHold: false }],
    ])('writes the %s that happened last, though an earlier one is told later', async (_what, last, late, expected) => {
      const { rooms, state, other } = create();
      await rooms.record(sales, told('joined', 'bob', 20));
      state.isDown = true;
      await rooms.record(sales, told(last, 'bob', 2));
      await wait(1_000);
      await rooms.record(sales, told(late, 'bob', 5));
      state.isDown = false;
      await wait(10_000);
      expect((await other.read(sales)).state.stays).toMatchObject([{ callSid: 'bob', ...expected }]);
    });

    it('writes the mute that was told last of two in one second', async () => {
      jest.setSystemTime(Math.ceil(Date.now() / 1_000) * 1_000 + 300);
      const { rooms, state, other } = create();
      await rooms.record(sales, told('joined', 'bob', 20));
      state.isDown = true;
      await rooms.record(sales, told('unmuted', 'bob', 0));
      await wait(400);
      await rooms.record(sales, told('muted', 'bob', 0));
      state.isDown = false;
      await wait(10_000);
      expect((await other.read(sales)).state.stays).toMatchObject([{ callSid: 'bob', isMuted: true }]);
    });

    it('writes a join, though another of the same call, in an earlier conference, is told again later', async () => {
      const { rooms, state, storedTarget, other } = create();
      const joinedIn = (call: string, conference: string, agoS: number): RoomEvent => ({
        ...told('joined', call, agoS),
        conferenceSid: sid(conference),
        isModerator: true,
      });
      await rooms.record(sales, joinedIn('carol', 'cf-2', 10));
      state.isDown = true;
      await rooms.record(sales, arrived);
      await wait(2_000);
      await rooms.record(sales, joinedIn('alice', 'cf-2', 1));
      await rooms.record(sales, joinedIn('alice', 'cf-1', 60));
      state.isDown = false;
      await wait(10_000);
      expect(await storedTarget(sales)).toBe('alice');
      const { stays } = (await other.read(sales)).state;
      expect(stays.find(({ callSid, leftAt }) => callSid === 'alice' && leftAt === undefined)).toMatchObject({
        conferenceSid: 'cf-2',
        joinedAt: expect.any(Number),
      });
    });

    it('writes each stay of a supervisor who came twice', async () => {
      const { rooms, state, store } = create();
      await rooms.record(sales, arrived);
      await rooms.record(sales, { ...told('joined', 'alice', 0), isModerator: true });
      state.isDown = true;
      for (const [number, mode, isMuted] of [
        [1, 'barge', false],
        [2, 'monitor', true],
      ] as const) {
        const document = { name: 'Ted', address: '***2222', mode, target: sid('alice'), moderatorName: 'Alice' };
        await wait(5_000);
        await rooms.record(sales, {
          kind: 'supervisor-sent',
          callSid: sid('ted'),
          stayNumber: number,
          ...document,
          ageMs: 0,
        });
        await wait(2_000);
        await rooms.record(sales, {
          ...told('joined', 'ted', 0),
          isMuted,
          coachedCall: isMuted ? sid('alice') : 'nobody',
        });
        await wait(16_000);
        await rooms.record(sales, told('left', 'ted', 0));
        await rooms.record(sales, { kind: 'dial-ended', callSid: sid('ted'), stayNumber: number, ageMs: 0 });
      }
      state.isDown = false;
      await wait(10_000);
      const rows: object[] = [];
      for await (const row of readStays(readTrail({ rooms: store, refusals: createMemoryRefusalStore() }, 0))) {
        rows.push(row);
      }
      expect(rows).toMatchObject([
        { stay: 1, startKnown: 'callback', modes: [{ mode: 'barge', heard: 'barge' }] },
        { stay: 2, startKnown: 'callback', modes: [{ mode: 'monitor', heard: 'monitor' }] },
      ]);
    });

    it('holds so many events and no more, and names each that is lost', async () => {
      const { rooms, state, logged, storedTarget } = create({ maxPending: 2 });
      state.isDown = true;
      for (const name of ['one', 'two', 'three']) {
        await rooms.record(roomNamed(name), arrived);
      }
      expect(logged('error')).toEqual([
        expect.objectContaining({
          room: 'one',
          kind: 'moderator-arrived',
          callSid: 'alice',
          msg: 'Event lost: it could not be written to the store',
        }),
      ]);
      state.isDown = false;
      await wait(5_000);
      expect(await Promise.all(['one', 'two', 'three'].map((name) => storedTarget(roomNamed(name))))).toEqual([
        undefined,
        'alice',
        'alice',
      ]);
    });
  });

  it('logs of a lost event which one it was, and no secret that it holds', async () => {
    const { rooms, state, logged } = create();
    state.isDown = true;
    await rooms.record(sales, {
      kind: 'supervisor-sent',
      callSid: sid('ted'),
      stayNumber: 2,
      name: 'Ted',
      address: '***2222',
      mode: 'coach',
      target: sid('alice'),
      rejoinUrl: 'https://example.com/coach/sales?token=secret',
      ageMs: 0,
    });
    const closed = rooms.close(0);
    await wait(0);
    expect(await closed).toBe(false);
    expect(logged('error')).toEqual([
      {
        level: 'error',
        time: expect.any(String),
        room: 'sales',
        kind: 'supervisor-sent',
        callSid: 'ted',
        stayNumber: 2,
        msg: 'Event lost: it could not be written to the store',
      },
    ]);
  });

  it('writes what happens again while the first is being written', async () => {
    const { rooms, state, other } = create();
    state.isDown = true;
    await rooms.record(sales, arrived);
    state.isDown = false;
    state.takesMs = 600;
    await wait(600);
    const again = rooms.record(sales, arrived);
    await wait(800);
    await again;
    state.takesMs = 0;
    await wait(10_000);
    const { state: room, now } = await other.read(sales);
    expect(now - (room.stays[0]?.arrivedAt ?? 0)).toBe(10_800);
  });

  describe('logs', () => {
    const WARNING = 'Store did not answer; events wait in memory';

    it('once that the store is away, not at every attempt, and once that it is back', async () => {
      const { rooms, state, logged } = create();
      state.isDown = true;
      await rooms.record(sales, arrived);
      await wait(30_000);
      await rooms.record(sales, joined('alice', true));
      expect(logged('warn')).toMatchObject([{ msg: WARNING, room: 'sales', err: { message: 'down' } }]);
      state.isDown = false;
      await wait(6_000);
      expect(logged('info')).toMatchObject([{ msg: 'Store answers again' }]);
      state.isDown = true;
      await rooms.record(sales, left);
      expect(logged('warn')).toMatchObject([{ msg: WARNING }, { msg: WARNING }]);
    });

    it('once for many rooms', async () => {
      const { rooms, state, logged } = create();
      state.isDown = true;
      await Promise.all(Array.from({ length: 100 }, (_, index) => rooms.record(roomNamed(`room ${index}`), arrived)));
      expect(logged('warn')).toHaveLength(1);
    });

    it('the next outage too, when nobody asked for the room in between', async () => {
      const { state, logged, targetIn, rooms } = create();
      state.isDown = true;
      await targetIn(sales);
      state.isDown = false;
      await wait(30_000);
      await rooms.record(support, arrived);
      state.isDown = true;
      await targetIn(sales);
      expect(logged('warn')).toHaveLength(2);
    });

    it('the name of each room that cannot be read, also during an outage, and serves all others', async () => {
      const { rooms, state, logged, targetIn, storedTarget } = create();
      state.isDown = true;
      await rooms.record(support, arrived);
      state.isDown = false;
      state.unreadable = sales;
      await rooms.record(sales, arrived);
      await rooms.record(sales, joined('alice', true));
      await wait(60_000);
      expect(logged('error')).toMatchObject([
        {
          room: 'sales',
          msg: 'Stored room is unreadable; its events wait in memory',
          err: { message: 'not a room' },
        },
      ]);
      expect(await storedTarget(support)).toBe('alice');
      expect(await targetIn(sales)).toBe('alice');
    });
  });
});

describe('recordSpeech', () => {
  it('is written if there is time, and never kept', async () => {
    const { rooms, store, state, other } = create();
    await rooms.record(sales, joined('alice', true));
    rooms.recordSpeech(sales, spoke);
    await wait(0);
    expect((await other.read(sales)).state.stays[0]?.speakingSince).toBeDefined();
    const apply = jest.spyOn(store, 'apply');
    state.isDown = true;
    rooms.recordSpeech(sales, spoke);
    await wait(60_000);
    expect(apply).toHaveBeenCalledTimes(1);
  });

  it('is written once a second of each participant, the last of each second when that is over', async () => {
    const { rooms, store, other } = create();
    const apply = jest.spyOn(store, 'apply');
    await rooms.record(sales, joined('alice', true));
    await rooms.record(sales, joined('bob', false));
    await wait(1_000);
    apply.mockClear();
    const silent: SpeechEvent = { ...spoke, kind: 'fell-silent' };
    for (let times = 0; times < 5; times++) {
      rooms.recordSpeech(sales, spoke);
      await wait(100);
      rooms.recordSpeech(sales, silent);
      await wait(100);
    }
    // The second begins with what was written last.
    expect(apply.mock.calls.map(([, { kind, ageMs }]) => [kind, ageMs])).toEqual([
      ['spoke', 0],
      ['fell-silent', 100],
    ]);
    expect((await other.read(sales)).state.stays[0]?.speakingSince).toBeUndefined();
    rooms.recordSpeech(sales, { ...spoke, callSid: sid('bob') });
    expect(apply).toHaveBeenCalledTimes(3);
    await wait(60_000);
    expect(apply).toHaveBeenCalledTimes(3);
    rooms.recordSpeech(sales, spoke);
    expect(apply).toHaveBeenCalledTimes(4);
  });

  it('is limited in memory, too', async () => {
    const { rooms, store } = create();
    const apply = jest.spyOn(store, 'apply');
    for (let call = 0; call < 2_000; call++) {
      rooms.recordSpeech(sales, { ...spoke, callSid: sid(`call-${call}`) });
      await wait(0);
    }
    expect(apply).toHaveBeenCalledTimes(1_000);
    await wait(1_000);
    rooms.recordSpeech(sales, spoke);
    expect(apply).toHaveBeenCalledTimes(1_001);
  });

  it('ends with the server', async () => {
    const { rooms, store } = create();
    const apply = jest.spyOn(store, 'apply');
    rooms.recordSpeech(sales, spoke);
    rooms.recordSpeech(sales, spoke);
    expect(await rooms.close(0)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
    expect(apply).toHaveBeenCalledTimes(1);
  });

  it('is dropped for a room that the store does not write, and under load', async () => {
    const { rooms, store, state } = create();
    const apply = jest.spyOn(store, 'apply');
    state.takesMs = 100;
    for (let index = 0; index < 50; index++) {
      rooms.recordSpeech(roomNamed(`room ${index}`), spoke);
    }
    expect(apply).toHaveBeenCalledTimes(20);
    await wait(1_000);
    rooms.recordSpeech(sales, spoke);
    expect(apply).toHaveBeenCalledTimes(21);
    await wait(1_000);
    state.takesMs = 0;
    state.isReadOnly = true;
    await rooms.record(sales, arrived);
    apply.mockClear();
    rooms.recordSpeech(sales, spoke);
    expect(apply).not.toHaveBeenCalled();
  });
});

it.each(['find', 'read'] as const)('%s tells the state and the time, and no more', async (ask) => {
  const { rooms, state } = create();
  const fields = async () => Object.keys(await rooms[ask](sales)).sort();
  await rooms.record(sales, arrived);
  expect(await fields()).toEqual(['isKnown', 'isStored', 'now', 'state']);
  state.isDown = true;
  expect(await fields()).toEqual(['isKnown', 'isStored', 'now', 'state']);
  await rooms.record(sales, left);
  expect(await fields()).toEqual(['isKnown']);
});

describe('find', () => {
  it('does not ask the Space about a moderator whom the store knows', async () => {
    const { rooms, space, targetIn } = create({ hasRest: true });
    await rooms.record(sales, arrived);
    expect(await targetIn(sales)).toBe('alice');
    expect(space.asked).toBe(0);
  });

  it('applies what is pending to what it reads, so that nobody who left is handed out', async () => {
    const { rooms, state, targetIn, other } = create();
    await other.apply(sales, arrived);
    state.isReadOnly = true;
    await rooms.record(sales, left);
    expect(await targetIn(sales)).toBe('nobody');
  });

  it('applies what is pending to what other servers have written since', async () => {
    const { rooms, state, targetIn, other } = create();
    state.isReadOnly = true;
    await rooms.record(sales, joined('bob', false));
    await other.apply(sales, arrived);
    expect(await targetIn(sales)).toBe('alice');
    const found = await rooms.find(sales);
    expect(found.isKnown && found.state.stays.map(({ callSid }) => callSid).sort()).toEqual(['alice', 'bob']);
  });

  it('reads other rooms while one cannot be written', async () => {
    const { rooms, state, targetIn, other } = create();
    await other.apply(support, arrived);
    state.unreadable = sales;
    await rooms.record(sales, joined('bob', false));
    expect(await targetIn(support)).toBe('alice');
    expect(await targetIn(sales)).toBe('unknown');
  });

  describe('with the store away', () => {
    it('knows nothing without REST and without a moderator of its own', async () => {
      const { rooms, state, targetIn } = create();
      state.isDown = true;
      expect(await targetIn(sales)).toBe('unknown');
      await rooms.record(sales, joined('bob', false));
      expect(await targetIn(sales)).toBe('unknown');
    });

    it('goes on from what it saw last', async () => {
      const { rooms, state, targetIn, other } = create();
      await other.apply(sales, arrived);
      await rooms.read(sales);
      state.isDown = true;
      expect(await targetIn(sales)).toBe('alice');
      await rooms.record(sales, left);
      expect(await targetIn(sales)).toBe('unknown');
    });

    it.each<[string, Shown, string]>([
      ['has a moderator there', [observed(sales, 'carol')], 'carol'],
      ['has nobody there', [], 'nobody'],
      ['does not answer either', 'down', 'unknown'],
    ])('asks the Space, which %s', async (_what, shown, expected) => {
      const { state, space, targetIn } = create({ hasRest: true });
      state.isDown = true;
      space.shown = shown;
      expect(await targetIn(sales)).toBe(expected);
    });

    it('hands out nobody of an earlier outage who has left since', async () => {
      const { rooms, state, targetIn, other } = create();
      state.isDown = true;
      await rooms.record(sales, arrived);
      state.isDown = false;
      await wait(5_500);
      await other.apply(sales, left);
      expect(await targetIn(sales)).toBe('nobody');
      state.isDown = true;
      expect(await targetIn(sales)).toBe('unknown');
    });

    it.each([0, 11_000])('hands out nobody whom the Space showed during an earlier outage, %i ms ago', async (ms) => {
      const { state, space, targetIn } = create({ hasRest: true });
      space.shown = [observed(sales, 'carol')];
      state.isDown = true;
      expect(await targetIn(sales)).toBe('carol');
      space.shown = 'down';
      state.isDown = false;
      await wait(ms);
      expect(await targetIn(sales)).toBe('nobody');
      state.isDown = true;
      expect(await targetIn(sales)).toBe('unknown');
    });

    it('goes on from the store once what was pending is written, though nobody asks for the room', async () => {
      const { rooms, state, store } = create();
      state.isDown = true;
      await rooms.record(sales, arrived);
      state.isDown = false;
      await wait(5_500);
      // Another webhook's write, of which the look-ups hear nothing.
      await store.apply(sales, left);
      expect(rooms.listLocal()).toMatchObject([{ stays: [{ callSid: 'alice', leftAt: expect.any(Number) }] }]);
    });

    it('dates what happens by the clock of the store', async () => {
      const { rooms, state } = create();
      state.aheadMs = 60_000;
      await rooms.read(sales);
      state.isDown = true;
      await rooms.record(sales, arrived);
      const found = (await rooms.find(sales)) as { now: number; state: RoomState };
      for (const instant of [found.now, found.state.stays[0]?.arrivedAt ?? 0]) {
        expect(Math.abs(instant - Date.now() - 60_000)).toBeLessThan(5);
      }
    });

    it('takes a read for the sign that the store is back', async () => {
      const { rooms, state, logged } = create();
      state.isDown = true;
      await rooms.read(sales);
      state.isDown = false;
      await rooms.read(sales);
      expect(logged('info').map(({ msg }) => msg)).toEqual(['Store answers again']);
    });

    it('keeps to its own moderator when the Space does not answer either', async () => {
      const { rooms, state, space, targetIn } = create({ hasRest: true });
      state.isDown = true;
      space.shown = 'down';
      await rooms.record(sales, arrived);
      expect(await targetIn(sales)).toBe('alice');
    });

    it('does not believe the Space about one who just left', async () => {
      const { rooms, state, space, targetIn } = create({ hasRest: true });
      state.isDown = true;
      space.shown = [observed(sales, 'alice')];
      await rooms.record(sales, left);
      expect(await targetIn(sales)).toBe('nobody');
    });
  });

  describe('with a store that knows no moderator', () => {
    it('asks the Space, and notes whom it names', async () => {
      const { space, targetIn, storedTarget } = create({ hasRest: true });
      space.shown = [observed(sales, 'alice')];
      expect(await targetIn(sales)).toBe('alice');
      await wait(0);
      expect(await storedTarget(sales)).toBe('alice');
    });

    it('does not wait for that to be written', async () => {
      const { state, space, targetIn } = create({ hasRest: true });
      space.shown = [observed(sales, 'alice')];
      state.takesMs = 500;
      const { result, ms } = await timed(targetIn(sales));
      expect([result, ms]).toEqual(['alice', 500]);
    });

    it('believes the store about one who just left, and the Space when it still shows them later', async () => {
      const { rooms, space, targetIn } = create({ hasRest: true });
      space.shown = [observed(sales, 'alice')];
      await rooms.record(sales, arrived);
      await rooms.record(sales, left);
      expect(await targetIn(sales)).toBe('nobody');
      await wait(2_500);
      expect(await targetIn(sales)).toBe('alice');
    });

    it.each<[string, Shown]>([
      ['names nobody', []],
      ['does not answer', 'down'],
    ])('knows that nobody is there when the Space %s', async (_what, shown) => {
      const { space, targetIn } = create({ hasRest: true });
      space.shown = shown;
      expect(await targetIn(sales)).toBe('nobody');
    });
  });

  describe('with a store that cannot be written', () => {
    it.each<[string, Shown, string]>([
      ['names another', [observed(sales, 'carol')], 'carol'],
      ['names the same', [observed(sales, 'alice')], 'alice'],
      ['does not answer', 'down', 'alice'],
    ])('asks the Space before it names a target, and the Space %s', async (_what, shown, expected) => {
      const { rooms, state, space, targetIn } = create({ hasRest: true });
      await rooms.record(sales, joined('alice', true));
      await wait(5_000);
      state.isReadOnly = true;
      space.shown = shown;
      expect(await targetIn(sales)).toBe(expected);
      expect(space.asked).toBe(1);
    });

    it.each<[string, string[], string]>([
      ['nobody', [], 'nobody'],
      ['a caller alone', ['bob'], 'nobody'],
      ['a moderator who joined before', ['carol'], 'carol'],
    ])('names no moderator whose leave another server could not write, when the Space lists %s', async (...given) => {
      const [, calls, expected] = given;
      const { rooms, state, space, targetIn } = create({ hasRest: true });
      await rooms.record(sales, joined('carol', true));
      await wait(1_000);
      await rooms.record(sales, joined('alice', true));
      await wait(5_000);
      state.isReadOnly = true;
      const shown = observed(sales, ...calls);
      const participants = shown.event.participants.map((one) => ({ ...one, isModerator: one.callSid !== 'bob' }));
      space.shown = [{ ...shown, event: { ...shown.event, participants } }];
      for (let times = 0; times < 6; times++) {
        expect(await targetIn(sales)).toBe(expected);
      }
    });

    it('keeps to a moderator who joined a moment ago: the Space can be behind', async () => {
      const { rooms, state, space, targetIn } = create({ hasRest: true });
      await rooms.record(sales, joined('alice', true));
      await wait(1_500);
      state.isReadOnly = true;
      space.shown = [];
      expect(await targetIn(sales)).toBe('alice');
    });
  });

  it('probes the store once a second', async () => {
    const { state } = create();
    await wait(10_000);
    expect(state.probes).toBe(10);
  });
});

describe('list', () => {
  it('names the rooms of the store, without asking the Space', async () => {
    const { rooms, space, listed } = create({ hasRest: true });
    space.shown = [observed(support, 'carol')];
    await rooms.record(sales, arrived);
    expect(await rooms.list()).toMatchObject([{ room: 'sales', target: { callSid: 'alice', name: 'Alice' } }]);
    expect(await listed()).toEqual([['sales', 'alice']]);
    expect(space.asked).toBe(0);
  });

  it('applies what is pending, so that nobody who left is named', async () => {
    const { rooms, state, listed } = create();
    await rooms.record(sales, arrived);
    await rooms.record(support, arrived);
    state.isReadOnly = true;
    await rooms.record(sales, left);
    expect(await listed()).toEqual([['support', 'alice']]);
  });

  it.each<[string, boolean]>([
    ['never saw', false],
    ['saw when nobody was there yet', true],
  ])('applies what is pending to the moderator of a room that this server %s', async (_what, wasSeen) => {
    const { rooms, state, listed, other } = create();
    if (wasSeen) {
      await rooms.read(sales);
    }
    state.isReadOnly = true;
    await rooms.record(sales, joined('bob', false));
    await wait(10);
    await other.apply(sales, arrived);
    expect(await listed()).toEqual([['sales', 'alice']]);
    expect(await rooms.list()).toMatchObject([{ hasCaller: true }]);
  });

  it('names no moderator whose leave another server has written', async () => {
    const { rooms, state, listed, other } = create();
    await rooms.record(sales, arrived);
    state.isReadOnly = true;
    await rooms.record(sales, joined('bob', false));
    await wait(10);
    await other.apply(sales, left);
    expect(await listed()).toEqual([['sales', undefined]]);
  });

  it('asks the Space when the store knows none, and notes whom it names', async () => {
    const { space, listed, storedTarget } = create({ hasRest: true });
    space.shown = [observed(sales, 'alice'), observed(support, 'carol')];
    expect(await listed()).toEqual([
      ['sales', 'alice'],
      ['support', 'carol'],
    ]);
    await wait(0);
    expect([await storedTarget(sales), await storedTarget(support)]).toEqual(['alice', 'carol']);
  });

  it('believes the store about one who just left, not the Space', async () => {
    const { rooms, space, listed } = create({ hasRest: true });
    space.shown = [observed(sales, 'alice'), observed(support, 'carol')];
    await rooms.record(sales, left);
    expect(await listed()).toEqual([['support', 'carol']]);
  });

  it.each([[''], ['a/b'], [' sales'], ['Vertrieb Süd'], ['a'.repeat(65)], ['..']])(
    'passes over a conference of others, whose name can be no room: %j',
    async (name) => {
      const conference = { conferenceSid: sid('conf'), hasStarted: true, ageMs: 1_000 };
      const observer = createSpaceObserver({
        now: () => performance.now(),
        space: {
          listConferences: async () => [
            { ...conference, room: name },
            { ...conference, room: 'sales' },
          ],
          listParticipants: async (conferenceSid) => [
            {
              callSid: sid('alice'),
              conferenceSid,
              isMuted: false,
              isOnHold: false,
              target: undefined,
              isCoaching: false,
              endsConference: true,
              joinAgeMs: 1_000,
            },
          ],
        },
      });
      const { listed, state } = create({ space: observer });
      expect(await listed()).toEqual([['sales', 'alice']]);
      state.isDown = true;
      expect(await listed()).toEqual([['sales', 'alice']]);
    },
  );

  it.each<[string, boolean, Shown]>([
    ['names none either', true, []],
    ['does not answer', true, 'down'],
    ['is not asked', false, []],
  ])('knows that there are none when the store knows none and the Space %s', async (_what, hasRest, shown) => {
    const { space, listed } = create({ hasRest });
    space.shown = shown;
    expect(await listed()).toEqual([]);
  });

  it('names the rooms that can be read, and logs why others cannot', async () => {
    const { rooms, state, logged } = create();
    await rooms.record(sales, arrived);
    state.problems = [new Error('one shard is gone')];
    for (let times = 0; times < 3; times++) {
      expect(await rooms.list()).toMatchObject([{ room: 'sales' }]);
    }
    const line = { err: { message: 'one shard is gone' }, msg: 'Some rooms could not be listed' };
    expect(logged('error')).toMatchObject([line]);
    state.problems = [];
    await rooms.list();
    state.problems = [new Error('one shard is gone')];
    await rooms.list();
    expect(logged('error')).toMatchObject([line, line]);
  });

  describe('with the store away', () => {
    it('names whom the Space names, but nobody whose leave is pending', async () => {
      const { rooms, state, space, listed } = create({ hasRest: true });
      state.isDown = true;
      space.shown = [observed(sales, 'alice'), observed(support, 'carol')];
      expect(await listed()).toEqual([
        ['sales', 'alice'],
        ['support', 'carol'],
      ]);
      await rooms.record(sales, left);
      expect(await listed()).toEqual([['support', 'carol']]);
    });

    it('names no moderator whom the Space does not list', async () => {
      const { rooms, state, space, listed } = create({ hasRest: true });
      await rooms.record(sales, joined('carol', true));
      await wait(1_000);
      await rooms.record(sales, joined('alice', true));
      await wait(5_000);
      state.isDown = true;
      space.shown = [observed(sales, 'carol')];
      expect(await listed()).toEqual([['sales', 'carol']]);
    });

    it('names the rooms that it saw last', async () => {
      const { rooms, state, listed } = create();
      await rooms.record(sales, arrived);
      state.isDown = true;
      await rooms.record(support, arrived);
      expect(await listed()).toEqual([
        ['sales', 'alice'],
        ['support', 'alice'],
      ]);
      expect(await rooms.listStored()).toBe('unknown');
      expect(rooms.listLocal().map(({ room }) => room)).toEqual(['sales', 'support']);
    });

    it.each([[true], [false]])('knows nothing without the Space, REST configured: %s', async (hasRest) => {
      const { state, space, listed } = create({ hasRest });
      state.isDown = true;
      space.shown = 'down';
      expect(await listed()).toBe('unknown');
    });

    it('does not wait for it twice in one webhook', async () => {
      const { rooms, state, targetIn } = create();
      state.takesMs = STORE_MS;
      state.isDown = true;
      const webhook = async () => {
        await rooms.list();
        return targetIn(sales);
      };
      expect(await timed(webhook())).toEqual({ result: 'unknown', ms: STORE_MS });
    });
  });
});

describe('a look-up that takes too long', () => {
  it.each(['find', 'list'] as const)('by %s tells that nothing is known, while the call still waits', async (ask) => {
    const { rooms, space, logged } = create({ hasRest: true, lookUpTimeoutMs: 3_000 });
    space.shown = 'silent';
    const { result, ms } = await timed<unknown>(ask === 'find' ? rooms.find(sales) : rooms.list());
    expect(result).toEqual(ask === 'find' ? { isKnown: false } : 'unknown');
    expect(ms).toBe(3_000);
    expect(logged('warn').at(-1)).toMatchObject({ msg: 'Room lookup timed out' });
  });
});

describe('close', () => {
  it('writes what is pending', async () => {
    const { rooms, state, storedTarget } = create();
    state.isDown = true;
    await rooms.record(sales, arrived);
    state.isDown = false;
    expect(await rooms.close(0)).toBe(true);
    expect(await storedTarget(sales)).toBe('alice');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for the store as long as it may', async () => {
    const { rooms, state, storedTarget } = create();
    state.isDown = true;
    await rooms.record(sales, arrived);
    const closed = rooms.close(2_000);
    await wait(1_400);
    state.isDown = false;
    await wait(500);
    expect(await closed).toBe(true);
    expect(await storedTarget(sales)).toBe('alice');
  });

  it('waits no longer than that, and names what is lost', async () => {
    const { rooms, state, logged } = create();
    state.isDown = true;
    await rooms.record(sales, arrived);
    const closed = rooms.close(2_000);
    await wait(2_000);
    expect(await closed).toBe(false);
    expect(logged('error')).toMatchObject([
      {
        room: 'sales',
        kind: 'moderator-arrived',
        callSid: 'alice',
        msg: 'Event lost: it could not be written to the store',
      },
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does nothing when nothing is pending', async () => {
    const { rooms } = create();
    expect(await rooms.close(60_000)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });
});
