import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type RequestListener, request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Certificate } from './certificate';

/** A TLS proxy in front of a server on this machine. */
export interface TlsProxy {
  port: number;
  /** The port it passes requests on to. */
  target: number;
  /** Answers instead of the target; undefined passes requests on. */
  answer: RequestListener | undefined;
  /** Uses another certificate from now on. */
  use(certificate: Certificate): void;
  close(): void;
}

/** Starts a proxy on a free port. */
export async function startTlsProxy(certificate: Certificate): Promise<TlsProxy> {
  const server = createServer(filesOf(certificate), (req, res) => {
    if (proxy.answer !== undefined) {
      proxy.answer(req, res);
      return;
    }
    const { method, url, headers } = req;
    const passed = request({ port: proxy.target, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    passed.on('error', () => res.writeHead(502).end());
    req.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: TlsProxy = {
    port: (server.address() as AddressInfo).port,
    target: 0,
    answer: undefined,
    use: (other) => server.setSecureContext(filesOf(other)),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}

function filesOf({ folder }: Certificate): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(join(folder, 'cert.pem')), key: readFileSync(join(folder, 'key.pem')) };
}
