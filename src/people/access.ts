import type { Sid } from '../signalwire/sid';
import type { PhoneNumber } from './phone-number';
import { hashPin, type Passes, parsePin } from './pin';
import type { Lockout, PinLimiter } from './pin-limiter';
import type { Book, Person } from './roster';

/** A call, as far as it matters to who is calling. */
export interface Caller {
  callSid: Sid;
  from: PhoneNumber | undefined;
}

/**
 * Who is calling. `'must-ask'`: a person who needs a PIN; `'may-ask'`: nobody known, who may have one; `'nobody'`:
 * nobody known, and there are no PINs.
 */
export type Identity<P> = { person: P } | 'must-ask' | 'may-ask' | 'nobody';

/** Tells who is calling, by number and by PIN, for the people of one role. */
export interface Access<P extends Person> {
  /** @param pass what the right PIN brought earlier in this call */
  identify(caller: Caller, pass: string | undefined): Identity<P>;
  /** Takes a try for asking for a PIN; when there is none left, tells why, and nothing may be asked. Never rejects. */
  takeTry(caller: Caller): Promise<Lockout | undefined>;
  /**
   * The person with this PIN, and the pass that stands for it in the rest of the call; undefined when it is nobody's.
   * The try that was taken is given back for a right one.
   */
  checkPin(caller: Caller, digits: string | undefined): { person: P; pass: string } | undefined;
}

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
      const known = book().withNumber(from);
      if (known !== undefined) {
        return known.requirePin ? 'must-ask' : { person: known };
      }
      return book().hasPins ? 'may-ask' : 'nobody';
    },

    takeTry: ({ from }) => limiter.take(from),

    checkPin({ callSid, from }, digits) {
      const pin = parsePin(digits);
      if (pin === undefined || pins === undefined) {
        return undefined;
      }
      const hash = hashPin(pins.key, pin);
      const person = book().withPin(hash);
      if (person === undefined) {
        return undefined;
      }
      // Its own try alone: a right PIN must not buy others for somebody else's. The call need not wait for it.
      void limiter.giveBack(from);
      return { person, pass: pins.passes.seal(callSid, hash) };
    },
  };
}
