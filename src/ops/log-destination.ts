import { constants, fstatSync, openSync, write } from 'node:fs';

/** A destination for log lines that never blocks or throws, whatever happens to the file, pipe or terminal. */
export interface LogDestination {
  /** Buffers a line. When the buffer is full, drops and counts it. */
  write(line: string): void;
  /** How many lines have been dropped so far, those not yet reported included. */
  droppedLines(): number;
  /**
   * Writes what is buffered, for at most `timeoutMs` or until the first error, and discards the rest and all later
   * lines. Further calls wait for the first.
   */
  close(timeoutMs: number): Promise<void>;
}

export interface LogDestinationOptions {
  /** A descriptor opened by {@link openNonBlocking}. */
  fd: number;
  /** Called with the number of dropped lines once the descriptor accepts data again. */
  onLoss: (lines: number) => void;
}

/** The size of the buffer, in characters. */
const MAX_BUFFERED = 1_048_576;
/** Lines of this many milliseconds are written together. */
const BATCH_MS = 10;
const RETRY_MS = 100;

/** Creates a destination that writes to a file descriptor. */
export function createLogDestination({ fd, onLoss }: LogDestinationOptions): LogDestination {
  let buffered = '';
  let chunk = Buffer.alloc(0);
  /** Since the last report, and before it. */
  let dropped = 0;
  let reported = 0;
  let isWriting = false;
  let timer: NodeJS.Timeout | undefined;
  let onClosed: (() => void) | undefined;
  let closed: Promise<void> | undefined;
  /** Then nothing more is written: the descriptor may be closed and its number reused. */
  let isOver = false;

  function hasRoom(): boolean {
    return chunk.length + buffered.length < MAX_BUFFERED;
  }

  function schedule(delayMs: number): void {
    timer ??= setTimeout(flush, delayMs).unref();
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (isWriting || isOver) {
      return;
    }
    if (chunk.length === 0) {
      chunk = Buffer.from(buffered);
      buffered = '';
    }
    if (chunk.length === 0) {
      onClosed?.();
      return;
    }
    isWriting = true;
    write(fd, chunk, onWritten);
  }

  function onWritten(error: NodeJS.ErrnoException | null, bytes: number): void {
    isWriting = false;
    if (error !== null) {
      if (error.code !== 'EAGAIN') {
        onClosed?.();
      }
      schedule(RETRY_MS);
      return;
    }
    chunk = chunk.subarray(bytes);
    if (dropped > 0 && hasRoom()) {
      const lines = dropped;
      dropped = 0;
      reported += lines;
      onLoss(lines);
    }
    if (chunk.length > 0 || onClosed !== undefined) {
      flush();
    } else if (buffered !== '') {
      schedule(BATCH_MS);
    }
  }

  return {
    write(line) {
      if (!hasRoom()) {
        dropped++;
        return;
      }
      buffered += line;
      schedule(BATCH_MS);
    },

    droppedLines: () => reported + dropped,

    close(timeoutMs) {
      closed ??= new Promise((resolve) => {
        const finish = () => {
          isOver = true;
          clearTimeout(deadline);
          clearTimeout(timer);
          resolve();
        };
        const deadline = setTimeout(finish, timeoutMs);
        onClosed = finish;
        flush();
      });
      return closed;
    },
  };
}

/**
 * Opens a standard stream for non-blocking writes: a full pipe returns EAGAIN.
 *
 * @param fd 1 or 2
 */
export function openNonBlocking(fd: 1 | 2): number {
  if (fstatSync(fd).isFile()) {
    // Writing to a file waits for no reader, and opening it again would lose the position shared with other programs.
    return fd;
  }
  try {
    // Opened again, so that other programs that share the stream keep their own mode.
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
  } catch {
    // A socket, as under systemd, cannot be opened again, but Node makes its own stream non-blocking on first use.
    void [process.stdout, process.stderr][fd - 1];
    return fd;
  }
}
