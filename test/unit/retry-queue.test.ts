import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createRetryQueue } from '../../src/ops/retry-queue';

const RETRY_MS = 500;
/** Longer than any pause between two attempts. */
const LONG_MS = 60_000;

interface Attempt {
  key: string;
  values: string[];
  finish(): void;
  fail(): void;
}

/** A queue to a store that can be down, down for some keys, or slow; with all that was tried, written and lost. */
function create({ maxValues = 1_000 }: { maxValues?: number } = {}) {
  const attempts: Attempt[] = [];
  const written: string[] = [];
  const lost: string[] = [];
  const state = { isDown: false, failing: new Set<string>(), slow: new Set<string>() };
  const queue = createRetryQueue<string, string>({
    retryMs: RETRY_MS,
    maxValues,
    write: (key, values) => {
      let end = { finish: () => {}, fail: () => {} };
      const ended = new Promise<void>((resolve, reject) => {
        end = { finish: resolve, fail: () => reject(new Error('down')) };
      }).then(() => void written.push(...values));
      attempts.push({ key, values, ...end });
      if (!state.slow.has(key)) {
        if (state.isDown || state.failing.has(key)) {
          end.fail();
        } else {
          end.finish();
        }
      }
      return ended;
    },
    onLost: (key, value) => lost.push(`${key} ${value}`),
  });
  const keysTried = () => attempts.map(({ key }) => key);
  /** Puts one value to each key, both of this name. */
  const putAt = (...keys: string[]) => {
    for (const key of keys) {
      queue.enqueue(key, 'name', key);
    }
  };
  return { queue, attempts, written, lost, state, keysTried, putAt };
}

const wait = (ms: number) => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('createRetryQueue', () => {
  it('writes a value once, after a while, and keeps it until then', async () => {
    const { queue, attempts, written, lost } = create();
    queue.enqueue('a', 'one', '1');
    expect(queue.valuesOf('a')).toEqual(['1']);
    expect([...queue.pending.keys()]).toEqual(['a']);
    expect(queue.size).toBe(1);
    await wait(RETRY_MS - 1);
    expect(attempts).toEqual([]);
    await wait(1);
    expect(written).toEqual(['1']);
    expect(queue.valuesOf('a')).toEqual([]);
    expect([...queue.pending.keys()]).toEqual([]);
    expect(queue.size).toBe(0);
    await wait(LONG_MS);
    expect(attempts).toHaveLength(1);
    expect(lost).toEqual([]);
  });

  it('writes the values of a key together, in the order of arrival', async () => {
    const { queue, attempts } = create();
    for (const value of ['1', '2', '3']) {
      queue.enqueue('a', value, value);
    }
    queue.enqueue('b', '4', '4');
    await wait(RETRY_MS);
    expect(attempts).toMatchObject([
      { key: 'a', values: ['1', '2', '3'] },
      { key: 'b', values: ['4'] },
    ]);
  });

  it('replaces a value of the same name, as the latest of its key', async () => {
    const { queue, attempts } = create();
    queue.enqueue('a', 'one', 'old');
    queue.enqueue('a', 'two', '2');
    queue.enqueue('a', 'one', 'new');
    queue.enqueue('b', 'one', 'of b');
    expect(queue.size).toBe(3);
    expect(queue.valuesOf('a')).toEqual(['2', 'new']);
    await wait(RETRY_MS);
    expect(attempts.map(({ values }) => values)).toEqual([['2', 'new'], ['of b']]);
  });

  it('retries until it succeeds, and keeps the order', async () => {
    const { queue, attempts, written, state } = create();
    state.isDown = true;
    queue.enqueue('a', 'one', '1');
    await wait(RETRY_MS);
    queue.enqueue('a', 'two', '2');
    await wait(10 * LONG_MS);
    expect(attempts.length).toBeGreaterThan(100);
    expect(queue.valuesOf('a')).toEqual(['1', '2']);
    state.isDown = false;
    await wait(LONG_MS);
    expect(written).toEqual(['1', '2']);
    const { length } = attempts;
    await wait(LONG_MS);
    expect(attempts).toHaveLength(length);
  });

  it('waits longer after each failure, but never longer than 5.5 s', async () => {
    const { putAt, attempts, state } = create();
    state.isDown = true;
    putAt('a');
    const times: number[] = [];
    for (let ms = 0; ms < 30_000; ms += 100) {
      await wait(100);
      while (times.length < attempts.length) {
        times.push(ms + 100);
      }
    }
    expect(times.slice(0, 5)).toEqual([500, 1_500, 3_500, 7_500, 12_500]);
    for (const [index, time] of times.entries()) {
      expect(time - (times[index - 1] ?? 0)).toBeLessThanOrEqual(5_500);
    }
  });

  it('starts with short pauses again after a success', async () => {
    const { queue, attempts, state } = create();
    state.isDown = true;
    queue.enqueue('a', 'one', '1');
    await wait(20_000);
    state.isDown = false;
    state.slow.add('a');
    const { length } = attempts;
    while (attempts.length === length) {
      await wait(RETRY_MS);
    }
    queue.enqueue('a', 'two', '2');
    state.slow.clear();
    state.isDown = true;
    attempts.at(-1)?.finish();
    await wait(RETRY_MS);
    expect(attempts.at(-1)).toMatchObject({ values: ['2'] });
    state.isDown = false;
    await wait(2 * RETRY_MS);
    expect(queue.size).toBe(0);
  });

  it('treats a write that throws synchronously as failed', async () => {
    const write = jest.fn(async () => {});
    write.mockImplementationOnce(() => {
      throw new Error('down');
    });
    const queue = createRetryQueue<string, string>({ retryMs: RETRY_MS, maxValues: 10, write, onLost: () => {} });
    queue.enqueue('a', 'one', '1');
    await wait(LONG_MS);
    expect(write).toHaveBeenCalledTimes(2);
    expect(queue.size).toBe(0);
  });

  it.each([
    ['succeeds', (attempt: Attempt | undefined) => attempt?.finish()],
    ['fails', (attempt: Attempt | undefined) => attempt?.fail()],
  ])('loses nothing that arrives while its key is being written, when that %s', async (_how, end) => {
    const { queue, attempts, written, state } = create();
    queue.enqueue('a', 'one', 'old');
    queue.enqueue('a', 'two', '2');
    state.slow.add('a');
    await wait(RETRY_MS);
    queue.enqueue('a', 'one', 'new');
    queue.enqueue('a', 'three', '3');
    await wait(LONG_MS);
    expect(attempts).toHaveLength(1);
    state.slow.clear();
    end(attempts[0]);
    await wait(LONG_MS);
    expect(written.slice(-2)).toEqual(['new', '3']);
    expect(written).toContain('2');
    expect(queue.size).toBe(0);
  });

  describe('with several keys', () => {
    it('writes other keys while one is slow', async () => {
      const { putAt, attempts, written, state } = create();
      state.slow.add('slow');
      putAt('slow', 'b', 'c');
      await wait(RETRY_MS);
      expect(written).toEqual(['b', 'c']);
      putAt('d');
      await wait(RETRY_MS);
      expect(written).toEqual(['b', 'c', 'd']);
      attempts[0]?.finish();
      await wait(0);
      expect(written).toEqual(['b', 'c', 'd', 'slow']);
    });

    it('writes other keys at once while one always fails', async () => {
      const { putAt, written, state, queue } = create();
      state.failing.add('bad');
      putAt('bad');
      await wait(LONG_MS);
      for (const key of ['b', 'c', 'd', 'e']) {
        putAt(key);
        await wait(RETRY_MS);
        expect(written.at(-1)).toBe(key);
      }
      expect([...queue.pending.keys()]).toEqual(['bad']);
      state.failing.clear();
      await wait(LONG_MS);
      expect(written.filter((value) => value === 'bad')).toHaveLength(1);
    });

    it('delays no key by more than one attempt of many slowly failing keys', async () => {
      const { putAt, written, attempts, state } = create();
      const bad = Array.from({ length: 200 }, (_, index) => `bad ${index}`);
      state.slow = new Set(bad);
      const fail = () => {
        for (const attempt of attempts.splice(0)) {
          attempt.fail();
        }
      };
      putAt(...bad);
      for (let second = 0; second < 60; second++) {
        await wait(1_000);
        fail();
      }
      putAt('good');
      await wait(1_000);
      fail();
      await wait(0);
      expect(written).toEqual(['good']);
    });

    it('writes at most 8 keys at once', async () => {
      const { putAt, attempts, state, written, keysTried } = create();
      const keys = Array.from({ length: 20 }, (_, index) => String(index));
      state.slow = new Set(keys);
      putAt(...keys);
      await wait(LONG_MS);
      expect(keysTried()).toEqual(keys.slice(0, 8));
      attempts[3]?.finish();
      await wait(0);
      expect(keysTried()).toEqual(keys.slice(0, 9));
      state.slow.clear();
      for (const attempt of attempts) {
        attempt.finish();
      }
      await wait(RETRY_MS);
      expect([...written].sort()).toEqual([...keys].sort());
      expect(keysTried()).toEqual(keys);
    });
  });

  describe('with too many values', () => {
    it('gives up the oldest, and reports it', async () => {
      const { putAt, lost, written } = create({ maxValues: 2 });
      putAt('a', 'b');
      expect(lost).toEqual([]);
      putAt('c', 'd');
      expect(lost).toEqual(['a a', 'b b']);
      await wait(RETRY_MS);
      expect(written).toEqual(['c', 'd']);
    });

    it('gives up a value that failed and waits for a retry', async () => {
      const { putAt, lost, written, state } = create({ maxValues: 1 });
      state.isDown = true;
      putAt('a');
      await wait(RETRY_MS);
      putAt('b');
      expect(lost).toEqual(['a a']);
      state.isDown = false;
      await wait(LONG_MS);
      expect(written).toEqual(['b']);
    });

    it('gives up nothing when a value replaces another', () => {
      const { queue, lost } = create({ maxValues: 2 });
      queue.enqueue('a', 'one', '1');
      queue.enqueue('a', 'two', '2');
      for (let index = 0; index < 100; index++) {
        queue.enqueue('a', 'one', String(index));
      }
      expect(lost).toEqual([]);
      expect(queue.valuesOf('a')).toEqual(['2', '99']);
    });

    it('prefers to give up a value that is not being written', async () => {
      const { putAt, attempts, lost, written, state } = create({ maxValues: 2 });
      state.slow.add('under way');
      putAt('under way', 'a');
      state.isDown = true;
      await wait(RETRY_MS);
      putAt('b', 'c');
      expect(lost).toEqual(['a a', 'b b']);
      attempts[0]?.finish();
      await wait(0);
      expect(written).toEqual(['under way']);
    });

    it('never holds more, however long the store is down', async () => {
      const { queue, putAt, lost, state } = create({ maxValues: 5 });
      state.isDown = true;
      for (let round = 0; round < 20; round++) {
        putAt(...Array.from({ length: 30 }, (_, index) => `${round}/${index}`));
        await wait(RETRY_MS);
        expect(queue.size).toBe(5);
      }
      expect(lost).toHaveLength(595);
    });
  });

  describe('when it closes', () => {
    it('closes at once when nothing is pending', async () => {
      const { queue, lost } = create();
      expect(await queue.close(60_000)).toBe(true);
      expect(lost).toEqual([]);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('writes all pending values at once, due or not', async () => {
      const { queue, putAt, written, lost, state } = create();
      state.isDown = true;
      putAt('a');
      await wait(LONG_MS);
      state.isDown = false;
      putAt('b', 'c');
      expect(await queue.close(0)).toBe(true);
      expect([...written].sort()).toEqual(['a', 'b', 'c']);
      expect(lost).toEqual([]);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('keeps retrying at short intervals while there is time, and loses nothing', async () => {
      const { queue, putAt, written, lost, state } = create();
      state.isDown = true;
      putAt('a', 'b');
      await wait(LONG_MS);
      const closed = queue.close(4 * RETRY_MS);
      await wait(2 * RETRY_MS);
      state.isDown = false;
      await wait(RETRY_MS);
      expect(await closed).toBe(true);
      expect(written).toEqual(['a', 'b']);
      expect(lost).toEqual([]);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('writes values that arrive while it closes', async () => {
      const { queue, putAt, attempts, written, lost, state } = create();
      state.slow.add('slow');
      putAt('slow');
      const closed = queue.close(60_000);
      putAt('late');
      attempts[0]?.finish();
      await wait(RETRY_MS);
      expect(await closed).toBe(true);
      expect(written).toEqual(['slow', 'late']);
      expect(lost).toEqual([]);
    });

    it('stops at its deadline, and reports each lost value', async () => {
      const { queue, putAt, attempts, lost, written, state } = create();
      state.isDown = true;
      putAt('a', 'b', 'c');
      const onClosed = jest.fn();
      const closed = queue.close(2_250).finally(onClosed);
      await wait(2_249);
      expect(onClosed).not.toHaveBeenCalled();
      expect(lost).toEqual([]);
      await wait(1);
      expect(await closed).toBe(false);
      expect(lost).toEqual(['a a', 'b b', 'c c']);
      expect(jest.getTimerCount()).toBe(0);
      const { length } = attempts;
      state.isDown = false;
      await wait(LONG_MS);
      expect(attempts).toHaveLength(length);
      expect(written).toEqual([]);
    });

    it.each([
      ['succeeds', (attempt: Attempt) => attempt.finish()],
      ['fails', (attempt: Attempt) => attempt.fail()],
    ])('does not wait for a hanging write, and starts no other when that %s later', async (_how, end) => {
      const { queue, putAt, attempts, lost, state } = create();
      const keys = Array.from({ length: 12 }, (_, index) => `key ${index}`);
      state.slow = new Set(keys);
      putAt(...keys);
      const closed = queue.close(1_000);
      await wait(1_000);
      expect(await closed).toBe(false);
      expect(lost).toHaveLength(12);
      for (const attempt of [...attempts]) {
        end(attempt);
      }
      await wait(LONG_MS);
      expect(attempts).toHaveLength(8);
      expect(lost).toHaveLength(12);
    });

    it('reports a value that arrives after it closed as lost', async () => {
      const { queue, putAt, attempts, lost } = create();
      await queue.close(0);
      putAt('late');
      await wait(LONG_MS);
      expect(attempts).toEqual([]);
      expect(lost).toEqual(['late late']);
    });
  });
});
