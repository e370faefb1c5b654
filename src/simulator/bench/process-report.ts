import { createBenchClient } from './client';
import { medianOf, writeFigure } from './output';
import { encodeKind, startOurs } from './requests';

const STARTS = 5;
const MAX_START_MS = 600;
const CALLS = 100_000;
const MAX_MEMORY_MB = 130;
/** By how much memory may grow during the second half of the calls and still count as flat. */
const MAX_GROWTH_MB = 5;
/** How many requests are prepared at once. */
const BATCH = 1_000;

/** Prints how long our server takes to start. Returns whether the target was met. */
export async function reportStart(redisUrl: string): Promise<boolean> {
  const times: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const server = await startOurs(redisUrl);
    times.push(server.startMs);
    await server.stop();
  }
  const ms = medianOf(times);
  return writeFigure('ready after', `${ms.toFixed(0)} ms`, `≤ ${MAX_START_MS} ms`, ms <= MAX_START_MS);
}

/**
 * Prints the memory of our server after 100,000 calls, and after as many again. Every four calls (an agent, two callers and
 * a supervisor) have a room of their own.
 *
 * @returns whether the targets were met
 */
export async function reportMemory(redisUrl: string): Promise<boolean> {
  const server = await startOurs(redisUrl);
  const client = await createBenchClient(server.port, 8);
  const after: number[] = [];
  for (let first = 0; first < 2 * CALLS; first += BATCH) {
    for (const kind of ['moderator', 'caller', '/coach'] as const) {
      await client.send(requestsOf(kind, first));
    }
    if ((first + BATCH) % CALLS === 0) {
      after.push((await server.ask('memory')) / 2 ** 20);
    }
  }
  client.close();
  await server.stop();
  const [half = Number.NaN, all = Number.NaN] = after;
  const mb = (amount: number) => `${amount.toFixed(0)} MB`;
  return [
    writeFigure(
      `memory after ${CALLS.toLocaleString('en')} calls`,
      mb(half),
      `≤ ${MAX_MEMORY_MB} MB`,
      half <= MAX_MEMORY_MB,
    ),
    writeFigure(
      '  and after as many again',
      `+${mb(all - half)}`,
      `≤ ${MAX_GROWTH_MB} MB`,
      all - half <= MAX_GROWTH_MB,
    ),
  ].every(Boolean);
}

/** The requests of a kind among this many calls. */
function requestsOf(kind: 'moderator' | 'caller' | '/coach', first: number): Buffer[] {
  return Array.from({ length: BATCH / 4 }, (_, index) => first / 4 + index).flatMap((number) => {
    const calls = kind === 'caller' ? ['first', 'second'] : ['only'];
    return calls.map((which) => encodeKind(kind, { room: `room-${number}`, id: `${which}-${number}` }));
  });
}
