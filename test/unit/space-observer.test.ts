import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createSpaceObserver, type SpaceObserver } from '../../src/rooms/space-observer';
import type { SpaceConference } from '../../src/signalwire/conference-api';
import { sid } from '../support/room-stores';

const WITHIN_MS = 3_000;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

/** A Space with so many conferences, the oldest first, that takes `takesMs` to answer, and for ever about some rooms. */
function create(count: number, { takesMs = 100, silent = [] as string[], failing = [] as string[] } = {}) {
  const asked: string[] = [];
  let pending = 0;
  let mostAtOnce = 0;
  const wait = () => new Promise<void>((resolve) => setTimeout(resolve, takesMs));
  const conferences = Array.from({ length: count }, (_, index): SpaceConference => {
    const name = `room-${index}`;
    return { conferenceSid: sid(name), room: name, hasStarted: index % 2 === 0, ageMs: (count - index) * 1_000 };
  });
  const observer = createSpaceObserver({
    now: () => performance.now(),
    space: {
      async listConferences() {
        await wait();
        return conferences;
      },
      async listParticipants(conferenceSid) {
        asked.push(conferenceSid);
        mostAtOnce = Math.max(mostAtOnce, ++pending);
        await (silent.includes(conferenceSid) ? new Promise(() => {}) : wait());
        pending--;
        if (failing.includes(conferenceSid)) {
          throw new Error('refused');
        }
        return [];
      },
    },
  });
  return { observer, asked, atOnce: () => mostAtOnce };
}

async function observeAll(observer: SpaceObserver) {
  const since = performance.now();
  const work = observer.observeAll(WITHIN_MS).then(
    (observations) => ({ rooms: observations.map(({ room }) => room), ms: performance.now() - since }),
    (error: Error) => ({ error: error.message, ms: performance.now() - since }),
  );
  await jest.advanceTimersByTimeAsync(10_000);
  return work;
}

describe('observeAll', () => {
  it('reads the 50 newest conferences, 8 at once', async () => {
    const { observer, asked, atOnce } = create(1_000);
    const outcome = await observeAll(observer);
    const newest = Array.from({ length: 50 }, (_, index) => `room-${999 - index}`);
    expect(outcome).toEqual({ rooms: newest, ms: 800 });
    expect(asked).toEqual(newest);
    expect(atOnce()).toBe(8);
  });

  it('has what was read in time, and asks for no more then', async () => {
    const { observer, asked } = create(50, { takesMs: 1_200 });
    const outcome = await observeAll(observer);
    // After the list, one round of 8 came in time, and the next did not.
    expect(outcome).toEqual({ rooms: asked.slice(0, 8), ms: WITHIN_MS });
    expect(asked).toHaveLength(16);
  });

  it.each([{ silent: ['room-1'] }, { failing: ['room-1'] }])('leaves out what it cannot read: %j', async (trouble) => {
    const { observer } = create(3, trouble);
    expect(await observeAll(observer)).toMatchObject({ rooms: ['room-2', 'room-0'] });
  });

  it.each<[string, Parameters<typeof create>[1], string]>([
    ['nothing could be read', { failing: ['room-0', 'room-1'] }, 'refused'],
    ['the list alone came in time', { takesMs: WITHIN_MS }, 'no answer in 3000 ms'],
  ])('rejects when %s', async (_what, trouble, error) => {
    const { observer } = create(2, trouble);
    expect(await observeAll(observer)).toMatchObject({ error });
  });

  it('has no rooms when no conference runs', async () => {
    const { observer } = create(0);
    expect(await observeAll(observer)).toMatchObject({ rooms: [] });
  });
});
