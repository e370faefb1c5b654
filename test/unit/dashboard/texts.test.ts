import { describe, expect, it } from '@jest/globals';
import { REASON_CODES } from '../../../src/api/problem';
import { german } from '../../../src/dashboard/texts-de';
import { english } from '../../../src/dashboard/texts-en';

type Leaf = string | ((...args: unknown[]) => string);

/** Every text by its path, such as `nav.rooms`. */
function leavesOf(texts: object, path: readonly string[] = []): [string, Leaf][] {
  return Object.entries(texts).flatMap(([name, value]): [string, Leaf][] =>
    typeof value === 'object' && value !== null
      ? leavesOf(value, [...path, name])
      : [[[...path, name].join('.'), value as Leaf]],
  );
}

/** What a text says of these; a text that takes nothing says the same of everything. */
const said = (text: Leaf, ...args: unknown[]) => (typeof text === 'string' ? text : text(...args));

const [EN, DE] = [leavesOf(english), new Map(leavesOf(german))];
const germanOf = (path: string) => DE.get(path) as Leaf;

/** Placeholders and shapes, which every language has. */
const marksIn = (text: string) => (text.match(/\{\w+\}|[○◐●?…]/g) ?? []).sort();

/** Words that are the same in both languages. */
const SAME = [
  'product',
  'signIn.name',
  'link.live',
  'you.inRoom',
  'unnamed.moderator',
  'unnamed.supervisor',
  ...EN.flatMap(([path]) => (/^keys\.list\.\d\.0$/.test(path) ? [path] : [])),
  'trail.utc',
  'trail.audit.fields.agent',
  'trail.audit.fields.text',
  'trail.audit.columns.agent',
  'trail.flight.columns.who',
  'recordings.columns.status',
  'recordings.columns.audio',
];

describe('the texts in German', () => {
  it('are the same ones as in English', () => {
    expect([...DE.keys()].sort()).toEqual(EN.map(([path]) => path).sort());
  });

  it('are German', () => {
    const args = ['Sales', 'Alice'];
    const same = EN.filter(([path, text]) => said(text, ...args) === said(germanOf(path), ...args));
    expect(same.map(([path]) => path).sort()).toEqual([...SAME].sort());
  });

  it('keep what is put into them', () => {
    const wrong = EN.filter(([path, text]) => {
      const translated = germanOf(path);
      const args = ['Sales', 'Alice'].slice(0, typeof text === 'string' ? 0 : text.length);
      const words = said(translated, ...args);
      const isWhole = typeof text === typeof translated && args.every((one) => words.includes(one));
      const [unnamed, once] = [said(translated, undefined), said(translated, 1)];
      const isUnnamed = said(text, undefined).includes('undefined') || !unnamed.includes('undefined');
      return !isWhole || !isUnnamed || once === '';
    });
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  it('keep placeholders, shapes and questions', () => {
    const wrong = EN.filter(
      ([path, text]) =>
        `${marksIn(said(text, 'Sales', 'Alice'))}` !== `${marksIn(said(germanOf(path), 'Sales', 'Alice'))}`,
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  it('are as loud about everyone', () => {
    const loud = EN.filter(([, text]) => said(text, 'Sales', 'Alice').includes('EVERYONE')).map(([path]) => path);
    expect(loud).toContain('hearing.everyone');
    for (const path of loud) {
      expect(said(germanOf(path))).toMatch(/\bALLE\b/);
    }
  });

  it.each([
    [1, 'einer Minute', '1 weiterer Raum'],
    [2, '2 Minuten', '2 weitere Räume'],
  ])('count to %i', (count, minutes, rooms) => {
    expect(german.signIn.lockedOut(count)).toContain(minutes);
    expect(german.wall.others(count)).toContain(rooms);
  });
});

it.each([
  ['English', english],
  ['German', german],
])('the texts in %s have words for every reason of an action', (_language, { trail }) => {
  expect(Object.values(REASON_CODES).filter((code) => trail.audit.details[code] === undefined)).toEqual([]);
});
