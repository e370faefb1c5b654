import type { Logger } from 'pino';
import { groupBy } from '../ops/group-by';
import { inParallel } from '../ops/in-parallel';
import { putLast } from '../ops/put-last';
import { StoreError } from '../redis/store-error';
import type { RoomName, RoomState } from '../rooms/room';
import { entryOf } from '../rooms/room-entry';
import type { RoomStore } from '../rooms/room-store';
import { formatEvent, formatRetry } from './server-sent-events';

/** A reader of the feed. */
export interface FeedReader {
  /** Whose stream it is, such as `token wallboard`. */
  owner: string;
  /** The rooms they may see; must not change. */
  rooms: ReadonlySet<RoomName> | 'all';
  /** Asked at each heartbeat; false ends the stream. */
  isStillAllowed(): boolean;
}

/** Where a reader's stream is written; a response is one. */
export interface FeedOutput {
  /** Bytes that wait to be sent. */
  readonly writableLength: number;
  write(chunk: Uint8Array): unknown;
  end(): unknown;
  destroy(): unknown;
}

/**
 * Sends the changes of rooms to readers, as Server-Sent Events:
 *
 * - `snapshot` `{"rooms":[…]}`: every live room; replaces what the reader knows
 * - `room` `{…}`: a room as it is now; one without participants if it has become empty
 * - `store` `{"store":"away"}` or `"ok"`: changes may be missing until it is back
 * - `heartbeat` `{"at":"…","store":"ok"}`
 */
export interface LiveFeed {
  /**
   * Starts a stream: with the rooms changed since `lastEventId`, and perhaps others; or with a snapshot if that is missing
   * or too old, or too many readers come back at once. After `close`, ends it at once.
   *
   * @param lastEventId as the reader sent it
   * @returns stops sending; call it when the output was closed
   */
  subscribe(reader: FeedReader, lastEventId: string | undefined, out: FeedOutput): () => void;
  readonly readers: number;
  /** How many streams this owner has now. */
  readersOf(owner: string): number;
  /** How many times a batch was sent to a reader with a change that may be older than {@link LATE_MS}. */
  readonly lateSends: number;
  /** How many readers were disconnected because they fell behind. */
  readonly dropped: number;
  /**
   * Ends every stream at once. Resolves when the store is not being asked any more.
   *
   * @param retryMs when a reader comes back, in milliseconds; called for each, so that they need not come together
   */
  close(retryMs: () => number): Promise<void>;
}

export interface LiveFeedOptions {
  store: Pick<RoomStore, 'changes' | 'read' | 'list'>;
  /** A room as readers see it, to be sent as JSON, perhaps some time later. */
  render: (state: RoomState) => object;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  log: Logger;
  /** How often changes are read and sent, in milliseconds. */
  batchMs?: number;
  heartbeatMs?: number;
  /** A reader with more unsent bytes, besides its snapshot, is disconnected. */
  maxBehindBytes?: number;
}

/** A change sent after more than this time (ms) is late. */
export const LATE_MS = 250;

/** How many rooms are read at once: calls wait behind them for the connection. */
const READS_AT_ONCE = 32;

/** How many positions one poll resumes from: each is a read of its own. Readers with others get a snapshot. */
const RESUMES_AT_ONCE = 8;

/** A reader who has missed as many changes of one part of the store gets a snapshot. */
const MAX_MISSED = 64;

/** How many views are kept for snapshots; others are read again. */
const MAX_VIEWS = 1_000;

interface Reader extends FeedReader {
  /** The same for all who see the same rooms. */
  scope: string;
  lastEventId: string | undefined;
  out: FeedOutput;
  /** Whether changes follow what was sent. */
  isStarted: boolean;
  maxBehindBytes: number;
}

interface View {
  json: string;
  /** Whether anybody is in the room. */
  isLive: boolean;
}

/** Creates the feed. It asks the store nothing while nobody reads. */
export function createLiveFeed({
  store,
  render,
  now,
  monotonicNow,
  log,
  batchMs = 75,
  heartbeatMs = 5_000,
  maxBehindBytes = 1_048_576,
}: LiveFeedOptions): LiveFeed {
  const readers = new Set<Reader>();
  /** As of `position`. */
  const views = new Map<RoomName, View>();
  /** Up to which started readers have every change; undefined before the first poll. */
  let position: string | undefined;
  let status: 'ok' | 'away' = 'ok';
  /** When the latest successful poll began: later changes were not in it. */
  let polledAt = monotonicNow();
  let lateSends = 0;
  let dropped = 0;
  let following: Promise<void> | undefined;
  let heartbeats: NodeJS.Timeout | undefined;
  /** Set when closed. */
  let retry: (() => number) | undefined;

  async function follow(): Promise<void> {
    while (readers.size > 0) {
      const startedAt = monotonicNow();
      await poll(startedAt);
      const waitMs = Math.max(0, startedAt + batchMs - monotonicNow());
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    position = undefined;
    status = 'ok';
    views.clear();
    following = undefined;
  }

  /** Never rejects. One at a time, so that no view is sent after a newer one. */
  async function poll(startedAt: number): Promise<void> {
    // Readers who come later start at the next poll: another server may have sent them newer views than those kept here.
    const starting = [...readers].filter(({ isStarted }) => !isStarted);
    try {
      const changes = await store.changes(position);
      if (changes === 'expired') {
        restart();
      } else {
        const changed = await readViews(changes.rooms, [...readers]);
        position = changes.position;
        sendChanges(changed, position);
        await startReaders(starting, position);
        setStatus(changes.isWritable ? 'ok' : 'away');
      }
      polledAt = startedAt;
    } catch (error) {
      setStatus('away', error);
    }
  }

  /** Everybody gets a snapshot. */
  function restart(): void {
    position = undefined;
    views.clear();
    for (const reader of readers) {
      reader.isStarted = false;
      reader.lastEventId = undefined;
    }
  }

  function sendChanges(changed: ReadonlyMap<RoomName, View>, id: string): void {
    const started = [...readers].filter(({ isStarted }) => isStarted);
    const isLate = monotonicNow() - polledAt > LATE_MS;
    for (const same of groupBy(started, ({ scope }) => scope).values()) {
      const chunk = formatRooms(changed, same[0], id);
      for (const reader of chunk.length > 0 ? same : []) {
        send(reader, chunk);
        lateSends += Number(isLate);
      }
    }
  }

  /** Sends what comes before the changes. Reads are shared, so that they delay the changes of other readers little. */
  async function startReaders(starting: readonly Reader[], id: string): Promise<void> {
    const missed = await readMissed(starting);
    const resuming = starting.filter(({ lastEventId }) => missed.has(lastEventId));
    if (resuming.length > 0) {
      // All get the same: a room that a reader did not miss does no harm.
      const changed = await findViews([...new Set([...missed.values()].flat())], resuming);
      start(resuming, (reader) => formatRooms(changed, reader, id));
    }
    const fresh = starting.filter(({ lastEventId }) => !missed.has(lastEventId));
    if (fresh.length > 0) {
      const live = await readLiveViews(fresh);
      start(fresh, (reader) => {
        const rooms = [...live].filter(([room, { isLive }]) => isLive && maySee(reader, room));
        const json = `{"rooms":[${rooms.map(([, view]) => view.json).join(',')}]}`;
        return Buffer.from(formatEvent('snapshot', json, id));
      });
    }
  }

  /** The rooms changed after each position that can be resumed from. */
  async function readMissed(starting: readonly Reader[]): Promise<Map<string | undefined, RoomName[]>> {
    const missed = new Map<string | undefined, RoomName[]>();
    const positions = new Set(starting.flatMap(({ lastEventId }) => lastEventId ?? []));
    const tasks = [...positions].slice(0, RESUMES_AT_ONCE).map(async (lastEventId) => {
      const changes = await store.changes(lastEventId, MAX_MISSED);
      if (changes !== 'expired') {
        missed.set(lastEventId, changes.rooms);
      }
    });
    await Promise.all(tasks);
    return missed;
  }

  /** @param format what all who see the same rooms get */
  function start(starting: readonly Reader[], format: (reader: Reader) => Buffer): void {
    const present = starting.filter((reader) => readers.has(reader));
    for (const same of groupBy(present, ({ scope }) => scope).values()) {
      const chunk = format(same[0]);
      for (const reader of same) {
        reader.isStarted = true;
        reader.maxBehindBytes = maxBehindBytes + chunk.length;
        send(reader, chunk);
      }
    }
  }

  /** Every live room that one of these readers may see. */
  async function readLiveViews(of: readonly Reader[]): Promise<Map<RoomName, View>> {
    const { rooms, problems } = await store.list();
    const failure = problems.find((problem) => !isUnreadable(problem));
    if (failure !== undefined) {
      throw failure;
    }
    return findViews(
      rooms.map(({ room }) => room),
      of,
    );
  }

  /** Views as of `position` or newer; reads those that are not kept, as `readViews` does. */
  async function findViews(rooms: readonly RoomName[], of: readonly Reader[]): Promise<Map<RoomName, View>> {
    const known = rooms.flatMap((room): [RoomName, View][] => {
      const view = views.get(room);
      return view === undefined ? [] : [[room, view]];
    });
    const others = rooms.filter((room) => !views.has(room));
    return new Map([...known, ...(await readViews(others, of))]);
  }

  /** The rooms that one of these readers may see, in their order. Leaves out those that cannot be read or rendered. */
  async function readViews(rooms: readonly RoomName[], of: readonly Reader[]): Promise<Map<RoomName, View>> {
    const read = new Map<RoomName, View>();
    const scopes = [...groupBy(of, ({ scope }) => scope).values()].map(([reader]) => reader);
    const seen = rooms.filter((room) => scopes.some((reader) => maySee(reader, room)));
    for (const room of rooms) {
      views.delete(room);
    }
    const tasks = seen.map((room) => async () => {
      try {
        const { state } = await store.read(room);
        read.set(room, { json: JSON.stringify(render(state)), isLive: entryOf(state) !== undefined });
      } catch (error) {
        if (error instanceof StoreError && !isUnreadable(error)) {
          throw error;
        }
        log.error({ err: error, room }, 'Room left out of the live feed');
      }
    });
    await inParallel(tasks, READS_AT_ONCE);
    return new Map(
      seen.flatMap((room): [RoomName, View][] => {
        const view = read.get(room);
        if (view === undefined) {
          return [];
        }
        putLast(views, room, view, MAX_VIEWS);
        return [[room, view]];
      }),
    );
  }

  /** @param error why the store could not be read; undefined if it could */
  function setStatus(next: 'ok' | 'away', error?: unknown): void {
    if (next === status || retry !== undefined) {
      return;
    }
    status = next;
    if (next === 'ok') {
      log.info('Live feed is complete again');
    } else if (error === undefined) {
      log.warn('Live feed may lack changes: the store refuses writes');
    } else {
      log.warn({ err: error }, 'Live feed cannot read the store; retrying');
    }
    const chunk = formatStatus();
    for (const reader of readers) {
      send(reader, chunk);
    }
  }

  function formatStatus(): Buffer {
    return Buffer.from(formatEvent('store', JSON.stringify({ store: status })));
  }

  function beat(): void {
    const json = JSON.stringify({ at: new Date(now()).toISOString(), store: status });
    const started = Buffer.from(formatEvent('heartbeat', json, position));
    const starting = Buffer.from(formatEvent('heartbeat', json));
    for (const reader of readers) {
      if (reader.isStillAllowed()) {
        send(reader, reader.isStarted ? started : starting);
      } else {
        remove(reader);
        reader.out.end();
      }
    }
  }

  function send(reader: Reader, chunk: Buffer): void {
    if (reader.out.writableLength > reader.maxBehindBytes) {
      dropped++;
      remove(reader);
      reader.out.destroy();
    } else {
      reader.out.write(chunk);
    }
  }

  function remove(reader: Reader): void {
    readers.delete(reader);
    if (readers.size === 0) {
      clearInterval(heartbeats);
      heartbeats = undefined;
    }
  }

  function end(out: FeedOutput, retryMs: number): void {
    out.write(Buffer.from(formatRetry(retryMs)));
    out.end();
  }

  return {
    subscribe({ owner, rooms, isStillAllowed }, lastEventId, out) {
      if (retry !== undefined) {
        end(out, retry());
        return () => {};
      }
      const scope = rooms === 'all' ? '*' : [...rooms].sort().join('\n');
      const reader: Reader = {
        owner,
        rooms,
        isStillAllowed,
        scope,
        lastEventId,
        out,
        isStarted: false,
        maxBehindBytes,
      };
      readers.add(reader);
      if (status === 'away') {
        send(reader, formatStatus());
      }
      following ??= follow();
      heartbeats ??= setInterval(beat, heartbeatMs);
      return () => remove(reader);
    },

    get readers() {
      return readers.size;
    },
    readersOf: (owner) => [...readers].filter((reader) => reader.owner === owner).length,
    get lateSends() {
      return lateSends;
    },
    get dropped() {
      return dropped;
    },

    async close(retryMs) {
      retry = retryMs;
      for (const reader of readers) {
        remove(reader);
        end(reader.out, retryMs());
      }
      await following;
    },
  };
}

function isUnreadable(error: Error): boolean {
  return error instanceof StoreError && error.code === 'unreadable';
}

function maySee({ rooms }: FeedReader, room: RoomName): boolean {
  return rooms === 'all' || rooms.has(room);
}

/** The rooms that a reader may see, an event each; the last one carries the position. */
function formatRooms(changed: ReadonlyMap<RoomName, View>, reader: FeedReader, id: string): Buffer {
  const seen = [...changed].filter(([room]) => maySee(reader, room));
  const events = seen.map(([, { json }], index) =>
    formatEvent('room', json, index === seen.length - 1 ? id : undefined),
  );
  return Buffer.from(events.join(''));
}
