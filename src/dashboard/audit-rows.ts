import type { HeardMode, Mode } from '../rooms/mode';
import type { FeedStart } from '../rooms/room-storage';
import { type AuditRecord, type ModeRecord, readStays, type StayRecord } from '../supervision/trail';

/** A supervisor's stay as a row. */
export interface StayRow extends StayRecord {
  kind: 'stay';
  /** The loudest mode that the Space reported; `unknown` if it reported none. */
  reached: HeardMode;
  /** Whether they were heard otherwise for a part of the stay, or may have been heard by more people. */
  isPartial: boolean;
  /** Whether the Space has reported the latest requested mode, and that they coach the right call. */
  isConfirmed: boolean;
}

/** An action, a refusal, a lockout or a sign-in as a row. */
export interface LineRow {
  kind: 'line';
  record: AuditRecord;
}

/** A row of the audit page. */
export type AuditRow = StayRow | LineRow;

/** What rows to show; what is undefined excludes none. */
export interface RowFilter {
  /** The name of a supervisor or requester, or a masked number. */
  person?: string | undefined;
  room?: string | undefined;
  /** The name of an agent. */
  agent?: string | undefined;
  /** Stays in which the Space reported this mode at any time. */
  reached?: Mode | undefined;
  isConfirmed?: boolean | undefined;
  /** Rows that touch this time, or whose time is unknown; milliseconds since 1970, `until` exclusive. */
  from?: number | undefined;
  until?: number | undefined;
  /** Part of any name, number, room, reason or SID; case does not matter. */
  text?: string | undefined;
  /** A line as it is shown, in which `text` may be, too. */
  wordsOf?: (record: AuditRecord) => string;
}

/** A page of rows, in the order in which stays ended and lines were written. */
export interface RowPage {
  rows: AuditRow[];
  /** Of the next page; undefined at the end. */
  next: string | undefined;
}

/** A line of the feed with the position after it, as `readFacts` yields them. */
interface PositionedRecord {
  record: AuditRecord;
  position: string;
}

export interface RowPageOptions {
  read: (from: FeedStart) => AsyncIterable<PositionedRecord>;
  /** Where the first page begins, in milliseconds since 1970. */
  since: number;
  /** `next` of the page before; undefined for the first page. */
  cursor: string | undefined;
  filter: RowFilter;
  /** Whether the reader may see a line. Others count as read. */
  isMeant: (record: AuditRecord) => boolean;
  /** How many rows make a page full. */
  limit: number;
  /** How many lines are read at most, besides those from before `filter.from`. */
  maxLines: number;
  /** How many lines from before `filter.from` are read at most; more than half of `maxLines`. */
  maxEarlyLines: number;
}

/** Where to go on reading, and how many lines from there the pages before have shown. */
interface Cursor {
  from: FeedStart;
  seen: number;
}

/**
 * Reads a page of rows. A page with few rows, or none, may be followed by others.
 *
 * A page begins again at the first line of the stays that the page before did not see end, but at most half of `maxLines` back.
 * A stay that began earlier is shown as it was known then, and may be shown again when it ends. So that none is shown that
 * ended before `filter.from`, a page ends before it only after `maxEarlyLines`.
 *
 * @throws whatever `read` throws
 * @throws RangeError if the cursor is invalid
 */
export async function readRowPage(options: RowPageOptions): Promise<RowPage> {
  const { read, since, cursor, filter, isMeant, limit, maxLines, maxEarlyLines } = options;
  const maxSeen = Math.floor(maxLines / 2);
  const { from, seen } = cursor === undefined ? { from: { since }, seen: 0 } : parseCursor(cursor, maxSeen);
  const { from: wanted = Number.NEGATIVE_INFINITY } = filter;
  /** The lines about supervisors, each with the position before it. */
  const stayLines: { record: AuditRecord; index: number; before: FeedStart }[] = [];
  const rows: AuditRow[] = [];
  const unfinished: StayRecord[] = [];
  let lines = 0;
  let earlyLines = 0;
  let position = from;
  let end: 'feed' | 'page' | undefined;
  const add = (row: AuditRow) => {
    if (matchesRow(row, filter)) {
      rows.push(row);
    }
  };
  async function* records(): AsyncGenerator<AuditRecord> {
    for await (const { record, position: after } of read(from)) {
      if (isOfStay(record)) {
        stayLines.push({ record, index: lines, before: position });
      }
      position = { after };
      lines++;
      earlyLines += Date.parse(record.at) < wanted ? 1 : 0;
      if (isMeant(record)) {
        yield record;
        if (record.kind === 'action' && lines > seen) {
          add({ kind: 'line', record });
        }
      }
      const isFull = rows.length >= limit && lines > seen;
      if (isFull || lines - earlyLines >= maxLines || earlyLines >= maxEarlyLines) {
        end = 'page';
        return;
      }
    }
    end = 'feed';
  }
  for await (const stay of readStays(records())) {
    if (end !== undefined) {
      unfinished.push(stay);
    } else if (lines > seen) {
      add(toStayRow(stay));
    }
  }
  const earliest = end === 'feed' ? Number.POSITIVE_INFINITY : lines - maxSeen;
  let next: Cursor = { from: position, seen: 0 };
  for (const stay of unfinished) {
    const first = stayLines.find(({ record }) => isLineOf(record, stay));
    if (first === undefined || first.index < earliest) {
      add(toStayRow(stay));
    } else if (lines - first.index > next.seen) {
      next = { from: first.before, seen: lines - first.index };
    }
  }
  return { rows, next: end === 'feed' ? undefined : formatCursor(next) };
}

function isOfStay({ role, kind }: AuditRecord): boolean {
  return role === 'supervisor' && kind !== 'action';
}

/** Whether a line about a supervisor is about this stay. */
function isLineOf({ room, callSid, stay }: AuditRecord, about: StayRecord): boolean {
  return callSid === about.callSid && room === about.room && (stay === undefined || stay === about.stay);
}

function formatCursor({ from, seen }: Cursor): string {
  return 'after' in from ? `${seen}~after~${from.after}` : `${seen}~since~${from.since}`;
}

/** @throws RangeError */
function parseCursor(text: string, maxSeen: number): Cursor {
  const [, seen, kind, value = ''] = /^(\d{1,9})~(after|since)~([\w,.-]{1,320})$/.exec(text) ?? [];
  const from = kind === 'after' ? { after: value } : { since: Number(value) };
  if (seen === undefined || Number(seen) > maxSeen || ('since' in from && !Number.isFinite(from.since))) {
    throw new RangeError('The cursor is invalid.');
  }
  return { from, seen: Number(seen) };
}

const LOUDNESS: readonly HeardMode[] = ['unknown', 'monitor', 'coach', 'barge'];

/** A stay as a row. */
export function toStayRow(stay: StayRecord): StayRow {
  const loudnessOf = (mode: HeardMode = 'unknown') => LOUDNESS.indexOf(mode);
  const loudest = Math.max(0, ...stay.modes.map(({ heard }) => loudnessOf(heard)));
  const isOther = ({ heard = 'unknown', mode }: ModeRecord) =>
    heard === 'unknown' ? loudnessOf(mode) > loudest : loudnessOf(heard) !== loudest;
  return {
    ...stay,
    kind: 'stay',
    reached: LOUDNESS[loudest] ?? 'unknown',
    isPartial: loudest > 0 && stay.modes.some(isOther),
    isConfirmed: isConfirmed(stay.modes),
  };
}

/** `heard` of a request is the report before it, so a request is confirmed only if it changes nothing: to listen, again. */
function isConfirmed(modes: readonly ModeRecord[]): boolean {
  const isListening = (index: number) => modes[index]?.mode === 'monitor';
  return modes.reduce(
    (was, { confirmed, source }, index) =>
      confirmed === true && (source !== 'api' || (was && isListening(index) && isListening(index - 1))),
    false,
  );
}

/** Whether a filter includes a row. */
export function matchesRow(row: AuditRow, filter: RowFilter): boolean {
  const { person, room, agent, reached, isConfirmed, from = Number.NEGATIVE_INFINITY, text } = filter;
  const { until = Number.POSITIVE_INFINITY } = filter;
  const about = row.kind === 'stay' ? aboutStay(row) : aboutLine(row.record);
  const words = row.kind === 'stay' ? undefined : filter.wordsOf?.(row.record);
  const includes = (wanted: string | undefined, values: readonly (string | undefined)[]) =>
    wanted === undefined || values.some((value) => value !== undefined && isSameText(value, wanted));
  const isPart = (value: string | undefined) => value?.toLowerCase().includes(text?.toLowerCase() ?? '') === true;
  return (
    includes(person, about.persons) &&
    includes(room, [about.room]) &&
    includes(agent, about.agents) &&
    (reached === undefined || (row.kind === 'stay' && row.modes.some(({ heard }) => heard === reached))) &&
    (isConfirmed === undefined || (row.kind === 'stay' && row.isConfirmed === isConfirmed)) &&
    about.start < until &&
    about.end >= from &&
    (text === undefined || [words, about.room, ...about.persons, ...about.agents, ...about.others].some(isPart))
  );
}

function isSameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** What filters look at. `start` and `end`: milliseconds since 1970, or infinite. */
interface RowFacts {
  persons: readonly (string | undefined)[];
  agents: readonly (string | undefined)[];
  room: string | undefined;
  others: readonly (string | undefined)[];
  start: number;
  end: number;
}

function aboutStay(stay: StayRow): RowFacts {
  const { supervisor, number, room, moderator, modes, callSid, moderatorCallSid, callerCallSids, conferenceSid } = stay;
  const start = stay.start ?? modes[0]?.at ?? stay.end;
  return {
    persons: [supervisor, number],
    agents: [moderator, ...modes.map((one) => one.moderator)],
    room,
    others: [callSid, moderatorCallSid, ...callerCallSids, conferenceSid],
    start: start === undefined ? Number.NEGATIVE_INFINITY : Date.parse(start),
    end: stay.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(stay.end),
  };
}

function aboutLine(record: AuditRecord): RowFacts {
  const { at, kind, supervisor, number, room, by, moderator, action, status, reason } = record;
  const { callSid, conferenceSid, recordingSid, lockedOut, method, ip } = record;
  return {
    persons: [supervisor, number, by],
    agents: [moderator],
    room,
    others: [kind, action, status, reason, callSid, conferenceSid, recordingSid, lockedOut, method, ip],
    start: Date.parse(at),
    end: Date.parse(at),
  };
}

/**
 * The latest refusals and lockouts that a filter includes, oldest first.
 *
 * @param limit how many are kept at most
 */
export async function readRefusalRows(
  refusals: AsyncIterable<AuditRecord>,
  filter: RowFilter,
  limit: number,
): Promise<LineRow[]> {
  const rows: LineRow[] = [];
  for await (const record of refusals) {
    const row: LineRow = { kind: 'line', record };
    if (matchesRow(row, filter)) {
      rows.push(row);
    }
    if (rows.length > limit) {
      rows.shift();
    }
  }
  return rows;
}
