import { describe, expect, it } from '@jest/globals';
import { type PasswordHash, PasswordsBusyError } from '../../src/people/password';
import { createPasswordCheck } from '../../src/people/password-check';

const HASH = 'hash' as PasswordHash;

/** A check whose passwords take until they are told to end. */
function create() {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const check = createPasswordCheck((password) => {
    started.push(password);
    return new Promise((resolve) => ends.push(() => resolve(password === 'right')));
  });
  const enter = (network: string, { password = network, isKnown = false } = {}) =>
    check(password, HASH, { network, isKnown });
  return { enter, started, endNext: () => ends.shift()?.() };
}

describe('passwords', () => {
  it('of newcomers are checked one at a time, in the order in which they came', async () => {
    const { enter, started, endNext } = create();
    const [first, second] = [enter('192.0.2.1'), enter('192.0.2.2', { password: 'right' })];
    expect(started).toEqual(['192.0.2.1']);
    endNext();
    expect(await first).toBe(false);
    expect(started).toEqual(['192.0.2.1', 'right']);
    endNext();
    expect(await second).toBe(true);
  });

  it('of one network wait at most three at once', async () => {
    const { enter, endNext } = create();
    const waiting = Array.from({ length: 3 }, () => enter('192.0.2.1'));
    await expect(enter('192.0.2.1')).rejects.toThrow(PasswordsBusyError);
    const other = enter('192.0.2.2');
    endNext();
    await waiting[0];
    const fourth = enter('192.0.2.1');
    await expect(enter('192.0.2.1')).rejects.toThrow(PasswordsBusyError);
    for (const one of [...waiting.slice(1), other, fourth]) {
      endNext();
      expect(await one).toBe(false);
    }
  });

  it('of newcomers wait at most ten at once, and keep no known person out', async () => {
    const { enter, started, endNext } = create();
    const newcomers = Array.from({ length: 40 }, (_, n) => enter(`192.0.2.${n}`));
    const results = Promise.allSettled(newcomers);
    const known = enter('198.51.100.1', { password: 'right', isKnown: true });
    expect(started).toEqual(['192.0.2.0', 'right']);
    for (let n = 0; n < 11; n++) {
      endNext();
      await new Promise(setImmediate);
    }
    expect(await known).toBe(true);
    const refused = (await results).filter(({ status }) => status === 'rejected');
    expect(refused).toEqual(Array(30).fill({ status: 'rejected', reason: expect.any(PasswordsBusyError) }));
  });
});
