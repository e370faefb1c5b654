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
  const started: string[] = [];
  const done: string[] = [];

  /** Work about one thing, or each about its own when there is no key. */
  function putAs({ key, isMinor }: { key?: string; isMinor?: boolean }, ...names: string[]): void {
    for (const what of names) {
      const work = async () => {
        state.attempts++;
        started.push(what);
        if (state.down) {
          throw new Error('down');
        }
        done.push(what);
      };
      outbox.put({ key: key ?? what, work, about: { what }, ...(isMinor !== undefined && { isMinor }) });
    }
  }

  /** Work about one and the same. */
  const put = (...names: string[]) => putAs({ key: 'same' }, ...names);

  /** Work that ends when the test says so. */
  function putSlow(what: string, key = 'same'): { finish(): void; fail(): void } {
    const end = { finish: () => {}, fail: () => {} };
    const work = () =>
      new Promise<void>((resolve, reject) => {
        started.push(what);
        end.finish = () => {
          done.push(what);
          resolve();
        };
        end.fail = () => reject(new Error('down'));
      });
    outbox.put({ key, work, about: { what } });
    return { finish: () => end.finish(), fail: () => end.fail() };
  }

  const logged = (level: string) => lines.filter((line) => line.level === level);
  return { outbox, put, putAs, putSlow, state, started, done, lines, logged };
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

  it('lets work wait while other work about the same is under way', async () => {
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
    outbox.put({ key: 'same', work, about: {} });
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

  describe('with work about several things', () => {
    it('does others while one is slow, each in order', async () => {
      const { putAs, putSlow, done } = create();
      const slow = putSlow('a1', 'a');
      putAs({ key: 'a' }, 'a2', 'a3');
      putAs({ key: 'b' }, 'b1', 'b2');
      putAs({ key: 'c' }, 'c1');
      await settle();
      expect(done.filter((what) => what.startsWith('b'))).toEqual(['b1', 'b2']);
      expect([...done].sort()).toEqual(['b1', 'b2', 'c1']);
      slow.finish();
      await settle();
      expect(done.slice(3)).toEqual(['a1', 'a2', 'a3']);
    });

    it('does 16 at once and no more', async () => {
      const { putSlow, started, done } = create();
      const slow = Array.from({ length: 20 }, (_, index) => putSlow(`${index}`, `key ${index}`));
      await settle();
      expect(started).toHaveLength(16);
      slow[3]?.finish();
      await settle();
      expect(started.slice(16)).toEqual(['16']);
      for (const one of slow) {
        one.finish();
      }
      await settle();
      for (const one of slow.slice(16)) {
        one.finish();
      }
      await settle();
      expect(started).toEqual(slow.map((_, index) => `${index}`));
      expect(new Set(done).size).toBe(20);
    });

    it('lets what waits about the same take nobody else’s place', async () => {
      const { putAs, putSlow, done } = create();
      putSlow('slow', 'a');
      putAs({ key: 'a' }, ...Array.from({ length: 40 }, (_, index) => `a${index}`));
      putAs({ key: 'b' }, 'b1', 'b2');
      await settle();
      expect(done).toEqual(['b1', 'b2']);
    });

    it('does others at each attempt while one always fails, and what waits about that one after it', async () => {
      const { outbox, putAs, done } = create({ retryMs: RETRY_MS });
      let attempts = 0;
      let isBad = true;
      const work = async () => {
        attempts++;
        if (isBad) {
          throw new Error('bad');
        }
        done.push('bad');
      };
      outbox.put({ key: 'bad', work, about: {} });
      putAs({ key: 'bad' }, 'after bad');
      putAs({ key: 'b' }, 'b1');
      await settle();
      expect(done).toEqual(['b1']);
      for (let pause = 1; pause <= 5; pause++) {
        const names = [`c${pause}`, `d${pause}`];
        putAs({}, ...names);
        await jest.advanceTimersByTimeAsync(RETRY_MS - 1);
        expect(attempts).toBe(pause);
        expect(done).not.toContain(names[0]);
        await jest.advanceTimersByTimeAsync(1);
        expect(attempts).toBe(pause + 1);
        expect(done.slice(-2)).toEqual(names);
      }
      isBad = false;
      await jest.advanceTimersByTimeAsync(RETRY_MS);
      expect(done.slice(-2)).toEqual(['bad', 'after bad']);
      await jest.advanceTimersByTimeAsync(60_000);
      expect(done.filter((what) => what.includes('bad'))).toEqual(['bad', 'after bad']);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('rests once for all that fail, warns once, and keeps the order of each', async () => {
      const { putAs, putSlow, state, done, logged } = create({ retryMs: RETRY_MS });
      state.down = true;
      const slow = putSlow('slow', 'slow');
      putAs({ key: 'a' }, 'a1', 'a2');
      putAs({ key: 'b' }, 'b1', 'b2');
      await settle();
      expect(state.attempts).toBe(2);
      await jest.advanceTimersByTimeAsync(RETRY_MS / 2);
      slow.fail();
      await jest.advanceTimersByTimeAsync(RETRY_MS / 2 - 1);
      expect(jest.getTimerCount()).toBe(1);
      expect(state.attempts).toBe(2);
      await jest.advanceTimersByTimeAsync(1);
      expect(state.attempts).toBe(4);
      slow.finish();
      state.down = false;
      await jest.advanceTimersByTimeAsync(RETRY_MS);
      expect(done.filter((what) => what.startsWith('a'))).toEqual(['a1', 'a2']);
      expect(done.filter((what) => what.startsWith('b'))).toEqual(['b1', 'b2']);
      expect([...done].sort()).toEqual(['a1', 'a2', 'b1', 'b2', 'slow']);
      expect(logged('warn')).toHaveLength(1);
    });

    it('starts nothing while it rests, though what is under way succeeds', async () => {
      const { putAs, putSlow, state, started } = create({ retryMs: RETRY_MS });
      const slow = putSlow('slow', 'slow');
      state.down = true;
      putAs({ key: 'a' }, 'a1');
      await settle();
      state.down = false;
      putAs({ key: 'slow' }, 'after slow');
      slow.finish();
      await settle();
      expect(started).toEqual(['slow', 'a1']);
      await jest.advanceTimersByTimeAsync(RETRY_MS);
      expect([...started].sort()).toEqual(['a1', 'a1', 'after slow', 'slow']);
    });
  });

  describe('with more waiting than it may hold', () => {
    it('gives up the oldest that is not under way, and says which', async () => {
      const { put, state, done, logged } = create({ retryMs: RETRY_MS, maxWaiting: 2 });
      state.down = true;
      put('under way', 'a', 'b');
      expect(logged('error')).toEqual([]);
      put('c', 'd');
      expect(logged('error')).toMatchObject([
        { msg: LOST, what: 'a' },
        { msg: LOST, what: 'b' },
      ]);
      state.down = false;
      await jest.advanceTimersByTimeAsync(RETRY_MS);
      expect(done).toEqual(['under way', 'c', 'd']);
    });

    it('gives up also what has failed and waits to be tried again', async () => {
      const { put, state, done, logged } = create({ retryMs: RETRY_MS, maxWaiting: 1 });
      state.down = true;
      put('a');
      await settle();
      put('b');
      expect(logged('error')).toMatchObject([{ what: 'a' }]);
      state.down = false;
      await jest.advanceTimersByTimeAsync(RETRY_MS);
      expect(done).toEqual(['b']);
      expect(state.attempts).toBe(2);
    });

    it('never holds more than that and what was under way, however long the store is away', async () => {
      const { putAs, state, logged } = create({ retryMs: RETRY_MS, maxWaiting: 5 });
      state.down = true;
      for (let round = 0; round < 20; round++) {
        putAs({}, ...Array.from({ length: 30 }, (_, index) => `${round}/${index}`));
        await jest.advanceTimersByTimeAsync(RETRY_MS);
      }
      const held = 600 - logged('error').length;
      expect(held).toBeGreaterThanOrEqual(5);
      expect(held).toBeLessThanOrEqual(5 + 16);
    });

    it('gives up what is minor first, the oldest of it', async () => {
      const { put, putAs, putSlow, done, logged } = create({ maxWaiting: 4 });
      const slow = putSlow('slow');
      const minor = { key: 'same', isMinor: true };
      put('a');
      putAs(minor, 'minor 1', 'minor 2');
      put('b');
      const lost = () => logged('error').map(({ what }) => what);
      expect(lost()).toEqual([]);
      put('c');
      expect(lost()).toEqual(['minor 1']);
      putAs(minor, 'minor 3');
      expect(lost()).toEqual(['minor 1', 'minor 2']);
      put('d');
      expect(lost()).toEqual(['minor 1', 'minor 2', 'minor 3']);
      // Nothing minor but itself.
      putAs(minor, 'minor 4');
      expect(lost().slice(3)).toEqual(['minor 4']);
      put('e');
      expect(lost().slice(4)).toEqual(['a']);
      expect(logged('error').every(({ msg }) => msg === LOST)).toBe(true);
      slow.finish();
      await settle();
      expect(done).toEqual(['slow', 'b', 'c', 'd', 'e']);
    });

    it('does not take the next for done when the one under way succeeds', async () => {
      const { put, putSlow, done } = create({ maxWaiting: 1 });
      const slow = putSlow('slow');
      put('given up', 'next');
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

    it('waits for work about every thing', async () => {
      const { outbox, putAs, putSlow, done } = create();
      const slow = [putSlow('a', 'a'), putSlow('b', 'b')];
      putAs({ key: 'a' }, 'a2');
      const onClosed = jest.fn();
      const closed = outbox.close(60_000).finally(onClosed);
      slow[0]?.finish();
      await settle();
      expect(done).toEqual(['a', 'a2']);
      expect(onClosed).not.toHaveBeenCalled();
      slow[1]?.finish();
      expect(await closed).toBe(true);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('still does what comes while it closes', async () => {
      const { outbox, put, putSlow, done, logged } = create();
      const slow = putSlow('slow');
      const closed = outbox.close(60_000);
      put('late');
      slow.finish();
      expect(await closed).toBe(true);
      expect(done).toEqual(['slow', 'late']);
      expect(logged('error')).toEqual([]);
    });

    it('says once that work is lost that fails after it closed, and tries it no more', async () => {
      const { outbox, putSlow, started, logged } = create({ retryMs: RETRY_MS });
      const slow = putSlow('slow');
      const closed = outbox.close(1_000);
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await closed).toBe(false);
      slow.fail();
      await jest.advanceTimersByTimeAsync(60_000);
      expect(started).toEqual(['slow']);
      expect(logged('error')).toHaveLength(1);
      expect(logged('warn')).toEqual([]);
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
