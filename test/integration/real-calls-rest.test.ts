import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectRedis, type RedisConnection } from '../../src/redis/redis-connection';
import type { Mode } from '../../src/rooms/mode';
import { SpaceError } from '../../src/signalwire/conference-api';
import type { Sid } from '../../src/signalwire/sid';
import type { Store } from '../../src/stores';
import { readStays, readTrail, type StayRecord } from '../../src/supervision/trail';
import { ALICE, BOB, startApp, TED, type TestApp } from '../support/app';
import { createClockedStore } from '../support/clocked-store';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';
import { createScriptedSpace, refusal, type ScriptedSpace, type Trouble } from '../support/scripted-space';

const CAROL = '+15557788998';
const sales = roomNamed('sales');
const alice = sid('alice-1');
const carol = sid('carol-1');
const bob = sid('bob-1');
const ted = sid('ted-1');
const NUMBERS: Readonly<Record<string, string>> = { [alice]: ALICE, [carol]: CAROL, [bob]: BOB, [ted]: TED };

const MUTE = 'mute ted-1 in cf-1';
const READ = 'read ted-1 in cf-1';
const MOVE = 'move ted-1 to https://coach.example.com/coach/sales?initial=coach&mode=monitor&moved=1&stay=1';
const NOTICE = 'announce https://coach.example.com/notices/supervisor to ted-1 in cf-1';
const COACH_CAROL = 'coach carol-1 as ted-1 in cf-1';
const REMOVE = 'remove ted-1 from cf-1';
/** All that is asked about a room as a whole. */
const LOOK_AT_ROOM = ['list sales', 'participants of cf-1'];

/** The notice reaches Ted alone, so that he is told without being moved. */
const PRIVATE = { ANNOUNCE_IS_PRIVATE: 'true' };

const UNREACHABLE = new SpaceError('unreachable', 'no');

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(() => server.dispose());

/** An empty Redis, which no server of an earlier test can write any more. */
async function emptyRedis(): Promise<RedisConnection> {
  const redis = connectRedis({ urls: [server.url], timeoutMs: 2_000, onConnection: () => {} });
  onTestFinished(redis.close);
  await eventually(() => redis.ping());
  await redis.client.flushall();
  return redis;
}

describe.each<[string, () => Promise<RedisConnection | undefined>]>([
  ['the embedded store', async () => undefined],
  ['Redis', emptyRedis],
])('real calls and REST, with %s', (_name, connect) => {
  let now: number;
  let space: ScriptedSpace;
  let store: Store;
  let app: TestApp;

  beforeEach(async () => {
    // Callbacks are dated to the second.
    now = Math.floor(Date.now() / 1_000) * 1_000;
    store = createClockedStore({ redis: await connect(), now: () => now });
    space = createScriptedSpace({ now: () => now });
    // By then the server may have been stopped.
    space.onLeave = (callSid, ConferenceSid) =>
      void report('participant-leave', callSid, { ConferenceSid }).catch(() => {});
  });

  const running = new Set<TestApp>();

  async function serve(env: Record<string, string> = {}): Promise<TestApp> {
    const roster = { MODERATOR_NUMBERS: `${ALICE},${CAROL}`, SUPERVISOR_NUMBERS: TED };
    const served = await startApp({ store, space: space.client, env: { ...roster, ...env }, now: () => now });
    running.add(served);
    onTestFinished(() => stop(served));
    return served;
  }

  const stop = async (served: TestApp) => {
    if (running.delete(served)) {
      await served.stop();
    }
  };

  const pass = (seconds: number) => {
    now += seconds * 1_000;
  };
  const ask = async (path: string, callSid: string, more: Record<string, string> = {}) =>
    (await app.post(path, { CallSid: callSid, From: NUMBERS[callSid] ?? '', ...more })).text;

  /** A status callback, dated now. */
  const report = (event: string, callSid: string, more: Record<string, string> = {}) =>
    app.post('/events/conference/sales', {
      StatusCallbackEvent: event,
      CallSid: callSid,
      ConferenceSid: 'cf-1',
      Timestamp: new Date(now).toUTCString(),
      ...more,
    });

  /** An agent asks for their document and enters. */
  async function agentEnters(callSid: Sid, ConferenceSid = sid('cf-1')): Promise<void> {
    pass(1);
    await ask('/conference/sales', callSid);
    space.enter(ConferenceSid, { callSid, isModerator: true });
    await report('participant-join', callSid, { ConferenceSid, EndConferenceOnExit: 'true' });
  }

  /** The Space lets the conference go on. */
  async function leaves(callSid: Sid): Promise<void> {
    pass(1);
    space.leave(callSid);
    await report('participant-leave', callSid);
  }

  /** Ted asks for his document, which the Space has not played yet. */
  async function tedDials(mode: Mode): Promise<void> {
    pass(1);
    expect(await ask(`/coach/sales${mode === 'coach' ? '' : `?mode=${mode}`}`, ted)).toContain('<Conference ');
  }

  /** The Space plays Ted's document. */
  async function tedEnters(mode: Mode, ConferenceSid = sid('cf-1')): Promise<void> {
    pass(1);
    const isMuted = mode === 'monitor';
    space.enter(ConferenceSid, { callSid: ted, isMuted, target: mode === 'barge' ? undefined : alice });
    await report('participant-join', ted, { ConferenceSid, Muted: String(isMuted), EndConferenceOnExit: 'false' });
  }

  /** Ted supervises Alice, who talks to Bob. */
  async function supervising(
    mode: Mode,
    { isCarolIn = false, env = PRIVATE }: { isCarolIn?: boolean; env?: Record<string, string> } = {},
  ): Promise<void> {
    app = await serve(env);
    space.open(sales, sid('cf-1'), [{ callSid: bob }]);
    await report('participant-join', bob, { EndConferenceOnExit: 'false' });
    if (isCarolIn) {
      await agentEnters(carol);
    }
    await agentEnters(alice);
    await tedDials(mode);
    await tedEnters(mode);
    await app.idle();
    // So long ago that REST is not expected to be behind.
    pass(5);
    space.requests.length = 0;
  }

  /** This becomes of the first requests that begin so; all others are answered. */
  function first(times: number, request: string, trouble: Trouble): (request: string) => Trouble {
    let count = 0;
    return (asked) => (asked.startsWith(request) && ++count <= times ? trouble : undefined);
  }

  /** The Space and the state both have Ted muted. */
  const tedIsMuted = () =>
    eventually(async () => {
      expect(space.party(ted)).toMatchObject({ isMuted: true });
      const { stays } = (await store.rooms.read(sales)).state;
      expect(stays.findLast(({ callSid }) => callSid === ted)).toMatchObject({ isMuted: true });
    });

  /** Ted is told, and the callback of his mute comes. */
  async function tedIsTold(): Promise<void> {
    await eventually(() => expect(space.requests).toContain(NOTICE));
    await report('participant-mute', ted, { Muted: 'true' });
    await app.idle();
  }

  async function staysOfTed(): Promise<StayRecord[]> {
    const rows: StayRecord[] = [];
    for await (const row of readStays(readTrail(store, 0))) {
      rows.push(row);
    }
    return rows;
  }

  describe('a supervisor who barges, when another conversation starts', () => {
    it('is muted where the conference goes on', async () => {
      await supervising('barge');
      // Alice's leave is never reported.
      space.leave(alice);
      await agentEnters(carol);
      await tedIsTold();
      expect(space.requests).toEqual([MUTE, READ, NOTICE, COACH_CAROL, READ]);
      expect(space.party(ted)).toMatchObject({ isMuted: true, target: carol });
    });

    it('is muted where they enter the next conference late', async () => {
      app = await serve();
      space.open(sales, sid('cf-1'));
      await agentEnters(alice);
      await tedDials('barge');
      space.close(sid('cf-1'));
      space.open(sales, sid('cf-2'));
      await agentEnters(carol, sid('cf-2'));
      await tedEnters('barge', sid('cf-2'));
      await eventually(() => expect(space.requests).toHaveLength(3));
      expect(space.requests.map((request) => request.slice(0, 4))).toEqual(['mute', 'read', 'move']);
    });
  });

  describe('a leave in the second in which the next stay starts', () => {
    it('ends an agent’s new stay of which no webhook told, until REST shows that it goes on', async () => {
      app = await serve();
      space.open(sales, sid('cf-1'), [{ callSid: bob }]);
      await agentEnters(alice);
      pass(10);
      await report('participant-leave', alice);
      await report('participant-join', alice, { EndConferenceOnExit: 'true' });
      expect(await ask('/coach/sales', ted)).toContain('No conversation in');
      pass(3);
      await app.sweep();
      expect(await ask('/coach/sales', ted)).toContain('coach="alice-1"');
    });

    it('ends a supervisor’s earlier stay: the new one is followed', async () => {
      await supervising('coach');
      expect(await ask('/coach/sales/ended?stay=1', ted, { DialCallStatus: 'completed' })).toContain('<Gather');
      await ask('/coach/sales/key?conference=cf-1&mode=coach&stay=1&target=alice-1', ted, { Digits: '2' });
      await report('participant-join', ted, { Muted: 'false', EndConferenceOnExit: 'false' });
      await report('participant-leave', ted);
      await app.idle();
      space.requests.length = 0;
      await agentEnters(carol);
      await tedIsMuted();
      const stays = await staysOfTed();
      expect(stays.map(({ stay, end }) => [stay, end !== undefined])).toEqual([
        [1, true],
        [2, false],
      ]);
    });
  });

  it.each(['the same server', 'another server'])(
    'a moderator leaves while REST fails for more than 30 s: the sweep of %s mutes when it is back',
    async (which) => {
      await supervising('coach', { isCarolIn: true });
      space.trouble = () => UNREACHABLE;
      await leaves(alice);
      await eventually(() => expect(space.requests.length).toBeGreaterThan(2));
      pass(31);
      await app.sweep();
      if (which === 'another server') {
        await stop(app);
        app = await serve(PRIVATE);
        await app.sweep();
      }
      expect(space.party(ted)).toMatchObject({ isMuted: false });
      space.trouble = () => undefined;
      await app.sweep();
      await tedIsMuted();
    },
  );

  describe('a moderator leaves, and REST', () => {
    it.each([
      ['answers 404 once', first(1, 'mute', 'missing')],
      ['answers 404 once when the mute is read back', first(1, 'read', 'missing')],
    ])('%s: the mute is tried again', async (_what, trouble) => {
      await supervising('coach', { isCarolIn: true });
      space.trouble = trouble;
      await leaves(alice);
      await tedIsMuted();
      expect(space.requests.filter((request) => request === READ).length).toBeGreaterThan(1);
    });

    it('does not list the conference for a second: the mute is tried again', async () => {
      await supervising('coach', { isCarolIn: true });
      space.trouble = () => 'missing';
      await leaves(alice);
      await eventually(() => expect(space.requests).toContain('list sales'));
      pass(1);
      space.trouble = () => undefined;
      await tedIsMuted();
    });

    it('lists the conference no more: the mute is tried until that has been so for two seconds', async () => {
      await supervising('coach', { isCarolIn: true });
      space.close(sid('cf-1'));
      await leaves(alice);
      const mutes = () => space.requests.filter((request) => request === MUTE).length;
      await eventually(() => expect(mutes()).toBeGreaterThan(2));
      pass(3);
      await app.idle();
      expect(await staysOfTed()).toMatchObject([{ startKnown: 'callback', endKnown: 'rest' }]);
    });

    it('takes long for each answer: the mute is the first request', async () => {
      await supervising('coach', { isCarolIn: true });
      space.latencyMs = 300;
      await leaves(alice);
      await tedIsMuted();
      expect(space.requests.slice(0, 2)).toEqual([MUTE, READ]);
    });

    it('answers 200 to the mute and does not apply it: only a mute that was read back lets the next target be set', async () => {
      await supervising('coach', { isCarolIn: true });
      space.trouble = first(2, 'mute', 'ignored');
      await leaves(alice);
      await tedIsTold();
      expect(space.requests).toEqual([MUTE, READ, MUTE, READ, MUTE, READ, NOTICE, COACH_CAROL, READ]);
    });
  });

  it('a supervisor who barges into a room whose conversation just ended is never heard in the next', async () => {
    app = await serve();
    space.open(sales, sid('cf-1'));
    await agentEnters(alice);
    await tedDials('barge');
    await leaves(alice);
    space.close(sid('cf-1'));
    await report('conference-end', alice);
    space.open(sales, sid('cf-2'));
    // No removal succeeds before the next agent is in.
    space.trouble = (request) =>
      request.startsWith('remove') && space.party(carol) === undefined ? refusal(500) : undefined;
    await tedEnters('barge', sid('cf-2'));
    await eventually(() => expect(space.requests).toContain('remove ted-1 from cf-2'));
    expect(space.party(ted)).toMatchObject({ isMuted: true });
    await agentEnters(carol, sid('cf-2'));
    await eventually(() => expect(space.requests).toContain(MOVE.replace('initial=coach', 'initial=barge')));
    const next = await ask('/coach/sales?initial=barge&mode=monitor&moved=1&stay=1', ted);
    expect(next).toContain('coach="carol-1" muted="true"');
  });

  it('a muted supervisor who is the last participant is removed', async () => {
    await supervising('monitor');
    await leaves(bob);
    await leaves(alice);
    await app.idle();
    expect(space.requests).toEqual([...LOOK_AT_ROOM, REMOVE]);
    expect(space.party(ted)).toBeUndefined();
  });

  describe('a supervisor who is muted, and read back so', () => {
    const at = (seconds: number) => new Date(now + seconds * 1_000).toISOString();

    it.each<[string, boolean, Record<string, string>, string, Trouble]>([
      ['then removed', false, {}, REMOVE, undefined],
      ['whose removal fails', false, {}, REMOVE, refusal(500)],
      ['then moved', true, {}, MOVE, undefined],
      ['whose move fails', true, {}, MOVE, refusal(500)],
      ['whose notice fails', true, PRIVATE, NOTICE, refusal(500)],
    ])('%s stands in the trail as they were heard, with times', async (_how, isCarolIn, env, request, trouble) => {
      await supervising('coach', { isCarolIn, env });
      // Each answer takes a second.
      space.trouble = (asked) => {
        pass(1);
        return asked === request ? trouble : undefined;
      };
      const [leftAt, readAt] = [at(1), at(2)];
      await leaves(alice);
      await eventually(() => expect(space.requests).toContain(request));
      const outAt = trouble === undefined ? at(0) : undefined;
      await eventually(async () => {
        const [stay] = await staysOfTed();
        expect(stay?.modes.slice(-3)).toEqual([
          expect.objectContaining({ mode: 'coach', heard: 'coach' }),
          expect.objectContaining({ at: leftAt, mode: 'monitor', heard: 'unknown' }),
          expect.objectContaining({ at: readAt, mode: 'monitor', heard: 'monitor' }),
        ]);
        expect(stay?.end).toBe(outAt);
      });
    });
  });

  it('a supervisor who hangs up during the announcement never joined, and has left when REST shows nobody', async () => {
    app = await serve();
    space.open(sales, sid('cf-1'), [{ callSid: bob }]);
    await agentEnters(alice);
    pass(1);
    expect(await ask('/supervisor', ted)).toMatch(/<Say>.*<Dial /);
    // There is no <Dial> yet whose action could be asked for.
    for (const seconds of [30, 31, 3]) {
      pass(seconds);
      await app.sweep();
    }
    expect(await staysOfTed()).toMatchObject([
      { start: undefined, startKnown: 'never', end: expect.any(String), endKnown: 'rest', modes: [] },
    ]);
  });
});
