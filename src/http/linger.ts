import type { Socket } from 'node:net';

/** How long a client may take to read its last answer. */
const LINGER_MS = 1_000;

/** Destroys a connection after its last answer, even if the client does not close it. */
export function destroySoon(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}
