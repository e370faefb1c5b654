import type { Lockout } from '../people/pin-limiter';
import type { RoomName } from '../rooms/room';
import type { Sid } from '../signalwire/sid';

/** Why a supervisor's call was rejected or ended. */
export type RefusalReason =
  /** A number that may not supervise. */
  | 'unknown'
  /** A PIN that no supervisor has. */
  | 'wrong-pin'
  /** No PIN was entered. */
  | 'no-pin'
  /** A room that this person may not supervise. */
  | 'room'
  /** A mode that this person may not use, and they may not listen either. */
  | 'rights'
  /** Somebody who was removed from the roster during the call. */
  | 'removed';

/** A refusal in the audit trail. Its room may not exist, so it is in no room's feed. */
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
  /** PIN attempts are locked: for this number or for all, after too many wrong PINs or too many prompts. */
  | { kind: 'locked-out'; lockedOut: Lockout['who']; limit: Lockout['limit'] }
);

/** About how many refusals are kept: anybody can cause them. */
export const MAX_REFUSALS = 20_000;

/** Keeps refusals. A duplicate does no harm: readers drop it by its id. */
export interface RefusalStore {
  /** @throws StoreError */
  add(event: RefusalEvent): Promise<void>;
  /** The refusals since an instant (ms since 1970), in the order in which they were written. */
  read(since: number): AsyncIterable<RefusalEvent>;
}

/** Refusals in this process's memory: lost at a restart. */
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
