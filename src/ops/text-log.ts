import { styleText } from 'node:util';
import type { DestinationStream } from 'pino';
import { printable } from './printable';

/** The fields of a logged error. */
interface LoggedError {
  type: string;
  message: string;
  code?: unknown;
  stack?: string;
  cause?: LoggedError;
}

/** A line of the log, as {@link createLog} writes it. `err` is anything that was thrown. */
interface LogLine {
  level: string;
  time: string;
  msg?: string;
  err?: LoggedError | string | number | boolean | null;
  [field: string]: unknown;
}

type Style = 'dim' | 'yellow' | 'red';

const STYLES: Readonly<Record<string, Style>> = {
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
  debug: 'dim',
  trace: 'dim',
};

/**
 * Turns lines of JSON into lines for people: the time of day, the level unless it is `info`, the sentence, the fields. An
 * error's stack follows, indented.
 *
 * @param destination for the text
 * @param options.hasColours whether the destination shows them
 */
export function createTextLog(
  destination: DestinationStream,
  { hasColours }: { hasColours: boolean },
): DestinationStream {
  const paint = (style: Style | undefined, text: string) =>
    hasColours && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
  return {
    write(json) {
      const { level, time, msg = '', err, ...fields } = JSON.parse(json) as LogLine;
      const sentence = level === 'info' ? msg : `${level.toUpperCase()} ${msg}`;
      const details = [
        ...Object.entries(fields).map(([name, value]) => `${name}=${formatValue(value)}`),
        ...(err === undefined ? [] : [formatError(err)]),
      ].join(' ');
      const parts = [
        paint('dim', new Date(time).toLocaleTimeString('en-GB')),
        paint(STYLES[level], printable(sentence)),
        ...(details === '' ? [] : [paint('dim', printable(details))]),
      ];
      destination.write([parts.join(' '), ...framesOf(err), ''].join('\n'));
    },
  };
}

function formatValue(value: unknown): string {
  const isList = Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');
  const text = isList ? value.join(',') : value;
  return typeof text === 'string' && /^[^\s"=]+$/.test(text) ? text : JSON.stringify(value);
}

function formatError(err: NonNullable<LogLine['err']> | null): string {
  if (err === null || typeof err !== 'object') {
    return JSON.stringify(err);
  }
  const { type, message, code, cause } = err;
  const because = cause === undefined ? '' : `, because of ${formatError(cause)}`;
  return `${type}: ${message}${code === undefined ? '' : ` (${code})`}${because}`;
}

/** The frames of a stack, indented. The lines before them repeat the message. */
function framesOf(err: LogLine['err']): string[] {
  const stack = typeof err === 'object' ? (err?.stack ?? '') : '';
  return stack
    .split('\n')
    .filter((line) => /^ +at /.test(line))
    .map(printable);
}
