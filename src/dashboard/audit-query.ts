import { isPosition } from '../api/trail-reader';
import { parseMoment } from '../ops/instant';
import { MODES, type Mode } from '../rooms/mode';
import { parseRoomName } from '../rooms/room';
import type { RowFilter } from './audit-rows';

/** The fields of the form of the audit page. */
export const AUDIT_FIELDS = ['person', 'room', 'agent', 'reached', 'confirmed', 'from', 'until', 'text'] as const;

export type AuditField = (typeof AUDIT_FIELDS)[number];

/** The query of the audit page, parsed. */
export interface AuditQuery {
  filter: RowFilter;
  /** Where reading begins, in milliseconds since 1970. */
  since: number;
  /** `next` of the page before; undefined for the first page. */
  cursor: string | undefined;
  /** The form as it was filled in; `from` is always there, as a date and time in UTC. */
  form: Readonly<Partial<Record<AuditField, string>>>;
  /** The fields that could not be read, and `cursor`; nothing may be shown then. */
  wrong: readonly (AuditField | 'cursor')[];
}

/** How far back the page goes unless told otherwise, in milliseconds. */
const DAY_MS = 86_400_000;

const MAX_CHARACTERS = 100;

/** How many lines before the position of a cursor were shown, and the position. */
const CURSOR_FORM = /^[0-9]{1,5}~(?:after~(.+)|since~[0-9]{1,15})$/;

/**
 * Parses the query of the audit page. Empty fields, which forms send, count as missing.
 *
 * @param now milliseconds since 1970
 */
export function parseAuditQuery(query: Readonly<Record<string, unknown>>, now: number): AuditQuery {
  const wrong: (AuditField | 'cursor')[] = [];
  const textOf = (name: AuditField | 'cursor') => {
    const { [name]: given = '' } = query;
    const isLong = name !== 'cursor' && String(given).length > MAX_CHARACTERS;
    if (typeof given !== 'string' || isLong) {
      wrong.push(name);
      return undefined;
    }
    return given.trim() === '' ? undefined : given.trim();
  };
  /** @param parse returns undefined for what it does not take */
  const read = <T>(name: AuditField | 'cursor', parse: (text: string) => T | undefined): T | undefined => {
    const text = textOf(name);
    const value = text === undefined ? undefined : parse(text);
    if (text !== undefined && value === undefined) {
      wrong.push(name);
    }
    return value;
  };
  const moment = (text: string) => parseMoment(text, now);
  const since = read('from', moment) ?? now - DAY_MS;
  const filter: RowFilter = {
    person: textOf('person'),
    room: read('room', parseRoomName),
    agent: textOf('agent'),
    reached: read('reached', (text): Mode | undefined => MODES.find((mode) => mode === text)),
    isConfirmed: read('confirmed', (text) => (['yes', 'no'].includes(text) ? text === 'yes' : undefined)),
    from: since,
    until: read('until', moment),
    text: textOf('text'),
  };
  const cursor = read('cursor', (text) => (isCursor(text) ? text : undefined));
  const given = AUDIT_FIELDS.flatMap((name) => (typeof query[name] === 'string' ? [[name, query[name]] as const] : []));
  const times = {
    ...(!wrong.includes('from') && { from: toField(since) }),
    ...(filter.until !== undefined && { until: toField(filter.until) }),
  };
  return { filter, since, cursor, form: { ...Object.fromEntries(given), ...times }, wrong };
}

function isCursor(text: string): boolean {
  const [found, position] = CURSOR_FORM.exec(text) ?? [];
  return found !== undefined && (position === undefined || isPosition(position));
}

/** An instant as a field for date and time takes it, in UTC, to the second. @param ms since 1970 */
export function toField(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

/** The query of the address of an audit page that a flight recorder leads back to, without anything that is no part of it. */
export function auditSearchOf(query: string): string {
  const given = new URLSearchParams(query);
  const form = Object.fromEntries(AUDIT_FIELDS.map((name) => [name, given.get(name) ?? '']));
  const [, search = ''] = auditUrl('/audit', form, given.get('cursor') ?? undefined).split('?');
  return search;
}

/** The address of the audit page, or of its export, with these fields. */
export function auditUrl(path: '/audit' | '/audit.csv', form: AuditQuery['form'], cursor?: string): string {
  const fields = AUDIT_FIELDS.flatMap((name) => {
    const text = form[name];
    return text === undefined || text === '' ? [] : [[name, text]];
  });
  const query = new URLSearchParams([...fields, ...(cursor === undefined ? [] : [['cursor', cursor]])]).toString();
  return query === '' ? path : `${path}?${query}`;
}
