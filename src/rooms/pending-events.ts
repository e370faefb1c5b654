import type { Logger } from 'pino';
import { createRetryQueue } from '../ops/retry-queue';
import { nameOf, type RoomEvent } from './room-event';
import type { RoomName } from './room-name';

/** Events that wait for the store: of each kind the last about each participant. They grow older while they wait. */
interface PendingEvents {
  /**
   * Adds an event unless it would be out of date by the time the store is back.
   *
   * @param since when it had its age, in milliseconds from any beginning
   * @returns the event at its present age
   */
  put(room: RoomName, event: RoomEvent, since: number): RoomEvent;
  /** A room's events at their present age. */
  of(room: RoomName): RoomEvent[];
  /** The rooms with pending events. */
  rooms(): RoomName[];
  /**
   * Goes on writing for `timeoutMs`, then stops; what stays unwritten is logged as lost.
   *
   * @returns whether nothing was lost
   */
  close(timeoutMs: number): Promise<boolean>;
}

interface PendingEventsOptions {
  /** Writes a room's events. While it rejects it is tried again. */
  write: (room: RoomName, events: readonly RoomEvent[]) => Promise<void>;
  /** Milliseconds until a room that could not be written is tried again. */
  retryMs: number;
  maxEvents: number;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
}

export function createPendingEvents(options: PendingEventsOptions): PendingEvents {
  const { write, retryMs, maxEvents, log, monotonicNow } = options;
  const queue = createRetryQueue<RoomName, { event: RoomEvent; since: number }>({
    retryMs,
    maxValues: maxEvents,
    write: (room, values) => write(room, values.map(aged)),
    onLost: (room, { event }) => log.error({ room, ...identify(event) }, 'Lost: the store did not take this event'),
  });

  function aged({ event, since }: { event: RoomEvent; since: number }): RoomEvent {
    return { ...event, agoMs: event.agoMs + (monotonicNow() - since) };
  }

  return {
    put(room, event, since) {
      if (event.kind !== 'room-observed') {
        queue.put(room, nameOf(event), { event, since });
      }
      return aged({ event, since });
    },
    of: (room) => queue.of(room).map(aged),
    rooms: queue.keys,
    close: queue.close,
  };
}

/** Which event it was. The rest of it can hold a secret, such as a supervisor's way back in. */
function identify(event: RoomEvent): object {
  return {
    kind: event.kind,
    ...('callSid' in event && { callSid: event.callSid }),
    ...('number' in event && { number: event.number }),
  };
}
