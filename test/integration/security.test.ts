import { once } from 'node:events';
import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createVerifier } from '../../src/http/verify-webhook';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { RoomStore } from '../../src/rooms/room-store';
import { createMemoryStore } from '../../src/stores';
import { ALICE, BOB, PUBLIC_URL, SIGNING_KEY, startApp, TED, type TestApp } from '../support/app';
import { openSocket } from '../support/raw-socket';
import { eventually } from '../support/redis-server';
import { sign } from '../support/sign';

const FORM = 'application/x-www-form-urlencoded';
const SPACE_ROUTES = [
  '/conference',
  '/conference/sales',
  '/conference/sales/ended',
  '/coach',
  '/coach/sales',
  '/coach/sales/ended',
  '/coach/sales/key',
  '/conference/sales/pin',
  '/supervisor',
  '/supervisor/pin',
  '/supervisor/room',
  '/notices/moderator',
  '/notices/supervisor',
  '/events/conference/sales',
  '/events/call',
  '/events/call/sales',
  '/events/recording/sales',
  '/fallback',
  '/fallback/sales',
];

let app: TestApp;
let changes: RoomEvent[];

const memory = createMemoryStore({ lifetimeMs: 60_000, monotonicNow: Date.now, now: Date.now });
const rooms: RoomStore = {
  ...memory.rooms,
  apply(room, event) {
    changes.push(event);
    return memory.rooms.apply(room, event);
  },
};

beforeAll(async () => {
  app = await startApp({ store: { ...memory, rooms } });
});

beforeEach(() => {
  changes = [];
});

afterAll(() => app.stop());

describe('the signature', () => {
  const form: [string, string][] = [
    ['CallSid', 'alice-1'],
    ['From', ALICE],
  ];
  const body = new URLSearchParams(form).toString();

  it.each(SPACE_ROUTES)('is required on %s', async (path) => {
    const refused = { status: 403, type: 'text/plain; charset=utf-8' };
    expect(await app.send('POST', path, { 'content-type': FORM }, body)).toMatchObject(refused);
    expect(await app.send('POST', path, { 'content-length': '0' })).toMatchObject(refused);
    expect(await app.send('POST', path, { 'content-type': 'application/json' }, '{}')).toMatchObject(refused);
    expect(await app.send('PUT', path)).toMatchObject(refused);
    expect(await app.send('GET', `${path}?${body}`)).toMatchObject(refused);
    expect(changes).toEqual([]);
  });

  it.each<[string, string]>([
    ['wrong', 'RSOYDt4T1cUTdK1PDd93/VVr8B8='],
    ['empty', ''],
    ['of another length', 'x'],
    ['not ASCII', 'é'],
    ['of another url', sign(SIGNING_KEY, `${PUBLIC_URL}/conference/sales`, form)],
    ['of the address the request came to', sign(SIGNING_KEY, 'http://127.0.0.1/conference', form)],
    ['of the url with a query', sign(SIGNING_KEY, `${PUBLIC_URL}/conference?a=1`, form)],
    [
      'of another body',
      sign(SIGNING_KEY, `${PUBLIC_URL}/conference`, [
        ['CallSid', 'alice-2'],
        ['From', ALICE],
      ]),
    ],
    ['of no body', sign(SIGNING_KEY, `${PUBLIC_URL}/conference`)],
    ['of an empty key', sign('', `${PUBLIC_URL}/conference`, form)],
    ['of another key', sign('other', `${PUBLIC_URL}/conference`, form)],
  ])('that is %s is refused', async (_what, signature) => {
    const headers = { 'content-type': FORM, 'x-signalwire-signature': signature };
    expect(await app.send('POST', '/conference', headers, body)).toMatchObject({
      status: 403,
      text: 'This request does not carry the signature of our Space.\n',
    });
    expect(changes).toEqual([]);
  });

  it.each(['x-signalwire-signature', 'X-SignalWire-Signature', 'x-twilio-signature'])(
    'counts in %s',
    async (header) => {
      const signature = sign(SIGNING_KEY, `${PUBLIC_URL}/conference`, form);
      expect(await app.send('POST', '/conference', { 'content-type': FORM, [header]: signature }, body)).toMatchObject({
        status: 200,
      });
      expect(changes).toHaveLength(1);
    },
  );

  it('may be over the url with its default port', async () => {
    const signature = sign(SIGNING_KEY, `${PUBLIC_URL}:443/conference?a=1`, form);
    const headers = { 'content-type': FORM, 'x-signalwire-signature': signature };
    expect(await app.send('POST', '/conference?a=1', headers, body)).toMatchObject({ status: 200 });
    const query = `/conference?${body}`;
    const overQuery = { 'x-signalwire-signature': sign(SIGNING_KEY, `${PUBLIC_URL}:443${query}`) };
    expect(await app.send('GET', query, overQuery)).toMatchObject({ status: 200 });
  });

  it('may leave out a port that PUBLIC_URL has', async () => {
    const other = await startApp({ env: { PUBLIC_URL: 'https://coach.example.com:8443' } });
    for (const url of ['https://coach.example.com/conference?a=1', 'https://coach.example.com:8443/conference?a=1']) {
      const headers = { 'content-type': FORM, 'x-signalwire-signature': sign(SIGNING_KEY, url, form) };
      expect(await other.send('POST', '/conference?a=1', headers, body)).toMatchObject({ status: 200 });
    }
    await other.stop();
  });

  it('may be made with either of two keys during a rotation', async () => {
    const other = await startApp({ env: { SIGNALWIRE_SIGNING_KEY: 'PSK_new, PSK_old' } });
    for (const [key, status] of [
      ['PSK_new', 200],
      ['PSK_old', 200],
      ['PSK_new, PSK_old', 403],
      ['', 403],
    ] as const) {
      const signature = sign(key, `${PUBLIC_URL}/conference`, form);
      const headers = { 'content-type': FORM, 'x-signalwire-signature': signature };
      expect(await other.send('POST', '/conference', headers, body)).toMatchObject({ status });
    }
    await other.stop();
  });

  it('is over the raw query, however it is encoded', async () => {
    const path = '/coach/sales?mode=%63oach&x=%3F+%20&&';
    expect(await app.post(path, { CallSid: 'ted-1', From: TED })).toMatchObject({ status: 200 });
    const reencoded = sign(SIGNING_KEY, `${PUBLIC_URL}/coach/sales?mode=coach&x=%3F++`, [['CallSid', 'ted-1']]);
    const headers = { 'content-type': FORM, 'x-signalwire-signature': reencoded };
    expect(await app.send('POST', path, headers, 'CallSid=ted-1')).toMatchObject({ status: 403 });
  });

  it('does not depend on who the request says it is for', async () => {
    const signature = sign(SIGNING_KEY, 'https://evil.example.com/conference', form);
    const headers = {
      'content-type': FORM,
      'x-signalwire-signature': signature,
      host: 'evil.example.com',
      'x-forwarded-host': 'evil.example.com',
      'x-forwarded-proto': 'https',
      'x-original-url': 'https://evil.example.com/conference',
    };
    expect(await app.send('POST', '/conference', headers, body)).toMatchObject({ status: 403 });
  });

  it('cannot be made with an empty key: such a guard is not built', () => {
    expect(() => createVerifier({ publicUrl: PUBLIC_URL, signingKeys: ['PSK_1', ''] })).toThrow(
      'A signing key is empty',
    );
  });

  it.each([
    ['__proto__', [['__proto__', 'a']]],
    [
      'constructor and prototype',
      [
        ['constructor', 'a'],
        ['prototype', 'b'],
        ['toString', 'c'],
      ],
    ],
    [
      'a name with brackets',
      [
        ['a[b]', '1'],
        ['a[]', '2'],
        ['a[]', '3'],
      ],
    ],
    [
      'a name with dots and an equals sign',
      [
        ['a.b', '1'],
        ['=', '2'],
        ['c', '3=4'],
      ],
    ],
    ['an empty name', [['', 'a']]],
    [
      'a field that is sent twice',
      [
        ['Digits', '2'],
        ['Digits', '1'],
      ],
    ],
    [
      'other scripts',
      [
        ['Имя', 'Алиса'],
        ['emoji', '👩🏽'],
      ],
    ],
  ] as [string, [string, string][]][])('covers a form with %s, which is otherwise ignored', async (_what, more) => {
    expect(await app.post('/conference', [...form, ...more])).toMatchObject({
      status: 200,
      text: (await app.post('/conference', form)).text,
    });
    expect(Object.prototype).not.toHaveProperty('a');
  });

  it('counts for a form in any charset notation', async () => {
    const signature = sign(SIGNING_KEY, `${PUBLIC_URL}/conference`, form);
    const headers = { 'content-type': `${FORM}; charset=UTF-8`, 'x-signalwire-signature': signature };
    expect(await app.send('POST', '/conference', headers, body)).toMatchObject({ status: 200 });
  });
});

describe('signed, but wrong', () => {
  const ids: [string, string[]][] = [
    ['absent', []],
    ['empty', ['']],
    ['of 10 kB', ['x'.repeat(10_000)]],
    ['with a control character', ['alice\u0007']],
    ['with a line break', ['alice\r\nX-Injected: 1']],
    ['with a quote', ['alice"']],
    ['with markup', ['<Hangup/>']],
    ['not ASCII', ['Алиса']],
    ['sent twice', ['alice-1', 'alice-1']],
  ];
  const asking = ['/conference', '/conference/sales/ended', '/coach', '/coach/sales/ended', '/coach/sales/key'];

  it.each(ids.flatMap(([what, values]) => asking.map((path) => [what, path, values] as const)))(
    'a CallSid %s gets 400 on %s',
    async (_what, path, values) => {
      const fields: [string, string][] = [
        ['From', ALICE],
        ...values.map((value): [string, string] => ['CallSid', value]),
      ];
      for (const method of ['post', 'get'] as const) {
        // Node takes no address of 10 kB and more from a client that it would not take itself.
        expect(await app[method](path, fields)).toMatchObject({
          status: 400,
          type: 'text/plain; charset=utf-8',
          text: 'CallSid is missing or invalid: send one, of 1 to 64 letters, digits, - or _.\n',
        });
      }
      expect(changes).toEqual([]);
    },
  );

  it('a malformed CallSid or ConferenceSid of a callback gets 400', async () => {
    for (const name of ['CallSid', 'ConferenceSid']) {
      const fields = { StatusCallbackEvent: 'participant-leave', [name]: 'a\u0007' };
      expect(await app.post('/events/conference/sales', fields)).toMatchObject({
        status: 400,
        text: `${name} is missing or invalid: send one, of 1 to 64 letters, digits, - or _.\n`,
      });
    }
    for (const CallSid of ['a\u0007', '']) {
      expect(await app.post('/events/call/sales', { CallSid, CallStatus: 'completed' })).toMatchObject({
        status: 400,
        text: 'CallSid is missing or invalid: send one, of 1 to 64 letters, digits, - or _.\n',
      });
    }
    expect(changes).toEqual([]);
  });

  it('a call that has nothing gets its fallback all the same', async () => {
    expect(await app.post('/fallback', { CallSid: 'a\u0007' })).toMatchObject({ status: 200 });
    expect(await app.get('/fallback')).toMatchObject({ status: 200 });
  });

  it.each<[number, number]>([
    [100, 200],
    [101, 413],
  ])('%i fields get %i, in a form or a query, with a right signature or a wrong one', async (count, status) => {
    const fields: [string, string][] = [
      ['CallSid', 'alice-1'],
      ['From', ALICE],
      ...Array.from({ length: count - 2 }, (_, n): [string, string] => [`field${n}`, 'a']),
    ];
    expect(await app.post('/conference', fields)).toMatchObject({ status });
    expect(await app.get('/conference', fields)).toMatchObject({ status });
    const headers = { 'content-type': FORM, 'x-signalwire-signature': 'x' };
    const body = new URLSearchParams(fields).toString();
    const refused = { status: status === 200 ? 403 : status };
    expect(await app.send('POST', '/conference', headers, body)).toMatchObject(refused);
    expect(await app.send('GET', `/conference?${body}`, headers)).toMatchObject(refused);
  });

  it.each(['shout', '', 'Coach', 'coach,barge', 'coach&mode=barge'])('mode=%s gets 400', async (mode) => {
    for (const path of ['/coach', '/coach/sales/ended']) {
      expect(await app.post(`${path}?mode=${mode}`, { CallSid: 'ted-1', From: TED })).toMatchObject({
        status: 400,
        text: 'mode must be one of monitor, coach, barge.\n',
      });
    }
  });

  it.each([
    'x'.repeat(65),
    '%3CHangup%2F%3E',
    'a%00b',
    '..%2Fetc',
    '%2e%2e%2f',
    '%2e%2e',
    'a%20',
    '%20',
    'a%0D%0Ab',
    '%C3%A9',
    "a'b",
    'a%22b',
    'a&b',
    '{a}',
  ])('the room %s gets 404 everywhere', async (room) => {
    const paths = [
      `/conference/${room}`,
      `/conference/${room}/ended`,
      `/conference/${room}/pin`,
      `/coach/${room}`,
      `/coach/${room}/ended`,
      `/coach/${room}/key`,
      `/events/conference/${room}`,
      `/events/call/${room}`,
      `/events/recording/${room}`,
      `/fallback/${room}`,
    ];
    for (const path of paths) {
      const fields = { CallSid: 'alice-1', From: ALICE, StatusCallbackEvent: 'participant-leave' };
      expect(await app.post(path, fields)).toMatchObject({ status: 404, text: 'There is no such room.\n' });
      expect(await app.get(path, fields)).toMatchObject({ status: 404, text: 'There is no such room.\n' });
    }
    expect(changes).toEqual([]);
  });

  it('a path that cannot be decoded gets 400', async () => {
    expect(await app.post('/conference/%E0%A4%A', { CallSid: 'a-1' })).toMatchObject({ status: 400 });
  });

  it.each([
    '/',
    '/conferences',
    '/conference/a/b',
    '/events',
    '/events/conference',
    '/events/recording',
    '/.env',
    '/coach/a/ended/b',
  ])('the path %s gets 404', async (path) => {
    expect(await app.post(path, { CallSid: 'a-1' })).toMatchObject({ status: 404, text: 'Not found.\n' });
  });
});

describe('what is no form', () => {
  let open: TestApp;

  beforeAll(async () => {
    open = await startApp({ store: { ...memory, rooms }, env: { SIGNALWIRE_SIGNING_KEY: '' } });
  });

  afterAll(() => open.stop());

  const oneLine = /^[^\n]+\n$/;

  it.each<[string, number, Record<string, string>, string | Buffer]>([
    ['JSON', 415, { 'content-type': 'application/json' }, '{"CallSid":"a-1"}'],
    ['multipart', 415, { 'content-type': 'multipart/form-data; boundary=x' }, '--x--'],
    ['plain text', 415, { 'content-type': 'text/plain' }, 'CallSid=a-1'],
    ['a body without a type', 415, {}, 'CallSid=a-1'],
    ['a type that is none', 415, { 'content-type': 'x' }, 'CallSid=a-1'],
    ['1 MB', 413, { 'content-type': FORM }, `CallSid=${'x'.repeat(1_000_000)}`],
    ['64 kB and a byte', 413, { 'content-type': FORM }, 'x'.repeat(65_537)],
    ['too many fields', 413, { 'content-type': FORM }, 'a&'.repeat(2_000)],
    [
      'a deflate bomb',
      415,
      { 'content-type': FORM, 'content-encoding': 'deflate' },
      deflateSync(Buffer.alloc(9_000_000)),
    ],
    ['gzip', 415, { 'content-type': FORM, 'content-encoding': 'gzip' }, gzipSync('CallSid=a-1')],
    ['a strange charset', 415, { 'content-type': `${FORM}; charset=utf-16` }, 'CallSid=a-1'],
  ])('%s gets %i', async (_what, status, headers, body) => {
    for (const path of ['/conference', '/coach', '/events/conference/sales', '/fallback']) {
      const reply = await open.send('POST', path, headers, body);
      expect(reply).toMatchObject({ status, type: 'text/plain; charset=utf-8', text: expect.stringMatching(oneLine) });
    }
    expect(changes).toEqual([]);
  });

  it.each([
    ['POST /conference/sales', 403],
    ['POST /sign-in', 403],
    ['POST /rooms/sales/end', 403],
    ['POST /api/v1/rooms', 401],
    ['POST /nothing', 404],
    ['PUT /conference/sales', 403],
  ])('%s, answered before its body has come, says that the connection ends', async (request, status) => {
    const { received, isGone } = await openSocket(
      app.port,
      `${request} HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n`,
    );
    await eventually(() => expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `)));
    expect(received()).toContain('\r\nConnection: close\r\n');
    await eventually(() => expect(isGone()).toBe(true));
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND'])('the method %s gets 405', async (method) => {
    for (const path of SPACE_ROUTES) {
      const reply = await open.send(method, path);
      expect(reply).toMatchObject({ status: 405, headers: { allow: 'GET, POST' } });
    }
    expect(changes).toEqual([]);
  });

  it('an empty body is a form without fields', async () => {
    expect(await open.send('POST', '/fallback', { 'content-length': '0' })).toMatchObject({ status: 200 });
    expect(await open.send('POST', '/conference', { 'content-length': '0' })).toMatchObject({ status: 400 });
  });

  /** What the server says to bytes that no HTTP client would send; `half` closes our side after them. */
  async function exchange(bytes: string): Promise<string> {
    const socket = connect(open.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.end(bytes);
    await once(socket, 'close');
    return text;
  }

  it.each([
    [
      'a truncated body',
      `POST /conference HTTP/1.1\r\nHost: a\r\nContent-Type: ${FORM}\r\nContent-Length: 100\r\n\r\nCallSid=a`,
    ],
    ['an unknown method', 'SHOUT /conference HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['two lengths', 'POST /conference HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na'],
    ['no host', 'GET /conference HTTP/1.1\r\n\r\n'],
    ['an address that is none', 'GET http://[/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ])('%s gets 400', async (_what, bytes) => {
    expect(await exchange(bytes)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(changes).toEqual([]);
  });

  it.each(['1\r\na\r\n'.repeat(100), 'zz\r\n', 'ffffffff\r\na'])('chunks get 411: %j', async (chunks) => {
    const head = `POST /conference HTTP/1.1\r\nHost: a\r\nContent-Type: ${FORM}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await exchange(head + chunks)).toMatch(/^HTTP\/1\.1 411 Length Required\r\n/);
    expect(changes).toEqual([]);
  });

  it('a request to tunnel gets 405', async () => {
    const reply = await exchange('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n');
    expect(reply).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n.*\n$/s);
  });

  it('endless headers get 431', async () => {
    const reply = await exchange(`GET /conference HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 431 .*This is not a complete HTTP request\.\n$/s);
  });

  it('none of this breaks the server', async () => {
    expect(await open.send('GET', '/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(open.log.filter((line) => JSON.parse(line).level === 'error')).toEqual([]);
  });
});

describe('every answer', () => {
  it('forbids guessing its type, and tells nothing about what the server is made of', async () => {
    const paths = ['/fallback', '/nowhere', '/healthz', '/readyz'];
    for (const reply of [
      ...(await Promise.all(paths.map((path) => app.get(path)))),
      await app.send('POST', '/coach'),
    ]) {
      expect(reply.headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
      expect(reply.headers).not.toHaveProperty('x-powered-by');
      expect(reply.headers).not.toHaveProperty('etag');
    }
  });
});

/** What was logged since, without the sums of requests refused by tests before, which come now and then. */
function linesSince(start: number): { msg?: string }[] {
  return app.log
    .slice(start)
    .map((text) => JSON.parse(text))
    .filter(({ msg }) => msg !== 'More requests refused');
}

describe('the log', () => {
  it('says in the one line of a callback which event it reported', async () => {
    const start = app.log.length;
    const event = { CallSid: 'alice-6', ConferenceSid: 'cf-6', StatusCallbackEvent: 'participant-join', Muted: 'true' };
    await app.post('/events/conference/sales', event);
    await app.post('/events/call/sales', { CallSid: 'alice-6', CallStatus: 'completed' });
    const lines = () => linesSince(start);
    await eventually(() =>
      expect(lines()).toMatchObject([
        { msg: 'Request', status: 204, room: 'sales', kind: 'joined', conferenceSid: 'cf-6', isMuted: true },
        { msg: 'Request', status: 204, room: 'sales', kind: 'call-ended', callSid: 'alice-6' },
      ]),
    );
  });

  it('has the Call SID of a request, and never a whole telephone number or secret', async () => {
    const start = app.log.length;
    const whole = { From: ALICE, To: '+15553334444', Caller: ALICE };
    await app.post('/conference/sales', { CallSid: 'alice-7', ...whole });
    await app.get('/conference/sales', { CallSid: 'bob-7', ...whole, From: BOB });
    await app.get('/coach/sales', { CallSid: 'ted-7', ...whole, From: TED });
    await app.post('/coach/sales', { CallSid: 'bob-8', ...whole, From: BOB });
    await app.get('/conference/sales/ended', { CallSid: 'alice-7', ...whole });
    await app.get(`/nowhere/${ALICE}?From=${ALICE}`);
    await app.get(`/conference/${encodeURIComponent(ALICE)}`, { CallSid: 'bob-9', ...whole });
    await app.send('GET', `/conference?CallSid=mallory-1&From=${ALICE}`);
    await app.send('GET', `/conference/${encodeURIComponent(ALICE)}?CallSid=mallory-1`);
    await app.send('GET', `/conference/%zz${ALICE}`);
    const text = app.log.slice(start).join('');
    expect(text).toContain('"callSid":"alice-7"');
    expect(text).toContain('***8999');
    expect(text).not.toMatch(/1555\d{7}/);
    expect(text).not.toContain(SIGNING_KEY);
  });

  it('tells where a forged request came from', async () => {
    const fresh = await startApp();
    await fresh.send('GET', '/conference?CallSid=mallory-1');
    const lines = fresh.log.map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', status: 403, ip: '127.0.0.1', callSid: 'mallory-1' }),
    );
    await fresh.stop();
  });

  it('tells why a request was refused, and for which address a signature would have been right', async () => {
    const start = app.refused.length;
    const logged = app.log.length;
    await app.send('GET', '/conference/sales?CallSid=a-1', { 'x-signalwire-signature': 'x' });
    await app.send('GET', '/conference?CallSid=a-1');
    await app.post('/coach?mode=shout', { CallSid: 'a-1', From: TED });
    await app.post('/conference', { CallSid: 'x'.repeat(70_000) });
    const reasons = app.refused.slice(start).map(({ code, reason }) => ({ code, reason }));
    const expected = `Expected an address that begins with ${PUBLIC_URL}, signed with SIGNALWIRE_SIGNING_KEY.`;
    expect(reasons).toEqual([
      { code: 'wrong_signature', reason: expected },
      { code: 'no_signature', reason: 'No signature; a Space signs every request.' },
      { code: 'unreadable_request', reason: 'Payload Too Large' },
    ]);
    // What our Space signed is logged by itself, however much is refused.
    expect(app.log.slice(logged).map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        msg: 'Request answered with an error',
        status: 400,
        code: 'invalid_field',
        reason: 'mode must be one of monitor, coach, barge.',
      }),
    );
  });

  it.each([
    ['/nowhere', '/nowhere'],
    ['/conference/+15557788999/x', '/conference/+***8999/x'],
    ['/%2B1%20(555)%20778-8999', '/+***8999'],
    ['/%31%35%35%35%37%37%38%38%39%39%39', '/***8999'],
    ['/pin/48213', '/pin/***'],
    ['/room-42', '/room-42'],
    ['/rooms/sales/recordings/re-7/media', '/rooms/sales/recordings/***/media'],
    ['/rooms/sales/recordings/re-7/stop', '/rooms/sales/recordings/***/stop'],
    ['/recordings/sales/re-7/media', '/recordings/***/media'],
    ['/%52ecordings%2Fre-7.wav', '/Recordings/***'],
    ['/wall/anything-else/live', '/wall/***'],
    ['/a%0D%0Ab%1B%5B31m%E2%80%AEc', '/a??b?[31m?c'],
    [`/${'x'.repeat(1_000)}`, `/${'x'.repeat(199)}`],
  ])('has the path of a 404: %s as %s', async (path, logged) => {
    const start = app.refused.length;
    expect(await app.send('GET', `${path}?From=%2B15557788999`)).toMatchObject({ status: 404 });
    expect(app.refused.slice(start)).toEqual([expect.objectContaining({ status: 404, path: logged })]);
  });

  it('has the path of a room that cannot exist', async () => {
    const start = app.log.length;
    await app.post('/conference/%C3%A9t%C3%A9', { CallSid: 'a-1' });
    expect(linesSince(start)[0]).toMatchObject({
      level: 'warn',
      code: 'no_such_room',
      path: '/conference/été',
    });
  });

  it('believes a proxy about that only if told to', async () => {
    const forwarded = { 'x-forwarded-for': '203.0.113.9' };
    const proxied = await startApp({ env: { TRUST_PROXY: 'loopback' } });
    await proxied.send('GET', '/conference', forwarded);
    await app.send('GET', '/conference', forwarded);
    expect(proxied.refused.map(({ ip }) => ip)).toEqual(['203.0.113.9']);
    expect(app.refused.map(({ ip }) => ip)).not.toContain('203.0.113.9');
    await proxied.stop();
  });
});
