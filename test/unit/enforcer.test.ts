import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import type { Mode } from '../../src/rooms/mode';
import { supervisorsOf } from '../../src/rooms/room';
import type { EventOf, RoomEvent } from '../../src/rooms/room-event';
import { createRooms } from '../../src/rooms/rooms';
import { SpaceError } from '../../src/signalwire/conference-api';
import type { Sid } from '../../src/signalwire/sid';
import { createMemoryStore, type Store } from '../../src/stores';
import type { Claim } from '../../src/supervision/redis-claims';
import { enforcerOver } from '../support/enforcer';
import { roomNamed, sid } from '../support/room-stores';
import { createScriptedSpace, refusal, type ScriptedSpace, type Trouble } from '../support/scripted-space';
import { supervisorsTrail } from '../support/trail';

const sales = roomNamed('sales');
const [ted, alice, carol, bob, cf1] = ['ted-1', 'alice-1', 'carol-1', 'bob-1', 'cf-1'].map(sid) as [
  Sid,
  Sid,
  Sid,
  Sid,
  Sid,
];
const NAMES: Readonly<Record<string, string>> = { [alice]: 'Alice', [carol]: 'Carol' };
const RETURN = 'https://coach.example.com/coach/sales?mode=monitor&moved=1&stay=1';
const MOVE = `move ted-1 to ${RETURN}`;
const NOTICE = 'announce https://coach.example.com/notices/supervisor to ted-1 in cf-1';
const MUTE = 'mute ted-1 in cf-1';
const READ = 'read ted-1 in cf-1';
/** Ted's target, set once more. */
const RENEW = 'coach alice-1 as ted-1 in cf-1';
const REMOVE = 'remove ted-1 from cf-1';
/** What the enforcer asks of a room as a whole. */
const LOOK_AT_ROOM = ['list sales', 'participants of cf-1'];
const LIFETIME_MS = 3_600_000;

interface Given {
  store?: Store;
  space?: ScriptedSpace;
  announceIsPrivate?: boolean;
  claim?: Claim;
  /** How far this server's clock is ahead of the store's, in milliseconds. */
  aheadMs?: number;
}

/** One server: its rooms over a store that may be shared, and an enforcer. */
function startServer({ announceIsPrivate = false, aheadMs = 0, claim, ...given }: Given = {}) {
  const store =
    given.store ?? createMemoryStore({ lifetimeMs: LIFETIME_MS, now: Date.now, monotonicNow: performance.now });
  const space = given.space ?? createScriptedSpace({ now: Date.now });
  const faults = { isDown: false, losesAnswers: false };
  const lines: { level: string; msg: string }[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) });
  const rooms = createRooms({
    store: {
      ...store.rooms,
      async read(...args) {
        failIf(faults.isDown);
        return store.rooms.read(...args);
      },
      async apply(...args) {
        failIf(faults.isDown);
        const snapshot = await store.rooms.apply(...args);
        failIf(faults.losesAnswers);
        return snapshot;
      },
    },
    space: undefined,
    lifetimeMs: LIFETIME_MS,
    log,
    now: () => Date.now() + aheadMs,
    monotonicNow: performance.now,
    onChange: (state) => enforcer.check(state),
  });
  const enforcer = enforcerOver({ rooms, space, announceIsPrivate, claim, log });
  stopping.push(enforcer.close);
  const record = async (event: RoomEvent) => {
    await rooms.record(sales, event);
    await settle();
  };
  const report = (kind: 'joined' | 'left' | 'muted' | 'unmuted', callSid: Sid, more: Partial<EventOf<'joined'>> = {}) =>
    record({ kind, callSid, conferenceSid: cf1, date: Date.now() - (more.ageMs ?? 0), ageMs: 0, ...more });
  if (given.space === undefined) {
    space.onLeave = (callSid) => void report('left', callSid);
  }
  return {
    store,
    space,
    faults,
    lines,
    record,
    report,
    check: enforcer.check,
    stop: enforcer.close,
    state: async () => (await store.rooms.read(sales)).state,
    async supervisor() {
      const [stay] = supervisorsOf((await store.rooms.read(sales)).state);
      return stay;
    },
    trail: () => supervisorsTrail(store),
    /** A moderator asks for a document and enters. */
    async moderatorEnters(callSid: Sid) {
      await record({ kind: 'moderator-arrived', callSid, name: NAMES[callSid], ageMs: 0 });
      space.enter(cf1, { callSid, isModerator: true });
      await report('joined', callSid, { isMuted: false, isModerator: true });
    },
    async callerEnters(callSid: Sid, more: Partial<EventOf<'joined'>> = {}) {
      space.enter(cf1, { callSid });
      await report('joined', callSid, { isMuted: false, isModerator: false, ...more });
    },
    /** A moderator hangs up, and the Space lets the conference go on. */
    async moderatorLeaves(callSid: Sid) {
      space.leave(callSid);
      await report('left', callSid);
    },
    send: (mode: Mode, number = 1, target = alice) =>
      record({
        kind: 'supervisor-sent',
        callSid: ted,
        stayNumber: number,
        name: 'Ted',
        address: '***2222',
        mode,
        target,
        moderatorName: NAMES[target],
        rejoinUrl: RETURN,
        ageMs: 0,
      }),
    /** The supervisor's document is played: they enter. Callbacks say nothing of coaching. */
    async supervisorEnters(mode: Mode, target = alice) {
      const isMuted = mode === 'monitor';
      space.enter(cf1, { callSid: ted, isMuted, target: mode === 'barge' ? undefined : target });
      await report('joined', ted, { isMuted });
    },
  };
}

type Server = ReturnType<typeof startServer>;

function failIf(isDown: boolean): void {
  if (isDown) {
    throw new Error('down');
  }
}

/** Alice talks to Bob, and Ted supervises her. */
async function supervising(mode: Mode, given: Given = {}): Promise<Server> {
  const server = startServer(given);
  server.space.open(sales, cf1);
  await server.moderatorEnters(alice);
  await server.callerEnters(bob);
  await server.send(mode);
  await server.supervisorEnters(mode);
  // Who is heard how was read.
  await seconds(2);
  server.space.requests.length = 0;
  return server;
}

/** What becomes of the first requests of one kind; later ones succeed. */
function first(times: number, request: string, trouble: Trouble): (request: string) => Trouble {
  let count = 0;
  return (asked) => (asked.startsWith(request) && ++count <= times ? trouble : undefined);
}

const settle = () => jest.advanceTimersByTimeAsync(0);
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

describe('a supervisor whose moderator was followed by another', () => {
  it('is muted, then moved to where they are told, and noted as listening to the other one', async () => {
    const server = await supervising('coach');
    await server.moderatorEnters(carol);
    await seconds(60);
    expect(server.space.requests).toEqual([MUTE, READ, MOVE]);
    expect((await server.trail()).slice(-2)).toMatchObject([
      { kind: 'mode', mode: 'monitor', moderator: 'Carol', moderatorCallSid: carol, confirmed: true },
      { kind: 'left', mode: 'monitor', moderator: 'Carol', confirmed: true },
    ]);
  });

  it('is muted, told alone, and given the next target only after the mute was read back', async () => {
    const server = await supervising('coach', { announceIsPrivate: true });
    await server.moderatorEnters(carol);
    await seconds(2);
    expect(server.space.requests).toEqual([MUTE, READ, NOTICE, 'coach carol-1 as ted-1 in cf-1', READ]);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true, target: carol });
    await seconds(60);
    expect(server.space.requests).toHaveLength(5);
  });

  it('is not given the next target while the Space takes the mute and does not apply it', async () => {
    const server = await supervising('coach', { announceIsPrivate: true });
    server.space.trouble = first(2, 'mute', 'ignored');
    await server.moderatorEnters(carol);
    expect(server.space.party(ted)).toMatchObject({ isMuted: false, target: alice });
    await seconds(10);
    expect(server.space.requests).toEqual([
      MUTE,
      READ,
      MUTE,
      READ,
      MUTE,
      READ,
      NOTICE,
      'coach carol-1 as ted-1 in cf-1',
      READ,
    ]);
  });

  it.each<[string, Trouble]>([
    ['is taken and never applied', 'ignored'],
    ['is never taken', refusal(400)],
  ])('is taken out if the mute %s, and never told that nobody hears them', async (_how, trouble) => {
    const server = await supervising('coach', { announceIsPrivate: true });
    server.space.trouble = (request) => (request.startsWith('mute') ? trouble : undefined);
    await server.moderatorEnters(carol);
    await seconds(10);
    expect(server.space.requests.at(-1)).toBe(REMOVE);
    expect(server.space.party(ted)).toBeUndefined();
    expect(server.space.requests).not.toContain(NOTICE);
    expect(server.space.requests.join()).not.toContain('coach carol-1');
    expect((await server.trail()).at(-1)).toMatchObject({ kind: 'left', mode: 'monitor', confirmed: false });
    expect(server.lines).toContainEqual(expect.objectContaining({ level: 'error' }));
    await seconds(60);
    expect(server.space.requests.at(-1)).toBe(REMOVE);
  });

  it.each<[string, (server: Server) => void, (server: Server) => void]>([
    ['the store is away', ({ faults }) => (faults.isDown = true), ({ faults }) => (faults.isDown = false)],
    [
      'the Space does not answer',
      ({ space }) => (space.trouble = () => new SpaceError('timeout', 'slow')),
      ({ space }) => (space.trouble = () => undefined),
    ],
    [
      'the mute is not applied',
      ({ space }) => (space.trouble = first(1, 'mute', 'ignored')),
      ({ space }) => (space.trouble = () => undefined),
    ],
    [
      'REST does not know them',
      ({ space }) => (space.trouble = first(1, 'mute', 'missing')),
      ({ space }) => (space.trouble = () => undefined),
    ],
  ])('is muted and told in the end when at first %s', async (_what, hinder, allow) => {
    const server = await supervising('coach', { announceIsPrivate: true });
    hinder(server);
    await server.moderatorEnters(carol);
    await seconds(1);
    allow(server);
    await seconds(10);
    expect(server.space.requests.filter((one) => one === NOTICE)).toHaveLength(1);
    expect(await server.supervisor()).toMatchObject({
      isMuted: true,
      supervision: { mode: 'monitor', moderatorName: 'Carol', coachedCall: carol },
    });
  });

  it('is muted and told at once, whatever the store does', async () => {
    const server = await supervising('coach');
    server.faults.isDown = true;
    await server.moderatorEnters(carol);
    expect(server.space.requests).toEqual([MUTE, READ, MOVE]);
  });

  it('is told once by two servers', async () => {
    const server = await supervising('coach', { announceIsPrivate: true });
    const other = startServer({ ...server, announceIsPrivate: true });
    await server.moderatorEnters(carol);
    await seconds(5);
    other.check(await server.state());
    await seconds(5);
    expect(server.space.requests.filter((one) => one === NOTICE)).toHaveLength(1);
    const modes = (await server.trail()).filter(({ kind, mode }) => kind === 'mode' && mode === 'monitor');
    expect(modes.map(({ heard }) => heard)).toEqual(['unknown', 'monitor']);
  });

  it('is moved once by two servers that see it at the same moment', async () => {
    const claims = new Map<string, number>();
    const claimAs =
      (holder: number): Claim =>
      async (name) =>
        claims.set(name, claims.get(name) ?? holder).get(name) === holder;
    const server = await supervising('coach', { claim: claimAs(1) });
    const other = startServer({ ...server, claim: claimAs(2) });
    server.space.latencyMs = 100;
    await server.moderatorEnters(carol);
    other.check(await server.state());
    await seconds(20);
    expect(server.space.requests.filter((one) => one === MUTE)).toHaveLength(2);
    expect(server.space.requests.filter((one) => one === MOVE)).toHaveLength(1);
  });

  it('is left to the server that was faster', async () => {
    const server = await supervising('coach', { announceIsPrivate: true });
    const other = startServer({ ...server, announceIsPrivate: true });
    server.space.latencyMs = 100;
    await server.moderatorEnters(carol);
    const unheard = await server.state();
    await seconds(5);
    server.space.requests.length = 0;
    server.space.trouble = first(1, 'mute', new SpaceError('unreachable', 'no'));
    other.check(unheard);
    await seconds(10);
    expect(server.space.requests).toEqual([MUTE]);
  });

  it('is muted also when that happened while they were on the way in', async () => {
    const server = startServer();
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('coach');
    await server.moderatorEnters(carol);
    await server.supervisorEnters('coach');
    expect(server.space.requests).toEqual([MUTE, READ, MOVE]);
  });

  it('is told later if telling them failed', async () => {
    const server = await supervising('coach', { announceIsPrivate: true });
    server.space.trouble = first(2, 'announce', new SpaceError('unreachable', 'no'));
    await server.moderatorEnters(carol);
    await seconds(20);
    expect(server.space.requests.filter((one) => one === NOTICE)).toHaveLength(3);
    expect(await server.supervisor()).toMatchObject({ supervision: { mode: 'monitor', heard: 'monitor' } });
  });

  it('is corrected at once while another attempt waits', async () => {
    const server = await supervising('coach');
    server.space.trouble = () => new SpaceError('unreachable', 'no');
    await server.moderatorEnters(carol);
    await seconds(16);
    server.space.trouble = () => undefined;
    server.space.requests.length = 0;
    await server.report('joined', bob);
    expect(server.space.requests).toEqual([MUTE, READ, MOVE]);
  });

  it('is muted also if they spoke to everybody', async () => {
    const server = await supervising('barge');
    await server.moderatorEnters(carol);
    expect(server.space.requests).toEqual([MUTE, READ, MOVE]);
  });

  it('is told nothing if they only listened, and listens to the other one', async () => {
    const server = await supervising('monitor');
    await server.moderatorEnters(carol);
    await seconds(1);
    expect(server.space.requests).toEqual(['coach carol-1 as ted-1 in cf-1', READ]);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true, target: carol });
  });
});

describe('a coach whom a newcomer may hear', () => {
  const [bob2, bob3] = ['bob-2', 'bob-3'].map(sid) as [Sid, Sid];
  const refused = (request: string) => (request === RENEW ? refusal(422) : undefined);
  const unreachable = (request: string) => (request === RENEW ? new SpaceError('unreachable', 'no') : undefined);

  it('is retargeted once for each newcomer, and read back', async () => {
    const server = await supervising('coach');
    await seconds(60);
    expect(server.space.requests).toEqual([]);
    for (const count of [1, 2]) {
      await server.callerEnters([bob2, bob3][count - 1] as Sid);
      await seconds(60);
      expect(server.space.requests).toEqual(Array(count).fill([RENEW, READ]).flat());
    }
    expect(await server.supervisor()).toMatchObject({ isMuted: false, supervision: { mode: 'coach', heard: 'coach' } });
  });

  it('is retargeted before REST is asked how they are heard', async () => {
    const server = await supervising('coach');
    server.space.latencyMs = 1_000;
    await server.send('coach', 2);
    await server.supervisorEnters('coach');
    await server.callerEnters(bob2);
    await seconds(1);
    expect(server.space.requests).toEqual([READ, RENEW]);
  });

  it('is retargeted when a caller comes back', async () => {
    const server = await supervising('coach');
    server.space.leave(bob);
    await server.report('left', bob);
    await seconds(5);
    await server.callerEnters(bob);
    await seconds(60);
    expect(server.space.requests).toEqual([RENEW, READ]);
  });

  it('is retargeted when REST shows a newcomer whom no callback reported', async () => {
    const server = await supervising('coach');
    const participant = { isMuted: false, isOnHold: false, coachedCall: 'nobody' as const, joinAgeMs: 3_000 };
    await server.record({
      kind: 'participant-observed',
      conferenceSid: cf1,
      participant: { ...participant, callSid: bob2, isModerator: false },
      ageMs: 0,
    });
    await seconds(60);
    expect(server.space.requests).toEqual([RENEW, READ]);
  });

  it('is left alone when the callback of an earlier participant is late', async () => {
    const server = await supervising('coach');
    await server.callerEnters(bob2, { ageMs: 20_000 });
    await seconds(60);
    expect(server.space.requests).toEqual([]);
  });

  it.each(['monitor', 'barge'] as const)('is left alone in mode %s', async (mode) => {
    const server = await supervising(mode);
    await server.callerEnters(bob2);
    await seconds(60);
    expect(server.space.requests).toEqual([]);
  });

  it('is retargeted without a pause while callers enter one after the other', async () => {
    const server = await supervising('coach');
    server.space.latencyMs = 50;
    for (let i = 0; i < 20; i++) {
      await server.callerEnters(sid(`caller-${i}`));
      await jest.advanceTimersByTimeAsync(110);
    }
    expect(server.space.requests).toEqual(Array(20).fill([RENEW, READ]).flat());
    await seconds(60);
    expect(server.space.requests).toHaveLength(40);
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('is retargeted once more for those who enter during the request', async () => {
    const server = await supervising('coach');
    server.space.latencyMs = 1_000;
    await server.callerEnters(bob2);
    for (let i = 0; i < 5; i++) {
      await server.callerEnters(sid(`caller-${i}`));
    }
    await seconds(60);
    expect(server.space.requests).toEqual([RENEW, READ, RENEW, READ]);
  });

  it.each<[string, (request: string) => Trouble]>([
    ['REST refuses it', first(2, RENEW, refusal(422))],
    ['REST is away', first(2, RENEW, new SpaceError('unreachable', 'no'))],
    ['REST does not know them', first(2, RENEW, 'missing')],
    ['they cannot be read', first(2, READ, new SpaceError('timeout', 'slow'))],
  ])('is retargeted later if at first %s', async (_what, trouble) => {
    const server = await supervising('coach');
    server.space.trouble = trouble;
    await server.callerEnters(bob2);
    await seconds(60);
    expect(server.space.requests.filter((one) => one === RENEW)).toHaveLength(3);
    expect(server.space.requests.slice(-2)).toEqual([RENEW, READ]);
  });

  it.each<[string, (request: string) => Trouble]>([
    ['refuses', refused],
    ['does not answer', unreachable],
  ])('is retargeted seven times at most while REST %s, and the log says so', async (_what, trouble) => {
    const server = await supervising('coach');
    server.space.trouble = trouble;
    await server.callerEnters(bob2);
    await seconds(300);
    expect(server.space.requests.filter((one) => one === RENEW)).toHaveLength(7);
    expect(server.lines).toContainEqual(expect.objectContaining({ level: 'error' }));
  });

  it('is retargeted a bounded number of times, though the store’s clock was set back', async () => {
    const server = await supervising('coach');
    await server.callerEnters(bob2);
    await seconds(1);
    jest.setSystemTime(Date.now() - 60_000);
    server.space.latencyMs = 10;
    server.space.requests.length = 0;
    await server.callerEnters(bob3);
    await seconds(300);
    expect(server.space.requests.filter((one) => one === RENEW).length).toBeLessThanOrEqual(10);
  });

  it('is heard as before when two servers retarget them at once', async () => {
    const server = await supervising('coach');
    const other = startServer(server);
    server.space.latencyMs = 100;
    await server.callerEnters(bob2);
    other.check(await server.state());
    await seconds(60);
    expect(server.space.requests.toSorted()).toEqual([RENEW, RENEW, READ, READ]);
    expect(server.space.party(ted)).toMatchObject({ isMuted: false, target: alice });
  });
});

describe('a correction that REST answers without effect', () => {
  const [bob2, bob3] = ['bob-2', 'bob-3'].map(sid) as [Sid, Sid];

  /** REST says that Ted coaches, and not whom. */
  function hideTarget({ space }: Server): void {
    const { findParticipant } = space.client;
    space.client.findParticipant = async (...args) => {
      const seen = await findParticipant(...args);
      return seen && { ...seen, target: undefined, isCoaching: true };
    };
  }

  /** What the sweep records, every 2.5 s. */
  async function observe(server: Server, forS: number): Promise<void> {
    const shown = {
      isMuted: false,
      isOnHold: false,
      isModerator: false,
      // The Space gives no date.
      joinAgeMs: 1,
      coachedCall: 'nobody',
    } as const;
    for (let passedS = 0; passedS < forS; passedS += 2.5) {
      await seconds(2.5);
      await server.record({
        kind: 'room-observed',
        conference: { sid: cf1 },
        participants: [
          { ...shown, callSid: alice, isModerator: true },
          ...[bob, bob2, bob3].filter(server.space.party).map((callSid) => ({ ...shown, callSid })),
          { ...shown, callSid: ted, isMuted: server.space.party(ted)?.isMuted ?? false, coachedCall: undefined },
        ],
        ageMs: 0,
      });
    }
  }

  const count = ({ space }: Server, request: string) => space.requests.filter((one) => one === request).length;
  const errors = ({ lines }: Server) => lines.filter(({ level }) => level === 'error');

  it('is given up once, and tried again when the stay has changed', async () => {
    const server = startServer();
    hideTarget(server);
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('coach');
    await server.supervisorEnters('coach');
    await observe(server, 600);
    expect(count(server, READ)).toBe(7);
    expect(errors(server)).toHaveLength(1);
    server.space.requests.length = 0;
    await server.report('unmuted', ted);
    await observe(server, 600);
    expect(count(server, READ)).toBe(7);
    expect(errors(server)).toHaveLength(2);
  });

  it('is given up once for each newcomer', async () => {
    const server = await supervising('coach');
    server.space.trouble = (request) => (request === RENEW ? refusal(422) : undefined);
    await server.callerEnters(bob2);
    await observe(server, 300);
    expect(count(server, RENEW)).toBe(7);
    await server.callerEnters(bob3);
    await observe(server, 300);
    expect(count(server, RENEW)).toBe(14);
    expect(errors(server)).toHaveLength(2);
  });

  it.each([
    ['does not answer', new SpaceError('timeout', 'slow')],
    ['has a fault of its own', refusal(503)],
  ])('is not given up for good while REST %s', async (_what, trouble) => {
    const server = await supervising('coach');
    server.space.trouble = () => trouble;
    await server.callerEnters(bob2);
    await seconds(120);
    server.space.trouble = () => undefined;
    server.space.requests.length = 0;
    await observe(server, 2.5);
    expect(server.space.requests).toEqual([RENEW, READ]);
  });

  it('keeps no mute from being sent', async () => {
    const server = startServer();
    hideTarget(server);
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('coach');
    await server.supervisorEnters('coach');
    await observe(server, 60);
    await server.moderatorEnters(carol);
    await seconds(1);
    expect(server.space.party(ted)).toBeUndefined();
    expect(count(server, MUTE)).toBe(1);
  });
});

describe('a supervisor whose moderator left', () => {
  it('is muted first of all, though every answer of REST takes two seconds', async () => {
    const server = await supervising('coach');
    server.space.latencyMs = 2_000;
    await server.moderatorLeaves(alice);
    expect(server.space.requests).toEqual([MUTE]);
    await seconds(2);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true });
  });

  it.each([
    ['answers 404 once', first(1, 'mute', 'missing')],
    ['answers 404 once when the mute is read back', first(1, 'read', 'missing')],
  ])('is muted when REST %s', async (_how, trouble) => {
    const server = await supervising('coach');
    server.space.trouble = trouble;
    await server.moderatorLeaves(alice);
    await seconds(2);
    expect(server.space.requests.slice(-5)).toEqual([MUTE, READ, ...LOOK_AT_ROOM, REMOVE]);
  });

  it('is muted when REST answers 404 and lists no conference for a second', async () => {
    const server = await supervising('coach');
    server.space.trouble = () => 'missing';
    await server.moderatorLeaves(alice);
    await seconds(1);
    server.space.trouble = () => undefined;
    await seconds(5);
    expect(server.space.requests.slice(-5)).toEqual([MUTE, READ, ...LOOK_AT_ROOM, REMOVE]);
  });

  it('is no longer looked for when REST has listed them nowhere for two seconds', async () => {
    const server = await supervising('coach');
    server.space.close(cf1);
    await server.report('left', alice);
    await seconds(10);
    expect(await server.supervisor()).toBeUndefined();
    expect((await server.trail()).at(-1)).toMatchObject({ kind: 'left', source: 'rest' });
    const count = server.space.requests.length;
    await seconds(60);
    expect(server.space.requests).toHaveLength(count);
  });

  it('is muted when REST is back after more than half a minute', async () => {
    const server = await supervising('coach');
    server.space.trouble = () => new SpaceError('unreachable', 'no');
    await server.moderatorLeaves(alice);
    await seconds(120);
    server.space.trouble = () => undefined;
    server.space.requests.length = 0;
    await seconds(5);
    expect(server.space.requests).toEqual([MUTE, READ, ...LOOK_AT_ROOM, REMOVE]);
  });

  it('stands in the trail as listening from when the mute was read back, though telling and removing fail', async () => {
    const server = await supervising('coach');
    server.space.trouble = (request) => (/^(move|remove)/.test(request) ? refusal(500) : undefined);
    server.space.latencyMs = 1_000;
    await seconds(10);
    const leftAt = Date.now();
    await server.moderatorLeaves(alice);
    await seconds(20);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true });
    const trail = (await server.trail()).map(({ kind, mode, heard, confirmed, at }) => ({
      kind,
      mode,
      heard,
      confirmed,
      afterMs: Date.parse(at) - leftAt,
    }));
    expect(trail.slice(-2)).toEqual([
      { kind: 'mode', mode: 'monitor', heard: 'unknown', confirmed: false, afterMs: 0 },
      // Read one second after the mute was taken; it is dated by when the question was asked.
      { kind: 'mode', mode: 'monitor', heard: 'monitor', confirmed: true, afterMs: 1_000 },
    ]);
  });

  it('is moved to an address of the room if nobody remembers their document', async () => {
    const server = startServer();
    server.space.open(sales, cf1, [{ callSid: bob }, { callSid: ted, target: alice }]);
    await server.moderatorEnters(carol);
    await server.record({
      kind: 'participant-observed',
      conferenceSid: cf1,
      participant: {
        callSid: ted,
        isMuted: false,
        isOnHold: false,
        coachedCall: alice,
        joinAgeMs: 60_000,
        isModerator: false,
      },
      ageMs: 0,
    });
    expect(server.space.requests).toEqual([
      MUTE,
      READ,
      'move ted-1 to https://coach.example.com/coach/sales?mode=monitor&moved=1&stay=1000',
    ]);
  });
});

describe('a supervisor in a conference without a moderator', () => {
  it('is removed when they are muted and the last participant, or the next caller would join them', async () => {
    const server = await supervising('monitor');
    server.space.leave(bob);
    await server.report('left', bob);
    await server.moderatorLeaves(alice);
    expect(server.space.requests).toEqual([...LOOK_AT_ROOM, REMOVE]);
  });

  it('is muted and taken out if they speak to everybody, also when the first removal fails', async () => {
    const server = startServer({ announceIsPrivate: true });
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('barge');
    await server.moderatorLeaves(alice);
    server.space.trouble = first(1, 'remove', refusal(500));
    await server.supervisorEnters('barge');
    expect(server.space.requests.slice(0, 2)).toEqual([MUTE, READ]);
    await seconds(5);
    expect(server.space.requests.filter((one) => one === REMOVE)).toHaveLength(2);
    expect(server.space.party(ted)).toBeUndefined();
  });

  it('is removed when REST is back after more than half a minute', async () => {
    const server = await supervising('monitor');
    server.space.trouble = (request) => (request.startsWith('remove') ? refusal(503) : undefined);
    await server.moderatorLeaves(alice);
    await seconds(120);
    server.space.trouble = () => undefined;
    await seconds(5);
    expect(server.space.party(ted)).toBeUndefined();
  });

  it('is never heard in the next conversation when no removal succeeds', async () => {
    const server = startServer({ announceIsPrivate: true });
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('barge');
    await server.moderatorLeaves(alice);
    server.space.trouble = (request) => (request.startsWith('remove') ? refusal(500) : undefined);
    await server.supervisorEnters('barge');
    await server.moderatorEnters(carol);
    await seconds(10);
    expect(server.space.party(ted)).toMatchObject({ isMuted: true });
  });

  it('stays while a moderator is on the way in, and is removed when they do not come', async () => {
    const server = await supervising('monitor');
    await server.record({ kind: 'moderator-arrived', callSid: carol, name: 'Carol', ageMs: 0 });
    await server.moderatorLeaves(alice);
    await seconds(9);
    server.check(await server.state());
    await settle();
    expect(server.space.requests.join()).not.toContain('remove');
    await seconds(2);
    server.check(await server.state());
    await settle();
    expect(server.space.requests.at(-1)).toBe(REMOVE);
  });

  it('stays while a moderator is on the way in, though the server’s clock is 11 s ahead', async () => {
    const server = await supervising('monitor', { aheadMs: 11_000 });
    await server.record({ kind: 'moderator-arrived', callSid: carol, name: 'Carol', ageMs: 0 });
    await server.moderatorLeaves(alice);
    await seconds(9);
    server.check(await server.state());
    await settle();
    expect(server.space.requests).toEqual([]);
    await seconds(2);
    server.check(await server.state());
    await settle();
    expect(server.space.requests.at(-1)).toBe(REMOVE);
  });

  it('stays when REST shows a moderator whom nobody had reported', async () => {
    const server = await supervising('monitor');
    server.space.enter(cf1, { callSid: carol, isModerator: true });
    await server.moderatorLeaves(alice);
    await seconds(1);
    expect(server.space.requests).toEqual([...LOOK_AT_ROOM, 'coach carol-1 as ted-1 in cf-1', READ]);
  });

  it('stays while REST does not list that conference yet', async () => {
    const server = await supervising('monitor');
    server.space.trouble = first(3, 'list', 'missing');
    // The report is wrong: Alice is still in.
    await server.report('left', alice);
    await seconds(60);
    expect(server.space.requests).toEqual(['list sales', 'list sales', 'list sales', ...LOOK_AT_ROOM]);
    expect(server.space.party(ted)).toBeDefined();
  });
});

describe('a callback', () => {
  it('that says nothing of coaching is completed by REST', async () => {
    const server = startServer();
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('coach');
    await server.supervisorEnters('coach');
    expect(server.space.requests).toEqual([READ]);
    await seconds(60);
    expect(server.space.requests).toEqual([READ]);
    expect((await server.trail()).map(({ kind, heard, confirmed }) => [kind, heard, confirmed])).toEqual([
      ['arrived', 'unknown', undefined],
      ['joined', 'unknown', false],
      ['mode', 'coach', true],
    ]);
  });

  it('that says that a listener is heard, who entered muted, has nobody told or moved', async () => {
    const server = startServer();
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('monitor');
    server.space.enter(cf1, { callSid: ted, isMuted: true, target: alice });
    await server.report('joined', ted, { isMuted: false });
    await seconds(60);
    expect(server.space.requests).toEqual([READ, MUTE, READ]);
    expect(await server.supervisor()).toMatchObject({ isMuted: true, supervision: { heard: 'monitor' } });
  });

  it('that says that a listener is heard has the mute sent without waiting for REST to confirm it', async () => {
    const server = startServer();
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('monitor');
    server.space.enter(cf1, { callSid: ted, target: alice });
    server.space.latencyMs = 2_000;
    await server.report('joined', ted, { isMuted: false });
    expect(server.space.requests).toEqual([READ, MUTE]);
  });

  it('that says that a listener is heard has them muted', async () => {
    const server = startServer({ announceIsPrivate: true });
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('monitor');
    server.space.enter(cf1, { callSid: ted, target: alice });
    await server.report('joined', ted, { isMuted: false, coachedCall: alice });
    expect(server.space.requests).toEqual([READ, MUTE, READ, NOTICE]);
    expect((await server.trail()).map(({ kind, heard, confirmed }) => [kind, heard, confirmed])).toEqual([
      ['arrived', 'unknown', undefined],
      ['joined', 'coach', false],
      ['mode', 'monitor', true],
    ]);
  });

  it('that says that a coach is heard by everybody has them muted', async () => {
    const server = await supervising('coach');
    server.space.enter(cf1, { callSid: ted });
    await server.report('unmuted', ted, { isMuted: false, coachedCall: 'nobody' });
    expect(server.space.requests[0]).toBe(MUTE);
    expect((await server.trail()).filter(({ kind }) => kind === 'mode').at(-1)).toMatchObject({
      mode: 'monitor',
      heard: 'monitor',
      confirmed: true,
    });
  });

  it('is corrected even if the store’s answer to it was lost', async () => {
    const server = startServer();
    server.space.open(sales, cf1);
    await server.moderatorEnters(alice);
    await server.send('monitor');
    server.space.enter(cf1, { callSid: ted, target: alice });
    server.faults.losesAnswers = true;
    await server.report('joined', ted, { isMuted: false });
    expect(server.space.requests.slice(0, 2)).toEqual([READ, MUTE]);
  });

  it('of an earlier stay changes nothing about the present one', async () => {
    const server = await supervising('monitor');
    await seconds(10);
    server.space.leave(ted);
    await server.record({ kind: 'dial-ended', callSid: ted, stayNumber: 1, ageMs: 0 });
    await server.send('coach', 2);
    await seconds(5);
    await server.supervisorEnters('coach');
    await seconds(7);
    server.space.requests.length = 0;
    await server.report('joined', ted, { isMuted: true, ageMs: 24_000 });
    await server.report('left', ted, { ageMs: 12_500 });
    await seconds(5);
    expect(server.space.requests).toEqual([]);
    expect(await server.supervisor()).toMatchObject({ supervision: { mode: 'coach', heard: 'coach', stayNumber: 2 } });
  });

  it('older than what is known does not make the mode known again', async () => {
    const server = await supervising('coach');
    await seconds(10);
    await server.report('unmuted', ted, { isMuted: false });
    server.space.trouble = () => new SpaceError('unreachable', 'no');
    await server.moderatorEnters(carol);
    await server.report('muted', ted, { isMuted: true, ageMs: 5_000 });
    expect(await server.supervisor()).toMatchObject({ isMuted: false });
    expect((await server.trail()).at(-1)).toMatchObject({ kind: 'mode', mode: 'monitor', heard: 'unknown' });
  });

  it('of the same second as the one before counts, though their ages are measured anew', async () => {
    const server = startServer();
    await server.moderatorEnters(alice);
    await server.send('coach');
    await server.report('joined', ted, { isMuted: false, coachedCall: alice, ageMs: 500 });
    await server.report('muted', ted, { isMuted: true, ageMs: 503 });
    expect(await server.supervisor()).toMatchObject({ isMuted: true, supervision: { heard: 'monitor' } });
  });

  it('of another, dated to the second, changes a mode no earlier than its stay begins', async () => {
    const server = startServer();
    await server.moderatorEnters(alice);
    await server.send('coach');
    await server.report('joined', ted, { isMuted: false, coachedCall: alice });
    await server.record({ kind: 'moderator-arrived', callSid: carol, name: 'Carol', ageMs: 0 });
    await server.report('joined', carol, { isModerator: true, ageMs: 900 });
    const [joined, mode] = (await server.trail()).slice(1);
    expect([joined, mode]).toMatchObject([{ kind: 'joined' }, { kind: 'mode', moderator: 'Carol', at: joined?.at }]);
  });

  it('of a call that supervises nobody asks nothing of REST', async () => {
    const server = startServer();
    await server.report('joined', ted, { isModerator: false });
    await server.report('left', ted);
    expect([await server.trail(), server.space.requests]).toEqual([[], []]);
  });

  it('written late ends the stay that it told of, and no later one', async () => {
    const server = await supervising('monitor');
    server.faults.isDown = true;
    await server.report('left', ted);
    await seconds(5);
    // Another server has the store.
    const other = startServer(server);
    await other.send('coach', 2);
    await seconds(1);
    server.faults.isDown = false;
    await seconds(10);
    expect(await server.supervisor()).toMatchObject({ supervision: { mode: 'coach', stayNumber: 2 } });
  });

  it('confirms a stay whose beginning is written late, together with it', async () => {
    const server = startServer();
    server.faults.isDown = true;
    await server.record({ kind: 'moderator-arrived', callSid: alice, ageMs: 0 });
    await server.send('coach');
    await seconds(1);
    await server.report('joined', ted, { isMuted: false, coachedCall: alice });
    await seconds(30);
    await server.report('left', ted);
    server.faults.isDown = false;
    await seconds(10);
    expect((await server.trail()).map(({ kind }) => kind)).toEqual(['arrived', 'joined', 'left']);
  });
});

it('stops asking when it is closed', async () => {
  const server = await supervising('coach');
  server.space.trouble = () => new SpaceError('unreachable', 'no');
  await server.moderatorLeaves(alice);
  server.stop();
  server.space.requests.length = 0;
  await seconds(60);
  expect(server.space.requests).toEqual([]);
});

describe('a mute that somebody requested through the API, whose server is gone', () => {
  it.each<[string, Partial<EventOf<'action-updated'>>[], number]>([
    ['is made up for, and the supervisor is not moved to hear of it', [], 0],
    ['as after a change that failed', [{ status: 'failed', reason: 'timeout' }], 0],
    ['but not after a change that the server itself ended', [{ status: 'failed', reason: 'muted-by-server' }], 1],
  ])('%s', async (_what, updates, moves) => {
    const { record, space } = await supervising('coach');
    const [mode, target] = updates.length === 0 ? (['monitor', undefined] as const) : (['barge', alice] as const);
    await record({
      kind: 'action-requested',
      id: '1',
      name: 'mode',
      by: 'token board',
      callSid: ted,
      mode,
      target,
      ageMs: 0,
    });
    for (const update of updates) {
      await record({ kind: 'action-updated', id: '1', status: 'failed', ageMs: 0, ...update });
    }
    await seconds(3);
    // What the sweep records wakes the enforcer.
    await record({ kind: 'call-ended', callSid: carol, ageMs: 0 });
    await seconds(5);
    expect(space.requests).toContain(MUTE);
    expect(space.requests.filter((request) => request.startsWith('move'))).toHaveLength(moves);
  });
});
