import { describe, expect, it } from '@jest/globals';
import { createRoomCensus } from '../../../src/metrics/room-census';
import { StoreError } from '../../../src/redis/store-error';
import { createMemoryRoomStorage } from '../../../src/rooms/memory-room-storage';
import type { RoomName } from '../../../src/rooms/room';
import type { RoomStorage } from '../../../src/rooms/room-storage';
import { createRoomStore } from '../../../src/rooms/room-store';
import { roomNamed, sid } from '../../support/room-stores';

const LIFETIME_MS = 60_000;

/** A census over a store whose reads are noted, and may be made to fail. */
function open() {
  const storage = createMemoryRoomStorage({ lifetimeMs: LIFETIME_MS, now: () => 1_000_000 });
  const reads: RoomName[] = [];
  const scene = { fail: (_room: RoomName): Error | undefined => undefined, isExpired: false, isWritable: true, now: 0 };
  const noted: RoomStorage = {
    ...storage,
    async read(room, known) {
      reads.push(room);
      const error = scene.fail(room);
      if (error !== undefined) {
        throw error;
      }
      return storage.read(room, known);
    },
    async changes(...args) {
      const changes = await storage.changes(...args);
      return scene.isExpired || changes === 'expired' ? 'expired' : { ...changes, isWritable: scene.isWritable };
    },
  };
  const options = { lifetimeMs: LIFETIME_MS, monotonicNow: () => scene.now };
  const writer = createRoomStore({ storage, ...options });
  const census = createRoomCensus({
    store: createRoomStore({ storage: noted, ...options }),
    monotonicNow: options.monotonicNow,
  });
  const tell = (kind: 'joined' | 'left', room: string, more: object = {}) =>
    writer.apply(roomNamed(room), {
      kind,
      callSid: sid(`caller-${room}`),
      conferenceSid: sid(`cf-${room}`),
      date: 1_000_000,
      ageMs: 0,
      isModerator: false,
      ...more,
    } as Parameters<typeof writer.apply>[1]);
  return Object.assign(scene, {
    tell,
    /** The rooms, and those that were read for it. */
    async count() {
      reads.length = 0;
      const { rooms } = await census.count();
      return { rooms, reads: [...reads].sort() };
    },
    census,
    reads,
  });
}

describe('a census of the rooms', () => {
  it('reads all rooms once an hour: one may have ended without a change', async () => {
    const scene = open();
    const counted = async (now: number) => {
      scene.now = now;
      return (await scene.count()).reads;
    };
    await scene.tell('joined', 'sales');
    expect(await counted(0)).toEqual(['sales']);
    expect(await counted(3_599_999)).toEqual([]);
    expect(await counted(3_600_000)).toEqual(['sales']);
    expect(await counted(3_600_001)).toEqual([]);
  });

  it('reads all rooms at first, then those that have changed', async () => {
    const { tell, count } = open();
    await tell('joined', 'sales');
    await tell('joined', 'support');
    expect(await count()).toEqual({ rooms: 2, reads: ['sales', 'support'] });
    expect(await count()).toEqual({ rooms: 2, reads: [] });
    await tell('joined', 'billing');
    await tell('left', 'sales');
    expect(await count()).toEqual({ rooms: 2, reads: ['billing', 'sales'] });
  });

  it('reads all rooms again when the changes are not known', async () => {
    const scene = open();
    await scene.tell('joined', 'sales');
    await scene.count();
    await scene.tell('joined', 'support');
    scene.isExpired = true;
    expect(await scene.count()).toEqual({ rooms: 2, reads: ['sales', 'support'] });
  });

  it('tells whether the store can be written', async () => {
    const scene = open();
    expect(await scene.census.count()).toMatchObject({ isWritable: true });
    scene.isWritable = false;
    expect(await scene.census.count()).toMatchObject({ isWritable: false });
  });

  it('leaves out the rooms of other accounts', async () => {
    const { tell, count } = open();
    await tell('joined', 'sales');
    await tell('joined', 'smoke', { isForeign: true });
    expect((await count()).rooms).toBe(1);
    await tell('joined', 'smoke', { isForeign: true, callSid: sid('another') });
    expect(await count()).toEqual({ rooms: 1, reads: [] });
  });

  it('is shared by those who ask at once', async () => {
    const { tell, census, reads } = open();
    await tell('joined', 'sales');
    const [one, other] = await Promise.all([census.count(), census.count()]);
    expect(one).toBe(other);
    expect(reads).toEqual(['sales']);
  });

  it('is complete after a count that failed half-way', async () => {
    const scene = open();
    await scene.tell('joined', 'sales');
    await scene.tell('joined', 'support');
    scene.fail = (room) => (room === 'support' ? new StoreError('unavailable', 'away') : undefined);
    await expect(scene.count()).rejects.toThrow('away');
    scene.fail = () => undefined;
    expect((await scene.count()).rooms).toBe(2);
    await scene.tell('joined', 'billing');
    scene.fail = (room) => (room === 'billing' ? new StoreError('unavailable', 'away') : undefined);
    await expect(scene.count()).rejects.toThrow('away');
    scene.fail = () => undefined;
    expect(await scene.count()).toEqual({ rooms: 3, reads: ['billing'] });
  });

  it('counts a room that cannot be read as empty', async () => {
    const scene = open();
    await scene.tell('joined', 'sales');
    await scene.tell('joined', 'support');
    scene.fail = (room) => (room === 'support' ? new StoreError('unreadable', 'broken') : undefined);
    expect((await scene.count()).rooms).toBe(1);
  });
});
