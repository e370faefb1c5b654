import { describe, expect, it } from '@jest/globals';
import { createTurns } from '../../src/ops/turns';

/** Turns, and tasks that end when they are told to. */
function create(width: number, maxWaiting: number) {
  const turns = createTurns({ width, maxWaiting, refuse: () => new RangeError('full') });
  const started: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const run = (name: string) =>
    turns.run(() => {
      started.push(name);
      return new Promise<string>((resolve, reject) => {
        ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
      });
    });
  return { run, started, end: (name: string, error?: Error) => ends.get(name)?.(error) };
}

describe('turns', () => {
  it('run as many tasks at a time as they are wide, in the order in which they came', async () => {
    const { run, started, end } = create(2, 3);
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(run);
    expect(started).toEqual(['a', 'b']);
    end('b');
    expect(await b).toBe('b');
    expect(started).toEqual(['a', 'b', 'c']);
    end('a');
    expect(await a).toBe('a');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    end('c');
    end('d');
    expect(await Promise.all([c, d])).toEqual(['c', 'd']);
  });

  it('refuse a task at once when too many wait, and take one again when there is room', async () => {
    const { run, started, end } = create(1, 1);
    const [a, b] = ['a', 'b'].map(run);
    await expect(run('c')).rejects.toThrow(new RangeError('full'));
    end('a');
    await a;
    const d = run('d');
    end('b');
    await b;
    expect(started).toEqual(['a', 'b', 'd']);
    end('d');
    expect(await d).toBe('d');
  });

  it('go on after a task that fails, with its error', async () => {
    const { run, started, end } = create(1, 1);
    const [a, b] = ['a', 'b'].map(run);
    end('a', new TypeError('broken'));
    await expect(a).rejects.toThrow(new TypeError('broken'));
    expect(started).toEqual(['a', 'b']);
    end('b');
    await b;
    const c = run('c');
    expect(started).toEqual(['a', 'b', 'c']);
    end('c');
    expect(await c).toBe('c');
  });
});
