import { expect, it } from '@jest/globals';
import { createMemoryRoomStorage } from '../../src/rooms/memory-room-storage';
import type { RoomEvent } from '../../src/rooms/room-event';
import { createRoomStore } from '../../src/rooms/room-store';
import { roomNamed, sid } from '../support/room-stores';

const LIFETIME_MS = 3_600_000;
const sales = roomNamed('sales');
const arrived = (call: string, ageMs = 0): RoomEvent => ({ kind: 'moderator-arrived', callSid: sid(call), ageMs });

/** A store and another server's over one storage, at clocks that the test sets; its reads take `readMs`. */
function create({ readMs = 0 } = {}) {
  const clock = { ms: 1_000_000, storeAheadMs: 0, readMs };
  const memory = createMemoryRoomStorage({ lifetimeMs: LIFETIME_MS, now: () => clock.ms + clock.storeAheadMs });
  const count = { reads: 0, writes: 0 };
  const storage: typeof memory = {
    ...memory,
    read(room) {
      count.reads++;
      clock.ms += clock.readMs;
      return memory.read(room);
    },
    write(...write) {
      count.writes++;
      return memory.write(...write);
    },
  };
  const storeOver = (used: typeof memory) =>
    createRoomStore({ storage: used, lifetimeMs: LIFETIME_MS, monotonicNow: () => clock.ms });
  return { clock, count, store: storeOver(storage), other: storeOver(memory) };
}

it('an event is applied to what was read a moment before, and dated by the present', async () => {
  const { clock, count, store, other } = create();
  await store.read(sales);
  clock.ms += 1_500;
  await store.apply(sales, arrived('alice', 200));
  clock.ms += 100;
  await store.apply(sales, arrived('carol'));
  expect(count).toEqual({ reads: 1, writes: 2 });
  const { stays } = (await other.read(sales)).state;
  expect(stays.map(({ callSid, arrivedAt }) => [callSid, arrivedAt])).toEqual([
    ['alice', 1_001_300],
    ['carol', 1_001_600],
  ]);
});

it('what another server wrote since is kept', async () => {
  const { count, store, other } = create();
  await store.read(sales);
  await other.apply(sales, arrived('alice'));
  await store.apply(sales, arrived('carol'));
  expect((await other.read(sales)).state.stays.map(({ callSid }) => callSid)).toEqual(['alice', 'carol']);
  expect(count).toEqual({ reads: 2, writes: 2 });
});

it('that an event changes nothing is told by a new read alone', async () => {
  const { count, store, other } = create();
  await store.apply(sales, arrived('alice'));
  await other.apply(sales, { kind: 'call-ended', callSid: sid('alice'), ageMs: 0 });
  const { state } = await store.apply(sales, arrived('alice'));
  expect(state).toEqual((await other.read(sales)).state);
  expect(count.reads).toBe(2);
});

it.each([
  ['old', 0, 2_001],
  ['from a slow read', 51, 0],
])('what is %s is read again', async (_what, readMs, passedMs) => {
  const { clock, count, store } = create({ readMs });
  await store.read(sales);
  clock.ms += passedMs;
  await store.apply(sales, arrived('alice'));
  expect(count).toEqual({ reads: 2, writes: 1 });
});

it('the rooms read or written last are known without asking, 3,000 of them', async () => {
  const { store } = create();
  await store.apply(sales, arrived('alice'));
  for (let index = 0; index < 3_000; index++) {
    await store.read(roomNamed(`room-${index}`));
  }
  await store.apply(sales, arrived('carol'));
  await store.read(roomNamed('support'));
  const rooms = store.knownRooms();
  expect(rooms.slice(-3)).toEqual(['room-2999', 'sales', 'support']);
  expect([rooms.length, rooms[0]]).toEqual([3_000, 'room-2']);
  expect(store.lastKnown(sales)?.stays).toHaveLength(2);
  expect(store.lastKnown(roomNamed('room-1'))).toBeUndefined();
});

it.each([
  ['a quick read', 50, 90],
  // Nobody knows when in between the store looked at its clock.
  ['a slow one', 51, 40],
])('the clock of the store is known from the first read, and set by quick ones: %s', async (_what, readMs, aheadMs) => {
  const { clock, store } = create();
  expect(store.now()).toBeUndefined();
  clock.storeAheadMs = 40;
  await store.read(sales);
  Object.assign(clock, { storeAheadMs: 90, readMs });
  await store.read(sales);
  expect(store.now()).toBe(clock.ms + aheadMs);
});
