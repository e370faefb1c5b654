import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Server {
  /** The port it listens on, also when the system chose it. */
  port: number;
  /** Serves requests from here on. Nothing is answered before. */
  serve(listener: RequestListener): void;
  /**
   * Stops: for `graceMs` it goes on serving, so that clients and load balancers can turn away; then it takes no new
   * connections and answers what is in flight; after `deadlineMs` in all it cuts off what is left.
   *
   * @returns whether every request that had arrived was answered
   */
  stop(times: { graceMs: number; deadlineMs: number }): Promise<boolean>;
}

/**
 * Listens for HTTP.
 *
 * @param options.host undefined for every address of this machine
 * @throws the system's error, such as `EADDRINUSE`
 */
export async function listen(options: { port: number; host: string | undefined }): Promise<Server> {
  const server = createServer({
    // A Space gives up after 5 s; nobody else may hold a connection with half a request for longer than this.
    headersTimeout: 10_000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 1_000,
    // Longer than a proxy's, so that it is the proxy that closes an idle connection.
    keepAliveTimeout: 75_000,
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerClientError(error, socket as Socket));
  server.on('connect', (_req, socket) => {
    endWith(socket as Socket, '405 Method Not Allowed', 'Use GET or POST.\n');
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,

    serve(listener) {
      server.on('request', listener);
    },

    async stop({ graceMs, deadlineMs }) {
      const deadline = Date.now() + deadlineMs;
      await sleep(graceMs);
      let complete = true;
      const cutOff = setTimeout(() => {
        complete = false;
        server.closeAllConnections();
      }, deadline - Date.now());
      await quietMoment();
      // Not http's own close, which also cuts off who has connected and not yet sent a request.
      const closed = new Promise((resolve) => NetServer.prototype.close.call(server, resolve));
      const sweep = setInterval(() => {
        server.closeIdleConnections();
        for (const socket of sockets) {
          // Connected in advance, as proxies and probes do; Node 20 takes that for the beginning of a request.
          if (socket.bytesRead === 0) {
            socket.destroy();
          }
        }
      }, 100);
      await closed;
      clearInterval(sweep);
      clearTimeout(cutOff);
      return complete;
    },
  };
}

/**
 * Resolves right after a turn of the event loop that found nothing to do, or after 50 ms without one.
 *
 * When the port closes, the system resets connections that it has taken and we have not. After such a turn there are
 * none, but for those of the last fraction of a millisecond.
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

/** What cannot be parsed as HTTP never reaches Express. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    { HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large', ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout' }[
      error.code ?? ''
    ] ?? '400 Bad Request';
  endWith(socket, status, 'This is not a complete HTTP request.\n');
}

function endWith(socket: Socket, status: string, text: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
  );
}
