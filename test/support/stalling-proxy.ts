import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from './on-test-finished';

/** A proxy in front of a server, which can hold up what passes. */
export interface StallingProxy {
  url: string;
  /** From now on nothing passes, in either direction, and no connection ends: as if the server hung. */
  stall(): void;
  /** Lets everything pass that was held up. */
  resume(): void;
  /** How late what the server sends on its live streams arrives, in milliseconds; 0 unless set. */
  streamDelayMs: number;
}

/** Starts a proxy in front of a port of this machine, until the test is over. */
export async function startStallingProxy(port: number): Promise<StallingProxy> {
  let gate = Promise.resolve();
  let open = () => {};
  const sockets = new Set<Socket>();

  function pass(from: Socket, to: Socket, delayMs: () => number): void {
    let last = Promise.resolve();
    const afterAll = (work: () => void) => {
      const due = Date.now() + delayMs();
      last = last
        .then(() => sleep(Math.max(0, due - Date.now())))
        .then(() => gate)
        .then(work);
    };
    from.on('data', (chunk) => afterAll(() => void to.write(chunk)));
    from.on('close', () => afterAll(() => void to.destroy()));
    from.on('error', () => {});
  }

  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let isStream = false;
    client.on('data', (chunk) => {
      isStream ||= chunk.toString('latin1').startsWith('GET /live?');
    });
    pass(client, upstream, () => 0);
    pass(upstream, client, () => (isStream ? proxy.streamDelayMs : 0));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    proxy.resume();
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  const proxy: StallingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stall() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    resume: () => open(),
    streamDelayMs: 0,
  };
  return proxy;
}
