import { readStream } from '../redis/read-stream';
import type { RedisConnection } from '../redis/redis-connection';
import type { StoreError } from '../redis/store-error';
import type { Fact } from './fact';
import type { FeedLine, FeedStart } from './room-storage';

/** The greatest second part of a stream's ID. */
const MAX_SEQUENCE = '18446744073709551615';

/**
 * Reads streams of facts, merged by when the lines were written; nothing older than `keepMs`. A position holds one ID for
 * each stream. Lines that cannot be read are skipped.
 *
 * @throws StoreError
 */
export async function* readFeeds(
  redis: RedisConnection,
  keys: readonly string[],
  { from, keepMs, onUnreadable }: { from: FeedStart; keepMs: number; onUnreadable: (error: StoreError) => void },
): AsyncGenerator<FeedLine> {
  const oldest = Date.now() - keepMs;
  const starts = 'after' in from ? from.after.split(',') : keys.map(() => positionBefore(from.since));
  const position = starts.map((start) => (millisecondsOf(start) < oldest ? positionBefore(oldest) : start));
  const sources = keys.map((key, index) =>
    readStream<Fact>(redis, { key, from: `(${position[index] ?? '0'}`, isRecord: isFact, onUnreadable }),
  );
  const heads = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    let first: { index: number; id: string; fact: Fact } | undefined;
    for (const [index, { value }] of heads.entries()) {
      if (value !== undefined && (first === undefined || millisecondsOf(value.id) < millisecondsOf(first.id))) {
        first = { index, id: value.id, fact: value.record };
      }
    }
    if (first === undefined) {
      return;
    }
    position[first.index] = first.id;
    yield { fact: first.fact, position: position.join(',') };
    heads[first.index] = (await sources[first.index]?.next()) ?? { done: true, value: undefined };
  }
}

/** The last position before an instant. A line is written after its event, so no later event is before this position. */
function positionBefore(since: number): string {
  return `${Math.max(0, Math.floor(since) - 1)}-${MAX_SEQUENCE}`;
}

function millisecondsOf(id: string): number {
  return Number.parseInt(id, 10);
}

/** Whether a line of the feed is a fact whose dates are dates. Only an action may concern the whole room. */
function isFact({ kind, role, callSid, at, since }: Readonly<Record<string, unknown>>): boolean {
  const isComplete = kind === 'action' || [kind, role, callSid].every((text) => typeof text === 'string');
  return isComplete && isMoment(at) && isMoment(since ?? 0);
}

function isMoment(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime());
}
