import type { RedisConnection } from '../redis/redis-connection';
import { checkKey, ROOM_PARTS, type RoomPart } from './redis-room-parts';
import { PROBE_SCRIPT } from './redis-room-scripts';

/** How long the trace of a probe stays, in milliseconds. */
const PROBE_LIFETIME_MS = 5_000;

/** Finds out which parts can be written. */
export interface RoomProbe {
  /** The parts that could not be written at the last probe. */
  unwritable: ReadonlySet<RoomPart>;
  /** Tries to write to every part, and tells of rooms that have lapsed. Never rejects. */
  probe(): Promise<void>;
}

/**
 * Creates the probe; before its first run, every part counts as writable.
 *
 * @param lifetimeMs how long a room is kept after its last event
 */
export function createRoomProbe({ client, run }: RedisConnection, lifetimeMs: number): RoomProbe {
  client.defineCommand('roomProbe', { numberOfKeys: 5, lua: PROBE_SCRIPT });
  const scripts = client as unknown as { roomProbe(...args: (string | number)[]): Promise<number> };
  const unwritable = new Set<RoomPart>();
  return {
    unwritable,
    async probe() {
      await Promise.all(
        ROOM_PARTS.map(async (part) => {
          const keys = [`${part.prefix}:probe`, ...part.common];
          try {
            checkKey(await run(() => scripts.roomProbe(...keys, PROBE_LIFETIME_MS, lifetimeMs)), keys);
            unwritable.delete(part);
          } catch {
            unwritable.add(part);
          }
        }),
      );
    },
  };
}
