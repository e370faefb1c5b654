import { describe, expect, it } from '@jest/globals';
import { parseCommand } from '../../../../src/simulator/demo/command';

describe('parseCommand', () => {
  it.each([
    ['bob calls', { kind: 'call', who: 'bob' }],
    ['carol calls', { kind: 'call', who: 'carol' }],
    ['ted answers', { kind: 'answer', who: 'ted' }],
    ['alice hangs up', { kind: 'hangUp', who: 'alice' }],
    ['ted *2', { kind: 'press', who: 'ted', keys: '*2' }],
    ['ted 1234#', { kind: 'press', who: 'ted', keys: '1234#' }],
    ['Ted presses * 2', { kind: 'press', who: 'ted', keys: '*2' }],
    ['who hears whom', { kind: 'show' }],
    ['Who hears whom?', { kind: 'show' }],
    ['  BOB \t Calls.  ', { kind: 'call', who: 'bob' }],
    ['help', { kind: 'help' }],
    ['commands', { kind: 'commands' }],
    ['quit', { kind: 'quit' }],
    ['exit', { kind: 'quit' }],
  ])('understands %j', (line, command) => {
    expect(parseCommand(line)).toEqual(command);
  });

  it.each([
    '',
    '?',
    'bob',
    'bob sings',
    'bob calls ted',
    'dave calls',
    'constructor calls',
    'bob constructor',
    'hangs up',
    'ted *2 now',
    'ted presses',
    'constructor',
  ])('does not understand %j', (line) => {
    expect(parseCommand(line)).toBeUndefined();
  });
});
