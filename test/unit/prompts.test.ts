import { describe, expect, it } from '@jest/globals';
import type { RoomMenu, WaitReason } from '../../src/calls/outcome';
import { german } from '../../src/calls/prompts-de';
import { english } from '../../src/calls/prompts-en';
import { MODES } from '../../src/rooms/mode';
import type { RoomName } from '../../src/rooms/room';

const room = 'sales' as RoomName;
const REASONS: readonly WaitReason[] = ['nobody-there', 'store-down', 'target-gone', 'no-caller', 'over'];

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
    expect(prompts.keypad({ room, moderator: 'Alice' })).toMatch(/Alice/);
    expect(prompts.keypad({ room, moderator: undefined })).toMatch(/ sales/);
    expect(prompts.keypad(undefined)).not.toMatch(/sales|undefined/);
  });

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
