import type { RoomName } from '../rooms/room';
import { SMOKE_TEST_ROOM } from '../rooms/smoke-test';
import type { Sid } from '../signalwire/sid';
import type { Address } from './address';
import { hashPin, type PinTokens, parsePin } from './pin';
import type { Lockout, PinLimiter } from './pin-limiter';
import type { Person, PersonIndex } from './roster';

/** A person's call. */
export interface PhoneCall {
  callSid: Sid;
  /** The person's address: `To` on a leg called out to them, otherwise `From`. Undefined if it is withheld or none. */
  from: Address | undefined;
}

/**
 * Who is calling. `'pin-required'`: a number in the roster whose owner must enter a PIN. `'pin-possible'`: an unknown
 * number, but people with a PIN may call from any. `'unknown'`: an unknown number, and nobody has a PIN.
 */
export type Authentication<P> = { person: P } | 'pin-required' | 'pin-possible' | 'unknown';

/** Tells who of one role is calling, by address or PIN. */
export interface Authenticator<P extends Person> {
  /** @param token from an earlier {@link PinResult} of this call */
  authenticate(call: PhoneCall, token: string | undefined): Authentication<P>;
  /**
   * Call it before each PIN prompt; it uses no attempt. Returns the lockout if there must be no prompt. Never rejects.
   */
  openPrompt(call: PhoneCall): Promise<Lockout | undefined>;
  /**
   * Checks the digits entered at a PIN prompt. A wrong PIN uses an attempt. Never rejects.
   *
   * @param digits undefined if nothing was entered
   */
  checkPin(call: PhoneCall, digits: string | undefined): Promise<PinResult<P>>;
}

/** The result of a PIN prompt. */
export type PinResult<P> =
  /** `token` authenticates the rest of the call. */
  | { kind: 'right'; person: P; token: string }
  /** `lockout` if this was the last attempt. */
  | { kind: 'wrong'; lockout: Lockout | undefined }
  /** No digits, or digits that cannot be a PIN. */
  | { kind: 'none' }
  /** No attempt was left, whether the PIN was right or wrong. */
  | { kind: 'locked-out'; lockout: Lockout };

export interface AuthenticatorOptions<P extends Person> {
  /** The people of the role, as the roster is now. */
  people: PersonIndex<P>;
  limiter: PinLimiter;
  /** Undefined if there are no PINs. */
  pins: { key: string; tokens: PinTokens } | undefined;
}

/**
 * Whether a person may moderate or supervise in a room by telephone; in that of the smoke test, everybody may. What they
 * may do through the API or on the screen is `isAllowed`.
 */
export function mayEnter({ rooms }: Person, room: RoomName): boolean {
  return rooms === 'all' || rooms.has(room) || room === SMOKE_TEST_ROOM;
}

export function createAuthenticator<P extends Person>({
  people,
  limiter,
  pins,
}: AuthenticatorOptions<P>): Authenticator<P> {
  return {
    authenticate({ callSid, from }, token) {
      // Changing or removing a PIN revokes its tokens.
      const pin = pins?.tokens.verify(callSid, token);
      const person = pin && people.byPin.get(pin);
      if (person !== undefined) {
        return { person };
      }
      const known = people.byAddress.get(from);
      if (known !== undefined) {
        return known.requirePin ? 'pin-required' : { person: known };
      }
      return people.hasPins ? 'pin-possible' : 'unknown';
    },

    openPrompt: ({ from }) => limiter.openPrompt(from),

    async checkPin({ callSid, from }, digits) {
      const pin = parsePin(digits);
      if (pin === undefined || pins === undefined) {
        return { kind: 'none' };
      }
      const hash = hashPin(pins.key, pin);
      const person = people.byPin.get(hash);
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
