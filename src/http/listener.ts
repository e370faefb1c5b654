import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionLimit } from './connection-limit';
import { destroySoon } from './linger';
import type { RefusalLog } from './refusal-log';
import { createRequestQueue } from './request-queue';

export interface Listener {
  /** The port it listens on, also when the system chose it. */
  port: number;
  /** Starts to answer requests. */
  serve(listener: RequestListener): void;
  /**
   * Stops: serves for `drainMs`, so that clients and load balancers can go elsewhere; then takes no new connections and
   * finishes requests in progress; cuts off the rest `deadlineMs` after the start of the stop.
   *
   * @returns whether every request that had arrived was answered
   */
  stop(times: { drainMs: number; deadlineMs: number }): Promise<boolean>;
}

export interface ListenOptions {
  /** 0 lets the system choose. */
  port: number;
  /** Undefined listens on every address of this machine. */
  host: string | undefined;
  maxConnectionsPerAddress: number;
  /** Whether this peer is a trusted proxy, which may open any number of connections. */
  isTrustedPeer: (address: string) => boolean;
  refusals: RefusalLog;
}

/** How long a complete request may take to arrive. A Space gives up after 5 s. */
const REQUEST_MS = 10_000;
/** A connection whose client reads nothing for this long is closed; a slow client that makes progress is kept. */
const STALL_MS = 12_000;
const STALL_CHECK_MS = 1_000;
/** How long a connection may be idle between requests. Proxies should close theirs earlier. */
const IDLE_MS = 75_000;

/**
 * Listens for HTTP. Every connection has deadlines, and its requests are served one after the other.
 *
 * @throws the system's error, such as `EADDRINUSE`
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { refusals } = options;
  const server = createServer({
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: IDLE_MS,
    // app.ts answers these. Node would bypass the queue.
    requireHostHeader: false,
  });
  // A client may end its side once it has sent its request; without this, Node closes the connection unanswered.
  Object.assign(server, { httpAllowHalfOpen: true });
  const limit = createConnectionLimit(options.maxConnectionsPerAddress, options.isTrustedPeer);
  const requests = createRequestQueue();
  const sockets = new Set<Socket>();
  const stallCheck = createStallCheck(sockets);
  server.on('connection', (socket) => {
    // Stays when Node hands the socket over, as for CONNECT: an error without a listener would end the process.
    socket.on('error', () => {});
    const ip = socket.remoteAddress;
    const close = limit.open(ip ?? '');
    if (close === undefined) {
      socket.destroy();
      refusals.add({ code: 'too_many_connections', ip });
      return;
    }
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      close();
    });
    requests.track(socket);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { status, code } = CLIENT_ERRORS.get(error.code) ?? MALFORMED;
    refusals.add({ code, ip: socket.remoteAddress });
    endWith(socket, status, 'This is not a complete HTTP request.\n');
  });
  server.on('connect', (_req, stream) => {
    const socket = stream as Socket;
    refusals.add({ code: 'method_not_allowed', ip: socket.remoteAddress });
    endWith(socket, '405 Method Not Allowed', 'Use GET or POST.\n');
  });

  server.listen(options.port, options.host);
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,

    serve(listener) {
      server.on('request', requests.wrap(listener));
      server.on(
        'checkExpectation',
        requests.wrap((req, res) => {
          refusals.add({ code: 'malformed_request', ip: req.socket.remoteAddress, status: 417 });
          const headers = { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' };
          res.writeHead(417, headers).end('Expect only 100-continue.\n');
        }),
      );
    },

    async stop({ drainMs, deadlineMs }) {
      const deadline = Date.now() + deadlineMs;
      await sleep(drainMs);
      let complete = true;
      const cutOff = setTimeout(() => {
        complete = false;
        for (const socket of sockets) {
          socket.destroy();
        }
      }, deadline - Date.now());
      await quietMoment();
      // http's own close() would also drop connections that have not sent a request yet.
      const closed = new Promise((resolve) => NetServer.prototype.close.call(server, resolve));
      const sweep = setInterval(() => {
        server.closeIdleConnections();
        for (const socket of sockets) {
          // Connected in advance, as by proxies and probes. Node 20 does not count it as idle.
          if (socket.bytesRead === 0) {
            socket.destroy();
          }
        }
      }, 100);
      await closed;
      clearInterval(sweep);
      clearInterval(stallCheck);
      clearTimeout(cutOff);
      return complete;
    },
  };
}

/** Ends connections whose client does not read. Node's own time limit restarts with each write. */
function createStallCheck(sockets: ReadonlySet<Socket>): NodeJS.Timeout {
  const progress = new WeakMap<Socket, { takenBytes: number; since: number }>();
  return setInterval(() => {
    const now = performance.now();
    for (const socket of sockets) {
      const takenBytes = socket.bytesWritten - socket.writableLength;
      const last = progress.get(socket);
      if (socket.writableLength === 0) {
        progress.delete(socket);
      } else if (last?.takenBytes !== takenBytes) {
        progress.set(socket, { takenBytes, since: now });
      } else if (now - last.since > STALL_MS) {
        socket.destroy();
      }
    }
  }, STALL_CHECK_MS).unref();
}

/**
 * Resolves right after a turn of the event loop that found nothing to do, or after 50 ms without one.
 *
 * When the port closes, the system resets connections that it has accepted and this process has not. After such a turn
 * there are none, except those of the last fraction of a millisecond.
 */
async function quietMoment(): Promise<void> {
  const startedAt = performance.now();
  let last = startedAt;
  while (last - startedAt < 50) {
    await new Promise(setImmediate);
    const now = performance.now();
    if (now - last < 0.05) {
      return;
    }
    last = now;
  }
}

const MALFORMED = { status: '400 Bad Request', code: 'malformed_request' };

/** The responses to what is not a complete request, by Node's error code. */
const CLIENT_ERRORS: ReadonlyMap<string | undefined, typeof MALFORMED> = new Map([
  ['HPE_HEADER_OVERFLOW', { status: '431 Request Header Fields Too Large', code: 'headers_too_large' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: '408 Request Timeout', code: 'request_timeout' }],
]);

/** Sends a last answer and closes the connection. */
function endWith(socket: Socket, status: string, text: string): void {
  destroySoon(socket);
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
  );
  // Reads and ignores the rest: with unread data, the system would reset the connection and lose the answer.
  socket.removeAllListeners('data');
  socket.resume();
}
