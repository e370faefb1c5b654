import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RoomName } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { createMemoryStore } from '../../src/stores';
import type { AuditRecord } from '../../src/supervision/trail';
import { ALICE, BOB, type Form, startApp, TED, type TestApp } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { sid } from '../support/room-stores';
import { supervisorsTrail } from '../support/trail';

const PIN = '48213';
const MOBILE = '+15550004444';
const laml = (content: string) => `<?xml version="1.0" encoding="UTF-8"?><Response>${content}</Response>`;
const BASE = 'https://coach.example.com';
const goodbye = laml('<Say>Goodbye.</Say><Hangup/>');
const reject = laml('<Reject/>');
const ask = (action: string, words = '') =>
  laml(
    `<Gather action="${BASE}${action}"><Say>${words}Please enter your PIN, then press pound.</Say></Gather><Redirect>${BASE}${action}</Redirect>`,
  );
const WRONG = 'Wrong PIN. ';
const reporting = (room: string) =>
  `statusCallback="${BASE}/events/conference/${room}" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold speaker"`;
const KEYS =
  'Nobody hears you now. To listen, press 1. To coach, 2. To talk to everyone, 3. For another conversation, 4. To end, 9.';
const keysFor = (agent: string) => KEYS.replace('To listen,', `To listen to ${agent},`);

const people = {
  moderators: [{ name: 'Alice', number: ALICE, pin: '70001' }],
  supervisors: [{ name: 'Ted', number: TED, pin: PIN }],
};

const CAROL_ENTRY = { name: 'Carol', number: '+15550003333' };

let numbers = 0;
/** A number that has tried no PIN yet. */
const freshNumber = () => `+1556000${String(++numbers).padStart(4, '0')}`;

describe.each<['post' | 'get']>([['post'], ['get']])('the supervisors’ line, asked by %s', (method) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ people });
    await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
  });

  afterAll(() => app.stop());

  const text = async (path: string, form: Form) => {
    const reply = await app[method](path, form);
    expect([reply.status, reply.type]).toEqual([200, 'text/xml; charset=utf-8']);
    return reply.text;
  };

  it('answers a call from first to last with these documents', async () => {
    const call = { CallSid: 'ted-1', From: MOBILE };
    expect(await text('/supervisor', call)).toBe(ask('/supervisor/pin?try=1'));
    const entered = await text('/supervisor/pin?try=1', { ...call, Digits: PIN });
    const token = /token=([\w-]+)/.exec(entered)?.[1] ?? '';
    expect(entered).toBe(
      laml(
        `<Say>Nobody hears you. You are listening to Alice. For the menu, press star.</Say><Dial action="${BASE}/coach/sales/ended?announced=1&amp;line=1&amp;mode=monitor&amp;token=${token}" hangupOnStar="true" timeLimit="14400"><Conference coach="alice-1" muted="true" startConferenceOnEnter="false" endConferenceOnExit="false" beep="false" ${reporting('sales')}>sales</Conference></Dial>`,
      ),
    );
    const keypad = `${BASE}/coach/sales/key?announced=1&amp;line=1&amp;mode=monitor&amp;target=alice-1&amp;token=${token}`;
    expect(
      await text(`/coach/sales/ended?announced=1&line=1&mode=monitor&token=${token}`, {
        ...call,
        DialCallStatus: 'answered',
      }),
    ).toBe(
      laml(
        `<Gather action="${keypad}" numDigits="1"><Say>${keysFor('Alice')}</Say></Gather><Redirect>${keypad}</Redirect>`,
      ),
    );
    expect(
      await text(`/coach/sales/key?announced=1&line=1&mode=monitor&target=alice-1&token=${token}`, {
        ...call,
        Digits: '2',
      }),
    ).toBe(
      laml(
        `<Say>The agent alone hears you.</Say><Dial action="${BASE}/coach/sales/ended?announced=1&amp;line=1&amp;stay=2&amp;token=${token}" hangupOnStar="true" timeLimit="14400"><Conference coach="alice-1" startConferenceOnEnter="false" endConferenceOnExit="false" beep="false" ${reporting('sales')}>sales</Conference></Dial>`,
      ),
    );
    expect(await text(`/coach/sales/key?token=${token}`, { ...call, Digits: '9' })).toBe(goodbye);
  });

  it.each<[string, [string, string][]]>([
    ['nothing', []],
    ['an empty field', [['Digits', '']]],
    ['one digit', [['Digits', '4']]],
    ['four digits', [['Digits', PIN.slice(0, 4)]]],
    ['the PIN and one digit more', [['Digits', `${PIN}0`]]],
    ['eleven digits', [['Digits', '12345678901']]],
    ['a hundred digits', [['Digits', PIN.repeat(20)]]],
    ['star and pound', [['Digits', '*#']]],
    ['the PIN behind a star', [['Digits', `*${PIN}`]]],
    ['the PIN with a space', [['Digits', ` ${PIN}`]]],
    ['digits of another script', [['Digits', '４８２１３']]],
    ['speech', [['SpeechResult', PIN]]],
    [
      'the PIN twice',
      [
        ['Digits', PIN],
        ['Digits', PIN],
      ],
    ],
    ['the PIN of a moderator', [['Digits', '70001']]],
  ])('lets nobody in who answers with %s', async (_what, digits) => {
    const call: [string, string][] = [['CallSid', 'x-1'], ['From', freshNumber()], ...digits];
    const isSilent = !digits.some(([name, value]) => name === 'Digits' && value !== '') || digits.length > 1;
    const words = isSilent ? 'Nothing entered. ' : WRONG;
    expect(await text('/supervisor/pin?try=1', call)).toBe(ask('/supervisor/pin?try=2', words));
    expect(await text('/supervisor/pin?mode=barge&room=sales&try=2', call)).toBe(
      ask('/supervisor/pin?mode=barge&amp;room=sales&amp;try=3', words),
    );
    expect(await text('/supervisor/pin?try=3', call)).toBe(goodbye);
  });

  it.each(['', '?try=0', '?try=4', '?try=-1', '?try=x', '?try=1.5', '?try=1&try=1'])(
    'takes a spoilt count of tries (%s) for the last',
    async (query) => {
      const call = { CallSid: 'x-1', From: freshNumber(), Digits: '11111' };
      expect(await text(`/supervisor/pin${query}`, call)).toBe(goodbye);
    },
  );

  it.each([
    ['none', ''],
    ['an empty one', '&token='],
    ['garbage', '&token=abc'],
    ['a long one', `&token=${'A'.repeat(5_000)}`],
    ['two', '&token=a&token=b'],
  ])('opens nothing to an unknown number with a token that is %s', async (_what, token) => {
    const call = { CallSid: 'x-1', From: freshNumber(), Digits: '1' };
    for (const path of [
      '/supervisor/room?rooms=sales',
      '/coach/sales/key?mode=barge',
      '/coach/sales/ended?mode=coach',
    ]) {
      expect(await text(path + token, call)).toBe(goodbye);
    }
    expect(await text(`/coach/sales?mode=barge${token}`, call)).toBe(reject);
  });

  it('opens nothing with the token of another call', async () => {
    const proven = await text('/supervisor/pin?try=1', { CallSid: 'ted-2', From: MOBILE, Digits: PIN });
    const token = /token=([\w-]+)/.exec(proven)?.[1];
    expect(token).toBeDefined();
    const other = { CallSid: 'x-2', From: MOBILE, Digits: '1' };
    expect(await text(`/coach/sales/key?token=${token}`, other)).toBe(goodbye);
    expect(await text(`/coach/sales/key?token=${token}`, { ...other, CallSid: 'ted-2' })).toContain('coach="alice-1"');
  });

  it.each([
    ['no room', ''],
    ['rooms that cannot be', '?rooms=.._1a/b_1%00'],
    ['the last of ten', `?rooms=${'sales_1'.repeat(10)}`],
    ['a spoilt page', '?rooms=sales&page=x'],
  ])('takes a choice from a menu of %s', async (_what, query) => {
    const reply = await text(`/supervisor/room${query}`, { CallSid: 'ted-3', From: TED, Digits: '0' });
    expect(reply).toContain('There is no such conversation. For Alice, no caller yet, press 1.');
  });

  it('lets nobody choose for ever, whatever the address says', async () => {
    const call = { CallSid: 'ted-3', From: TED, Digits: '0' };
    expect(await text('/supervisor/room?rooms=sales&attempt=99', call)).toBe(goodbye);
  });

  it('refuses a mode that there is not, by name', async () => {
    const reply = await app[method]('/supervisor?mode=shout', { CallSid: 'ted-1', From: TED });
    expect(reply).toMatchObject({ status: 400, text: 'mode must be one of monitor, coach, barge.\n' });
  });

  it('says nothing about rooms before the PIN is right', async () => {
    const from = freshNumber();
    const texts = [await text('/supervisor', { CallSid: 'x-1', From: from })];
    for (const tried of ['1', '2', '3']) {
      texts.push(await text(`/supervisor/pin?try=${tried}`, { CallSid: 'x-1', From: from, Digits: '11111' }));
    }
    expect(texts.join()).not.toMatch(/Alice|sales|conference|conversation/i);
  });
});

describe('the keypad', () => {
  it('comes to an end when the Space ends every stay at once, and nobody presses a key', async () => {
    const app = await startApp({ people });
    onTestFinished(() => app.stop());
    await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
    const call = { CallSid: 'ted-1', From: TED, DialCallStatus: 'completed' };
    let path = '/coach/sales';
    let documents = 0;
    for (; path !== '' && documents < 200; documents++) {
      const { text } = await app.post(path, call);
      path = (/<Gather action="([^"]*)"|<Dial action="([^"]*)"/.exec(text)?.slice(1).find(Boolean) ?? '')
        .replaceAll('&amp;', '&')
        .replace(BASE, '');
    }
    expect([path, documents]).toEqual(['', 27]);
  });

  it.each([
    ['', 'coach="carol-1" start', 'The agent alone hears you. You are coaching Carol.'],
    ['?mode=barge', 'coach="carol-1" muted="true" ', 'Nobody hears you. You are listening to Carol.'],
  ])('leads by the number’s mode to an agent who took over meanwhile: %j', async (query, attributes, sentence) => {
    const app = await startApp({ people: { ...people, moderators: [...people.moderators, CAROL_ENTRY] } });
    onTestFinished(() => app.stop());
    await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
    const call = { CallSid: 'ted-1', From: TED };
    await app.post(`/coach/sales${query}`, call);
    const { text } = await app.post(`/coach/sales/ended${query}`, { ...call, DialCallStatus: 'answered' });
    const [, keypad = ''] = /<Gather action="([^"]*)"/.exec(text) ?? [];
    expect(text).toContain('To listen to Alice, press 1.');
    await app.post('/conference/sales', { CallSid: 'carol-1', From: CAROL_ENTRY.number });
    const path = keypad.replaceAll('&amp;', '&').replace(BASE, '');
    for (const keys of [{}, { Digits: '1' }, { Digits: '2' }, { Digits: '3' }]) {
      const next = (await app.post(path, { ...call, ...keys })).text;
      expect(next).toContain(`<Say>That conversation is over. ${sentence} For the menu, press star.</Say>`);
      expect(next).toContain(attributes);
    }
  });

  it('says where they are to who was told of it before, and whose target had gone', async () => {
    const app = await startApp({ people });
    onTestFinished(() => app.stop());
    await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
    const { text } = await app.post('/coach/sales?announced=1&attempt=1&stay=1', { CallSid: 'ted-1', From: TED });
    expect(text).toContain('<Say>The agent alone hears you. You are coaching Alice. For the menu, press star.</Say>');
  });

  it('is not cut short by a wait before', async () => {
    const app = await startApp({ people });
    onTestFinished(() => app.stop());
    await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
    const call = { CallSid: 'ted-1', From: TED };
    await app.post('/coach/sales?attempt=12', call);
    const { text } = await app.post('/coach/sales/ended?attempt=12', { ...call, DialCallStatus: 'answered' });
    const [, keypad = ''] = /<Gather action="([^"]*)"/.exec(text) ?? [];
    expect((await app.post(keypad.replaceAll('&amp;', '&').replace(BASE, ''), call)).text).toContain('coach="alice-1"');
  });

  it.each(['constructor', '__proto__', 'toString', '12', '0', '#'])(
    'takes %s for no key of its own',
    async (Digits) => {
      const app = await startApp({ people });
      onTestFinished(() => app.stop());
      await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
      const { text } = await app.post('/coach/sales/key?mode=monitor', { CallSid: 'ted-1', From: TED, Digits });
      expect(text).toContain(`<Say>${KEYS}</Say>`);
      expect(text).toContain('mode=monitor');
    },
  );

  it.each([
    ['coach', 'start'],
    ['monitor', 'muted="true" start'],
    ['barge', 'muted="true" start'],
  ])(
    'leads to another conversation by the number’s mode, but never heard by everybody: %s',
    async (mode, attributes) => {
      const supervisors = [{ name: 'Ted', number: TED, mode: 'barge' }];
      const app = await startApp({ people: { moderators: people.moderators, supervisors } });
      onTestFinished(() => app.stop());
      for (const room of ['sales', 'support']) {
        await app.post(`/conference/${room}`, { CallSid: `alice-${room}`, From: ALICE });
      }
      const call = { CallSid: 'ted-1', From: TED, Digits: '4' };
      const other = `coach="alice-support" ${attributes}`;
      expect((await app.post(`/coach/sales/key?mode=${mode}`, call)).text).toContain(other);
      // Whatever keys have made of it since.
      for (const keyed of ['coach', 'barge', 'monitor']) {
        expect((await app.post(`/coach/sales/key?initial=${mode}&mode=${keyed}`, call)).text).toContain(other);
      }
    },
  );
});

describe('with a store and a Space that are slow', () => {
  const AS_LONG_AS_A_SPACE_WAITS_MS = 5_000;
  const slow = <T>(ms: number, value: T) => new Promise<T>((resolve) => void setTimeout(resolve, ms, value));

  // Concurrent, as they take seconds; so each stops its own application.
  it.concurrent.each<[string, string, Record<string, string>]>([
    ['the supervisors’ line', '/supervisor', {}],
    ['a choice of a room that is over', '/supervisor/room?rooms=gone', { Digits: '1' }],
    ['an extension', '/supervisor/room?rooms=gone', { Digits: '201' }],
    ['a way out', '/coach/gone/ended', { DialCallStatus: 'answered' }],
    ['a key', '/coach/gone/key', { Digits: '2' }],
    ['another conversation', '/coach/gone/key', { Digits: '4' }],
    ['a way out to the menu', '/coach/gone/ended?line=1', { DialCallStatus: 'answered' }],
    ['a key on the line', '/coach/gone/key?line=1', { Digits: '2' }],
    ['a way back in', '/coach/gone?moved=1', {}],
    ['a way back in to the menu', '/coach/gone?line=1&moved=1', {}],
  ])('%s is answered in time', async (_what, path, fields) => {
    const memory = createMemoryStore({ lifetimeMs: 60_000, monotonicNow: Date.now, now: Date.now });
    const { rooms } = memory;
    const store = {
      ...memory,
      rooms: {
        ...rooms,
        apply: (room: RoomName, event: RoomEvent) => slow(700, undefined).then(() => rooms.apply(room, event)),
        read: (room: RoomName) => slow(700, undefined).then(() => rooms.read(room)),
        list: () => slow(700, undefined).then(() => rooms.list()),
      },
    };
    const space: Partial<ConferenceApi> = { listConferences: () => slow(1_300, []) };
    const app = await startApp({ people, store, space });
    const startedAt = performance.now();
    const { status } = await app.post(path, { CallSid: 'ted-1', From: TED, ...fields }).finally(app.stop);
    // The 200 ms that a test does not wait are added.
    expect(performance.now() - startedAt + 200).toBeLessThan(AS_LONG_AS_A_SPACE_WAITS_MS - 500);
    expect(status).toBe(200);
  });

  it('the only conversation, which the Space alone knows, is entered in time', async () => {
    const memory = createMemoryStore({ lifetimeMs: 60_000, monotonicNow: Date.now, now: Date.now });
    const fail = () => slow(700, undefined).then(() => Promise.reject(new Error('no answer')));
    const store = { ...memory, rooms: { ...memory.rooms, apply: fail, read: fail, list: fail } };
    const [callSid, conferenceSid] = [sid('alice-1'), sid('cf-1')];
    const space: Partial<ConferenceApi> = {
      listConferences: () => slow(500, [{ conferenceSid, room: 'sales', hasStarted: true, ageMs: 60_000 }]),
      listParticipants: () =>
        slow(1_200, [
          {
            callSid,
            conferenceSid,
            isMuted: false,
            isOnHold: false,
            target: undefined,
            isCoaching: false,
            endsConference: true,
            joinAgeMs: 60_000,
          },
        ]),
    };
    const app = await startApp({ people, store, space });
    const startedAt = performance.now();
    const { text } = await app.post('/supervisor', { CallSid: 'ted-1', From: TED }).finally(app.stop);
    expect(performance.now() - startedAt).toBeLessThan(AS_LONG_AS_A_SPACE_WAITS_MS - 500);
    expect(text).toContain('coach="alice-1"');
  });
});

describe('the notices', () => {
  it('are spoken in the voice and language of the settings', async () => {
    const app = await startApp({
      env: {
        CALLER_NOTICE: 'Anrufe werden betreut.',
        MODERATOR_NOTICE_TEXT: 'Jemand hört zu.',
        NOTICE_VOICE: 'Polly.Marlene',
        NOTICE_LANGUAGE: 'de-DE',
      },
      people,
    });
    onTestFinished(() => app.stop());
    const spoken = (text: string) => `<Say voice="Polly.Marlene" language="de-DE">${text}</Say>`;
    const call = { CallSid: 'bob-1', From: BOB };
    expect((await app.post('/conference', call)).text).toContain(
      `<Gather action="${BASE}/conference/sample-conf/pin" timeout="1">${spoken('Anrufe werden betreut.')}</Gather><Dial`,
    );
    expect((await app.post('/fallback', call)).text).toContain(`<Response>${spoken('Anrufe werden betreut.')}<Dial`);
    expect((await app.post('/notices/moderator', call)).text).toBe(laml(spoken('Jemand hört zu.')));
    expect((await app.post('/notices/supervisor', call)).text).toContain('You have been muted. Nobody hears you.');
  });
});

describe('a call that is turned away', () => {
  const limited = [{ name: 'Ted', number: TED, pin: PIN, rooms: ['sales'] }];

  it.each<[string, string, Record<string, string>, object]>([
    ['without a PIN', '/supervisor/pin?try=1', {}, { reason: 'no-pin' }],
    ['with a wrong PIN', '/supervisor/pin?try=1', { Digits: '11111' }, { reason: 'wrong-pin' }],
    [
      'with a right PIN, and the room of others',
      '/supervisor/pin?try=1&room=support',
      { Digits: PIN },
      { reason: 'room', room: 'support', supervisor: 'Ted' },
    ],
    [
      'by a key in a room that is not theirs any more',
      '/coach/support/key',
      { From: TED, Digits: '2' },
      { reason: 'room', room: 'support', supervisor: 'Ted', number: '***2222' },
    ],
    ['by a key, for nobody knows it any more', '/coach/sales/key', { Digits: '2' }, { reason: 'removed' }],
  ])('%s enters nowhere, and the trail tells why', async (_what, path, form, why) => {
    const app = await startApp({ people: { ...people, supervisors: limited } });
    onTestFinished(() => app.stop());
    for (const room of ['sales', 'support']) {
      await app.post(`/conference/${room}`, { CallSid: `alice-${room}`, From: ALICE });
    }
    const { text } = await app.post(path, { CallSid: 'x-1', From: MOBILE, ...form });
    expect(text).not.toContain('<Conference');
    expect(await readTrail(app)).toMatchObject([{ kind: 'refused', callSid: 'x-1', number: '***4444', ...why }]);
  });

  it('on the line, where nobody has a PIN, is in the trail', async () => {
    const app = await startApp({ people: { supervisors: [{ name: 'Ted', number: TED }] } });
    onTestFinished(() => app.stop());
    expect((await app.post('/supervisor', { CallSid: 'x-1', From: MOBILE })).text).toBe(reject);
    expect(await readTrail(app)).toMatchObject([{ kind: 'refused', number: '***4444', reason: 'unknown' }]);
  });
});

describe('a call that goes on', () => {
  it('opens nothing by its number alone where the roster asks for a PIN', async () => {
    const supervisors = [{ name: 'Ted', number: TED, pin: PIN, requirePin: true }];
    const app = await startApp({ people: { ...people, supervisors } });
    onTestFinished(() => app.stop());
    await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
    for (const path of ['/supervisor/room?rooms=sales', '/coach/sales/key?mode=barge', '/coach/sales/ended']) {
      expect((await app.post(path, { CallSid: 'x-1', From: TED, Digits: '1' })).text).toBe(goodbye);
    }
  });

  it('after the star has left the conversation, though no callback tells it', async () => {
    const app = await startApp({ people });
    onTestFinished(() => app.stop());
    await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
    const ted = { CallSid: 'ted-1', From: TED };
    await app.post('/coach/sales', ted);
    expect((await app.post('/coach/sales/ended', { ...ted, DialCallStatus: 'answered' })).text).toContain(
      keysFor('Alice'),
    );
    expect((await readTrail(app)).map(({ kind }) => kind)).toEqual(['arrived', 'left']);
  });
});

async function readTrail(app: TestApp): Promise<AuditRecord[]> {
  // What is noted is written in the background.
  await app.stop();
  return supervisorsTrail(app.store);
}
