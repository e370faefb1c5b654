import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { createTurns } from '../ops/turns';
import { UserError } from '../ops/user-error';

/** The salted hash of a password, as in the roster. Only {@link parsePasswordHash} and {@link hashPassword} create one. */
export type PasswordHash = string & { readonly brand: 'PasswordHash' };

/** The fewest characters of a password: code points after normalisation. */
export const MIN_PASSWORD_CHARACTERS = 12;

/** The most characters of a password: UTF-16 units before normalisation, as `maxlength` counts in a form. */
export const MAX_PASSWORD_CHARACTERS = 256;

/** Too many passwords are being hashed or checked; nothing was done. Try again in a second. */
export class PasswordsBusyError extends Error {
  override readonly name = 'PasswordsBusyError';
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const LOG_COST = 15;
const BLOCK_SIZE = 8;
const COST = 2 ** LOG_COST;
const SCRYPT: ScryptOptions = {
  N: COST,
  r: BLOCK_SIZE,
  p: 1,
  // Twice the table; Node's default leaves no room beside it.
  maxmem: 2 * 128 * COST * BLOCK_SIZE,
};
const PREFIX = `$scrypt$ln=${LOG_COST},r=${BLOCK_SIZE},p=1$`;
/** Base64 without padding. The last character of each part has two or four bits that must be zero. */
const PARTS = /^([A-Za-z0-9+/]{21}[AQgw])\$([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])$/;

/** Each takes one of libuv's four threads; files and host names need the others, during calls too. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 20;

const turns = createTurns({
  width: MAX_AT_ONCE,
  maxWaiting: MAX_WAITING,
  refuse: () => new PasswordsBusyError('Too many passwords at once'),
});

const deriveKey = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** Checked in place of the hash of somebody who has none. */
const NOBODYS_HASH = format(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));

/**
 * Parses the hash of a password: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`. Accepts no other cost: a higher one could exhaust
 * the memory, and any other would show in the time of a check that the person exists.
 *
 * @returns undefined for anything else, such as the password itself
 */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  return text.startsWith(PREFIX) && PARTS.test(text.slice(PREFIX.length)) ? (text as PasswordHash) : undefined;
}

/**
 * Hashes a password with a new salt, in about a tenth of a second of one core. Two run at once in a process; 20 wait.
 *
 * @throws UserError if it is too short or too long
 * @throws PasswordsBusyError
 */
export async function hashPassword(password: string): Promise<PasswordHash> {
  if (isTooLong(password) || [...normalise(password)].length < MIN_PASSWORD_CHARACTERS) {
    throw new UserError([`A password has ${MIN_PASSWORD_CHARACTERS} to ${MAX_PASSWORD_CHARACTERS} characters.`]);
  }
  const salt = randomBytes(SALT_BYTES);
  return format(salt, await derive(password, salt));
}

/**
 * Checks a password. Takes as long without a hash as with one, so that nobody learns who exists or has a password.
 *
 * @param password anything from outside
 * @param hash undefined for nobody, or somebody without a password: false
 * @throws PasswordsBusyError whatever the password
 */
export async function verifyPassword(password: string, hash: PasswordHash | undefined): Promise<boolean> {
  if (isTooLong(password)) {
    return false;
  }
  const { salt, key } = partsOf(hash ?? NOBODYS_HASH);
  const isEqual = timingSafeEqual(await derive(password, salt), key);
  return isEqual && hash !== undefined;
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return turns.run(() => deriveKey(normalise(password), salt, HASH_BYTES, SCRYPT));
}

/** Keyboards and systems write the same character differently. */
function normalise(password: string): string {
  return password.normalize('NFKC');
}

function isTooLong(password: string): boolean {
  return password.length > MAX_PASSWORD_CHARACTERS;
}

function format(salt: Buffer, key: Buffer): PasswordHash {
  const [first, second] = [salt, key].map((bytes) => bytes.toString('base64').replace(/=+$/, ''));
  return `${PREFIX}${first}$${second}` as PasswordHash;
}

function partsOf(hash: PasswordHash): { salt: Buffer; key: Buffer } {
  const [salt = '', key = ''] = hash.slice(PREFIX.length).split('$');
  return { salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}
