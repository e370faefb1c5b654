import { describe, expect, it } from '@jest/globals';
import { type PhoneNumber, parsePhoneNumber } from '../../src/people/phone-number';
import { createRoster } from '../../src/people/roster';

const number = (text: string) => parsePhoneNumber(text) as PhoneNumber;
const alice = number('+15557788999');
const ted = number('+15550002222');

describe('createRoster', () => {
  const roster = createRoster({ moderatorNumbers: [alice], supervisorNumbers: [ted] });

  it.each([
    ['Alice', alice, true, false],
    ['Ted', ted, false, true],
    ['Bob', number('+15550001111'), false, false],
    ['a call without a number', undefined, false, false],
  ])('knows what %s may do', (_who, from, moderates, supervises) => {
    expect({ moderates: roster.isModerator(from), supervises: roster.maySupervise(from) }).toEqual({
      moderates,
      supervises,
    });
  });

  it('lets any number supervise when told so, but nobody without one', () => {
    const open = createRoster({ moderatorNumbers: [alice], supervisorNumbers: 'any' });
    expect(open.maySupervise(number('+15550001111'))).toBe(true);
    expect(open.maySupervise(undefined)).toBe(false);
  });
});
