import { describe, expect, it } from '@jest/globals';
import { type Access, type Caller, createAccess } from '../../src/people/access';
import type { Address } from '../../src/people/address';
import { type PhoneNumber, parsePhoneNumber } from '../../src/people/phone-number';
import { createPasses, hashPin, type Pin } from '../../src/people/pin';
import type { Attempt, Lockout, PinLimiter } from '../../src/people/pin-limiter';
import { createRoster, type SupervisorEntry } from '../../src/people/roster';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { PIN_KEY } from '../support/roster';

const number = (text: string) => parsePhoneNumber(text) as PhoneNumber;
const hash = (pin: string) => hashPin(PIN_KEY, pin as Pin);
const NUMBERS = { ted: number('+15550002222'), tess: number('+15550003333'), bob: number('+15550001111') };

const entry = { requirePin: false, rooms: 'all', mode: undefined } as const;
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
  const pins = withPins ? { key: PIN_KEY, passes: createPasses(PIN_KEY, 'supervisor') } : undefined;
  const access = createAccess({ book: () => roster.supervisors, limiter, pins });
  return { access, become: (supervisors: SupervisorEntry[]) => roster.replace({ moderators: [], supervisors }) };
}

const calling = (from: Address | undefined, callSid = 'call-1'): Caller => ({
  callSid: parseSid(callSid) as Sid,
  from,
});

/** A pass, got as a caller gets one. */
async function passOf(access: Access<SupervisorEntry>, caller: Caller, pin: string): Promise<string> {
  const result = await access.checkPin(caller, pin);
  return result.kind === 'right' ? result.pass : '';
}

describe('identify', () => {
  it.each([
    ['a number in the roster', NUMBERS.ted, { person: ted }],
    ['a number in the roster that does not do alone', NUMBERS.tess, 'must-ask'],
    ['an unknown number', NUMBERS.bob, 'may-ask'],
    ['no number', undefined, 'may-ask'],
  ])('tells who calls from %s', (_what, from, who) => {
    expect(create().access.identify(calling(from), undefined)).toEqual(who);
  });

  it.each([
    ['an unknown number', NUMBERS.bob],
    ['no number', undefined],
  ])('knows nobody behind %s when nobody has a PIN', (_what, from) => {
    const { access } = create({ people: [{ ...ted, pin: undefined }] });
    expect(access.identify(calling(from), undefined)).toBe('nobody');
  });

  it('takes a pass for the person, whatever the number', async () => {
    const { access } = create();
    for (const from of [NUMBERS.bob, NUMBERS.ted, undefined]) {
      const pass = await passOf(access, calling(from), '67890');
      expect(access.identify(calling(from), pass)).toEqual({ person: tess });
    }
  });

  it('asks a person who needs a PIN no more once they have a pass', async () => {
    const { access } = create();
    const pass = await passOf(access, calling(NUMBERS.tess), '67890');
    expect(access.identify(calling(NUMBERS.tess), pass)).toEqual({ person: tess });
  });

  describe('goes by the number alone', () => {
    const byNumber = [{ person: ted }, 'must-ask', 'may-ask'] as const;

    /** Who calls from the three numbers with such a pass in a call. */
    const identifyAll = (access: Access<SupervisorEntry>, pass: string) =>
      [NUMBERS.ted, NUMBERS.tess, NUMBERS.bob].map((from) => access.identify(calling(from), pass));

    it('for the pass of another call', async () => {
      const { access } = create();
      const pass = await passOf(access, calling(NUMBERS.bob, 'call-2'), '67890');
      expect(pass).not.toBe('');
      expect(identifyAll(access, pass)).toEqual(byNumber);
    });

    it.each(['', 'garbage', 'A'.repeat(100)])('for %j, which is no pass', (pass) => {
      expect(identifyAll(create().access, pass)).toEqual(byNumber);
    });

    it('for the pass of somebody who was removed from the roster since', async () => {
      const { access, become } = create({
        people: [ted, tess, { ...ted, name: 'Una', address: NUMBERS.bob, pin: hash('11111') }],
      });
      const pass = await passOf(access, calling(undefined), '11111');
      expect(access.identify(calling(undefined), pass)).toMatchObject({ person: { name: 'Una' } });
      become([ted, tess]);
      expect(identifyAll(access, pass)).toEqual(byNumber);
    });

    it('for the pass of somebody whose PIN was removed since', async () => {
      const una = { ...ted, name: 'Una', address: number('+15550004444'), pin: hash('11111') };
      const { access, become } = create({ people: [ted, tess, una] });
      const pass = await passOf(access, calling(undefined), '11111');
      become([ted, tess, { ...una, pin: undefined }]);
      expect(identifyAll(access, pass)).toEqual(byNumber);
    });

    it('when there is no key for PINs any more', async () => {
      const pass = await passOf(create().access, calling(NUMBERS.bob), '67890');
      expect(identifyAll(create({ withPins: false }).access, pass)).toEqual(byNumber);
    });
  });

  it('tells what the roster says of the person now', async () => {
    const { access, become } = create();
    const pass = await passOf(access, calling(NUMBERS.bob), '67890');
    const changed = { ...tess, mode: 'barge', number: number('+15550009999') } as const;
    become([changed]);
    expect(access.identify(calling(NUMBERS.bob), pass)).toEqual({ person: changed });
  });

  it('takes no attempt', () => {
    const limiter = createFakeLimiter();
    const { access } = create({ limiter });
    access.identify(calling(NUMBERS.tess), undefined);
    expect(limiter.asked).toEqual([]);
  });
});

describe('openPrompt', () => {
  it.each([
    ['may be opened', undefined],
    ['may not', LOCKOUT],
  ])('says whether a prompt for that number %s', async (_may, lockout) => {
    const limiter = createFakeLimiter(lockout && { isAllowed: false, lockout });
    const { access } = create({ limiter });
    expect(await access.openPrompt(calling(NUMBERS.bob))).toBe(lockout);
    expect(await access.openPrompt(calling(undefined))).toBe(lockout);
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
  ])('knows a right PIN from %s', async (_what, from) => {
    const limiter = createFakeLimiter();
    const { access } = create({ limiter });
    expect(await access.checkPin(calling(from), '67890')).toEqual({
      kind: 'right',
      person: tess,
      pass: expect.any(String),
    });
    expect(limiter.asked).toEqual([['right', from]]);
  });

  it('gives a pass that is good for this call', async () => {
    const { access } = create();
    const pass = await passOf(access, calling(NUMBERS.bob), '12345');
    expect(access.identify(calling(NUMBERS.bob), pass)).toEqual({ person: ted });
  });

  it.each([
    ['a wrong PIN', '99999'],
    ['a right one with a digit more', '678901'],
  ])('counts %s as an attempt', async (_what, digits) => {
    const limiter = createFakeLimiter();
    const { access } = create({ limiter });
    expect(await access.checkPin(calling(NUMBERS.tess), digits)).toEqual({ kind: 'wrong', lockout: undefined });
    expect(limiter.asked).toEqual([['wrong', NUMBERS.tess]]);
  });

  it('says that a wrong PIN took the last attempt', async () => {
    const { access } = create({ limiter: createFakeLimiter({ isAllowed: true, lockout: LOCKOUT }) });
    expect(await access.checkPin(calling(NUMBERS.bob), '99999')).toEqual({ kind: 'wrong', lockout: LOCKOUT });
  });

  it.each([
    ['wrong', '99999'],
    ['right', '67890'],
  ])('says nothing about a %s PIN when no attempt is left', async (_which, digits) => {
    const { access } = create({ limiter: createFakeLimiter({ isAllowed: false, lockout: LOCKOUT }) });
    expect(await access.checkPin(calling(NUMBERS.bob), digits)).toEqual({ kind: 'locked-out', lockout: LOCKOUT });
  });

  it.each([
    ['a right one with a digit fewer', '6789'],
    ['a right one with a star', '*67890'],
    ['the hash of a right one', hash('67890')],
    ['four digits', '1234'],
    ['eleven digits', '12345678901'],
    ['no digits', ''],
    ['nothing', undefined],
  ])('takes %s for no PIN, and takes no attempt', async (_what, digits) => {
    const limiter = createFakeLimiter();
    const { access } = create({ limiter });
    expect(await access.checkPin(calling(NUMBERS.tess), digits)).toEqual({ kind: 'none' });
    expect(limiter.asked).toEqual([]);
  });

  it('knows nobody, and takes no attempt, when there is no key for PINs', async () => {
    const limiter = createFakeLimiter();
    const { access } = create({ withPins: false, limiter });
    for (const digits of ['67890', '1234', undefined]) {
      expect(await access.checkPin(calling(NUMBERS.tess), digits)).toEqual({ kind: 'none' });
    }
    expect(limiter.asked).toEqual([]);
  });

  it.each([
    ['nobody has a PIN', [{ ...tess, pin: undefined, requirePin: false }]],
    ['nobody is in the roster', []],
  ])('knows nobody when %s', async (_what, people) => {
    const { access } = create({ people });
    expect(await access.checkPin(calling(NUMBERS.tess), '67890')).toMatchObject({ kind: 'wrong' });
    expect(await access.checkPin(calling(NUMBERS.tess), '1234')).toEqual({ kind: 'none' });
  });

  it('goes by the roster as it is now', async () => {
    const { access, become } = create();
    become([{ ...tess, pin: hash('54321') }]);
    expect(await access.checkPin(calling(NUMBERS.tess), '67890')).toMatchObject({ kind: 'wrong' });
    expect(await access.checkPin(calling(NUMBERS.tess), '54321')).toMatchObject({ person: { name: 'Tess' } });
  });
});
