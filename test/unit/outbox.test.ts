import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import { createOutbox, type OutboxOptions } from '../../src/ops/outbox';

const RETRY_MS = 500;
const LOST = 'Lost: the store did not take a record';
const RETRIED = 'The store did not take a record; it will be tried again';

interface Line {
  level: string;
  msg: string;
  what?: string;
  waiting?: number;
}

/** An outbox to a store that can be down, with what it wrote and what it logged. */
function create(options: Partial<OutboxOptions> = {}) {
  const lines: Line[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) });
  const outbox = createOutbox({ log, ...options });
  const state = { down: false, attempts: 0 };
  const done: string[] = [];

  function put(...names: string[]): void {
    for (const what of names) {
      const write = async () => {
        state.attempts++;
        if (state.down) {
          throw new Error('down');
        }
        done.push(what);
      };
      outbox.put(write, { what });
    }
  }

  /** Work that ends when the test says so. */
  function putSlow(what: string): { finish(): void; fail(): void } {
    const end = { finish: () => {}, fail: () => {} };
    const write = () =>
      new Promise<void>((resolve, reject) => {
        end.finish = () => {
          done.push(what);
          resolve();
        };
        end.fail = () => reject(new Error('down'));
      });
    outbox.put(write, { what });
    return { finish: () => end.finish(), fail: () => end.fail() };
  }

  const logged = (level: string) => lines.filter((line) => line.level === level);
  return { outbox, put, putSlow, state, done, lines, logged };
}

/** Lets what is ready happen, without time going by. */
const settle = () => jest.advanceTimersByTimeAsync(0);

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('createOutbox', () => {
  it('does work at once, in order, and says nothing of it', async () => {
    const { put, done, lines } = create();
    put('a', 'b', 'c');
    await settle();
    expect(done).toEqual(['a', 'b', 'c']);
    expect(lines).toEqual([]);
    put('d');
    await settle();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('lets work wait while other work is under way', async () => {
    const { put, putSlow, done } = create();
    const slow = putSlow('slow');
    put('next');
    await jest.advanceTimersByTimeAsync(60_000);
    expect(done).toEqual([]);
    slow.finish();
    await settle();
    expect(done).toEqual(['slow', 'next']);
  });

  it('tries again until it succeeds, as often as it was told, and keeps the order', async () => {
    const { put, state, done } = create({ retryMs: RETRY_MS });
    state.down = true;
    put('a', 'b');
    await settle();
    expect(state.attempts).toBe(1);
    put('c');
    await jest.advanceTimersByTimeAsync(RETRY_MS - 1);
    expect(state.attempts).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(state.attempts).toBe(2);
    await jest.advanceTimersByTimeAsync(98 * RETRY_MS);
    expect(state.attempts).toBe(100);
    state.down = false;
    await jest.advanceTimersByTimeAsync(RETRY_MS);
    expect(done).toEqual(['a', 'b', 'c']);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(state.attempts).toBe(103);
  });

  it('takes work that throws before it promises anything for work that failed', async () => {
    const { outbox, put, done } = create({ retryMs: RETRY_MS });
    const work = jest.fn(async () => {});
    work.mockImplementationOnce(() => {
      throw new Error('down');
    });
    outbox.put(work, {});
    put('next');
    await settle();
    expect(done).toEqual([]);
    await jest.advanceTimersByTimeAsync(RETRY_MS);
    expect(work).toHaveBeenCalledTimes(2);
    expect(done).toEqual(['next']);
  });

  it('warns once of an outage, not at every attempt, and again of the next', async () => {
    const { put, state, logged } = create({ retryMs: RETRY_MS });
    state.down = true;
    put('a', 'b');
    await jest.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(logged('warn')).toMatchObject([{ msg: RETRIED, waiting: 2 }]);
    state.down = false;
    await jest.advanceTimersByTimeAsync(RETRY_MS);
    state.down = true;
    put('c');
    await jest.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(logged('warn')).toMatchObject([{ waiting: 2 }, { msg: RETRIED, waiting: 1 }]);
  });

  it('warns of the next outage also when work was waiting all the time', async () => {
    const { put, putSlow, state, logged } = create({ retryMs: RETRY_MS });
    const first = putSlow('first');
    put('second');
    await settle();
    first.fail();
    await jest.advanceTimersByTimeAsync(RETRY_MS);
    state.down = true;
    first.finish();
    await jest.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(logged('warn')).toMatchObject([{ waiting: 2 }, { waiting: 1 }]);
  });

  describe('with more waiting than it may hold', () => {
    it('gives up the oldest, and says which', async () => {
      const { put, state, done, logged } = create({ retryMs: RETRY_MS, maxWaiting: 2 });
      state.down = true;
      put('a', 'b');
      expect(logged('error')).toEqual([]);
      put('c', 'd');
      expect(logged('error')).toMatchObject([
        { msg: LOST, what: 'a' },
        { msg: LOST, what: 'b' },
      ]);
      state.down = false;
      await jest.advanceTimersByTimeAsync(RETRY_MS);
      // The attempt that was under way failed; the one given up is not tried again.
      expect(done).toEqual(['c', 'd']);
    });

    it('does not take the next for done when the one under way, given up meanwhile, succeeds', async () => {
      const { put, putSlow, done } = create({ maxWaiting: 1 });
      const slow = putSlow('slow');
      put('next');
      slow.finish();
      await settle();
      expect(done).toEqual(['slow', 'next']);
    });
  });

  describe('when it closes', () => {
    it('has nothing to wait for when nothing waits', async () => {
      const { outbox, lines } = create();
      expect(await outbox.close(60_000)).toBe(true);
      expect(lines).toEqual([]);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('does what waits, though there is no time', async () => {
      const { outbox, put, done, logged } = create();
      put('a', 'b', 'c');
      expect(await outbox.close(0)).toBe(true);
      expect(done).toEqual(['a', 'b', 'c']);
      expect(logged('error')).toEqual([]);
    });

    it('goes on trying while there is time, and loses nothing', async () => {
      const { outbox, put, state, done, logged } = create({ retryMs: RETRY_MS });
      state.down = true;
      put('a', 'b');
      const closed = outbox.close(4 * RETRY_MS);
      await jest.advanceTimersByTimeAsync(3 * RETRY_MS - 1);
      expect(done).toEqual([]);
      state.down = false;
      await jest.advanceTimersByTimeAsync(1);
      expect(await closed).toBe(true);
      expect(done).toEqual(['a', 'b']);
      expect(logged('error')).toEqual([]);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('waits no longer than it may, says each that is lost, and tries no more', async () => {
      const { outbox, put, state, done, logged } = create({ retryMs: RETRY_MS });
      state.down = true;
      put('a', 'b', 'c');
      const onClosed = jest.fn();
      const closed = outbox.close(2_250).finally(onClosed);
      await jest.advanceTimersByTimeAsync(2_249);
      expect(onClosed).not.toHaveBeenCalled();
      expect(logged('error')).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      expect(await closed).toBe(false);
      expect(logged('error')).toMatchObject([
        { msg: LOST, what: 'a' },
        { msg: LOST, what: 'b' },
        { msg: LOST, what: 'c' },
      ]);
      expect(jest.getTimerCount()).toBe(0);
      const { attempts } = state;
      state.down = false;
      await jest.advanceTimersByTimeAsync(60_000);
      expect(state.attempts).toBe(attempts);
      expect(done).toEqual([]);
    });

    it('does not wait for work that never ends, and starts nothing after it', async () => {
      const { outbox, put, putSlow, done, logged } = create();
      const slow = putSlow('slow');
      put('next');
      const closed = outbox.close(1_000);
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await closed).toBe(false);
      expect(logged('error')).toMatchObject([{ what: 'slow' }, { what: 'next' }]);
      slow.finish();
      await settle();
      expect(done).toEqual(['slow']);
      expect(logged('error')).toHaveLength(2);
    });

    it('says what is lost that comes after it closed', async () => {
      const { outbox, put, done, logged } = create();
      await outbox.close(0);
      put('late');
      await settle();
      expect(done).toEqual([]);
      expect(logged('error')).toMatchObject([{ msg: LOST, what: 'late' }]);
    });
  });
});
