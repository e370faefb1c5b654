/** Values that wait to be written, by key: each key is retried on its own, so that one that fails delays no other. */
export interface RetryQueue<K, V> {
  readonly size: number;
  /** Adds a value to a key, in place of one with the same name there. It is tried after a while. */
  enqueue(key: K, name: string, value: V): void;
  get(key: K, name: string): V | undefined;
  valuesOf(key: K): V[];
  keys(): K[];
  /**
   * Goes on for `timeoutMs`, then gives up what is left, and whatever is put here later.
   *
   * @returns whether nothing was lost
   */
  close(timeoutMs: number): Promise<boolean>;
}

export interface RetryQueueOptions<K, V> {
  /** Writes what waits for a key; it must do no harm when it is done twice. */
  write: (key: K, values: V[]) => Promise<void>;
  /**
   * Told of each value that is given up: those of the oldest key when there are too many, or all that is left at the
   * end.
   */
  onLost: (key: K, value: V) => void;
  maxValues: number;
  /** Milliseconds until a key is tried; twice as long each further time, up to {@link MAX_RETRY_MS}. */
  retryMs: number;
}

const MAX_RETRY_MS = 5_000;

/** How many keys are written at once, so that a store that is back can serve others. */
const CONCURRENCY = 8;

interface Waiting<V> {
  values: Map<string, V>;
  failures: number;
  /** By `performance.now()`. */
  dueAt: number;
  isUnderWay: boolean;
}

export function createRetryQueue<K, V>(options: RetryQueueOptions<K, V>): RetryQueue<K, V> {
  const { write, onLost, maxValues, retryMs } = options;
  /** The oldest first. */
  const waiting = new Map<K, Waiting<V>>();
  /** Keys whose turn has come; the last is next. */
  let due: K[] = [];
  let size = 0;
  let writers = 0;
  let state: 'open' | 'closing' | 'closed' = 'open';
  let onEmpty = () => {};
  const timer = setInterval(startDue, retryMs).unref();

  function startDue(): void {
    const now = performance.now();
    due = [...waiting]
      .filter(([, { isUnderWay, dueAt }]) => !isUnderWay && (state === 'closing' || dueAt <= now))
      .reverse()
      // Keys that fail may take long to do so, and must not keep others waiting.
      .sort(([, one], [, other]) => other.failures - one.failures)
      .map(([key]) => key);
    for (let free = CONCURRENCY - writers; free > 0; free--) {
      void writeDue();
    }
  }

  async function writeDue(): Promise<void> {
    writers++;
    for (let key = due.pop(); key !== undefined; key = due.pop()) {
      const entry = waiting.get(key);
      if (entry !== undefined) {
        await tryKey(key, entry);
      }
    }
    writers--;
  }

  async function tryKey(key: K, entry: Waiting<V>): Promise<void> {
    const tried = [...entry.values];
    entry.isUnderWay = true;
    try {
      await write(
        key,
        tried.map(([, value]) => value),
      );
      entry.failures = 0;
      for (const [name, value] of tried) {
        // A later one may have taken its place.
        if (entry.values.get(name) === value) {
          drop(key, entry, name);
        }
      }
    } catch {
      entry.failures++;
      entry.dueAt = performance.now() + Math.min(retryMs * 2 ** entry.failures, MAX_RETRY_MS);
    }
    entry.isUnderWay = false;
    if (size === 0) {
      onEmpty();
    }
  }

  function drop(key: K, { values }: Waiting<V>, name: string): void {
    values.delete(name);
    size--;
    if (values.size === 0) {
      waiting.delete(key);
    }
  }

  /** Gives up the oldest value, if possible one that is not being written. */
  function giveUpOldest(): void {
    let [oldest] = waiting;
    for (const each of waiting) {
      if (!each[1].isUnderWay) {
        oldest = each;
        break;
      }
    }
    const [key, entry] = oldest ?? [];
    const [value] = entry?.values ?? [];
    if (key !== undefined && entry !== undefined && value !== undefined) {
      drop(key, entry, value[0]);
      onLost(key, value[1]);
    }
  }

  return {
    get size() {
      return size;
    },

    enqueue(key, name, value) {
      if (state === 'closed') {
        onLost(key, value);
        return;
      }
      const entry = waiting.get(key) ?? {
        values: new Map<string, V>(),
        failures: 0,
        dueAt: performance.now() + retryMs,
        isUnderWay: false,
      };
      waiting.set(key, entry);
      size += entry.values.delete(name) ? 0 : 1;
      entry.values.set(name, value);
      if (size > maxValues) {
        giveUpOldest();
      }
    },

    get: (key, name) => waiting.get(key)?.values.get(name),
    valuesOf: (key) => [...(waiting.get(key)?.values.values() ?? [])],
    keys: () => [...waiting.keys()],

    close: (timeoutMs) =>
      new Promise((resolve) => {
        const finish = () => {
          clearInterval(timer);
          clearTimeout(deadline);
          state = 'closed';
          const isEmpty = size === 0;
          while (size > 0) {
            giveUpOldest();
          }
          resolve(isEmpty);
        };
        const deadline = setTimeout(finish, timeoutMs);
        if (size === 0) {
          finish();
          return;
        }
        state = 'closing';
        onEmpty = finish;
        startDue();
      }),
  };
}
