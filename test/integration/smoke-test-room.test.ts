import { describe, expect, it } from '@jest/globals';
import { createApiClient, tokenFor } from '../support/api-client';
import { ALICE, startApp, TED, type TestApp } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { roomNamed } from '../support/room-stores';
import type { RosterContent } from '../support/roster';

const CAROL = '+15550003333';
const PIN = '48213';
const SMOKE_TEST = roomNamed('smoke-test');

/** Nobody may enter every room. */
const PEOPLE: RosterContent = {
  moderators: [
    { name: 'Alice', number: ALICE, rooms: ['sales'] },
    { name: 'Carol', number: CAROL, rooms: ['sales'], pin: PIN, requirePin: true },
  ],
  supervisors: [
    { name: 'Ted', number: TED, rooms: ['sales'], rights: ['see', 'monitor', 'coach'] },
    { name: 'Carol', number: CAROL, rooms: ['sales'], rights: ['see'] },
  ],
};

const OUR_SPACE = {
  SIGNALWIRE_SPACE_URL: 'our.example.com',
  SIGNALWIRE_PROJECT_ID: 'ours',
  SIGNALWIRE_API_TOKEN: 'token',
};

async function start(options: Parameters<typeof startApp>[0] = {}): Promise<TestApp> {
  const app = await startApp({ people: PEOPLE, ...options });
  onTestFinished(() => app.stop());
  return app;
}

/** Alice leads conversations in these rooms. Their callbacks come from this account. */
async function lead(app: TestApp, rooms: readonly string[], account = 'conference-coach-smoke-test'): Promise<void> {
  for (const room of rooms) {
    const from = room === 'smoke-test' ? account : 'ours';
    await app.post(`/conference/${room}`, { CallSid: `alice-${room}`, From: ALICE, AccountSid: from });
    await app.post(`/events/conference/${room}`, {
      StatusCallbackEvent: 'participant-join',
      ConferenceSid: `cf-${room}`,
      CallSid: `alice-${room}`,
      EndConferenceOnExit: 'true',
      AccountSid: from,
    });
  }
}

const call = (From: string, AccountSid: string) => ({ CallSid: `call-${From.slice(1)}`, From, AccountSid });

describe('in the room of the smoke test', () => {
  it('a moderator of another room is the moderator', async () => {
    const app = await start();
    const { text } = await app.post('/conference/smoke-test', call(ALICE, 'ours'));
    expect(text).toContain('endConferenceOnExit="true"');
    const elsewhere = await app.post('/conference/support', call(ALICE, 'ours'));
    expect(elsewhere.text).toContain('You are not an agent on this line.');
  });

  it('a moderator who must enter a PIN is asked for it', async () => {
    const app = await start();
    const { text } = await app.post('/conference/smoke-test', call(CAROL, 'ours'));
    expect(text).toContain('enter your PIN');
  });

  it('a supervisor of another room supervises, with their own rights', async () => {
    const app = await start();
    await lead(app, ['smoke-test']);
    const { text } = await app.post('/coach/smoke-test', call(TED, 'ours'));
    expect(text).toContain('coach="alice-smoke-test"');
    const barge = await app.post('/coach/smoke-test?mode=barge', call(TED, 'ours'));
    expect(barge.text).toContain('muted="true"');
    const carol = await app.post('/coach/smoke-test', call(CAROL, 'ours'));
    expect(carol.text).toContain('<Reject/>');
  });

  it('nobody gains anything through the API', async () => {
    const board = tokenFor('board', ['see', 'monitor', 'coach'], { rooms: [roomNamed('sales')] });
    const app = await start({ tokens: [board.entry], env: { CALLER_ID: '+15550009999' } });
    await lead(app, ['smoke-test', 'sales'], 'ours');
    const { ask } = await createApiClient(app.port);
    const { body } = await ask('GET', '/rooms', { token: board.secret });
    expect(body.rooms.map(({ room }: { room: string }) => room)).toEqual(['sales']);
    const read = await ask('GET', '/rooms/smoke-test', { token: board.secret });
    expect(read.status).toBe(403);
    const join = { supervisor: 'Ted', mode: 'coach' };
    const called = await ask('POST', '/rooms/smoke-test/supervisors', { token: board.secret, body: join });
    expect(called.status).toBe(403);
  });
});

describe.each<[string, Record<string, string>]>([
  ['knows its account', OUR_SPACE],
  ['does not know its account', {}],
])('the supervisors’ line of a server that %s', (_what, env) => {
  it('offers the smoke test its own room, and no other', async () => {
    const app = await start({ env });
    await lead(app, ['sales', 'smoke-test']);
    const { text } = await app.post('/supervisor', call(TED, 'conference-coach-smoke-test'));
    expect(text).toContain('coach="alice-smoke-test"');
  });

  it('offers the smoke test nothing else while its room is empty', async () => {
    const app = await start({ env });
    await lead(app, ['sales']);
    const { text } = await app.post('/supervisor', call(TED, 'conference-coach-smoke-test'));
    expect(text).toContain('No conversation right now.');
  });

  it('does not offer that room to our own calls, before the first callback either', async () => {
    const app = await start({ env });
    await app.post('/conference/smoke-test', call(ALICE, 'conference-coach-smoke-test'));
    const alone = await app.post('/supervisor', call(TED, 'ours'));
    expect(alone.text).toContain('No conversation right now.');
    await lead(app, ['smoke-test', 'sales']);
    const { text } = await app.post('/supervisor', call(TED, 'ours'));
    expect(text).toContain('coach="alice-sales"');
  });

  it('offers our own calls a room where a smoke test took place before', async () => {
    const app = await start({ env });
    await app.post('/events/conference/sales', {
      StatusCallbackEvent: 'participant-join',
      ConferenceSid: 'cf-test',
      CallSid: 'bob-test',
      AccountSid: 'conference-coach-smoke-test',
    });
    await lead(app, ['sales']);
    const { text } = await app.post('/supervisor', call(TED, 'ours'));
    expect(text).toContain('coach="alice-sales"');
  });
});

it('the supervisors’ line offers that room to any other account, for one more read of the store', async () => {
  const app = await start({ env: OUR_SPACE });
  await lead(app, ['sales', 'smoke-test']);
  const asked: string[] = [];
  const { rooms } = app.store;
  for (const name of ['list', 'read'] as const) {
    const ask = rooms[name] as (...args: unknown[]) => unknown;
    Object.assign(rooms, {
      [name](...args: unknown[]) {
        asked.push([name, ...args].join(' '));
        return ask(...args);
      },
    });
  }
  const { text } = await app.post('/supervisor', call(TED, 'another'));
  expect(text).toContain('coach="alice-smoke-test"');
  expect(asked).toEqual([`read ${SMOKE_TEST}`, `read ${SMOKE_TEST}`]);
});
