import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { createMemoryStore, createRedisStore, type Store } from '../../src/store/store';
import {
  type About,
  AUDIT_BOUNDS,
  type AuditRecord,
  REMEMBERED_AFTER_END_MS,
  type RefusalEvent,
  type SupervisionStore,
  type Visit,
  type VisitEvent,
} from '../../src/supervision/audit';
import { atEnd } from '../support/at-end';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';

const LIFETIME_MS = 60_000;
const VISITS_KEY = 'conference-coach:{supervision}:visits';
const TRAIL_KEY = 'conference-coach:{supervision}:trail';
const REFUSALS_KEY = 'conference-coach:{supervision}:refusals';
const pastKeyOf = ({ callSid }: { callSid: Sid }) => `conference-coach:{supervision}:past:${callSid}`;

let redis: RedisServer;
let cluster: RedisCluster;

beforeAll(async () => {
  redis = await startRedis();
  cluster = await startRedisCluster(3);
});

afterAll(async () => {
  await Promise.all([redis?.dispose(), cluster?.dispose()]);
});

const NOW = { agoMs: 0 };

/** Starts at the present: Redis counts by its own clock. */
const clock = { nowMs: Date.now() };
const now = () => clock.nowMs;

afterEach(() => {
  clock.nowMs = Date.now();
});

const connected = (urls: readonly string[], lifetimeMs: number) =>
  createRedisStore({ urls, lifetimeMs, timeoutMs: 5_000, onConnection: () => {} });

const inMemory = (lifetimeMs: number) => createMemoryStore({ lifetimeMs, monotonicNow: now, now });

const sid = (text: string) => parseSid(text) as Sid;
const newSid = () => sid(randomUUID());
let rooms = 0;
const newRoom = () => parseRoomName(`room ${++rooms}`) as RoomName;
const dateOf = (agoMs = 0) => new Date(Date.now() - agoMs).toISOString();

/** The first visit of a new call, to a new room, unless they are given. */
const visitWith = (given: Partial<Visit> = {}): Visit => ({
  callSid: newSid(),
  stay: 1,
  room: newRoom(),
  supervisor: 'Ted',
  number: '…2222',
  mode: 'coach',
  moderator: 'Alice',
  moderatorCallSid: sid('alice'),
  since: dateOf(),
  ...given,
});

type EventOf<K extends VisitEvent['kind'] | RefusalEvent['kind']> = Extract<VisitEvent | RefusalEvent, { kind: K }>;
const stamp = () => ({ id: randomUUID(), at: dateOf() });
const entered = (): EventOf<'entered'> => ({ ...stamp(), kind: 'entered' });
const confirmed = (): EventOf<'confirmed'> => ({ ...stamp(), kind: 'confirmed', confirmed: true, heardAs: 'coach' });
const mode = (): EventOf<'mode'> => ({ ...stamp(), kind: 'mode', confirmed: true });
const left = (): EventOf<'left'> => ({ ...stamp(), kind: 'left' });
const lockedOut = (): EventOf<'locked-out'> => ({
  ...stamp(),
  kind: 'locked-out',
  lockedOut: 'number',
  limit: 'attempts',
  number: '…2222',
  callSid: newSid(),
});

/** How an event of a visit is read. */
function recordOf({ stay: _, ...visit }: Visit, event: VisitEvent, wasConfirmed = false): AuditRecord {
  return { ...visit, ...event, ...(event.kind === 'left' && { until: event.at, confirmed: wasConfirmed }) };
}

const JUST_NOW = { agoMs: 0 };
/** Longer ago than any test takes from the beginning of a visit to here. */
const BEFORE = { agoMs: 15_000 };

async function all(trail: AsyncIterable<AuditRecord>): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const record of trail) {
    records.push(record);
  }
  return records;
}

/** What stands in the trail about these calls. */
async function trailOf(store: SupervisionStore, ...calls: { callSid: Sid }[]): Promise<AuditRecord[]> {
  const records = await all(store.read(0));
  return records.filter(({ callSid }) => calls.some((call) => call.callSid === callSid));
}

describe.each<[string, (lifetimeMs: number) => Store]>([
  ['the embedded supervision store', inMemory],
  ['the Redis supervision store', (lifetimeMs) => connected([redis.url], lifetimeMs)],
  ['the Redis supervision store on a cluster', (lifetimeMs) => connected(cluster.urls, lifetimeMs)],
])('%s', (_name, create) => {
  let whole: Store;
  let store: SupervisionStore;

  beforeAll(async () => {
    clock.nowMs = Date.now();
    whole = create(LIFETIME_MS);
    store = whole.supervision;
    await eventually(() => whole.ping());
  });

  afterAll(() => whole.close());

  /** A visit that has begun. */
  async function begun(given: Partial<Visit> = {}): Promise<Visit> {
    const visit = visitWith(given);
    await store.begin(visit, entered(), NOW);
    return visit;
  }

  const kindsOf = async (...calls: { callSid: Sid }[]) => (await trailOf(store, ...calls)).map(({ kind }) => kind);

  describe('begin', () => {
    it('notes a visit, and a line about it', async () => {
      const visit = visitWith();
      const event = entered();
      await store.begin(visit, event, NOW);
      expect(await store.find(visit.callSid)).toEqual(visit);
      expect(await store.list(visit.room)).toEqual([visit]);
      expect(await trailOf(store, visit)).toEqual([recordOf(visit, event)]);
    });

    it('keeps calls and rooms apart', async () => {
      const one = await begun();
      const other = await begun({ room: one.room, supervisor: 'Tess' });
      const elsewhere = await begun();
      const listed = await store.list(one.room);
      expect(listed).toHaveLength(2);
      expect(listed).toEqual(expect.arrayContaining([one, other]));
      expect(await store.list(elsewhere.room)).toEqual([elsewhere]);
      expect(await store.list(newRoom())).toEqual([]);
      expect(await store.find(other.callSid)).toEqual(other);
      expect(await store.find(newSid())).toBeUndefined();
    });

    it.each<[string, () => Partial<Visit>]>([
      ['in another room', () => ({ room: newRoom() })],
      ['in the same room, in another mode', () => ({ mode: 'barge' })],
      ['in the same room, later', () => ({ since: dateOf(-1) })],
    ])('replaces the visit that a call was on by a later one %s', async (_which, change) => {
      const first = await begun();
      const second = await begun({ ...first, ...change(), stay: 2 });
      expect(await store.find(first.callSid)).toEqual(second);
      expect(await store.list(second.room)).toEqual([second]);
      expect(await store.list(first.room)).toEqual(first.room === second.room ? [second] : []);
      expect(await kindsOf(first)).toEqual(['entered', 'entered']);
    });

    it('begins a visit anew without the confirmation of the one before', async () => {
      const first = await begun();
      await store.confirm(first.room, first.callSid, confirmed(), JUST_NOW);
      const second = await begun({ ...first, stay: 2, since: dateOf(-1) });
      await store.end(second.room, second.callSid, left(), JUST_NOW);
      expect((await trailOf(store, first)).at(-1)).toMatchObject({ kind: 'left', confirmed: false });
    });

    it('repeated, notes nothing twice and forgets no confirmation', async () => {
      const visit = visitWith();
      const event = entered();
      await store.begin(visit, event, NOW);
      await store.begin(visit, event, NOW);
      await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW);
      await store.begin(visit, event, NOW);
      expect(await store.list(visit.room)).toEqual([visit]);
      await store.end(visit.room, visit.callSid, left(), JUST_NOW);
      const trail = await trailOf(store, visit);
      expect(trail.map(({ kind }) => kind)).toEqual(['entered', 'confirmed', 'left']);
      expect(trail.at(-1)).toMatchObject({ confirmed: true });
      await store.begin(visit, event, NOW);
      expect(await store.find(visit.callSid)).toBeUndefined();
      expect(await trailOf(store, visit)).toEqual(trail);
    });

    it.each([[true], [false]])(
      'never takes the place of a later stay, whether that goes on or has ended: %s',
      async (goesOn) => {
        const later = await begun({ stay: 2 });
        if (!goesOn) {
          await store.end(later.room, later.callSid, left(), { stay: 2 });
        }
        const trail = await trailOf(store, later);
        const earlier = await begun({ ...later, stay: 1, room: newRoom() });
        expect(await store.find(later.callSid)).toEqual(goesOn ? later : undefined);
        expect(await store.findLast(later.callSid)).toEqual(later);
        expect(await store.list(earlier.room)).toEqual([]);
        expect(await trailOf(store, later)).toEqual(trail);
      },
    );

    describe('after its own end was told', () => {
      /** A visit whose end was told, and twice, before it began. */
      async function ended(given: Partial<Visit> = {}): Promise<Visit> {
        const visit = visitWith(given);
        for (const event of [left(), left()]) {
          await store.end(visit.room, visit.callSid, event, { stay: visit.stay });
        }
        return visit;
      }

      it('notes that they entered, once, but not that they are there', async () => {
        const visit = await ended();
        expect(await store.findLast(visit.callSid)).toBeUndefined();
        const event = entered();
        await store.begin(visit, event, NOW);
        await store.begin(visit, event, NOW);
        expect(await store.find(visit.callSid)).toBeUndefined();
        expect(await store.findLast(visit.callSid)).toEqual(visit);
        expect(await store.list(visit.room)).toEqual([]);
        expect(await trailOf(store, visit)).toEqual([recordOf(visit, event)]);
        expect(await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW)).toBeUndefined();
        await store.change({ ...visit, mode: 'monitor' }, mode());
        expect(await kindsOf(visit)).toEqual(['entered']);
      });

      it('begins a later stay as always', async () => {
        const visit = await ended();
        await store.begin(visit, entered(), NOW);
        const second = await begun({ ...visit, stay: 2 });
        expect(await store.find(visit.callSid)).toEqual(second);
        await store.end(second.room, second.callSid, left(), { stay: 2 });
        expect(await store.findLast(visit.callSid)).toEqual(second);
        expect(await kindsOf(visit)).toEqual(['entered', 'entered', 'left']);
      });

      it('begins a later stay also when it was never told itself', async () => {
        const visit = await ended();
        const second = await begun({ ...visit, stay: 2 });
        await store.begin(visit, entered(), NOW);
        expect(await store.find(visit.callSid)).toEqual(second);
        expect(await store.list(visit.room)).toEqual([second]);
      });

      it('takes the place of an earlier stay all the same', async () => {
        const first = await begun();
        const second = await ended({ ...first, stay: 2, room: newRoom() });
        expect(await store.find(first.callSid)).toEqual(first);
        await store.begin(second, entered(), NOW);
        expect(await store.find(first.callSid)).toBeUndefined();
        expect(await store.list(first.room)).toEqual([]);
        expect(await store.findLast(first.callSid)).toEqual(second);
        expect(await kindsOf(first)).toEqual(['entered', 'entered']);
      });

      it.each<[string, About]>([
        ['by the call', { stay: 1 }],
        ['by a callback', JUST_NOW],
      ])('is not there either when the end of an earlier stay was told between, %s', async (_by, about) => {
        const first = await begun();
        const second = await ended({ ...first, stay: 2, room: newRoom() });
        await store.end(first.room, first.callSid, left(), about);
        expect(await kindsOf(first)).toEqual(['entered', 'left']);
        await store.begin(second, entered(), NOW);
        expect(await store.find(first.callSid)).toBeUndefined();
        expect(await store.list(second.room)).toEqual([]);
        expect(await store.findLast(first.callSid)).toEqual(second);
      });
    });
  });

  describe('confirm', () => {
    it.each<[string, Partial<EventOf<'confirmed'>>]>([
      ['as they should be', {}],
      ['otherwise', { confirmed: false, heardAs: 'barge' }],
      ['in a way that is not known', { heardAs: undefined }],
    ])('notes that a supervisor is in and heard %s', async (_how, more) => {
      const visit = await begun();
      const event: VisitEvent = { ...confirmed(), ...more };
      expect(await store.confirm(visit.room, visit.callSid, event, JUST_NOW)).toEqual(visit);
      expect((await trailOf(store, visit)).slice(1)).toEqual([recordOf(visit, event)]);
      expect(await store.find(visit.callSid)).toEqual(visit);
    });

    it('does so once, and says whether it did', async () => {
      const visit = await begun();
      const first = confirmed();
      const confirm = (event: VisitEvent, about = JUST_NOW) => store.confirm(visit.room, visit.callSid, event, about);
      expect(await confirm(first)).toEqual(visit);
      expect(await confirm(first)).toBeUndefined();
      expect(await confirm(confirmed())).toBeUndefined();
      expect(await confirm(confirmed(), BEFORE)).toBeUndefined();
      expect((await trailOf(store, visit)).slice(1)).toEqual([recordOf(visit, first)]);
    });

    it('tells of the visit as it was changed', async () => {
      const visit = await begun();
      const changed: Visit = { ...visit, mode: 'monitor' };
      await store.change(changed, mode());
      const event = confirmed();
      expect(await store.confirm(visit.room, visit.callSid, event, JUST_NOW)).toEqual(changed);
      expect((await trailOf(store, visit)).at(-1)).toEqual(recordOf(changed, event));
    });

    it('is of this stay alone', async () => {
      const first = await begun();
      await store.confirm(first.room, first.callSid, confirmed(), JUST_NOW);
      const second = await begun({ ...first, stay: 2 });
      expect(await store.confirm(first.room, first.callSid, confirmed(), BEFORE)).toBeUndefined();
      expect(await store.confirm(first.room, first.callSid, confirmed(), JUST_NOW)).toEqual(second);
    });

    it('takes a callback whose date is cut to the second', async () => {
      const visit = await begun();
      await store.confirm(visit.room, visit.callSid, confirmed(), { agoMs: 999 });
      expect(await kindsOf(visit)).toEqual(['entered', 'confirmed']);
    });

    it.each<[string, (visit: Visit) => [RoomName, Sid, { agoMs: number }]]>([
      ['another room', ({ callSid }) => [newRoom(), callSid, JUST_NOW]],
      ['another call', ({ room }) => [room, newSid(), JUST_NOW]],
      ['what was before the visit began', ({ room, callSid }) => [room, callSid, BEFORE]],
    ])('ignores %s', async (_what, about) => {
      const visit = await begun();
      const [room, callSid, told] = about(visit);
      expect(await store.confirm(room, callSid, confirmed(), told)).toBeUndefined();
      expect(await kindsOf(visit, { callSid })).toEqual(['entered']);
      expect(await store.find(callSid)).toEqual(callSid === visit.callSid ? visit : undefined);
      // And it can still be confirmed.
      expect(await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW)).toEqual(visit);
      expect(await kindsOf(visit)).toEqual(['entered', 'confirmed']);
    });

    it('ignores a visit that has ended', async () => {
      const visit = await begun();
      await store.end(visit.room, visit.callSid, left(), JUST_NOW);
      expect(await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW)).toBeUndefined();
      expect(await kindsOf(visit)).toEqual(['entered', 'left']);
      expect(await store.find(visit.callSid)).toBeUndefined();
    });
  });

  describe('change', () => {
    it.each([[true], [false]])('changes a visit that goes on, confirmed or not: %s', async (isConfirmed) => {
      const visit = await begun();
      if (isConfirmed) {
        await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW);
      }
      const changed: Visit = { ...visit, mode: 'monitor', moderator: undefined, moderatorCallSid: sid('bert') };
      const event = mode();
      await store.change(changed, event);
      expect(await store.find(visit.callSid)).toEqual(changed);
      expect(await store.list(visit.room)).toEqual([changed]);
      const end = left();
      await store.end(visit.room, visit.callSid, end, JUST_NOW);
      expect((await trailOf(store, visit)).slice(-2)).toEqual([
        recordOf(changed, event),
        recordOf(changed, end, isConfirmed),
      ]);
    });

    it('keeps when the visit began: what was before that is still ignored', async () => {
      const visit = await begun();
      await store.change({ ...visit, mode: 'monitor' }, mode());
      await store.end(visit.room, visit.callSid, left(), BEFORE);
      expect(await kindsOf(visit)).toEqual(['entered', 'mode']);
      await store.end(visit.room, visit.callSid, left(), { agoMs: 999 });
      expect(await kindsOf(visit)).toEqual(['entered', 'mode', 'left']);
    });

    it('repeated, is told once', async () => {
      const visit = await begun();
      const event = mode();
      await store.change({ ...visit, mode: 'monitor' }, event);
      await store.change({ ...visit, mode: 'monitor' }, event);
      expect(await kindsOf(visit)).toEqual(['entered', 'mode']);
    });

    it('to what is so already, is not told', async () => {
      const visit = await begun();
      await store.change(visit, mode());
      await store.change({ ...visit, mode: 'monitor' }, mode());
      await store.change({ ...visit, mode: 'monitor' }, mode());
      expect(await kindsOf(visit)).toEqual(['entered', 'mode']);
    });

    it('there and back, is told twice', async () => {
      const visit = await begun();
      await store.change({ ...visit, mode: 'monitor' }, mode());
      await store.change(visit, mode());
      expect(await kindsOf(visit)).toEqual(['entered', 'mode', 'mode']);
      expect(await store.find(visit.callSid)).toEqual(visit);
    });

    it.each<[string, (visit: Visit) => Visit]>([
      ['an earlier stay of the call', (visit) => ({ ...visit, stay: 1 })],
      ['a later stay of the call', (visit) => ({ ...visit, stay: 3 })],
      ['a stay of the call in another room', (visit) => ({ ...visit, stay: 1, room: newRoom() })],
      ['the visit of another call', (visit) => ({ ...visit, callSid: newSid() })],
    ])('ignores %s', async (_what, other) => {
      const visit = await begun({ stay: 2 });
      const changed = other({ ...visit, mode: 'monitor' });
      await store.change(changed, mode());
      expect(await store.find(visit.callSid)).toEqual(visit);
      expect(await store.list(visit.room)).toEqual([visit]);
      expect(await kindsOf(visit, changed)).toEqual(['entered']);
    });

    it('ignores a visit that has ended', async () => {
      const visit = await begun();
      await store.end(visit.room, visit.callSid, left(), JUST_NOW);
      await store.change({ ...visit, mode: 'monitor' }, mode());
      expect(await store.find(visit.callSid)).toBeUndefined();
      expect(await kindsOf(visit)).toEqual(['entered', 'left']);
    });
  });

  describe('end', () => {
    it.each([[true], [false]])(
      'ends a visit, and tells when and whether the Space ever reported it: %s',
      async (isConfirmed) => {
        const visit = await begun();
        if (isConfirmed) {
          // The Space reported them in, though as heard by others.
          const event: VisitEvent = { ...confirmed(), confirmed: false, heardAs: 'barge' };
          await store.confirm(visit.room, visit.callSid, event, JUST_NOW);
        }
        const other = await begun({ room: visit.room });
        const event = left();
        await store.end(visit.room, visit.callSid, event, JUST_NOW);
        expect(await store.find(visit.callSid)).toBeUndefined();
        expect(await store.list(visit.room)).toEqual([other]);
        expect((await trailOf(store, visit)).at(-1)).toEqual(recordOf(visit, event, isConfirmed));
      },
    );

    it.each<[string, About[]]>([
      ['by callbacks', [JUST_NOW, JUST_NOW]],
      ['by the call', [{ stay: 1 }, { stay: 1 }]],
      ['by a callback, then the call', [JUST_NOW, { stay: 1 }]],
      ['by the call, then a callback', [{ stay: 1 }, JUST_NOW]],
    ])('repeated, is told once: %s', async (_by, told) => {
      const visit = await begun();
      for (const about of told) {
        await store.end(visit.room, visit.callSid, left(), about);
      }
      expect(await store.find(visit.callSid)).toBeUndefined();
      expect(await store.findLast(visit.callSid)).toEqual(visit);
      expect(await kindsOf(visit)).toEqual(['entered', 'left']);
    });

    it('ends exactly the stay that is told, however long ago that began', async () => {
      const visit = await begun({ stay: 7 });
      for (const stay of [1, 6, 8]) {
        await store.end(visit.room, visit.callSid, left(), { stay });
        expect(await store.find(visit.callSid)).toEqual(visit);
      }
      const event = left();
      await store.end(visit.room, visit.callSid, event, { stay: 7 });
      expect(await store.find(visit.callSid)).toBeUndefined();
      expect(await store.list(visit.room)).toEqual([]);
      expect((await trailOf(store, visit)).slice(1)).toEqual([recordOf(visit, event)]);
    });

    it('takes a callback whose date is cut to the second', async () => {
      const visit = await begun();
      await store.end(visit.room, visit.callSid, left(), { agoMs: 999 });
      expect(await store.find(visit.callSid)).toBeUndefined();
      expect(await kindsOf(visit)).toEqual(['entered', 'left']);
    });

    it.each<[string, (visit: Visit) => [RoomName, Sid, About]]>([
      ['another room', ({ callSid }) => [newRoom(), callSid, JUST_NOW]],
      ['this stay in another room', ({ callSid, stay }) => [newRoom(), callSid, { stay }]],
      ['another call', ({ room }) => [room, newSid(), JUST_NOW]],
      ['the stay of another call', ({ room, stay }) => [room, newSid(), { stay }]],
      ['what was before the visit began', ({ room, callSid }) => [room, callSid, BEFORE]],
    ])('ignores %s', async (_what, about) => {
      const visit = await begun();
      const [room, callSid, told] = about(visit);
      await store.end(room, callSid, left(), told);
      expect(await store.find(visit.callSid)).toEqual(visit);
      expect(await kindsOf(visit, { callSid })).toEqual(['entered']);
    });

    it.each<[string, About]>([
      ['by a callback', BEFORE],
      ['by the call', { stay: 1 }],
    ])('ignores the late leave of an earlier visit to the same room, told %s', async (_by, about) => {
      const first = await begun();
      await store.end(first.room, first.callSid, left(), JUST_NOW);
      const second = await begun({ ...first, stay: 2, since: dateOf(-1) });
      await store.end(first.room, first.callSid, left(), about);
      expect(await store.find(first.callSid)).toEqual(second);
      expect(await kindsOf(first)).toEqual(['entered', 'left', 'entered']);
    });
  });

  describe('findLast', () => {
    it('finds the visit that a call is on, then the one that it was on', async () => {
      const first = await begun();
      expect(await store.findLast(first.callSid)).toEqual(first);
      await store.end(first.room, first.callSid, left(), { stay: 1 });
      expect(await store.findLast(first.callSid)).toEqual(first);
      const second = await begun({ ...first, stay: 2, room: newRoom(), mode: 'barge' });
      expect(await store.findLast(first.callSid)).toEqual(second);
      const changed: Visit = { ...second, mode: 'monitor' };
      await store.change(changed, mode());
      await store.end(second.room, second.callSid, left(), JUST_NOW);
      expect(await store.findLast(first.callSid)).toEqual(changed);
    });

    it('finds nothing of a call that was on none', async () => {
      expect(await store.findLast(newSid())).toBeUndefined();
    });
  });

  const refused = (more: Partial<EventOf<'refused'>>): EventOf<'refused'> => ({
    ...stamp(),
    kind: 'refused',
    reason: 'unknown',
    number: '…0001',
    callSid: newSid(),
    ...more,
  });

  it.each<[string, () => RefusalEvent]>([
    ['was refused', () => refused({})],
    ['was refused in a room, by name', () => refused({ reason: 'room', supervisor: 'Ted', room: newRoom() })],
    ['was locked out', lockedOut],
    ['was locked out with everybody', () => ({ ...lockedOut(), lockedOut: 'everybody' })],
  ])('notes who %s, without a visit', async (_what, create) => {
    const event = create();
    await store.refuse(event);
    expect(await trailOf(store, event)).toEqual([event]);
    expect(await store.find(event.callSid)).toBeUndefined();
  });

  it('takes what was refused to a call on a visit for no part of the visit', async () => {
    const visit = await begun();
    const event = refused({ reason: 'room', callSid: visit.callSid });
    await store.refuse(event);
    expect((await trailOf(store, visit)).at(-1)).toEqual(event);
    expect(await store.find(visit.callSid)).toEqual(visit);
  });

  describe('read', () => {
    it('tells from a moment on, that one included, in the order in which it was written', async () => {
      const at = Date.now() - 5_000;
      const events = [at - 1, at, at + 1, at + 2].map((ms) => ({ ...lockedOut(), at: new Date(ms).toISOString() }));
      for (const event of events) {
        await store.refuse(event);
      }
      const ids = events.map(({ id }) => id);
      const idsSince = async (since: number) =>
        (await all(store.read(since))).map(({ id }) => id).filter((id) => ids.includes(id));
      expect(await idsSince(0)).toEqual(ids);
      expect(await idsSince(at)).toEqual(ids.slice(1));
      expect(await idsSince(at + 2)).toEqual(ids.slice(3));
      expect(await idsSince(at + 3)).toEqual([]);
    });

    it('tells each event once, also one that was written twice', async () => {
      const event = lockedOut();
      const another = lockedOut();
      for (const one of [event, another, event]) {
        await store.refuse(one);
      }
      expect(await trailOf(store, event, another)).toEqual([event, another]);
    });

    it('tells refusals and visits in the order of time, also when one is written late', async () => {
      const start = Date.now();
      const at = (ms: number) => ({ at: new Date(start + ms).toISOString() });
      const visit = visitWith();
      const refusal = (ms: number) => ({ ...refused({ callSid: visit.callSid }), ...at(ms) });
      const refusals = [refusal(0), refusal(2), refusal(4), refusal(5)] as const;
      const events = [
        { ...entered(), ...at(1) },
        { ...mode(), ...at(3) },
        { ...left(), ...at(6) },
      ] as const;
      await store.refuse(refusals[0]);
      await store.begin(visit, events[0], NOW);
      await store.change({ ...visit, mode: 'barge' }, events[1]);
      await store.refuse(refusals[1]);
      await store.end(visit.room, visit.callSid, events[2], JUST_NOW);
      await store.refuse(refusals[2]);
      await store.refuse(refusals[3]);
      const ids = (trail: readonly { id: string }[]) => trail.map(({ id }) => id);
      expect(ids(await trailOf(store, visit))).toEqual(
        ids([refusals[0], events[0], refusals[1], events[1], refusals[2], refusals[3], events[2]]),
      );
    });

    it('tells of more than fits in one answer of the store', async () => {
      // After all that is written already: each stream is taken to be in the order of time.
      const start = Date.now() + 10;
      const visit = await begun();
      const written = Array.from({ length: 2_400 }, (_, index) => {
        const at = new Date(start + Math.floor(index / 50)).toISOString();
        // Two refusals, then a change of the visit.
        if (index % 3 < 2) {
          const event = { ...lockedOut(), at };
          return { event, write: () => store.refuse(event) };
        }
        const event = { ...mode(), at };
        return { event, write: () => store.change({ ...visit, mode: index % 2 === 0 ? 'barge' : 'monitor' }, event) };
      });
      await Promise.all(written.map(({ write }) => write()));
      const ids = new Set(written.map(({ event }) => event.id));
      const read = (await all(store.read(0))).filter(({ id }) => ids.has(id));
      expect(read.map(({ at }) => at)).toEqual(written.map(({ event }) => event.at));
      for (const kind of ['locked-out', 'mode']) {
        const idsOf = (events: { kind: string; id: string }[]) =>
          events.filter((event) => event.kind === kind).map(({ id }) => id);
        expect(idsOf(read)).toEqual(idsOf(written.map(({ event }) => event)));
      }
    });
  });

  it('lets go of a visit whose end nobody told when its lifetime is over, and of no younger one', async () => {
    const brief = create(1_000);
    atEnd(() => brief.close());
    await eventually(() => brief.ping());
    const { supervision } = brief;
    clock.nowMs = Date.now();
    const old = visitWith();
    const { room } = old;
    await supervision.begin(old, entered(), NOW);
    expect(await supervision.list(room)).toEqual([old]);
    await eventually(async () => {
      clock.nowMs = Date.now();
      const young = visitWith({ room, callSid: sid('young'), since: new Date(now()).toISOString() });
      await supervision.begin(young, entered(), NOW);
      expect(await supervision.list(room)).toEqual([young]);
    });
    expect(await supervision.find(old.callSid)).toBeUndefined();
  });

  it('takes a visit whose lifetime is over for none, whatever is told of it', async () => {
    const brief = create(1_000);
    atEnd(() => brief.close());
    await eventually(() => brief.ping());
    const { supervision } = brief;
    const [one, other, third] = [visitWith(), visitWith(), visitWith()];
    const olds = [one, other, third];
    clock.nowMs = Date.now();
    for (const old of olds) {
      await supervision.begin(old, entered(), NOW);
    }
    const room = newRoom();
    const isOverAt = Date.now() + 1_000;
    await eventually(async () => {
      clock.nowMs = Date.now();
      // Redis would let go of all, were there none younger.
      await supervision.begin(visitWith({ room }), entered(), NOW);
      expect(Date.now()).toBeGreaterThan(isOverAt);
    });
    clock.nowMs = Date.now();
    expect(await supervision.confirm(one.room, one.callSid, confirmed(), JUST_NOW)).toBeUndefined();
    await supervision.change({ ...other, mode: 'barge' }, mode());
    await supervision.end(third.room, third.callSid, left(), JUST_NOW);
    expect(await trailOf(supervision, ...olds)).toMatchObject([
      { kind: 'entered' },
      { kind: 'entered' },
      { kind: 'entered' },
    ]);
    for (const old of olds) {
      expect(await supervision.find(old.callSid)).toBeUndefined();
      expect(await supervision.findLast(old.callSid)).toBeUndefined();
      expect(await supervision.list(old.room)).toEqual([]);
    }
    expect(await supervision.list(room)).not.toEqual([]);
    const second = { ...one, stay: 2 };
    await supervision.begin(second, entered(), NOW);
    expect(await supervision.find(one.callSid)).toEqual(second);
  });

  it.each([
    ['letters of all the world', 'Zoë Жанна 李小龍 🎧'],
    ['quotes and backslashes', `Ted "the \\ Ear" O'Neil`],
    ['what means something to a script', '%d+ (.*)$ \n1\n{"a":1}\t\u2028'],
    ['what looks like the rest of a visit', '","since":"2020-01-01T00:00:00.000Z'],
  ])('keeps names with %s', async (_what, name) => {
    const visit = await begun({ supervisor: name, moderator: `${name} too` });
    expect(await store.find(visit.callSid)).toEqual(visit);
    expect(await store.list(visit.room)).toEqual([visit]);
    await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW);
    await store.change({ ...visit, stay: 2, mode: 'barge' }, mode());
    await store.change({ ...visit, mode: 'monitor' }, mode());
    await store.end(visit.room, visit.callSid, left(), JUST_NOW);
    const trail = await trailOf(store, visit);
    expect(trail.map(({ kind }) => kind)).toEqual(['entered', 'confirmed', 'mode', 'left']);
    for (const { supervisor, moderator } of trail) {
      expect({ supervisor, moderator }).toEqual({ supervisor: name, moderator: `${name} too` });
    }
    expect(await store.list(visit.room)).toEqual([]);
  });
});

describe('the embedded supervision store', () => {
  it('keeps 5,000 lines of the trail, the newest', async () => {
    const { supervision } = inMemory(LIFETIME_MS);
    const event = lockedOut();
    for (let index = 1; index <= 5_010; index++) {
      await supervision.refuse({ ...event, id: String(index) });
    }
    const kept = (await all(supervision.read(0))).map(({ id }) => id);
    expect(kept).toHaveLength(5_000);
    expect([kept.at(0), kept.at(-1)]).toEqual(['11', '5010']);
    await supervision.begin(visitWith(), entered(), NOW);
    expect(await all(supervision.read(0))).toHaveLength(5_000);
  });

  it('finds a visit for a while after its end, and no longer', async () => {
    const { supervision } = inMemory(LIFETIME_MS);
    const visit = visitWith();
    await supervision.begin(visit, entered(), NOW);
    await supervision.end(visit.room, visit.callSid, left(), { stay: 1 });
    clock.nowMs += REMEMBERED_AFTER_END_MS - 1;
    expect(await supervision.findLast(visit.callSid)).toEqual(visit);
    clock.nowMs += 1;
    expect(await supervision.findLast(visit.callSid)).toBeUndefined();
  });

  it('remembers an end that was told first as long, and the latest of all ends too', async () => {
    const { supervision } = inMemory(LIFETIME_MS);
    const [one, other] = [visitWith(), visitWith()];
    await supervision.end(one.room, one.callSid, left(), { stay: 1 });
    clock.nowMs += REMEMBERED_AFTER_END_MS / 2;
    await supervision.begin(other, entered(), NOW);
    await supervision.end(other.room, other.callSid, left(), { stay: 1 });
    clock.nowMs += REMEMBERED_AFTER_END_MS / 2 - 1;
    await supervision.begin(one, entered(), NOW);
    expect(await supervision.find(one.callSid)).toBeUndefined();
    clock.nowMs += REMEMBERED_AFTER_END_MS / 2;
    expect(await supervision.findLast(other.callSid)).toEqual(other);
    clock.nowMs += 1;
    expect(await supervision.findLast(other.callSid)).toBeUndefined();
  });
});

describe.each<[string, () => string[]]>([
  ['the Redis supervision store', () => [redis.url]],
  ['the Redis supervision store on a cluster', () => cluster.urls],
])('%s', (_name, urlsOf) => {
  /** A store of its own, and the node that holds all of it, emptied. */
  async function start(): Promise<{ supervision: SupervisionStore; node: Redis }> {
    const store = connected(urlsOf(), LIFETIME_MS);
    atEnd(() => store.close());
    await eventually(() => store.ping());
    const nodes = urlsOf().map((url) => new Redis(url));
    for (const node of nodes) {
      atEnd(() => node.quit());
      await node.flushall();
    }
    await store.supervision.refuse(lockedOut());
    const sizes = await Promise.all(nodes.map((node) => node.dbsize()));
    const node = nodes[sizes.indexOf(1)];
    if (node === undefined || sizes.reduce((sum, size) => sum + size) !== 1) {
      throw new Error(`The trail is not one key on one node: ${sizes}`);
    }
    await node.flushall();
    return { supervision: store.supervision, node };
  }

  it('shares what it knows with other servers', async () => {
    const { supervision: one } = await start();
    const other = connected(urlsOf(), LIFETIME_MS);
    atEnd(() => other.close());
    await eventually(() => other.ping());
    const visit = visitWith();
    await one.begin(visit, entered(), NOW);
    expect(await other.supervision.list(visit.room)).toEqual([visit]);
    await other.supervision.end(visit.room, visit.callSid, left(), JUST_NOW);
    expect(await one.find(visit.callSid)).toBeUndefined();
    expect((await all(one.read(0))).map(({ kind }) => kind)).toEqual(['entered', 'left']);
  });

  const VISIT = visitWith();
  const begin = (supervision: SupervisionStore) => supervision.begin(VISIT, entered(), NOW);
  const end = (supervision: SupervisionStore) =>
    supervision.end(VISIT.room, VISIT.callSid, left(), { stay: VISIT.stay });

  it.each<[string, ((supervision: SupervisionStore) => Promise<void>)[], string[]]>([
    ['a visit', [begin], [TRAIL_KEY, VISITS_KEY]],
    ['a visit that has ended', [begin, end], [pastKeyOf(VISIT), TRAIL_KEY]],
    ['an end alone', [end], [pastKeyOf(VISIT)]],
    ['an end that was told before the visit', [end, begin], [pastKeyOf(VISIT), TRAIL_KEY]],
    ['a refusal', [(supervision) => supervision.refuse(lockedOut())], [REFUSALS_KEY]],
  ])('leaves no key that does not expire after %s', async (_what, writes, keys) => {
    const { supervision, node } = await start();
    for (const write of writes) {
      await write(supervision);
    }
    expect((await node.keys('*')).sort()).toEqual([...keys].sort());
    const longest = {
      [VISITS_KEY]: LIFETIME_MS,
      [TRAIL_KEY]: AUDIT_BOUNDS.ageMs,
      [REFUSALS_KEY]: AUDIT_BOUNDS.ageMs,
      [pastKeyOf(VISIT)]: REMEMBERED_AFTER_END_MS,
    };
    for (const [key, ms] of Object.entries(longest).filter(([key]) => keys.includes(key))) {
      const left = await node.pttl(key);
      expect(left).toBeLessThanOrEqual(ms);
      expect(left).toBeGreaterThan(ms - 30_000);
    }
  });

  it('finds nothing of a visit that ended when Redis has let go of it', async () => {
    const { supervision, node } = await start();
    await begin(supervision);
    await end(supervision);
    expect(await supervision.findLast(VISIT.callSid)).toEqual(VISIT);
    await node.pexpire(pastKeyOf(VISIT), 1);
    await eventually(async () => expect(await supervision.findLast(VISIT.callSid)).toBeUndefined());
  });

  it('lets every visit live its whole lifetime, however long ago the first began', async () => {
    const { supervision, node } = await start();
    await supervision.begin(visitWith(), entered(), NOW);
    await node.pexpire(VISITS_KEY, 1_000);
    await node.pexpire(TRAIL_KEY, 1_000);
    await supervision.begin(visitWith(), entered(), NOW);
    expect(await node.pttl(VISITS_KEY)).toBeGreaterThan(LIFETIME_MS - 30_000);
    expect(await node.pttl(TRAIL_KEY)).toBeGreaterThan(AUDIT_BOUNDS.ageMs - 30_000);
  });

  it('tells nothing that is older than is kept', async () => {
    const { supervision } = await start();
    const [old, young] = [AUDIT_BOUNDS.ageMs + 60_000, AUDIT_BOUNDS.ageMs - 60_000].map(dateOf) as [string, string];
    await supervision.refuse({ ...lockedOut(), at: old });
    await supervision.begin(visitWith(), { ...entered(), at: old }, NOW);
    await supervision.refuse({ ...lockedOut(), at: young });
    await supervision.begin(visitWith(), { ...entered(), at: young }, NOW);
    const read = (await all(supervision.read(0))).map(({ kind, at }) => `${kind} ${at}`);
    expect(read.sort()).toEqual([`entered ${young}`, `locked-out ${young}`]);
  });

  const refuse = (supervision: SupervisionStore) => supervision.refuse(lockedOut());

  // Redis trims whole blocks of 100 lines at once.
  describe.each<[string, string, number, (supervision: SupervisionStore) => Promise<void>]>([
    ['visits', TRAIL_KEY, AUDIT_BOUNDS.events, (supervision) => supervision.begin(visitWith(), entered(), NOW)],
    ['refusals', REFUSALS_KEY, AUDIT_BOUNDS.refusals, refuse],
  ])('of %s', (_what, key, bound, write) => {
    it('throws away what is older than is kept', async () => {
      const { supervision, node } = await start();
      const oldest = Date.now() - AUDIT_BOUNDS.ageMs - 60_000;
      for (let line = 0; line < 250; line++) {
        await node.xadd(key, String(oldest + line), 'event', 'old');
      }
      await write(supervision);
      expect(await node.xlen(key)).toBeLessThanOrEqual(100);
    });

    it('throws away what is more than is kept, and nothing else', async () => {
      const { supervision, node } = await start();
      const fill = `for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'event', 'filler') end`;
      await node.eval(fill, 1, key, bound + 500);
      const other = key === TRAIL_KEY ? REFUSALS_KEY : TRAIL_KEY;
      await node.eval(fill, 1, other, 10);
      await write(supervision);
      expect(await node.xlen(key)).toBeLessThanOrEqual(bound + 100);
      expect(await node.xlen(key)).toBeGreaterThanOrEqual(bound);
      expect(await node.xlen(other)).toBe(10);
    });
  });

  it('keeps visits however many are refused', async () => {
    const { supervision, node } = await start();
    await begin(supervision);
    const fill = `for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'event', ARGV[2]) end`;
    await node.eval(fill, 1, REFUSALS_KEY, AUDIT_BOUNDS.refusals + 500, JSON.stringify(lockedOut()));
    await refuse(supervision);
    expect((await all(supervision.read(0))).filter(({ kind }) => kind === 'entered')).toHaveLength(1);
  });
});

describe('the Redis supervision store without Redis', () => {
  it.each<[string, (store: SupervisionStore) => Promise<unknown>]>([
    ['refuse', (store) => store.refuse(lockedOut())],
    ['begin', (store) => store.begin(visitWith(), entered(), NOW)],
    ['confirm', (store) => store.confirm(newRoom(), newSid(), confirmed(), JUST_NOW)],
    ['change', (store) => store.change(visitWith(), mode())],
    ['end', (store) => store.end(newRoom(), newSid(), left(), JUST_NOW)],
    ['find', (store) => store.find(newSid())],
    ['findLast', (store) => store.findLast(newSid())],
    ['list', (store) => store.list(newRoom())],
    ['read', (store) => all(store.read(0))],
  ])('says so: %s', async (_what, use) => {
    const store = connected([`redis://127.0.0.1:${await freePort()}`], LIFETIME_MS);
    atEnd(() => store.close());
    await expect(use(store.supervision)).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' });
  });
});
