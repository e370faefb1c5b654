import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Call, CallSettings } from '../../../src/simulator/call';
import type { Participant } from '../../../src/simulator/conferences';
import { createSpace, type Space, type SpaceOptions } from '../../../src/simulator/space';
import { generateCertificate } from '../../support/certificate';
import { onTestFinished } from '../../support/on-test-finished';
import { eventually, freePort } from '../../support/redis-server';
import { type Answer, type ScriptedServer, startScriptedServer } from '../../support/scripted-server';
import { sign } from '../../support/sign';
import { LONG_TIMEOUTS } from '../../support/test-bench';

const KEY = 'PSK_test';
const BOB = '+15550001111';
const OURS = '+15550009999';
const MODERATOR = (more = '') =>
  `<Dial action="/ended"><Conference startConferenceOnEnter="true" endConferenceOnExit="true" ${more}>a</Conference></Dial>`;
const CALLER = (more = '') => `<Dial><Conference startConferenceOnEnter="false" ${more}>a</Conference></Dial>`;

interface TestBench {
  space: Space;
  server: ScriptedServer;
  /** Somebody dials a number whose webhook is this path; what follows from it has happened. */
  call(path: string, more?: Partial<CallSettings>): Promise<Call>;
}

async function setUp(answers: Record<string, Answer>, options: Partial<SpaceOptions> = {}): Promise<TestBench> {
  const server = await startScriptedServer(answers);
  const space = createSpace({ signingKey: KEY, timeouts: LONG_TIMEOUTS, ...options });
  onTestFinished(() => space.close());
  return {
    space,
    server,
    async call(path, more = {}) {
      const call = space.call({ from: BOB, to: OURS, url: server.url + path, ...more });
      await space.runUntilIdle();
      return call;
    },
  };
}

/** Who is in a room, in the order in which they called. */
function callsIn(space: Space, room: string): Call[] {
  return [...space.hearing().keys()].filter(({ sid }) => space.conferences.participant(sid)?.conference.name === room);
}

describe('an inbound call', () => {
  it('posts the fields of SignalWire, signed', async () => {
    const { call, server } = await setUp({ '/hello': '<Hangup/>' });
    const { sid, status, errors } = await call('/hello?a=%20b');
    expect(errors).toEqual([]);
    expect(sid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(status).toBe('completed');
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', path: '/hello?a=%20b' });
    expect(asked?.fields).toEqual({
      AccountSid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ApiVersion: '2010-04-01',
      CallSid: sid,
      CallStatus: 'ringing',
      Direction: 'inbound',
      From: BOB,
      To: OURS,
    });
    expect(asked?.headers['x-signalwire-signature']).toBe(
      sign(KEY, `${server.url}/hello?a=%20b`, Object.entries(asked?.fields ?? {})),
    );
  });

  it('takes a detour below an address, signed for that address', async () => {
    const { server, space } = await setUp({ '/a': '<Redirect>/b</Redirect>', '/b': '<Hangup/>' });
    const detour = { from: 'http://127.0.0.1:1/calls', to: server.url };
    const other = createSpace({ signingKey: KEY, timeouts: LONG_TIMEOUTS, detour });
    onTestFinished(() => other.close());
    const near = other.call({ from: BOB, url: 'http://127.0.0.1:1/calls/a?x=1' });
    await other.runUntilIdle();
    const [first] = server.asked;
    expect(first?.path).toBe('/a?x=1');
    expect(first?.headers['x-signalwire-signature']).toBe(
      sign(KEY, 'http://127.0.0.1:1/calls/a?x=1', Object.entries(first?.fields ?? {})),
    );
    // The document's own address counts, so what is elsewhere on that host is not below it.
    expect(near.errors[0]?.message).toContain('http://127.0.0.1:1/b');
    const beside = other.call({ from: BOB, url: 'http://127.0.0.1:1/calls-2/a' });
    await other.runUntilIdle();
    expect([beside.errors.length, server.asked.length, space.calls.length]).toEqual([1, 1, 0]);
  });

  it("requests with GET, the fields appended to the signed URL's query", async () => {
    const { call, server } = await setUp({ '/hello': '<Hangup/>' });
    await call('/hello?a=%20b+c', { method: 'GET', from: 'sip:bob@example.com' });
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'GET', fields: { a: ' b c', From: 'sip:bob@example.com' } });
    expect(asked?.path).toMatch(/^\/hello\?a=%20b\+c&AccountSid=/);
    expect(asked?.headers['x-signalwire-signature']).toBe(sign(KEY, server.url + asked?.path));
  });

  it('can have no number, and no signature', async () => {
    const { call, server } = await setUp({ '/hello': '<Hangup/>' }, { signingKey: undefined });
    await call('/hello', { from: undefined });
    expect(server.asked[0]?.fields).not.toHaveProperty('From');
    expect(server.asked[0]?.headers).not.toHaveProperty('x-signalwire-signature');
  });

  it('is told something, waits, and continues, in simulated time', async () => {
    const { call, space, server } = await setUp({
      '/hello': '<Say>Hello.</Say><Play>a.mp3</Play><Pause length="10"/><Redirect>next?b=1</Redirect><Say>Never.</Say>',
      '/next': '<Say>Bye.</Say>',
    });
    const one = await call('/hello');
    expect([one.told, one.status]).toEqual([['Hello.', 'a.mp3'], 'in-progress']);
    expect(one.hearing()).toEqual({ voices: [], sounds: [] });
    await space.clock.advance(10_000);
    await space.runUntilIdle();
    expect([one.told, one.status]).toEqual([['Hello.', 'a.mp3', 'Bye.'], 'completed']);
    expect(server.asked.map(({ path, fields }) => [path, fields.CallStatus])).toEqual([
      ['/hello', 'ringing'],
      ['/next?b=1', 'in-progress'],
    ]);
  });

  it('that is spoken to without end is not waited for', async () => {
    const { call, space } = await setUp({
      '/long': '<Say loop="999999999">Hello.</Say>',
      '/ever': '<Play loop="0">a</Play>',
    });
    const [long, ever] = [await call('/long'), await call('/ever')];
    expect([long.isSpokenTo, long.hearing().sounds]).toEqual([true, ['notice']]);
    expect([ever.isSpokenTo, ever.hearing().sounds]).toEqual([false, ['notice']]);
    expect(space.clock.now()).toBeLessThanOrEqual(2 * 3_600_000);
  });

  it('hears a notice while it is spoken to', async () => {
    const { space, server } = await setUp({ '/hello': '<Say>Hello, hello, hello.</Say>' });
    const call = space.call({ from: BOB, to: OURS, url: `${server.url}/hello` });
    await space.clock.advance(100);
    expect([call.isSpokenTo, call.hearing().sounds]).toEqual([true, ['notice']]);
  });

  it.each<[string, Answer, Call['status']]>([
    ['turned away', '<Reject/>', 'no-answer'],
    ['told that the line is busy', '<Reject reason="busy"/>', 'busy'],
    ['hung up on', '<Hangup/>', 'completed'],
    ['hung up on by a Reject that comes too late', '<Say>Hi</Say><Reject/>', 'completed'],
    ['over when its document is', '', 'completed'],
  ])('is %s', async (_what, answer, status) => {
    const { call } = await setUp({ '/hello': answer });
    expect((await call('/hello')).status).toBe(status);
  });

  it('runs on through prompts that take no time', async () => {
    const { call } = await setUp({ '/hello': '<Pause length="0"/><Gather timeout="0"/><Say>Hello.</Say>' });
    expect((await call('/hello')).told).toEqual(['Hello.']);
  });

  it('fails in a menu that loops without waiting', async () => {
    const { call } = await setUp({ '/menu': '<Gather timeout="0" actionOnEmptyResult="true"/>' });
    const { status, errors } = await call('/menu');
    expect([status, errors.map(({ code }) => code)]).toEqual(['failed', [11_215]]);
  });

  it('can hang up at any moment, and plays nothing more', async () => {
    const { call, space, server } = await setUp({ '/hello': '<Pause length="10"/><Redirect>/next</Redirect>' });
    const one = await call('/hello');
    one.hangUp();
    await space.clock.advance(20_000);
    expect([one.status, server.askedOf('/next')]).toEqual(['completed', []]);
  });

  it('that hangs up while it waits for a document is over at once', async () => {
    let answer = () => {};
    const { space, server } = await setUp({
      '/hello': (res) => {
        answer = () => res.writeHead(500).end();
      },
    });
    const call = space.call({ from: BOB, to: OURS, url: `${server.url}/hello` });
    await eventually(() => expect(server.asked).toHaveLength(1));
    call.redirect(`${server.url}/next`, 'POST');
    call.hangUp();
    call.redirect(`${server.url}/next`, 'POST');
    await new Promise(setImmediate);
    expect([call.status, call.isOver]).toEqual(['completed', true]);
    answer();
    await space.runUntilIdle();
    expect([call.status, call.errors, server.asked.length]).toEqual(['completed', [], 1]);
  });
});

describe('an outbound call to a telephone that rings', () => {
  const ringing = async () => {
    const bench = await setUp({ '/hello': '<Pause length="10"/>' }, { rings: (to) => to === BOB });
    return { ...bench, one: await bench.call('/hello', { direction: 'outbound-api', from: OURS, to: BOB }) };
  };

  it('waits for an answer', async () => {
    const { space, server, one } = await ringing();
    await space.clock.advance(59_000);
    expect([one.status, server.asked]).toEqual(['ringing', []]);
    one.answer();
    await space.clock.settle();
    expect([one.status, server.asked.length]).toEqual(['in-progress', 1]);
  });

  it.each<[string, Call['status'], (bench: { space: Space; one: Call }) => Promise<void> | void]>([
    ['nobody answers for a minute', 'no-answer', ({ space }) => space.clock.advance(60_000)],
    ['it is canceled', 'canceled', ({ one }) => one.hangUp('canceled')],
  ])('asks for no document if %s', async (_what, status, act) => {
    const { space, server, one } = await ringing();
    await act({ space, one });
    await space.clock.settle();
    one.answer();
    await space.clock.settle();
    expect([one.status, server.asked]).toEqual([status, []]);
  });

  it('is answered at once elsewhere', async () => {
    const { call } = await setUp({ '/hello': '<Hangup/>' }, { rings: (to) => to === BOB });
    expect((await call('/hello', { direction: 'outbound-api', from: BOB, to: OURS })).status).toBe('completed');
  });
});

describe('the status callback', () => {
  const NOW = Date.parse('2026-01-02T10:00:00Z');

  async function setUpReported(answers: Record<string, Answer>) {
    const testBench: TestBench = await setUp(
      { '/status': (res) => res.writeHead(204).end(), ...answers },
      { wallClock: () => NOW + testBench.space.clock.now() },
    );
    return { ...testBench, statusCallback: `${testBench.server.url}/status` };
  }

  const REPORT = {
    ApiVersion: '2010-04-01',
    CallStatus: 'completed',
    Direction: 'inbound',
    From: BOB,
    To: OURS,
    SequenceNumber: '0',
    // When the call began, as documented.
    Timestamp: 'Fri, 02 Jan 2026 10:00:05 +0000',
  };

  it.each<[string, Answer, object]>([
    ['is hung up', '<Dial><Conference>a</Conference></Dial>', { CallDuration: '60' }],
    ['comes to the end of its document', '<Pause length="2"/>', { CallDuration: '2' }],
    ['is rejected', '<Reject/>', { CallDuration: '0', CallStatus: 'no-answer' }],
    ['gets no document', (res) => res.writeHead(500).end(), { CallDuration: '0', CallStatus: 'failed' }],
  ])('of a number is sent once when a call %s', async (_how, answer, expected) => {
    const { call, space, server, statusCallback } = await setUpReported({ '/hello': answer });
    await space.clock.advance(5_000);
    const bob = await call('/hello', { statusCallback });
    await space.clock.advance(60_000);
    bob.hangUp();
    await space.runUntilIdle();
    const about = { AccountSid: space.accountSid, CallSid: bob.sid };
    expect(server.askedOf('/status')).toEqual([{ ...REPORT, ...about, ...expected }]);
  });

  it('of a number is sent when a call is hung up before it is answered', async () => {
    const waiting: ServerResponse[] = [];
    const { space, server, statusCallback } = await setUpReported({ '/hello': (res) => void waiting.push(res) });
    await space.clock.advance(5_000);
    const bob = space.call({ from: BOB, to: OURS, url: `${server.url}/hello`, statusCallback });
    await eventually(() => expect(waiting).toHaveLength(1));
    bob.hangUp();
    waiting[0]?.end();
    await space.runUntilIdle();
    const about = { AccountSid: space.accountSid, CallSid: bob.sid, CallDuration: '0' };
    expect(server.askedOf('/status')).toEqual([{ ...REPORT, ...about }]);
  });

  it.each(['outbound-api', 'outbound-dial'] as const)('of an %s call tells of it event by event', async (direction) => {
    const { space, server, statusCallback } = await setUpReported({ '/hello': '<Pause length="2"/>' });
    space.call({
      direction,
      from: OURS,
      to: BOB,
      url: `${server.url}/hello`,
      queuedMs: 3_000,
      statusCallback,
      statusCallbackEvents: ['initiated', 'ringing', 'answered', 'completed'],
    });
    await space.clock.advance(2_999);
    expect(server.askedOf('/hello')).toEqual([]);
    await space.clock.advance(10_000);
    const about = { Direction: direction, From: OURS, To: BOB };
    expect(server.askedOf('/hello')).toMatchObject([{ ...about, CallStatus: 'in-progress' }]);
    const told = server.askedOf('/status');
    expect(told).toMatchObject([about, about, about, { ...about, CallDuration: '2' }]);
    expect(told.map((one) => [one.SequenceNumber, one.CallStatus, one.Timestamp?.slice(17, 25)])).toEqual([
      ['0', 'initiated', '10:00:00'],
      ['1', 'ringing', '10:00:03'],
      ['2', 'in-progress', '10:00:03'],
      ['3', 'completed', '10:00:05'],
    ]);
  });
});

describe('a Gather', () => {
  const menu =
    '<Gather action="/key" numDigits="2" finishOnKey="#"><Say>Press a key.</Say></Gather><Say>Nothing.</Say>';
  const key: Answer = (res, { fields }) =>
    res.writeHead(200, { 'content-type': 'text/xml' }).end(`<Response><Say>It was ${fields.Digits}.</Say></Response>`);

  it.each([
    ['the number of keys it wants', ['12'], 'It was 12.'],
    ['the key that ends it', ['1#'], 'It was 1.'],
    ['keys one after the other', ['1', '2'], 'It was 12.'],
    ['more keys than it wants', ['123'], 'It was 12.'],
    ['only the key that ends it', ['#'], 'Nothing.'],
  ])('takes %s', async (_what, presses, answer) => {
    const { call, space } = await setUp({ '/menu': menu, '/key': key });
    const one = await call('/menu');
    for (const keys of presses) {
      one.press(keys);
      await space.runUntilIdle();
    }
    expect(one.told).toEqual(['Press a key.', answer]);
  });

  it('submits the keys at the timeout, or continues without any', async () => {
    const { call, space } = await setUp({ '/menu': menu, '/key': key });
    const [one, other] = [await call('/menu'), await call('/menu')];
    one.press('7');
    await space.clock.advance(4_500);
    expect([one.told, other.told]).toEqual([['Press a key.'], ['Press a key.']]);
    await space.clock.advance(500);
    await space.runUntilIdle();
    expect([one.told.at(-1), other.told.at(-1)]).toEqual(['It was 7.', 'Nothing.']);
  });

  it('is interrupted by a key', async () => {
    const { space, server } = await setUp({ '/menu': menu, '/key': key });
    const call = space.call({ from: BOB, to: OURS, url: `${server.url}/menu` });
    await space.clock.advance(100);
    call.press('12');
    await space.clock.settle();
    expect(server.askedOf('/key')).toMatchObject([{ Digits: '12', CallSid: call.sid }]);
  });

  it('requests its action without a key if actionOnEmptyResult says so', async () => {
    const { call, space, server } = await setUp({
      '/menu': '<Gather action="/key" timeout="3" actionOnEmptyResult="true" method="GET"/>',
      '/key': key,
    });
    await call('/menu');
    await space.clock.advance(3_000);
    expect(server.asked[1]).toMatchObject({ method: 'GET', fields: { Digits: '' } });
  });

  it.each(['POST', 'GET'] as const)('without an action asks the same address again, over %s', async (method) => {
    const { call, space, server } = await setUp({ '/menu': `<Gather numDigits="1" method="${method}"/>` });
    (await call('/menu?a=1', { method })).press('5');
    await space.runUntilIdle();
    const [first, second] = server.asked;
    expect(second?.method).toBe(method);
    expect(second?.fields).toEqual({ ...first?.fields, CallStatus: 'in-progress', Digits: '5' });
    expect(second?.path.startsWith('/menu?a=1')).toBe(true);
    expect(second?.path.match(/CallSid=/g)?.length ?? 1).toBe(1);
  });

  it('ignores keys before it starts and after it ends', async () => {
    const { call, space } = await setUp({ '/menu': `<Pause length="2"/>${menu}`, '/key': key });
    const one = await call('/menu');
    one.press('12');
    await space.clock.advance(2_000);
    await space.runUntilIdle();
    await space.clock.advance(5_000);
    await space.runUntilIdle();
    one.press('12');
    expect(one.told).toEqual(['Press a key.', 'Nothing.']);
  });
});

describe('the error of a call', () => {
  const body =
    (text: string, type = 'text/xml', status = 200): Answer =>
    (res) =>
      res.writeHead(status, { 'content-type': type }).end(text);

  it.each<[string, Answer, number, string]>([
    ['HTML', body('<html></html>', 'text/html'), 12_300, 'answered with text/html'],
    ['no content type', (res) => res.writeHead(200).end('<Response/>'), 12_300, 'no content type'],
    ['500', body('<Response/>', 'text/xml', 500), 11_217, 'status 500'],
    ['404', body('', 'text/plain', 404), 11_217, 'status 404'],
    ['no XML', body('Oops'), 12_100, 'Document parse failure'],
    ['<dial>', '<dial/>', 12_100, 'did you mean Dial?'],
    ['70 kB', body(`<Response><!--${'a'.repeat(70_000)}--></Response>`), 11_750, 'more than 64 kB'],
    ['nothing', (res) => res.destroy(), 11_200, 'does not answer'],
    [
      'no end',
      (res) => void res.writeHead(200, { 'content-type': 'text/xml' }).write('<Response>'),
      11_200,
      'did not answer within 0.2 s',
    ],
    ['no beginning', () => {}, 11_200, 'did not answer within 0.2 s'],
    ['what is no HTTP', (res) => void res.socket?.end('SSH-2.0-OpenSSH\r\n\r\n'), 11_251, 'does not speak http'],
    ['a loop of documents', '<Redirect>/hello</Redirect>', 11_215, 'documents in a row'],
    ['a loop of documents with words', '<Say>Hi.</Say><Redirect>/hello</Redirect>', 11_215, 'documents in a row'],
    [
      'a circle of redirects',
      (res) => res.writeHead(302, { location: '/hello' }).end(),
      11_215,
      'redirected more than 3 times',
    ],
    ['a redirect to nowhere', '<Redirect>ftp://a.b/</Redirect>', 11_210, 'not an absolute http or https URL'],
  ])('a server that answers %s', async (_what, answer, code, reason) => {
    const { call } = await setUp({ '/hello': answer }, { timeouts: { connectMs: 200, readMs: 200 } });
    const { status, errors } = await call('/hello');
    expect(status).toBe('failed');
    expect(errors).toEqual([expect.objectContaining({ code, message: expect.stringContaining(reason) })]);
  });

  it.each([
    ['nobody listens', async () => `http://127.0.0.1:${await freePort()}/`, 11_200],
    ['there is no such host', async () => 'http://nobody.invalid/', 11_210],
    ['there is no TLS', async () => (await startScriptedServer({})).url.replace('http:', 'https:'), 11_251],
  ])('an address where %s', async (_what, address, code) => {
    const { call } = await setUp({});
    const { status, errors } = await call('', { url: await address() });
    expect([status, errors.map((error) => error.code)]).toEqual(['failed', [code]]);
  });

  it('a server that does not accept the connection', async () => {
    // Takes the connection, but never the handshake of TLS.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => server.close());
    const { call } = await setUp({}, { timeouts: { connectMs: 200, readMs: 200 } });
    const { errors } = await call('', { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/` });
    expect(errors).toEqual([expect.objectContaining({ code: 11_200, message: expect.stringContaining('connection') })]);
  });

  it('a URL whose certificate cannot be trusted', async () => {
    const { folder } = await generateCertificate();
    const [cert, key] = await Promise.all([readFile(join(folder, 'cert.pem')), readFile(join(folder, 'key.pem'))]);
    const server = createHttpsServer({ cert, key }, (_req, res) => res.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => server.close());
    const { call } = await setUp({});
    const { errors } = await call('', { url: `https://localhost:${(server.address() as AddressInfo).port}/` });
    expect(errors).toEqual([expect.objectContaining({ code: 11_220, message: expect.stringContaining('trusted') })]);
  });

  it('a server that answers once, and then no more on the same connection', async () => {
    let asked = 0;
    const answer: Answer = (res) => {
      if (++asked === 1) {
        res.writeHead(200, { 'content-type': 'text/xml' }).end('<Response><Redirect>/hello</Redirect></Response>');
      }
    };
    const { call } = await setUp({ '/hello': answer }, { timeouts: { connectMs: 200, readMs: 200 } });
    const { status, errors } = await call('/hello');
    expect([status, errors.map(({ code }) => code), asked]).toEqual(['failed', [11_200], 2]);
  });

  it('is none if the server just closed a kept-alive connection', async () => {
    const seen = new Set<unknown>();
    const answer: Answer = (res) => {
      if (seen.has(res.socket)) {
        res.destroy();
        return;
      }
      seen.add(res.socket);
      const content = seen.size === 1 ? '<Redirect>/hello</Redirect>' : '<Say>Here.</Say>';
      res.writeHead(200, { 'content-type': 'text/xml' }).end(`<Response>${content}</Response>`);
    };
    const { call } = await setUp({ '/hello': answer });
    const { status, told } = await call('/hello');
    expect([status, told, seen.size]).toEqual(['completed', ['Here.'], 2]);
  });

  it('follows three redirects, as GET or with the same method', async () => {
    const to =
      (status: number, location: string): Answer =>
      (res) =>
        res.writeHead(status, { location }).end();
    const { call, server } = await setUp({
      '/one': to(307, '/two'),
      '/two': to(308, '/three'),
      '/three': to(302, '/four?a=1'),
      '/four': '<Redirect>five</Redirect>',
      '/five': '<Hangup/>',
    });
    const { status } = await call('/one');
    expect(status).toBe('completed');
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /one',
      'POST /two',
      'POST /three',
      'GET /four?a=1',
      'POST /five',
    ]);
    expect(server.asked[1]?.fields).toMatchObject({ From: BOB });
  });

  it('sends the fields of a GET once, however it is redirected', async () => {
    const { call, server } = await setUp({
      '/one': (res, { path }) => res.writeHead(308, { location: path.replace('/one', '/two') }).end(),
      '/two': '<Hangup/>',
    });
    await call('/one?a=1', { method: 'GET' });
    expect(server.asked[1]?.path).toBe(server.asked[0]?.path.replace('/one', '/two'));
  });

  it('requests the fallback URL, with the error, and plays its document', async () => {
    const { call, server } = await setUp({ '/hello': body('', 'text/plain', 500), '/fallback': '<Say>Here.</Say>' });
    const fallback = { fallbackUrl: `${server.url}/fallback`, fallbackMethod: 'GET' as const };
    const one = await call('/hello', fallback);
    expect([one.status, one.told, one.errors.map(({ code }) => code)]).toEqual(['completed', ['Here.'], [11_217]]);
    expect(server.asked[1]).toMatchObject({
      method: 'GET',
      fields: { ErrorCode: '11217', ErrorUrl: `${server.url}/hello`, CallSid: one.sid },
    });
  });

  it('requests no fallback for a loop', async () => {
    const { call, server } = await setUp({ '/hello': '<Redirect>/hello</Redirect>', '/fallback': '<Say>Here.</Say>' });
    const one = await call('/hello', { fallbackUrl: `${server.url}/fallback` });
    expect([one.status, one.errors.map(({ code }) => code)]).toEqual(['failed', [11_215]]);
    expect([server.askedOf('/hello').length, server.askedOf('/fallback')]).toEqual([100, []]);
  });

  it('ends when the fallback fails too', async () => {
    const { call, server } = await setUp({});
    const one = await call('/hello', { fallbackUrl: `${server.url}/fallback` });
    expect([one.status, one.errors.map(({ code }) => code)]).toEqual(['failed', [11_217, 11_217]]);
    expect(server.asked).toHaveLength(2);
  });

  it('is none if a conference or a key is part of the loop', async () => {
    const { call, space, server } = await setUp({
      '/conference': '<Dial action="/conference" timeLimit="1"><Conference>a</Conference></Dial>',
      '/menu': '<Gather numDigits="1" timeout="3600"/>',
    });
    const [bob, ted] = [await call('/conference'), await call('/menu')];
    for (let round = 0; round < 150; round++) {
      ted.press('1');
      await space.clock.advance(1_000);
    }
    expect([bob.status, server.askedOf('/conference').length]).toEqual(['in-progress', 151]);
    expect([ted.status, server.askedOf('/menu').length]).toEqual(['in-progress', 151]);
  });

  it('is none for a long wait, which is not a loop', async () => {
    const { call, space } = await setUp({
      '/hello': '<Say>Wait.</Say><Pause length="10"/><Redirect>/hello</Redirect>',
    });
    const one = await call('/hello');
    await space.clock.advance(300_000);
    expect(one.status).toBe('in-progress');
    expect(one.told.length).toBeGreaterThan(20);
  });
});

describe('a conference', () => {
  const voices = (call: Call) => call.hearing().voices;
  const sounds = (call: Call) => call.hearing().sounds;

  it('plays music until two are in, one with startConferenceOnEnter', async () => {
    const { call } = await setUp({ '/moderator': MODERATOR(), '/caller': CALLER() });
    const bob = await call('/caller');
    const carol = await call('/caller');
    expect([bob, carol].map(sounds)).toEqual([['music'], ['music']]);
    const alice = await call('/moderator');
    expect([bob, carol, alice].map(voices)).toEqual([
      [carol.sid, alice.sid],
      [bob.sid, alice.sid],
      [bob.sid, carol.sid],
    ]);
  });

  it.each<[string[], string]>([
    [['/moderator'], 'init'],
    [['/default'], 'init'],
    [['/caller', '/caller'], 'init'],
    [['/moderator', '/caller'], 'in-progress'],
    [['/caller', '/moderator'], 'in-progress'],
    [['/default', '/caller'], 'in-progress'],
  ])('of %j is %s', async (paths, status) => {
    const { call, space } = await setUp({
      '/moderator': MODERATOR(),
      '/caller': CALLER(),
      '/default': '<Dial><Conference>a</Conference></Dial>',
    });
    const calls = [];
    for (const path of paths) {
      calls.push(await call(path));
    }
    expect(space.conferences.all()).toMatchObject([{ status }]);
    expect(calls.every((one) => sounds(one).includes('music'))).toBe(status === 'init');
  });

  it('ends for everybody when one with endConferenceOnExit leaves', async () => {
    const { call, space, server } = await setUp({
      '/moderator': MODERATOR(),
      '/caller': `${CALLER()}<Say>That was it.</Say>`,
      '/ended': '<Hangup/>',
    });
    const bob = await call('/caller');
    const alice = await call('/moderator');
    await space.clock.advance(7_000);
    alice.hangUp();
    await space.runUntilIdle();
    expect([alice.status, bob.status, bob.told]).toEqual(['completed', 'completed', ['That was it.']]);
    expect(server.askedOf('/ended')).toMatchObject([
      { CallSid: alice.sid, CallStatus: 'completed', DialCallStatus: 'answered', DialCallDuration: '7' },
    ]);
    expect(callsIn(space, 'a')).toEqual([]);
  });

  it('requests no action after hanging up if the Space does not', async () => {
    const { call, space, server } = await setUp({ '/moderator': MODERATOR() }, { asksActionAfterHangUp: false });
    (await call('/moderator')).hangUp();
    await space.runUntilIdle();
    expect(server.asked).toHaveLength(1);
  });

  it('continues when a caller leaves; a later one is another conference', async () => {
    const { call, space } = await setUp({ '/moderator': MODERATOR(), '/caller': CALLER() });
    const [bob, alice] = [await call('/caller'), await call('/moderator')];
    bob.hangUp();
    await space.runUntilIdle();
    expect([alice.hearing(), callsIn(space, 'a')]).toEqual([{ voices: [], sounds: ['beep'] }, [alice]]);
    alice.hangUp();
    await space.runUntilIdle();
    await call('/caller');
    expect(space.conferences.all().map(({ status }) => status)).toEqual(['completed', 'init']);
  });

  it('releases a call at its time limit', async () => {
    const { call, space, server } = await setUp({
      '/moderator': '<Dial action="/ended" timeLimit="60"><Conference>a</Conference></Dial>',
      '/ended': '<Say>Time is over.</Say>',
    });
    const alice = await call('/moderator');
    await space.clock.advance(59_999);
    expect(callsIn(space, 'a')).toEqual([alice]);
    await space.clock.advance(1);
    expect(callsIn(space, 'a')).toEqual([]);
    expect(server.askedOf('/ended')).toMatchObject([{ CallStatus: 'in-progress', DialCallDuration: '60' }]);
  });

  it('releases a call on * if hangupOnStar says so', async () => {
    const { call, space } = await setUp({
      '/star': '<Dial action="/ended" hangupOnStar="true"><Conference>a</Conference></Dial>',
      '/no-star': '<Dial action="/ended"><Conference>a</Conference></Dial>',
      '/ended': '<Say>Menu.</Say>',
    });
    const [ted, bob] = [await call('/star'), await call('/no-star')];
    ted.press('1');
    bob.press('*');
    await space.runUntilIdle();
    expect(callsIn(space, 'a')).toEqual([ted, bob]);
    ted.press('*');
    await space.runUntilIdle();
    expect([callsIn(space, 'a'), ted.told]).toEqual([[bob], ['Menu.']]);
  });

  it('beeps when somebody enters or leaves, as their beep says', async () => {
    const { call, space } = await setUp({
      '/moderator': MODERATOR('beep="false"'),
      '/caller': CALLER('beep="onEnter"'),
      '/other': CALLER('beep="onExit"'),
      '/silent': CALLER('beep="false"'),
    });
    const beeps = () => {
      const [first] = callsIn(space, 'a');
      return first !== undefined && sounds(first).includes('beep');
    };
    const alice = await call('/moderator');
    const bob = await call('/caller');
    expect([beeps(), sounds(alice)]).toEqual([true, ['beep']]);
    await space.clock.advance(500);
    expect(beeps()).toBe(false);
    bob.hangUp();
    await space.runUntilIdle();
    expect(beeps()).toBe(false);
    const carol = await call('/other');
    expect(beeps()).toBe(false);
    carol.hangUp();
    await space.runUntilIdle();
    expect(beeps()).toBe(true);
    await space.clock.advance(500);
    (await call('/silent')).hangUp();
    await space.runUntilIdle();
    expect(beeps()).toBe(false);
  });

  it('sends the events that its first participant subscribed to, signed, with their date', async () => {
    const events = 'statusCallback="/events" statusCallbackEvent="start end join leave"';
    const { call, space, server } = await setUp(
      {
        '/moderator': MODERATOR('statusCallback="/others" statusCallbackEvent="join"'),
        '/caller': CALLER(events),
        '/ended': '<Hangup/>',
        '/events': (res) => res.writeHead(204).end(),
      },
      { wallClock: () => Date.parse('2026-01-02T10:00:00Z') },
    );
    const bob = await call('/caller');
    await space.clock.advance(3_000);
    const alice = await call('/moderator');
    await space.clock.advance(7_000);
    alice.hangUp();
    await space.runUntilIdle();
    const told = server.askedOf('/events');
    const [conference] = space.conferences.all();
    expect(told.map(({ StatusCallbackEvent, CallSid }) => [StatusCallbackEvent, CallSid])).toEqual([
      ['participant-join', bob.sid],
      ['participant-join', alice.sid],
      ['conference-start', undefined],
      ['participant-leave', alice.sid],
      ['participant-leave', bob.sid],
      ['conference-end', undefined],
    ]);
    const common = {
      AccountSid: space.accountSid,
      ApiVersion: '2010-04-01',
      ConferenceSid: conference?.sid,
      FriendlyName: 'a',
      Timestamp: 'Fri, 02 Jan 2026 10:00:00 +0000',
    };
    expect(told[1]).toEqual({
      ...common,
      StatusCallbackEvent: 'participant-join',
      CallSid: alice.sid,
      CallStatus: 'in-progress',
      Direction: 'inbound',
      From: BOB,
      To: OURS,
      Muted: 'false',
      Hold: 'false',
      StartConferenceOnEnter: 'true',
      EndConferenceOnExit: 'true',
    });
    expect(told[5]).toEqual({ ...common, StatusCallbackEvent: 'conference-end', Duration: '7' });
    expect(server.askedOf('/others')).toEqual([]);
    const first = server.asked.find(({ path }) => path === '/events');
    const signature = sign(KEY, `${server.url}/events`, Object.entries(first?.fields ?? {}));
    expect(first?.headers['x-signalwire-signature']).toBe(signature);
  });

  it("reports its end to the first participant's eventCallbackUrl, too", async () => {
    const { call, space, server } = await setUp({
      '/caller': CALLER('eventCallbackUrl="/over"'),
      '/other': CALLER('eventCallbackUrl="/never"'),
      '/over': (res) => res.writeHead(204).end(),
    });
    for (const one of [await call('/caller'), await call('/other')]) {
      one.hangUp();
    }
    await space.runUntilIdle();
    expect(server.asked.at(-1)).toMatchObject({ method: 'POST', path: '/over' });
    expect(server.askedOf('/over')).toMatchObject([{ StatusCallbackEvent: 'conference-end', FriendlyName: 'a' }]);
    expect(server.askedOf('/never')).toEqual([]);
  });

  it('dates the events of an outbound call by when they happened, too', async () => {
    const now = Date.parse('2026-01-02T10:00:00Z');
    const { space, server } = await setUp(
      { '/hello': '<Hangup/>', '/status': (res) => res.writeHead(204).end() },
      { chaos: { seed: 1, delayMs: 100_000 }, wallClock: () => now },
    );
    space.call({
      direction: 'outbound-api',
      from: OURS,
      to: BOB,
      url: `${server.url}/hello`,
      statusCallback: `${server.url}/status`,
      statusCallbackEvents: ['initiated'],
    });
    await space.clock.advance(100_000);
    const [told] = server.askedOf('/status');
    expect(now - Date.parse(told?.Timestamp ?? '')).toBeGreaterThan(1_000);
  });

  it('dates an event by when it happened, however late it is sent', async () => {
    const wallClock = { now: Date.parse('2026-01-02T10:00:00Z') };
    const { call, space, server } = await setUp(
      { '/caller': CALLER('statusCallback="/events" statusCallbackEvent="join"') },
      { chaos: { seed: 1, delayMs: 100_000 }, wallClock: () => wallClock.now },
    );
    await call('/caller');
    await space.clock.advance(100_000);
    const [first] = server.askedOf('/events');
    const ageMs = wallClock.now - Date.parse(first?.Timestamp ?? '');
    expect(ageMs).toBeGreaterThan(1_000);
    expect(ageMs).toBeLessThan(101_000);
  });
});

describe('a coach', () => {
  const COACH = (sid: string) => `<Dial action="/ended"><Conference coach="${sid}">a</Conference></Dial>`;

  it.each([
    [false, [undefined, undefined, undefined]],
    [true, ['false', 'true', 'alice']],
  ])('is in callbacks only if the Space reports coaching: %s', async (reportsCoaching, expected) => {
    const answers: Record<string, Answer> = {
      '/moderator': MODERATOR('statusCallback="/events" statusCallbackEvent="join"'),
      '/caller': CALLER(),
      '/events': (res) => res.writeHead(204).end(),
    };
    const { call, server } = await setUp(answers, { reportsCoaching });
    const alice = await call('/moderator');
    await call('/caller');
    answers['/coach'] = COACH(alice.sid);
    await call('/coach');
    const [first, , last] = server.askedOf('/events');
    const target = last?.CallSidToCoach === alice.sid ? 'alice' : last?.CallSidToCoach;
    expect([first?.Coaching, last?.Coaching, target]).toEqual(expected);
  });

  it("enters the target's conference", async () => {
    const answers: Record<string, Answer> = { '/moderator': MODERATOR(), '/caller': CALLER() };
    const { call } = await setUp(answers);
    const [bob, alice] = [await call('/caller'), await call('/moderator')];
    answers['/coach'] = COACH(alice.sid);
    const ted = await call('/coach');
    expect(ted.errors).toEqual([]);
    expect(alice.hearing().voices).toEqual([bob.sid, ted.sid]);
    expect(bob.hearing().voices).toEqual([alice.sid]);
  });

  it.each(['has hung up', 'is in another conference', 'never was'])(
    'whose target %s fails to their action',
    async (what) => {
      const answers: Record<string, Answer> = {
        '/moderator': MODERATOR(),
        '/caller': CALLER(),
        '/elsewhere': '<Dial><Conference>b</Conference></Dial>',
        '/ended': '<Say>Try again.</Say>',
      };
      const { call, space, server } = await setUp(answers);
      await call('/caller');
      const alice = await call(what === 'is in another conference' ? '/elsewhere' : '/moderator');
      if (what === 'has hung up') {
        alice.hangUp();
        await space.runUntilIdle();
      }
      answers['/coach'] = COACH(what === 'never was' ? 'nobody' : alice.sid);
      const ted = await call('/coach');
      expect(ted.errors.map(({ code }) => code)).toEqual([13_240]);
      expect([ted.status, ted.told]).toEqual(['completed', ['Try again.']]);
      expect(server.askedOf('/ended').at(-1)).toMatchObject({
        CallSid: ted.sid,
        CallStatus: 'in-progress',
        DialCallStatus: 'failed',
        ErrorCode: '13240',
      });
    },
  );

  it('with a stale target and no action is cut off', async () => {
    const { call } = await setUp({ '/coach': '<Dial><Conference coach="x">a</Conference></Dial>' });
    const ted = await call('/coach', { fallbackUrl: 'http://127.0.0.1:1/' });
    expect([ted.status, ted.errors.map(({ code }) => code)]).toEqual(['failed', [13_240]]);
  });
});

describe('a setting decides', () => {
  const EVENTS = 'statusCallback="/events" statusCallbackEvent="join end"';
  const noContent: Answer = (res) => res.writeHead(204).end();
  const coach = (sid: string) => `<Dial action="/ended"><Conference coach="${sid}" beep="false">a</Conference></Dial>`;
  const AGENT = '<Dial><Conference>a</Conference></Dial>';

  /** Who of these hears a call, by name. */
  function hearersOf({ sid }: Call, calls: Record<string, Call>): string[] {
    return Object.keys(calls).filter((name) => calls[name]?.hearing().voices.includes(sid));
  }

  it.each([
    [false, 'answered'],
    [true, 'completed'],
  ])('how a dial ended: completesDials %s', async (completesDials, status) => {
    const answers = { '/moderator': MODERATOR(), '/ended': '<Hangup/>' };
    const { call, server, space } = await setUp(answers, { completesDials });
    (await call('/moderator')).hangUp();
    await space.runUntilIdle();
    expect(server.askedOf('/ended')).toMatchObject([{ DialCallStatus: status }]);
  });

  it.each([
    [true, ['Menu.']],
    [false, []],
  ])('the star in a conference: starLeavesConferences %s', async (starLeavesConferences, told) => {
    const { call, space } = await setUp(
      {
        '/star': '<Dial action="/ended" hangupOnStar="true"><Conference>a</Conference></Dial>',
        '/ended': '<Say>Menu.</Say>',
      },
      { starLeavesConferences },
    );
    const ted = await call('/star');
    expect(ted.press('*')).toBe(starLeavesConferences);
    await space.runUntilIdle();
    expect(ted.told).toEqual(told);
  });

  it.each([
    [true, true, []],
    [true, false, []],
    [false, true, []],
    [false, false, [13_240]],
  ])('coaching before the start: coachesBeforeStart %s, started %s', async (coachesBeforeStart, hasStarted, codes) => {
    const answers: Record<string, Answer> = { '/moderator': MODERATOR(), '/caller': CALLER() };
    const { call, server, space } = await setUp({ ...answers, '/ended': '<Pause/>' }, { coachesBeforeStart });
    const alice = await call('/moderator');
    if (hasStarted) {
      await call('/caller');
    }
    server.answers['/coach'] = coach(alice.sid);
    const ted = await call('/coach');
    expect(ted.errors.map(({ code }) => code)).toEqual(codes);
    expect(server.askedOf('/ended')).toMatchObject(codes.map(() => ({ CallSid: ted.sid, ErrorCode: '13240' })));
    expect(callsIn(space, 'a').includes(ted)).toBe(codes.length === 0);
  });

  it.each([
    [false, ['alice']],
    [true, ['alice', 'carol']],
  ])('who hears a coach: latecomersHearCoaches %s', async (latecomersHearCoaches, hearers) => {
    const answers = { '/moderator': MODERATOR(), '/caller': CALLER() };
    const { call, server, space } = await setUp(answers, { latecomersHearCoaches });
    const [alice, bob] = [await call('/moderator'), await call('/caller')];
    server.answers['/coach'] = coach(alice.sid);
    const ted = await call('/coach');
    const carol = await call('/caller');
    expect(hearersOf(ted, { alice, bob, carol })).toEqual(hearers);
    // Whoever is there when the coaching begins anew is no latecomer to it.
    const place = space.conferences.participant(ted.sid) as Participant;
    space.conferences.update(place, { callSidToCoach: alice.sid });
    expect(hearersOf(ted, { alice, bob, carol })).toEqual(['alice']);
    space.conferences.update(place, { callSidToCoach: bob.sid });
    expect(hearersOf(ted, { alice, bob, carol })).toEqual(['bob']);
  });

  it.each([
    [true, ['bob']],
    [false, []],
  ])('who hears a coach without a target: orphanedCoachesAreHeard %s', async (orphanedCoachesAreHeard, hearers) => {
    const { call, server, space } = await setUp({ '/agent': AGENT }, { orphanedCoachesAreHeard });
    const [alice, bob] = [await call('/agent'), await call('/agent')];
    server.answers['/coach'] = coach(alice.sid);
    const ted = await call('/coach');
    expect(hearersOf(ted, { alice, bob })).toEqual(['alice']);
    alice.hangUp();
    await space.runUntilIdle();
    expect(hearersOf(ted, { bob })).toEqual(hearers);
  });

  it.each([
    [false, ['completed']],
    [true, ['in-progress', 'completed']],
  ])('when a conference ends: endsWithLastModerator %s', async (endsWithLastModerator, statuses) => {
    const answers = { '/moderator': MODERATOR(), '/caller': CALLER(), '/ended': '<Hangup/>' };
    const { call, space } = await setUp(answers, { endsWithLastModerator });
    await call('/caller');
    const moderators = [await call('/moderator'), await call('/moderator')];
    const seen = [];
    for (const moderator of moderators.slice(0, statuses.length)) {
      moderator.hangUp();
      await space.runUntilIdle();
      seen.push(space.conferences.all()[0]?.status);
    }
    expect(seen).toEqual(statuses);
  });

  it.each([
    ['ConferenceSid', { sendsConferenceSid: false }],
    ['Timestamp', { sendsTimestamp: false }],
  ])('the %s in callbacks', async (field, options) => {
    const { call, server, space } = await setUp({ '/caller': CALLER(EVENTS), '/events': noContent }, options);
    (await call('/caller')).hangUp();
    await space.runUntilIdle();
    const told = server.askedOf('/events');
    expect(told.map(({ StatusCallbackEvent }) => StatusCallbackEvent)).toEqual(['participant-join', 'conference-end']);
    expect(told.flatMap((fields) => Object.keys(fields))).not.toContain(field);
  });

  it.each([
    [{}, '/hello?b=%201&a=2', '/hello?b=%201&a=2'],
    [{ signsFragments: true }, '/hello?b=%201&a=2', '/hello?b=%201&a=2#rt=15000'],
    [{ sortsQueries: true }, '/hello?a=2&b=+1', '/hello?a=2&b=+1'],
  ])('a URL and its signature: %j', async (options, path, signed) => {
    const { call, server } = await setUp({ '/hello': '<Hangup/>' }, options);
    await call('/hello?b=%201&a=2#rt=15000');
    const [asked] = server.asked;
    expect(asked?.path).toBe(path);
    const signature = sign(KEY, server.url + signed, Object.entries(asked?.fields ?? {}));
    expect(asked?.headers['x-signalwire-signature']).toBe(signature);
  });
});

describe('the waiting music', () => {
  it('is not requested after the start', async () => {
    const { call, server } = await setUp({
      '/moderator': MODERATOR(),
      '/caller': CALLER('waitUrl="/wait"'),
      '/wait': '<Play>a.mp3</Play>',
    });
    await call('/moderator');
    await call('/caller');
    expect(server.askedOf('/wait')).toEqual([]);
  });

  it.each<[string, Answer, number[]]>([
    ['a document', '<Play>a.mp3</Play><Pause/><Redirect>/wait</Redirect>', []],
    ['a long recording', (res) => res.writeHead(200, { 'content-type': 'audio/mpeg' }).end('a'.repeat(200_000)), []],
    ['a recording that is not there', (res) => res.writeHead(404, { 'content-type': 'audio/mpeg' }).end(), [13_238]],
    ['HTML', (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<Response/>'), [13_238]],
    ['a document that speaks', '<Say>Please wait.</Say>', [13_238]],
    ['an error', (res) => res.writeHead(500).end(), [13_238]],
  ])('is checked: %s', async (_what, answer, codes) => {
    const { call, server } = await setUp({ '/caller': CALLER('waitUrl="/wait" waitMethod="GET"'), '/wait': answer });
    const bob = await call('/caller');
    expect([bob.status, bob.hearing().sounds]).toEqual(['in-progress', ['music']]);
    expect(bob.errors.map(({ code }) => code)).toEqual(codes);
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /caller', 'GET /wait']);
  });
});
