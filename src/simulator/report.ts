import type { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { printable } from '../ops/printable';
import type { Row, StepReport } from './play-story';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

/** Styles a text for the terminal. */
export type Paint = (style: Style, text: string) => string;

/** Styles texts if the stream is a terminal with colours; otherwise leaves them plain. */
export function createPaint(stream: Writable & Partial<Pick<WriteStream, 'isTTY' | 'hasColors'>>): Paint {
  const hasColours = stream.isTTY && stream.hasColors?.();
  return (style, text) => (hasColours ? styleText(style, text, { validateStream: false }) : text);
}

const INDENT = '    ';

/** One step as lines of text: what happened, who hears whom, what was wrong. */
export function renderStep(report: StepReport, paint: Paint): string {
  const { number, action, note, rows, told, ended, errors, problems } = report;
  const heading = `${String(number).padStart(2)}. ${printable(sentence(action))}`;
  const news = [
    ...told.map(({ who, text }) => `${who} is told: "${text}"`),
    ...ended.filter(({ who }) => !isLeaving(action, who)).map(({ who, status }) => endOf(who, status)),
    ...errors
      .filter(({ expected }) => expected)
      .map(({ who, error }) => `${who}'s call fails with ${error.code}, as expected: ${error.message}`),
  ];
  return [
    paint('bold', heading) + (note === undefined ? '' : ` (${printable(note)})`),
    ...news.map((line) => INDENT + paint('yellow', printable(line))),
    renderMatrix(rows, paint),
    ...problems.map((problem) => INDENT + paint('red', printable(`WRONG: ${problem}`))),
    '',
  ].join('\n');
}

/** Who hears whom, as a table: a row for each listener, a column for each speaker. */
export function renderMatrix(given: readonly Row[], paint: Paint): string {
  if (given.length === 0) {
    return `${INDENT}Nobody is on the line.`;
  }
  const rows = given.map(({ who, voices, sounds }) => ({ who: printable(who), voices: voices.map(printable), sounds }));
  const speakers = rows.map(({ who }) => who);
  const hasSounds = rows.some(({ sounds }) => sounds.length > 0);
  const first = Math.max(...speakers.map((who) => who.length)) + ' hears'.length + 2;
  const widths = speakers.map((who) => Math.max(who.length, 3) + 2);
  const header = ''.padEnd(first) + speakers.map((who, index) => who.padEnd(widths[index] ?? 0)).join('');
  const lines = rows.map(({ who, voices, sounds }) => {
    const cells = speakers.map((speaker, index) => {
      const [style, text]: [Style, string] =
        speaker === who ? ['dim', '-'] : voices.includes(speaker) ? ['green', 'yes'] : ['dim', 'no'];
      return paint(style, text) + ''.padEnd((widths[index] ?? 0) - text.length);
    });
    return `${`${who} hears`.padEnd(first)}${cells.join('')}${sounds.join(', ')}`.trimEnd();
  });
  return [paint('dim', header + (hasSounds ? 'sounds' : '')).trimEnd(), ...lines]
    .map((line) => INDENT + line)
    .join('\n');
}

function sentence(action: StepReport['action']): string {
  switch (action.kind) {
    case 'call':
      return `${action.who} calls ${action.to}${action.keys === undefined ? '' : ` and presses ${action.keys}`}`;
    case 'callOut':
      return `The Space calls ${action.who} with ${action.to}${action.keys === undefined ? '' : `; ${action.who} presses ${action.keys}`}`;
    case 'hangUp':
      return `${action.who} hangs up${action.unreported ? ', and the server is not told' : ''}`;
    case 'press':
      return `${action.who} presses ${action.keys}`;
    case 'wait':
      return `${action.seconds} s pass`;
    case 'end':
      return 'After the last step, when everybody has hung up';
  }
}

function isLeaving(action: StepReport['action'], who: string): boolean {
  return action.kind === 'hangUp' && action.who === who;
}

function endOf(who: string, status: string): string {
  switch (status) {
    case 'no-answer':
    case 'busy':
      return `${who}'s call is rejected.`;
    case 'failed':
      return `${who}'s call fails.`;
    default:
      return `${who}'s call ends.`;
  }
}
