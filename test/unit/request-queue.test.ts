import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { createRequestQueue, type RequestQueueLimits } from '../../src/http/request-queue';
import { onTestFinished } from '../support/on-test-finished';
import { openSocket } from '../support/raw-socket';
import { eventually } from '../support/redis-server';

const ONE = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';
const LIMITS: RequestQueueLimits = { sliceBytes: 1_024, unreadBytes: 262_144, stepsPerTurn: 16, idleMs: 60_000 };

/** A server with these limits, whose requests are answered by the test. */
async function serve(limits: Partial<RequestQueueLimits>) {
  const queue = createRequestQueue({ ...LIMITS, ...limits });
  const server = createServer({ keepAliveTimeout: 60_000 });
  const started: ServerResponse[] = [];
  const sockets: Socket[] = [];
  let parsed = 0;
  server.on('connection', (socket) => {
    sockets.push(socket);
    queue.track(socket);
  });
  server.on('request', () => void parsed++);
  server.on(
    'request',
    queue.wrap((_req, res) => void started.push(res)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, started, sockets, parsedCount: () => parsed };
}

describe('the request queue', () => {
  it('parses no more than a slice while a request is in progress', async () => {
    const { port, started, sockets, parsedCount } = await serve({ sliceBytes: ONE.length * 3 });
    await openSocket(port, ONE.repeat(2_000));
    await eventually(() => expect(sockets[0]?.bytesRead).toBeGreaterThan(ONE.length * 1_000));
    expect([started.length, parsedCount()]).toEqual([1, 3]);
    started[0]?.end();
    await eventually(() => expect(started).toHaveLength(2));
    started[1]?.end();
    await eventually(() => expect(started).toHaveLength(3));
    expect(parsedCount()).toBeLessThanOrEqual(6);
  });

  it('parses nothing more of a connection while a request of it waits, however small the next piece is', async () => {
    const { port, started, sockets, parsedCount } = await serve({});
    const { socket } = await openSocket(port, ONE.repeat(2));
    await eventually(() => expect(parsedCount()).toBe(2));
    socket.write(ONE);
    await eventually(() => expect(sockets[0]?.bytesRead).toBe(3 * ONE.length));
    expect([started.length, parsedCount()]).toEqual([1, 2]);
    started[0]?.end();
    await eventually(() => expect(started).toHaveLength(2));
  });

  it('reads no more than the system hands over at once, however much is sent', async () => {
    const { port, sockets, started } = await serve({});
    await openSocket(port, ONE.repeat(20));
    await eventually(() => expect(started).toHaveLength(1));
    const { socket } = await openSocket(port);
    socket.write(ONE.repeat(100_000));
    await eventually(() => expect(started).toHaveLength(2));
    await sleep(200);
    expect(sockets[1]?.bytesRead).toBeLessThanOrEqual(LIMITS.unreadBytes);
  });

  it('ends a connection with more unread than it may have', async () => {
    const { port, sockets } = await serve({ unreadBytes: 10_000 });
    const { isGone } = await openSocket(port, ONE.repeat(2_000));
    await eventually(() => expect(isGone()).toBe(true));
    expect(sockets[0]?.destroyed).toBe(true);
  });

  it('does nothing more for a connection that is gone, whatever is unread of it', async () => {
    const { port, sockets } = await serve({ sliceBytes: 10, stepsPerTurn: 1 });
    await openSocket(port, `GET /a HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(10_000)}`);
    await eventually(() => expect(sockets[0]?.bytesRead).toBeGreaterThan(5_000));
    sockets[0]?.destroy();
    const turns = jest.spyOn(globalThis, 'setImmediate');
    onTestFinished(() => turns.mockRestore());
    await sleep(50);
    expect(turns.mock.calls.length).toBeLessThan(5);
  });

  it('begins few requests in a turn of the event loop, in the order of the connections', async () => {
    const { port, started } = await serve({ stepsPerTurn: 2 });
    const clients = await Promise.all(Array.from({ length: 20 }, () => openSocket(port)));
    let most = 0;
    let before = 0;
    let isOver = false;
    const watch = () => {
      most = Math.max(most, started.length - before);
      before = started.length;
      if (!isOver) {
        setImmediate(watch);
      }
    };
    setImmediate(watch);
    for (const { socket } of clients) {
      socket.write(ONE);
    }
    await eventually(() => expect(started).toHaveLength(20));
    isOver = true;
    // The watch has its own place in the turn, so it may see the steps of two.
    expect(most).toBeLessThanOrEqual(4);
  });

  it('ends an idle connection, also one that sends line breaks, and none with a request in progress', async () => {
    const { port, started } = await serve({ idleMs: 150 });
    const [idle, drip, busy] = [
      await openSocket(port, ONE),
      await openSocket(port, ONE),
      await openSocket(port, ONE + ONE),
    ];
    await eventually(() => expect(started).toHaveLength(3));
    for (const res of [...started]) {
      res.end();
    }
    const timer = setInterval(() => drip.socket.write('\r\n'), 20);
    onTestFinished(() => clearInterval(timer));
    await eventually(() => expect([idle.isGone(), drip.isGone()]).toEqual([true, true]));
    expect(busy.isGone()).toBe(false);
  });
});
