import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics';

/** Serves metrics on a port of its own, which must not be public. */
export interface MetricsListener {
  /** The port it listens on, also when the system chose it. */
  port: number;
  /** Stops listening, and ends every connection. */
  close(): void;
}

/**
 * Answers `GET /metrics`, and anything else with 404.
 *
 * @param options.port 0 lets the system choose
 * @param options.host undefined listens on every address of this machine
 * @throws the system's error, such as `EADDRINUSE`
 */
export async function listenForScrapes({
  port,
  host,
  metrics,
}: {
  port: number;
  host: string | undefined;
  metrics: Pick<Metrics, 'scrape'>;
}): Promise<MetricsListener> {
  const server = createServer(async (req, res) => {
    const [path] = req.url?.split('?', 1) ?? [];
    if (req.method !== 'GET' || path !== '/metrics') {
      res.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Only GET /metrics is here.\n');
      return;
    }
    const { type, text } = await metrics.scrape();
    res.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
