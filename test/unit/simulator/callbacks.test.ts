import { describe, expect, it } from '@jest/globals';
import { CallError } from '../../../src/simulator/call-error';
import { type Chaos, createCallbacks } from '../../../src/simulator/callbacks';
import { createClock } from '../../../src/simulator/clock';
import type { WebClient } from '../../../src/simulator/web-client';

/** Callbacks to a server that answers with these statuses, in this order, and 204 ever after. */
function setUp(chaos: Partial<Chaos> = {}, statuses: (number | 'nothing')[] = []) {
  const clock = createClock();
  const arrived: string[] = [];
  const client: WebClient = {
    async send({ url, fields }) {
      // The first to be sent take longest.
      for (let turns = 20 - Number(fields.n); turns > 0; turns--) {
        await Promise.resolve();
      }
      arrived.push(`${fields.n} ${clock.now()}`);
      const status = statuses.shift() ?? 204;
      if (status === 'nothing') {
        throw new CallError(11200, 'No answer.');
      }
      return { url, status, contentType: '', text: '' };
    },
    close() {},
  };
  const callbacks = createCallbacks({ clock, client, chaos: { seed: 1, ...chaos } });
  const send = (n: number, url = 'http://a/events') =>
    callbacks.send({ url, method: 'POST', fields: () => ({ n: String(n) }) });
  return { clock, arrived, callbacks, send };
}

const numbersOf = (arrived: string[]) => arrived.map((text) => Number(text.split(' ')[0]));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('createCallbacks', () => {
  it('sends each once and in order by default', async () => {
    const { clock, arrived, callbacks, send } = setUp();
    upTo(20).forEach((n) => void send(n));
    await clock.settle();
    expect(numbersOf(arrived)).toEqual(upTo(20));
    expect(callbacks.counts()).toEqual({ delivered: 20, pending: 0, lost: 0, refused: 0, refusal: undefined });
  });

  it.each<[string, (number | 'nothing')[], string[], object]>([
    ['twice', ['nothing', 500], ['1 0', '1 1000', '1 2000'], { delivered: 1, refused: 0 }],
    [
      'three times',
      [404, 'nothing', 302],
      ['1 0', '1 1000', '1 2000'],
      { delivered: 0, lost: 0, refused: 1, refusal: 'http://a/events answered with status 302.' },
    ],
  ])('retries after a second, and gives up after three attempts: refused %s', async (_n, statuses, seen, counts) => {
    const { clock, arrived, callbacks, send } = setUp({}, statuses);
    send(1);
    await clock.advance(60_000);
    expect(arrived).toEqual(seen);
    expect(callbacks.counts()).toMatchObject(counts);
  });

  it('lists undelivered callbacks: given up, under way, or lost', async () => {
    const { clock, callbacks, send } = setUp({}, [500, 500, 500]);
    send(1);
    await clock.advance(60_000);
    send(2);
    await clock.settle();
    send(3);
    expect(callbacks.undelivered()).toEqual([{ n: '1' }, { n: '3' }]);
    const losing = setUp({ lose: 1 });
    losing.send(1);
    expect(losing.callbacks.undelivered()).toEqual([{ n: '1' }]);
  });

  it('makes one attempt at a URL where the last was given up, until one is accepted', async () => {
    const { clock, arrived, callbacks, send } = setUp({}, [500, 500, 500, 500, 204, 500]);
    for (const n of [1, 2, 3, 4]) {
      send(n);
      await clock.advance(10_000);
    }
    expect(numbersOf(arrived)).toEqual([1, 1, 1, 2, 3, 4, 4]);
    expect(callbacks.counts()).toMatchObject({ delivered: 2, refused: 2, pending: 0 });
  });

  it('counts pending ones', async () => {
    const { clock, callbacks, send } = setUp({ delayMs: 10_000, duplicate: 1 });
    send(1);
    await clock.settle();
    expect(callbacks.counts()).toMatchObject({ delivered: 0, pending: 2 });
    await clock.advance(10_000);
    expect(callbacks.counts()).toMatchObject({ delivered: 2, pending: 0 });
  });

  it('delays a callback by the same time, whether others are lost or not', async () => {
    const timesOf = async (chaos: Partial<Chaos>) => {
      const { clock, arrived, send } = setUp({ delayMs: 10_000, ...chaos });
      upTo(40).forEach((n) => void send(n));
      await clock.advance(10_000);
      return new Set(arrived);
    };
    const all = await timesOf({});
    const some = await timesOf({ lose: 0.4 });
    expect(some.size).toBeLessThan(40);
    expect([...some].filter((one) => !all.has(one))).toEqual([]);
  });

  it('loses some at random', async () => {
    const { clock, arrived, callbacks, send } = setUp({ lose: 0.5 });
    upTo(100).forEach((n) => void send(n));
    await clock.settle();
    const { delivered, lost } = callbacks.counts();
    expect(delivered + lost).toBe(100);
    expect(arrived).toHaveLength(delivered);
    expect(lost).toBeGreaterThan(20);
    expect(lost).toBeLessThan(80);
  });

  it('sends duplicates', async () => {
    const { clock, arrived, send } = setUp({ duplicate: 1 });
    upTo(3).forEach((n) => void send(n));
    await clock.settle();
    expect(numbersOf(arrived)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('delays each by at most delayMs', async () => {
    const { clock, arrived, send } = setUp({ delayMs: 4_000 });
    upTo(50).forEach((n) => void send(n));
    await clock.settle();
    expect(arrived).toHaveLength(0);
    await clock.advance(4_000);
    expect(numbersOf(arrived).sort((a, b) => a - b)).toEqual(upTo(50));
    expect(numbersOf(arrived)).not.toEqual(upTo(50));
  });

  it('holds one back until the next has overtaken it, or for 5 s', async () => {
    const { clock, arrived, send } = setUp({ reorder: 1 });
    upTo(3).forEach((n) => void send(n));
    await clock.advance(4_999);
    expect(numbersOf(arrived)).toEqual([1, 0]);
    await clock.advance(1);
    expect(arrived[2]).toBe('2 5000');
  });

  it('reorders each URL by itself', async () => {
    const { clock, arrived, send } = setUp({ reorder: 1 });
    send(0, 'http://a/events');
    send(1, 'http://b/events');
    send(2, 'http://a/events');
    await clock.settle();
    expect(numbersOf(arrived)).toEqual([2, 0]);
  });

  it('gives the same result for the same seed, another for another seed', async () => {
    const outcomeOf = async (seed: number) => {
      const { clock, arrived, send } = setUp({ seed, lose: 0.3, duplicate: 0.3, reorder: 0.3, delayMs: 3_000 });
      upTo(40).forEach((n) => void send(n));
      await clock.advance(10_000);
      return arrived.join();
    };
    const first = await outcomeOf(7);
    expect(await outcomeOf(7)).toBe(first);
    expect(await outcomeOf(8)).not.toBe(first);
  });
});
