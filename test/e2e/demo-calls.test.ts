import { describe, expect, it } from '@jest/globals';
import { SPACE_NUMBER } from '../../src/simulator/call';
import { createLiveCalls } from '../../src/simulator/demo/live-calls';
import { ALICE, TED } from '../support/app';
import { rosterSettings } from '../support/roster';
import { startTestBench } from '../support/test-bench';

const PEOPLE = { moderators: [{ name: 'Alice', number: ALICE }], supervisors: [{ name: 'Ted', number: TED }] };

async function start(rings: () => boolean = () => false) {
  const { space, url } = await startTestBench({ env: rosterSettings(PEOPLE), space: { rings } });
  return { space, url, calls: createLiveCalls({ space, serverUrl: url, paint: (_style, text) => text }) };
}

describe('the calls of the demo', () => {
  it('have news once: what was said, and the table if it has changed', async () => {
    const { calls } = await start();
    expect(calls.news()).toEqual([]);
    await calls.act({ kind: 'call', who: 'alice' });
    await calls.act({ kind: 'call', who: 'bob' });
    // Not the beep.
    const table = ['                 Alice  Bob', '    Alice hears  -      yes', '    Bob hears    yes    -'];
    expect([calls.news(), calls.table()]).toEqual([table, table]);
    await calls.act({ kind: 'call', who: 'ted' });
    expect(calls.news()[0]).toBe(
      '    Ted is told: "Nobody hears you. You are listening to Alice. For the menu, press star."',
    );
    expect(calls.news()).toEqual([]);
    await calls.act({ kind: 'press', who: 'ted', keys: '4' });
    expect(calls.news()).toEqual([]);
  });

  it.each([
    [90, 'Nobody hears you. You are listening to Alice. For the menu, press star.'],
    [89, 'Nobody hears you. You are listening to Alice. …'],
    [66, 'Nobody hears you. You are listening to Alice. …'],
    [65, 'Nobody hears you. …'],
  ])('cut what was said to the sentences that fit into %i columns', async (columns, text) => {
    const { calls } = await start();
    for (const who of ['alice', 'bob', 'ted'] as const) {
      await calls.act({ kind: 'call', who });
    }
    const line = `    Ted is told: "${text}"`;
    expect(calls.news(columns)[0]).toBe(line);
    expect(line.length).toBeLessThanOrEqual(columns);
  });

  it('take keys as soon as something listens, and leave out what they interrupt', async () => {
    const { calls } = await start();
    for (const who of ['alice', 'bob', 'ted'] as const) {
      await calls.act({ kind: 'call', who });
    }
    calls.news();
    await calls.act({ kind: 'press', who: 'ted', keys: '*3' });
    expect(calls.news()).toEqual([
      '    Ted is told: "Everybody hears you."',
      '                 Alice  Bob  Ted',
      '    Alice hears  -      yes  yes',
      '    Bob hears    yes    -    yes',
      '    Ted hears    yes    yes  -',
    ]);
  });

  it('let somebody answer a telephone that rings, and only then', async () => {
    const { space, url, calls } = await start(() => true);
    const call = space.call({ direction: 'outbound-api', from: SPACE_NUMBER, to: TED, url: `${url}/coach` });
    await space.runUntilIdle();
    expect(await calls.act({ kind: 'call', who: 'ted' })).toBe("Ted's telephone is ringing: type ted answers.");
    expect(await calls.act({ kind: 'answer', who: 'ted' })).toBeUndefined();
    expect(call.status).toBe('in-progress');
    expect(await calls.act({ kind: 'answer', who: 'ted' })).toBe("Ted's telephone is not ringing.");
  });

  it('tell why a call failed', async () => {
    const { space, url, calls } = await start();
    space.call({ from: TED, url: `${url}/nowhere` });
    await space.runUntilIdle();
    expect(calls.news()).toEqual([expect.stringMatching(/^ {4}Ted's call failed with 11\d+: /)]);
  });
});
