import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { createMemoryStore, createRedisStore, type Store } from '../../src/stores';
import { ALICE, BOB, type Form, type Reply, startApp, TED, type TestApp } from '../support/app';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';
import { brokenRoster } from '../support/roster';
import { supervisorsTrail } from '../support/trail';

const laml = (content: string) => `<?xml version="1.0" encoding="UTF-8"?><Response>${content}</Response>`;
const reporting = (room: string) =>
  `statusCallback="https://coach.example.com/events/conference/${room}" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold speaker"`;

const moderator = (room = 'sample-conf') =>
  laml(
    `<Dial action="https://coach.example.com/conference/${room}/ended" timeLimit="14400"><Conference startConferenceOnEnter="true" endConferenceOnExit="true" ${reporting(room)}>${room}</Conference></Dial>`,
  );
const caller = (room = 'sample-conf') =>
  laml(
    `<Dial timeLimit="14400"><Conference startConferenceOnEnter="false" ${reporting(room)}>${room}</Conference></Dial>`,
  );
const supervisor = (attributes: string, query = '', room = 'sample-conf') =>
  laml(
    `<Dial action="https://coach.example.com/coach/${room}/ended${query}" hangupOnStar="true" timeLimit="14400"><Conference ${attributes}startConferenceOnEnter="false" endConferenceOnExit="false" beep="false" ${reporting(room)}>${room}</Conference></Dial>`,
  );
const coaching = (callSid: string, room?: string) => supervisor(`coach="${callSid}" `, '', room);
const nobody = (query: string, room = 'sample-conf') =>
  laml(
    `<Say>No conversation in ${room} right now. Please hold.</Say><Pause length="10"/><Redirect>https://coach.example.com/coach/${room}?${query}</Redirect>`,
  );
const goodbye = laml('<Say>Goodbye.</Say><Hangup/>');
const hangup = laml('<Hangup/>');
const reject = laml('<Reject/>');

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

const stores: [string, () => Store][] = [
  ['the embedded store', () => createMemoryStore({ lifetimeMs: 60_000, monotonicNow: Date.now, now: Date.now })],
  [
    'Redis',
    () =>
      createRedisStore({
        urls: [redis.url],
        lifetimeMs: 60_000,
        auditMs: 3_600_000,
        timeoutMs: 800,
        onConnection: () => {},
      }),
  ],
];

describe.each(stores)('the webhooks, with %s', (_name, createStore) => {
  let app: TestApp;
  let store: Store;
  let room: string;
  let rooms = 0;

  beforeEach(async () => {
    store = createStore();
    await eventually(() => store.ping());
    app = await startApp({ store });
    room = `room-${++rooms}`;
  });

  afterEach(async () => {
    await app.stop();
    store.close();
  });

  describe.each<['post' | 'get']>([['post'], ['get']])('asked for by %s', (method) => {
    const ask = (path: string, form: Form) => app[method](path, form);

    it('let Alice, Bob and Ted meet', async () => {
      const alice = await ask(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
      expect(alice).toMatchObject({ status: 200, type: 'text/xml; charset=utf-8', text: moderator(room) });
      expect(alice.headers['cache-control']).toBe('no-store');
      expect((await ask(`/conference/${room}`, { CallSid: 'bob-1', From: BOB })).text).toBe(caller(room));
      expect((await ask(`/coach/${room}`, { CallSid: 'ted-1', From: TED })).text).toBe(coaching('alice-1', room));
    });

    it('take the usual room for a path without one', async () => {
      await app.post('/conference/sample-conf/ended', { CallSid: 'before' });
      const callSid = `alice-${method}-${_name.length}`;
      expect((await ask('/conference', { CallSid: callSid, From: ALICE })).text).toBe(moderator());
      expect((await ask('/conference', { CallSid: 'bob-1', From: BOB })).text).toBe(caller());
      expect((await ask('/coach', { CallSid: 'ted-1', From: TED })).text).toBe(coaching(callSid));
      expect((await ask('/coach/sample-conf', { CallSid: 'ted-1', From: TED })).text).toBe(coaching(callSid));
      expect((await ask('/fallback', {})).text).toBe(caller());
    });

    it('answer each mode with its document', async () => {
      await ask(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
      const ted = { CallSid: 'ted-1', From: TED };
      expect((await ask(`/coach/${room}?mode=coach`, ted)).text).toBe(coaching('alice-1', room));
      expect((await ask(`/coach/${room}?mode=monitor`, ted)).text).toBe(
        supervisor('coach="alice-1" muted="true" ', '?mode=monitor', room),
      );
      expect((await ask(`/coach/${room}?mode=barge`, ted)).text).toBe(supervisor('', '?mode=barge', room));
    });

    it('take a callback', async () => {
      await ask(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
      const event = { StatusCallbackEvent: 'participant-leave', CallSid: 'alice-1', ConferenceSid: 'conf-1' };
      expect(await ask(`/events/conference/${room}`, event)).toMatchObject({ status: 204, text: '' });
      expect((await ask(`/coach/${room}`, { CallSid: 'ted-1', From: TED })).text).toBe(nobody('attempt=1', room));
    });

    it('forget a moderator whose dial is over, and nobody else', async () => {
      await ask(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
      await ask(`/conference/${room}`, { CallSid: 'alice-2', From: ALICE });
      const over = { From: ALICE, DialCallStatus: 'completed' };
      expect((await ask(`/conference/${room}/ended`, { ...over, CallSid: 'alice-1' })).text).toBe(hangup);
      expect((await ask(`/coach/${room}`, { CallSid: 'ted-1', From: TED })).text).toBe(coaching('alice-2', room));
      expect((await ask(`/conference/${room}/ended`, { ...over, CallSid: 'alice-2' })).text).toBe(hangup);
      expect((await ask(`/coach/${room}`, { CallSid: 'ted-1', From: TED })).text).toBe(nobody('attempt=1', room));
    });
  });

  describe('for the end of a call, told by its number,', () => {
    const ted = { CallSid: 'ted-1', From: TED };

    it.each(['completed', 'canceled', 'failed', 'busy', 'no-answer', 'Completed'])(
      'end its stay at once: CallStatus %s',
      async (CallStatus) => {
        await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
        expect((await app.post(`/coach/${room}`, ted)).text).toBe(coaching('alice-1', room));
        const reply = await app.post(`/events/call/${room}`, { CallSid: 'alice-1', CallStatus });
        expect(reply).toMatchObject({ status: 204, text: '' });
        expect((await app.post(`/coach/${room}`, ted)).text).toBe(nobody('attempt=1', room));
      },
    );

    it.each<[string, Form]>([
      ['ringing', { CallSid: 'alice-1', CallStatus: 'ringing' }],
      ['in-progress', { CallSid: 'alice-1', CallStatus: 'in-progress' }],
      ['queued', { CallSid: 'alice-1', CallStatus: 'queued' }],
      ['a status that there is not', { CallSid: 'alice-1', CallStatus: 'completed-soon' }],
      ['no status', { CallSid: 'alice-1' }],
      [
        'two statuses',
        [
          ['CallSid', 'alice-1'],
          ['CallStatus', 'completed'],
          ['CallStatus', 'completed'],
        ],
      ],
      ['another call', { CallSid: 'bob-1', CallStatus: 'completed' }],
    ])('change nothing for %s', async (_what, form) => {
      await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
      const stay = async () => {
        const { state } = await store.rooms.read(roomNamed(room));
        return state.stays.filter(({ callSid }) => callSid === 'alice-1');
      };
      const before = await stay();
      expect(await app.post(`/events/call/${room}`, form)).toMatchObject({ status: 204, text: '' });
      expect(await stay()).toEqual(before);
      expect((await app.post(`/coach/${room}`, ted)).text).toBe(coaching('alice-1', room));
    });

    it('mean the usual room where the path names none, and no other', async () => {
      const callSid = `alice-${_name.length}-${rooms}`;
      await app.post('/conference', { CallSid: callSid, From: ALICE });
      await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
      expect((await app.post('/coach', ted)).text).toBe(coaching(callSid));
      await app.get('/events/call', { CallSid: callSid, CallStatus: 'completed' });
      await app.get('/events/call', { CallSid: 'alice-1', CallStatus: 'completed' });
      expect((await app.post('/coach', ted)).text).not.toContain(callSid);
      expect((await app.post(`/coach/${room}`, ted)).text).toBe(coaching('alice-1', room));
    });

    it("end a supervisor's stay too, who hung up during the announcement", async () => {
      await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
      await app.post(`/coach/${room}`, ted);
      await app.post(`/events/call/${room}`, { CallSid: 'ted-1', CallStatus: 'completed' });
      await app.stop();
      const trail = await supervisorsTrail(store);
      expect(trail.filter((record) => record.room === room).map(({ kind }) => kind)).toEqual(['arrived', 'left']);
    });

    it('do not bring a call back whose webhook was told late', async () => {
      const forgotten = { CallSid: 'alice-9', CallStatus: 'completed' };
      expect(await app.post(`/events/call/${room}`, forgotten)).toMatchObject({ status: 204 });
      const late = { kind: 'moderator-arrived' as const, callSid: sid('alice-9'), ageMs: 5_000 };
      await store.rooms.apply(roomNamed(room), late);
      expect((await app.post(`/coach/${room}`, ted)).text).toBe(nobody('attempt=1', room));
    });
  });

  it('let a moderator back in whose call asks again after it left', async () => {
    const ted = { CallSid: 'ted-1', From: TED };
    const alice = { CallSid: 'alice-1', From: ALICE };
    for (const end of [
      () => app.post(`/conference/${room}/ended`, { ...alice, DialCallStatus: 'completed' }),
      () => app.post(`/events/call/${room}`, { ...alice, CallStatus: 'completed' }),
      () => app.post(`/events/conference/${room}`, { ...alice, StatusCallbackEvent: 'participant-leave' }),
    ]) {
      await app.post(`/conference/${room}`, alice);
      expect((await app.post(`/coach/${room}`, ted)).text).toBe(coaching('alice-1', room));
      await end();
      expect((await app.post(`/coach/${room}`, ted)).text).toBe(nobody('attempt=1', room));
    }
    expect((await app.post(`/conference/${room}`, alice)).text).toBe(moderator(room));
    expect((await app.post(`/coach/${room}`, ted)).text).toBe(coaching('alice-1', room));
  });

  it('take the moderator who joined last, and one who only arrived when nobody has joined', async () => {
    const ted = { CallSid: 'ted-1', From: TED };
    const report = (StatusCallbackEvent: string, CallSid: string) =>
      app.post(`/events/conference/${room}`, {
        StatusCallbackEvent,
        CallSid,
        ConferenceSid: 'cf-1',
        EndConferenceOnExit: 'true',
      });
    const target = async () => /coach="([^"]*)"/.exec((await app.post(`/coach/${room}`, ted)).text)?.[1];
    await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
    expect(await target()).toBe('alice-1');
    await report('participant-join', 'alice-1');
    // Hangs up before the Space lets it in, and nobody tells.
    await app.post(`/conference/${room}`, { CallSid: 'short-1', From: ALICE });
    expect(await target()).toBe('alice-1');
    await app.post(`/conference/${room}`, { CallSid: 'alice-2', From: ALICE });
    await report('participant-join', 'alice-2');
    expect(await target()).toBe('alice-2');
    await report('participant-leave', 'alice-2');
    expect(await target()).toBe('alice-1');
    await report('participant-leave', 'alice-1');
    expect(await target()).toBe('short-1');
  });

  it('let a supervisor wait for a moderator, but not for ever', async () => {
    const seen: string[] = [];
    let path: string | undefined = `/coach/${room}?mode=monitor`;
    let last: Reply | undefined;
    while (path !== undefined && seen.length < 50) {
      seen.push(path);
      last = await app.post(path, { CallSid: 'ted-1', From: TED });
      path = /<Redirect>https:\/\/coach\.example\.com([^<]*)</.exec(last.text)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen).toHaveLength(13);
    expect(last?.text).toBe(goodbye);
  });

  it('let a supervisor in once the moderator has come', async () => {
    const ted = { CallSid: 'ted-1', From: TED };
    expect((await app.post(`/coach/${room}?mode=barge`, ted)).text).toBe(nobody('attempt=1&amp;mode=barge', room));
    await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
    expect((await app.post(`/coach/${room}?mode=barge&attempt=1`, ted)).text).toBe(
      supervisor('', '?announced=1&amp;attempt=1&amp;mode=barge', room).replace(
        '<Response>',
        `<Response><Say>Everybody hears you. You are talking with the agent in ${room}. For the menu, press star.</Say>`,
      ),
    );
  });

  it.each(['0.5', '-1', '13', '1e9', 'x', 'NaN'])('take a spoilt attempt, %s, for the last', async (attempt) => {
    const reply = await app.post(`/coach/${room}?attempt=${attempt}`, { CallSid: 'ted-1', From: TED });
    expect(reply.text).toBe(goodbye);
  });

  it.each([
    ['answered', {}],
    ['completed', {}],
    ['completed', { ErrorCode: '0' }],
    ['Completed', { ErrorCode: '' }],
    ['', {}],
  ])('say goodbye to a supervisor whose dial %s', async (DialCallStatus, more) => {
    const reply = await app.post(`/coach/${room}/ended`, { CallSid: 'ted-1', DialCallStatus, ...more });
    expect(reply.text).toBe(goodbye);
  });

  it.each(['completed', 'Completed', 'canceled', 'failed', 'busy', 'no-answer'])(
    'ask a supervisor nothing whose call is %s, while the conversation goes on',
    async (CallStatus) => {
      await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
      const ted = { CallSid: 'ted-1', From: TED, DialCallStatus: 'completed', CallStatus };
      expect((await app.post(`/coach/${room}/ended`, ted)).text).toBe(hangup);
    },
  );

  it('say goodbye to a supervisor of whose dial nothing is told', async () => {
    expect((await app.post(`/coach/${room}/ended`, { CallSid: 'ted-1' })).text).toBe(goodbye);
  });

  it.each([
    [{ DialCallStatus: 'failed' }],
    [{ DialCallStatus: 'failed', ErrorCode: '13240' }],
    [{ DialCallStatus: 'completed', ErrorCode: '13240' }],
    [{ ErrorCode: '13240' }],
    [{ ErrorCode: '16002' }],
    [{ DialCallStatus: 'no-answer' }],
    [{ DialCallStatus: 'busy' }],
    [{ DialCallStatus: 'canceled' }],
  ])('tell a supervisor whose target was stale, and try again: %j', async (fields) => {
    const again = (query: string) =>
      laml(
        `<Say>Sorry, we could not connect you to ${room}. Please hold.</Say><Pause length="10"/><Redirect>https://coach.example.com/coach/${room}?${query}</Redirect>`,
      );
    const ted = { CallSid: 'ted-1', From: TED, ...fields };
    expect((await app.post(`/coach/${room}/ended`, ted)).text).toBe(again('attempt=1&amp;stay=1'));
    // The mode survives: who listened in silence is not heard after the retry.
    expect((await app.post(`/coach/${room}/ended?mode=monitor&attempt=1`, ted)).text).toBe(
      again('attempt=2&amp;mode=monitor&amp;stay=1'),
    );
    expect((await app.post(`/coach/${room}/ended?attempt=12`, ted)).text).toBe(goodbye);
  });

  it('does not let a stale report remove a live moderator', async () => {
    await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
    await app.post(`/coach/${room}/ended`, { CallSid: 'ted-1', DialCallStatus: 'failed', ErrorCode: '13240' });
    expect((await app.post(`/coach/${room}`, { CallSid: 'ted-1', From: TED })).text).toBe(coaching('alice-1', room));
  });

  it('reject a supervisor who is none, without a word about the room', async () => {
    await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
    for (const form of [{ From: BOB }, { From: ALICE }, { From: 'anonymous' }, {}] as Record<string, string>[]) {
      for (const query of ['', '?mode=monitor', '?mode=barge', '?attempt=1', '?attempt=12']) {
        expect((await app.post(`/coach/${room}${query}`, { CallSid: 'x-1', ...form })).text).toBe(reject);
      }
    }
  });

  it.each<[string, [string, string][]]>([
    ['absent', []],
    ['empty', [['From', '']]],
    ['anonymous', [['From', 'anonymous']]],
    ['a SIP address', [['From', `sip:${ALICE}@example.com`]]],
    ['not ASCII', [['From', 'Алиса']]],
    [
      'sent twice',
      [
        ['From', ALICE],
        ['From', ALICE],
      ],
    ],
    [
      'sent twice, once rightly',
      [
        ['From', BOB],
        ['From', ALICE],
      ],
    ],
    ['without its plus', [['From', ALICE.slice(1)]]],
    ['more than a number', [['From', `${ALICE} `]]],
  ])('take a call for a caller whose From is %s', async (_what, from) => {
    const reply = await app.post(`/conference/${room}`, [['CallSid', 'x-1'], ...from]);
    expect(reply.text).toBe(caller(room));
    expect((await app.post(`/coach/${room}`, [['CallSid', 'x-1'], ...from])).text).toBe(reject);
    expect((await app.post(`/coach/${room}`, { CallSid: 'ted-1', From: TED })).text).toBe(nobody('attempt=1', room));
  });

  it('take a callback of a room or of a kind never heard of', async () => {
    const conference = { ConferenceSid: 'conf-1', CallSid: 'x-1', Timestamp: 'Fri, 02 Jan 2026 10:00:00 +0000' };
    for (const StatusCallbackEvent of ['participant-leave', 'conference-end', 'participant-dance', '']) {
      const reply = await app.post(`/events/conference/unknown-${room}`, { ...conference, StatusCallbackEvent });
      expect(reply.status).toBe(204);
    }
    expect((await app.post(`/events/conference/unknown-${room}`)).status).toBe(204);
  });

  it("heal a lost write with the moderator's join, a hundred times over", async () => {
    const join = {
      StatusCallbackEvent: 'participant-join',
      CallSid: 'alice-1',
      ConferenceSid: 'conf-1',
      EndConferenceOnExit: 'true',
    };
    for (let i = 0; i < 100; i++) {
      expect((await app.post(`/events/conference/${room}`, join)).status).toBe(204);
    }
    const ted = { CallSid: 'ted-1', From: TED };
    expect((await app.post(`/coach/${room}`, ted)).text).toBe(coaching('alice-1', room));
    await app.post(`/events/conference/${room}`, { StatusCallbackEvent: 'conference-end', ConferenceSid: 'conf-1' });
    await app.post(`/events/conference/${room}`, join);
    expect((await app.post(`/coach/${room}`, ted)).text).toBe(nobody('attempt=1', room));
  });

  it('keep names with spaces apart from their encoding', async () => {
    const reply = await app.post(`/conference/Sales%20${rooms}`, { CallSid: 'bob-1', From: BOB });
    expect(reply.text).toContain(`/events/conference/Sales%20${rooms}"`);
    expect(reply.text).toContain(`>Sales ${rooms}</Conference>`);
  });
});

describe.each(stores)('a moderator of other rooms, with %s', (_name, createStore) => {
  const PIN = '70001';
  const MOBILE = '+15550004444';
  const here = { name: 'Carol', number: '+15550003333', pin: '70002' };
  const elsewhere = { name: 'Alice', number: ALICE, pin: PIN, rooms: ['support'] };
  const sayNotYours = '<Say>You are not an agent on this line. You are joining as a customer.</Say>';
  const notYours = caller('sales').replace('<Response>', `<Response>${sayNotYours}`);
  const ask = (words = '') =>
    laml(
      `<Gather action="https://coach.example.com/conference/sales/pin?try=1"><Say>${words}Please enter your PIN, then press pound.</Say></Gather><Redirect>https://coach.example.com/conference/sales/pin?try=1</Redirect>`,
    );

  let app: TestApp;

  async function start(alice: object): Promise<void> {
    const store = createStore();
    await eventually(() => store.ping());
    app = await startApp({ store, people: { moderators: [{ ...elsewhere, ...alice }, here] } });
  }

  afterEach(async () => {
    await app.stop();
    app.store.close();
  });

  const warnings = () =>
    app.log.map((line) => JSON.parse(line)).filter(({ level, msg }) => level === 'warn' && msg.includes('not theirs'));

  describe.each<['post' | 'get']>([['post'], ['get']])('who dials a number by %s', (method) => {
    const text = async (path: string, form: Form) => (await app[method](path, form)).text;

    it('that is not theirs, is told so, and is a caller', async () => {
      await start({});
      expect(await text('/conference/sales', { CallSid: 'alice-1', From: ALICE })).toBe(notYours);
      expect(warnings()).toMatchObject([{ callSid: 'alice-1', room: 'sales', name: 'Alice', from: '***8999' }]);
      // The conference does not become theirs either.
      expect((await app.post('/coach/sales', { CallSid: 'ted-1', From: TED })).text).toBe(nobody('attempt=1', 'sales'));
      expect(await text('/conference/support', { CallSid: 'alice-2', From: ALICE })).toBe(moderator('support'));
      expect(warnings()).toHaveLength(1);
    });

    it.each([
      ['during the greeting', '', `*${PIN}`],
      ['when asked', '?try=1', PIN],
      ['when asked for the last time', '?try=3', PIN],
    ])('and keys in their PIN %s, is told so, and is not asked again', async (_when, query, Digits) => {
      await start({});
      const call = { CallSid: 'alice-1', From: MOBILE, Digits };
      expect(await text(`/conference/sales/pin${query}`, call)).toBe(notYours);
      expect(warnings()).toMatchObject([{ callSid: 'alice-1', room: 'sales', name: 'Alice', from: '***4444' }]);
    });

    it('and needs a PIN, is asked first and then told', async () => {
      await start({ requirePin: true });
      const call = { CallSid: 'alice-1', From: ALICE };
      expect(await text('/conference/sales', call)).toBe(ask());
      expect(warnings()).toEqual([]);
      expect(await text('/conference/sales/pin?try=1', { ...call, Digits: PIN })).toBe(notYours);
      expect(warnings()).toHaveLength(1);
    });
  });

  it('takes no attempt with their PIN, and hears nothing of the room while locked out', async () => {
    await start({});
    const key = async (Digits: string) =>
      (await app.post('/conference/sales/pin?try=1', { CallSid: 'alice-1', From: '+15550006666', Digits })).text;
    for (let n = 0; n < 5; n++) {
      expect(await key('11111')).toContain('Wrong PIN.');
    }
    for (let n = 0; n < 10; n++) {
      expect(await key(PIN)).toBe(notYours);
    }
    expect(await key('11111')).toBe(caller('sales'));
    expect(await key(PIN)).toBe(caller('sales'));
  });
});

describe('the webhooks', () => {
  let app: TestApp;

  afterEach(() => app.stop());

  it('recognise a moderator whose plus became a space, as curl sends it in development', async () => {
    app = await startApp({ env: { SIGNALWIRE_SIGNING_KEY: '' } });
    const response = await supertest(app.url).post('/conference').type('form').send('CallSid=a-1&From=+15557788999');
    expect(response.text).toBe(moderator());
  });

  describe('give a call a document even when something breaks that nobody foresaw', () => {
    const apology = laml('<Say>Sorry, something went wrong. Please call again later.</Say><Hangup/>');

    it.each([
      ['/conference', caller()],
      ['/conference/sample-conf/pin?try=1', caller()],
      ['/conference/sample-conf/ended', laml('<Hangup/>')],
      ['/fallback', caller()],
      ['/coach?mode=barge', apology],
      ['/coach/sales/ended', apology],
      ['/coach/sales/key', apology],
      ['/supervisor', apology],
      ['/supervisor/pin', apology],
      ['/supervisor/room', apology],
    ])('%s', async (path, document) => {
      app = await startApp({ roster: brokenRoster() });
      const call = { CallSid: 'alice-1', From: ALICE, Digits: '4821' };
      expect(await app.post(path, call)).toMatchObject({ status: 200, text: document });
      const errors = app.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
      expect(errors).toMatchObject([{ callSid: 'alice-1', err: { message: 'broken roster' } }]);
    });
  });

  it('carry the settings into the documents', async () => {
    app = await startApp({
      env: {
        PUBLIC_URL: 'https://coach.example.com',
        CONFERENCE_NAME: 'Sales 2',
        MAX_CALL_SECONDS: '60',
        WAIT_URL: 'https://cdn.example.com/wait.xml',
        CALLER_NOTICE: 'Calls may be supervised.',
      },
    });
    expect((await app.post('/conference', { CallSid: 'bob-1' })).text).toBe(
      laml(
        '<Say>Calls may be supervised.</Say><Dial timeLimit="60"><Conference startConferenceOnEnter="false" waitUrl="https://cdn.example.com/wait.xml" statusCallback="https://coach.example.com/events/conference/Sales%202" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold speaker">Sales 2</Conference></Dial>',
      ),
    );
    expect((await app.get('/fallback')).text).toBe((await app.post('/conference', { CallSid: 'bob-1' })).text);
  });
});
