import type { LiveFeed } from '../api/live-feed';
import type { RoomView } from '../api/schemas';
import { type Attention, attentionOf, isSameAttention, NO_ATTENTION } from './attention';
import { followRooms } from './room-follower';

/** A room on the board. */
export interface BoardRoom {
  view: RoomView;
  attention: Attention;
  /** Grows with each change of anything on the board: rooms with a greater number have changed since. */
  changedAt: number;
}

/** Every live room as this server knows it, and what needs attention. */
export interface Board {
  /** Resolves when the rooms are known, or after `timeoutMs`; a second unless given. */
  whenReady(timeoutMs?: number): Promise<void>;
  /** By name; empty until they are known. */
  readonly rooms: ReadonlyMap<string, BoardRoom>;
  /** Whether the rooms were read: without, an empty board tells nothing. */
  readonly isKnown: boolean;
  /** The latest change; 0 before the first. */
  readonly changes: number;
  /** `starting` until the rooms are known; `away` while changes may be missing. */
  readonly store: 'starting' | 'ok' | 'away';
  /**
   * Tells of changes, and of each heartbeat of the feed.
   *
   * @returns stops telling; the board follows the rooms only while somebody listens, and a little longer
   */
  subscribe(listener: () => void): () => void;
  /** Takes a room that was read just now, for a page that does not wait for the feed. */
  note(room: RoomView): void;
  close(): void;
}

export interface BoardOptions {
  feed: Pick<LiveFeed, 'subscribe'>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** How often the need for attention is looked at, in milliseconds. */
  tickMs?: number;
  /** How long the board follows the rooms without a listener, in milliseconds. */
  idleMs?: number;
}

export function createBoard({ feed, now, tickMs = 1_000, idleMs = 60_000 }: BoardOptions): Board {
  const listeners = new Set<() => void>();
  const rooms = new Map<string, BoardRoom>();
  let changes = 0;
  let store: Board['store'] = 'starting';
  let isKnown = false;
  let stopFollowing: (() => void) | undefined;
  let ticks: NodeJS.Timeout | undefined;
  let idle: NodeJS.Timeout | undefined;
  let waiting: (() => void)[] = [];

  function put(view: RoomView): void {
    const before = rooms.get(view.room);
    changes++;
    if (view.participants.length === 0) {
      rooms.delete(view.room);
    } else {
      const attention = attentionOf(view, now(), before?.attention ?? NO_ATTENTION);
      rooms.set(view.room, { view, attention, changedAt: changes });
    }
  }

  function tick(): void {
    let hasChanged = false;
    for (const [name, room] of rooms) {
      const attention = attentionOf(room.view, now(), room.attention);
      const isSame = isSameAttention(attention, room.attention);
      hasChanged ||= !isSame;
      rooms.set(name, { ...room, attention, changedAt: isSame ? room.changedAt : ++changes });
    }
    if (hasChanged) {
      tellAll();
    }
  }

  function tellAll(): void {
    for (const listener of listeners) {
      listener();
    }
  }

  function start(): void {
    if (stopFollowing !== undefined) {
      return;
    }
    stopFollowing = followRooms(feed, {
      onSnapshot(views) {
        const live = new Set(views.map(({ room }) => room));
        for (const name of rooms.keys()) {
          if (!live.has(name)) {
            rooms.delete(name);
            changes++;
          }
        }
        views.forEach(put);
        isKnown = true;
        setStore('ok');
        tellAll();
      },
      onRoom(view) {
        put(view);
        tellAll();
      },
      onStore(next) {
        // The first heartbeat may come before the rooms.
        if (store !== 'starting' || next === 'away') {
          setStore(next);
        }
        tellAll();
      },
    });
    ticks = setInterval(tick, tickMs);
  }

  function setStore(next: Board['store']): void {
    store = next;
    for (const resolve of waiting) {
      resolve();
    }
    waiting = [];
  }

  function stop(): void {
    stopFollowing?.();
    stopFollowing = undefined;
    clearInterval(ticks);
    clearTimeout(idle);
    rooms.clear();
    changes++;
    isKnown = false;
    store = 'starting';
  }

  /** Follows the rooms, and stops some time after nobody listens any more. */
  function keepFollowing(): void {
    start();
    clearTimeout(idle);
    idle = setTimeout(() => (listeners.size === 0 ? stop() : undefined), idleMs).unref();
  }

  return {
    rooms,
    get isKnown() {
      return isKnown;
    },
    get changes() {
      return changes;
    },
    get store() {
      return store;
    },
    async whenReady(timeoutMs = 1_000) {
      keepFollowing();
      if (store === 'starting') {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          timer = setTimeout(resolve, timeoutMs);
        });
        clearTimeout(timer);
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      keepFollowing();
      return () => {
        listeners.delete(listener);
        keepFollowing();
      };
    },
    note(room) {
      if (isKnown) {
        put(room);
        tellAll();
      }
    },
    close: stop,
  };
}
