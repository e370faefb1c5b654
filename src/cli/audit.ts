import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { MOMENT_FORM, parseMoment } from '../ops/instant';
import { UserError } from '../ops/user-error';
import { maskAddress, parseAddress } from '../people/address';
import { StoreError } from '../redis/store-error';
import { parseRoomName, ROOM_NAME_FORM } from '../rooms/room';
import { askAboutMisspelling } from '../settings/checks';
import { MAX_AUDIT_DAYS } from '../settings/table';
import { createRedisStore, waitForStore } from '../stores';
import { type AuditRecord, readStays, readTrail } from '../supervision/trail';
import { csvHeader, csvLine, FACT_COLUMNS, STAY_COLUMNS } from '../supervision/trail-csv';
import { type CommandContext, parseCommandLine, runSettingsCommand } from './run-command';
import { readSettings } from './settings';

const USAGE = `npm run --silent audit -- [OPTIONS]

Prints the audit trail: who supervised whom, in which room and mode, from when to when, in the order it was written. Reads
it from the server's Redis; set REDIS_URL, REDIS_TLS_CA and REDIS_TLS_VERIFY in the environment or .env as for the server.

  --stays             one row for each stay of a supervisor, instead of one line for each fact
  --since WHEN        a date (2026-11-25), a date and time (2026-11-25T08:00:00Z; UTC unless you give a zone), or how long
                      ago (90m, 24h, 7d); by default, everything that is kept
  --until WHEN        before this date or time; by default, until now
  --supervisor NAME   only this supervisor, by name or masked address
  --room ROOM         only this room
  --format FORMAT     csv or jsonl (a JSON object on each line); jsonl by default
`;

/** Deadline for the connection to Redis. */
const CONNECT_TIMEOUT_MS = 5_000;

/** `npm run audit`. @throws UserError */
export async function audit({ args, env, stdout, stderr }: CommandContext): Promise<void> {
  const options = parseOptions(args);
  if (options.help) {
    stdout.write(USAGE);
    return;
  }
  const { redisUrls, redisTls, maxCallSeconds } = readSettings(env);
  if (redisUrls.length === 0) {
    throw new UserError([
      `REDIS_URL is not set: without Redis, the audit trail is only in the server's memory. Read it with GET /api/v1/audit.${askAboutMisspelling('REDIS_URL', env)}`,
    ]);
  }
  const store = createRedisStore({
    urls: redisUrls,
    tls: redisTls,
    lifetimeMs: maxCallSeconds * 1000,
    // Everything that is kept.
    auditMs: MAX_AUDIT_DAYS * 86_400_000,
    timeoutMs: CONNECT_TIMEOUT_MS,
    onConnection: () => {},
    onUnreadable: ({ message }) => stderr.write(`audit: ${message}\n`),
  });
  try {
    await waitForStore(store, CONNECT_TIMEOUT_MS);
    const records = select(readTrail(store, options.since), options);
    const isCsv = options.format === 'csv';
    const count = await (options.stays
      ? print(stdout, readStays(records), STAY_COLUMNS, isCsv)
      : print(stdout, records, FACT_COLUMNS, isCsv));
    if (count === 0) {
      stderr.write('audit: No records match.\n');
    }
  } catch (error) {
    throw error instanceof StoreError ? new UserError([`Cannot read the audit trail. ${error.message}`]) : error;
  } finally {
    store.close();
  }
}

/** The records that match the options. */
async function* select(
  records: AsyncIterable<AuditRecord>,
  { until, supervisor, room }: { until: number; supervisor?: string; room?: string },
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

/** Returns the number of records. */
async function print<T>(
  stdout: Writable,
  records: AsyncIterable<T>,
  columns: readonly (keyof T & string)[],
  isCsv: boolean,
): Promise<number> {
  stdout.write(isCsv ? csvHeader(columns) : '');
  let count = 0;
  for await (const record of records) {
    count++;
    if (!stdout.write(isCsv ? csvLine(record, columns) : toJson(record, columns))) {
      await once(stdout, 'drain');
    }
  }
  return count;
}

function toJson<T>(record: T, columns: readonly (keyof T)[]): string {
  return `${JSON.stringify(Object.fromEntries(columns.map((name) => [name, record[name]])))}\n`;
}

function parseOptions(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const {
    since: from,
    until: to,
    format = 'jsonl',
    ...rest
  } = parseCommandLine({
    args,
    options: { stays: flag, since: text, until: text, supervisor: text, room: text, format: text, help: flag },
  });
  if (format !== 'csv' && format !== 'jsonl') {
    throw new UserError(['--format must be csv or jsonl.']);
  }
  const { room, supervisor } = rest;
  if (room !== undefined && parseRoomName(room) === undefined) {
    throw new UserError([`--room must be ${ROOM_NAME_FORM}.`]);
  }
  // The trail holds masked numbers only.
  const address = parseAddress(supervisor?.replace(/^(?=[0-9]+$)/, '+'));
  if (address !== undefined) {
    throw new UserError([`--supervisor takes a name or a masked address, such as ${maskAddress(address)}.`]);
  }
  const since = from === undefined ? 0 : momentOf('--since', from);
  const until = to === undefined ? Number.POSITIVE_INFINITY : momentOf('--until', to);
  if (since >= until) {
    throw new UserError(['--since must be before --until.']);
  }
  return { ...rest, format, since, until };
}

/** Milliseconds since 1970. */
function momentOf(option: string, text: string): number {
  const moment = parseMoment(text, Date.now());
  if (moment === undefined) {
    throw new UserError([`${option} must be ${MOMENT_FORM}.`]);
  }
  return moment;
}

if (require.main === module) {
  runSettingsCommand('audit', audit);
}
