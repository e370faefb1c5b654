/** The people that commands at the demo's prompt can name. */
export const PEOPLE = ['alice', 'bob', 'carol', 'ted'] as const;

export type Person = (typeof PEOPLE)[number];

/** What somebody does with their telephone. */
export type PhoneCommand =
  | { kind: 'call' | 'answer' | 'hangUp'; who: Person }
  | { kind: 'press'; who: Person; keys: string };

/** What else can be typed; `show` prints who hears whom. */
export interface PlainCommand {
  kind: 'show' | 'help' | 'commands' | 'quit';
}

/** What can be typed at the demo's prompt. */
export type Command = PhoneCommand | PlainCommand;

const WORDS: ReadonlyMap<string, PlainCommand['kind']> = new Map([
  ['who hears whom', 'show'],
  ['help', 'help'],
  ['commands', 'commands'],
  ['quit', 'quit'],
  ['exit', 'quit'],
]);

const DEEDS: ReadonlyMap<string, 'call' | 'answer' | 'hangUp'> = new Map([
  ['calls', 'call'],
  ['answers', 'answer'],
  ['hangs up', 'hangUp'],
]);

/** Parses a line, in any letter case. Returns undefined if it is no command. */
export function parseCommand(line: string): Command | undefined {
  const text = line
    .trim()
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/ ?[.!?]+$/, '');
  const word = WORDS.get(text);
  if (word !== undefined) {
    return { kind: word };
  }
  const [, name, rest = ''] = /^(\w+) (.+)$/.exec(text) ?? [];
  const who = PEOPLE.find((one) => one === name);
  if (who === undefined) {
    return undefined;
  }
  const deed = DEEDS.get(rest);
  if (deed !== undefined) {
    return { kind: deed, who };
  }
  const [, keys] = /^(?:presses )?([0-9*# ]+)$/.exec(rest) ?? [];
  return keys === undefined ? undefined : { kind: 'press', who, keys: keys.replaceAll(' ', '') };
}
