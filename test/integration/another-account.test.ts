import { describe, expect, it } from '@jest/globals';
import { targetOf } from '../../src/rooms/room';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { ALICE, startApp, TED, type TestApp } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { roomNamed } from '../support/room-stores';
import { supervisorsTrail } from '../support/trail';

const ROOM = roomNamed('smoke-test');

/** What REST is asked about; it knows nothing of the room. */
async function startAsked() {
  const asked: string[] = [];
  let now = Date.now();
  const space = new Proxy({} as ConferenceApi, {
    get: (_, name) => async () => {
      asked.push(String(name));
      return name === 'listConferences' ? [] : undefined;
    },
  });
  const app = await startApp({
    now: () => now,
    space,
    env: { SIGNALWIRE_SPACE_URL: 'our.example.com', SIGNALWIRE_PROJECT_ID: 'ours', SIGNALWIRE_API_TOKEN: 'token' },
  });
  onTestFinished(() => app.stop());
  return {
    app,
    asked,
    /** As the sweep sees a room that the Space does not list, again and again. */
    async miss() {
      for (let time = 0; time < 2; time++) {
        now += 10_000;
        await app.store.rooms.apply(ROOM, { kind: 'room-observed', conference: undefined, participants: [], ageMs: 0 });
      }
    },
  };
}

/** Alice waits in the room, and Ted has come in to speak with everybody. */
async function meet(app: TestApp, account: string | undefined): Promise<void> {
  const from = account === undefined ? {} : { AccountSid: account };
  const joined = { StatusCallbackEvent: 'participant-join', ConferenceSid: 'cf-1', ...from };
  await app.post('/conference/smoke-test', { CallSid: 'alice-1', From: ALICE });
  await app.post('/events/conference/smoke-test', { ...joined, CallSid: 'alice-1', EndConferenceOnExit: 'true' });
  await app.post('/coach/smoke-test?mode=barge', { CallSid: 'ted-1', From: TED });
  await app.post('/events/conference/smoke-test', { ...joined, CallSid: 'ted-1', EndConferenceOnExit: 'false' });
}

describe('a room whose callbacks come from another account', () => {
  it('is never compared with our Space', async () => {
    const { app, asked, miss } = await startAsked();
    await meet(app, 'another');
    expect(asked).toEqual([]);
    await miss();
    expect(targetOf((await app.store.rooms.read(ROOM)).state)?.callSid).toBe('alice-1');
  });

  it('is in no menu, and not in the audit trail', async () => {
    const { app } = await startAsked();
    await meet(app, 'another');
    expect((await app.store.rooms.list()).rooms).toEqual([]);
    expect(await supervisorsTrail(app.store)).toEqual([]);
  });
});

describe.each([
  ['our account', 'ours'],
  ['an account that they do not name', undefined],
])('a room whose callbacks come from %s', (_what, account) => {
  it('is compared, listed and in the audit trail', async () => {
    const { app, asked, miss } = await startAsked();
    await meet(app, account);
    expect(asked).not.toEqual([]);
    expect((await app.store.rooms.list()).rooms).toMatchObject([{ room: ROOM }]);
    expect((await supervisorsTrail(app.store)).map(({ kind }) => kind)).toEqual(['arrived', 'joined']);
    await miss();
    expect(targetOf((await app.store.rooms.read(ROOM)).state)).toBeUndefined();
  });
});
