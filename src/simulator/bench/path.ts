import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createBenchClient } from './client';
import { write } from './output';
import type { Passed, PathReport } from './path-probe';
import { startRedis } from './processes';
import { encodeKind, fillRooms, type Kind, startOurs } from './requests';

const DIST = join(__dirname, '../..');

/** The most files and functions that a request may pass through before its answer. */
const PATHS: readonly { kind: Kind; path: string; files: number; functions: number }[] = [
  { kind: '/coach', path: '/coach/:room', files: 17, functions: 45 },
  { kind: 'caller', path: '/conference/:room, a caller', files: 12, functions: 25 },
];

/** By then, the follow-up has run. */
const FOLLOW_UP_MS = 200;
/** Timers run at any time, so only functions that all of these requests pass through count. */
const REQUESTS = 5;

/** `npm run path`: how many of our files and functions one request passes through, in a server as in production. */
async function main(): Promise<void> {
  const { list } = parseArgs({ options: { list: { type: 'boolean', default: false } } }).values;
  const redis = await startRedis();
  await fillRooms(redis.url, ['sales', ...Array.from({ length: REQUESTS }, (_, index) => `room-${index}`)]);
  const server = await startOurs(redis.url, 'path-probe.js');
  const client = await createBenchClient(server.port, 1);
  for (const { kind, path, files, functions } of PATHS) {
    await client.send(Array.from({ length: 20 }, () => encodeKind(kind, { room: 'sales', id: 'warm-up' })));
    const reports: PathReport[] = [];
    for (let index = 0; index < REQUESTS; index++) {
      await server.tell('watch');
      await client.send([encodeKind(kind, { room: `room-${index}`, id: index })]);
      await sleep(FOLLOW_UP_MS);
      reports.push((await server.tell('report')) as PathReport);
    }
    const untilAnswer = commonTo(reports.map((report) => report.untilAnswer));
    const afterwards = commonTo(reports.map((report) => report.afterwards));
    const counts = countsOf(untilAnswer);
    const verdict = counts.files <= files && counts.functions <= functions ? 'met' : 'missed';
    write(`${path}: ${counts.files} files, ${counts.functions} functions until the answer`);
    write(`  target: ${files} files, ${functions} functions: ${verdict}`);
    writeList(untilAnswer, list);
    const after = countsOf(afterwards);
    write(`  afterwards: ${after.files} files, ${after.functions} functions`);
    writeList(afterwards, list);
  }
  client.close();
  await server.stop();
  await redis.stop();
}

/** Our functions, by file, that are in all of these lists. */
function commonTo(lists: readonly (readonly Passed[])[]): Map<string, string[]> {
  const sets = lists.map((passed) => {
    const ours = passed.filter(({ url }) => url.startsWith('file:') && isOurs(fileURLToPath(url)));
    return new Map(
      ours.flatMap(({ url, functions }) =>
        functions.map(({ name, offset }) => [`${url} ${offset}`, { file: fileURLToPath(url), name, offset }] as const),
      ),
    );
  });
  const [first, ...others] = sets;
  const byFile = new Map<string, string[]>();
  for (const [key, { file, name, offset }] of first ?? []) {
    if (others.every((set) => set.has(key))) {
      const { source, line } = placeOf(file, offset);
      byFile.set(source, [...(byFile.get(source) ?? []), `${name || '(anonymous)'}:${line}`]);
    }
  }
  return new Map([...byFile].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function isOurs(file: string): boolean {
  return file.startsWith(DIST) && !file.startsWith(join(DIST, 'simulator'));
}

/** The place of a function in the source. */
function placeOf(file: string, offset: number): { source: string; line: number } {
  const before = readFileSync(file, 'utf8').slice(0, offset).split('\n');
  const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  const entry = map.findEntry(before.length - 1, before.at(-1)?.length ?? 0) as { originalLine?: number };
  const source = relative(DIST, file).replace(/\.js$/, '.ts');
  return { source, line: (entry.originalLine ?? -1) + 1 };
}

function countsOf(byFile: ReadonlyMap<string, readonly string[]>) {
  return { files: byFile.size, functions: [...byFile.values()].flat().length };
}

function writeList(byFile: ReadonlyMap<string, readonly string[]>, isWanted: boolean): void {
  for (const [file, functions] of isWanted ? byFile : []) {
    write(`    ${file.padEnd(36)} ${functions.join(', ')}`);
  }
}

main().catch((error) => {
  process.stderr.write(`path: ${error.message}\n`);
  process.exit(1);
});
