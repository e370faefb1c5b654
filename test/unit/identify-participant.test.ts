import { describe, expect, it } from '@jest/globals';
import { type PhoneNumber, parsePhoneNumber } from '../../src/people/address';
import { identifyParticipant } from '../../src/people/identify-participant';
import type { PinHash } from '../../src/people/pin';
import { SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { createRoster, type RosterSettings } from '../../src/people/roster';
import { sid } from '../support/room-stores';

const number = (text: string) => parsePhoneNumber(text) as PhoneNumber;
const ALICE = '+15557788999';
const TED = '+15550002222';
const BOB = '+15550001111';

function identify(from: string | undefined, given: { settings?: Partial<RosterSettings>; hasPin?: boolean } = {}) {
  const roster = createRoster({
    moderatorNumbers: [number(ALICE)],
    supervisorNumbers: [number(TED)],
    ...given.settings,
  });
  if (given.hasPin) {
    const carol = {
      name: 'Carol',
      address: undefined,
      pin: 'hash' as PinHash,
      requirePin: false,
      password: undefined,
      email: undefined,
      mode: undefined,
      rights: SUPERVISOR_RIGHTS,
    };
    roster.replace({ moderators: [], supervisors: [{ ...carol, rooms: 'all' }] });
  }
  const call = { callSid: sid('call-1'), isOver: false, from, to: undefined, direction: 'inbound' };
  return identifyParticipant(roster, call, false).role;
}

describe('a participant who does not end the conference', () => {
  it.each([
    ['of a supervisor', TED, 'supervisor'],
    ['of nobody in the roster', BOB, 'caller'],
    ['of a moderator', ALICE, 'caller'],
    ['with a withheld number', 'anonymous', 'unknown'],
    ['without a number', undefined, 'unknown'],
  ])('%s gets the role that is certain', (_whose, from, role) => {
    expect(identify(from)).toBe(role);
  });

  it('is unknown if supervisors may be known by PIN', () => {
    expect(identify(BOB, { hasPin: true })).toBe('unknown');
    expect(identify(TED, { hasPin: true })).toBe('supervisor');
  });

  it('is unknown if anyone may supervise', () => {
    expect(identify(BOB, { settings: { supervisorNumbers: 'any' } })).toBe('unknown');
  });

  it('is unknown if they both moderate and supervise', () => {
    expect(identify(ALICE, { settings: { supervisorNumbers: [number(ALICE)] } })).toBe('unknown');
  });
});
