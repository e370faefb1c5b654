import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { destroySoon } from './linger';

/** Limits that keep clients from delaying each other. */
export interface RequestQueueLimits {
  /** The most that is parsed at once: most of a webhook, or a few dozen of the shortest requests. */
  sliceBytes: number;
  /** The most that may wait unparsed. Node reads 64 kB at a time, sometimes even while reading is paused. */
  unreadBytes: number;
  /**
   * How many steps happen in one turn of the event loop: a request begun, or a slice parsed. Node accepts one connection
   * a turn, so turns must be short for new calls to get through.
   */
  stepsPerTurn: number;
  /**
   * Ends an idle connection. Node's own limit, the listener's 75 s, restarts with every line break it receives. This one
   * must not end a request that began just in time: 75 s, 10 s for the request to arrive, and a margin.
   */
  idleMs: number;
}

const LIMITS: RequestQueueLimits = { sliceBytes: 1_024, unreadBytes: 262_144, stepsPerTurn: 16, idleMs: 86_000 };

interface Connection {
  /** Whether a request is in progress or about to start. */
  isBusy: boolean;
  /** The request in progress. */
  current: IncomingMessage | undefined;
  /** Start the parsed requests that wait for the one in progress. */
  waiting: (() => void)[];
  /** Whether a request was answered before it was complete; the rest is ignored. */
  isOver: boolean;
  /** Resumes parsing. */
  read(): void;
  idleTimer: NodeJS.Timeout | undefined;
}

/** Serves the requests of each connection one after the other. */
export interface RequestQueue {
  /** Registers a connection; call it before the first byte is read. */
  track(socket: Socket): void;
  /** Wraps a listener of requests. */
  wrap(listener: RequestListener): RequestListener;
}

/**
 * Keeps clients that pipeline or flood from delaying others: each connection has one request in progress, and what follows
 * waits as unparsed bytes, which cost little. Requests that are ready to start share one first-in, first-out queue.
 */
export function createRequestQueue(limits: RequestQueueLimits = LIMITS): RequestQueue {
  const connections = new WeakMap<Socket, Connection>();
  const ready: (() => void)[] = [];
  let stepsThisTurn = 0;

  /** Takes a step in this turn of the event loop if there is room, otherwise in a later one. */
  function schedule(step: () => void): void {
    if (stepsThisTurn >= limits.stepsPerTurn || ready.length > 0) {
      ready.push(step);
      return;
    }
    if (stepsThisTurn === 0) {
      setImmediate(nextTurn);
    }
    stepsThisTurn++;
    step();
  }

  function nextTurn(): void {
    const steps = ready.splice(0, limits.stepsPerTurn);
    stepsThisTurn = steps.length;
    if (steps.length > 0) {
      setImmediate(nextTurn);
    }
    for (const step of steps) {
      step();
    }
  }

  /** After the answer to a request: starts the connection's next one, or marks the connection as idle. */
  function finish(connection: Connection, { complete, socket }: IncomingMessage): void {
    connection.current = undefined;
    if (!complete || ending.has(socket)) {
      connection.isOver = true;
      socket.end();
      destroySoon(socket);
      return;
    }
    const next = connection.waiting.shift();
    if (socket.destroyed) {
      return;
    }
    if (next !== undefined) {
      schedule(next);
      if (connection.waiting.length === 0) {
        connection.read();
      }
      return;
    }
    connection.isBusy = false;
    // Refreshing one timer costs far less than a new one for every request.
    connection.idleTimer ??= setTimeout(() => connection.isBusy || socket.destroy(), limits.idleMs).unref();
    connection.idleTimer.refresh();
  }

  return {
    track(socket) {
      const connection: Connection = {
        isBusy: false,
        current: undefined,
        waiting: [],
        isOver: false,
        read: () => {},
        idleTimer: undefined,
      };
      connections.set(socket, connection);
      connection.read = readInSlices(socket, connection, { ...limits, schedule });
      // Node does not notice when an Upgrade request is cut off.
      socket.once('end', () => connection.current?.complete === false && socket.destroy());
      socket.once('close', () => clearTimeout(connection.idleTimer));
    },

    wrap: (listener) => (req, res) => {
      const { socket } = req;
      const connection = connections.get(socket);
      if (connection === undefined) {
        // The connection was refused.
        return;
      }
      const start = () => {
        if (socket.destroyed) {
          return;
        }
        if (socket.readableEnded && !req.complete) {
          socket.destroy();
        }
        connection.current = req;
        res.once('close', () => finish(connection, req));
        listener(req, res);
      };
      if (connection.isBusy) {
        connection.waiting.push(start);
      } else {
        connection.isBusy = true;
        schedule(start);
      }
    },
  };
}

/** Whose answer has said that they end. */
const ending = new WeakSet<Socket>();

/**
 * Has an answer say `Connection: close` if it begins before the request's body has arrived, because the connection ends with
 * it. A proxy would otherwise keep the connection, and lose its next request. Call it for each request that may be answered
 * without its body.
 */
export function announceEnd(res: ServerResponse): void {
  const { headers, socket } = res.req;
  if (headers['transfer-encoding'] === undefined && !(Number(headers['content-length']) > 0)) {
    return;
  }
  const { writeHead } = res;
  res.writeHead = (...head: unknown[]) => {
    if (!res.req.complete) {
      ending.add(socket);
      res.shouldKeepAlive = false;
      // Node would destroy the socket at once. With unread data, the system would reset the connection and lose the answer.
      socket.destroySoon = () => socket.end();
    }
    return Reflect.apply(writeHead, res, head);
  };
}

/**
 * Gives the HTTP parser a socket's data in slices, and none while a request waits.
 *
 * Left alone, Node parses all that has arrived, up to 64 kB and some 2,000 requests, and reads on meanwhile.
 *
 * @returns a function to call when no request waits any more
 */
function readInSlices(
  socket: Socket,
  connection: Pick<Connection, 'isOver' | 'waiting'>,
  {
    sliceBytes,
    unreadBytes,
    schedule,
  }: Pick<RequestQueueLimits, 'sliceBytes' | 'unreadBytes'> & { schedule: (step: () => void) => void },
): () => void {
  const push = socket.push.bind(socket);
  const read = socket._read.bind(socket);
  let unread: Buffer = Buffer.alloc(0);
  let isEnded = false;
  let isScheduled = false;
  let wantedBytes: number | undefined;

  function mayParse(): boolean {
    return !connection.isOver && connection.waiting.length === 0;
  }

  function parse(): void {
    if (unread.length > 0) {
      if (mayParse() && !socket.destroyed && !isScheduled) {
        isScheduled = true;
        schedule(parseSlice);
      }
      return;
    }
    socket._read = read;
    if (isEnded) {
      isEnded = false;
      push(null);
    } else if (wantedBytes !== undefined) {
      const bytes = wantedBytes;
      wantedBytes = undefined;
      read(bytes);
    }
  }

  function parseSlice(): void {
    isScheduled = false;
    if (mayParse() && !socket.destroyed) {
      const slice = unread.subarray(0, sliceBytes);
      unread = unread.subarray(sliceBytes);
      push(slice);
    }
    parse();
  }

  /** Replaces `_read` while there is unread data. */
  function postponeRead(bytes: number): void {
    wantedBytes = bytes;
  }

  socket.push = (data: Buffer | null) => {
    // The usual case: a webhook in one piece, with nothing before it.
    if (unread.length === 0 && (data === null || (data.length <= sliceBytes && mayParse()))) {
      return push(data);
    }
    if (data === null) {
      isEnded = true;
    } else {
      unread = unread.length === 0 ? data : Buffer.concat([unread, data]);
      socket._read = postponeRead;
      parse();
    }
    if (unread.length > unreadBytes) {
      socket.destroy();
    }
    return unread.length === 0;
  };
  // After the first `data` listener, Node's parser gets the data through `push`, no longer directly from the handle.
  socket.on('data', parse).off('data', parse);
  return parse;
}
