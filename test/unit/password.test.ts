import { stat } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/ops/user-error';
import {
  hashPassword,
  type PasswordHash,
  PasswordsBusyError,
  parsePasswordHash,
  verifyPassword,
} from '../../src/people/password';

const PASSWORD = 'correct horse battery';
const SALT = 'A'.repeat(22);

// python3 -c "import hashlib; print(hashlib.scrypt(b'correct horse battery', salt=bytes(16), n=2**15, r=8, p=1,
import { itInFull } from '../support/fuzz';

// maxmem=2**26, dklen=32))"
const KEY = '4/I690p0UHcxLaZAUmb4X+jg64YqVgkQRn0ju1HA01E';
const HASH = `$scrypt$ln=15,r=8,p=1$${SALT}$${KEY}` as PasswordHash;

describe('parsePasswordHash', () => {
  it('accepts what hashPassword makes', async () => {
    const hash = await hashPassword(PASSWORD);
    expect(parsePasswordHash(hash)).toBe(hash);
    expect(hash).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  });

  it.each([
    ['nothing', ''],
    ['a password', PASSWORD],
    ['another algorithm', HASH.replace('scrypt', 'argon2id')],
    ['a cost that takes 32 GiB', HASH.replace('ln=15', 'ln=25')],
    ['a lower cost', HASH.replace('ln=15', 'ln=14')],
    ['another block size', HASH.replace('r=8', 'r=80')],
    ['another parallelisation', HASH.replace('p=1', 'p=100')],
    ['another order', HASH.replace('ln=15,r=8', 'r=8,ln=15')],
    ['no salt', HASH.replace(`$${SALT}`, '')],
    ['a salt that is too short', HASH.replace(SALT, SALT.slice(1))],
    ['a salt that is too long', HASH.replace(SALT, `${SALT}A`)],
    ['a salt whose last bits are not zero', HASH.replace(SALT, `${SALT.slice(1)}B`)],
    ['a hash that is too short', HASH.slice(0, -1)],
    ['a hash that is too long', `${HASH}A`],
    ['a hash whose last bits are not zero', `${HASH.slice(0, -1)}B`],
    ['padding', `${HASH}=`],
    ['the other alphabet', HASH.replace(SALT, `_-${SALT.slice(2)}`)],
    ['another part', `${HASH}$`],
    ['a space in front', ` ${HASH}`],
    ['a line end behind', `${HASH}\n`],
  ])('refuses %s', (_what, text) => {
    expect(parsePasswordHash(text)).toBeUndefined();
  });
});

describe('hashPassword', () => {
  it('has another salt each time', async () => {
    const hashes = await Promise.all([hashPassword(PASSWORD), hashPassword(PASSWORD)]);
    const parts = hashes.flatMap((hash) => hash.split('$').slice(3));
    expect(new Set(parts).size).toBe(4);
  });

  it.each([
    ['12 characters', 'x'.repeat(12)],
    ['12 characters of two units each', '🐴'.repeat(12)],
    ['256 characters', 'x'.repeat(256)],
    ['spaces at the ends', ` ${'x'.repeat(10)} `],
  ])('takes %s', async (_what, password) => {
    expect(await verifyPassword(password, await hashPassword(password))).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['11 characters', 'x'.repeat(11)],
    ['11 characters of two units each', '🐴'.repeat(11)],
    ['11 characters with accents of their own', 'e\u0301'.repeat(11)],
    ['257 characters', 'x'.repeat(257)],
    ['a megabyte', 'x'.repeat(1_000_000)],
  ])('refuses %s', async (_what, password) => {
    await expect(hashPassword(password)).rejects.toThrow(new UserError(['A password has 12 to 256 characters.']));
  });
});

describe('verifyPassword', () => {
  it('accepts the password of a hash, which is stable across versions, because rosters hold it', async () => {
    expect(parsePasswordHash(HASH)).toBe(HASH);
    expect(await verifyPassword(PASSWORD, HASH)).toBe(true);
  });

  it.each([
    ['another password', 'correct horse batterz', HASH],
    ['other capitals', 'Correct horse battery', HASH],
    ['a space behind it', `${PASSWORD} `, HASH],
    ['nothing', '', HASH],
    ['what is too long', 'x'.repeat(257), HASH],
    ['a lone surrogate', '\ud800'.repeat(12), HASH],
    ['the password without a hash', PASSWORD, undefined],
    ['the password with another salt', PASSWORD, HASH.replace(SALT, `B${SALT.slice(1)}`) as PasswordHash],
    ['the password with another hash', PASSWORD, `${HASH.slice(0, -1)}A` as PasswordHash],
  ])('refuses %s', async (_what, password, hash) => {
    expect(await verifyPassword(password, hash)).toBe(false);
  });

  it.each([
    ['accents that are characters of their own', 'Zoe\u0308 and Sea\u0301n', 'Zoë and Seán'],
    ['full-width letters', 'ｃｏｒｒｅｃｔ horse', 'correct horse'],
  ])('ignores how a keyboard writes a character: %s', async (_what, one, other) => {
    expect(await verifyPassword(one, await hashPassword(other))).toBe(true);
    expect(await verifyPassword(other, await hashPassword(one))).toBe(true);
  });

  itInFull('takes as long without a hash as with one', async () => {
    const durations: Record<string, number[]> = { with: [], without: [] };
    for (let n = 0; n < 5; n++) {
      for (const [what, hash] of Object.entries({ with: HASH, without: undefined })) {
        const start = performance.now();
        await verifyPassword(PASSWORD, hash);
        durations[what]?.push(performance.now() - start);
      }
    }
    const [known = 0, unknown = 0] = Object.values(durations).map((all) => Math.min(...all));
    expect(unknown / known).toBeGreaterThan(1 / 3);
    expect(unknown / known).toBeLessThan(3);
  });
});

describe('many passwords at once', () => {
  itInFull('leave threads for files, which calls need', async () => {
    const order: string[] = [];
    const passwords = Array.from({ length: 5 }, () => verifyPassword('x', HASH).then(() => order.push('password')));
    await stat(__filename);
    order.push('file');
    await Promise.all(passwords);
    expect(order).toEqual(['file', ...Array(5).fill('password')]);
  });

  itInFull('are checked, 22 of them, even for nobody; others are refused', async () => {
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => verifyPassword('x', undefined)));
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toEqual(Array(8).fill({ status: 'rejected', reason: expect.any(PasswordsBusyError) }));
    expect(await verifyPassword(PASSWORD, HASH)).toBe(true);
  });
});
