import { describe, expect, it } from '@jest/globals';
import { type Form, startApp } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { roomNamed } from '../support/room-stores';

const SALES = roomNamed('sales 2');
const PATH = '/events/recording/sales%202';
const SECRET = 'https://files.example.com/secret-address.wav';

/** As the Space reports a recording. */
const REPORT = {
  AccountSid: 'OURS',
  CallSid: 'alice-1',
  RecordingSid: 'r-1',
  RecordingUrl: SECRET,
  RecordingStatus: 'in-progress',
  RecordingDuration: '0',
  RecordingChannels: '1',
  RecordingSource: 'StartCallRecordingApi',
};

async function start() {
  const env = { SIGNALWIRE_SPACE_URL: 'our.example.com', SIGNALWIRE_PROJECT_ID: 'ours', SIGNALWIRE_API_TOKEN: 'token' };
  const app = await startApp({ env });
  onTestFinished(() => app.stop());
  return { app, recordings: async () => (await app.store.rooms.read(SALES)).state.recordings };
}

describe('a callback about a recording', () => {
  it.each(['post', 'get'] as const)(
    'is kept in the state of the room that its address names, by %s',
    async (method) => {
      const { app, recordings } = await start();
      expect(await app[method](PATH, REPORT)).toMatchObject({ status: 204, text: '' });
      expect(await recordings()).toEqual([
        { recordingSid: 'r-1', callSid: 'alice-1', status: 'in-progress', changedAt: expect.any(Number) },
      ]);
      await app[method](PATH, { ...REPORT, RecordingStatus: 'Completed', CallSid: '' });
      await app[method](PATH, REPORT);
      expect(await recordings()).toMatchObject([{ callSid: 'alice-1', status: 'completed' }]);
    },
  );

  it('may name a conference, and says that a recording goes on in the words of REST', async () => {
    const { app, recordings } = await start();
    const { CallSid, ...report } = REPORT;
    await app.post(PATH, { ...report, ConferenceSid: 'cf-1', RecordingStatus: 'paused' });
    await app.post(PATH, { ...report, RecordingStatus: 'resumed' });
    expect(await recordings()).toMatchObject([{ conferenceSid: 'cf-1', status: 'in-progress' }]);
  });

  it.each<[string, Form]>([
    ['of another account', { ...REPORT, AccountSid: 'another' }],
    ['without a RecordingSid', { ...REPORT, RecordingSid: '' }],
    ['with a status never heard of', { ...REPORT, RecordingStatus: 'dancing' }],
    ['without fields', {}],
  ])('%s changes nothing', async (_what, form) => {
    const { app, recordings } = await start();
    expect(await app.post(PATH, form)).toMatchObject({ status: 204 });
    expect(await recordings()).toBeUndefined();
  });

  it.each(['RecordingSid', 'CallSid', 'ConferenceSid'])('with a malformed %s gets 400', async (name) => {
    const { app, recordings } = await start();
    expect(await app.post(PATH, { ...REPORT, [name]: SECRET })).toMatchObject({
      status: 400,
      text: `${name} is missing or invalid: send one, of 1 to 64 letters, digits, - or _.\n`,
    });
    expect(await recordings()).toBeUndefined();
  });

  it('never brings the address of the recording, or the SID in it, into the log, the state or the trail', async () => {
    const { app, recordings } = await start();
    for (const method of ['post', 'get'] as const) {
      await app[method](PATH, REPORT);
      await app[method](PATH, { ...REPORT, RecordingSid: SECRET });
      await app[method]('/events/recording/a,b', REPORT);
    }
    await app.send('POST', PATH, { 'content-type': 'application/x-www-form-urlencoded' }, `RecordingUrl=${SECRET}`);
    await app.send('GET', `${PATH}?RecordingUrl=${SECRET}&RecordingSid=r-1`);
    const logged = app.log.join('');
    expect(logged).toContain('recording-reported');
    expect(logged).not.toMatch(/secret-address|files\.example|r-1/);
    expect(JSON.stringify([await recordings(), app.refused])).not.toMatch(/secret-address|files\.example/);
    for await (const { fact } of app.store.rooms.feed({ since: 0 })) {
      throw new Error(`A callback has made a fact: ${fact.kind}`);
    }
  });
});
