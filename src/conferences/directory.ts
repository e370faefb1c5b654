import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Sid } from '../signalwire/sid';
import type { Change, ConferenceRegistry } from './registry';
import type { RoomName } from './room-name';

/** What is known of a room: its moderator, that it has none, or nothing because no source answered. */
export type Lookup = { state: 'live'; callSid: Sid } | { state: 'empty' } | { state: 'unknown' };

/** The second source of truth: the conferences as the Space itself sees them. */
export interface LiveConferences {
  /**
   * The moderator in the running conference of that name, and how long ago they entered; undefined when there is none.
   *
   * @throws when the Space did not answer in time
   */
  findModerator(room: RoomName): Promise<{ callSid: Sid; conferenceSid: Sid; enteredAgoMs: number } | undefined>;
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
}

/** A directory over one registry, with the Space's own view to fall back on. */
export function createDirectory(options: DirectoryOptions): Directory {
  const { registry, space, log, now, retryMs = 500, maxOwed = 10_000 } = options;
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

    async findModerator(room) {
      try {
        // Our own writes come first: a moderator whose leaving is still owed must not be handed out.
        await settle((change) => change.room === room);
        const callSid = (await registry.findModerator(room)) ?? (await reconcile(room));
        return callSid === undefined ? { state: 'empty' } : { state: 'live', callSid };
      } catch (err) {
        log.warn({ err, room }, 'The store did not answer');
        return lookUpWithoutStore(room);
      }
    },

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
  async function reconcile(room: RoomName): Promise<Sid | undefined> {
    const found = await askSpace(room);
    if (found === undefined || found === 'unknown') {
      return undefined;
    }
    const { callSid, conferenceSid, enteredAgoMs: agoMs } = found;
    await registry.apply({ kind: 'joined', room, callSid, conferenceSid, agoMs });
    return registry.findModerator(room);
  }

  async function lookUpWithoutStore(room: RoomName): Promise<Lookup> {
    const found = await askSpace(room);
    if (found === 'unknown') {
      return { state: 'unknown' };
    }
    const hasLeft = found && owed.has(keyOf({ kind: 'left', room, callSid: found.callSid, agoMs: 0 }));
    return found && !hasLeft ? { state: 'live', callSid: found.callSid } : { state: 'empty' };
  }

  async function askSpace(room: RoomName) {
    try {
      return space === undefined ? 'unknown' : await space.findModerator(room);
    } catch (err) {
      log.warn({ err, room }, 'The Space did not say who the moderator is');
      return 'unknown';
    }
  }
}

function keyOf(change: Change): string {
  return `${change.kind}/${change.room}/${change.kind === 'ended' ? change.conferenceSid : change.callSid}`;
}
