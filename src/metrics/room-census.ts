import { viewParticipant } from '../api/views';
import { inParallel } from '../ops/in-parallel';
import { StoreError } from '../redis/store-error';
import type { HeardMode } from '../rooms/mode';
import { isInConference, type Role, type RoomName, type RoomState } from '../rooms/room';
import type { RoomStore } from '../rooms/room-store';

/** How many rooms have somebody in the conference, and who these are. */
export interface RoomCounts {
  /** Whether all rooms could be written at the store's last probe; otherwise changes may be missing. */
  isWritable: boolean;
  rooms: number;
  participants: Record<Role, number>;
  /** As the API shows them. */
  supervisors: { mode: HeardMode; confirmed: boolean; count: number }[];
}

/** Counts the rooms of the whole store; other accounts' rooms are left out. */
export interface RoomCensus {
  /**
   * Reads the rooms that have changed since the last count; all at the first, once an hour, or if too many have. Calls
   * during a count share it.
   *
   * @throws StoreError
   */
  count(): Promise<RoomCounts>;
}

/** The participants of one room's conference. */
type Tally = readonly { role: Role; supervision: { heardAs: HeardMode; confirmed: boolean } | null }[];

/** How many rooms are read at once: calls wait behind them for the connection. */
const READS_AT_ONCE = 8;

const MODES: readonly HeardMode[] = ['monitor', 'coach', 'barge', 'unknown'];

/** How long a room may be counted that has ended without a change, as one that nobody reports any more does. */
const RECOUNT_MS = 3_600_000;

/** @param options.monotonicNow milliseconds from any beginning, never going back */
export function createRoomCensus({
  store,
  monotonicNow,
}: {
  store: Pick<RoomStore, 'changes' | 'list' | 'read'>;
  monotonicNow: () => number;
}): RoomCensus {
  /** The rooms with anybody in them, as of `position`. */
  const tallies = new Map<RoomName, Tally>();
  /** Undefined before the first count. */
  let position: string | undefined;
  /** When all rooms were counted last. */
  let countedAt = Number.NEGATIVE_INFINITY;
  let counting: Promise<RoomCounts> | undefined;

  async function count(): Promise<RoomCounts> {
    const isOld = position === undefined || monotonicNow() - countedAt >= RECOUNT_MS;
    const changes = isOld ? 'expired' : await store.changes(position);
    if (changes === 'expired') {
      return countAnew();
    }
    await readRooms(changes.rooms);
    position = changes.position;
    return sumOf([...tallies.values()], changes);
  }

  async function countAnew(): Promise<RoomCounts> {
    position = undefined;
    const start = await store.changes(undefined);
    const { rooms } = await store.list();
    tallies.clear();
    await readRooms(rooms.map(({ room }) => room));
    position = start === 'expired' ? undefined : start.position;
    countedAt = monotonicNow();
    return sumOf([...tallies.values()], { isWritable: start !== 'expired' && start.isWritable });
  }

  async function readRooms(rooms: readonly RoomName[]): Promise<void> {
    const tasks = rooms.map((room) => async () => {
      const tally = await store.read(room).then(({ state }) => tallyOf(state), unlessUnreadable);
      tallies.delete(room);
      if (tally.length > 0) {
        tallies.set(room, tally);
      }
    });
    await inParallel(tasks, READS_AT_ONCE);
  }

  return {
    count() {
      counting ??= count().finally(() => {
        counting = undefined;
      });
      return counting;
    },
  };
}

function tallyOf(state: RoomState): Tally {
  if (state.isForeign) {
    return [];
  }
  return state.stays.filter(isInConference).map((stay) => {
    const { role, supervision } = viewParticipant(state, stay);
    return { role, supervision };
  });
}

/** A room that cannot be read counts as empty; it must not hide the others. */
function unlessUnreadable(error: unknown): Tally {
  if (error instanceof StoreError && error.code === 'unreadable') {
    return [];
  }
  throw error;
}

function sumOf(tallies: readonly Tally[], { isWritable }: Pick<RoomCounts, 'isWritable'>): RoomCounts {
  const everybody = tallies.flat();
  const countRole = (role: Role) => everybody.filter((one) => one.role === role).length;
  return {
    isWritable,
    rooms: tallies.length,
    participants: {
      moderator: countRole('moderator'),
      caller: countRole('caller'),
      supervisor: countRole('supervisor'),
      unknown: countRole('unknown'),
    },
    supervisors: MODES.flatMap((mode) =>
      [true, false].map((confirmed) => ({
        mode,
        confirmed,
        count: everybody.filter(({ supervision: one }) => one?.heardAs === mode && one.confirmed === confirmed).length,
      })),
    ),
  };
}
