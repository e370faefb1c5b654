import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { askAboutMisspelling } from '../config';
import { createRedisStore, type Store, waitForStore } from '../store/store';
import { StoreError } from '../store/store-error';
import type { AuditRecord } from '../supervision/audit';
import { CommandError, readSettings, runCommand } from './settings';

const USAGE = `npm run --silent audit -- [--since WHEN] [--format csv|jsonl]

prints the audit trail in Redis, in the order in which it was written: who supervised whom, where, in which mode, from when until when. The
Redis is the server's, named in the environment or .env by REDIS_URL, REDIS_TLS_CA and REDIS_TLS_VERIFY.

  --since WHEN      a date (2026-11-25), a date and time (2026-11-25T08:00:00Z), in UTC unless a zone is given, or how long
                    ago: 90m, 24h, 7d; everything that is kept if left out
  --format FORMAT   csv, or jsonl, which is an object of JSON on each line; jsonl if left out
`;

/** How long the store may take to be there, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/** The columns of CSV, which are the names in JSON. */
const COLUMNS = [
  'at',
  'kind',
  'supervisor',
  'number',
  'room',
  'mode',
  'moderator',
  'since',
  'until',
  'confirmed',
  'heardAs',
  'reason',
  'lockedOut',
  'limit',
  'callSid',
  'moderatorCallSid',
] as const satisfies readonly (keyof AuditRecord)[];

async function main(): Promise<void> {
  const options = readArguments();
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }
  const { since, format } = options;
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
    timeoutMs: CONNECT_TIMEOUT_MS,
    onConnection: () => {},
  });
  try {
    await waitForStore(store, CONNECT_TIMEOUT_MS);
    await print(store, since, format === 'csv' ? toCsv : toJson, format === 'csv' ? `${COLUMNS.join(',')}\r\n` : '');
  } catch (error) {
    throw error instanceof StoreError ? new CommandError(`The audit trail cannot be read. ${error.message}`) : error;
  } finally {
    store.close();
  }
}

async function print(
  store: Store,
  since: number,
  write: (record: AuditRecord) => string,
  header: string,
): Promise<void> {
  process.stdout.write(header);
  for await (const record of store.supervision.read(since)) {
    if (!process.stdout.write(write(record))) {
      await once(process.stdout, 'drain');
    }
  }
}

function toJson(record: AuditRecord): string {
  return `${JSON.stringify(Object.fromEntries(COLUMNS.map((name) => [name, record[name]])))}\n`;
}

/** A line of CSV as RFC 4180 has it. */
function toCsv(record: AuditRecord): string {
  const cells = COLUMNS.map((name) => String(record[name] ?? ''));
  return `${cells.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',')}\r\n`;
}

function readArguments() {
  const { since, format = 'jsonl', help } = parseOptions();
  if (format !== 'csv' && format !== 'jsonl') {
    throw new CommandError('--format must be csv or jsonl.');
  }
  return { format, help, since: since === undefined ? 0 : readMoment(since) };
}

function parseOptions() {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ options: { since: text, format: text, help: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    const [what] = (error as Error).message.split(/\.\s/);
    throw new CommandError(`${what}. --help tells what there is.`);
  }
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since 1970. */
function readMoment(text: string): number {
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
    throw new CommandError('--since must be a date such as 2026-11-25 or 2026-11-25T08:00:00Z, or 90m, 24h or 7d ago.');
  }
  return moment;
}

runCommand('audit', main);
