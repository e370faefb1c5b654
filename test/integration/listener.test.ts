import { once } from 'node:events';
import { Agent, type RequestListener, request, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { listen } from '../../src/http/listener';
import type { Refusal } from '../../src/http/refusal-log';
import { announceEnd } from '../../src/http/request-queue';
import { onTestFinished } from '../support/on-test-finished';
import { openSocket } from '../support/raw-socket';
import { eventually } from '../support/redis-server';

const ONE = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';

async function serve(listener: RequestListener, refused: Refusal[] = []) {
  const server = await listen({
    port: 0,
    host: '127.0.0.1',
    maxConnectionsPerAddress: 10,
    isTrustedPeer: () => false,
    refusals: { add: (refusal) => void refused.push(refusal) },
  });
  onTestFinished(() => server.stop({ drainMs: 0, deadlineMs: 0 }));
  server.serve(listener);
  return server;
}

describe('the requests of one connection', () => {
  it('are served one after the other, and those behind the first are not even parsed', async () => {
    const answers: ServerResponse[] = [];
    const { port } = await serve((_req, res) => void answers.push(res));
    const { received } = await openSocket(port, ONE.repeat(200));
    for (let n = 1; n <= 200; n++) {
      await eventually(() => expect(answers).toHaveLength(n));
      await sleep(1);
      expect(answers).toHaveLength(n);
      answers.at(-1)?.end(`answer ${n}.`);
      await eventually(() => expect(received()).toContain(`answer ${n}.`));
    }
  });

  it('have their bodies, however these are cut', async () => {
    const bodies: string[] = [];
    const { port } = await serve(async (req, res) => {
      let body = '';
      for await (const chunk of req.setEncoding('latin1')) {
        body += chunk;
      }
      bodies.push(body);
      res.end('ok');
    });
    const sent = Array.from({ length: 40 }, (_, n) => String(n % 10).repeat(n * 331));
    const bytes = sent
      .map((body) => `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      .join('');
    const { socket } = await openSocket(port);
    for (let at = 0; at < bytes.length; at += 7_919) {
      socket.write(bytes.slice(at, at + 7_919));
      await sleep(1);
    }
    await eventually(() => expect(bodies).toHaveLength(sent.length));
    expect(bodies).toEqual(sent);
  });

  it('end with the connection: nothing more is begun for a client that has gone', async () => {
    const answers: ServerResponse[] = [];
    const { port } = await serve((_req, res) => void answers.push(res));
    const { socket } = await openSocket(port, ONE.repeat(10));
    await eventually(() => expect(answers).toHaveLength(1));
    const closed = once(answers[0] as ServerResponse, 'close');
    socket.resetAndDestroy();
    answers[0]?.write('x'.repeat(100));
    await closed;
    await sleep(50);
    expect(answers).toHaveLength(1);
  });
});

describe('a client that ends its side after the request', () => {
  it('gets an answer that takes time', async () => {
    const answers: ServerResponse[] = [];
    const { port } = await serve((_req, res) => void answers.push(res));
    const { socket, received, isGone } = await openSocket(port, ONE);
    socket.end();
    await eventually(() => expect(answers).toHaveLength(1));
    // The server has seen the end by now; were it to close for that, this would be too late.
    await sleep(50);
    answers[0]?.end('late');
    await eventually(() => expect(isGone()).toBe(true));
    expect(received()).toContain('late');
  });

  it('gets the answers to everything that was complete', async () => {
    const { port } = await serve(async (req, res) => {
      await sleep(1);
      res.end(`answer ${req.url}.`);
    });
    const { socket, received, isGone } = await openSocket(port);
    socket.end(Array.from({ length: 20 }, (_, n) => ONE.replace('/a', `/${n}`)).join(''));
    await eventually(() => expect(isGone()).toBe(true));
    expect(received().match(/answer \/\d+\./g)).toEqual(Array.from({ length: 20 }, (_, n) => `answer /${n}.`));
  });

  it.each([
    ['a request', 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf'],
    [
      'a request to upgrade',
      'POST /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 10\r\n\r\nhalf',
    ],
    ['the headers', 'POST /a HTTP/1.1\r\nHost:'],
  ])('in the middle of %s is let go of', async (_what, bytes) => {
    const { port } = await serve((req, res) => void req.resume().once('end', () => res.end()));
    const { socket, isGone } = await openSocket(port);
    socket.end(bytes);
    // Long before the deadline of a request.
    await eventually(() => expect(isGone()).toBe(true), 5_000);
  });

  it('and has gone altogether makes room for others once it is answered', async () => {
    const answers: ServerResponse[] = [];
    const { port } = await serve((req, res) => void (req.url === '/a' ? answers.push(res) : res.end('served')));
    for (let n = 0; n < 10; n++) {
      const { socket } = await openSocket(port, ONE);
      socket.end();
    }
    await eventually(() => expect(answers).toHaveLength(10));
    for (const answer of answers) {
      answer.end('done');
    }
    await eventually(async () => {
      const { received, isGone } = await openSocket(port, ONE.replace('/a', '/b'));
      await eventually(() => expect(received().includes('served') || isGone()).toBe(true));
      expect(received()).toContain('served');
    });
  });
});

it('requests with an expectation that nobody meets wait like others, and the first ends the connection', async () => {
  const refused: Refusal[] = [];
  const { port } = await serve((_req, res) => void res.end('served'), refused);
  const one = 'GET /a HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n';
  const { received, isGone } = await openSocket(port, one.repeat(500));
  await eventually(() => expect(isGone()).toBe(true));
  expect(received().match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 417']);
  // One more may have begun before the connection was closed, but not all.
  expect(refused[0]).toEqual({ code: 'malformed_request', ip: '127.0.0.1', status: 417 });
  expect(refused.length).toBeLessThan(10);
});

it('a client that is answered before its body has come is let go of, and the rest is not read', async () => {
  const { port } = await serve((_req, res) => void res.writeHead(403).end('refused'));
  const { socket, received, isGone } = await openSocket(
    port,
    `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${10 ** 9}\r\n\r\n`,
  );
  const body = setInterval(() => socket.write('x'.repeat(65_536)), 1);
  onTestFinished(() => clearInterval(body));
  await eventually(() => expect(isGone()).toBe(true), 5_000);
  expect(received()).toMatch(/^HTTP\/1\.1 403 /);
});

describe('an answer before the body was read', () => {
  it.each([
    ['a body', `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`, 'close'],
    ['chunks', 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', 'close'],
    ['no body', 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', 'keep-alive'],
  ])('says of the connection what becomes of it: %s', async (_what, bytes, connection) => {
    const { port } = await serve((_req, res) => {
      announceEnd(res);
      res.writeHead(403).end('refused');
    });
    const { received, isGone } = await openSocket(port, bytes);
    await eventually(() => expect(received()).toContain('refused'));
    expect(received()).toContain(`\r\nConnection: ${connection}\r\n`);
    await sleep(50);
    expect(isGone()).toBe(connection === 'close');
  });

  it('fails no later request of a client that keeps its connections', async () => {
    const { port } = await serve(async (req, res) => {
      if (req.url === '/a') {
        announceEnd(res);
        res.writeHead(403).end('refused');
      } else {
        await req.forEach(() => {});
        res.end('served');
      }
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    onTestFinished(() => agent.destroy());
    const post = async (path: string, body: string) => {
      const sent = request({ port, host: '127.0.0.1', path, agent, method: 'POST' }).end(body);
      const [res] = await once(sent, 'response');
      res.resume();
      await once(res, 'end');
      return res.statusCode;
    };
    for (let n = 0; n < 5; n++) {
      expect(await post('/a', 'x'.repeat(60_000))).toBe(403);
      expect(await post('/b', 'x=1')).toBe(200);
    }
  });
});

it('a relative path gets a 400', async () => {
  const { port } = await serve((_req, res) => void res.end('served'));
  const { received } = await openSocket(port, 'OPTIONS a HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 400 /));
});

it.each([70_000, 300_000, 2_000_000])('headers of %i bytes get a 431 and no reset', async (length) => {
  const { port } = await serve((_req, res) => void res.end());
  const { socket, received, isGone } = await openSocket(port);
  const errors: Error[] = [];
  socket.on('error', (error) => errors.push(error));
  socket.write(`GET /a HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(length)}\r\n\r\n`);
  await eventually(() => expect(isGone()).toBe(true));
  expect(received()).toMatch(/^HTTP\/1\.1 431 /);
  expect(errors).toEqual([]);
});

it('a response that has no end is cut off by a stop', async () => {
  const server = await serve((_req, res) => void res.write('begin'));
  const { isGone, received } = await openSocket(server.port, ONE);
  await eventually(() => expect(received()).toContain('begin'));
  expect(await server.stop({ drainMs: 0, deadlineMs: 100 })).toBe(false);
  await eventually(() => expect(isGone()).toBe(true));
});
