import type { Lockout } from '../people/pin-limiter';
import type { RoomName } from '../rooms/room-name';
import type { Sid } from '../signalwire/sid';

/** Why somebody was not let in. */
export type RefusalReason =
  /** A number that may not supervise. */
  | 'unknown'
  /** A PIN that is nobody's. */
  | 'wrong-pin'
  /** No PIN, though it was asked for. */
  | 'no-pin'
  /** A room that this person may not supervise. */
  | 'room'
  /** Somebody in the middle of a call whom the roster does not know, or not any more. */
  | 'removed';

/** A line about somebody who was not let in. Its room is not known to be one, so it is in no room's feed. */
export type RefusalEvent = {
  /** For removing duplicates. */
  id: string;
  /** ISO 8601. */
  at: string;
  /** Masked. */
  number: string;
  callSid: Sid;
} & (
  | { kind: 'refused'; reason: RefusalReason; supervisor?: string; room?: RoomName }
  /** PINs were locked: for their number or for everybody, by too many wrong PINs or by too many prompts. */
  | { kind: 'locked-out'; lockedOut: Lockout['who']; limit: Lockout['limit'] }
);

/** How many refusals are kept, about: anybody can cause them. */
export const MAX_REFUSALS = 20_000;

/** Keeps refusals. Repeating one that was written does no harm: readers drop it by its id. */
export interface RefusalStore {
  /** @throws StoreError */
  add(event: RefusalEvent): Promise<void>;
  /** Those from an instant on (ms since 1970), in the order in which they were written. */
  read(since: number): AsyncIterable<RefusalEvent>;
}

/** Refusals in this process: a restart forgets them. */
export function createMemoryRefusalStore(): RefusalStore {
  /** By their ids, the oldest first. */
  const refusals = new Map<string, RefusalEvent>();
  return {
    async add(event) {
      refusals.set(event.id, event);
      const [oldest] = refusals.keys();
      if (refusals.size > MAX_REFUSALS && oldest !== undefined) {
        refusals.delete(oldest);
      }
    },
    async *read(since) {
      yield* [...refusals.values()].filter(({ at }) => Date.parse(at) >= since);
    },
  };
}
