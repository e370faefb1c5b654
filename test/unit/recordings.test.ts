import { describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import type { RecordingState } from '../../src/rooms/recording';
import type { RoomState } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import { createRooms } from '../../src/rooms/rooms';
import { type ConferenceApi, SpaceError } from '../../src/signalwire/conference-api';
import type { Sid } from '../../src/signalwire/sid';
import { createMemoryStore } from '../../src/stores';
import { createActionRunner } from '../../src/supervision/action-runner';
import { createRecordingActions } from '../../src/supervision/recordings';
import { onTestFinished } from '../support/on-test-finished';
import { eventually } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';
import {
  createScriptedSpace,
  holdBack,
  refusal,
  requestsOver,
  TROUBLES,
  type Trouble,
} from '../support/scripted-space';

const [sales, other] = [roomNamed('sales'), roomNamed('support')];
const [alice, bob, carol, cf1] = [sid('alice-1'), sid('bob-1'), sid('carol-1'), sid('cf-1')];
const [r1, r2, r3, r4] = [sid('r-1'), sid('r-2'), sid('r-3'), sid('r-4')];
const BY = 'token board';

/** Alice and Bob talk in sales; Carol is in too, but the room does not know. Two servers share a store and a Space. */
async function start({ actionMs = 10_000, latencyMs = 0, pausesLate = false } = {}) {
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
    const stopping = new AbortController();
    const onChange = (state: RoomState) => void (pausesLate && actions.pauseLate(state));
    const rooms = createRooms({
      store: store.rooms,
      space: undefined,
      lifetimeMs: 3_600_000,
      log,
      now: Date.now,
      monotonicNow,
      onChange,
    });
    const runner = createActionRunner({
      draining: stopping.signal,
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
    const actions = createRecordingActions({ runner, rooms, space: client, callbackUrl, monotonicNow, log });
    return { rooms, stopping, actions };
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

/** Makes all requests with these words fail as long as the action goes on. */
function fail({ space }: Scene, words: string, trouble: Trouble): void {
  // A list that is not there is an error; the scripted Space would answer with an empty one.
  const isList = words.startsWith('recordings');
  space.trouble = (request) =>
    request === words ? (isList && trouble === 'missing' ? refusal(404) : trouble) : undefined;
}

/** Lets a pause be confirmed while a start or a resumption is on its way. */
async function overtake({ another }: Scene, { begun }: { begun: Promise<void> }): Promise<void> {
  await begun;
  expect(await another.actions.pause(sales, 'token other')).toMatchObject({ action: { status: 'confirmed' } });
}

const settled = (status: string, more: object = {}) => ({ kind: 'settled', action: { status, by: BY, ...more } });

describe('a start', () => {
  it("records the moderator's call, and reads that it does", async () => {
    const scene = await start();
    expect(await scene.actions.start(sales, BY)).toMatchObject(
      settled('confirmed', { name: 'record', recordedCall: alice, recordingSid: 'recording-1' }),
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

  it.each<[string, (scene: Scene) => Promise<unknown>]>([
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
  it.each(steps.flatMap((step) => TROUBLES.map((trouble) => [step, ...trouble] as const)))(
    'whose "%s" fails with %s says so, and is never made twice',
    async (step, _what, trouble) => {
      const scene = await start({ actionMs: 150 });
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
    scene.put(r1, { callSid: alice }, 'completed');
    // The list is behind this callback.
    await scene.record({ kind: 'recording-reported', recordingSid: r2, callSid: alice, status: 'completed', ageMs: 0 });
    scene.space.trouble = (request) => {
      if (request !== 'record alice-1') {
        return undefined;
      }
      scene.put(r3, { callSid: alice });
      scene.put(r2, { callSid: alice }, 'completed');
      return error;
    };
    expect(await scene.actions.start(sales, BY)).toMatchObject(settled('confirmed', { recordingSid: r3 }));
    expect(await scene.shown()).toMatchObject({ 'r-3': 'in-progress' });
  });
});

describe('a start while the call is being recorded', () => {
  const already = settled('failed', { reason: 'already-recording' });
  /** A callback told that it began. */
  const tell = ({ record }: Scene) =>
    record({ kind: 'recording-reported', recordingSid: r1, callSid: alice, status: 'in-progress', ageMs: 0 });

  it.each<[string, (scene: Scene) => unknown]>([
    ['here', ({ actions }) => actions.start(sales, BY)],
    ['and paused', ({ actions }) => actions.start(sales, BY).then(() => actions.pause(sales, BY))],
    ['by somebody else', ({ put }) => put(r1, { callSid: alice })],
    ['although REST does not show it yet', tell],
  ])('%s makes no second recording', async (_what, before) => {
    const scene = await start();
    await before(scene);
    const recorded = scene.statuses();
    expect(await scene.actions.start(sales, BY)).toMatchObject(already);
    expect(scene.statuses()).toEqual(recorded);
  });

  it('makes one if the earlier one is over, as REST shows, or records something else', async () => {
    const scene = await start();
    await tell(scene);
    const { listRecordings } = scene.client;
    scene.client.listRecordings = async (of) => (await listRecordings(of)).filter((one) => one.recordingSid !== r1);
    scene.put(r1, { callSid: alice }, 'completed');
    scene.put(r2, { conferenceSid: cf1 });
    scene.put(r3, { callSid: bob });
    await scene.actions.list(sales);
    expect(await scene.actions.start(sales, BY)).toMatchObject(settled('confirmed'));
    expect(await scene.shown()).toMatchObject({ 'r-1': 'completed', 'recording-4': 'in-progress' });
  });
});

describe('a pause', () => {
  /** The conference and all three calls are recorded; somebody else has paused one; one is over. */
  function record({ put }: Scene): void {
    put(r1, { conferenceSid: cf1 });
    put(r2, { callSid: alice });
    put(r3, { callSid: carol });
    put(r4, { callSid: bob }, 'paused');
    put(sid('r-5'), { callSid: bob }, 'completed');
  }

  it('pauses what runs: of the conference, and of every call in it, known or not', async () => {
    const scene = await start();
    record(scene);
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('confirmed', { name: 'pause' }));
    expect(scene.statuses()).toMatchObject({ 'r-1': 'paused', 'r-2': 'paused', 'r-3': 'paused', 'r-4': 'paused' });
    expect(await scene.shown()).toEqual({ 'r-1': 'paused', 'r-2': 'paused', 'r-3': 'paused', 'r-4': 'paused' });
    expect((await scene.ours()).sort()).toEqual(['r-1', 'r-2', 'r-3']);
    expect(scene.space.requests.filter((request) => request.startsWith('set')).sort()).toEqual([
      'set recording r-1 paused',
      'set recording r-2 paused',
      'set recording r-3 paused',
    ]);
  });

  it('of a room that is not recorded is confirmed by the lists', async () => {
    const scene = await start();
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.space.requests.sort()).toEqual([
      'participants of cf-1',
      'recordings of alice-1',
      'recordings of bob-1',
      'recordings of carol-1',
      'recordings of cf-1',
    ]);
  });

  it('is refused without a conference', async () => {
    const { actions } = await start();
    expect(await actions.pause(other, BY)).toEqual({ kind: 'refused', refusal: 'no-conference' });
  });

  it('finds a conference that began again unnoticed', async () => {
    const scene = await start();
    const [cf2, alice2] = [sid('cf-2'), sid('alice-2')];
    scene.space.close(cf1);
    scene.space.open(sales, cf2, [{ callSid: alice2, isModerator: true }]);
    scene.put(r1, { conferenceSid: cf2 });
    scene.put(r2, { callSid: alice2 });
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toEqual({ 'r-1': 'paused', 'r-2': 'paused' });
  });

  it('finds a recording that only a callback has told of', async () => {
    const scene = await start();
    scene.put(r1, { conferenceSid: cf1 });
    await scene.record({ kind: 'recording-reported', recordingSid: r1, status: 'in-progress', ageMs: 0 });
    const { listRecordings } = scene.client;
    scene.client.listRecordings = async (of) => (await listRecordings(of)).slice(1);
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toEqual({ 'r-1': 'paused' });
  });

  it.each([0, 2, 9])(
    'is not confirmed while REST does not show a recording that runs, here %i times',
    async (misses) => {
      const scene = await start();
      const known = { recordingSid: r1, conferenceSid: cf1, status: 'in-progress' };
      await scene.record({ kind: 'recording-reported', ...known, ageMs: 0 });
      let reads = 0;
      scene.space.trouble = (request) => {
        if (request === 'read recording r-1' && reads++ === misses) {
          scene.put(r1, { conferenceSid: cf1 });
        }
        return undefined;
      };
      const result = await scene.actions.pause(sales, BY);
      expect(result).toMatchObject(misses === 9 ? settled('failed', { reason: 'ineffective' }) : settled('confirmed'));
      expect(await scene.shown()).toEqual({ 'r-1': misses === 9 ? 'in-progress' : 'paused' });
    },
  );

  it('finds a recording that starts meanwhile, also the last one', async () => {
    const scene = await start();
    scene.put(r1, { conferenceSid: cf1 });
    const begin = [r2, r3];
    scene.space.trouble = (request) => {
      const next = request.startsWith('set') ? begin.shift() : undefined;
      if (next !== undefined) {
        scene.put(next, { callSid: alice });
      }
      return undefined;
    };
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toEqual({ 'r-1': 'paused', 'r-2': 'paused', 'r-3': 'paused' });
    expect((await scene.ours()).sort()).toEqual(['r-1', 'r-2', 'r-3']);
  });

  it('leaves alone what records a call that has left', async () => {
    const scene = await start();
    scene.put(r1, { callSid: bob });
    await scene.actions.list(sales);
    scene.space.leave(bob);
    await scene.record({ kind: 'left', callSid: bob, conferenceSid: cf1, date: Date.now(), ageMs: 0 });
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toEqual({ 'r-1': 'in-progress' });
  });

  it('asks once for each recording, and reads until it shows the pause', async () => {
    const scene = await start();
    scene.put(r1, { conferenceSid: cf1 });
    await scene.actions.list(sales);
    const { findRecording } = scene.client;
    let behind = 3;
    scene.client.findRecording = async (one) => {
      const seen = await findRecording(one);
      return seen && behind-- > 0 ? { ...seen, status: 'in-progress' } : seen;
    };
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.space.requests.filter((request) => request.startsWith('set'))).toHaveLength(1);
    expect(await scene.ours()).toEqual(['r-1']);
  });

  it('whose answers are lost, but which was made, can be resumed', async () => {
    const scene = await start({ actionMs: 150 });
    scene.put(r1, { conferenceSid: cf1 });
    const late = new SpaceError('timeout', 'late');
    scene.space.trouble = (request) => {
      if (request === 'set recording r-1 paused') {
        scene.put(r1, { conferenceSid: cf1 }, 'paused');
      }
      return request.includes('recording r-1') ? late : undefined;
    };
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('failed', { reason: 'timeout' }));
    scene.space.trouble = () => undefined;
    await scene.actions.list(sales);
    expect(await scene.ours()).toEqual(['r-1']);
    expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toEqual({ 'r-1': 'in-progress' });
  });

  it('that is refused leaves nothing to resume', async () => {
    const scene = await start();
    scene.put(r1, { conferenceSid: cf1 });
    scene.space.trouble = (request) => (request.startsWith('set') ? refusal(401) : undefined);
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('failed', { reason: 'refused' }));
    expect(await scene.recordings()).toMatchObject([{ status: 'in-progress', isPausedByUs: undefined }]);
  });

  it('fails if others resume again and again', async () => {
    const scene = await start();
    scene.put(r1, { conferenceSid: cf1 });
    scene.space.trouble = (request) => {
      if (request === 'recordings of cf-1') {
        scene.put(r1, { conferenceSid: cf1 });
      }
      return undefined;
    };
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('failed', { reason: 'ineffective' }));
  });

  const steps = [
    'participants of cf-1',
    'recordings of cf-1',
    'recordings of alice-1',
    'recordings of carol-1',
    'set recording r-1 paused',
    'read recording r-1',
    'set recording r-3 paused',
    'read recording r-3',
  ];
  it.each(steps.flatMap((step) => TROUBLES.map((trouble) => [step, ...trouble] as const)))(
    'whose "%s" fails with %s pauses all others, and confirms only what is true',
    async (step, _what, trouble) => {
      const scene = await start({ actionMs: 200 });
      record(scene);
      fail(scene, step, trouble);
      const isHarmless = trouble === 'ignored' && !step.startsWith('set');
      expect(await scene.actions.pause(sales, BY)).toMatchObject(settled(isHarmless ? 'confirmed' : 'failed'));
      scene.space.trouble = () => undefined;
      const affected = /r-[13]/.exec(step)?.[0] ?? { 'participants of cf-1': 'r-3', 'recordings of cf-1': 'r-1' }[step];
      const meant = affected ?? (step.includes('alice') ? 'r-2' : 'r-3');
      for (const [one, status] of Object.entries(await scene.shown())) {
        // What runs is shown as running, or not known at all.
        expect(status === 'paused' && scene.statuses()[one] === 'in-progress').toBe(false);
      }
      // On a busy machine, time was up before the last of them was read.
      await scene.actions.list(sales);
      for (const one of ['r-1', 'r-2', 'r-3'].filter((name) => name !== meant)) {
        expect(scene.statuses()).toMatchObject({ [one]: 'paused' });
        expect(await scene.shown()).toMatchObject({ [one]: 'paused' });
      }
      expect(scene.statuses()).toMatchObject({ 'r-4': 'paused', 'r-5': 'completed' });
    },
  );
});

describe('a resumption', () => {
  /** We paused the first two; somebody else the third. */
  async function paused(options = {}): Promise<Scene> {
    const scene = await start(options);
    scene.put(r1, { conferenceSid: cf1 });
    scene.put(r2, { callSid: alice });
    scene.put(r3, { callSid: bob }, 'paused');
    await scene.actions.pause(sales, BY);
    scene.space.requests.length = 0;
    return scene;
  }

  it('resumes exactly what we paused', async () => {
    const scene = await paused();
    expect(await scene.another.actions.resume(sales, BY)).toMatchObject(settled('confirmed', { name: 'resume' }));
    expect(scene.statuses()).toEqual({ 'r-1': 'in-progress', 'r-2': 'in-progress', 'r-3': 'paused' });
    expect(await scene.shown()).toEqual(scene.statuses());
    expect(await scene.ours()).toEqual([]);
  });

  it('leaves alone what has been resumed, and paused again by others, and what is over', async () => {
    const scene = await paused();
    scene.put(r1, { conferenceSid: cf1 });
    await scene.actions.list(sales);
    scene.put(r1, { conferenceSid: cf1 }, 'paused');
    scene.put(r2, { callSid: alice }, 'completed');
    expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toEqual({ 'r-1': 'paused', 'r-2': 'completed', 'r-3': 'paused' });
    expect(await scene.shown()).toMatchObject({ 'r-2': 'completed' });
  });

  it('leaves alone what a call has taken to another room', async () => {
    const scene = await paused();
    scene.space.leave(alice);
    await scene.record({ kind: 'left', callSid: alice, conferenceSid: cf1, date: Date.now(), ageMs: 0 });
    await scene.join(alice, true, other, sid('cf-2'));
    expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toEqual({ 'r-1': 'in-progress', 'r-2': 'paused', 'r-3': 'paused' });
  });

  it('that the Space takes, and then shows no more, has failed', async () => {
    const scene = await paused();
    scene.space.trouble = (request) =>
      request.startsWith('read') && scene.space.requests.some((one) => one.startsWith('set')) ? 'missing' : undefined;
    expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('failed', { reason: 'ineffective' }));
  });

  it('of a room where we paused nothing asks for nothing', async () => {
    const { actions, space } = await start();
    expect(await actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
    expect(space.requests).toEqual([]);
  });

  const steps = ['read recording r-1', 'set recording r-1 in-progress'];
  it.each(steps.flatMap((step) => TROUBLES.map((trouble) => [step, ...trouble] as const)))(
    'whose "%s" fails with %s resumes the others, and remembers the rest',
    async (step, _what, trouble) => {
      const scene = await paused({ actionMs: 150 });
      fail(scene, step, trouble);
      const result = await scene.actions.resume(sales, BY);
      const isHarmless = step.startsWith('read') && trouble === 'ignored';
      expect(result).toMatchObject(settled(isHarmless ? 'confirmed' : 'failed'));
      expect(scene.statuses()).toMatchObject({ 'r-2': 'in-progress', 'r-3': 'paused' });
      scene.space.trouble = () => undefined;
      expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
      expect(scene.statuses()).toEqual({ 'r-1': 'in-progress', 'r-2': 'in-progress', 'r-3': 'paused' });
    },
  );

  it('leaves alone what others pause after it', async () => {
    const scene = await paused();
    const change = scene.client.changeRecording;
    scene.client.changeRecording = async (...request) => {
      const changed = await change(...request);
      // The callback of a resumption is later than the question that shows it.
      setTimeout(
        () => scene.record({ kind: 'recording-reported', recordingSid: r1, status: 'in-progress', ageMs: 0 }),
        5,
      );
      return changed;
    };
    scene.space.latencyMs = 10;
    expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
    expect(await scene.ours()).toEqual([]);
    scene.put(r1, { conferenceSid: cf1 }, 'paused');
    expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toMatchObject({ 'r-1': 'paused' });
  });

  it('is refused during a pause', async () => {
    const scene = await start({ latencyMs: 5 });
    scene.put(r1, { conferenceSid: cf1 });
    const pausing = scene.actions.pause(sales, BY);
    await requestsOver(scene.space, 0);
    expect(await scene.another.actions.resume(sales, 'token other')).toMatchObject({
      kind: 'refused',
      refusal: 'busy',
      other: { name: 'pause', by: BY },
    });
    expect(await pausing).toMatchObject(settled('confirmed'));
  });

  it.each([0, 1, 2, 3, 4, 5])('gives way to a pause by another server after %i requests', async (count) => {
    const scene = await paused();
    scene.space.latencyMs = 5;
    const resuming = scene.actions.resume(sales, BY);
    await requestsOver(scene.space, count);
    const pausing = scene.another.actions.pause(sales, 'token other');
    expect(await Promise.all([resuming, pausing])).toMatchObject([
      settled('failed', { reason: 'superseded' }),
      { action: { status: 'confirmed' } },
    ]);
    expect(scene.statuses()).toEqual({ 'r-1': 'paused', 'r-2': 'paused', 'r-3': 'paused' });
    expect((await scene.ours()).sort()).toEqual(['r-1', 'r-2']);
  });

  describe('that comes after a pause', () => {
    const superseded = settled('failed', { reason: 'superseded' });

    it.each<[string, (scene: Scene, request: { goOn: () => void }) => void]>([
      ['is answered', (_scene, { goOn }) => goOn()],
      [
        'takes effect, but is not answered',
        ({ client }, { goOn }) => {
          const { changeRecording } = client;
          client.changeRecording = async (...request) => {
            await changeRecording(...request);
            if (request[1] === 'in-progress') {
              throw new SpaceError('timeout', 'late');
            }
            return undefined;
          };
          goOn();
        },
      ],
      [
        'is not shown by REST yet',
        ({ client, space }, { goOn }) => {
          const { findRecording } = client;
          client.findRecording = async (...request) => {
            const found = await findRecording(...request);
            const isBehind = space.requests
              .filter((one) => one.startsWith('set'))
              .at(-1)
              ?.endsWith('in-progress');
            return found && isBehind ? { ...found, status: 'paused' } : found;
          };
          goOn();
        },
      ],
      [
        'is answered in a stop of the server',
        ({ stopping }, { goOn }) => {
          stopping.abort();
          goOn();
        },
      ],
    ])('is undone if it %s', async (_what, answer) => {
      const scene = await paused();
      const request = holdBack(scene, 'changeRecording');
      const resuming = scene.actions.resume(sales, BY);
      await overtake(scene, request);
      answer(scene, request);
      expect(await resuming).toMatchObject(superseded);
      expect(scene.statuses()).toEqual({ 'r-1': 'paused', 'r-2': 'paused', 'r-3': 'paused' });
      expect(await scene.shown()).toEqual(scene.statuses());
      expect((await scene.ours()).sort()).toEqual(['r-1', 'r-2']);
    });

    it('is not sent again', async () => {
      const scene = await paused();
      const { changeRecording } = scene.client;
      const sent: string[] = [];
      scene.client.changeRecording = async (recording, status, deadline) => {
        sent.push(status);
        if (status === 'in-progress') {
          throw new SpaceError('timeout', 'late');
        }
        return changeRecording(recording, status, deadline);
      };
      const request = holdBack(scene, 'changeRecording');
      const resuming = scene.actions.resume(sales, BY);
      await overtake(scene, request);
      const count = sent.filter((status) => status === 'in-progress').length;
      request.goOn();
      expect(await resuming).toMatchObject(superseded);
      // The one that was held back.
      expect(sent.filter((status) => status === 'in-progress')).toHaveLength(count + 1);
    });

    it('sends nothing if the pause took its place before', async () => {
      const scene = await paused();
      const find = scene.client.findRecording;
      let reads = 0;
      scene.client.findRecording = async (...request) => {
        const found = await find(...request);
        // Both recordings were read, but nothing has been sent.
        if (++reads === 2) {
          scene.client.findRecording = find;
          await overtake(scene, { begun: Promise.resolve() });
        }
        return found;
      };
      await scene.actions.resume(sales, BY);
      expect(scene.space.requests.filter((request) => request.startsWith('set'))).toEqual([]);
    });

    it('is undone if its time is up', async () => {
      const scene = await paused({ actionMs: 100 });
      const request = holdBack(scene, 'changeRecording');
      const resuming = scene.actions.resume(sales, BY);
      await overtake(scene, request);
      await new Promise((resolve) => setTimeout(resolve, 110));
      request.goOn();
      expect(await resuming).toMatchObject(superseded);
      expect(scene.statuses()).toEqual({ 'r-1': 'paused', 'r-2': 'paused', 'r-3': 'paused' });
    });

    it('leaves alone what a later resumption resumed', async () => {
      const scene = await paused();
      const request = holdBack(scene, 'changeRecording');
      const resuming = scene.actions.resume(sales, BY);
      await overtake(scene, request);
      expect(await scene.another.actions.resume(sales, 'token other')).toMatchObject({
        action: { status: 'confirmed' },
      });
      request.goOn();
      expect(await resuming).toMatchObject(superseded);
      expect(scene.statuses()).toEqual({ 'r-1': 'in-progress', 'r-2': 'in-progress', 'r-3': 'paused' });
      expect(await scene.shown()).toEqual(scene.statuses());
    });

    it('is undone although the room has forgotten it among many other actions', async () => {
      const scene = await paused();
      const request = holdBack(scene, 'changeRecording');
      const resuming = scene.actions.resume(sales, BY);
      await request.begun;
      for (let index = 0; index < 29; index++) {
        const about = { id: `end-${index}`, ageMs: 0 };
        await scene.record({ kind: 'action-requested', name: 'end', by: BY, ...about });
        await scene.record({ kind: 'action-updated', status: 'confirmed', ...about });
      }
      await overtake(scene, request);
      await scene.record({ kind: 'action-requested', id: 'end', name: 'end', by: BY, ageMs: 0 });
      const { actions } = (await scene.store.rooms.read(sales)).state;
      expect(actions?.some(({ name }) => name === 'resume')).toBe(false);
      request.goOn();
      expect(await resuming).toMatchObject(superseded);
      expect(scene.statuses()).toEqual({ 'r-1': 'paused', 'r-2': 'paused', 'r-3': 'paused' });
    });
  });
});

describe('a start that comes after a pause', () => {
  it('is not sent if the pause took its place before', async () => {
    const scene = await start();
    const request = holdBack(scene, 'listRecordings');
    const starting = scene.actions.start(sales, BY);
    await overtake(scene, request);
    request.goOn();
    expect(await starting).toMatchObject(settled('failed', { reason: 'superseded' }));
    expect(scene.space.requests).not.toContain('record alice-1');
  });

  const late = new SpaceError('timeout', 'late');

  it.each<[string, (scene: Scene) => Error | undefined]>([
    ['answered', () => undefined],
    ['not answered', () => late],
    ['answered in a stop of the server', ({ stopping }) => void stopping.abort()],
    [
      'not answered in a stop of the server',
      ({ stopping }) => {
        stopping.abort();
        return late;
      },
    ],
    [
      'shown as queued',
      ({ client }) => {
        const { findRecording } = client;
        client.findRecording = async (...request) => {
          const found = await findRecording(...request);
          return found?.status === 'in-progress' ? { ...found, status: 'queued' } : found;
        };
        return undefined;
      },
    ],
  ])('and is %s leaves nothing running', async (_what, fail) => {
    const scene = await start();
    const { startRecording } = scene.client;
    scene.client.startRecording = async (...request) => {
      const started = await startRecording(...request);
      const error = fail(scene);
      if (error !== undefined) {
        throw error;
      }
      return started;
    };
    const request = holdBack(scene, 'startRecording');
    const starting = scene.actions.start(sales, BY);
    await overtake(scene, request);
    request.goOn();
    expect(await starting).toMatchObject(settled('failed', { reason: 'superseded' }));
    expect(scene.statuses()).toEqual({ 'recording-1': 'paused' });
    expect(await scene.shown()).toEqual(scene.statuses());
  });
});

describe('after a pause', () => {
  const tell = ({ record }: Scene, recordingSid: Sid, of: { callSid?: Sid; conferenceSid?: Sid }) =>
    record({ kind: 'recording-reported', recordingSid, ...of, status: 'in-progress', ageMs: 0 });

  /** Everything is paused; Bob's by somebody else. */
  async function paused(): Promise<Scene> {
    const scene = await start({ pausesLate: true });
    scene.put(r1, { conferenceSid: cf1 });
    scene.put(r2, { callSid: bob }, 'paused');
    expect(await scene.actions.pause(sales, BY)).toMatchObject(settled('confirmed'));
    scene.space.requests.length = 0;
    // A room's clock is ahead after several events in one millisecond.
    const { state } = await scene.store.rooms.read(sales);
    await eventually(() => expect(Date.now()).toBeGreaterThan(state.at));
    return scene;
  }

  it.each<[string, Sid, { callSid?: Sid; conferenceSid?: Sid }]>([
    ['a start', r3, { callSid: alice }],
    ['a resumption', r1, { conferenceSid: cf1 }],
    ['a start of which the callback names nothing', r3, {}],
  ])('%s that takes effect later is undone as soon as anything tells of it', async (_what, one, of) => {
    const scene = await paused();
    scene.put(one, of);
    await tell(scene, one, of);
    await eventually(() => expect(scene.statuses()).toMatchObject({ [one]: 'paused' }));
    await eventually(async () => expect(await scene.shown()).toEqual(scene.statuses()));
    expect(await scene.ours()).toContain(one);
    expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
    expect(scene.statuses()).toMatchObject({ [one]: 'in-progress', 'r-2': 'paused' });
  });

  it('a refused start changes nothing about that', async () => {
    const scene = await paused();
    scene.put(r4, { callSid: alice }, 'paused');
    expect(await scene.actions.start(sales, BY)).toMatchObject(settled('failed', { reason: 'already-recording' }));
    scene.put(r3, { callSid: alice });
    await tell(scene, r3, { callSid: alice });
    await eventually(() => expect(scene.statuses()).toMatchObject({ 'r-3': 'paused' }));
  });

  it('the late report of a recording that somebody else has paused changes nothing', async () => {
    const scene = await paused();
    await tell(scene, r2, { callSid: bob });
    await eventually(async () => expect(await scene.shown()).toEqual(scene.statuses()));
    expect(scene.space.requests).toEqual(['read recording r-2']);
    expect(await scene.ours()).toEqual(['r-1']);
  });

  it('whoever and whatever comes later is recorded', async () => {
    const scene = await paused();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await scene.join(carol, false);
    scene.put(r3, { callSid: carol });
    await tell(scene, r3, { callSid: carol });
    await scene.record({ kind: 'conference-ended', conferenceSid: cf1, ageMs: 0 });
    await scene.join(sid('alice-2'), true, sales, sid('cf-2'));
    scene.put(r4, { conferenceSid: sid('cf-2') });
    await tell(scene, r4, { conferenceSid: sid('cf-2') });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(scene.space.requests).toEqual([]);
  });

  it('what runs after a resumption is left alone', async () => {
    const scene = await paused();
    expect(await scene.actions.resume(sales, BY)).toMatchObject(settled('confirmed'));
    scene.put(r3, { callSid: alice });
    await tell(scene, r3, { callSid: alice });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(scene.statuses()).toEqual({ 'r-1': 'in-progress', 'r-2': 'paused', 'r-3': 'in-progress' });
  });
});

it.each([0, 1, 2])('a start gives way to a pause by another server after %i requests', async (count) => {
  const scene = await start({ latencyMs: 5 });
  const starting = scene.actions.start(sales, BY);
  await requestsOver(scene.space, count);
  const pausing = scene.another.actions.pause(sales, 'token other');
  expect(await Promise.all([starting, pausing])).toMatchObject([
    settled('failed', { reason: 'superseded' }),
    { action: { status: 'confirmed' } },
  ]);
  expect(Object.values(scene.statuses())).not.toContain('in-progress');
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
  it.each(steps.flatMap((step) => TROUBLES.map((trouble) => [step, ...trouble] as const)))(
    'whose "%s" fails with %s says so',
    async (step, _what, trouble) => {
      const scene = await recorded({ actionMs: 150 });
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
    await scene.actions.pause(sales, BY);
    expect(await scene.actions.list(sales)).toMatchObject({
      recordings: [{}, {}, { recordingSid: r1, isPausedByUs: true }],
    });
  });

  it('has the details of recordings whose calls are gone, and whose callbacks named no call', async () => {
    const scene = await start();
    scene.put(r1, { callSid: sid('gone-1') }, 'completed');
    await scene.record({ kind: 'recording-reported', recordingSid: r1, status: 'completed', ageMs: 0 });
    expect(await scene.actions.list(sales)).toMatchObject({
      failure: undefined,
      recordings: [{ recordingSid: r1, callSid: 'gone-1', startedAt: expect.any(Number) }],
    });
  });

  it('leaves out what a call recorded elsewhere before', async () => {
    const scene = await start();
    scene.put(r1, { callSid: alice }, 'completed');
    scene.put(r2, { callSid: alice });
    expect(await scene.actions.list(sales)).toMatchObject({ recordings: [{ recordingSid: r2 }] });
    expect(await scene.actions.open(sales, r1, BY)).toEqual({ kind: 'refused', refusal: 'no-recording' });
  });

  it.each(TROUBLES.filter(([what]) => what !== 'no change'))(
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
    const opened = async (one: Sid, room = sales) => (await scene.actions.open(room, one, BY)).kind === 'opened';
    expect([await opened(r1), await opened(r2), await opened(r3), await opened(r4), await opened(sid('r-9'))]).toEqual([
      ...[true, true, false, false, false],
    ]);
    expect(await opened(r3, other)).toBe(true);
    expect(await opened(r3, roomNamed('SUPPORT'))).toBe(false);
  });

  it('rejects if the Space does not answer', async () => {
    const scene = await start();
    scene.space.trouble = () => refusal(500);
    await expect(scene.actions.open(sales, r1, BY)).rejects.toMatchObject({ name: 'SpaceError', status: 500 });
  });
});

it('the log shows no SID of a recording', async () => {
  const scene = await start({ actionMs: 150 });
  scene.put(r1, { conferenceSid: cf1 });
  await scene.actions.list(sales);
  scene.space.trouble = () => refusal(500);
  await scene.actions.stop(sales, r1, BY);
  await scene.actions.stop(sales, r2, BY);
  await scene.actions.list(sales);
  await scene.actions.pause(sales, BY);
  const text = scene.logged.join('');
  expect(text).toContain('Action failed');
  expect(text).not.toMatch(/r-[12]/);
});
