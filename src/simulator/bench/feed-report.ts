import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecret, hashSecret } from '../../people/tokens';
import { formatTokens } from '../../people/tokens-file';
import { createBenchClient } from './client';
import { openFeeds } from './feed-client';
import { write, writeFigure } from './output';
import { encodeHold, fillRooms, startOurs } from './requests';

const STREAMS = 1_000;
/** Each may have 250 streams. */
const TOKENS = 4;
const CHANGES_PER_SECOND = 100;
const SECONDS = 20;
/** A room changes every two seconds, so an event tells which change it is. */
const ROOMS = 200;
/** Callbacks in progress at once. */
const CONNECTIONS = 8;
/** Of so many streams, one is measured. */
const EVERY = 10;
/** Not measured: V8 compiles. */
const WARM_UP_SECONDS = 3;
const MAX_P95_MS = 250;

/**
 * Prints the time from a callback to its event, with 1,000 streams and 100 changes a second. Callbacks are sent when they are
 * due, whether or not earlier ones were answered, and count from then.
 *
 * @returns whether the target was met
 */
export async function reportFeed(redisUrl: string): Promise<boolean> {
  const rooms = Array.from({ length: ROOMS }, (_, index) => `room-${index}`);
  await fillRooms(redisUrl, rooms);
  const folder = await mkdtemp(join(tmpdir(), 'conference-coach-feed-'));
  const secrets = await writeTokens(folder);
  const server = await startOurs(redisUrl, 'probe.js', {
    ROSTER_FILE: join(folder, 'roster.json'),
    MAX_CONNECTIONS_PER_ADDRESS: String(2 * STREAMS),
  });
  const memoryBefore = await server.ask('memory');
  const dueAt = new Map<string, number>();
  const delays: number[] = [];
  let isMeasuring = false;
  const heads = secrets.map(
    (secret) => `GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${secret}`,
  );
  const streams = await openFeeds(server.port, heads, {
    streams: STREAMS,
    every: EVERY,
    onEvents(text) {
      if (isMeasuring) {
        const now = performance.now();
        for (const [, room = ''] of text.matchAll(/^data: \{"room":"([^"]+)"/gm)) {
          const due = dueAt.get(room);
          if (due !== undefined) {
            delays.push(now - due);
          }
        }
      }
    },
  });
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => createBenchClient(server.port, 1)));
  const sending = clients.map(() => Promise.resolve());
  let sent = 0;
  const send = async (seconds: number) => {
    const since = performance.now();
    for (let index = 0; index < seconds * CHANGES_PER_SECOND; index++) {
      const due = since + (index * 1_000) / CHANGES_PER_SECOND;
      await sleep(Math.max(0, due - performance.now()));
      const room = rooms[sent % ROOMS] as string;
      const request = encodeHold(room, Math.floor(sent / ROOMS) % 2 === 0);
      const turn = sent++ % CONNECTIONS;
      dueAt.set(room, due);
      sending[turn] = (sending[turn] as Promise<void>).then(async () => void (await clients[turn]?.send([request])));
    }
    await Promise.all(sending);
    // Events of the last changes.
    await sleep(1_000);
  };
  await send(WARM_UP_SECONDS);
  dueAt.clear();
  isMeasuring = true;
  const [bytesBefore, cpuBefore] = [streams.bytes, await server.ask('cpu')];
  await send(SECONDS);
  const cpuMs = ((await server.ask('cpu')) - cpuBefore) / 1_000;
  const megabytes = (streams.bytes - bytesBefore) / 1e6;
  const memory = await server.ask('memory');
  const { ended } = streams;
  for (const client of [...clients, streams]) {
    client.close();
  }
  await server.stop();
  await rm(folder, { recursive: true });

  const sorted = delays.toSorted((one, other) => one - other);
  const share = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
  const expected = (SECONDS * CHANGES_PER_SECOND * STREAMS) / EVERY;
  const late = sorted.filter((delay) => delay > MAX_P95_MS).length;
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  write(`${STREAMS} feeds, ${CHANGES_PER_SECOND} changes a second for ${SECONDS} s; 1 of ${EVERY} feeds is measured`);
  write(
    `  from callback to event: p50 ${share(0.5).toFixed(0)} ms, p95 ${share(0.95).toFixed(0)}, longest ${share(1).toFixed(0)}`,
  );
  write(`  ${sorted.length} of ${expected} events, ${late} after more than ${MAX_P95_MS} ms; ${ended} feeds ended`);
  write(`  sent ${megabytes.toFixed(0)} MB`);
  write(
    `  server: ${((cpuMs / (SECONDS + 1) / 1_000) * 100).toFixed(0)}% of a core; resident ${mib(memoryBefore)} → ${mib(memory)}`,
  );
  const isComplete = sorted.length === expected && ended === 0;
  return writeFigure(
    'p95 from callback to event',
    `${share(0.95).toFixed(0)} ms`,
    `${MAX_P95_MS} ms`,
    isComplete && share(0.95) <= MAX_P95_MS,
  );
}

/** Writes a roster, and tokens that may see every room; returns their secrets. */
async function writeTokens(folder: string): Promise<string[]> {
  const secrets = Array.from({ length: TOKENS }, createSecret);
  const rights = { rights: new Set(['see'] as const), rooms: 'all', created: Date.now(), expires: undefined } as const;
  await writeFile(join(folder, 'roster.json'), '{}');
  await writeFile(
    join(folder, 'tokens.json'),
    formatTokens(secrets.map((secret, index) => ({ ...rights, name: `bench-${index}`, hash: hashSecret(secret) }))),
  );
  return secrets;
}
