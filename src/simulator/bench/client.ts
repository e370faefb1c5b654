import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { computeSignature } from '../../signalwire/signature';

/** A request as sent over the wire, signed if there is a key. */
export function encodeRequest(
  path: string,
  fields: Readonly<Record<string, string>>,
  { publicUrl, signingKey }: { publicUrl: string; signingKey: string },
): Buffer {
  const body = new URLSearchParams(fields).toString();
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${new URL(publicUrl).host}`,
    'User-Agent: SignalWire',
    'Accept: application/xml, text/xml',
    'Content-Type: application/x-www-form-urlencoded; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-SignalWire-Signature: ${computeSignature(signingKey, { url: publicUrl + path, fields })}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Sends requests over kept connections, one after the other on each. Uses as little processor time as possible. */
export interface BenchClient {
  /** @returns the last answer's body; @throws Error for an answer other than 200 or 204 */
  send(requests: readonly Buffer[]): Promise<string>;
  close(): void;
}

export async function createBenchClient(port: number, connections: number): Promise<BenchClient> {
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  return {
    async send(requests) {
      let next = 0;
      let last = '';
      const work = async (socket: Socket) => {
        for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
          last = await exchange(socket, request);
        }
      };
      await Promise.all(sockets.map(work));
      return last;
    },
    close() {
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}

function exchange(socket: Socket, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (data: Buffer) => {
      text += data.toString('latin1');
      const end = text.indexOf('\r\n\r\n') + 4;
      if (end < 4) {
        return;
      }
      const head = text.slice(0, end);
      const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
      if (text.length >= end + Number(length)) {
        finish();
        if (/^HTTP\/1.1 20[04] /.test(head)) {
          resolve(text.slice(end));
        } else {
          reject(new Error(`${request.subarray(0, request.indexOf('\r\n'))} was answered with ${text}`));
        }
      }
    };
    const onClose = () => {
      finish();
      reject(new Error('The server closed a connection.'));
    };
    const finish = () => {
      socket.off('data', onData);
      socket.off('close', onClose);
    };
    if (socket.destroyed) {
      onClose();
    } else {
      socket.on('data', onData).on('close', onClose).write(request);
    }
  });
}
