import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { createClock } from '../../../src/simulator/clock';

describe('createClock', () => {
  it('stands still until advance is called', async () => {
    const clock = createClock();
    let awake = false;
    void clock.sleep(1_000).then(() => {
      awake = true;
    });
    await clock.settle();
    expect([clock.now(), awake]).toEqual([0, false]);
    await clock.advance(999);
    expect([clock.now(), awake]).toEqual([999, false]);
    await clock.advance(1);
    expect([clock.now(), awake]).toEqual([1_000, true]);
  });

  it("wakes sleepers in order, and settles each one's consequences", async () => {
    const clock = createClock();
    const seen: string[] = [];
    const at = async (ms: number, what: string) => {
      await clock.sleep(ms);
      seen.push(`${what} ${clock.now()}`);
    };
    void at(30, 'late');
    void at(10, 'early').then(() => at(10, 'after early'));
    void at(10, 'also early');
    await clock.advance(100);
    expect(seen).toEqual(['early 10', 'also early 10', 'after early 20', 'late 30']);
    expect(clock.now()).toBe(100);
  });

  it('waits for held work, and for its consequences', async () => {
    const clock = createClock();
    let done = 0;
    void clock.hold(sleep(20)).then(async () => {
      done++;
      await clock.hold(sleep(20));
      done++;
    });
    await clock.advance(1);
    expect(done).toBe(2);
  });

  it('is released by held work that fails', async () => {
    const clock = createClock();
    const work = clock.hold(Promise.reject(new Error('no')));
    await expect(work).rejects.toThrow('no');
    await clock.settle();
  });

  it('rejects an aborted sleeper with the reason, once', async () => {
    const clock = createClock();
    const controller = new AbortController();
    const sleeper = clock.sleep(10, controller.signal);
    controller.abort(new Error('hung up'));
    await expect(sleeper).rejects.toThrow('hung up');
    await expect(clock.sleep(10, controller.signal)).rejects.toThrow('hung up');
    await clock.advance(10);
  });
});
