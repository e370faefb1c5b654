import { createHash, randomBytes } from 'node:crypto';
import type { RoomName } from '../rooms/room';
import { type Actor, RIGHTS } from './rights';

/** The SHA-256 of a token's secret: 64 hexadecimal digits. */
export type TokenHash = string & { readonly brand: 'TokenHash' };

/**
 * What a token gives: rights in the API; or `wall`, alone, which shows the wall at `/wall/SECRET` and nothing else. The
 * address of a wall is seen by many, so it must not open the API.
 */
export const TOKEN_RIGHTS = [...RIGHTS, 'wall'] as const;

/** One of {@link TOKEN_RIGHTS}. */
export type TokenRight = (typeof TOKEN_RIGHTS)[number];

/** Whether a token may have these rights together: `wall` goes with no other. */
export function areTokenRights(rights: ReadonlySet<TokenRight>): boolean {
  return rights.size > 0 && (rights.size === 1 || !rights.has('wall'));
}

/** A token: what somebody may do who knows its secret. */
export interface TokenEntry {
  name: string;
  hash: TokenHash;
  /** See {@link areTokenRights}. */
  rights: ReadonlySet<TokenRight>;
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

/** A wall: who looks at it is unknown. */
export interface WallEntry {
  /** As in the log, such as `wall lobby`. */
  name: string;
  /** The rooms that it shows. */
  rooms: ReadonlySet<RoomName> | 'all';
}

/** The tokens as they are now. Look a secret up for each request: a token can expire or be revoked. */
export interface Tokens {
  /** The program with this secret; undefined if it is unknown, revoked or expired, of a wall, or no secret at all. */
  find(secret: string): Actor | undefined;
  /** The wall with this secret; undefined if it is unknown, revoked or expired, of a program, or no secret at all. */
  findWall(secret: string): WallEntry | undefined;
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
  let byHash = new Map<TokenHash, TokenEntry>();
  let actors = new Map<TokenEntry, Actor>();

  function entryOf(secret: string): TokenEntry | undefined {
    // A client can send anything; only what looks like a secret is hashed.
    const entry = SECRET.test(secret) ? byHash.get(hashSecret(secret)) : undefined;
    return entry === undefined || hasExpired(entry, now()) ? undefined : entry;
  }

  return {
    find(secret) {
      const entry = entryOf(secret);
      return entry && actors.get(entry);
    },
    findWall(secret) {
      const entry = entryOf(secret);
      return entry?.rights.has('wall') ? { name: `wall ${entry.name}`, rooms: entry.rooms } : undefined;
    },
    actorNamed(name) {
      const [entry, actor] = [...actors].find(([, one]) => one.name === name) ?? [];
      return entry === undefined || hasExpired(entry, now()) ? undefined : actor;
    },
    replace(entries) {
      byHash = new Map(entries.map((one) => [one.hash, one]));
      actors = new Map(entries.flatMap((one) => (one.rights.has('wall') ? [] : [[one, actorOf(one)]])));
    },
  };
}

function actorOf({ name, rights, rooms }: TokenEntry): Actor {
  return { name: `token ${name}`, rights: new Set(RIGHTS.filter((right) => rights.has(right))), rooms };
}
