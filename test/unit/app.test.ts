import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import { Router } from 'express';
import type { Render } from '../../src/calls/documents';
import type { WebhookRoute } from '../../src/calls/webhook';
import { createApp } from '../../src/http/app';
import type { Refusal } from '../../src/http/refusal-log';
import { createLog } from '../../src/ops/log';
import { onTestFinished } from '../support/on-test-finished';
import { openSocket } from '../support/raw-socket';
import { eventually } from '../support/redis-server';
import { roomNamed } from '../support/room-stores';

/** A server with one route, which accepts unsigned requests; its log, and how its requests ended. */
async function serve(
  answer: WebhookRoute['answer'],
  {
    fallback,
    render = () => '<Response/>',
    dashboard = Router(),
  }: { fallback?: WebhookRoute['fallback']; render?: Render; dashboard?: Router } = {},
) {
  const lines: Record<string, unknown>[] = [];
  const refused: Refusal[] = [];
  const ends: string[] = [];
  const server = createServer(
    { requireHostHeader: false },
    createApp({
      routes: { '/call/:room': { answer, ...(fallback && { fallback }) }, '/line': { answer } },
      render,
      settings: {
        publicUrl: 'https://coach.example.com',
        conferenceName: roomNamed('support'),
        signingKeys: [],
        trustProxy: false,
      },
      api: Router(),
      dashboard,
      pingStore: async () => {},
      draining: new AbortController().signal,
      refusals: { add: (refusal) => void refused.push(refusal) },
      timeRoute: (route) => (outcome, ms) => void ends.push(`${route} ${ms > 0 ? outcome : 'in no time'}`),
      log: createLog('info', { write: (line) => void lines.push(JSON.parse(line)) }),
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, lines, refused, ends };
}

describe('the log', () => {
  it('says who called even if the Space did not wait for the answer', async () => {
    let answer: (() => void) | undefined;
    const { port, lines, ends } = await serve(async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { outcome: { kind: 'hangUp' } };
    });
    const { socket } = await openSocket(
      port,
      'GET /call/sales?CallSid=ted-1&From=%2B15550002222 HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    await eventually(() => expect(answer).toBeDefined());
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(lines).toEqual([]);
    answer?.();
    await eventually(() =>
      expect(lines).toMatchObject([
        { callSid: 'ted-1', from: '***2222', room: 'sales', aborted: true, msg: 'Request' },
      ]),
    );
    expect(ends).toEqual(['/call/:room aborted']);
  });

  it('has a failed follow-up beside the answer, which was sent', async () => {
    const { port, lines } = await serve(() => ({
      outcome: { kind: 'hangUp' },
      followUp() {
        throw new Error('too late');
      },
    }));
    const request = get({ port, path: '/call/sales?CallSid=ted-1' });
    const [response] = await once(request, 'response');
    response.resume();
    expect(response.statusCode).toBe(200);
    await eventually(() => expect(lines).toHaveLength(2));
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'Request', status: 200 }));
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'Follow-up failed',
        callSid: 'ted-1',
        path: '/call/:room',
        err: expect.objectContaining({ message: 'too late' }),
      }),
    );
  });
});

it.each([
  ['/call/sales', 'sales'],
  ['/line?room=sales', 'sales'],
  ['/line', undefined],
])('the log of %s names the room %s', async (path, room) => {
  const { port, lines } = await serve(() => ({ outcome: { kind: 'goodbye' } }));
  const [response] = await once(get({ port, path }), 'response');
  response.resume();
  await eventually(() => expect(lines).toHaveLength(1));
  expect(lines[0]?.room).toBe(room);
});

describe('a route that fails', () => {
  const fails = (message: string) => (): never => {
    throw new TypeError(message);
  };
  const GOODBYE = { kind: 'goodbye' } as const;
  const messages = (lines: readonly Record<string, unknown>[]) => lines.map(({ msg }) => msg);

  async function ask(port: number): Promise<{ status: number; text: string }> {
    const [response] = await once(get({ port, path: '/call/sales?CallSid=ted-1' }), 'response');
    let text = '';
    for await (const chunk of response) {
      text += chunk;
    }
    return { status: response.statusCode, text };
  }

  it('answers with its fallback, and nothing follows', async () => {
    const followUp = jest.fn();
    const render: Render = ({ kind }) => (kind === 'goodbye' ? '<Goodbye/>' : fails('no document')());
    const answer = () => ({ outcome: { kind: 'hangUp' } as const, followUp });
    const { port, lines, ends } = await serve(answer, { fallback: () => GOODBYE, render });
    expect(await ask(port)).toEqual({ status: 200, text: '<Goodbye/>' });
    await eventually(() => expect(lines).toHaveLength(2));
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'Request', outcome: 'goodbye', status: 200 }));
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', callSid: 'ted-1' }));
    expect(followUp).not.toHaveBeenCalled();
    expect(ends).toEqual(['/call/:room fallback']);
  });

  it.each([
    ['has none', undefined],
    ['fails too', fails('no fallback')],
  ])('is logged once, with a 500, if its fallback %s', async (_what, fallback) => {
    const { port, lines, ends } = await serve(fails('no answer'), { fallback });
    expect(await ask(port)).toEqual({ status: 500, text: expect.any(String) });
    await eventually(() => expect(lines).toHaveLength(2));
    expect(messages(lines).sort()).toEqual(['Request answered with an error', 'Request failed']);
    expect(ends).toEqual(['/call/:room failed']);
  });

  it('is logged though the client is gone', async () => {
    let fail = () => {};
    const answer = () => new Promise<never>((_, reject) => (fail = () => reject(new TypeError('no answer'))));
    const { port, lines } = await serve(answer, { fallback: fails('no fallback') });
    const started = fail;
    const { socket } = await openSocket(port, 'GET /call/sales?CallSid=ted-1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => expect(fail).not.toBe(started));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    fail();
    await eventually(() => expect(messages(lines)).toContain('Request answered with an error'));
    expect(lines).toHaveLength(2);
  });
});

it('an error in the middle of an answer ends the connection, so that nobody takes the answer for whole', async () => {
  const dashboard = Router().get('/page', async (_req, res) => {
    res.write('half');
    throw new TypeError('no other half');
  });
  const { port, lines } = await serve(() => ({}), { dashboard });
  const { received, isGone } = await openSocket(port, 'GET /page HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => expect(isGone()).toBe(true));
  expect(received()).not.toContain('\r\n0\r\n');
  expect(lines).toMatchObject([{ level: 'error', msg: 'Error after the response began' }]);
});

it.each([
  ['no Host', 'GET /a HTTP/1.1\r\n\r\n', 400, 'malformed_request'],
  ['another address than a path', 'GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed_request'],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed_request'],
  ['chunks', 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 411, 'length_required'],
])('a request with %s is refused, and ends the connection', async (_what, request, status, code) => {
  const { port, refused } = await serve(() => ({}));
  const { received, isGone } = await openSocket(port, request.repeat(500));
  await eventually(() => expect(isGone()).toBe(true));
  expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(received()).toContain('Connection: close');
  expect(refused[0]).toMatchObject({ code, ip: '127.0.0.1', status });
});
