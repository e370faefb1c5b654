import { describe, expect, it } from '@jest/globals';
import { type Access, type Caller, createAccess } from '../../src/people/access';
import { type PhoneNumber, parsePhoneNumber } from '../../src/people/phone-number';
import { createPasses, hashPin, type Pin } from '../../src/people/pin';
import type { Lockout, PinLimiter } from '../../src/people/pin-limiter';
import { createRoster, type SupervisorEntry } from '../../src/people/roster';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { PIN_KEY } from '../support/roster';

const number = (text: string) => parsePhoneNumber(text) as PhoneNumber;
const hash = (pin: string) => hashPin(PIN_KEY, pin as Pin);
const NUMBERS = { ted: number('+15550002222'), tess: number('+15550003333'), bob: number('+15550001111') };

const entry = { requirePin: false, rooms: 'all', mode: undefined } as const;
const ted: SupervisorEntry = { ...entry, name: 'Ted', number: NUMBERS.ted, pin: hash('12345') };
const tess: SupervisorEntry = { ...entry, name: 'Tess', number: NUMBERS.tess, pin: hash('67890'), requirePin: true };

/** A limiter that lets everybody try, or nobody, and notes what it was asked. */
function createFakeLimiter(lockout?: Lockout): PinLimiter & { asked: [string, PhoneNumber | undefined][] } {
  const asked: [string, PhoneNumber | undefined][] = [];
  return {
    asked,
    async take(from) {
      asked.push(['take', from]);
      return lockout;
    },
    async giveBack(from) {
      asked.push(['giveBack', from]);
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

const calling = (from: PhoneNumber | undefined, callSid = 'call-1'): Caller => ({
  callSid: parseSid(callSid) as Sid,
  from,
});

/** A pass, got as a caller gets one. */
function passOf(access: Access<SupervisorEntry>, caller: Caller, pin: string): string {
  return access.checkPin(caller, pin)?.pass ?? '';
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

  it('takes a pass for the person, whatever the number', () => {
    const { access } = create();
    for (const from of [NUMBERS.bob, NUMBERS.ted, undefined]) {
      const pass = passOf(access, calling(from), '67890');
      expect(access.identify(calling(from), pass)).toEqual({ person: tess });
    }
  });

  it('asks a person who needs a PIN no more once they have a pass', () => {
    const { access } = create();
    const pass = passOf(access, calling(NUMBERS.tess), '67890');
    expect(access.identify(calling(NUMBERS.tess), pass)).toEqual({ person: tess });
  });

  describe('goes by the number alone', () => {
    const byNumber = [{ person: ted }, 'must-ask', 'may-ask'] as const;

    /** Who calls from the three numbers with such a pass in a call. */
    const identifyAll = (access: Access<SupervisorEntry>, pass: string) =>
      [NUMBERS.ted, NUMBERS.tess, NUMBERS.bob].map((from) => access.identify(calling(from), pass));

    it('for the pass of another call', () => {
      const { access } = create();
      const pass = passOf(access, calling(NUMBERS.bob, 'call-2'), '67890');
      expect(pass).not.toBe('');
      expect(identifyAll(access, pass)).toEqual(byNumber);
    });

    it.each(['', 'garbage', 'A'.repeat(100)])('for %j, which is no pass', (pass) => {
      expect(identifyAll(create().access, pass)).toEqual(byNumber);
    });

    it('for the pass of somebody who was removed from the roster since', () => {
      const { access, become } = create({
        people: [ted, tess, { ...ted, name: 'Una', number: NUMBERS.bob, pin: hash('11111') }],
      });
      const pass = passOf(access, calling(undefined), '11111');
      expect(access.identify(calling(undefined), pass)).toMatchObject({ person: { name: 'Una' } });
      become([ted, tess]);
      expect(identifyAll(access, pass)).toEqual(byNumber);
    });

    it('for the pass of somebody whose PIN was removed since', () => {
      const una = { ...ted, name: 'Una', number: number('+15550004444'), pin: hash('11111') };
      const { access, become } = create({ people: [ted, tess, una] });
      const pass = passOf(access, calling(undefined), '11111');
      become([ted, tess, { ...una, pin: undefined }]);
      expect(identifyAll(access, pass)).toEqual(byNumber);
    });

    it('when there is no key for PINs any more', () => {
      const pass = passOf(create().access, calling(NUMBERS.bob), '67890');
      expect(identifyAll(create({ withPins: false }).access, pass)).toEqual(byNumber);
    });
  });

  it('tells what the roster says of the person now', () => {
    const { access, become } = create();
    const pass = passOf(access, calling(NUMBERS.bob), '67890');
    const changed = { ...tess, mode: 'barge', number: number('+15550009999') } as const;
    become([changed]);
    expect(access.identify(calling(NUMBERS.bob), pass)).toEqual({ person: changed });
  });

  it('takes no try and gives none back', () => {
    const limiter = createFakeLimiter();
    const { access } = create({ limiter });
    access.identify(calling(NUMBERS.tess), undefined);
    expect(limiter.asked).toEqual([]);
  });
});

describe('takeTry', () => {
  it.each([
    ['there is one', undefined],
    ['there is none', { who: 'everybody', seconds: 60 } as const],
  ])('takes a try of the number, and says what comes of it, when %s', async (_when, lockout) => {
    const limiter = createFakeLimiter(lockout);
    const { access } = create({ limiter });
    expect(await access.takeTry(calling(NUMBERS.bob))).toBe(lockout);
    expect(await access.takeTry(calling(undefined))).toBe(lockout);
    expect(limiter.asked).toEqual([
      ['take', NUMBERS.bob],
      ['take', undefined],
    ]);
  });
});

describe('checkPin', () => {
  it.each([
    ['their own number', NUMBERS.tess],
    ["somebody else's", NUMBERS.ted],
    ['an unknown one', NUMBERS.bob],
    ['none', undefined],
  ])('knows a right PIN from %s, and gives back the one try that it took', (_what, from) => {
    const limiter = createFakeLimiter();
    const { access } = create({ limiter });
    expect(access.checkPin(calling(from), '67890')).toEqual({ person: tess, pass: expect.any(String) });
    expect(limiter.asked).toEqual([['giveBack', from]]);
  });

  it('gives a pass that is good for this call', () => {
    const { access } = create();
    const pass = passOf(access, calling(NUMBERS.bob), '12345');
    expect(access.identify(calling(NUMBERS.bob), pass)).toEqual({ person: ted });
  });

  it.each([
    ['a wrong PIN', '99999'],
    ['a right one with a digit more', '678901'],
    ['a right one with a digit fewer', '6789'],
    ['a right one with a star', '*67890'],
    ['the hash of a right one', hash('67890')],
    ['four digits', '1234'],
    ['eleven digits', '12345678901'],
    ['no digits', ''],
    ['nothing', undefined],
  ])('knows nobody by %s, and keeps the try', (_what, digits) => {
    const limiter = createFakeLimiter();
    const { access } = create({ limiter });
    expect(access.checkPin(calling(NUMBERS.tess), digits)).toBeUndefined();
    expect(limiter.asked).toEqual([]);
  });

  it.each([
    ['there is no key for PINs', { withPins: false }],
    ['nobody has a PIN', { people: [{ ...tess, pin: undefined, requirePin: false }] }],
    ['nobody is in the roster', { people: [] }],
  ])('knows nobody when %s', (_what, given) => {
    const limiter = createFakeLimiter();
    const { access } = create({ ...given, limiter });
    for (const digits of ['67890', '1234', undefined]) {
      expect(access.checkPin(calling(NUMBERS.tess), digits)).toBeUndefined();
    }
    expect(limiter.asked).toEqual([]);
  });

  it('goes by the roster as it is now', () => {
    const { access, become } = create();
    become([{ ...tess, pin: hash('54321') }]);
    expect(access.checkPin(calling(NUMBERS.tess), '67890')).toBeUndefined();
    expect(access.checkPin(calling(NUMBERS.tess), '54321')).toMatchObject({ person: { name: 'Tess' } });
  });
});
