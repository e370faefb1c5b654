import type { AuditRecord, StayRecord } from './trail';

/** The columns of lines; JSON has the same names. */
export const FACT_COLUMNS = [
  'at',
  'kind',
  'role',
  'supervisor',
  'number',
  'room',
  'mode',
  'heard',
  'confirmed',
  'moderator',
  'since',
  'until',
  'action',
  'by',
  'status',
  'reason',
  'lockedOut',
  'limit',
  'method',
  'ip',
  'callSid',
  'stay',
  'moderatorCallSid',
  'callerCallSids',
  'conferenceSid',
  'recordingSid',
  'source',
] as const satisfies readonly (keyof AuditRecord)[];

/** The columns of stays; JSON has the same names. */
export const STAY_COLUMNS = [
  'supervisor',
  'number',
  'room',
  'moderator',
  'start',
  'end',
  'duration',
  'modes',
  'startKnown',
  'endKnown',
  'callSid',
  'stay',
  'moderatorCallSid',
  'callerCallSids',
  'conferenceSid',
] as const satisfies readonly (keyof StayRecord)[];

/** The first line of CSV. */
export function csvHeader(columns: readonly string[]): string {
  return `${columns.join(',')}\r\n`;
}

/** A line of CSV (RFC 4180). A spreadsheet takes no cell for a formula: one that would be has an apostrophe before it. */
export function csvLine<T>(record: T, columns: readonly (keyof T)[]): string {
  const cells = columns.map((name) => withoutFormula(cellOf(record[name])));
  return `${cells.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',')}\r\n`;
}

/** Spreadsheets evaluate cells that begin so, and some skip white space first. */
function withoutFormula(text: string): string {
  return /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(text) ? `'${text}` : text;
}

/** Lists are joined by `; `, a mode's parts by slashes: `coach/coach/2026-11-25T08:00:00.000Z/Alice/alice-1`. */
function cellOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map(cellOf).join('; ');
  }
  if (typeof value === 'object' && value !== null) {
    const { mode, heard, at, moderator, moderatorCallSid } = value as StayRecord['modes'][number];
    return [mode, heard, at, moderator, moderatorCallSid].map(cellOf).join('/');
  }
  return String(value ?? '');
}
