import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRedisStore } from '../../src/stores';
import { ALICE, BOB, startApp, TED, type TestApp } from '../support/app';
import { brokenRoster, type RosterContent } from '../support/roster';

/** A number of the Space itself, from which it calls people. */
const OURS = '+15559990000';

const laml = (content: string) => `<?xml version="1.0" encoding="UTF-8"?><Response>${content}</Response>`;
const conference = (room: string, attributes: string) =>
  `<Conference ${attributes} statusCallback="https://coach.example.com/events/conference/${room}" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold speaker">${room}</Conference>`;
const moderator = (room: string) =>
  laml(
    `<Dial action="https://coach.example.com/conference/${room}/ended" timeLimit="14400">${conference(room, 'startConferenceOnEnter="true" endConferenceOnExit="true"')}</Dial>`,
  );
const caller = (room: string) =>
  laml(`<Dial timeLimit="14400">${conference(room, 'startConferenceOnEnter="false"')}</Dial>`);
const supervisor = (room: string, { said = '', query = '', attributes = '' } = {}) =>
  laml(
    `${said}<Dial action="https://coach.example.com/coach/${room}/ended${query}" hangupOnStar="true" timeLimit="14400">${conference(room, `coach="alice-1" ${attributes}startConferenceOnEnter="false" endConferenceOnExit="false" beep="false"`)}</Dial>`,
  );
const reject = laml('<Reject/>');

let app: TestApp;

afterEach(async () => {
  await app.stop();
  app.store.close();
});

describe.each<['post' | 'get']>([['post'], ['get']])('an outbound leg to a person, requested by %s,', (method) => {
  const ask = async (path: string, form: Record<string, string>) => (await app[method](path, form)).text;

  it.each(['outbound-api', 'outbound-dial', 'Outbound-API', 'OUTBOUND'])(
    'with Direction=%s, is theirs',
    async (Direction) => {
      app = await startApp();
      const called = (To: string, CallSid: string) => ({ CallSid, Direction, From: OURS, To });
      expect(await ask('/conference/out', called(ALICE, 'alice-1'))).toBe(moderator('out'));
      expect(await ask('/conference/out', called(BOB, 'bob-1'))).toBe(caller('out'));
      expect(await ask('/coach/out', called(TED, 'ted-1'))).toBe(supervisor('out'));
      expect(await ask('/coach/out', called(BOB, 'bob-2'))).toBe(reject);
      const said = '<Say>Nobody hears you. You are listening to the agent in out. For the menu, press star.</Say>';
      expect(await ask('/supervisor', called(TED, 'ted-2'))).toBe(
        supervisor('out', { said, query: '?announced=1&amp;line=1&amp;mode=monitor', attributes: 'muted="true" ' }),
      );
    },
  );

  it.each([
    ['a moderator', ALICE],
    ['a supervisor', TED],
  ])('does not belong to the calling number: %s', async (_who, From) => {
    app = await startApp();
    const called = { CallSid: 'bob-1', Direction: 'outbound-api', From };
    for (const form of [called, { ...called, To: BOB }, { ...called, To: 'anonymous' }] as Record<string, string>[]) {
      expect(await ask('/conference/out', form)).toBe(caller('out'));
      expect(await ask('/coach/out', form)).toBe(reject);
    }
  });

  it.each(['inbound', '', 'out', 'x-outbound'])('is a call from them with Direction=%s', async (Direction) => {
    app = await startApp();
    const call = { CallSid: 'alice-1', Direction, From: ALICE, To: BOB };
    expect(await ask('/conference/out', call)).toBe(moderator('out'));
  });
});

it('the log names the person of an outbound leg, masked', async () => {
  app = await startApp();
  await app.post('/conference/out', { CallSid: 'alice-1', Direction: 'outbound-dial', From: OURS, To: ALICE });
  const [line] = app.log.map((text) => JSON.parse(text)).filter(({ role }) => role === 'moderator');
  expect(line).toMatchObject({ msg: 'Request', from: '***8999', outcome: 'join' });
});

it('if anyone may supervise, a SIP phone may, but not a withheld address', async () => {
  app = await startApp({ env: { SUPERVISOR_NUMBERS: '' } });
  await app.post('/conference/out', { CallSid: 'alice-1', From: ALICE });
  const dial = async (From: string) => (await app.post('/coach/out', { CallSid: 'ted-1', From })).text;
  expect(await dial('sip:ted@example.com')).toBe(supervisor('out'));
  expect(await dial('client:ted')).toBe(supervisor('out'));
  expect(await dial('sip:anonymous@anonymous.invalid')).toBe(reject);
  expect(await dial('Ted')).toBe(reject);
});

describe('people in the roster without a number', () => {
  const HOST = 'example.sip.signalwire.com';
  const people: RosterContent = {
    moderators: [
      { name: 'Alice', address: `sip:alice@${HOST}` },
      { name: 'Carol', pin: '70001' },
    ],
    supervisors: [
      { name: 'Ted', address: 'client:ted' },
      { name: 'Bob', pin: '70002' },
    ],
  };
  const post = async (path: string, form: Record<string, string>) => (await app.post(path, form)).text;
  const welcome = laml(
    `<Gather action="https://coach.example.com/conference/out/pin" timeout="1"><Say>Welcome.</Say></Gather><Dial timeLimit="14400">${conference('out', 'startConferenceOnEnter="false"')}</Dial>`,
  );

  beforeEach(async () => {
    app = await startApp({ people });
  });

  it.each([
    [`sip:alice@${HOST}`],
    [`SIP:alice@${HOST.toUpperCase()}:5060;transport=udp`],
    [`"Alice" <sip:alice@${HOST};transport=tls>;tag=1`],
  ])('are moderators by SIP address: %s', async (address) => {
    expect(await post('/conference/out', { CallSid: 'alice-1', From: address })).toBe(moderator('out'));
    const called = { CallSid: 'alice-2', Direction: 'outbound-api', From: OURS, To: address };
    expect(await post('/conference/out', called)).toBe(moderator('out'));
    const lines = app.log.map((text) => JSON.parse(text)).filter(({ role }) => role === 'moderator');
    expect(lines.map(({ from, name }) => [from, name])).toEqual(Array(2).fill([`sip:al***@${HOST}`, 'Alice']));
    expect(app.log.join('')).not.toContain('alice@');
  });

  it.each([`sip:alice@evil.example`, `sip:Alice@${HOST}`, 'client:alice', `sip:alice@${HOST}@evil.example`, 'alice'])(
    'are not moderators by another address: %s',
    async (From) => {
      expect(await post('/conference/out', { CallSid: 'x-1', From })).toBe(welcome);
    },
  );

  it('are supervisors by client address, also on an outbound leg', async () => {
    await post('/conference/out', { CallSid: 'alice-1', From: `sip:alice@${HOST}` });
    expect(await post('/coach/out', { CallSid: 'ted-1', From: 'client:ted' })).toBe(supervisor('out'));
    const called = { CallSid: 'ted-2', Direction: 'Outbound-Dial', From: OURS, To: 'client:ted' };
    expect(await post('/coach/out', called)).toBe(supervisor('out'));
    expect(await post('/coach/out', { CallSid: 'bob-1', From: 'client:bob' })).toBe(reject);
  });

  it('are known by PIN alone, on any telephone', async () => {
    const keyed = { CallSid: 'alice-1', From: 'anonymous', Digits: '*70001' };
    expect(await post('/conference/out/pin', keyed)).toBe(moderator('out'));
    await post('/supervisor/pin?try=1&room=out&mode=monitor', { CallSid: 'bob-1', Digits: '70002' });
    const [entered] = app.log.map((text) => JSON.parse(text)).filter(({ role }) => role === 'supervisor');
    expect(entered).toMatchObject({ name: 'Bob', from: 'no number', room: 'out', target: 'alice-1' });
  });
});

describe.each<['post' | 'get']>([['post'], ['get']])('the fallback, requested by %s,', (method) => {
  const ask = async (path: string, form: Record<string, string>) => (await app[method](path, form)).text;
  const DESK = 'sip:ted@example.com';

  it.each<[string, Record<string, string>]>([
    ['a customer', { CallSid: 'bob-1', From: BOB }],
    ['a moderator', { CallSid: 'alice-1', From: ALICE }],
    ['a moderator who supervises too', { CallSid: 'alice-1', From: '+15550003333' }],
    [
      'a leg called out to a customer from the number of a supervisor',
      { Direction: 'outbound-api', From: TED, To: BOB },
    ],
    ['a call that shows no number', { CallSid: 'x-1', From: 'anonymous' }],
    ['a call without a Call SID', { From: BOB }],
    ['a call with a Call SID that is none', { CallSid: 'a b', From: BOB }],
    ['a call of which nothing is told', {}],
  ])('lets %s in as a caller', async (_who, form) => {
    const both = `${TED},+15550003333`;
    app = await startApp({ env: { MODERATOR_NUMBERS: `${ALICE},+15550003333`, SUPERVISOR_NUMBERS: both } });
    expect(await ask('/fallback', form)).toBe(caller('sample-conf'));
    expect(await ask('/fallback/out', form)).toBe(caller('out'));
  });

  it.each<[string, Record<string, string>]>([
    ['by number', { CallSid: 'ted-1', From: TED }],
    ['by address', { CallSid: 'ted-1', From: `<${DESK}>` }],
    ['on a leg called out to them', { CallSid: 'ted-1', Direction: 'outbound-api', From: OURS, To: TED }],
    ['without a Call SID', { From: TED }],
    ['with a Call SID that is none', { CallSid: 'a b', From: TED }],
  ])('rejects a supervisor known %s', async (_how, form) => {
    app = await startApp({ people: { supervisors: [{ name: 'Ted', address: DESK, rooms: ['elsewhere'] }] } });
    expect(await ask('/fallback', form)).toBe(reject);
    expect(await ask('/fallback/out', form)).toBe(reject);
    const [line] = app.log.map((text) => JSON.parse(text)).filter(({ level }) => level === 'warn');
    expect(line).toMatchObject({ msg: 'Supervisor sent to the fallback; rejected', room: 'sample-conf' });
    expect(app.log.join('')).not.toMatch(/1555\d{7}|ted@/);
  });

  it('lets everybody in as a caller if anyone may supervise', async () => {
    app = await startApp({ env: { SUPERVISOR_NUMBERS: '' } });
    for (const From of [TED, BOB, ALICE, DESK]) {
      expect(await ask('/fallback', { CallSid: 'x-1', From })).toBe(caller('sample-conf'));
    }
  });

  it('needs neither Redis nor REST', async () => {
    const store = createRedisStore({
      urls: ['redis://127.0.0.1:1'],
      lifetimeMs: 60_000,
      auditMs: 3_600_000,
      timeoutMs: 60_000,
      onConnection: () => {},
    });
    // Whatever is asked of this Space fails.
    app = await startApp({ store, space: {} });
    expect(await ask('/fallback', { CallSid: 'bob-1', From: BOB })).toBe(caller('sample-conf'));
    expect(await ask('/fallback', { CallSid: 'ted-1', From: TED })).toBe(reject);
  });

  it('lets everybody in as a caller when the roster breaks', async () => {
    app = await startApp({ roster: brokenRoster() });
    expect(await ask('/fallback', { CallSid: 'ted-1', From: TED })).toBe(caller('sample-conf'));
  });
});
