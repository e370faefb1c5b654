import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import type { Sid } from '../signalwire/sid';

/** A PIN: 5 to 10 digits. Only {@link parsePin} creates one. */
export type Pin = string & { readonly brand: 'Pin' };

/** The fewest digits of a PIN. */
export const MIN_PIN_DIGITS = 5;

/** How many PIN prompts one call gets. */
export const MAX_PIN_TRIES = 3;

/** Parses a PIN. Returns undefined for anything but 5 to 10 digits. */
export function parsePin(text: string | undefined): Pin | undefined {
  return /^[0-9]{5,10}$/.test(text ?? '') ? (text as Pin) : undefined;
}

/** The hash of a PIN, as in the roster: 64 hexadecimal digits. */
export type PinHash = string & { readonly brand: 'PinHash' };

/** Parses the hash of a PIN. Returns undefined for anything else, such as the PIN itself. */
export function parsePinHash(text: string): PinHash | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? (text as PinHash) : undefined;
}

/**
 * Hashes a PIN with HMAC-SHA256. There are too few PINs for any hash without a key, however slow; with a key, one fast
 * hash finds the person.
 *
 * @param pinKey the setting `PIN_KEY`
 */
export function hashPin(pinKey: string, pin: Pin): PinHash {
  return createHmac('sha256', pinKey).update(`pin:${pin}`).digest('hex') as PinHash;
}

/**
 * Tokens that a call's addresses carry after the right PIN: the PIN's hash, encrypted and bound to that call.
 *
 * A Space signs its requests, and requests only addresses that we gave out. Tokens are the second lock: an address from
 * somebody's log is of no use to another call.
 */
export interface PinTokens {
  issue(callSid: Sid, pin: PinHash): string;
  /** The hash in a token; undefined without a token, or if it is for another call, role or key. */
  verify(callSid: Sid, token: string | undefined): PinHash | undefined;
}

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Creates tokens for one role.
 *
 * @param pinKey the setting `PIN_KEY`; the same on all servers that share calls
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
