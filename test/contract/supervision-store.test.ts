import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { parseRoomName, type RoomName } from '../../src/conferences/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { createMemoryStore, createRedisStore, type Store } from '../../src/store/store';
import {
  AUDIT_BOUNDS,
  type AuditEvent,
  type AuditRecord,
  type SupervisionStore,
  type Visit,
} from '../../src/supervision/audit';
import { atEnd } from '../support/at-end';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';

const LIFETIME_MS = 60_000;
const VISITS_KEY = 'conference-coach:{supervision}:visits';
const TRAIL_KEY = 'conference-coach:{supervision}:trail';

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

/** A visit of a new call to a new room, unless they are given. */
const visitWith = (given: Partial<Visit> = {}): Visit => ({
  callSid: newSid(),
  room: newRoom(),
  supervisor: 'Ted',
  number: '…2222',
  mode: 'coach',
  moderator: 'Alice',
  moderatorCallSid: sid('alice'),
  since: dateOf(),
  ...given,
});

type EventOf<K extends AuditEvent['kind']> = Extract<AuditEvent, { kind: K }>;
const stamp = () => ({ id: randomUUID(), at: dateOf() });
const entered = (): EventOf<'entered'> => ({ ...stamp(), kind: 'entered' });
const confirmed = (): EventOf<'confirmed'> => ({ ...stamp(), kind: 'confirmed', confirmed: true, heardAs: 'coach' });
const mode = (): EventOf<'mode'> => ({ ...stamp(), kind: 'mode', confirmed: true });
const left = (): EventOf<'left'> => ({ ...stamp(), kind: 'left' });
const lockedOut = (): EventOf<'locked-out'> => ({
  ...stamp(),
  kind: 'locked-out',
  number: '…2222',
  callSid: newSid(),
});

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
    await store.begin(visit, entered());
    return visit;
  }

  const kindsOf = async (...calls: { callSid: Sid }[]) => (await trailOf(store, ...calls)).map(({ kind }) => kind);

  describe('begin', () => {
    it('notes a visit, and a line about it', async () => {
      const visit = visitWith();
      const event = entered();
      await store.begin(visit, event);
      expect(await store.find(visit.callSid)).toEqual(visit);
      expect(await store.list(visit.room)).toEqual([visit]);
      expect(await trailOf(store, visit)).toEqual([{ ...visit, ...event }]);
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
    ])('replaces the visit that a call was on by one %s', async (_which, change) => {
      const first = await begun();
      const second = await begun({ ...first, ...change() });
      expect(await store.find(first.callSid)).toEqual(second);
      expect(await store.list(second.room)).toEqual([second]);
      expect(await store.list(first.room)).toEqual(first.room === second.room ? [second] : []);
      expect(await kindsOf(first)).toEqual(['entered', 'entered']);
    });

    it('begins a visit anew without the confirmation of the one before', async () => {
      const first = await begun();
      await store.confirm(first.room, first.callSid, confirmed(), JUST_NOW);
      const second = await begun({ ...first, since: dateOf(-1) });
      await store.end(second.room, second.callSid, left(), JUST_NOW);
      expect((await trailOf(store, first)).at(-1)).toMatchObject({ kind: 'left', confirmed: false });
    });

    it('repeated, notes nothing twice and forgets no confirmation', async () => {
      const visit = visitWith();
      const event = entered();
      await store.begin(visit, event);
      await store.begin(visit, event);
      await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW);
      await store.begin(visit, event);
      expect(await store.list(visit.room)).toEqual([visit]);
      await store.end(visit.room, visit.callSid, left(), JUST_NOW);
      const trail = await trailOf(store, visit);
      expect(trail.map(({ kind }) => kind)).toEqual(['entered', 'confirmed', 'left']);
      expect(trail.at(-1)).toMatchObject({ confirmed: true });
    });
  });

  describe('confirm', () => {
    it.each<[string, Partial<EventOf<'confirmed'>>]>([
      ['as they should be', {}],
      ['otherwise', { confirmed: false, heardAs: 'barge' }],
      ['in a way that is not known', { heardAs: undefined }],
    ])('notes that a supervisor is in and heard %s', async (_how, more) => {
      const visit = await begun();
      const event: AuditEvent = { ...confirmed(), ...more };
      await store.confirm(visit.room, visit.callSid, event, JUST_NOW);
      expect((await trailOf(store, visit)).slice(1)).toEqual([{ ...visit, ...event }]);
      expect(await store.find(visit.callSid)).toEqual(visit);
    });

    it('does so once', async () => {
      const visit = await begun();
      const first = confirmed();
      for (const event of [first, first, confirmed()]) {
        await store.confirm(visit.room, visit.callSid, event, JUST_NOW);
      }
      expect((await trailOf(store, visit)).slice(1)).toEqual([{ ...visit, ...first }]);
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
      await store.confirm(room, callSid, confirmed(), told);
      expect(await kindsOf(visit, { callSid })).toEqual(['entered']);
      expect(await store.find(callSid)).toEqual(callSid === visit.callSid ? visit : undefined);
      // And it can still be confirmed.
      await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW);
      expect(await kindsOf(visit)).toEqual(['entered', 'confirmed']);
    });

    it('ignores a visit that has ended', async () => {
      const visit = await begun();
      await store.end(visit.room, visit.callSid, left(), JUST_NOW);
      await store.confirm(visit.room, visit.callSid, confirmed(), JUST_NOW);
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
        { ...changed, ...event },
        { ...changed, ...end, until: end.at, confirmed: isConfirmed },
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

    it.each<[string, (visit: Visit) => Visit]>([
      ['another visit of the call', (visit) => ({ ...visit, since: dateOf(1_000) })],
      ['a visit to another room', (visit) => ({ ...visit, room: newRoom() })],
      ['the visit of another call', (visit) => ({ ...visit, callSid: newSid() })],
    ])('ignores %s', async (_what, other) => {
      const visit = await begun();
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
          const event: AuditEvent = { ...confirmed(), confirmed: false, heardAs: 'barge' };
          await store.confirm(visit.room, visit.callSid, event, JUST_NOW);
        }
        const other = await begun({ room: visit.room });
        const event = left();
        await store.end(visit.room, visit.callSid, event, JUST_NOW);
        expect(await store.find(visit.callSid)).toBeUndefined();
        expect(await store.list(visit.room)).toEqual([other]);
        expect((await trailOf(store, visit)).at(-1)).toEqual({
          ...visit,
          ...event,
          until: event.at,
          confirmed: isConfirmed,
        });
      },
    );

    it('repeated, is told once', async () => {
      const visit = await begun();
      for (const event of [left(), left()]) {
        await store.end(visit.room, visit.callSid, event, JUST_NOW);
      }
      expect(await kindsOf(visit)).toEqual(['entered', 'left']);
    });

    it('takes a callback whose date is cut to the second', async () => {
      const visit = await begun();
      await store.end(visit.room, visit.callSid, left(), { agoMs: 999 });
      expect(await store.find(visit.callSid)).toBeUndefined();
      expect(await kindsOf(visit)).toEqual(['entered', 'left']);
    });

    it.each<[string, (visit: Visit) => [RoomName, Sid, { agoMs: number }]]>([
      ['another room', ({ callSid }) => [newRoom(), callSid, JUST_NOW]],
      ['another call', ({ room }) => [room, newSid(), JUST_NOW]],
      ['what was before the visit began', ({ room, callSid }) => [room, callSid, BEFORE]],
    ])('ignores %s', async (_what, about) => {
      const visit = await begun();
      const [room, callSid, told] = about(visit);
      await store.end(room, callSid, left(), told);
      expect(await store.find(visit.callSid)).toEqual(visit);
      expect(await kindsOf(visit, { callSid })).toEqual(['entered']);
    });

    it('ignores the late leave of an earlier visit to the same room', async () => {
      const first = await begun();
      await store.end(first.room, first.callSid, left(), JUST_NOW);
      const second = await begun({ ...first, since: dateOf(-1) });
      await store.end(first.room, first.callSid, left(), BEFORE);
      expect(await store.find(first.callSid)).toEqual(second);
      expect(await kindsOf(first)).toEqual(['entered', 'left', 'entered']);
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

  it.each<[string, () => EventOf<'refused' | 'locked-out'>]>([
    ['was refused', () => refused({})],
    ['was refused in a room, by name', () => refused({ reason: 'room', supervisor: 'Ted', room: newRoom() })],
    ['was locked out', lockedOut],
  ])('appends who %s, without a visit', async (_what, create) => {
    const event = create();
    await store.append(event);
    expect(await trailOf(store, event)).toEqual([event]);
    expect(await store.find(event.callSid)).toBeUndefined();
  });

  it('takes what was refused to a call on a visit for no part of the visit', async () => {
    const visit = await begun();
    const event = refused({ reason: 'room', callSid: visit.callSid });
    await store.append(event);
    expect((await trailOf(store, visit)).at(-1)).toEqual(event);
    expect(await store.find(visit.callSid)).toEqual(visit);
  });

  describe('read', () => {
    it('tells from a moment on, that one included, in the order in which it was written', async () => {
      const at = Date.now() - 5_000;
      const events = [at - 1, at, at + 1, at + 2].map((ms) => ({ ...lockedOut(), at: new Date(ms).toISOString() }));
      for (const event of events) {
        await store.append(event);
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
        await store.append(one);
      }
      expect(await trailOf(store, event, another)).toEqual([event, another]);
    });

    it('tells of more than fits in one answer of the store', async () => {
      const events = Array.from({ length: 2_500 }, lockedOut);
      await Promise.all(events.map((event) => store.append(event)));
      const ids = new Set(events.map(({ id }) => id));
      const read = (await all(store.read(0))).map(({ id }) => id).filter((id) => ids.has(id));
      expect(read).toEqual([...ids]);
    });

    it('tells nothing that is older than is kept', async () => {
      const old = { ...lockedOut(), at: dateOf(AUDIT_BOUNDS.ageMs + 60_000) };
      const young = { ...lockedOut(), at: dateOf(AUDIT_BOUNDS.ageMs - 60_000) };
      await store.append(old);
      await store.append(young);
      expect(await trailOf(store, old, young)).toEqual([young]);
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
    await supervision.begin(old, entered());
    expect(await supervision.list(room)).toEqual([old]);
    await eventually(async () => {
      clock.nowMs = Date.now();
      const young = visitWith({ room, callSid: sid('young'), since: new Date(now()).toISOString() });
      await supervision.begin(young, entered());
      expect(await supervision.list(room)).toEqual([young]);
    });
    expect(await supervision.find(old.callSid)).toBeUndefined();
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
    await store.change({ ...visit, mode: 'barge', since: '2020-01-01T00:00:00.000Z' }, mode());
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
  it('keeps about as many events as it is bound to, the newest', async () => {
    const { supervision } = inMemory(LIFETIME_MS);
    const event = lockedOut();
    const written = AUDIT_BOUNDS.events + AUDIT_BOUNDS.events / 10 + 1;
    for (let index = 1; index <= written; index++) {
      await supervision.append({ ...event, id: String(index) });
    }
    const kept = await all(supervision.read(0));
    expect(kept).toHaveLength(AUDIT_BOUNDS.events);
    expect(kept.at(-1)?.id).toBe(String(written));
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
    await store.supervision.append(lockedOut());
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
    await one.begin(visit, entered());
    expect(await other.supervision.list(visit.room)).toEqual([visit]);
    await other.supervision.end(visit.room, visit.callSid, left(), JUST_NOW);
    expect(await one.find(visit.callSid)).toBeUndefined();
    expect((await all(one.read(0))).map(({ kind }) => kind)).toEqual(['entered', 'left']);
  });

  it.each<[string, (supervision: SupervisionStore) => Promise<void>, string[]]>([
    ['a visit', (supervision) => supervision.begin(visitWith(), entered()), [TRAIL_KEY, VISITS_KEY]],
    ['an event alone', (supervision) => supervision.append(lockedOut()), [TRAIL_KEY]],
  ])('leaves no key that does not expire after %s', async (_what, write, keys) => {
    const { supervision, node } = await start();
    await write(supervision);
    expect((await node.keys('*')).sort()).toEqual(keys);
    const longest = { [VISITS_KEY]: LIFETIME_MS, [TRAIL_KEY]: AUDIT_BOUNDS.ageMs };
    for (const [key, ms] of Object.entries(longest).filter(([key]) => keys.includes(key))) {
      const left = await node.pttl(key);
      expect(left).toBeLessThanOrEqual(ms);
      expect(left).toBeGreaterThan(ms - 30_000);
    }
  });

  it('lets every visit live its whole lifetime, however long ago the first began', async () => {
    const { supervision, node } = await start();
    await supervision.begin(visitWith(), entered());
    await node.pexpire(VISITS_KEY, 1_000);
    await node.pexpire(TRAIL_KEY, 1_000);
    await supervision.begin(visitWith(), entered());
    expect(await node.pttl(VISITS_KEY)).toBeGreaterThan(LIFETIME_MS - 30_000);
    expect(await node.pttl(TRAIL_KEY)).toBeGreaterThan(AUDIT_BOUNDS.ageMs - 30_000);
  });

  // Redis trims whole blocks of 100 lines at once.
  it('throws away what is older than is kept', async () => {
    const { supervision, node } = await start();
    const oldest = Date.now() - AUDIT_BOUNDS.ageMs - 60_000;
    for (let line = 0; line < 250; line++) {
      await node.xadd(TRAIL_KEY, String(oldest + line), 'event', 'old');
    }
    await supervision.append(lockedOut());
    expect(await node.xlen(TRAIL_KEY)).toBeLessThanOrEqual(100);
  });

  it('throws away what is more than is kept', async () => {
    const { supervision, node } = await start();
    const fill = `for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'event', 'filler') end`;
    await node.eval(fill, 1, TRAIL_KEY, AUDIT_BOUNDS.events + 500);
    await supervision.append(lockedOut());
    expect(await node.xlen(TRAIL_KEY)).toBeLessThanOrEqual(AUDIT_BOUNDS.events + 100);
    expect(await node.xlen(TRAIL_KEY)).toBeGreaterThanOrEqual(AUDIT_BOUNDS.events);
  });
});

describe('the Redis supervision store without Redis', () => {
  it.each<[string, (store: SupervisionStore) => Promise<unknown>]>([
    ['append', (store) => store.append(lockedOut())],
    ['begin', (store) => store.begin(visitWith(), entered())],
    ['confirm', (store) => store.confirm(newRoom(), newSid(), confirmed(), JUST_NOW)],
    ['change', (store) => store.change(visitWith(), mode())],
    ['end', (store) => store.end(newRoom(), newSid(), left(), JUST_NOW)],
    ['find', (store) => store.find(newSid())],
    ['list', (store) => store.list(newRoom())],
    ['read', (store) => all(store.read(0))],
  ])('says so: %s', async (_what, use) => {
    const store = connected([`redis://127.0.0.1:${await freePort()}`], LIFETIME_MS);
    atEnd(() => store.close());
    await expect(use(store.supervision)).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' });
  });
});
