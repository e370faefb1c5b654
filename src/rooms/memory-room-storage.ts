import { randomBytes } from 'node:crypto';
import type { Fact } from './fact';
import type { RoomName, RoomState } from './room';
import type { RoomEntry } from './room-entry';
import type { RoomStorage } from './room-storage';

export interface MemoryRoomStorageOptions {
  /** How long a room is kept after its last event, in milliseconds. */
  lifetimeMs: number;
  /** Milliseconds since 1970, never going back. */
  now: () => number;
}

/** How many lines of the feed are kept: only this process can read them. */
const MAX_LINES = 5_000;

/** How many rooms each write checks for expiry. */
const FORGET_AT_ONCE = 10;

/** How long changes name a room after it has expired, in milliseconds. */
const FORGET_AFTER_MS = 60_000;

/** A line of the feed. */
interface Line {
  fact: Fact;
  position: number;
  writtenAt: number;
}

interface Kept {
  version: string;
  state: RoomState;
  entry: RoomEntry | undefined;
  lapsesAt: number;
  /** The number of its latest change; 0 if another account's. */
  change: number;
  expiresAt: number;
}

/** Rooms in this process: for development, and for a single server whose state need not outlive a restart. */
export function createMemoryRoomStorage({ lifetimeMs, now }: MemoryRoomStorageOptions): RoomStorage {
  /** The least recently changed first. */
  const rooms = new Map<RoomName, Kept>();
  const lines: Line[] = [];
  /** What positions begin with, so that an earlier process's are not taken for ours. */
  const epoch = randomBytes(6).toString('base64url');
  let writes = 0;

  const find = (room: RoomName) => {
    const kept = rooms.get(room);
    return kept !== undefined && kept.expiresAt > now() ? kept : undefined;
  };

  function forget(): void {
    let count = 0;
    for (const [room, { expiresAt }] of rooms) {
      if (expiresAt + FORGET_AFTER_MS > now() || ++count > FORGET_AT_ONCE) {
        return;
      }
      rooms.delete(room);
    }
  }

  return {
    async read(room) {
      const kept = find(room);
      return { version: kept?.version ?? '', stored: kept?.state, now: now(), isWritable: true };
    },

    async write(room, version, { state, entry, lapsesInMs, facts }) {
      if ((find(room)?.version ?? '') !== version) {
        return undefined;
      }
      const next = String(++writes);
      rooms.delete(room);
      rooms.set(room, {
        version: next,
        state,
        entry,
        lapsesAt: now() + lapsesInMs,
        change: state.isForeign ? 0 : writes,
        expiresAt: now() + lifetimeMs,
      });
      forget();
      lines.push(...facts.map((fact, index) => ({ fact, position: writes * 1_000 + index, writtenAt: now() })));
      lines.splice(0, lines.length - MAX_LINES);
      return next;
    },

    async list() {
      const kept = [...rooms.values()].filter(({ expiresAt }) => expiresAt > now());
      return { rooms: kept.flatMap(({ entry }) => entry ?? []), now: now(), problems: [] };
    },

    async *feed(from) {
      const isMeant = ({ position, writtenAt }: Line) =>
        'after' in from ? position > Number(from.after) : writtenAt >= from.since;
      yield* lines.filter(isMeant).map(({ fact, position }) => ({ fact, position: String(position) }));
    },

    async changes(after, max = Number.POSITIVE_INFINITY) {
      const position = `${epoch}.${writes}`;
      if (after === undefined) {
        return { rooms: [], position, isWritable: true };
      }
      const [, start, number] = /^([\w-]{8})\.(\d{1,15})$/.exec(after) ?? [];
      if (start !== epoch || Number(number) > writes) {
        return 'expired';
      }
      const changed = [...rooms].filter(([, { change }]) => change > Number(number));
      return changed.length >= max ? 'expired' : { rooms: changed.map(([room]) => room), position, isWritable: true };
    },

    async probe() {
      for (const [room, kept] of rooms) {
        if (kept.entry !== undefined && kept.lapsesAt <= now()) {
          rooms.delete(room);
          rooms.set(room, { ...kept, entry: undefined, change: ++writes });
        }
      }
    },
  };
}
