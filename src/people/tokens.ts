import { createHash, randomBytes } from 'node:crypto';
import type { RoomName } from '../rooms/room';
import type { Actor, Right } from './rights';

/** The SHA-256 of a token's secret: 64 hexadecimal digits. */
export type TokenHash = string & { readonly brand: 'TokenHash' };

/** A token: the rights of a program that knows its secret. */
export interface TokenEntry {
  name: string;
  hash: TokenHash;
  rights: ReadonlySet<Right>;
  /** The rooms where the rights count. */
  rooms: ReadonlySet<RoomName> | 'all';
  /** Milliseconds since 1970. */
  created: number;
  /** From when on it is not valid any more, in milliseconds since 1970; undefined for never. */
  expires: number | undefined;
}

/** How every secret begins, so that people and scanners recognise one. */
export const SECRET_PREFIX = 'cc_';

const SECRET_BYTES = 32;
/** 32 bytes are 43 characters in base64url. */
const SECRET = new RegExp(`^${SECRET_PREFIX}[A-Za-z0-9_-]{43}$`);

/** A new random secret, such as `cc_` and 43 characters. */
export function createSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
}

/** Hashes a secret. No key and no slow hash is needed: nobody can guess 32 random bytes. */
export function hashSecret(secret: string): TokenHash {
  return createHash('sha256').update(secret).digest('hex') as TokenHash;
}

/** Parses the hash of a secret. Returns undefined for anything else, such as the secret itself. */
export function parseTokenHash(text: string): TokenHash | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? (text as TokenHash) : undefined;
}

/** Whether a token has expired. @param now milliseconds since 1970 */
export function hasExpired({ expires }: Pick<TokenEntry, 'expires'>, now: number): boolean {
  return expires !== undefined && expires <= now;
}

/** The tokens as they are now. Look a secret up for each request: a token can expire or be revoked. */
export interface Tokens {
  /** The program with this secret; undefined if it is unknown, revoked or expired, or is no secret at all. */
  find(secret: string): Actor | undefined;
  /** The program whose actor has this name, such as `token wallboard`; undefined if its token is revoked or expired. */
  actorNamed(name: string): Actor | undefined;
  /** Replaces all tokens. */
  replace(entries: readonly TokenEntry[]): void;
}

/**
 * No tokens yet; {@link Tokens.replace} brings them.
 *
 * @param options.now milliseconds since 1970
 */
export function createTokens({ now }: { now: () => number }): Tokens {
  let byHash = new Map<TokenHash, TokenEntry & { actor: Actor }>();
  return {
    find(secret) {
      // A client can send anything; only what looks like a secret is hashed.
      const token = SECRET.test(secret) ? byHash.get(hashSecret(secret)) : undefined;
      return token === undefined || hasExpired(token, now()) ? undefined : token.actor;
    },
    actorNamed(name) {
      const token = [...byHash.values()].find(({ actor }) => actor.name === name);
      return token === undefined || hasExpired(token, now()) ? undefined : token.actor;
    },
    replace(entries) {
      byHash = new Map(
        entries.map((one) => [
          one.hash,
          { ...one, actor: { name: `token ${one.name}`, rights: one.rights, rooms: one.rooms } },
        ]),
      );
    },
  };
}
