import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from './on-test-finished';

/** A TCP connection that does only what a test tells it to. */
export interface RawSocket {
  socket: Socket;
  /** What the server has sent so far; nothing after `socket.pause()`. */
  received(): string;
  /** Whether the server has let go of it. */
  isGone(): boolean;
}

/** Connects to this port of this machine and sends these bytes. Never closes its side by itself. */
export async function openSocket(port: number, bytes = ''): Promise<RawSocket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  let isGone = false;
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  const go = () => {
    isGone = true;
  };
  socket.on('close', go).on('end', go).on('error', go);
  onTestFinished(() => socket.destroy());
  await once(socket, 'connect');
  if (bytes !== '') {
    await new Promise((resolve) => socket.write(bytes, resolve));
  }
  return { socket, received: () => text, isGone: () => isGone };
}
