import { beforeEach, describe, expect, it } from '@jest/globals';
import { isAllowed, type Right } from '../../src/people/rights';
import {
  createSecret,
  createTokens,
  hashSecret,
  parseTokenHash,
  type TokenEntry,
  type TokenHash,
  type Tokens,
} from '../../src/people/tokens';
import { roomNamed } from '../support/room-stores';

const SECRET = createSecret();
const CREATED = Date.parse('2026-11-25');
const WALLBOARD: TokenEntry = {
  name: 'wallboard',
  hash: hashSecret(SECRET),
  rights: new Set<Right>(['see']),
  rooms: new Set([roomNamed('sales')]),
  created: CREATED,
  expires: undefined,
};

let now: number;
let tokens: Tokens;

beforeEach(() => {
  now = CREATED;
  tokens = createTokens({ now: () => now });
  tokens.replace([WALLBOARD]);
});

describe('a secret', () => {
  it('is cc_ and 32 random bytes in base64url', () => {
    expect(SECRET).toMatch(/^cc_[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(SECRET.slice(3), 'base64url')).toHaveLength(32);
    expect(new Set(Array.from({ length: 100 }, createSecret)).size).toBe(100);
  });

  it('is hashed with SHA-256', () => {
    const hash = '867e7dcd3aea3b54d8369de5c2ed1f48657a40cf5f84d657f9aff8a84a0ab54d';
    expect(hashSecret('cc_')).toBe(hash);
    expect(parseTokenHash(hash)).toBe(hash);
  });

  it.each([SECRET, '', WALLBOARD.hash.toUpperCase(), WALLBOARD.hash.slice(1), `${WALLBOARD.hash}0`])(
    'or %j is not a hash',
    (text) => {
      expect(parseTokenHash(text)).toBeUndefined();
    },
  );
});

describe('find', () => {
  it('returns who acts, with their rights and rooms', () => {
    expect(tokens.find(SECRET)).toEqual({
      name: 'token wallboard',
      rights: new Set(['see']),
      rooms: new Set(['sales']),
    });
    const actor = tokens.find(SECRET);
    const sees = (room: string) => actor !== undefined && isAllowed(actor, 'see', roomNamed(room));
    expect([sees('sales'), sees('support')]).toEqual([true, false]);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['another secret', createSecret()],
    ['a hash', WALLBOARD.hash],
    ['a secret without its prefix', SECRET.slice(3)],
    ['a secret in another case', SECRET.toUpperCase()],
    ['a secret cut short', SECRET.slice(0, -1)],
    ['a secret with a line end', `${SECRET}\n`],
    ['a secret with a space', ` ${SECRET}`],
    ['a megabyte', 'x'.repeat(1_000_000)],
    ['a property of every object', 'constructor'],
  ])('finds nobody by %s', (_what, secret) => {
    expect(tokens.find(secret)).toBeUndefined();
  });

  it('finds nobody before there are tokens', () => {
    expect(createTokens({ now: () => now }).find(SECRET)).toBeUndefined();
  });

  it('finds nobody from the moment at which the token expires', () => {
    tokens.replace([{ ...WALLBOARD, expires: CREATED + 1_000 }]);
    const isFound = (at: number) => {
      now = at;
      return tokens.find(SECRET) !== undefined;
    };
    expect([999, 1_000, 1_001].map((ms) => isFound(CREATED + ms))).toEqual([true, false, false]);
  });

  it('finds nobody once the token is revoked', () => {
    const other = { ...WALLBOARD, name: 'other', hash: hashSecret(createSecret()) };
    tokens.replace([other]);
    expect(tokens.find(SECRET)).toBeUndefined();
    tokens.replace([other, WALLBOARD]);
    expect(tokens.find(SECRET)?.name).toBe('token wallboard');
  });

  it('finds nobody by a hash that no secret can have', () => {
    tokens.replace([{ ...WALLBOARD, hash: hashSecret('guess') as TokenHash }]);
    expect(tokens.find('guess')).toBeUndefined();
  });
});

describe('a wall', () => {
  const WALL = createSecret();
  const lobby: TokenEntry = { ...WALLBOARD, name: 'lobby', hash: hashSecret(WALL), rights: new Set(['wall']) };

  it('is found by its secret alone, until it is revoked or expires', () => {
    tokens.replace([WALLBOARD, { ...lobby, expires: CREATED + 1 }]);
    expect(tokens.findWall(WALL)).toEqual({ name: 'wall lobby', rooms: new Set(['sales']) });
    now++;
    expect(tokens.findWall(WALL)).toBeUndefined();
    tokens.replace([lobby]);
    expect(tokens.findWall(WALL)).toBeDefined();
    tokens.replace([]);
    expect(tokens.findWall(WALL)).toBeUndefined();
  });

  it('opens no API, and a token of the API opens no wall', () => {
    tokens.replace([WALLBOARD, lobby]);
    expect([tokens.find(WALL), tokens.actorNamed('token lobby'), tokens.findWall(SECRET)]).toEqual([
      ...[undefined, undefined, undefined],
    ]);
  });
});
