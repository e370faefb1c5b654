import type { Sid } from '../signalwire/sid';
import type { Address } from './address';
import { hashPin, type Passes, parsePin } from './pin';
import type { Lockout, PinLimiter } from './pin-limiter';
import type { Book, Person } from './roster';

/** A call, as far as it matters to who is calling. */
export interface Caller {
  callSid: Sid;
  from: Address | undefined;
}

/**
 * Who is calling. `'must-ask'`: a person who needs a PIN; `'may-ask'`: nobody known, who may have one; `'nobody'`:
 * nobody known, and there are no PINs.
 */
export type Identity<P> = { person: P } | 'must-ask' | 'may-ask' | 'nobody';

/** Tells who is calling, by address and by PIN, for the people of one role. */
export interface Access<P extends Person> {
  /** @param pass proof that this call gave the right PIN */
  identify(caller: Caller, pass: string | undefined): Identity<P>;
  /** Counts a PIN prompt, which takes no attempt. Returns the lockout if it must not open. Never rejects. */
  openPrompt(caller: Caller): Promise<Lockout | undefined>;
  /**
   * Checks what was keyed in for a PIN, and counts it as an attempt if it is a wrong one. Never rejects.
   *
   * @param digits undefined for silence
   */
  checkPin(caller: Caller, digits: string | undefined): Promise<PinResult<P>>;
}

/** The result of a PIN prompt. */
export type PinResult<P> =
  /** `pass` stands for the PIN in the rest of the call. */
  | { kind: 'right'; person: P; pass: string }
  /** `lockout` if this took the last attempt. */
  | { kind: 'wrong'; lockout: Lockout | undefined }
  /** Silence, or digits that cannot be a PIN. */
  | { kind: 'none' }
  /** No attempt was left. This says nothing about the PIN. */
  | { kind: 'locked-out'; lockout: Lockout };

export interface AccessOptions<P extends Person> {
  /** The people as they are now. */
  book: () => Book<P>;
  limiter: PinLimiter;
  /** Undefined when there are no PINs. */
  pins: { key: string; passes: Passes } | undefined;
}

export function createAccess<P extends Person>({ book, limiter, pins }: AccessOptions<P>): Access<P> {
  return {
    identify({ callSid, from }, pass) {
      // Who has another PIN since, or none, has lost what it opened.
      const pin = pins?.passes.open(callSid, pass);
      const proven = pin && book().withPin(pin);
      if (proven !== undefined) {
        return { person: proven };
      }
      const known = book().withAddress(from);
      if (known !== undefined) {
        return known.requirePin ? 'must-ask' : { person: known };
      }
      return book().hasPins ? 'may-ask' : 'nobody';
    },

    openPrompt: ({ from }) => limiter.openPrompt(from),

    async checkPin({ callSid, from }, digits) {
      const pin = parsePin(digits);
      if (pin === undefined || pins === undefined) {
        return { kind: 'none' };
      }
      const hash = hashPin(pins.key, pin);
      const person = book().withPin(hash);
      const { isAllowed, lockout } = await limiter.consumeAttempt(from, { isRight: person !== undefined });
      if (!isAllowed) {
        return { kind: 'locked-out', lockout };
      }
      return person === undefined
        ? { kind: 'wrong', lockout }
        : { kind: 'right', person, pass: pins.passes.seal(callSid, hash) };
    },
  };
}
