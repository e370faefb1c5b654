import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { askAboutMisspelling, MAX_AUDIT_DAYS } from '../config';
import { maskAddress, parseAddress } from '../people/address';
import { StoreError } from '../redis/store-error';
import { parseRoomName, ROOM_NAME_FORM } from '../rooms/room-name';
import { createRedisStore, waitForStore } from '../stores';
import { type AuditRecord, readStays, readTrail, type StayRecord } from '../supervision/trail';
import { CommandError, readSettings, runCommand } from './settings';

const USAGE = `npm run --silent audit -- [OPTIONS]

prints the audit trail in Redis, in the order in which it was written: who supervised whom, where, in which mode, from
when until when. The Redis is the server's, named in the environment or .env by REDIS_URL, REDIS_TLS_CA and
REDIS_TLS_VERIFY.

  --stays             one row for each stay of a supervisor, instead of a line for each fact
  --since WHEN        from then on: a date (2026-11-25), a date and time (2026-11-25T08:00:00Z), in UTC unless a zone is
                      given, or how long ago: 90m, 24h, 7d; everything that is kept if left out
  --until WHEN        before then, not at it; until now if left out
  --supervisor NAME   about this supervisor alone, by name or masked address
  --room ROOM         about this room alone
  --format FORMAT     csv, or jsonl, which is an object of JSON on each line; jsonl if left out
`;

/** How long the store may take to be there, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/** The columns of CSV, which are the names in JSON. */
const FACT_COLUMNS = [
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
  'reason',
  'lockedOut',
  'limit',
  'callSid',
  'stay',
  'moderatorCallSid',
  'callerCallSids',
  'conferenceSid',
  'source',
] as const satisfies readonly (keyof AuditRecord)[];

const STAY_COLUMNS = [
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

async function main(): Promise<void> {
  const options = readArguments();
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }
  const { redisUrls, redisTls, maxCallSeconds } = readSettings();
  if (redisUrls.length === 0) {
    throw new CommandError(
      `REDIS_URL is not set: the audit trail of a server without Redis is in its memory alone.${askAboutMisspelling('REDIS_URL', process.env)}`,
    );
  }
  const store = createRedisStore({
    urls: redisUrls,
    tls: redisTls,
    lifetimeMs: maxCallSeconds * 1000,
    // Everything that is still there.
    auditMs: MAX_AUDIT_DAYS * 86_400_000,
    timeoutMs: CONNECT_TIMEOUT_MS,
    onConnection: () => {},
    onUnreadable: ({ message }) => process.stderr.write(`audit: ${message}\n`),
  });
  try {
    await waitForStore(store, CONNECT_TIMEOUT_MS);
    const records = select(readTrail(store, options.since), options);
    const isCsv = options.format === 'csv';
    await (options.stays ? print(readStays(records), STAY_COLUMNS, isCsv) : print(records, FACT_COLUMNS, isCsv));
  } catch (error) {
    throw error instanceof StoreError ? new CommandError(`The audit trail cannot be read. ${error.message}`) : error;
  } finally {
    store.close();
  }
}

/** The lines that were asked for. */
async function* select(
  records: AsyncIterable<AuditRecord>,
  { until, supervisor, room }: { until: number; supervisor: string | undefined; room: string | undefined },
): AsyncGenerator<AuditRecord> {
  for await (const record of records) {
    const isMeant =
      Date.parse(record.at) < until &&
      (supervisor === undefined || record.supervisor === supervisor || record.number === supervisor) &&
      (room === undefined || record.room === room);
    if (isMeant) {
      yield record;
    }
  }
}

async function print<T>(records: AsyncIterable<T>, columns: readonly (keyof T & string)[], isCsv: boolean) {
  process.stdout.write(isCsv ? `${columns.join(',')}\r\n` : '');
  let isEmpty = true;
  for await (const record of records) {
    isEmpty = false;
    if (!process.stdout.write(isCsv ? toCsv(record, columns) : toJson(record, columns))) {
      await once(process.stdout, 'drain');
    }
  }
  if (isEmpty) {
    process.stderr.write('audit: no line matches.\n');
  }
}

function toJson<T>(record: T, columns: readonly (keyof T)[]): string {
  return `${JSON.stringify(Object.fromEntries(columns.map((name) => [name, record[name]])))}\n`;
}

/** A line of CSV as RFC 4180 has it. */
function toCsv<T>(record: T, columns: readonly (keyof T)[]): string {
  const cells = columns.map((name) => cellOf(record[name]));
  return `${cells.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',')}\r\n`;
}

/** Lists are separated by `; `, and what has parts by slashes: `coach/coach/2026-11-25T08:00:00.000Z/Alice/alice-1`. */
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

function readArguments() {
  const { since: from, until: to, format = 'jsonl', ...rest } = parseOptions();
  if (format !== 'csv' && format !== 'jsonl') {
    throw new CommandError('--format must be csv or jsonl.');
  }
  const { room, supervisor } = rest;
  if (room !== undefined && parseRoomName(room) === undefined) {
    throw new CommandError(`--room must be ${ROOM_NAME_FORM}.`);
  }
  // The trail has no full numbers.
  const address = parseAddress(supervisor?.replace(/^(?=[0-9]+$)/, '+'));
  if (address !== undefined) {
    throw new CommandError(`--supervisor takes a name or a masked address, such as ${maskAddress(address)}.`);
  }
  const since = from === undefined ? 0 : readMoment('--since', from);
  const until = to === undefined ? Number.POSITIVE_INFINITY : readMoment('--until', to);
  if (since >= until) {
    throw new CommandError('--since must be before --until.');
  }
  return { ...rest, format, since, until };
}

function parseOptions() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({
      options: { stays: flag, since: text, until: text, supervisor: text, room: text, format: text, help: flag },
    });
    const { supervisor, room } = values;
    return { ...values, supervisor, room };
  } catch (error) {
    const [what] = (error as Error).message.split(/\.\s/);
    throw new CommandError(`${what}. --help tells what there is.`);
  }
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since 1970. */
function readMoment(option: string, text: string): number {
  const [, count, unit = ''] = /^([0-9]{1,6})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) {
    return Date.now() - Number(count) * (UNITS[unit] ?? 0);
  }
  const [, day, time = 'T00:00', zone = 'Z'] =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$/.exec(
      text,
    ) ?? [];
  const moment = day === undefined ? Number.NaN : Date.parse(day + time + zone);
  if (Number.isNaN(moment)) {
    throw new CommandError(
      `${option} must be a date such as 2026-11-25 or 2026-11-25T08:00:00Z, or 90m, 24h or 7d ago.`,
    );
  }
  return moment;
}

runCommand('audit', main);
