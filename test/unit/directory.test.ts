import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createDirectory, type DirectoryOptions, type LiveConferences } from '../../src/conferences/directory';
import { createMemoryRegistry } from '../../src/conferences/memory-registry';
import type { Change, ConferenceRegistry } from '../../src/conferences/registry';
import { createLog } from '../../src/ops/log';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { StoreError } from '../../src/store/store-error';

const room = parseRoomName('sales') as RoomName;
const otherRoom = parseRoomName('support') as RoomName;
const alice = parseSid('alice') as Sid;
const aliceThere = { callSid: alice, conferenceSid: parseSid('conf') as Sid, enteredAgoMs: 1_000 };
const arrived: Change = { kind: 'arrived', room, callSid: alice, agoMs: 0 };
const left: Change = { kind: 'left', room, callSid: alice, agoMs: 0 };

/** A registry that can be down, and remembers what it was asked. */
function createFlakyRegistry() {
  const memory = createMemoryRegistry({ lifetimeMs: 60_000, now: () => 3000 });
  const applied: Change[] = [];
  const state = { down: false };
  const check = () => {
    if (state.down) {
      throw new StoreError('unavailable', 'down');
    }
  };
  const registry: ConferenceRegistry = {
    async apply(change) {
      check();
      applied.push(change);
      await memory.apply(change);
    },
    async findModerator(name) {
      check();
      return memory.findModerator(name);
    },
    async listModerators() {
      check();
      return memory.listModerators();
    },
  };
  return { registry, applied, state };
}

function create({
  space,
  ...options
}: Partial<Omit<DirectoryOptions, 'space'>> & { space?: Partial<LiveConferences> } = {}) {
  const flaky = createFlakyRegistry();
  const lines: { level: string; msg: string; count?: number }[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) });
  const directory = createDirectory({
    registry: flaky.registry,
    space: space as LiveConferences | undefined,
    log,
    now: () => performance.now(),
    ...options,
  });
  return { ...flaky, directory, lines };
}

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('createDirectory', () => {
  it('finds whom it recorded', async () => {
    const { directory } = create();
    expect(await directory.findModerator(room)).toEqual({ state: 'empty' });
    await directory.record(arrived);
    expect(await directory.findModerator(room)).toEqual({ state: 'live', callSid: alice, name: undefined });
  });

  it('writes what it owes as soon as the store is back', async () => {
    const { directory, state, applied, lines } = create();
    state.down = true;
    await directory.record(arrived);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(applied).toEqual([]);
    state.down = false;
    await jest.advanceTimersByTimeAsync(500);
    expect(applied).toEqual([{ ...arrived, agoMs: 5_500 }]);
    expect(lines.at(-1)).toMatchObject({ level: 'info', count: 1, msg: 'The store took the changes it was owed' });
    await jest.advanceTimersByTimeAsync(5_000);
    expect(applied).toHaveLength(1);
  });

  it('writes what it owes before it reads, so that nobody who left is handed out', async () => {
    const { directory, state } = create();
    await directory.record(arrived);
    state.down = true;
    await directory.record(left);
    state.down = false;
    expect(await directory.findModerator(room)).toEqual({ state: 'empty' });
  });

  it('does not let what it owes one room keep it from reading another', async () => {
    const { directory, registry, state } = create();
    state.down = true;
    await directory.record(arrived);
    state.down = false;
    jest.spyOn(registry, 'apply').mockRejectedValue(new StoreError('unavailable', 'down'));
    expect(await directory.findModerator(otherRoom)).toEqual({ state: 'empty' });
    expect(await directory.findModerator(room)).toEqual({ state: 'unknown' });
  });

  it('owes the same change once', async () => {
    const { directory, state, applied } = create();
    state.down = true;
    await Promise.all(Array.from({ length: 100 }, () => directory.record(left)));
    state.down = false;
    await jest.advanceTimersByTimeAsync(500);
    expect(applied).toEqual([{ ...left, agoMs: 500 }]);
  });

  it('owes so much and no more, and says what it gave up', async () => {
    const { directory, state, applied, lines } = create({ maxOwed: 2 });
    state.down = true;
    const changes = ['a', 'b', 'c'].map((sid): Change => ({ ...left, callSid: parseSid(sid) as Sid }));
    for (const change of changes) {
      await directory.record(change);
    }
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({ ...changes[0], msg: 'Lost: too many changes wait for the store' }),
    ]);
    state.down = false;
    await jest.advanceTimersByTimeAsync(500);
    expect(applied).toEqual(changes.slice(1).map((change) => ({ ...change, agoMs: 500 })));
  });

  it('dates what it owes from when it happened, not from when the store gave up', async () => {
    const { directory, registry, applied } = create();
    jest.spyOn(registry, 'apply').mockImplementationOnce(async () => {
      await new Promise((resolve) => setTimeout(resolve, 800));
      throw new StoreError('unavailable', 'slow');
    });
    const recorded = directory.record(arrived);
    await jest.advanceTimersByTimeAsync(800);
    await recorded;
    await jest.advanceTimersByTimeAsync(500);
    expect(applied).toEqual([{ ...arrived, agoMs: 1_300 }]);
  });

  it('still owes what happened again while the first was being written', async () => {
    const { directory, registry, state, applied } = create();
    state.down = true;
    await directory.record(arrived);
    let finish = () => {};
    jest.spyOn(registry, 'apply').mockImplementationOnce(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    await jest.advanceTimersByTimeAsync(500);
    await directory.record(arrived);
    finish();
    await jest.advanceTimersByTimeAsync(0);
    state.down = false;
    await jest.advanceTimersByTimeAsync(500);
    expect(applied).toEqual([{ ...arrived, agoMs: 500 }]);
  });

  it('writes what it owes when it closes', async () => {
    const { directory, state, applied } = create();
    state.down = true;
    await directory.record(arrived);
    state.down = false;
    expect(await directory.close(0)).toBe(true);
    expect(applied).toEqual([{ ...arrived, agoMs: 1 }]);
  });

  it('says what is lost when it closes and the store is still down', async () => {
    const { directory, state, lines } = create();
    state.down = true;
    await directory.record(arrived);
    expect(await directory.close(0)).toBe(false);
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      ...arrived,
      msg: 'Lost: the store did not take this change before the shutdown',
    });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for the store as long as it may when it closes', async () => {
    const { directory, state, applied } = create();
    state.down = true;
    await directory.record(arrived);
    const closed = directory.close(2_000);
    await jest.advanceTimersByTimeAsync(1_400);
    expect(applied).toEqual([]);
    state.down = false;
    await jest.advanceTimersByTimeAsync(100);
    expect(await closed).toBe(true);
    expect(applied).toEqual([{ ...arrived, agoMs: 1_500 }]);
  });

  it('waits no longer than that', async () => {
    const { directory, state } = create();
    state.down = true;
    await directory.record(arrived);
    const closed = directory.close(2_000);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await closed).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
  });

  describe('with the store down', () => {
    it('knows nothing without the REST API', async () => {
      const { directory, state } = create();
      state.down = true;
      expect(await directory.findModerator(room)).toEqual({ state: 'unknown' });
    });

    it.each([
      ['has a moderator', async () => aliceThere, { state: 'live', callSid: alice, name: undefined }],
      ['has none', async () => undefined, { state: 'empty' }],
      [
        'does not answer',
        async () => {
          throw new Error('down too');
        },
        { state: 'unknown' },
      ],
    ])('asks the Space, which %s', async (_what, findModerator, expected) => {
      const { directory, state } = create({ space: { findModerator } });
      state.down = true;
      expect(await directory.findModerator(room)).toEqual(expected);
    });

    it('does not believe the Space about one who left', async () => {
      const { directory, state } = create({ space: { findModerator: async () => aliceThere } });
      state.down = true;
      await directory.record(left);
      expect(await directory.findModerator(room)).toEqual({ state: 'empty' });
    });
  });

  describe('with a store that knows no moderator', () => {
    it('asks the Space, and notes whom it names', async () => {
      const { directory, applied } = create({ space: { findModerator: async () => aliceThere } });
      expect(await directory.findModerator(room)).toEqual({ state: 'live', callSid: alice, name: undefined });
      expect(applied).toEqual([{ kind: 'joined', room, callSid: alice, conferenceSid: 'conf', agoMs: 1_000 }]);
    });

    it('believes the store about one who left, not the Space', async () => {
      const { directory } = create({ space: { findModerator: async () => aliceThere } });
      await directory.record(left);
      expect(await directory.findModerator(room)).toEqual({ state: 'empty' });
    });

    it.each([
      ['names nobody', async () => undefined],
      [
        'does not answer',
        async () => {
          throw new Error('down');
        },
      ],
    ])('knows nobody when the Space %s', async (_what, findModerator) => {
      const { directory } = create({ space: { findModerator } });
      expect(await directory.findModerator(room)).toEqual({ state: 'empty' });
    });
  });

  it('does not ask the Space about a moderator it knows', async () => {
    const findModerator = jest.fn(async () => aliceThere);
    const { directory } = create({ space: { findModerator } });
    await directory.record(arrived);
    expect(await directory.findModerator(room)).toEqual({ state: 'live', callSid: alice, name: undefined });
    expect(findModerator).not.toHaveBeenCalled();
  });

  describe('listing the live rooms', () => {
    const bert = parseSid('bert') as Sid;
    const inSales = { room: 'sales', ...aliceThere };
    const inSupport = {
      room: 'support',
      callSid: bert,
      conferenceSid: parseSid('conf2') as Sid,
      enteredAgoMs: 2_000,
    };
    const fails = async () => {
      throw new Error('down');
    };

    it('names the rooms of the registry, without asking the Space', async () => {
      const listModerators = jest.fn(async () => [inSupport]);
      const { directory } = create({ space: { listModerators } });
      await directory.record({ ...arrived, name: 'Alice' });
      expect(await directory.listLive()).toEqual([{ room, callSid: alice, name: 'Alice' }]);
      expect(listModerators).not.toHaveBeenCalled();
    });

    it('writes what it owes before it reads, so that nobody who left is named', async () => {
      const { directory, state } = create();
      await directory.record(arrived);
      await directory.record({ ...arrived, room: otherRoom, callSid: bert });
      state.down = true;
      await directory.record(left);
      state.down = false;
      expect(await directory.listLive()).toEqual([{ room: otherRoom, callSid: bert, name: undefined }]);
    });

    it('asks the Space when the registry knows none, and notes whom it names', async () => {
      const { directory, applied } = create({ space: { listModerators: async () => [inSales, inSupport] } });
      expect(await directory.listLive()).toEqual([
        { room, callSid: alice, name: undefined },
        { room: otherRoom, callSid: bert, name: undefined },
      ]);
      expect(applied).toEqual([
        { kind: 'joined', room, callSid: alice, conferenceSid: 'conf', agoMs: 1_000 },
        { kind: 'joined', room: otherRoom, callSid: bert, conferenceSid: 'conf2', agoMs: 2_000 },
      ]);
    });

    it('believes the store about one who left, not the Space', async () => {
      const { directory } = create({ space: { listModerators: async () => [inSales, inSupport] } });
      await directory.record(left);
      expect(await directory.listLive()).toEqual([{ room: otherRoom, callSid: bert, name: undefined }]);
    });

    it.each([[''], ['a/b'], [' sales'], ['Vertrieb Süd'], ['a'.repeat(65)], ['..']])(
      'passes over a conference of others, whose name can be no room: %j',
      async (name) => {
        const foreign = { ...inSupport, room: name };
        const { directory, applied, state } = create({ space: { listModerators: async () => [foreign, inSales] } });
        expect(await directory.listLive()).toEqual([{ room, callSid: alice, name: undefined }]);
        expect(applied).toHaveLength(1);
        state.down = true;
        expect(await directory.listLive()).toMatchObject([{ room, callSid: alice }]);
      },
    );

    it.each<[string, Partial<LiveConferences> | undefined]>([
      ['names none either', { listModerators: async () => [] }],
      ['does not answer', { listModerators: fails }],
      ['is not asked', undefined],
    ])('knows that there are none when the registry knows none and the Space %s', async (_what, space) => {
      const { directory } = create(space && { space });
      expect(await directory.listLive()).toEqual([]);
    });

    describe('with the store down', () => {
      it('names whom the Space names, but nobody whose leaving is owed', async () => {
        const { directory, state } = create({ space: { listModerators: async () => [inSales, inSupport] } });
        state.down = true;
        expect(await directory.listLive()).toMatchObject([
          { room, callSid: alice, name: undefined },
          { room: otherRoom, callSid: bert, name: undefined },
        ]);
        await directory.record(left);
        expect(await directory.listLive()).toMatchObject([{ room: otherRoom, callSid: bert, name: undefined }]);
      });

      it.each<[string, Partial<LiveConferences> | undefined]>([
        ['that does not answer either', { listModerators: fails }],
        ['that is not asked', undefined],
      ])('knows nothing with a Space %s', async (_what, space) => {
        const { directory, state } = create(space && { space });
        state.down = true;
        expect(await directory.listLive()).toBe('unknown');
      });
    });
  });
});

describe('a look-up that takes too long', () => {
  it.each(['findModerator', 'listLive'] as const)(
    'by %s tells that nothing is known, while the call still waits',
    async (ask) => {
      const never = () => new Promise<never>(() => {});
      const { directory, lines } = create({
        registry: { apply: never, findModerator: never, listModerators: never },
        lookUpTimeoutMs: 3_000,
      });
      const found = ask === 'findModerator' ? directory.findModerator(room) : directory.listLive();
      await jest.advanceTimersByTimeAsync(3_000);
      expect(await found).toEqual(ask === 'findModerator' ? { state: 'unknown' } : 'unknown');
      expect(lines.at(-1)).toMatchObject({ level: 'warn', msg: 'Who moderates could not be told in time' });
    },
  );
});
