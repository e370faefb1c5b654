import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import type { Sid } from '../signalwire/sid';

/** A PIN as it is keyed in: 5 to 10 digits. Only {@link parsePin} makes one. */
export type Pin = string & { readonly brand: 'Pin' };

/** The fewest digits of a PIN. */
export const MIN_PIN_DIGITS = 5;

/** How often a PIN is asked for in one call. */
export const MAX_PIN_TRIES = 3;

/** Reads a PIN. Returns undefined for anything but 5 to 10 digits. */
export function parsePin(text: string | undefined): Pin | undefined {
  return /^[0-9]{5,10}$/.test(text ?? '') ? (text as Pin) : undefined;
}

/** A PIN as the roster holds it: 64 hexadecimal digits. */
export type PinHash = string & { readonly brand: 'PinHash' };

/** Reads the hash of a PIN. Returns undefined for anything else, such as the PIN itself. */
export function parsePinHash(text: string): PinHash | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? (text as PinHash) : undefined;
}

/**
 * The hash of a PIN: HMAC-SHA256. There are so few PINs that no hash without a key would hide them, however slow; with
 * the key, one fast hash finds a person among any number.
 *
 * @param pinKey the setting `PIN_KEY`
 */
export function hashPin(pinKey: string, pin: Pin): PinHash {
  return createHmac('sha256', pinKey).update(`pin:${pin}`).digest('hex') as PinHash;
}

/**
 * What a call carries along in its addresses after the right PIN: the PIN's hash, sealed for that call alone.
 *
 * A Space signs the addresses it asks for, and asks for none that we did not give out, so this is the second lock: an
 * address out of somebody's log opens nothing for another call.
 */
export interface PinTokens {
  issue(callSid: Sid, pin: PinHash): string;
  /** The hash; undefined for a token of another call, of another role or key, or for no token at all. */
  verify(callSid: Sid, token: string | undefined): PinHash | undefined;
}

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Tokens of one role.
 *
 * @param pinKey the setting `PIN_KEY`; servers that share calls share it
 */
export function createPinTokens(pinKey: string, role: string): PinTokens {
  const key = createHash('sha256').update(`pass:${role}:${pinKey}`).digest();
  return {
    issue(callSid, pin) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(callSid));
      const sealed = Buffer.concat([iv, cipher.update(pin, 'hex'), cipher.final()]);
      return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url');
    },

    verify(callSid, token) {
      const bytes = Buffer.from(token ?? '', 'base64url');
      if (bytes.length < IV_BYTES + TAG_BYTES) {
        return undefined;
      }
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(callSid)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const pin = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'hex') + decipher.final('hex');
        return parsePinHash(pin);
      } catch {
        return undefined;
      }
    },
  };
}
