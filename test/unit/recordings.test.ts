import { describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import type { RecordingState } from '../../src/rooms/recording';
import type { RoomEvent } from '../../src/rooms/room-event';
import { createRooms } from '../../src/rooms/rooms';
import { type ConferenceApi, SpaceError } from '../../src/signalwire/conference-api';
import type { Sid } from '../../src/signalwire/sid';
import { createMemoryStore } from '../../src/stores';
import { createActionRunner } from '../../src/supervision/action-runner';
import { createRecordingActions } from '../../src/supervision/recordings';
import { onTestFinished } from '../support/on-test-finished';
import { roomNamed, sid } from '../support/room-stores';
import { createScriptedSpace, refusal, type Trouble } from '../support/scripted-space';

const [sales, other] = [roomNamed('sales'), roomNamed('support')];
const [alice, bob, carol, cf1] = [sid('alice-1'), sid('bob-1'), sid('carol-1'), sid('cf-1')];
const [r1, r2, r3, r4] = [sid('r-1'), sid('r-2'), sid('r-3'), sid('r-4')];
const BY = 'token board';

/** Alice and Bob talk in sales; Carol is in too, but the room does not know. Two servers share a store and a Space. */
async function start({ actionMs = 10_000, latencyMs = 0 } = {}) {
  const monotonicNow = performance.now.bind(performance);
  const store = createMemoryStore({ lifetimeMs: 3_600_000, now: Date.now, monotonicNow });
  const space = createScriptedSpace({ now: Date.now });
  space.open(sales, cf1, [{ callSid: alice, isModerator: true }, { callSid: bob }, { callSid: carol }]);
  space.latencyMs = latencyMs;
  const logged: string[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(line) });
  const audio = { contentType: 'audio/wav', contentLength: 0, body: new ReadableStream<Uint8Array>() };
  const client = {
    ...space.client,
    downloadRecording: async (one: Sid) => (space.recordings.has(one) ? audio : undefined),
  } as ConferenceApi;
  const startServer = () => {
    const rooms = createRooms({
      store: store.rooms,
      space: undefined,
      lifetimeMs: 3_600_000,
      log,
      now: Date.now,
      monotonicNow,
    });
    const runner = createActionRunner({
      rooms,
      space: client,
      log,
      monotonicNow,
      actionMs,
      requestMs: actionMs / 2,
      retryMs: 1,
    });
    onTestFinished(async () => void (await rooms.close(0)));
    const callbackUrl = (room: string) => `https://coach.example.com/events/recording/${room}`;
    return { rooms, actions: createRecordingActions({ runner, rooms, space: client, callbackUrl, monotonicNow, log }) };
  };
  const [server, another] = [startServer(), startServer()];
  const record = (event: RoomEvent, room = sales) => server.rooms.record(room, event);
  const join = (callSid: Sid, isModerator: boolean, room = sales, conferenceSid = cf1) =>
    record({ kind: 'joined', callSid, conferenceSid, date: Date.now(), isModerator, ageMs: 0 }, room);
  await record({ kind: 'moderator-arrived', callSid: alice, name: 'Alice', ageMs: 0 });
  await join(alice, true);
  await join(bob, false);
  /** What the Space records. */
  function put(recordingSid: Sid, of: { callSid?: Sid; conferenceSid?: Sid }, status = 'in-progress') {
    const nothing = { callSid: undefined, conferenceSid: undefined };
    space.recordings.set(recordingSid, {
      ...nothing,
      ...of,
      recordingSid,
      status,
      startedAgeMs: 5_000,
      durationSeconds: undefined,
    });
  }
  const statuses = () => Object.fromEntries([...space.recordings].map(([one, { status }]) => [one, status]));
  const recordings = async (): Promise<readonly RecordingState[]> =>
    (await store.rooms.read(sales)).state.recordings ?? [];
  const shown = async () => Object.fromEntries((await recordings()).map((one) => [one.recordingSid, one.status]));
  const ours = async () => (await recordings()).filter((one) => one.isPausedByUs).map((one) => one.recordingSid);
  const facts = async () => {
    const found: unknown[] = [];
    for await (const { fact } of store.rooms.feed({ since: 0 })) {
      if (fact.kind === 'action') {
        found.push([fact.action, fact.status, fact.recordingSid, fact.reason].filter((part) => part !== undefined));
      }
    }
    return found;
  };
  return {
    ...server,
    another,
    space,
    client,
    store,
    record,
    join,
    put,
    statuses,
    recordings,
    shown,
    ours,
    facts,
    logged,
  };
}

type Scene = Awaited<ReturnType<typeof start>>;

const troubles: [string, Trouble][] = [
  ['401', refusal(401)],
  ['404', 'missing'],
  ['422', new SpaceError('refused', 'over', { status: 422, spaceCode: 10_000 })],
  ['429', refusal(429)],
  ['500', refusal(500)],
  ['HTML', new SpaceError('unreadable', 'HTML', { status: 200 })],
  ['nothing', new SpaceError('timeout', 'late')],
  ['no change', 'ignored'],
];

/** Makes all requests with these words fail as long as the action goes on. */
function fail({ space }: Scene, words: string, trouble: Trouble): void {
  // A list that is not there is an error; the scripted Space would answer with an empty one.
  const isList = words.startsWith('recordings');
  space.trouble = (request) =>
    request === words ? (isList && trouble === 'missing' ? refusal(404) : trouble) : undefined;
}

const settled = (status: string, more: object = {}) => ({ kind: 'settled', action: { status, by: BY, ...more } });

describe('a start', () => {
  it("records the moderator's call, and reads that it does", async () => {
    const scene = await start();
    expect(await scene.actions.start(sales, BY)).toMatchObject(
      settled('confirmed', { name: 'record', recordingSid: 'recording-1' }),
    );
    expect(scene.space.requests).toEqual(['recordings of alice-1', 'record alice-1', 'read recording recording-1']);
    expect(await scene.recordings()).toMatchObject([
      { recordingSid: 'recording-1', callSid: alice, status: 'in-progress' },
    ]);
    expect(await scene.facts()).toEqual([
      ['record', 'requested'],
      ['record', 'confirmed', 'recording-1'],
    ]);
  });

  it.each<[string, (scene: Scene) => Promise<void>]>([
    ['no-conference', ({ record }) => record({ kind: 'conference-ended', conferenceSid: cf1, ageMs: 0 })],
    [
      'no-moderator',
      ({ record }) => record({ kind: 'left', callSid: alice, conferenceSid: cf1, date: Date.now(), ageMs: 0 }),
    ],
  ])('is refused: %s', async (refused, before) => {
    const scene = await start();
    await before(scene);
    expect(await scene.actions.start(sales, BY)).toEqual({ kind: 'refused', refusal: refused });
    expect(scene.space.requests).toEqual([]);
    expect(await scene.facts()).toEqual([]);
  });

  const steps = ['recordings of alice-1', 'record alice-1', 'read recording recording-1'];
  it.each(steps.flatMap((step) => troubles.map((trouble) => [step, ...trouble] as const)))(
    'whose "%s" fails with %s says so, and is never made twice',
    async (step, _what, trouble) => {
      const scene = await start({ actionMs: 60 });
      fail(scene, step, trouble);
      const result = await scene.actions.start(sales, BY);
      expect(result).toMatchObject(settled(trouble === 'ignored' ? 'confirmed' : 'failed'));
      expect(scene.space.requests.filter((request) => request === 'record alice-1').length).toBeLessThanOrEqual(1);
      expect(await scene.shown()).toEqual(scene.statuses());
      expect((await scene.facts()).at(-1)).toEqual(
        expect.arrayContaining(['record', trouble === 'ignored' ? 'confirmed' : 'failed']),
      );
    },
  );

  it.each<[string, SpaceError]>([
    ['nothing', new SpaceError('timeout', 'late')],
    ['a broken connection', new SpaceError('unreachable', 'gone')],
    ['HTML', new SpaceError('unreadable', 'HTML', { status: 200 })],
    ['500', refusal(500)],
  ])('that is answered with %s although it was made is found in the list', async (_what, error) => {
    const scene = await start();
    scene.put(r1, { callSid: alice });
    // The list is behind this callback.
    await scene.record({
      kind: 'recording-reported',
      recordingSid: r2,
      callSid: alice,
      status: 'in-progress',
      ageMs: 0,
    });
    scene.space.trouble = (request) => {
      if (request !== 'record alice-1') {
        return undefined;
      }
      scene.put(r3, { callSid: alice });
      scene.put(r2, { callSid: alice });
      return error;
    };
    expect(await scene.actions.start(sales, BY)).toMatchObject(settled('confirmed', { recordingSid: r3 }));
    expect(await scene.shown()).toMatchObject({ 'r-3': 'in-progress' });
  });
});

describe('a stop', () => {
  async function recorded(options = {}): Promise<Scene> {
    const scene = await start(options);
    scene.put(r1, { conferenceSid: cf1 });
    scene.put(r2, { callSid: alice });
    await scene.actions.list(sales);
    scene.space.requests.length = 0;
    return scene;
  }

  it('stops one recording, and reads that it is over', async () => {
    const scene = await recorded();
    expect(await scene.actions.stop(sales, r2, BY)).toMatchObject(settled('confirmed', { recordingSid: r2 }));
    expect(scene.space.requests).toEqual(['read recording r-2', 'set recording r-2 stopped', 'read recording r-2']);
    expect(scene.statuses()).toEqual({ 'r-1': 'in-progress', 'r-2': 'stopped' });
    expect(await scene.shown()).toEqual(scene.statuses());
    expect(await scene.facts()).toEqual([
      ['stop', 'requested', 'r-2'],
      ['stop', 'confirmed', 'r-2'],
    ]);
    expect(await scene.actions.stop(sales, r2, BY)).toMatchObject(settled('confirmed'));
  });

  it('that the Space takes, and then shows no more, has failed', async () => {
    const scene = await recorded();
    scene.space.trouble = (request) =>
      request.startsWith('read') && scene.space.requests.some((one) => one.startsWith('set')) ? 'missing' : undefined;
    expect(await scene.actions.stop(sales, r2, BY)).toMatchObject(settled('failed', { reason: 'ineffective' }));
  });

  it('of a recording of another room, or of none, is refused', async () => {
    const scene = await recorded();
    scene.space.open(other, sid('cf-2'));
    scene.put(r3, { conferenceSid: sid('cf-2') });
    for (const one of [r3, r4]) {
      expect(await scene.actions.stop(sales, one, BY)).toEqual({ kind: 'refused', refusal: 'no-recording' });
    }
    scene.space.trouble = () => refusal(500);
    expect(await scene.actions.stop(sales, r3, BY)).toEqual({ kind: 'refused', refusal: 'space-away' });
    expect(scene.statuses()).toMatchObject({ 'r-3': 'in-progress' });
    expect(await scene.facts()).toEqual([]);
  });

  const steps = ['read recording r-2', 'set recording r-2 stopped'];
  it.each(steps.flatMap((step) => troubles.map((trouble) => [step, ...trouble] as const)))(
    'whose "%s" fails with %s says so',
    async (step, _what, trouble) => {
      const scene = await recorded({ actionMs: 60 });
      fail(scene, step, trouble);
      const isHarmless = step.startsWith('read') && trouble === 'ignored';
      expect(await scene.actions.stop(sales, r2, BY)).toMatchObject(settled(isHarmless ? 'confirmed' : 'failed'));
      if (step.startsWith('set') && trouble instanceof SpaceError) {
        expect((await scene.facts()).at(-1)).toEqual(['stop', 'failed', 'r-2', trouble.code]);
      }
      expect((await scene.shown())['r-2']).toBe(scene.statuses()['r-2']);
    },
  );
});

describe('a list', () => {
  it('has what the Space tells, and what the room remembers', async () => {
    const scene = await start();
    scene.put(r1, { conferenceSid: cf1 });
    scene.put(r3, { callSid: bob }, 'completed');
    for (const one of [r2, r3]) {
      await scene.record({
        kind: 'recording-reported',
        recordingSid: one,
        callSid: bob,
        status: 'completed',
        ageMs: 0,
      });
    }
    const listed = await scene.actions.list(sales);
    expect(listed).toMatchObject({
      kind: 'listed',
      failure: undefined,
      recordings: [
        { recordingSid: r2, status: 'completed', startedAt: undefined },
        { recordingSid: r3, status: 'completed', startedAt: expect.any(Number) },
        { recordingSid: r1, conferenceSid: cf1, status: 'in-progress', startedAt: expect.any(Number) },
      ],
    });
    expect(await scene.shown()).toEqual({ 'r-1': 'in-progress', 'r-2': 'completed', 'r-3': 'completed' });
  });

  it('leaves out what a call recorded elsewhere before', async () => {
    const scene = await start();
    scene.put(r1, { callSid: alice }, 'completed');
    scene.put(r2, { callSid: alice });
    expect(await scene.actions.list(sales)).toMatchObject({ recordings: [{ recordingSid: r2 }] });
    expect(await scene.actions.open(sales, r1)).toBeUndefined();
  });

  it.each(troubles.filter(([what]) => what !== 'no change'))(
    'that fails with %s still has the others, and says so',
    async (_what, trouble) => {
      const scene = await start();
      scene.put(r1, { conferenceSid: cf1 });
      scene.put(r2, { callSid: alice });
      fail(scene, 'recordings of alice-1', trouble);
      const { code } = trouble instanceof SpaceError ? trouble : { code: 'refused' };
      expect(await scene.actions.list(sales)).toMatchObject({ failure: code, recordings: [{ recordingSid: r1 }] });
    },
  );

  it('makes at most 8 requests at once, and as many more for calls that the room does not know', async () => {
    const scene = await start();
    for (let index = 0; index < 30; index++) {
      const [known, stranger] = [sid(`known-${index}`), sid(`stranger-${index}`)];
      scene.space.enter(cf1, { callSid: known });
      scene.space.enter(cf1, { callSid: stranger });
      await scene.join(known, false);
    }
    scene.space.latencyMs = 2;
    let [open, most] = [0, 0];
    const { listRecordings } = scene.client;
    scene.client.listRecordings = async (of) => {
      most = Math.max(most, ++open);
      return listRecordings(of).finally(() => open--);
    };
    expect(await scene.actions.list(sales)).toMatchObject({ failure: undefined });
    // Of the participants, of the conference, and of 63 calls.
    expect(scene.space.requests).toHaveLength(65);
    expect(most).toBeLessThanOrEqual(16);
  });
});

describe('opening the audio', () => {
  it('is possible if the room knows the recording, or if its conference had the name of the room', async () => {
    const scene = await start();
    scene.space.open(other, sid('cf-2'));
    scene.put(r1, { callSid: alice }, 'completed');
    scene.put(r2, { conferenceSid: cf1 }, 'completed');
    scene.put(r3, { conferenceSid: sid('cf-2') }, 'completed');
    scene.put(r4, { callSid: bob }, 'completed');
    await scene.record({ kind: 'recording-reported', recordingSid: r1, status: 'completed', ageMs: 0 });
    const opened = async (one: Sid) => (await scene.actions.open(sales, one)) !== undefined;
    expect([await opened(r1), await opened(r2), await opened(r3), await opened(r4), await opened(sid('r-9'))]).toEqual([
      ...[true, true, false, false, false],
    ]);
    expect(await scene.actions.open(other, r3)).toBeDefined();
    expect(await scene.actions.open(roomNamed('SUPPORT'), r3)).toBeUndefined();
  });

  it('rejects if the Space does not answer', async () => {
    const scene = await start();
    scene.space.trouble = () => refusal(500);
    await expect(scene.actions.open(sales, r1)).rejects.toMatchObject({ name: 'SpaceError', status: 500 });
  });
});

it('the log shows no SID of a recording', async () => {
  const scene = await start({ actionMs: 60 });
  scene.put(r1, { conferenceSid: cf1 });
  await scene.actions.list(sales);
  scene.space.trouble = () => refusal(500);
  await scene.actions.stop(sales, r1, BY);
  await scene.actions.stop(sales, r2, BY);
  await scene.actions.list(sales);
  const text = scene.logged.join('');
  expect(text).toContain('Action failed');
  expect(text).not.toMatch(/r-[12]/);
});
