import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Lookup } from '../../src/conferences/directory';
import { createLog } from '../../src/ops/log';
import { createOutbox } from '../../src/ops/outbox';
import type { Mode } from '../../src/rooms/mode';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import type { AuditRecord, SupervisionStore } from '../../src/supervision/audit';
import { createMemorySupervisionStore } from '../../src/supervision/memory-store';
import { createSupervision, type LiveControl, type Silence } from '../../src/supervision/supervision';

const room = parseRoomName('sales') as RoomName;
const ted = parseSid('ted-1') as Sid;
const alice = { callSid: parseSid('alice-1') as Sid, name: 'Alice' };
const carol = { callSid: parseSid('carol-1') as Sid, name: 'Carol' };
const LISTEN = 'listen';

/** One server: its supervision, over a store that may be shared, and a Space that does as it is told. */
function createServer(given: { store?: SupervisionStore } = {}) {
  const memory = given.store ?? createMemorySupervisionStore({ lifetimeMs: 3_600_000, now: Date.now });
  const state = {
    isDown: false,
    moderator: { state: 'live', ...alice } as Lookup,
    /** What comes of each attempt to silence, the last one for ever. */
    silences: [{ wasHeard: true, isMuted: true, isLed: true }] as (Silence | undefined | Error)[],
    /** What comes of the next announcements, before they succeed. */
    announcements: [] as Error[],
  };
  const done: string[] = [];
  const lines: { level: string; msg: string }[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) });
  const store = new Proxy(memory, {
    get: (target, name: keyof SupervisionStore) =>
      name === 'read'
        ? target.read
        : async (...args: never[]) => {
            if (state.isDown) {
              throw new Error('down');
            }
            return (target[name] as (...args: never[]) => unknown)(...args);
          },
  });
  const space: LiveControl = {
    async announce(_room, callSid, url) {
      const failure = state.announcements.shift();
      if (failure !== undefined) {
        throw failure;
      }
      done.push(`${url} ${callSid}`);
      return true;
    },
    async silence(_room, callSid, target) {
      done.push(`silence ${callSid} ${target}`);
      const result = state.silences.length > 1 ? state.silences.shift() : state.silences[0];
      if (result instanceof Error) {
        throw result;
      }
      return result;
    },
    async remove(_room, callSid) {
      done.push(`remove ${callSid}`);
    },
    async removeWaiting(_room, callSid) {
      done.push(`remove ${callSid} if nobody is there`);
      return true;
    },
  };
  const outbox = createOutbox({ log, retryMs: 500 });
  const supervision = createSupervision({
    store,
    outbox,
    space,
    findModerator: async () => state.moderator,
    notices: { policy: 'never', moderatorUrl: 'tell', supervisorUrl: LISTEN },
    now: Date.now,
    log,
  });
  const trail = async () => {
    const records: AuditRecord[] = [];
    for await (const record of memory.read(0)) {
      records.push(record);
    }
    return records;
  };
  const enter = (mode: Mode, stay: number, moderator = alice) =>
    supervision.enters({
      callSid: ted,
      stay,
      room,
      supervisor: 'Ted',
      number: '***2222',
      mode,
      moderator: moderator.name,
      moderatorCallSid: moderator.callSid,
    });
  const report = (kind: string, fields: Record<string, string> = {}, agoMs = 0) =>
    supervision.noteEvent(room, { StatusCallbackEvent: `participant-${kind}`, CallSid: ted, ...fields }, agoMs);
  return { memory, state, done, lines, supervision, trail, enter, report, outbox };
}

const settle = () => jest.advanceTimersByTimeAsync(0);

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('lastStay', () => {
  it('tells how a call was heard, also when its end was told first', async () => {
    const server = createServer();
    server.enter('coach', 1);
    await settle();
    const coached = { mode: 'coach', moderatorCallSid: 'alice-1' };
    expect(await server.supervision.lastStay(ted, 1)).toMatchObject(coached);
    server.report('leave');
    await settle();
    expect(await server.supervision.lastStay(ted, 1)).toMatchObject(coached);
  });

  it('tells that they were made to listen', async () => {
    const server = createServer();
    server.enter('coach', 1);
    server.state.moderator = { state: 'live', ...carol };
    await server.supervision.followModerator(room);
    await settle();
    expect(await server.supervision.lastStay(ted, 1)).toMatchObject({ mode: 'monitor', moderatorCallSid: 'carol-1' });
  });

  it('does not take another stay’s answer while the store is behind', async () => {
    const server = createServer();
    server.enter('coach', 1);
    await settle();
    server.state.isDown = true;
    server.supervision.leaves(room, ted, 1);
    server.enter('monitor', 2);
    await settle();
    server.state.isDown = false;
    expect(await server.supervision.lastStay(ted, 2)).toBeUndefined();
    await jest.advanceTimersByTimeAsync(500);
    expect(await server.supervision.lastStay(ted, 2)).toMatchObject({ mode: 'monitor' });
  });

  it('cannot tell while the store is away', async () => {
    const server = createServer();
    server.state.isDown = true;
    expect(await server.supervision.lastStay(ted, 1)).toBeUndefined();
  });
});

describe('a supervisor whose moderator was followed by another', () => {
  async function coaching() {
    const server = createServer();
    server.enter('coach', 1);
    server.report('join', { Muted: 'false', Coaching: 'true' });
    await settle();
    server.done.length = 0;
    server.state.moderator = { state: 'live', ...carol };
    return server;
  }

  it('is muted, told so, and noted as listening to the other one', async () => {
    const server = await coaching();
    await server.supervision.followModerator(room);
    await settle();
    expect(server.done).toEqual(['silence ted-1 carol-1', `${LISTEN} ted-1`]);
    expect(await server.memory.list(room)).toMatchObject([
      { mode: 'monitor', moderator: 'Carol', moderatorCallSid: 'carol-1' },
    ]);
    expect((await server.trail()).at(-1)).toMatchObject({ kind: 'mode', mode: 'monitor', confirmed: true });
    await server.supervision.followModerator(room);
    expect(server.done).toHaveLength(2);
  });

  it.each<
    [
      string,
      (server: Awaited<ReturnType<typeof coaching>>) => void,
      (server: Awaited<ReturnType<typeof coaching>>) => void,
    ]
  >([
    ['the store is away', ({ state }) => (state.isDown = true), ({ state }) => (state.isDown = false)],
    [
      'nobody can tell who moderates',
      ({ state }) => (state.moderator = { state: 'unknown' }),
      ({ state }) => (state.moderator = { state: 'live', ...carol }),
    ],
    [
      'the Space does not answer',
      ({ state }) => (state.silences = [new Error('slow')]),
      ({ state }) => (state.silences = [{ wasHeard: true, isMuted: true, isLed: true }]),
    ],
    [
      'the mute is not read back',
      ({ state }) => (state.silences = [{ wasHeard: true, isMuted: false, isLed: false }]),
      ({ state }) => (state.silences = [{ wasHeard: true, isMuted: true, isLed: true }]),
    ],
  ])('is muted later when at first %s, and told nothing before', async (_what, hinder, allow) => {
    const server = await coaching();
    hinder(server);
    const followed = server.supervision.followModerator(room);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(server.done).not.toContain(`${LISTEN} ted-1`);
    expect(await server.memory.list(room)).toMatchObject([{ mode: 'coach', moderator: 'Alice' }]);
    allow(server);
    await jest.advanceTimersByTimeAsync(10_000);
    await followed;
    expect(server.done.filter((one) => one === `${LISTEN} ted-1`)).toHaveLength(1);
    expect(await server.memory.list(room)).toMatchObject([{ mode: 'monitor', moderator: 'Carol' }]);
  });

  it.each<[string, Silence | Error]>([
    ['is never read back', { wasHeard: true, isMuted: false, isLed: true }],
    ['is never taken by the Space', new Error('400')],
  ])('is taken out if the mute %s, and never told that nobody hears them', async (_what, silence) => {
    const server = await coaching();
    server.state.silences = [silence];
    const followed = server.supervision.followModerator(room);
    await jest.advanceTimersByTimeAsync(60_000);
    await followed;
    expect(server.done.at(-1)).toBe('remove ted-1');
    expect(server.done).not.toContain(`${LISTEN} ted-1`);
    expect((await server.trail()).at(-1)).toMatchObject({ kind: 'mode', mode: 'monitor', confirmed: false });
    expect(await server.supervision.lastStay(ted, 1)).toMatchObject({ mode: 'monitor' });
    expect(server.lines.filter(({ level }) => level === 'error')).not.toEqual([]);
  });

  it('is told at once, whatever the store does', async () => {
    const server = await coaching();
    const silence = { wasHeard: true, isMuted: true, isLed: true };
    server.state.silences = [silence];
    const followed = server.supervision.followModerator(room);
    await settle();
    server.state.isDown = true;
    await followed;
    expect(server.done).toEqual(['silence ted-1 carol-1', `${LISTEN} ted-1`]);
  });

  it('is followed once by two servers, if one of them was first', async () => {
    const server = await coaching();
    const other = createServer({ store: server.memory });
    other.state.moderator = { state: 'live', ...carol };
    await server.supervision.followModerator(room);
    await settle();
    other.state.silences = [{ wasHeard: false, isMuted: true, isLed: true }];
    await other.supervision.followModerator(room);
    await settle();
    expect([...server.done, ...other.done].filter((one) => one.startsWith(LISTEN))).toHaveLength(1);
    expect((await server.trail()).filter(({ kind }) => kind === 'mode')).toHaveLength(1);
  });

  it('is muted also when they came in just then', async () => {
    const server = createServer();
    server.enter('coach', 1);
    server.state.moderator = { state: 'live', ...carol };
    server.report('join', { Muted: 'false', Coaching: 'true' });
    await settle();
    expect(server.done).toEqual(['silence ted-1 carol-1', `${LISTEN} ted-1`]);
  });

  it('is told again if telling them failed, and then noted', async () => {
    const server = await coaching();
    server.state.announcements = [new Error('slow')];
    server.state.silences = [
      { wasHeard: true, isMuted: true, isLed: true },
      { wasHeard: false, isMuted: true, isLed: true },
    ];
    const followed = server.supervision.followModerator(room);
    await jest.advanceTimersByTimeAsync(5_000);
    await followed;
    expect(server.done.filter((one) => one.startsWith(LISTEN))).toHaveLength(1);
    expect(await server.memory.list(room)).toMatchObject([{ mode: 'monitor' }]);
  });

  it('is seen to at once while another attempt waits', async () => {
    const server = await coaching();
    server.state.moderator = { state: 'unknown' };
    const followed = server.supervision.followModerator(room);
    await jest.advanceTimersByTimeAsync(16_000);
    server.state.moderator = { state: 'live', ...carol };
    void server.supervision.followModerator(room);
    await settle();
    expect(server.done).toEqual(['silence ted-1 carol-1', `${LISTEN} ted-1`]);
    await followed;
  });

  it('who speaks to everybody goes on doing so', async () => {
    const server = createServer();
    server.enter('barge', 1);
    await settle();
    server.state.moderator = { state: 'live', ...carol };
    await server.supervision.followModerator(room);
    expect(server.done).toEqual([]);
  });
});

describe('a callback', () => {
  it('of an earlier stay changes nothing about the present one', async () => {
    const server = createServer();
    server.enter('monitor', 1);
    server.report('join', { Muted: 'true' });
    await settle();
    await jest.advanceTimersByTimeAsync(10_000);
    server.supervision.leaves(room, ted, 1);
    server.enter('coach', 2);
    await jest.advanceTimersByTimeAsync(12_000);
    server.report('join', { Muted: 'true' }, 22_000);
    server.report('leave', {}, 12_500 + 1_000);
    await settle();
    expect(server.done).toEqual([]);
    expect(await server.memory.list(room)).toMatchObject([{ mode: 'coach', stay: 2 }]);
  });

  it('that a supervisor who speaks to everybody came in has them taken out of a room without a moderator', async () => {
    const server = createServer();
    server.enter('barge', 1);
    server.report('join', { Muted: 'false', Coaching: 'false' });
    await settle();
    expect(server.done).toEqual(['remove ted-1 if nobody is there']);
  });

  it('is followed up also when the store’s answer to it was lost', async () => {
    const server = createServer();
    server.enter('monitor', 1);
    await settle();
    const confirm = server.memory.confirm;
    server.memory.confirm = async (...args) => {
      await confirm(...args);
      server.memory.confirm = confirm;
      throw new Error('lost');
    };
    server.report('join', { Muted: 'false', Coaching: 'false' });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(server.done).toContain('silence ted-1 alice-1');
  });

  it('that says that a listener is heard has them muted', async () => {
    const server = createServer();
    server.enter('monitor', 1);
    server.report('join', { Muted: 'false', Coaching: 'true' });
    await settle();
    expect(server.done).toEqual(['silence ted-1 alice-1', `${LISTEN} ted-1`]);
    expect((await server.trail()).map(({ kind, confirmed, heardAs }) => [kind, confirmed, heardAs])).toEqual([
      ['entered', undefined, undefined],
      ['confirmed', false, 'coach'],
    ]);
  });

  it('of a call that supervises nobody is passed over', async () => {
    const server = createServer();
    server.report('join');
    server.report('leave');
    await settle();
    expect([await server.trail(), server.done]).toEqual([[], []]);
  });

  it('written late ends the stay that it told of, and no later one', async () => {
    const server = createServer();
    server.enter('monitor', 1);
    await settle();
    server.state.isDown = true;
    server.report('leave');
    await jest.advanceTimersByTimeAsync(5_000);
    // Another server has the store.
    const other = createServer({ store: server.memory });
    other.enter('coach', 2);
    await settle();
    server.state.isDown = false;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await server.memory.list(room)).toMatchObject([{ mode: 'coach', stay: 2 }]);
  });

  it('confirms a stay whose beginning is written late, together with it', async () => {
    const server = createServer();
    server.state.isDown = true;
    server.enter('coach', 1);
    await jest.advanceTimersByTimeAsync(1_000);
    server.report('join', { Muted: 'false', Coaching: 'true' });
    await jest.advanceTimersByTimeAsync(30_000);
    server.report('leave');
    server.state.isDown = false;
    await jest.advanceTimersByTimeAsync(5_000);
    expect((await server.trail()).map(({ kind }) => kind)).toEqual(['entered', 'confirmed', 'left']);
  });
});
