import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Many streams of Server-Sent Events in this process, read with as little processor time as possible. */
export interface FeedClient {
  /** Bytes that all streams received so far. */
  readonly bytes: number;
  /** Streams that the server ended. */
  readonly ended: number;
  close(): void;
}

/**
 * Opens streams and waits until each has received something.
 *
 * @param requests the heads of the requests, without their last empty lines; sent in turn
 * @param options.streams how many
 * @param options.every of so many streams, the events of one are parsed; of the others, bytes are counted
 * @param options.onEvents gets the text of whole events
 */
export async function openFeeds(
  port: number,
  requests: readonly string[],
  { streams, every, onEvents }: { streams: number; every: number; onEvents: (text: string) => void },
): Promise<FeedClient> {
  const sockets: Socket[] = [];
  let bytes = 0;
  let ended = 0;
  // All share one buffer: nothing is kept of what is read.
  const buffer = Buffer.allocUnsafe(65_536);
  for (let index = 0; index < streams; index++) {
    let rest = '';
    const callback = (length: number) => {
      bytes += length;
      if (index % every === 0) {
        const text = rest + buffer.toString('latin1', 0, length);
        const end = text.lastIndexOf('\n\n') + 1;
        rest = text.slice(end);
        onEvents(text.slice(0, end));
      }
      return true;
    };
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.on('close', () => {
      ended++;
    });
    socket.write(`${requests[index % requests.length]}\r\n\r\n`);
    sockets.push(socket);
  }
  while (sockets.some(({ bytesRead }) => bytesRead === 0)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    get bytes() {
      return bytes;
    },
    get ended() {
      return ended;
    },
    close() {
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}
