import { describe, expect, it } from '@jest/globals';
import { MODE_KEYS, type RoomMenu, type WaitReason } from '../../src/calls/outcome';
import { german } from '../../src/calls/prompts-de';
import { english } from '../../src/calls/prompts-en';
import { MODES, type Mode } from '../../src/rooms/mode';
import type { RoomName } from '../../src/rooms/room';

const room = 'sales' as RoomName;
const REASONS: readonly WaitReason[] = ['nobody-there', 'store-down', 'target-gone', 'no-caller', 'over'];

const SALES = { room, moderator: 'Alice' };

it.each<[Mode[], typeof SALES | undefined, string, string]>([
  [
    ['monitor', 'coach', 'barge'],
    SALES,
    'To listen to Alice, press 1. To coach, 2. To talk to everyone, 3.',
    'Um Alice zuzuhören, drücken Sie die 1. Zum Coachen die 2. Um mit allen zu sprechen, die 3.',
  ],
  [['monitor'], undefined, 'To listen, press 1.', 'Zum Zuhören drücken Sie die 1.'],
  [['coach'], SALES, 'To coach Alice, press 2.', 'Um Alice zu coachen, drücken Sie die 2.'],
  [['coach'], undefined, 'To coach, press 2.', 'Zum Coachen drücken Sie die 2.'],
  [
    ['barge'],
    SALES,
    'To talk to Alice and everyone else, press 3.',
    'Um mit Alice und allen anderen zu sprechen, drücken Sie die 3.',
  ],
  [['barge'], undefined, 'To talk to everyone, press 3.', 'Um mit allen zu sprechen, drücken Sie die 3.'],
])('the keypad menu offers %s of %j', (modes, conversation, inEnglish, inGerman) => {
  expect(english.keypad(modes, conversation)).toBe(
    `Nobody hears you now. ${inEnglish} For another conversation, 4. To end, 9.`,
  );
  expect(german.keypad(modes, conversation)).toBe(
    `Niemand hört Sie jetzt. ${inGerman} Für ein anderes Gespräch die 4. Zum Beenden die 9.`,
  );
});

describe.each([
  ['English', english],
  ['German', german],
])('the prompts in %s', (_language, prompts) => {
  it('say first who hears the supervisor, the same on the way in and on the way back', () => {
    for (const mode of MODES) {
      expect(prompts.joined(mode, room, 'Alice').startsWith(prompts.rejoined[mode])).toBe(true);
    }
  });

  it('name the agent, or the room while the agent is unknown', () => {
    for (const mode of MODES) {
      expect(prompts.joined(mode, room, 'Alice')).toMatch(/Alice/);
      expect(prompts.joined(mode, room, undefined)).toMatch(/ sales/);
    }
  });

  it.each<Mode[][]>([[['monitor', 'coach', 'barge']], [['coach', 'barge']], [['barge']]])(
    'name the agent once in a keypad menu of %s',
    (modes) => {
      expect(prompts.keypad(modes, { room, moderator: 'Alice' }).match(/Alice/g)).toHaveLength(1);
      expect(prompts.keypad(modes, { room, moderator: undefined }).match(/ sales/g)).toHaveLength(1);
      expect(prompts.keypad(modes, undefined)).not.toMatch(/sales|undefined/);
      const keys = prompts.keypad(modes, undefined).match(/[0-9]/g);
      expect(keys).toEqual([...modes.map((mode) => MODE_KEYS[mode]), '4', '9']);
    },
  );

  it('are sentences, and never name what is unknown', () => {
    const menu: RoomMenu = {
      choices: [
        { room, name: 'Alice', isAmbiguous: true, hasCaller: true },
        { room, name: undefined, isAmbiguous: false, hasCaller: false },
      ],
      page: 0,
      more: 'again',
      hasExtensions: true,
    };
    const waits = REASONS.flatMap((reason) => [
      prompts.wait(reason, room, 'Alice'),
      prompts.wait(reason, room, undefined),
    ]);
    const line = (['nobody-there', 'store-down', 'over'] as const).map((reason) =>
      prompts.wait(reason, undefined, undefined),
    );
    for (const text of [...waits, ...line, prompts.menu(menu), ...Object.values(prompts.news)]) {
      expect(text).toMatch(/^\p{Lu}[^<>]*\.$/u);
      expect(text).not.toContain('undefined');
    }
  });
});
