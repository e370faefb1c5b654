import { expect, it } from '@jest/globals';
import { createTrailReader } from '../../../src/api/trail-reader';

async function* nothing(): AsyncGenerator<never> {}

it('the trail is read by two at once; twenty wait, and more are refused', async () => {
  const { inTurn } = createTrailReader({ facts: nothing, refusals: nothing });
  let running = 0;
  const ends: (() => void)[] = [];
  const read = () =>
    inTurn(async () => {
      running++;
      await new Promise<void>((end) => ends.push(end));
      running--;
    });
  const readings = Array.from({ length: 22 }, read);
  expect(running).toBe(2);
  await expect(read()).rejects.toMatchObject({ status: 503, code: 'too_many_readers' });
  while (ends.length > 0) {
    ends.shift()?.();
    await new Promise(setImmediate);
    expect(running).toBeLessThanOrEqual(2);
  }
  await Promise.all(readings);
});
