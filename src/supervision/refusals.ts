import type { Lockout } from '../people/pin-limiter';
import type { SignInLockout } from '../people/sign-in-limiter';
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

/** A line of the audit trail that belongs to no room: its room may not exist, or it is about the screen. */
export type RefusalEvent = {
  /** For removing duplicates. */
  id: string;
  /** ISO 8601. */
  at: string;
} & (CallRefusal | SignInFact);

/** A supervisor's call that was not let in. */
export type CallRefusal = {
  /** Masked. */
  number: string;
  callSid: Sid;
} & (
  | { kind: 'refused'; reason: RefusalReason; supervisor?: string; room?: RoomName }
  /** PIN attempts are locked: for this number or for all, after too many wrong PINs or too many prompts. */
  | { kind: 'locked-out'; lockedOut: Lockout['who']; limit: Lockout['limit'] }
);

/** Who signed in to the screen or out of it, or was refused. */
export type SignInFact = {
  /** Their name; neither is there if nobody in the roster has the name or the email address. */
  supervisor?: string;
  moderator?: string;
  /** The client's address; missing if it was gone. */
  ip?: string;
} & (
  | { kind: 'signed-in'; method: 'password' | 'oidc' }
  | { kind: 'signed-out'; reason: SignOutReason }
  | { kind: 'sign-in-refused'; reason: SignInRefusalReason }
  /** No password is taken for a while: of this name at this address, at this address, or of this name. */
  | { kind: 'sign-in-locked-out'; lockedOut: SignInLockout['who'] }
);

export type SignOutReason =
  /** They signed out, here or everywhere. */
  | 'signed-out'
  | 'everywhere'
  /** They or somebody else signed in over the session, in the same browser. */
  | 'replaced'
  /** They were removed from the roster, or have another password or email address. */
  | 'roster';

export type SignInRefusalReason =
  | 'wrong-password'
  /** The identity provider named an address that nobody in the roster has, or one that it did not verify. */
  | 'unknown-email'
  | 'unverified-email';

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
