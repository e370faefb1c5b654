import { describe, expect, it } from '@jest/globals';
import { CallError } from '../../../src/simulator/call-error';
import type { StepReport } from '../../../src/simulator/play-story';
import { createPaint, type Paint, renderMatrix, renderStep } from '../../../src/simulator/report';

const plain: Paint = (_style, text) => text;

const report = (more: Partial<StepReport>): StepReport => ({
  number: 3,
  action: { kind: 'wait', seconds: 10 },
  note: undefined,
  rows: [],
  told: [],
  ended: [],
  beeps: 0,
  errors: [],
  problems: [],
  ...more,
});

describe('renderMatrix', () => {
  it('has a row for each listener, a column for each speaker, and a column of sounds', () => {
    const rows = [
      { who: 'Bob', voices: ['Alice'], sounds: [] },
      { who: 'Alice', voices: ['Bob', 'Ted'], sounds: ['beep' as const] },
      { who: 'Ted', voices: ['Bob', 'Alice'], sounds: ['beep' as const, 'notice' as const] },
    ];
    expect(renderMatrix(rows, plain)).toBe(
      [
        '                 Bob  Alice  Ted  sounds',
        '    Bob hears    -    yes    no',
        '    Alice hears  yes  -      yes  beep',
        '    Ted hears    yes  yes    -    beep, notice',
      ].join('\n'),
    );
  });

  it('says when nobody is on the line', () => {
    expect(renderMatrix([], plain)).toBe('    Nobody is on the line.');
  });

  it('aligns columns with colours as without', () => {
    const rows = [
      { who: 'Bob', voices: ['Alice'], sounds: [] },
      { who: 'Alice', voices: [], sounds: ['music' as const] },
    ];
    const marked = renderMatrix(rows, (style, text) => `{${style}}${text}{/}`);
    expect(marked).not.toBe(renderMatrix(rows, plain));
    expect(marked.replace(/\{[^}]*\}/g, '')).toBe(renderMatrix(rows, plain));
  });
});

describe('renderStep', () => {
  it('shows what happened, what was said, whose call ended, and what was wrong', () => {
    const text = renderStep(
      report({
        action: { kind: 'hangUp', who: 'Alice' },
        note: 'it is over',
        told: [{ who: 'Ted', text: 'Goodbye.' }],
        ended: [
          { who: 'Alice', status: 'completed' },
          { who: 'Ted', status: 'completed' },
          { who: 'Bob', status: 'failed' },
          { who: 'Carol', status: 'no-answer' },
        ],
        errors: [
          { who: 'Bob', error: new CallError(13_240, 'Gone.'), expected: true },
          { who: 'Carol', error: new CallError(11_200, 'Silent.'), expected: false },
        ],
        problems: ["Carol's call failed with 11200: Silent."],
      }),
      plain,
    );
    expect(text).toBe(
      [
        ' 3. Alice hangs up (it is over)',
        '    Ted is told: "Goodbye."',
        "    Ted's call ends.",
        "    Bob's call fails.",
        "    Carol's call is rejected.",
        "    Bob's call fails with 13240, as expected: Gone.",
        '    Nobody is on the line.',
        "    WRONG: Carol's call failed with 11200: Silent.",
        '',
      ].join('\n'),
    );
  });

  it('lets no untrusted text control the terminal or start a line', () => {
    const evil = 'a\u001b[2J\u009b1A\n 9. b\u2028c\u202ed\r';
    const text = renderStep(
      report({
        note: evil,
        rows: [{ who: evil, voices: [], sounds: [] }],
        told: [{ who: evil, text: evil }],
        problems: [evil],
      }),
      plain,
    );
    expect(text).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
    expect(text.split('\n')).toHaveLength(6);
  });

  it.each<[StepReport['action'], string]>([
    [
      { kind: 'call', who: 'Bob', to: '/conference', fallback: undefined, statusCallback: undefined, keys: undefined },
      'Bob calls /conference',
    ],
    [
      { kind: 'callOut', who: 'Bob', to: '/conference', fallback: undefined, statusCallback: undefined, keys: '1' },
      'The Space calls Bob with /conference; Bob presses 1',
    ],
    [{ kind: 'press', who: 'Ted', keys: '1#' }, 'Ted presses 1#'],
    [{ kind: 'wait', seconds: 10 }, '10 s pass'],
  ])('describes the step %j', (action, words) => {
    expect(renderStep(report({ action }), plain)).toMatch(new RegExp(`^ 3\\. ${words}\n`));
  });
});

describe('createPaint', () => {
  it.each([
    ['colours a terminal that has colours', { isTTY: true, hasColors: () => true }, true],
    ['leaves a terminal without colours plain', { isTTY: true, hasColors: () => false }, false],
    ['leaves a file or a pipe plain', { isTTY: undefined, hasColors: () => true }, false],
  ])('%s', (_what, stream, coloured) => {
    const text = createPaint(stream as unknown as NodeJS.WriteStream)('green', 'yes');
    expect(text).toBe(coloured ? '\u001b[32myes\u001b[39m' : 'yes');
  });
});
