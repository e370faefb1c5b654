import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { destroySoon } from './linger';

/** Limits that keep clients from delaying each other. */
export interface RequestQueueLimits {
  /** The most that is parsed at once: most of a webhook, or a few dozen of the shortest requests. */
  sliceBytes: number;
  /** The most that may wait unparsed. Node reads 64 kB at a time, and now and then without being asked to. */
  unreadBytes: number;
  /**
   * How many steps happen in one turn of the event loop: a request begun, or a slice parsed. Node accepts one connection
   * a turn, so turns must be short for new calls to get through.
   */
  stepsPerTurn: number;
  /** Ends an idle connection. Node's own limit restarts with every line break it receives. */
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
  /** Whether a request was answered before it was complete: the rest is not wanted. */
  isOver: boolean;
  /** Goes on parsing. */
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
 * Keeps clients that pipeline or flood from delaying the others: a connection has one request in progress, and whatever
 * follows waits as unparsed bytes, which cost next to nothing. Requests that are ready to start share one first-in,
 * first-out queue.
 */
export function createRequestQueue(limits: RequestQueueLimits = LIMITS): RequestQueue {
  const connections = new WeakMap<Socket, Connection>();
  const ready: (() => void)[] = [];
  let stepsThisTurn = 0;

  /** Takes a step in this turn of the event loop if there is room, or else in one of the next. */
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

  /** A request was answered: the next one of its connection starts, or else the connection is idle. */
  function finish(connection: Connection, { complete, socket }: IncomingMessage): void {
    connection.current = undefined;
    if (!complete) {
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
      // Of a cut-off request that asks for an upgrade, Node does not notice the end.
      socket.once('end', () => connection.current?.complete === false && socket.destroy());
      socket.once('close', () => clearTimeout(connection.idleTimer));
    },

    wrap: (listener) => (req, res) => {
      const { socket } = req;
      const connection = connections.get(socket);
      if (connection === undefined) {
        // Refused already.
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

/**
 * Lets the HTTP parser have a socket's data in slices, as long as no request waits; the rest stays unread.
 *
 * Node parses all that arrived at once, 64 kB and some 2,000 requests, and goes on reading whatever the listener does.
 *
 * @returns call it when no request waits any more
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

  /** Takes the place of `_read` while there is unread data. */
  function postponeRead(bytes: number): void {
    wantedBytes = bytes;
  }

  socket.push = (data: Buffer | null) => {
    // The usual case: a webhook in one piece, and nothing before it.
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
  // Once it had such a listener, Node's parser takes the data from here and no longer from beneath the socket.
  socket.on('data', parse).off('data', parse);
  return parse;
}
