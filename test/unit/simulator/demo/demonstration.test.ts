import { expect, it } from '@jest/globals';
import { demonstrate } from '../../../../src/simulator/demo/demonstration';

it('the demonstration waits between two steps, but not before the first or after the last', async () => {
  const trace: string[] = [];
  await demonstrate({
    calls: { act: async ({ who, kind }) => void trace.push(`${who} ${kind}`), news: () => [], table: () => [] },
    write: () => {},
    paint: (_style, text) => text,
    pause: async () => void trace.push('pause'),
  });
  const acts = trace.filter((what) => what !== 'pause');
  expect(acts[0]).toBe('bob call');
  expect(acts.at(-1)).toBe('ted hangUp');
  expect(trace).toEqual(acts.flatMap((act, index) => (index === 0 ? [act] : ['pause', act])));
});
