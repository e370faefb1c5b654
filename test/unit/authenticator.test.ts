import { describe, expect, it } from '@jest/globals';
import { type Address, type PhoneNumber, parsePhoneNumber } from '../../src/people/address';
import { type Authenticator, createAuthenticator, type PhoneCall } from '../../src/people/authenticator';
import { createPinTokens, hashPin, type Pin } from '../../src/people/pin';
import type { Attempt, Lockout, PinLimiter } from '../../src/people/pin-limiter';
import { SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { createRoster, type SupervisorEntry } from '../../src/people/roster';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { PIN_KEY } from '../support/roster';

const number = (text: string) => parsePhoneNumber(text) as PhoneNumber;
const hash = (pin: string) => hashPin(PIN_KEY, pin as Pin);
const NUMBERS = { ted: number('+15550002222'), tess: number('+15550003333'), bob: number('+15550001111') };

const entry = {
  requirePin: false,
  password: undefined,
  email: undefined,
  rooms: 'all',
  mode: undefined,
  rights: SUPERVISOR_RIGHTS,
} as const;
const ted: SupervisorEntry = { ...entry, name: 'Ted', address: NUMBERS.ted, pin: hash('12345') };
const tess: SupervisorEntry = { ...entry, name: 'Tess', address: NUMBERS.tess, pin: hash('67890'), requirePin: true };

const LOCKOUT: Lockout = { limit: 'attempts', who: 'everybody', seconds: 60 };

/** A limiter that lets everybody try, or nobody, and notes what it was asked. */
function createFakeLimiter(
  attempt: Attempt = { isAllowed: true, lockout: undefined },
): PinLimiter & { asked: [string, Address | undefined][] } {
  const asked: [string, Address | undefined][] = [];
  return {
    asked,
    async openPrompt(from) {
      asked.push(['prompt', from]);
      return attempt.lockout;
    },
    async consumeAttempt(from, { isRight }) {
      asked.push([isRight ? 'right' : 'wrong', from]);
      return attempt;
    },
  };
}

interface Given {
  people?: SupervisorEntry[];
  limiter?: PinLimiter;
  withPins?: boolean;
}

function create({ people = [ted, tess], limiter = createFakeLimiter(), withPins = true }: Given = {}) {
  const roster = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
  roster.replace({ moderators: [], supervisors: people });
  const pins = withPins ? { key: PIN_KEY, tokens: createPinTokens(PIN_KEY, 'supervisor') } : undefined;
  const authenticator = createAuthenticator({ people: roster.supervisors, limiter, pins });
  return { authenticator, become: (supervisors: SupervisorEntry[]) => roster.replace({ moderators: [], supervisors }) };
}

const calling = (from: Address | undefined, callSid = 'call-1'): PhoneCall => ({
  callSid: parseSid(callSid) as Sid,
  from,
});

/** A token, got as a caller gets one. */
async function tokenOf(authenticator: Authenticator<SupervisorEntry>, caller: PhoneCall, pin: string): Promise<string> {
  const result = await authenticator.checkPin(caller, pin);
  return result.kind === 'right' ? result.token : '';
}

describe('authenticate', () => {
  it.each([
    ['a number in the roster', NUMBERS.ted, { person: ted }],
    ['a number in the roster that does not do alone', NUMBERS.tess, 'pin-required'],
    ['an unknown number', NUMBERS.bob, 'pin-possible'],
    ['no number', undefined, 'pin-possible'],
  ])('authenticates a call from %s', (_what, from, who) => {
    expect(create().authenticator.authenticate(calling(from), undefined)).toEqual(who);
  });

  it.each([
    ['an unknown number', NUMBERS.bob],
    ['no number', undefined],
  ])('does not know %s when nobody has a PIN', (_what, from) => {
    const { authenticator } = create({ people: [{ ...ted, pin: undefined }] });
    expect(authenticator.authenticate(calling(from), undefined)).toBe('unknown');
  });

  it('recognises a person by their token, from any number', async () => {
    const { authenticator } = create();
    for (const from of [NUMBERS.bob, NUMBERS.ted, undefined]) {
      const token = await tokenOf(authenticator, calling(from), '67890');
      expect(authenticator.authenticate(calling(from), token)).toEqual({ person: tess });
    }
  });

  it('does not ask for a PIN again once a person has a token', async () => {
    const { authenticator } = create();
    const token = await tokenOf(authenticator, calling(NUMBERS.tess), '67890');
    expect(authenticator.authenticate(calling(NUMBERS.tess), token)).toEqual({ person: tess });
  });

  describe('uses the number alone', () => {
    const byNumber = [{ person: ted }, 'pin-required', 'pin-possible'] as const;

    /** Who calls from the three numbers with such a token in a call. */
    const authenticateAll = (authenticator: Authenticator<SupervisorEntry>, token: string) =>
      [NUMBERS.ted, NUMBERS.tess, NUMBERS.bob].map((from) => authenticator.authenticate(calling(from), token));

    it('for the token of another call', async () => {
      const { authenticator } = create();
      const token = await tokenOf(authenticator, calling(NUMBERS.bob, 'call-2'), '67890');
      expect(token).not.toBe('');
      expect(authenticateAll(authenticator, token)).toEqual(byNumber);
    });

    it.each(['', 'garbage', 'A'.repeat(100)])('for %j, which is not a token', (token) => {
      expect(authenticateAll(create().authenticator, token)).toEqual(byNumber);
    });

    it('for the token of a person who has been removed from the roster', async () => {
      const { authenticator, become } = create({
        people: [ted, tess, { ...ted, name: 'Una', address: NUMBERS.bob, pin: hash('11111') }],
      });
      const token = await tokenOf(authenticator, calling(undefined), '11111');
      expect(authenticator.authenticate(calling(undefined), token)).toMatchObject({ person: { name: 'Una' } });
      become([ted, tess]);
      expect(authenticateAll(authenticator, token)).toEqual(byNumber);
    });

    it('for the token of a person whose PIN has been removed', async () => {
      const una = { ...ted, name: 'Una', address: number('+15550004444'), pin: hash('11111') };
      const { authenticator, become } = create({ people: [ted, tess, una] });
      const token = await tokenOf(authenticator, calling(undefined), '11111');
      become([ted, tess, { ...una, pin: undefined }]);
      expect(authenticateAll(authenticator, token)).toEqual(byNumber);
    });

    it('when PIN_KEY has been removed', async () => {
      const token = await tokenOf(create().authenticator, calling(NUMBERS.bob), '67890');
      expect(authenticateAll(create({ withPins: false }).authenticator, token)).toEqual(byNumber);
    });
  });

  it('returns the person as the roster has them now', async () => {
    const { authenticator, become } = create();
    const token = await tokenOf(authenticator, calling(NUMBERS.bob), '67890');
    const changed = { ...tess, mode: 'barge', number: number('+15550009999') } as const;
    become([changed]);
    expect(authenticator.authenticate(calling(NUMBERS.bob), token)).toEqual({ person: changed });
  });

  it('uses no attempt', () => {
    const limiter = createFakeLimiter();
    const { authenticator } = create({ limiter });
    authenticator.authenticate(calling(NUMBERS.tess), undefined);
    expect(limiter.asked).toEqual([]);
  });
});

describe('openPrompt', () => {
  it.each([
    ['may be opened', undefined],
    ['may not', LOCKOUT],
  ])('says whether a prompt for a number %s', async (_may, lockout) => {
    const limiter = createFakeLimiter(lockout && { isAllowed: false, lockout });
    const { authenticator } = create({ limiter });
    expect(await authenticator.openPrompt(calling(NUMBERS.bob))).toBe(lockout);
    expect(await authenticator.openPrompt(calling(undefined))).toBe(lockout);
    expect(limiter.asked).toEqual([
      ['prompt', NUMBERS.bob],
      ['prompt', undefined],
    ]);
  });
});

describe('checkPin', () => {
  it.each([
    ['their own number', NUMBERS.tess],
    ["somebody else's", NUMBERS.ted],
    ['an unknown one', NUMBERS.bob],
    ['none', undefined],
  ])('recognises a right PIN from %s', async (_what, from) => {
    const limiter = createFakeLimiter();
    const { authenticator } = create({ limiter });
    expect(await authenticator.checkPin(calling(from), '67890')).toEqual({
      kind: 'right',
      person: tess,
      token: expect.any(String),
    });
    expect(limiter.asked).toEqual([['right', from]]);
  });

  it('issues a token that is valid for this call', async () => {
    const { authenticator } = create();
    const token = await tokenOf(authenticator, calling(NUMBERS.bob), '12345');
    expect(authenticator.authenticate(calling(NUMBERS.bob), token)).toEqual({ person: ted });
  });

  it.each([
    ['a wrong PIN', '99999'],
    ['a right one with a digit more', '678901'],
  ])('counts %s as an attempt', async (_what, digits) => {
    const limiter = createFakeLimiter();
    const { authenticator } = create({ limiter });
    expect(await authenticator.checkPin(calling(NUMBERS.tess), digits)).toEqual({ kind: 'wrong', lockout: undefined });
    expect(limiter.asked).toEqual([['wrong', NUMBERS.tess]]);
  });

  it('reports that a wrong PIN used the last attempt', async () => {
    const { authenticator } = create({ limiter: createFakeLimiter({ isAllowed: true, lockout: LOCKOUT }) });
    expect(await authenticator.checkPin(calling(NUMBERS.bob), '99999')).toEqual({ kind: 'wrong', lockout: LOCKOUT });
  });

  it.each([
    ['wrong', '99999'],
    ['right', '67890'],
  ])('reveals nothing about a %s PIN when no attempt is left', async (_which, digits) => {
    const { authenticator } = create({ limiter: createFakeLimiter({ isAllowed: false, lockout: LOCKOUT }) });
    expect(await authenticator.checkPin(calling(NUMBERS.bob), digits)).toEqual({
      kind: 'locked-out',
      lockout: LOCKOUT,
    });
  });

  it.each([
    ['a right one with a digit fewer', '6789'],
    ['a right one with a star', '*67890'],
    ['the hash of a right one', hash('67890')],
    ['four digits', '1234'],
    ['eleven digits', '12345678901'],
    ['no digits', ''],
    ['nothing', undefined],
  ])('treats %s as no PIN, and uses no attempt', async (_what, digits) => {
    const limiter = createFakeLimiter();
    const { authenticator } = create({ limiter });
    expect(await authenticator.checkPin(calling(NUMBERS.tess), digits)).toEqual({ kind: 'none' });
    expect(limiter.asked).toEqual([]);
  });

  it('recognises nobody, and uses no attempt, without a PIN_KEY', async () => {
    const limiter = createFakeLimiter();
    const { authenticator } = create({ withPins: false, limiter });
    for (const digits of ['67890', '1234', undefined]) {
      expect(await authenticator.checkPin(calling(NUMBERS.tess), digits)).toEqual({ kind: 'none' });
    }
    expect(limiter.asked).toEqual([]);
  });

  it.each([
    ['nobody has a PIN', [{ ...tess, pin: undefined, requirePin: false }]],
    ['nobody is in the roster', []],
  ])('recognises nobody when %s', async (_what, people) => {
    const { authenticator } = create({ people });
    expect(await authenticator.checkPin(calling(NUMBERS.tess), '67890')).toMatchObject({ kind: 'wrong' });
    expect(await authenticator.checkPin(calling(NUMBERS.tess), '1234')).toEqual({ kind: 'none' });
  });

  it('uses the roster as it is now', async () => {
    const { authenticator, become } = create();
    become([{ ...tess, pin: hash('54321') }]);
    expect(await authenticator.checkPin(calling(NUMBERS.tess), '67890')).toMatchObject({ kind: 'wrong' });
    expect(await authenticator.checkPin(calling(NUMBERS.tess), '54321')).toMatchObject({ person: { name: 'Tess' } });
  });
});
