import type { Sid } from '../signalwire/sid';
import type { Address } from './address';
import { hashPin, type PinTokens, parsePin } from './pin';
import type { Lockout, PinLimiter } from './pin-limiter';
import type { Person, PersonIndex } from './roster';

/** A call, as far as it matters to who is calling. */
export interface Caller {
  callSid: Sid;
  from: Address | undefined;
}

/**
 * Who is calling. `'pin-required'`: a person who needs a PIN; `'pin-possible'`: nobody known, who may have one; `'unknown'`:
 * nobody known, and there are no PINs.
 */
export type Authentication<P> = { person: P } | 'pin-required' | 'pin-possible' | 'unknown';

/** Tells who is calling, by address and by PIN, for the people of one role. */
export interface Authenticator<P extends Person> {
  /** @param token proof that this call gave the right PIN */
  authenticate(caller: Caller, token: string | undefined): Authentication<P>;
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
  /** `token` stands for the PIN in the rest of the call. */
  | { kind: 'right'; person: P; token: string }
  /** `lockout` if this took the last attempt. */
  | { kind: 'wrong'; lockout: Lockout | undefined }
  /** Silence, or digits that cannot be a PIN. */
  | { kind: 'none' }
  /** No attempt was left. This says nothing about the PIN. */
  | { kind: 'locked-out'; lockout: Lockout };

export interface AuthenticatorOptions<P extends Person> {
  /** The people as they are now. */
  people: () => PersonIndex<P>;
  limiter: PinLimiter;
  /** Undefined when there are no PINs. */
  pins: { key: string; tokens: PinTokens } | undefined;
}

export function createAuthenticator<P extends Person>({
  people,
  limiter,
  pins,
}: AuthenticatorOptions<P>): Authenticator<P> {
  return {
    authenticate({ callSid, from }, token) {
      // Who has another PIN since, or none, has lost what it opened.
      const pin = pins?.tokens.verify(callSid, token);
      const proven = pin && people().byPin(pin);
      if (proven !== undefined) {
        return { person: proven };
      }
      const known = people().byAddress(from);
      if (known !== undefined) {
        return known.requirePin ? 'pin-required' : { person: known };
      }
      return people().hasPins ? 'pin-possible' : 'unknown';
    },

    openPrompt: ({ from }) => limiter.openPrompt(from),

    async checkPin({ callSid, from }, digits) {
      const pin = parsePin(digits);
      if (pin === undefined || pins === undefined) {
        return { kind: 'none' };
      }
      const hash = hashPin(pins.key, pin);
      const person = people().byPin(hash);
      const { isAllowed, lockout } = await limiter.consumeAttempt(from, { isRight: person !== undefined });
      if (!isAllowed) {
        return { kind: 'locked-out', lockout };
      }
      return person === undefined
        ? { kind: 'wrong', lockout }
        : { kind: 'right', person, token: pins.tokens.issue(callSid, hash) };
    },
  };
}
