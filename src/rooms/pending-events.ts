import type { Logger } from 'pino';
import { createRetryQueue } from '../ops/retry-queue';
import { SAME_DATE_MS } from './event-dates';
import { eventKey } from './event-key';
import type { RoomName } from './room';
import type { RoomEvent } from './room-event';

/** Events that wait for the store. They age while they wait; of events with one key, the latest is kept. */
export interface PendingEvents {
  /**
   * Adds an event, unless a later one with its key is pending. What REST lists now, or does not list, is not kept: it would
   * be out of date.
   *
   * @param since when `ageMs` was measured, by the monotonic clock
   * @returns the event at its present age
   */
  add(room: RoomName, event: RoomEvent, since: number): RoomEvent;
  /** A room's events at their present age. */
  ofRoom(room: RoomName): RoomEvent[];
  /** The rooms with pending events. */
  rooms: ReadonlyMap<RoomName, unknown>;
  /** How many there are. */
  size(): number;
  /**
   * Goes on writing for `timeoutMs`, then stops. Events that remain are logged as lost.
   *
   * @returns whether nothing was lost
   */
  close(timeoutMs: number): Promise<boolean>;
}

interface PendingEventsOptions {
  /** Writes a room's events; called again while it rejects. */
  write: (room: RoomName, events: readonly RoomEvent[]) => Promise<void>;
  /** Called when no event of a room is pending any more. */
  onDone: (room: RoomName) => void;
  /** Milliseconds until a failed write is retried. */
  retryMs: number;
  maxEvents: number;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
}

/** An event, and when its age was measured. */
interface Pending {
  event: RoomEvent;
  since: number;
}

export function createPendingEvents(options: PendingEventsOptions): PendingEvents {
  const { write, onDone, retryMs, maxEvents, log, monotonicNow } = options;
  const queue = createRetryQueue<RoomName, Pending>({
    retryMs,
    maxValues: maxEvents,
    write: (room, values) => write(room, values.map(aged)),
    onDone,
    onLost: (room, { event }) =>
      log.error({ room, ...identify(event) }, 'Event lost: it could not be written to the store'),
  });

  function aged({ event, since }: Pending): RoomEvent {
    return { ...event, ageMs: event.ageMs + (monotonicNow() - since) };
  }

  return {
    add(room, event, since) {
      const name = eventKey(event);
      const isAboutNow = event.kind === 'room-observed' || event.kind === 'room-unobserved';
      if (!isAboutNow && !happenedLater(queue.get(room, name), { event, since })) {
        queue.enqueue(room, name, { event, since });
      }
      return aged({ event, since });
    },
    ofRoom: (room) => queue.valuesOf(room).map(aged),
    rooms: queue.pending,
    size: () => queue.size,
    close: queue.close,
  };
}

/** Whether one event happened later than another. Of two in one second, `other` counts as later, because it came last. */
function happenedLater(one: Pending | undefined, other: Pending): boolean {
  const instantOf = ({ event, since }: Pending) => since - event.ageMs;
  return one !== undefined && instantOf(one) > instantOf(other) + SAME_DATE_MS;
}

/** The fields that may be logged; `rejoinUrl` is secret. */
function identify(event: RoomEvent): object {
  return {
    kind: event.kind,
    ...('callSid' in event && { callSid: event.callSid }),
    ...('stayNumber' in event && { stayNumber: event.stayNumber }),
  };
}
