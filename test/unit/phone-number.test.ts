import { describe, expect, it } from '@jest/globals';
import { parsePhoneNumber } from '../../src/people/address';

describe('parsePhoneNumber', () => {
  it.each([
    ['+15557788999', '+15557788999'],
    [' 15557788999', '+15557788999'],
    ['+4915112345678', '+4915112345678'],
    ['+1555778', '+1555778'],
    ['+155577889991234', '+155577889991234'],
  ])('reads %j as %s', (text, number) => {
    expect(parsePhoneNumber(text)).toBe(number);
  });

  it.each([
    undefined,
    '',
    'anonymous',
    'sip:alice@example.com',
    'Алиса',
    '15557788999',
    '+05557788999',
    '+155577',
    '+1555778899912345',
    '++15557788999',
    '  15557788999',
    '+15557788999 ',
    '+15557788999\n',
    '+1 555 778 8999',
    '+1５５５7788999',
    '+15557788999,+15550002222',
  ])('finds no number in %j', (text) => {
    expect(parsePhoneNumber(text)).toBeUndefined();
  });
});
