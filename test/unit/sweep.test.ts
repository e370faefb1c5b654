import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { viewRoom } from '../../src/api/views';
import { createLog } from '../../src/ops/log';
import type { Lease } from '../../src/rooms/lease';
import type { HeardMode, Mode } from '../../src/rooms/mode';
import { isOpen, type RoomName, type RoomState, supervisorsOf, targetOf } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import { createRooms } from '../../src/rooms/rooms';
import { createSweep } from '../../src/rooms/sweep';
import { type SpaceCall, SpaceError } from '../../src/signalwire/conference-api';
import type { Sid } from '../../src/signalwire/sid';
import { createMemoryStore, type Store } from '../../src/stores';
import { readStays, readTrail, type StayRecord } from '../../src/supervision/trail';
import { enforcerOver } from '../support/enforcer';
import { roomNamed, sid } from '../support/room-stores';
import { createScriptedSpace, type ScriptedSpace } from '../support/scripted-space';

const sales = roomNamed('sales');
const [ted, alice, carol, bob, cf1] = ['ted-1', 'alice-1', 'carol-1', 'bob-1', 'cf-1'].map(sid) as [
  Sid,
  Sid,
  Sid,
  Sid,
  Sid,
];
const NUMBERS: Readonly<Record<string, string>> = { '+15557788999': 'Alice', '+15550002222': 'Ted' };
const LIFETIME_MS = 3_600_000;
const INTERVAL_S = 2.5;

/** What a callback without a date says, and a supervisor's document. */
const REPORT = { conferenceSid: cf1, date: undefined, ageMs: 0 };
const DOCUMENT = { stayNumber: 1, name: 'Ted', address: '***2222', mode: 'monitor', target: alice } as const;

interface Given {
  store?: Store;
  space?: ScriptedSpace;
  requestsPerSecond?: number;
  /** What the lease answers from then on. */
  holder?: Awaited<ReturnType<Lease['take']>>;
}

/** One server that sweeps and corrects, over a store and a Space that may be shared. */
function startServer({ requestsPerSecond = 50, holder = 'ours', ...given }: Given = {}) {
  const server = { holder, isDown: false, lateMs: 0, leaseTakenAt: [] as number[], leaseReleasedAt: [] as number[] };
  const store = given.store ?? createStore();
  const space = given.space ?? createScriptedSpace({ now: Date.now });
  const lines: { level: string; msg: string }[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) });
  const failIfDown = async () => {
    if (server.lateMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, server.lateMs));
    }
    if (server.isDown) {
      throw new Error('down');
    }
  };
  const rooms = createRooms({
    store: {
      ...store.rooms,
      async read(...args) {
        await failIfDown();
        return store.rooms.read(...args);
      },
      async apply(...args) {
        await failIfDown();
        return store.rooms.apply(...args);
      },
      async list() {
        await failIfDown();
        return store.rooms.list();
      },
    },
    space: undefined,
    lifetimeMs: LIFETIME_MS,
    log,
    now: Date.now,
    monotonicNow: performance.now,
    onChange: (state) => enforcer.check(state),
  });
  const enforcer = enforcerOver({ rooms, space, announceIsPrivate: true, log });
  const sweep = createSweep({
    rooms,
    space: space.client,
    lease: {
      async take() {
        server.leaseTakenAt.push(Date.now());
        return server.holder;
      },
      async release() {
        server.leaseReleasedAt.push(Date.now());
      },
    },
    identify: ({ from }, isModerator) => {
      const name = NUMBERS[from ?? ''];
      return { role: isModerator ? 'moderator' : name === 'Ted' ? 'supervisor' : 'caller', name };
    },
    requestsPerSecond,
    log,
    monotonicNow: performance.now,
  });
  stopping.push(sweep.close, enforcer.close);
  return Object.assign(server, {
    store,
    space,
    lines,
    sweep,
    record: async (room: RoomName, event: RoomEvent) => {
      await rooms.record(room, event);
      await seconds(0);
    },
    state: async (room = sales): Promise<RoomState> => (await store.rooms.read(room)).state,
    async rows(): Promise<StayRecord[]> {
      const rows: StayRecord[] = [];
      for await (const row of readStays(readTrail(store, 0))) {
        rows.push(row);
      }
      return rows;
    },
  });
}

type Server = ReturnType<typeof startServer>;

function createStore(): Store {
  return createMemoryStore({ lifetimeMs: LIFETIME_MS, now: Date.now, monotonicNow: performance.now });
}

/** Trouble with each list of participants. */
const ofParticipants = (trouble: 'missing') => (request: string) =>
  request.startsWith('participants') ? trouble : undefined;

const seconds = (count: number) => jest.advanceTimersByTimeAsync(count * 1_000);
const stopping: (() => void)[] = [];

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  for (const stop of stopping.splice(0)) {
    stop();
  }
  jest.useRealTimers();
});

const briefly = ({ stays }: RoomState) =>
  Object.fromEntries(
    stays
      .filter(({ leftAt }) => leftAt === undefined)
      .map(({ callSid, role, joinSource }) => [callSid, [role, joinSource]]),
  );

/** A conversation at the Space of which no server knows. */
function openConversation({ space }: Server, room = sales, conferenceSid = cf1, suffix = '1'): void {
  const [caller, moderator] = [sid(`bob-${suffix}`), sid(`alice-${suffix}`)];
  space.open(room, conferenceSid, [{ callSid: caller }, { callSid: moderator, isModerator: true }]);
  space.calls.set(caller, inbound(caller, '+15550001111'));
  space.calls.set(moderator, inbound(moderator, '+15557788999'));
}

function inbound(callSid: Sid, from: string): SpaceCall {
  return { callSid, isOver: false, from, to: undefined, direction: 'inbound' };
}

describe('a round', () => {
  it('adds those who were missed, in the roles that REST tells', async () => {
    const server = startServer();
    openConversation(server);
    server.space.enter(cf1, { callSid: ted, target: alice });
    await server.sweep.round();
    expect(briefly(await server.state())).toEqual({
      [bob]: ['caller', 'rest'],
      [alice]: ['moderator', 'rest'],
      [ted]: ['supervisor', 'rest'],
    });
    expect(server.space.requests.slice(0, 5)).toEqual([
      'list',
      'participants of cf-1',
      'call bob-1',
      'call alice-1',
      'call ted-1',
    ]);
  });

  it('asks for the call of nobody whom the state knows', async () => {
    const server = startServer();
    openConversation(server);
    await server.sweep.round();
    server.space.requests.length = 0;
    await server.sweep.round();
    expect(server.space.requests).toEqual(['list', 'participants of cf-1']);
  });

  it('finds a lost moderator, whom supervisors can coach from then on', async () => {
    const server = startServer();
    server.space.open(sales, cf1, [{ callSid: bob }]);
    await server.sweep.round();
    expect(targetOf(await server.state())).toBeUndefined();
    server.space.enter(cf1, { callSid: alice, isModerator: true });
    await seconds(INTERVAL_S);
    expect(targetOf(await server.state())).toMatchObject({ callSid: alice, joinSource: 'rest' });
  });

  it('removes those who are gone, but only when it misses them again', async () => {
    const server = startServer();
    openConversation(server);
    await server.sweep.round();
    await seconds(5);
    server.space.leave(alice);
    await server.sweep.round();
    // REST may be a second behind.
    await server.sweep.round();
    expect(briefly(await server.state())).toHaveProperty(alice);
    await seconds(INTERVAL_S);
    expect(briefly(await server.state())).not.toHaveProperty(alice);
  });

  it('removes nobody whom REST leaves out now and then', async () => {
    const server = startServer();
    openConversation(server);
    await server.sweep.round();
    await seconds(5);
    for (let time = 0; time < 2; time++) {
      server.space.trouble = (request) => (request === 'list' ? 'missing' : undefined);
      await server.sweep.round();
      expect(briefly(await server.state())).toHaveProperty(alice);
      server.space.trouble = () => undefined;
      await seconds(20);
    }
  });

  it('removes everybody from a room whose conference is gone, after asking for it once more', async () => {
    const server = startServer();
    openConversation(server);
    await server.sweep.round();
    await seconds(5);
    server.space.close(cf1);
    server.space.requests.length = 0;
    await seconds(10);
    expect(briefly(await server.state())).toEqual({});
    expect(new Set(server.space.requests)).toEqual(new Set(['list', 'participants of cf-1']));
  });

  describe('of a room with a recording', () => {
    const r1 = sid('r-1');
    const READ = 'read recording r-1';

    /** A conversation whose recording was reported by a callback. @param status as REST shows it */
    async function recorded(status?: string) {
      const server = startServer();
      openConversation(server);
      const put = (at: string) =>
        server.space.recordings.set(r1, {
          recordingSid: r1,
          callSid: alice,
          conferenceSid: undefined,
          status: at,
          startedAgeMs: 1,
          durationSeconds: undefined,
        });
      if (status !== undefined) {
        put(status);
      }
      await server.record(sales, {
        kind: 'recording-reported',
        recordingSid: r1,
        callSid: alice,
        status: 'in-progress',
        ageMs: 0,
      });
      await server.sweep.round();
      const reads = () => server.space.requests.filter((request) => request === READ).length;
      const shown = async () => (await server.state()).recordings?.[0]?.status;
      return { server, put, reads, shown };
    }

    it('reads it every 10 s, until it is over', async () => {
      const { put, reads, shown } = await recorded('in-progress');
      await seconds(60);
      expect(await shown()).toBe('in-progress');
      expect(reads()).toBeGreaterThanOrEqual(5);
      expect(reads()).toBeLessThanOrEqual(7);
      put('paused');
      await seconds(15);
      expect(await shown()).toBe('paused');
      put('completed');
      await seconds(15);
      expect(await shown()).toBe('completed');
      const count = reads();
      await seconds(60);
      expect(reads()).toBe(count);
    });

    it('reads it after everybody has left', async () => {
      const { server, put, shown } = await recorded('in-progress');
      await seconds(5);
      server.space.close(cf1);
      await seconds(15);
      expect(briefly(await server.state())).toEqual({});
      put('completed');
      await seconds(15);
      expect(await shown()).toBe('completed');
    });

    it('shows as running one that REST has lacked for a moment, however long it runs', async () => {
      const { server, shown } = await recorded('in-progress');
      await seconds(120);
      server.space.trouble = (request) => (request === READ ? 'missing' : undefined);
      await seconds(30);
      expect(await shown()).toBe('in-progress');
    });

    it('shows as absent one that REST has lacked for a minute', async () => {
      const { shown } = await recorded();
      await seconds(45);
      expect(await shown()).toBe('in-progress');
      await seconds(30);
      expect(await shown()).toBe('absent');
    });

    it('reads it again if that fails, no more often', async () => {
      const { server, put, reads, shown } = await recorded('in-progress');
      put('completed');
      server.space.trouble = (request) => (request === READ ? new SpaceError('timeout', 'late') : undefined);
      await seconds(30);
      expect(await shown()).toBe('in-progress');
      expect(reads()).toBeLessThanOrEqual(4);
      server.space.trouble = () => undefined;
      await seconds(15);
      expect(await shown()).toBe('completed');
    });
  });

  it('mutes a supervisor whose target has gone', async () => {
    const server = startServer();
    openConversation(server);
    server.space.enter(cf1, { callSid: carol, isModerator: true });
    await server.record(sales, {
      kind: 'supervisor-sent',
      callSid: ted,
      stayNumber: 1,
      name: 'Ted',
      address: '***2222',
      mode: 'coach',
      target: alice,
      moderatorName: 'Alice',
      ageMs: 0,
    });
    server.space.enter(cf1, { callSid: ted, target: alice });
    await server.sweep.round();
    await seconds(0);
    server.space.leave(alice);
    await seconds(10);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true, target: carol });
  });

  it('corrects what could not be corrected while REST failed', async () => {
    const server = startServer();
    openConversation(server);
    server.space.enter(cf1, { callSid: carol, isModerator: true });
    server.space.enter(cf1, { callSid: ted, target: carol });
    await server.sweep.round();
    server.space.trouble = () => new SpaceError('unreachable', 'no');
    server.space.leave(carol);
    await seconds(120);
    expect(server.space.party(ted)).toMatchObject({ target: carol });
    server.space.trouble = () => undefined;
    await seconds(10);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true, target: alice });
    const failures = server.lines.filter(({ msg }) => msg.includes('not compared'));
    expect(failures).toHaveLength(1);
  });

  it('adds those whose call REST does not tell, and passes over rooms that it does not show', async () => {
    const server = startServer();
    for (let index = 0; index < 10; index++) {
      openConversation(server, roomNamed(`room-${index}`), sid(`cf-${index + 10}`), `${index + 10}`);
    }
    openConversation(server);
    server.space.trouble = (request) =>
      /^participants of cf-1[0-9]|^call/.test(request) ? new SpaceError('timeout', 'slow') : undefined;
    await server.sweep.round();
    expect(briefly(await server.state())).toEqual({ [bob]: ['unknown', 'rest'], [alice]: ['moderator', 'rest'] });
    await seconds(INTERVAL_S);
    expect(server.lines.filter(({ msg }) => msg.includes('not compared'))).toHaveLength(1);
  });

  it.each(['caller', 'supervisor'])('asks once about a %s of whom only a callback told', async (role) => {
    const server = startServer();
    openConversation(server);
    server.space.calls.set(bob, inbound(bob, role === 'caller' ? '+15550001111' : '+15550002222'));
    const joined = { kind: 'joined', conferenceSid: cf1, date: Date.now(), ageMs: 0 } as const;
    await server.record(sales, { ...joined, callSid: bob, isModerator: false });
    await seconds(30);
    expect(server.space.requests.filter((one) => one === 'call bob-1')).toHaveLength(1);
  });

  it('renews the lease however long it takes', async () => {
    const server = startServer();
    server.space.latencyMs = 10_000;
    await seconds(30);
    const gaps = server.leaseTakenAt.slice(1).map((at, index) => at - (server.leaseTakenAt[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(4_000);
  });

  it('ends nobody for a list that leaves their conference out for six seconds', async () => {
    const server = startServer();
    openConversation(server);
    await seconds(5);
    server.space.client.listConferences = async () => [];
    await seconds(6);
    const state = await server.state();
    expect(state.stays.filter(isOpen).map(({ callSid }) => callSid)).toEqual(expect.arrayContaining([alice, bob]));
    expect(server.space.requests.at(-1)).toBe('participants of cf-1');
  });

  it('is left to other servers when the Space does not answer this one, and when it is closed', async () => {
    const server = startServer();
    server.space.trouble = () => new Error('unreachable');
    await seconds(3);
    expect(server.leaseReleasedAt).toHaveLength(1);
    server.space.trouble = () => undefined;
    await seconds(3);
    expect(server.leaseReleasedAt).toHaveLength(1);
    await server.sweep.close();
    expect(server.leaseReleasedAt).toHaveLength(2);
  });

  it('is not begun while another goes on', async () => {
    const server = startServer();
    openConversation(server);
    server.space.latencyMs = 10_000;
    void server.sweep.round();
    await seconds(9);
    expect(server.space.requests).toEqual(['list']);
  });
});

describe('after the store was wiped', () => {
  it('everything is there again, and stays that go on have an unknown start', async () => {
    const server = startServer();
    openConversation(server);
    server.space.enter(cf1, { callSid: ted, target: alice });
    server.space.calls.set(ted, inbound(ted, '+15550002222'));
    await server.sweep.round();
    await seconds(60);
    // The same server with an empty store.
    const wiped = startServer({ space: server.space });
    await seconds(INTERVAL_S);
    expect(briefly(await wiped.state())).toMatchObject({
      [alice]: ['moderator', 'rest'],
      [ted]: ['supervisor', 'rest'],
    });
    expect(supervisorsOf(await wiped.state())).toMatchObject([
      { name: 'Ted', supervision: { mode: 'coach', target: alice, moderatorName: 'Alice' } },
    ]);
    expect(wiped.space.party(ted)).toMatchObject({ target: alice });
    wiped.space.leave(ted);
    await seconds(10);
    expect(await wiped.rows()).toMatchObject([
      {
        supervisor: 'Ted',
        moderator: 'Alice',
        callerCallSids: [bob],
        startKnown: 'unknown',
        start: undefined,
        endKnown: 'rest',
        duration: undefined,
      },
    ]);
  });

  it('one who speaks to everybody is told by their number, and listens from then on', async () => {
    const server = startServer();
    openConversation(server);
    server.space.enter(cf1, { callSid: ted });
    server.space.calls.set(ted, inbound(ted, '+15550002222'));
    await seconds(5);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true, target: alice });
    expect(await server.rows()).toMatchObject([{ supervisor: 'Ted', startKnown: 'unknown' }]);
  });
});

describe('when the Space takes 2 s for each answer, and a leave is lost', () => {
  const PROMISED_S = 10;

  /** Ted supervises Carol, who talks to Bob; so does Alice. Everything is known, and REST is slow from then on. */
  async function superviseCarol(mode: Mode): Promise<Server> {
    const server = startServer();
    openConversation(server);
    await seconds(2);
    server.space.enter(cf1, { callSid: carol, isModerator: true });
    await server.record(sales, {
      kind: 'supervisor-sent',
      callSid: ted,
      stayNumber: 1,
      name: 'Ted',
      address: '***2222',
      mode,
      target: carol,
      ageMs: 0,
    });
    server.space.enter(cf1, { callSid: ted, target: mode === 'coach' ? carol : undefined });
    await server.sweep.round();
    await seconds(5);
    expect(supervisorsOf(await server.state())).toMatchObject([{ supervision: { mode, heard: mode } }]);
    server.space.latencyMs = 2_000;
    server.space.readsAtOnce = true;
    return server;
  }

  const LEAVES = {
    'hangs up': ({ space }: Server) => space.leave(carol),
    'is redirected to another room': async (server: Server) => {
      const support = roomNamed('support');
      server.space.leave(carol);
      server.space.open(support, sid('cf-2'), [{ callSid: carol, isModerator: true }]);
      await server.record(support, { kind: 'moderator-arrived', callSid: carol, name: 'Carol', ageMs: 0 });
    },
  };

  /** In how many seconds Ted is muted. */
  async function untilMuted({ space }: Server): Promise<number> {
    const since = Date.now();
    while (!space.party(ted)?.isMuted && Date.now() - since < 30_000) {
      await seconds(0.05);
    }
    return (Date.now() - since) / 1_000;
  }

  /** Parts of the interval, in seconds. */
  const PHASES = [0, 0.1, 0.5, 0.9, 1, 1.5, 1.9, 2, 2.1, 2.4];

  it.each(
    (['barge', 'coach'] as const).flatMap((mode) =>
      (['hangs up', 'is redirected to another room'] as const).map((leave) => [mode, leave] as const),
    ),
  )('a supervisor in %s whose agent %s is muted within 10 s, in each phase', async (mode, leave) => {
    const took: number[] = [];
    for (const phase of PHASES) {
      const server = await superviseCarol(mode);
      await seconds(20 + phase);
      await LEAVES[leave](server);
      took.push(await untilMuted(server));
      await server.sweep.close();
    }
    expect(Math.max(...took)).toBeLessThan(PROMISED_S);
  });

  it.each([
    ['fail', () => new SpaceError('timeout', 'slow')],
    ['lack the conference', () => 'missing' as const],
  ])('a supervisor is muted within 10 s though the lists %s', async (_how, trouble) => {
    const server = await superviseCarol('barge');
    server.space.trouble = (request) => (request === 'list' ? trouble() : undefined);
    await seconds(20);
    expect(briefly(await server.state())).toHaveProperty(carol);
    server.space.leave(carol);
    expect(await untilMuted(server)).toBeLessThan(PROMISED_S);
    expect(briefly(await server.state())).toHaveProperty(alice);
  });

  it('a supervisor is muted within 10 s in each of as many rooms as the budget covers', async () => {
    const server = startServer();
    const rooms = Array.from({ length: 120 }, (_, index) => index);
    for (const index of rooms) {
      openConversation(server, roomNamed(`room-${index}`), sid(`cf-${index}`), `${index}`);
      server.space.enter(sid(`cf-${index}`), { callSid: sid(`ted-${index}`), target: sid(`alice-${index}`) });
    }
    await seconds(20);
    server.space.latencyMs = 2_000;
    server.space.readsAtOnce = true;
    await seconds(20);
    const [since, before] = [Date.now(), server.space.requests.length];
    for (const index of rooms) {
      server.space.leave(sid(`alice-${index}`));
      server.space.enter(sid(`cf-${index}`), { callSid: sid(`carol-${index}`), isModerator: true });
    }
    await seconds(PROMISED_S - 0.05);
    expect(rooms.filter((index) => !server.space.party(sid(`ted-${index}`))?.isMuted)).toEqual([]);
    const asked = server.space.requests.slice(before).filter((one) => /^list|^participants/.test(one));
    const lists = asked.filter((one) => one === 'list').length;
    expect(asked.length + lists).toBeLessThanOrEqual(((Date.now() - since) / 1_000 + INTERVAL_S) * 50);
    expect(server.lines.filter(({ msg }) => msg.includes('SWEEP_REQUESTS_PER_SECOND'))).toEqual([]);
  });
});

describe('a supervised room', () => {
  /** Ted coaches Alice, and everybody knows. */
  async function coachAlice(): Promise<Server> {
    const server = startServer();
    openConversation(server);
    server.space.enter(cf1, { callSid: ted, target: alice });
    server.space.calls.set(ted, inbound(ted, '+15550002222'));
    await server.sweep.round();
    await seconds(5);
    server.space.requests.length = 0;
    return server;
  }

  it('costs one request a round, besides the list of conferences', async () => {
    const server = await coachAlice();
    await server.sweep.round();
    expect(server.space.requests).toEqual(['participants of cf-1', 'list']);
    server.space.requests.length = 0;
    await seconds(20);
    expect(server.space.requests.filter((one) => one === 'participants of cf-1')).toHaveLength(20 / INTERVAL_S);
    expect(server.space.requests.filter((one) => one === 'list')).toHaveLength(20 / INTERVAL_S);
  });

  it('keeps everybody whose conference REST does not know, as long as the list shows it', async () => {
    const server = await coachAlice();
    server.space.trouble = (request) => (request === 'participants of cf-1' ? 'missing' : undefined);
    await seconds(20);
    expect(Object.keys(briefly(await server.state())).sort()).toEqual([alice, bob, ted]);
  });

  it('keeps everybody whose conference the list leaves out, as long as REST knows it', async () => {
    const server = await coachAlice();
    server.space.trouble = (request) => (request === 'list' ? 'missing' : undefined);
    await seconds(20);
    expect(Object.keys(briefly(await server.state())).sort()).toEqual([alice, bob, ted]);
  });

  it('loses everybody in two rounds when neither does', async () => {
    const server = await coachAlice();
    server.space.latencyMs = 50;
    server.space.close(cf1);
    await seconds(2.5 * INTERVAL_S);
    expect(briefly(await server.state())).toEqual({});
  });

  it('loses a supervisor who never came in, though nobody else is there', async () => {
    const server = await coachAlice();
    server.space.close(cf1);
    await server.record(sales, { kind: 'conference-ended', conferenceSid: cf1, ageMs: 0 });
    await server.record(sales, {
      kind: 'supervisor-sent',
      callSid: ted,
      stayNumber: 1,
      name: 'Ted',
      address: '***2222',
      mode: 'coach',
      target: alice,
      ageMs: 0,
    });
    expect(supervisorsOf(await server.state())).toHaveLength(1);
    await seconds(75);
    expect(briefly(await server.state())).toEqual({});
  });

  it('is asked about again only when REST has answered', async () => {
    const server = await coachAlice();
    server.space.latencyMs = 6_000;
    await seconds(30);
    expect(server.space.requests.filter((one) => one === 'participants of cf-1').length).toBeLessThanOrEqual(4);
  });

  it('is followed into another conference, of which the list tells', async () => {
    const server = await coachAlice();
    server.space.close(cf1);
    server.space.open(sales, sid('cf-2'), [{ callSid: bob }, { callSid: carol, isModerator: true }, { callSid: ted }]);
    await seconds(5);
    expect(await server.state()).toMatchObject({ conference: { sid: 'cf-2' } });
    expect(server.space.party(ted)).toMatchObject({ isMuted: true });
  });
});

describe('how a supervisor is heard', () => {
  /** Ted is sent to coach Alice in a room of which the server knows, and joins. */
  async function sendTed(server: Server): Promise<void> {
    await server.record(sales, { ...DOCUMENT, kind: 'supervisor-sent', callSid: ted, mode: 'coach', ageMs: 0 });
    server.space.enter(cf1, { callSid: ted, target: alice });
    await server.record(sales, { ...REPORT, kind: 'joined', callSid: ted, isMuted: false, coachedCall: alice });
  }

  async function coachAlice(given: Given = {}): Promise<Server> {
    const server = startServer(given);
    openConversation(server);
    await seconds(INTERVAL_S);
    await sendTed(server);
    await seconds(INTERVAL_S);
    return server;
  }

  /** As the API shows it. */
  const heard = async (server: Server) =>
    viewRoom(await server.state()).participants.find(({ supervision }) => supervision !== null)?.supervision?.heardAs;

  /** In how many seconds it is so, 30 at most. */
  async function untilHeard(server: Server, mode: HeardMode): Promise<number> {
    const since = Date.now();
    while ((await heard(server)) !== mode && Date.now() - since < 30_000) {
      await seconds(0.1);
    }
    return (Date.now() - since) / 1_000;
  }

  const fail = () => new SpaceError('timeout', 'late');

  it.each<[string, (server: Server) => void]>([
    ['fails', ({ space }) => Object.assign(space, { trouble: fail })],
    ['does not answer in time', ({ space }) => Object.assign(space, { trouble: fail, latencyMs: 10_000 })],
    ['does not know the conference', ({ space }) => Object.assign(space, { trouble: ofParticipants('missing') })],
  ])('is unknown when REST %s for more than 10 s, and known again soon after', async (_what, hinder) => {
    const server = await coachAlice();
    await seconds(60);
    expect(await heard(server)).toBe('coach');
    hinder(server);
    await seconds(7);
    expect(await heard(server)).toBe('coach');
    expect(await untilHeard(server, 'unknown')).toBeLessThan(6);
    server.space.requests.length = 0;
    const { at } = await server.state();
    await seconds(60);
    expect(await heard(server)).toBe('unknown');
    expect((await server.state()).at).toBe(at);
    // Nobody but the sweep asks for what it asks for anyway.
    expect(server.space.requests.filter((one) => !/^list|^participants/.test(one))).toEqual([]);
    Object.assign(server.space, { trouble: () => undefined, latencyMs: 0 });
    await seconds(10);
    expect(await heard(server)).toBe('coach');
    expect(server.space.party(ted)?.isMuted).toBeFalsy();
  });

  it('becomes unknown of one who joins while REST is away, too', async () => {
    const server = startServer();
    openConversation(server);
    await seconds(5);
    server.space.trouble = fail;
    await seconds(30);
    await sendTed(server);
    await seconds(8);
    expect(await heard(server)).toBe('coach');
    expect(await untilHeard(server, 'unknown')).toBeLessThan(5);
  });

  it('is known for 10 s after a callback has told it', async () => {
    const server = await coachAlice();
    server.space.trouble = fail;
    await untilHeard(server, 'unknown');
    await server.record(sales, { ...REPORT, kind: 'muted', callSid: ted });
    await seconds(8);
    expect(await heard(server)).toBe('monitor');
    expect(await untilHeard(server, 'unknown')).toBeLessThan(5);
  });

  it('is in doubt without anybody being corrected for it', async () => {
    const server = startServer();
    openConversation(server);
    await seconds(INTERVAL_S);
    server.space.trouble = fail;
    await server.record(sales, { ...DOCUMENT, kind: 'supervisor-sent', callSid: ted, mode: 'coach', ageMs: 0 });
    server.space.enter(cf1, { callSid: ted, target: alice });
    // It is not known whom they coach: the enforcer asks REST, and stops when that fails.
    await server.record(sales, { ...REPORT, kind: 'joined', callSid: ted, isMuted: false });
    await seconds(60);
    server.space.requests.length = 0;
    await seconds(600);
    expect(server.space.requests.filter((one) => one.startsWith('participant '))).toEqual([]);
  });

  it('stays known, and is not written, while REST takes 2 s for each answer', async () => {
    const server = await coachAlice();
    Object.assign(server.space, { latencyMs: 2_000, readsAtOnce: true });
    const { at } = await server.state();
    for (let second = 0; second < 60; second++) {
      await seconds(1);
      expect(await heard(server)).toBe('coach');
    }
    expect((await server.state()).at).toBe(at);
  });

  it.each([9.5, 60])('stays known when another server has had the lease for %s s', async (heldS) => {
    const server = await coachAlice();
    server.holder = "another's";
    await seconds(heldS);
    server.holder = 'ours';
    server.space.latencyMs = 2_000;
    for (let second = 0; second < 10; second++) {
      await seconds(1);
      expect(await heard(server)).toBe('coach');
    }
  });

  it('becomes unknown when servers that cannot reach REST take turns', async () => {
    const server = await coachAlice();
    server.space.trouble = fail;
    // Only its own turns count: the other may have reached REST.
    for (let turn = 0; turn < 6; turn++) {
      server.holder = "another's";
      await seconds(INTERVAL_S);
      server.holder = 'ours';
      await seconds(INTERVAL_S);
    }
    expect(await heard(server)).toBe('unknown');
  });

  it('is in the trail as it was reported, without a line for the doubt', async () => {
    const server = await coachAlice();
    server.space.trouble = fail;
    await seconds(20);
    server.space.trouble = () => undefined;
    await seconds(5);
    const [row] = await server.rows();
    expect([...new Set(row?.modes.map((one) => one.heard))]).toEqual(['coach']);
  });
});

describe('the servers', () => {
  it('take turns: one alone compares, and the others ask nothing', async () => {
    const server = startServer({ holder: "another's" });
    openConversation(server);
    await seconds(60);
    expect(server.space.requests).toEqual([]);
    server.holder = 'ours';
    await seconds(INTERVAL_S);
    expect(server.space.requests).not.toEqual([]);
  });

  it('compare the rooms that they have served while the store is away', async () => {
    const server = startServer();
    openConversation(server);
    server.space.open(roomNamed('support'), sid('cf-2'), [{ callSid: sid('alice-2'), isModerator: true }]);
    await server.record(sales, { kind: 'moderator-arrived', callSid: alice, name: 'Alice', ageMs: 0 });
    server.isDown = true;
    server.holder = 'unknown';
    await server.sweep.round();
    expect(server.space.requests).toContain('participants of cf-1');
    expect(server.space.requests).not.toContain('participants of cf-2');
  });

  it('compare also those rooms in which they have seen no moderator', async () => {
    const server = startServer();
    openConversation(server);
    const joined = { kind: 'joined', conferenceSid: cf1, date: Date.now(), ageMs: 0 } as const;
    await server.record(sales, { ...joined, callSid: bob, isModerator: false });
    server.isDown = true;
    server.holder = 'unknown';
    await server.sweep.round();
    expect(server.space.requests).toContain('participants of cf-1');
  });

  it.each([false, true])(
    'compare a supervised room at once, though the store takes 800 ms (fails: %s)',
    async (isDown) => {
      const server = startServer({ holder: 'unknown' });
      for (let index = 0; index < 1_000; index++) {
        await server.record(roomNamed(`room-${index}`), { kind: 'moderator-arrived', callSid: alice, ageMs: 0 });
      }
      const room = roomNamed('room-500');
      server.space.open(room, cf1, [{ callSid: alice, isModerator: true }, { callSid: ted }]);
      await server.record(room, { ...REPORT, kind: 'joined', callSid: alice, isModerator: true });
      await server.record(room, { ...REPORT, kind: 'joined', callSid: ted, isMuted: true });
      await server.record(room, { kind: 'supervisor-sent', callSid: ted, ...DOCUMENT, ageMs: 0 });
      server.space.requests.length = 0;
      Object.assign(server, { isDown, lateMs: 800 });
      await seconds(INTERVAL_S + 1);
      expect(server.space.requests).toContain('participants of cf-1');
    },
  );

  it('mute a supervisor whose target has gone while the store is away', async () => {
    const server = startServer();
    openConversation(server);
    server.space.enter(cf1, { callSid: carol, isModerator: true });
    server.space.enter(cf1, { callSid: ted, target: carol });
    await seconds(5);
    server.isDown = true;
    server.holder = 'unknown';
    server.space.leave(carol);
    await seconds(10);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true, target: alice });
  });
});

describe('the budget', () => {
  const ROOMS = 60;

  /** So many conversations; there is a supervisor in the last of them. */
  function openMany(server: Server, count = ROOMS): RoomName {
    for (let index = 0; index < count; index++) {
      openConversation(server, roomNamed(`room-${index}`), sid(`cf-${index}`), `${index}`);
    }
    server.space.enter(sid(`cf-${count - 1}`), { callSid: ted, target: sid(`alice-${count - 1}`), isMuted: true });
    return roomNamed(`room-${count - 1}`);
  }

  const sendTed = (server: Server, index: number) =>
    server.record(roomNamed(`room-${index}`), {
      kind: 'supervisor-sent',
      callSid: ted,
      stayNumber: 1,
      name: 'Ted',
      address: '***2222',
      mode: 'monitor',
      target: sid(`alice-${index}`),
      ageMs: 0,
    });

  const comparisons = ({ space }: Server, index: number) =>
    space.requests.filter((one) => one === `participants of cf-${index}`).length;

  /** How many HTTP requests that takes. */
  const costOf = ({ space }: Server) => space.requests.length + space.requests.filter((one) => one === 'list').length;

  it('is kept', async () => {
    const server = startServer({ requestsPerSecond: 10 });
    openMany(server);
    await seconds(60);
    expect(costOf(server)).toBeLessThanOrEqual(10 * 60);
    expect(costOf(server)).toBeGreaterThan(10 * 50);
  });

  it('goes to supervised rooms first, at every round, and to the others in turn', async () => {
    const server = startServer({ requestsPerSecond: 10 });
    openMany(server);
    await seconds(60);
    server.space.requests.length = 0;
    await seconds(30);
    const times = (index: number) =>
      server.space.requests.filter((one) => one === `participants of cf-${index}`).length;
    expect(times(ROOMS - 1)).toBe(12);
    const others = Array.from({ length: ROOMS - 1 }, (_, index) => times(index));
    // 22 at each of 12 rounds.
    expect(Math.min(...others)).toBeGreaterThanOrEqual(4);
    expect(Math.max(...others)).toBeLessThanOrEqual(6);
  });

  it('does not make supervised rooms wait for the others when REST is slow', async () => {
    const server = startServer();
    const supervised = openMany(server, 100);
    await sendTed(server, 99);
    for (let index = 0; index < 99; index++) {
      await server.record(roomNamed(`room-${index}`), {
        kind: 'moderator-arrived',
        callSid: sid(`alice-${index}`),
        ageMs: 0,
      });
    }
    server.space.latencyMs = 2_000;
    await seconds(40);
    expect(supervised).toBe('room-99');
    // In each interval, once the list, which takes 4 s, has shown its conference.
    expect(comparisons(server, 99)).toBeGreaterThanOrEqual(14);
    const others = Array.from({ length: 99 }, (_, index) => comparisons(server, index));
    expect(Math.min(...others)).toBeGreaterThanOrEqual(1);
  });

  it('goes to every room once before any call is looked up, after the store was wiped', async () => {
    const server = startServer({ requestsPerSecond: 10 });
    const supervised = openMany(server);
    await seconds(4 * INTERVAL_S);
    expect(supervisorsOf(await server.state(supervised))).toMatchObject([{ callSid: ted }]);
    const { requests } = server.space;
    const firstCall = requests.findIndex((one) => one.startsWith('call'));
    const listed = new Set(requests.slice(0, firstCall).filter((one) => one.startsWith('participants')));
    expect(listed.size).toBe(ROOMS);
    requests.length = 0;
    await seconds(4 * INTERVAL_S);
    expect(comparisons(server, ROOMS - 1)).toBe(4);
  });

  it('that does not do for rooms that may be supervised is warned of after the store was wiped', async () => {
    const server = startServer({ requestsPerSecond: 5 });
    openMany(server);
    await seconds(16);
    expect(server.lines.some(({ msg }) => msg.includes('SWEEP_REQUESTS_PER_SECOND'))).toBe(true);
  });

  it('goes to supervised rooms first while the store is away', async () => {
    const server = startServer({ requestsPerSecond: 10, holder: "another's" });
    openMany(server);
    for (let index = 0; index < ROOMS; index++) {
      await server.record(roomNamed(`room-${index}`), {
        kind: 'moderator-arrived',
        callSid: sid(`alice-${index}`),
        ageMs: 0,
      });
    }
    await sendTed(server, ROOMS - 1);
    server.isDown = true;
    server.holder = 'unknown';
    await seconds(4 * INTERVAL_S);
    expect(comparisons(server, ROOMS - 1)).toBe(4);
  });

  it('is kept when lists are empty, which costs another request each', async () => {
    const server = startServer({ requestsPerSecond: 10 });
    for (let index = 0; index < ROOMS; index++) {
      server.space.open(roomNamed(`room-${index}`), sid(`cf-${index}`));
    }
    await seconds(60);
    expect(server.space.requests.length * 2).toBeLessThanOrEqual(10 * 60 + 25);
  });

  it('is kept when lists have several pages', async () => {
    const server = startServer({ requestsPerSecond: 10 });
    for (let index = 0; index < 3_000; index++) {
      server.space.open(roomNamed(`room-${index}`), sid(`cf-${index}`), [{ callSid: sid(`bob-${index}`) }]);
    }
    await seconds(30);
    const lists = server.space.requests.filter((one) => one === 'list').length;
    expect(server.space.requests.length + 4 * lists).toBeLessThanOrEqual(10 * 30);
  });

  it('is not used up by rooms that REST does not show', async () => {
    const server = startServer({ requestsPerSecond: 10 });
    openMany(server);
    server.space.trouble = (request) =>
      /^participants of cf-[0-3][0-9]/.test(request) ? new SpaceError('timeout', 'slow') : undefined;
    await seconds(20);
    expect(server.space.requests).toContain('participants of cf-58');
  });

  it('that does not do for the supervised rooms is warned of', async () => {
    const server = startServer({ requestsPerSecond: 5 });
    for (let index = 0; index < ROOMS; index++) {
      const room = roomNamed(`room-${index}`);
      openConversation(server, room, sid(`cf-${index}`), `${index}`);
      await server.record(room, {
        kind: 'supervisor-sent',
        callSid: sid(`ted-${index}`),
        stayNumber: 1,
        name: 'Ted',
        address: '***2222',
        mode: 'monitor',
        target: sid(`alice-${index}`),
        ageMs: 0,
      });
    }
    const isLate = () => server.lines.some(({ msg }) => msg.includes('SWEEP_REQUESTS_PER_SECOND'));
    await seconds(14);
    expect(isLate()).toBe(false);
    await seconds(2);
    expect(isLate()).toBe(true);
    // Lists are taken all the same: nothing else finds new conferences.
    expect(server.space.requests.filter((one) => one === 'list').length).toBeGreaterThanOrEqual(5);
  });
});
