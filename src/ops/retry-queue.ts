/** Values waiting to be written, by key. Each key is retried on its own, so a failing key delays no other. */
export interface RetryQueue<K, V> {
  readonly size: number;
  /** Adds a value to a key, replacing one with the same name there. It is written after `retryMs`. */
  enqueue(key: K, name: string, value: V): void;
  get(key: K, name: string): V | undefined;
  valuesOf(key: K): V[];
  /** The keys with values that are not written yet. */
  readonly pending: ReadonlyMap<K, unknown>;
  /**
   * Keeps writing for `timeoutMs`, then gives up the remaining values and any that are added later.
   *
   * @returns false if a value was lost
   */
  close(timeoutMs: number): Promise<boolean>;
}

export interface RetryQueueOptions<K, V> {
  /** Writes a key's values. Must be idempotent; a rejection is retried. */
  write: (key: K, values: V[]) => Promise<void>;
  /** Called when every value of a key has been written. */
  onDone?: (key: K) => void;
  /** Called for each value that is given up: the oldest when there are too many, or what remains at the end. */
  onLost: (key: K, value: V) => void;
  maxValues: number;
  /** Milliseconds until a key is written; doubles after each failure, up to {@link MAX_RETRY_MS}. */
  retryMs: number;
}

const MAX_RETRY_MS = 5_000;

/** How many keys are written at once. Limited, so that a store that is back can also serve calls. */
const CONCURRENCY = 8;

interface Entry<V> {
  values: Map<string, V>;
  failures: number;
  /** In the time of `performance.now()`. */
  dueAt: number;
  isWriting: boolean;
}

export function createRetryQueue<K, V>(options: RetryQueueOptions<K, V>): RetryQueue<K, V> {
  const { write, onDone, onLost, maxValues, retryMs } = options;
  /** Oldest first. */
  const pending = new Map<K, Entry<V>>();
  /** Keys to be written now; the last comes next. */
  let due: K[] = [];
  let size = 0;
  let writers = 0;
  let state: 'open' | 'closing' | 'closed' = 'open';
  let onEmpty = () => {};
  const timer = setInterval(startDue, retryMs).unref();

  function startDue(): void {
    const now = performance.now();
    due = [...pending]
      .filter(([, { isWriting, dueAt }]) => !isWriting && (state === 'closing' || dueAt <= now))
      .reverse()
      // Keys that failed come last: they may time out again, and must not hold up others.
      .sort(([, one], [, other]) => other.failures - one.failures)
      .map(([key]) => key);
    for (let free = CONCURRENCY - writers; free > 0; free--) {
      void writeDue();
    }
  }

  async function writeDue(): Promise<void> {
    writers++;
    for (let key = due.pop(); key !== undefined; key = due.pop()) {
      const entry = pending.get(key);
      if (entry !== undefined) {
        await tryKey(key, entry);
      }
    }
    writers--;
  }

  async function tryKey(key: K, entry: Entry<V>): Promise<void> {
    const tried = [...entry.values];
    entry.isWriting = true;
    try {
      await write(
        key,
        tried.map(([, value]) => value),
      );
      entry.failures = 0;
      for (const [name, value] of tried) {
        // A later value may have replaced it.
        if (entry.values.get(name) === value) {
          drop(key, entry, name);
        }
      }
    } catch {
      entry.failures++;
      entry.dueAt = performance.now() + Math.min(retryMs * 2 ** entry.failures, MAX_RETRY_MS);
    }
    entry.isWriting = false;
    if (!pending.has(key)) {
      onDone?.(key);
    }
    if (size === 0) {
      onEmpty();
    }
  }

  function drop(key: K, { values }: Entry<V>, name: string): void {
    values.delete(name);
    size--;
    if (values.size === 0) {
      pending.delete(key);
    }
  }

  /** Gives up the oldest value, preferably one that is not being written. */
  function giveUpOldest(): void {
    let [oldest] = pending;
    for (const each of pending) {
      if (!each[1].isWriting) {
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
      const entry = pending.get(key) ?? {
        values: new Map<string, V>(),
        failures: 0,
        dueAt: performance.now() + retryMs,
        isWriting: false,
      };
      pending.set(key, entry);
      size += entry.values.delete(name) ? 0 : 1;
      entry.values.set(name, value);
      if (size > maxValues) {
        giveUpOldest();
      }
    },

    get: (key, name) => pending.get(key)?.values.get(name),
    valuesOf: (key) => [...(pending.get(key)?.values.values() ?? [])],
    pending,

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
