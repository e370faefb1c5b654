import { describe, expect, it } from '@jest/globals';
import { ALICE, TED } from '../support/app';
import { CAROL, startDesk } from '../support/desk';
import { eventually } from '../support/redis-server';
import { rosterSettings } from '../support/roster';

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
      const desk = await startDesk({ withRest: true, env: PEOPLE });
      await desk.call('Bob', '/conference/sales');
      await desk.call('Alice', '/conference/sales');
      const ted = await desk.call('Ted', path);
      await desk.call('Carol', '/conference/sales');
      await eventually(async () => {
        await desk.space.runUntilIdle();
        expect(ted.told.at(-1)).toBe(
          'You have been muted. Nobody hears you. You are listening to Carol. For the menu, press star.',
        );
      });
      expect(desk.hears()).toEqual({
        Bob: ['Alice', 'Carol'],
        Alice: ['Bob', 'Carol'],
        Carol: ['Alice', 'Bob'],
        Ted: ['Alice', 'Bob', 'Carol'],
      });
      await desk.press(ted, '*');
      expect(await desk.press(ted, '2')).toBe('The agent alone hears you.');
      expect(desk.hears()).toMatchObject({ Carol: ['Alice', 'Bob', 'Ted'], Bob: ['Alice', 'Carol'] });
    },
  );
});
