import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
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

type PendingRequest = [req: IncomingMessage, res: ServerResponse];

interface Connection {
  /** Parsed requests that wait for the one in progress; undefined while there is none. */
  waiting: PendingRequest[] | undefined;
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
    if (stepsThisTurn < limits.stepsPerTurn && ready.length === 0) {
      take(step);
    } else {
      ready.push(step);
    }
  }

  function take(step: () => void): void {
    stepsThisTurn++;
    if (stepsThisTurn === 1) {
      setImmediate(nextTurn);
    }
    step();
  }

  function nextTurn(): void {
    stepsThisTurn = 0;
    ready.splice(0, limits.stepsPerTurn).forEach(take);
  }

  return {
    track(socket) {
      const connection: Connection = { waiting: undefined, isOver: false, read: () => {}, idleTimer: undefined };
      connections.set(socket, connection);
      connection.read = readInSlices(socket, {
        ...limits,
        mayParse: () => !connection.isOver && (connection.waiting?.length ?? 0) === 0,
        schedule,
      });
      socket.once('close', () => clearTimeout(connection.idleTimer));
    },

    wrap(listener) {
      function start(connection: Connection, [req, res]: PendingRequest): void {
        if (req.socket.destroyed) {
          return;
        }
        // Of a cut-off request that asks for an upgrade, Node does not notice the end.
        const endIfCut = () => void (req.complete || req.socket.destroy());
        if (req.socket.readableEnded) {
          endIfCut();
        }
        req.socket.once('end', endIfCut);
        res.once('close', () => {
          req.socket.off('end', endIfCut);
          if (req.complete) {
            finish(connection, req.socket);
          } else {
            connection.isOver = true;
            req.socket.end();
            destroySoon(req.socket);
          }
        });
        listener(req, res);
      }

      function finish(connection: Connection, socket: Socket): void {
        const next = connection.waiting?.shift();
        if (socket.destroyed) {
          return;
        }
        if (next === undefined) {
          connection.waiting = undefined;
          connection.idleTimer = setTimeout(() => socket.destroy(), limits.idleMs).unref();
          return;
        }
        schedule(() => start(connection, next));
        if (connection.waiting?.length === 0) {
          connection.read();
        }
      }

      return (req, res) => {
        const connection = connections.get(req.socket);
        if (connection === undefined) {
          // Refused already.
          return;
        }
        if (connection.waiting !== undefined) {
          connection.waiting.push([req, res]);
          return;
        }
        connection.waiting = [];
        clearTimeout(connection.idleTimer);
        schedule(() => start(connection, [req, res]));
      };
    },
  };
}

/**
 * Lets the HTTP parser have a socket's data in slices, as long as `mayParse`; the rest stays unread.
 *
 * Node parses all that arrived at once, 64 kB and some 2,000 requests, and goes on reading whatever the listener does.
 *
 * @returns call it when `mayParse` has become true again
 */
function readInSlices(
  socket: Socket,
  {
    sliceBytes,
    unreadBytes,
    mayParse,
    schedule,
  }: Pick<RequestQueueLimits, 'sliceBytes' | 'unreadBytes'> & {
    mayParse: () => boolean;
    schedule: (step: () => void) => void;
  },
): () => void {
  const push = socket.push.bind(socket);
  const read = socket._read.bind(socket);
  let unread: Buffer = Buffer.alloc(0);
  let isEnded = false;
  let isScheduled = false;
  let wantedBytes: number | undefined;

  function parse(): void {
    if (unread.length > 0) {
      if (mayParse() && !isScheduled) {
        isScheduled = true;
        schedule(parseSlice);
      }
      return;
    }
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

  socket.push = (data: Buffer | null) => {
    if (unread.length === 0 && (data === null || (data.length <= sliceBytes && mayParse()))) {
      return push(data);
    }
    if (data === null) {
      isEnded = true;
    } else {
      unread = unread.length === 0 ? data : Buffer.concat([unread, data]);
      parse();
    }
    if (unread.length > unreadBytes) {
      socket.destroy();
    }
    return unread.length === 0;
  };
  socket._read = (bytes) => {
    if (unread.length === 0) {
      read(bytes);
    } else {
      wantedBytes = bytes;
    }
  };
  // With a listener for it, Node's parser takes the data from here and no longer from beneath the socket.
  socket.on('data', () => {});
  return parse;
}
