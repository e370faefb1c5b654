import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { withDeadline } from '../ops/deadline';
import { parseRoomName, type RoomName } from '../rooms/room-name';
import type { Sid } from '../signalwire/sid';
import type { SeenModerator } from '../signalwire/space-client';
import type { Change, ConferenceRegistry, LiveRoom, Moderator } from './registry';

/** What is known of a room: its moderator, that it has none, or nothing because no source answered. */
export type Lookup = ({ state: 'live' } & Moderator) | { state: 'empty' } | { state: 'unknown' };

/** The second source of truth: the conferences as the Space itself sees them. */
export interface LiveConferences {
  /**
   * The moderator in the running conference of that name; undefined when there is none.
   *
   * @throws when the Space did not answer in time
   */
  findModerator(room: RoomName): Promise<SeenModerator | undefined>;
  /**
   * The moderators of all running conferences; of one with several the last to enter.
   *
   * @throws when the Space did not answer in time
   */
  listModerators(): Promise<(SeenModerator & { room: string })[]>;
}

/** The registry as phone calls need it: nothing here rejects, and what could not be written is not lost. */
export interface Directory {
  /** Takes note of a change: in the registry now, or else as soon as the registry takes it. */
  record(change: Change): Promise<void>;
  /**
   * Looks a room's moderator up: in the registry, else at the Space. A moderator whom the Space alone knows is noted,
   * so that whoever was seen to leave is not handed out on the Space's word.
   */
  findModerator(room: RoomName): Promise<Lookup>;
  /** Every room with a moderator: in the registry, or else, if it knows none, at the Space; `'unknown'` when no source answered. */
  listLive(): Promise<readonly LiveRoom[] | 'unknown'>;
  /**
   * Goes on writing what is owed for `timeoutMs`, then stops; what stays unwritten is logged as lost.
   *
   * @returns whether nothing was lost
   */
  close(timeoutMs: number): Promise<boolean>;
}

export interface DirectoryOptions {
  registry: ConferenceRegistry;
  /** Undefined when the Space's REST API is not configured. */
  space: LiveConferences | undefined;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  now: () => number;
  /** Milliseconds between attempts to write what is owed. */
  retryMs?: number;
  /** How many changes may be owed; beyond that the oldest is given up. */
  maxOwed?: number;
  /** How long one look-up may take in all, in milliseconds; then nothing is known. A call waits for it. */
  lookUpTimeoutMs?: number;
}

/** A directory over one registry, with the Space's own view to fall back on. */
export function createDirectory(options: DirectoryOptions): Directory {
  const { registry, space, log, now, retryMs = 500, maxOwed = 10_000, lookUpTimeoutMs = 3_000 } = options;
  // Changes may be applied in any order and repeatedly, so one of a kind and call is enough, and order is no concern.
  const owed = new Map<string, { change: Change; since: number }>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  return {
    async record(change) {
      const since = now();
      try {
        await registry.apply(change);
      } catch (err) {
        log.warn({ err, ...change }, 'The store did not take a change; it will be tried again');
        owe(change, since);
      }
    },

    findModerator: (room) => inTime(() => lookUp(room), { state: 'unknown' }, { room }),

    listLive: () => inTime(listKnown, 'unknown', {}),

    async close(timeoutMs) {
      closed = true;
      clearTimeout(timer);
      const deadline = now() + timeoutMs;
      while (owed.size > 0) {
        await settle(() => true).catch(() => {});
        if (owed.size === 0 || now() + retryMs > deadline) {
          break;
        }
        await sleep(retryMs);
      }
      for (const { change } of owed.values()) {
        log.error({ ...change }, 'Lost: the store did not take this change before the shutdown');
      }
      return owed.size === 0;
    },
  };

  /** The result of a look-up, or `otherwise` if it takes too long. */
  async function inTime<T>(lookUp: () => Promise<T>, otherwise: T, about: object): Promise<T> {
    try {
      return await withDeadline(lookUp(), lookUpTimeoutMs, () => new Error(`no answer in ${lookUpTimeoutMs} ms`));
    } catch (err) {
      log.warn({ err, ...about }, 'Who moderates could not be told in time');
      return otherwise;
    }
  }

  async function lookUp(room: RoomName): Promise<Lookup> {
    try {
      // Our own writes come first: a moderator whose leaving is still owed must not be handed out.
      await settle((change) => change.room === room);
      const moderator = (await registry.findModerator(room)) ?? (await reconcile(room));
      return moderator === undefined ? { state: 'empty' } : { state: 'live', ...moderator };
    } catch (err) {
      log.warn({ err, room }, 'The store did not answer');
      return lookUpWithoutStore(room);
    }
  }

  async function listKnown(): Promise<readonly LiveRoom[] | 'unknown'> {
    try {
      await settle(() => true);
      const known = await registry.listModerators();
      const seen = known.length > 0 ? 'unknown' : await listSeen();
      if (seen === 'unknown' || seen.length === 0) {
        return known;
      }
      await Promise.all(seen.map(({ room, ...moderator }) => noteSeen(room, moderator)));
      return await registry.listModerators();
    } catch (err) {
      log.warn({ err }, 'The store did not answer');
      const seen = await listSeen();
      return seen === 'unknown' ? seen : seen.filter(({ room, callSid }) => !hasLeft(room, callSid));
    }
  }

  function owe(change: Change, since: number): void {
    const key = keyOf(change);
    owed.delete(key);
    owed.set(key, { change, since });
    const [oldest] = owed;
    if (owed.size > maxOwed && oldest !== undefined) {
      owed.delete(oldest[0]);
      log.error({ ...oldest[1].change }, 'Lost: too many changes wait for the store');
    }
    scheduleRetry();
  }

  function scheduleRetry(): void {
    if (timer === undefined && !closed) {
      timer = setTimeout(async () => {
        await settle(() => true).catch(() => {});
        timer = undefined;
        if (owed.size > 0) {
          scheduleRetry();
        }
      }, retryMs);
      timer.unref();
    }
  }

  /** Writes the owed changes that match; rejects, when all have been tried, if one of them is still owed. */
  async function settle(matches: (change: Change) => boolean): Promise<void> {
    const due = [...owed].filter(([, { change }]) => matches(change));
    const results = await Promise.allSettled(
      due.map(async ([key, debt]) => {
        const delayMs = Math.max(1, Math.ceil(now() - debt.since));
        await registry.apply({ ...debt.change, agoMs: debt.change.agoMs + delayMs });
        // A newer change of the same kind may have taken the place meanwhile.
        if (owed.get(key) === debt) {
          owed.delete(key);
        }
      }),
    );
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) {
      throw failure.reason;
    }
    if (due.length > 0) {
      log.info({ count: due.length }, 'The store took the changes it was owed');
    }
  }

  /** Lets the Space name a moderator whom the registry does not know; the registry has the last word. */
  async function reconcile(room: RoomName): Promise<Moderator | undefined> {
    const found = await askSpace((asked) => asked.findModerator(room));
    if (found === undefined || found === 'unknown') {
      return undefined;
    }
    await noteSeen(room, found);
    return registry.findModerator(room);
  }

  function noteSeen(room: RoomName, { callSid, conferenceSid, enteredAgoMs: agoMs }: SeenModerator): Promise<void> {
    return registry.apply({ kind: 'joined', room, callSid, conferenceSid, agoMs });
  }

  async function lookUpWithoutStore(room: RoomName): Promise<Lookup> {
    const found = await askSpace((asked) => asked.findModerator(room));
    if (found === 'unknown') {
      return { state: 'unknown' };
    }
    return found && !hasLeft(room, found.callSid)
      ? { state: 'live', callSid: found.callSid, name: undefined }
      : { state: 'empty' };
  }

  /** Whether a call was seen to leave and the store does not know it yet. */
  function hasLeft(room: RoomName, callSid: Sid): boolean {
    return owed.has(keyOf({ kind: 'left', room, callSid, agoMs: 0 }));
  }

  async function listSeen(): Promise<(SeenModerator & LiveRoom)[] | 'unknown'> {
    const seen = await askSpace((asked) => asked.listModerators());
    return seen === 'unknown'
      ? seen
      : seen.flatMap(({ room: name, ...moderator }) => {
          // A project may hold conferences of others, with names that none of ours can have.
          const room = parseRoomName(name);
          return room === undefined ? [] : [{ ...moderator, room, name: undefined }];
        });
  }

  async function askSpace<T>(question: (space: LiveConferences) => Promise<T>): Promise<T | 'unknown'> {
    try {
      return space === undefined ? 'unknown' : await question(space);
    } catch (err) {
      log.warn({ err }, 'The Space did not say who the moderator is');
      return 'unknown';
    }
  }
}

function keyOf(change: Change): string {
  return `${change.kind}/${change.room}/${change.kind === 'ended' ? change.conferenceSid : change.callSid}`;
}
