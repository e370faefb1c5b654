import { constants, fstatSync, openSync, write } from 'node:fs';

/** Where log lines go. It never blocks or throws, whatever happens to the file, pipe or terminal behind it. */
export interface LogDestination {
  /** Takes a line. A line that finds the buffer full is dropped and counted. */
  write(line: string): void;
  /**
   * Writes what is buffered, for `timeoutMs` at most; a descriptor that reports an error is not tried again. Call it
   * last: the rest is discarded. Later calls wait for the first.
   */
  close(timeoutMs: number): Promise<void>;
}

export interface LogDestinationOptions {
  /** A descriptor opened by {@link openNonBlocking}. */
  fd: number;
  /** Called with the number of dropped lines when the descriptor takes data again. */
  onLoss: (lines: number) => void;
}

/** The most that waits to be written, in characters. */
const MAX_BUFFERED = 1_048_576;
/** Lines of this time go out in one write. */
const BATCH_MS = 10;
const RETRY_MS = 100;

/** Creates a destination that writes to a descriptor. */
export function createLogDestination({ fd, onLoss }: LogDestinationOptions): LogDestination {
  let buffered = '';
  let chunk = Buffer.alloc(0);
  let dropped = 0;
  let isWriting = false;
  let timer: NodeJS.Timeout | undefined;
  let onClosed: (() => void) | undefined;
  let closed: Promise<void> | undefined;
  /** From here on nothing is written: the descriptor may be closed, and its number be another's. */
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
      onLoss(lines);
    }
    flush();
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
 * Opens a standard stream so that writing to it never blocks: a full pipe answers EAGAIN instead.
 *
 * @param fd 1 or 2
 */
export function openNonBlocking(fd: 1 | 2): number {
  if (fstatSync(fd).isFile()) {
    // Writing to a file does not wait for a reader, and the place in it is shared with other programs.
    return fd;
  }
  try {
    // Opened anew, so that other programs that share the stream keep theirs as it is.
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
  } catch {
    // A socket, as under systemd, cannot be opened; but Node makes those of its own streams non-blocking on first use.
    void [process.stdout, process.stderr][fd - 1];
    return fd;
  }
}
