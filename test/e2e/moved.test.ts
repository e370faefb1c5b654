import { describe, expect, it } from '@jest/globals';
import { ALICE, TED } from '../support/app';
import { eventually } from '../support/redis-server';
import { rosterSettings } from '../support/roster';
import { CAROL, startTestBench } from '../support/test-bench';

const PEOPLE = rosterSettings({
  moderators: [
    { name: 'Alice', number: ALICE },
    { name: 'Carol', number: CAROL },
  ],
  supervisors: [{ name: 'Ted', number: TED }],
});

describe('a supervisor whose agent is followed by another, where announcements may not be private', () => {
  it.each(['/coach/sales', '/coach/sales?mode=barge', '/supervisor?mode=coach', '/supervisor?mode=barge'])(
    'from %s is moved, told, and heard by nobody until they press a key',
    async (path) => {
      const testBench = await startTestBench({ withRest: true, env: PEOPLE });
      await testBench.call('Bob', '/conference/sales');
      await testBench.call('Alice', '/conference/sales');
      const ted = await testBench.call('Ted', path);
      await testBench.call('Carol', '/conference/sales');
      await eventually(async () => {
        await testBench.space.runUntilIdle();
        expect(ted.told.at(-1)).toBe(
          'You have been muted. Nobody hears you. You are listening to Carol. For the menu, press star.',
        );
      });
      expect(testBench.hears()).toEqual({
        Bob: ['Alice', 'Carol'],
        Alice: ['Bob', 'Carol'],
        Carol: ['Alice', 'Bob'],
        Ted: ['Alice', 'Bob', 'Carol'],
      });
      await testBench.press(ted, '*');
      expect(await testBench.press(ted, '2')).toBe('The agent alone hears you.');
      expect(testBench.hears()).toMatchObject({ Carol: ['Alice', 'Bob', 'Ted'], Bob: ['Alice', 'Carol'] });
    },
  );
});
