import { describe, expect, it } from '@jest/globals';
import { RIGHTS } from '../../src/people/rights';
import type { Call } from '../../src/simulator/call';
import type { Fault, RestRequest } from '../../src/simulator/rest-api';
import { createApiClient, tokenFor } from '../support/api-client';
import { ALICE, TED } from '../support/app';
import { isFullFuzz } from '../support/fuzz';
import { eventually } from '../support/redis-server';
import { rosterSettings } from '../support/roster';
import { startTestBench, type TestBench } from '../support/test-bench';

const TOKEN = tokenFor('board', RIGHTS);
const BY = 'token board';

/**
 * Alice talks to Bob, and Ted listens; a program may do everything.
 *
 * @param actionMs how long an action may take
 */
async function start(env: Record<string, string> = {}, actionMs = 10_000) {
  const people = rosterSettings(
    {
      moderators: [{ name: 'Alice', number: ALICE }],
      supervisors: [{ name: 'Ted', number: TED }],
    },
    [TOKEN.entry],
  );
  const rest = { fault: (_request: RestRequest): Fault | undefined => undefined };
  const bench = await startTestBench({
    withRest: true,
    intercept: (request) => rest.fault(request),
    env: { ...people, ANNOUNCE_IS_PRIVATE: 'true', ...env },
    // The sweep would make up for what an action leaves undone.
    sweepIntervalMs: 3_600_000,
    actionMs,
  });
  const bob = await bench.call('Bob', '/conference/sales');
  const alice = await bench.call('Alice', '/conference/sales');
  const ted = await bench.call('Ted', '/coach/sales?mode=monitor');
  const api = await createApiClient(bench.server.port);
  const ask = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    api.ask(method, path, { token: TOKEN.secret, body, headers });
  // REST has shown whom Ted coaches.
  await eventually(async () => expect(await participant(ask, ted)).toMatchObject({ supervision: { confirmed: true } }));
  return { bench, rest, calls: { bob, alice, ted }, ask };
}

type Started = Awaited<ReturnType<typeof start>>;
type Ask = Started['ask'];

async function participant(ask: Ask, call: Call) {
  const { body } = await ask('GET', '/rooms/sales');
  return body.participants.find(({ callSid }: { callSid: string }) => callSid === call.sid);
}

interface Case {
  method: string;
  /** Below the room; `BOB`, `ALICE` and `TED` are their calls, `RECORDING` is the latest one. */
  path: string;
  body?: object;
  /** How many requests to the Space it takes. */
  steps: number;
  /** What everybody hears when it is done. */
  hears: Record<string, string[]>;
  /** The status of the action; `confirmed` unless given. */
  status?: string;
  /** The status of the recording when it is done. */
  recording?: string;
  /** What comes first. */
  before?: Pick<Case, 'method' | 'path' | 'body'>[];
}

const LISTENING = { Bob: ['Alice'], Alice: ['Bob'], Ted: ['Alice', 'Bob'] };
const mode = (to: string) => ({ method: 'PUT', path: '/supervisors/TED/mode', body: { mode: to } });
const change = (body: object) => ({ method: 'PATCH', path: '/participants/BOB', body });
const record = { method: 'POST', path: '/recordings' };
const recordings = (status: string) => ({ method: 'PATCH', path: '/recordings', body: { status } });

const CASES: Record<string, Case> = {
  'listen to a call': { ...mode('monitor'), steps: 2, hears: LISTENING },
  'listen again after a barge': { ...mode('monitor'), steps: 2, before: [mode('barge')], hears: LISTENING },
  coach: { ...mode('coach'), steps: 6, hears: { ...LISTENING, Alice: ['Bob', 'Ted'] } },
  'coach after a barge': {
    ...mode('coach'),
    steps: 6,
    before: [mode('barge')],
    hears: { ...LISTENING, Alice: ['Bob', 'Ted'] },
  },
  barge: { ...mode('barge'), steps: 6, hears: { ...LISTENING, Bob: ['Alice', 'Ted'], Alice: ['Bob', 'Ted'] } },
  mute: { ...change({ muted: true }), steps: 2, hears: { ...LISTENING, Alice: [], Ted: ['Alice'] } },
  unmute: { ...change({ muted: false }), steps: 3, before: [change({ muted: true })], hears: LISTENING },
  hold: { ...change({ onHold: true }), steps: 2, hears: { Bob: ['music'], Alice: [], Ted: ['Alice'] } },
  unhold: { ...change({ onHold: false }), steps: 2, before: [change({ onHold: true })], hears: LISTENING },
  'remove a caller': { method: 'DELETE', path: '/participants/BOB', steps: 2, hears: { Alice: [], Ted: ['Alice'] } },
  note: {
    method: 'POST',
    path: '/participants/ALICE/notes',
    body: { text: 'Offer 10 % & a <free> month' },
    steps: 1,
    hears: LISTENING,
    status: 'accepted',
  },
  'end the conference': { method: 'DELETE', path: '/conference', steps: 5, hears: { Ted: [] } },
  'start a recording': { ...record, steps: 3, hears: LISTENING, recording: 'in-progress' },
  'pause recordings': { ...recordings('paused'), before: [record], steps: 14, hears: LISTENING, recording: 'paused' },
  'resume recordings': {
    ...recordings('in-progress'),
    before: [record, recordings('paused')],
    steps: 3,
    hears: LISTENING,
    recording: 'in-progress',
  },
  'stop a recording': {
    method: 'POST',
    path: '/recordings/RECORDING/stop',
    before: [record],
    steps: 3,
    hears: LISTENING,
    recording: 'stopped',
  },
};

/** Sends an action, and waits for what follows from it. */
async function act({ bench, calls, ask }: Started, { method, path, body }: Pick<Case, 'method' | 'path' | 'body'>) {
  const { alice, bob, ted } = calls;
  const recording = bench.space.conferences.recordings.all().at(-1)?.sid ?? '';
  const named = path.replace('BOB', bob.sid).replace('ALICE', alice.sid).replace('TED', ted.sid);
  const reply = await ask(method, `/rooms/sales${named.replace('RECORDING', recording)}`, body);
  await bench.space.runUntilIdle();
  return reply;
}

describe('an action', () => {
  it.each(Object.keys(CASES))('%s: is done, confirmed, shown, and in the trail', async (name) => {
    const one = CASES[name] as Case;
    const started = await start();
    const { bench, ask, calls } = started;
    for (const earlier of one.before ?? []) {
      expect((await act(started, earlier)).status).toBe(200);
    }
    const { status, body } = await act(started, one);
    expect([status, body.action.status, body.action.by]).toEqual([200, one.status ?? 'confirmed', BY]);
    await hears(bench, one.hears);
    if (one.recording !== undefined) {
      // A callback names the end of a recording in another word.
      const shown = body.recordings.map(({ status }: { status: string }) => status.replace('completed', 'stopped'));
      expect(shown).toEqual([one.recording]);
      expect(recorded(bench)).toEqual([one.recording]);
    }
    if (name === 'note') {
      expect([calls.alice.told.at(-1), calls.bob.told, calls.ted.told]).toEqual([
        'Offer 10 % & a <free> month',
        [],
        [],
      ]);
    }
    const { records } = (await ask('GET', '/rooms/sales/audit')).body;
    expect(records.filter(({ by }: { by?: string }) => by === BY).length).toBeGreaterThan(
      name === 'listen to a call' ? -1 : 0,
    );
    await showsTheTruth(started);
  });

  it('is requested before the first request to the Space', async () => {
    const { rest, ask, calls } = await start();
    const seen: unknown[] = [];
    let isFirst = true;
    rest.fault = () => {
      if (isFirst) {
        isFirst = false;
        seen.push(participant(ask, calls.ted));
      }
      return undefined;
    };
    await ask('PUT', `/rooms/sales/supervisors/${calls.ted.sid}/mode`, { mode: 'barge' });
    expect(await seen[0]).toMatchObject({
      supervision: { requestedMode: 'barge', heardAs: 'monitor', confirmed: false },
    });
  });
});

it.each([
  ['coach', 1],
  ['always', 0],
  ['never', 0],
])(
  'an agent is told of a supervisor who coaches them now, where MODERATOR_NOTICE is %s: %i times',
  async (policy, times) => {
    const { ask, bench, calls } = await start({ MODERATOR_NOTICE: policy });
    const told = calls.alice.told.length;
    for (const mode of ['coach', 'coach', 'barge']) {
      await ask('PUT', `/rooms/sales/supervisors/${calls.ted.sid}/mode`, { mode });
    }
    await bench.space.runUntilIdle();
    await eventually(() => expect(calls.alice.told.slice(told)).toHaveLength(times));
    // The trail tells of each notice, also of those before.
    await eventually(async () => {
      const { body } = await ask('GET', '/rooms/sales/audit');
      const lines = body.records.filter(({ kind }: { kind: string }) => kind === 'told');
      expect(lines).toEqual(
        Array.from(calls.alice.told, () =>
          expect.objectContaining({ callSid: calls.ted.sid, moderatorCallSid: calls.alice.sid, source: 'rest' }),
        ),
      );
    });
  },
);

it.each([
  ['/coach', 'en', '/coach/sales?mode=barge', 'You have been removed. Goodbye.'],
  ['the supervisors’ line', 'de', '/supervisor?mode=barge', 'Sie wurden aus dem Gespräch entfernt. Auf Wiederhören.'],
])('a supervisor on %s who was taken out hears so, in %s, and their call ends', async (_line, language, path, told) => {
  const { bench, ask, calls } = await start({ PROMPT_LANGUAGE: language });
  await bench.hangUp(calls.ted);
  const ted = await bench.call('Ted', path);
  await eventually(async () =>
    expect(await participant(ask, ted)).toMatchObject({ supervision: { heardAs: 'barge' } }),
  );
  const { status, body } = await ask('DELETE', `/rooms/sales/participants/${ted.sid}`);
  expect([status, body.action.status]).toEqual([200, 'confirmed']);
  await bench.space.runUntilIdle();
  expect(ted.told.at(-1)).toBe(told);
  expect(ted.isOver).toBe(true);
  expect(bench.hears()).toEqual({ Bob: ['Alice'], Alice: ['Bob'] });
});

describe('an idempotency key', () => {
  it('lets an action be repeated without being done twice, also at the same time', async () => {
    const { ask, bench, calls, rest } = await start();
    let mutes = 0;
    rest.fault = ({ method, form }) => {
      mutes += Number(method === 'POST' && form.Muted === 'true');
      return undefined;
    };
    const mute = (key: string, body: object = { muted: true }) =>
      ask('PATCH', `/rooms/sales/participants/${calls.bob.sid}`, body, { 'idempotency-key': key });
    const [first, second] = await Promise.all([mute('one'), mute('one')]);
    expect([first.status, second.status].sort()).toEqual([200, 409]);
    expect(second.status === 409 ? second.body.code : first.body.code).toBe('request_in_progress');
    const again = await mute('one');
    expect([again.status, again.body.action.id]).toEqual([200, (first.body.action ?? second.body.action).id]);
    expect([first, second, again].map(({ headers }) => headers['idempotency-replayed'])).toEqual([
      undefined,
      undefined,
      'true',
    ]);
    expect(mutes).toBe(1);
    expect(await mute('one', { muted: false })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect(await mute('two words')).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
    expect(bench.space.conferences.participant(calls.bob.sid)?.muted).toBe(true);
  });

  it.each([
    ['on a participant', 'PUT', '/supervisors/TED/mode', { mode: 'coach' }],
    ['on recordings', 'POST', '/recordings', undefined],
  ])('gets the first answer also of an action %s that failed', async (_what, method, path, body) => {
    const { ask, calls, rest } = await start();
    rest.fault = ({ method: asked }) => (asked === 'POST' ? FAULTS['401'] : undefined);
    const fail = () =>
      ask(method, `/rooms/sales${path.replace('TED', calls.ted.sid)}`, body, { 'idempotency-key': 'k' });
    const first = await fail();
    expect(first).toMatchObject({ status: 502, body: { code: 'space_refused', action: { status: 'failed' } } });
    rest.fault = () => undefined;
    const again = await fail();
    expect([again.status, again.body.action.id]).toEqual([502, first.body.action.id]);
    expect([first, again].map(({ headers }) => headers['idempotency-replayed'])).toEqual([undefined, 'true']);
  });

  it('may be used again for what did not begin', async () => {
    const { ask, calls } = await start();
    const remove = (sid: string) =>
      ask('DELETE', `/rooms/sales/participants/${sid}`, undefined, { 'idempotency-key': 'k' });
    expect(await remove('nobody')).toMatchObject({ status: 404, body: { code: 'not_in_room' } });
    expect((await remove(calls.bob.sid)).status).toBe(200);
  });
});

it('a stop ends the live feed first, and says when to come back', async () => {
  const { bench } = await start();
  const reading = fetch(`http://127.0.0.1:${bench.server.port}/api/v1/events`, {
    headers: { authorization: `Bearer ${TOKEN.secret}` },
  });
  const text = (await reading).text();
  expect(await bench.server.stop(0)).toBe(true);
  expect(await text).toMatch(/retry: [0-9]{3,4}\n\n$/);
});

const FAULTS: Record<string, Fault> = {
  401: { status: 401, body: { code: 20_003, message: 'no', status: 401 } },
  404: { status: 404, body: { code: 20_404, message: 'no', status: 404 } },
  '422 over': { status: 422, body: { code: 10_000, message: 'over', status: 422 } },
  429: { status: 429, body: { errors: [{ code: '20429', message: 'slow down' }] } },
  500: { status: 500, body: { errors: ['oops'] } },
  HTML: { status: 502, body: '<html>Bad Gateway</html>', headers: { 'content-type': 'text/html' } },
  'HTML with 200': { status: 200, body: '<html>Hello</html>', headers: { 'content-type': 'text/html' } },
  nothing: 'disconnect',
  'a lost answer': 'lose-answer',
  'no change': 'ignore',
};

describe('an action of which one step fails', () => {
  /** In a short run, every fourth step has one fault; in a full one, each step each of them. */
  const names = Object.keys(FAULTS);
  const rows = Object.keys(CASES).flatMap((name, row) =>
    Array.from({ length: Math.min(CASES[name]?.steps ?? 0, isFullFuzz ? 99 : 9) }, (_, step) => step).flatMap(
      (step) => {
        const isLeftOut = !isFullFuzz && (row + step) % 4 !== 0;
        const one = names[(row * 7 + step * 3) % names.length] as string;
        const chosen = isFullFuzz ? names : isLeftOut ? [] : [one];
        return chosen.map((fault) => [name, step, fault] as const);
      },
    ),
  );

  it.each(rows)('%s, step %i: %s: reports what really happened', async (name, step, faultName) => {
    const one = CASES[name] as Case;
    const started = await start({}, 800);
    const { bench, rest, ask } = started;
    for (const earlier of one.before ?? []) {
      // On a machine that stalls, its time may be over before it is known to be done. 409: it was done.
      await eventually(async () => expect([200, 409]).toContain((await act(started, earlier)).status));
    }
    const reasonsSoFar = async () => {
      const { records } = (await ask('GET', '/rooms/sales/audit')).body;
      const lines = records.filter(({ by }: { by?: string }) => by === BY);
      return lines.map(({ reason }: { reason?: string }) => reason).filter(Boolean);
    };
    const before = await reasonsSoFar();
    let requests = 0;
    // The step and its repetitions fail.
    let failing: string | undefined;
    rest.fault = ({ method, path, form }) => {
      const words = JSON.stringify([method, path, form]);
      if (requests++ === step) {
        failing = words;
      }
      return words === failing && requests > step ? FAULTS[faultName] : undefined;
    };
    const { status, body } = await act(started, one);
    rest.fault = () => undefined;
    const isDone = status === 200;
    expect(body.action.status).toBe(isDone ? (one.status ?? 'confirmed') : 'failed');
    if (isDone) {
      await hears(bench, one.hears);
      expect(recorded(bench)).toEqual(one.recording === undefined ? [] : [one.recording]);
    } else if (one.path.endsWith('/mode')) {
      // Whatever failed, nobody hears Ted in the end, and the room says so.
      await eventually(async () => {
        await bench.space.runUntilIdle();
        expect(bench.hears()).toMatchObject({ Bob: ['Alice'], Alice: ['Bob'] });
        const shown = await participant(ask, started.calls.ted);
        expect(shown?.supervision.requestedMode ?? 'monitor').toBe('monitor');
      });
    }
    expect(await reasonsSoFar()).toHaveLength(before.length + (isDone ? 0 : 1));
    await showsTheTruth(started);
  });
});

/** Waits until everybody hears this. An announcement is heard for a while. */
async function hears(bench: TestBench, expected: Case['hears']): Promise<void> {
  await eventually(() => {
    const heard = Object.entries(bench.hears()).map(([who, sounds]) => [who, sounds.filter((one) => one !== 'notice')]);
    expect(Object.fromEntries(heard)).toMatchObject(expected);
  });
}

/** The status of each recording in the Space. */
function recorded({ space }: TestBench): string[] {
  return space.conferences.recordings.all().map(({ status }) => status);
}

/** In the end, whatever the server shows as reported is so. */
async function showsTheTruth({ bench, ask, calls }: Started): Promise<void> {
  await eventually(async () => {
    await bench.space.runUntilIdle();
    for (const call of Object.values(calls)) {
      const shown = await participant(ask, call);
      const place = bench.space.conferences.participant(call.sid);
      if (shown !== undefined && place !== undefined) {
        expect([shown.muted ?? place.muted, shown.onHold ?? place.hold]).toEqual([place.muted, place.hold]);
        const heard = place.muted ? 'monitor' : place.callSidToCoach === undefined ? 'barge' : 'coach';
        expect(['unknown', heard]).toContain(shown.supervision?.heardAs ?? 'unknown');
      }
    }
  });
  const { recordings, failure } = (await ask('GET', '/rooms/sales/recordings')).body;
  expect(failure).toBeNull();
  expect(recordings.map(({ status }: { status: string }) => status)).toEqual(recorded(bench));
  expect((await ask('GET', '/rooms/sales')).body.recordings).toHaveLength(recordings.length);
}
