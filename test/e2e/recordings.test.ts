import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createUrls } from '../../src/calls/call-request';
import { createLog } from '../../src/ops/log';
import { createRooms } from '../../src/rooms/rooms';
import { createRestClient } from '../../src/signalwire/rest-client';
import type { Sid } from '../../src/signalwire/sid';
import { serveRestApi } from '../../src/simulator/rest-api';
import { createRedisStore } from '../../src/stores';
import { createActionRunner } from '../../src/supervision/action-runner';
import { createRecordingActions } from '../../src/supervision/recordings';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed } from '../support/room-stores';
import { startTestBench } from '../support/test-bench';

const SALES = roomNamed('sales 2');
const PATH = '/conference/sales%202';
const BY = 'token board';
const LIFETIME_MS = 3_600_000;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

/** The server and the simulated Space, and another server that carries out actions for the same rooms. */
async function start(env: Record<string, string>) {
  const testBench = await startTestBench({ withRest: true, env: { REDIS_URL: redis.url, ...env } });
  const { space, url } = testBench;
  const api = await serveRestApi(space);
  onTestFinished(() => api.close());
  const rest = createRestClient(
    { url: api.url, projectId: space.accountSid, apiToken: space.apiToken },
    { timeoutMs: 10_000, now: Date.now },
  );
  const store = createRedisStore({
    urls: [redis.url],
    lifetimeMs: LIFETIME_MS,
    auditMs: LIFETIME_MS,
    timeoutMs: 800,
    onConnection: () => {},
  });
  const log = createLog('fatal', { write: () => {} });
  const monotonicNow = performance.now.bind(performance);
  const rooms = createRooms({
    store: store.rooms,
    space: undefined,
    lifetimeMs: LIFETIME_MS,
    log,
    now: Date.now,
    monotonicNow,
  });
  onTestFinished(async () => {
    await rooms.close(0);
    store.close();
  });
  const runner = createActionRunner({
    draining: new AbortController().signal,
    rooms,
    space: rest,
    log,
    monotonicNow,
    retryMs: 20,
  });
  const callbackUrl = createUrls(url).recordingEvents;
  const actions = createRecordingActions({ runner, rooms, space: rest, callbackUrl, monotonicNow, log });
  const shown = async () => {
    const found = await rooms.read(SALES);
    return Object.fromEntries(
      found.isKnown ? (found.state.recordings ?? []).map((one) => [one.recordingSid, one.status]) : [],
    );
  };
  const statuses = () =>
    Object.fromEntries(space.conferences.recordings.all().map(({ sid, status }) => [sid, status as string]));
  return { testBench, space, rest, actions, shown, statuses };
}

const confirmed = { kind: 'settled', action: { status: 'confirmed' } };

describe('the recordings of a conference', () => {
  it('that is recorded from its start, and on demand, are paused together and resumed exactly', async () => {
    const { testBench, space, rest, actions, shown, statuses } = await start({ RECORD_CONFERENCES: 'true' });
    const bob = await testBench.call('Bob', PATH);
    await testBench.call('Alice', PATH);
    const [ofConference] = space.conferences.recordings.all();
    expect(ofConference?.conferenceSid).toBeDefined();
    await eventually(async () => expect(await shown()).toEqual({ [String(ofConference?.sid)]: 'in-progress' }));

    const started = await actions.start(SALES, BY);
    expect(started).toMatchObject(confirmed);
    const onDemand = (started.kind === 'settled' && started.action.recordingSid) as Sid;
    const theirs = await rest.startRecording(bob.sid as Sid, {
      callback: `${testBench.url}/events/recording/sales%202`,
    });
    await rest.changeRecording(theirs as NonNullable<typeof theirs>, 'paused');
    const [first, third] = [ofConference?.sid as Sid, theirs?.recordingSid as Sid];
    expect(statuses()).toEqual({ [first]: 'in-progress', [onDemand]: 'in-progress', [third]: 'paused' });

    // A start that is told after the pause would count as the end of the pause.
    await eventually(() => expect(space.callbacks().pending).toBe(0));
    expect(await actions.pause(SALES, BY)).toMatchObject(confirmed);
    expect(statuses()).toEqual({ [first]: 'paused', [onDemand]: 'paused', [third]: 'paused' });
    expect(await shown()).toEqual(statuses());

    expect(await actions.resume(SALES, BY)).toMatchObject(confirmed);
    expect(statuses()).toEqual({ [first]: 'in-progress', [onDemand]: 'in-progress', [third]: 'paused' });
    expect(await shown()).toEqual(statuses());

    expect(await actions.stop(SALES, onDemand, BY)).toMatchObject(confirmed);
    expect(statuses()).toMatchObject({ [first]: 'in-progress', [onDemand]: 'stopped' });
    const opened = await actions.open(SALES, onDemand, BY);
    expect(opened).toMatchObject({ kind: 'opened', audio: { contentType: expect.stringContaining('audio/') } });
    await (opened.kind === 'opened' && opened.audio.body.cancel());
    expect(await actions.open(roomNamed('other'), onDemand, BY)).toMatchObject({ refusal: 'no-recording' });
  });

  it('whoever comes first, a supervisor included, is recorded; its end is shown, and its audio can be opened', async () => {
    const { testBench, space, actions, shown } = await start({ RECORD_CONFERENCES: 'true' });
    await testBench.call('Bob', PATH.replace('conference', 'fallback'));
    const alice = await testBench.call('Alice', PATH);
    await testBench.call('Ted', '/coach/sales%202');
    const recorded = space.conferences.recordings.all();
    expect(recorded.map(({ status }) => status)).toEqual(['in-progress']);
    await testBench.hangUp(alice);
    const sid = recorded[0]?.sid as Sid;
    await eventually(async () => expect(await shown()).toMatchObject({ [sid]: 'completed' }));
    const opened = await actions.open(SALES, sid, BY);
    expect(opened).toMatchObject({ audio: { contentLength: expect.any(Number) } });
    await (opened.kind === 'opened' && opened.audio.body.cancel());
  });

  it('that nobody asked for do not exist', async () => {
    const { testBench, space, actions } = await start({});
    await testBench.call('Bob', PATH);
    await testBench.call('Alice', PATH);
    expect(space.conferences.recordings.all()).toEqual([]);
    expect(await actions.list(SALES)).toMatchObject({ kind: 'listed', failure: undefined });
  });
});
