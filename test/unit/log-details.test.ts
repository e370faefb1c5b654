import { expect, it } from '@jest/globals';
import { logDetails } from '../../src/calls/log-details';
import type { Outcome } from '../../src/calls/outcome';
import { parseAddress } from '../../src/people/address';
import { emptyRoom } from '../../src/rooms/room';
import { roomNamed, sid } from '../support/room-stores';

const SALES = roomNamed('sales');
const NOBODY = { address: undefined, pin: undefined, requirePin: false, rooms: 'all', mode: undefined } as const;
const CONTEXT = { mode: 'coach', attempt: 0, stay: 1, token: 'secret' } as const;

it.each<[string, Parameters<typeof logDetails>[0], object]>([
  ['nothing if it could not be read', undefined, {}],
  ['the room', { room: SALES }, { room: 'sales' }],
  ['no room on the supervisors’ line', { room: undefined }, {}],
  [
    'the number, masked',
    { call: { from: parseAddress('+15557788999') }, room: SALES },
    { from: '***8999', room: 'sales' },
  ],
  ['that the number is withheld', { call: { from: undefined } }, { from: 'no number' }],
])('the log shows of a request: %s', (_what, input, details) => {
  expect(logDetails(input, undefined)).toEqual(details);
});

const supervisor: Outcome = {
  kind: 'join',
  role: 'supervisor',
  person: { ...NOBODY, name: 'Ted' },
  state: emptyRoom(SALES),
  context: CONTEXT,
  target: { callSid: sid('a'), role: 'moderator', name: 'Alice' },
};
const unnamed = { ...NOBODY, name: undefined, address: parseAddress('+15550002222') };
const joined = { outcome: 'join', role: 'supervisor', room: 'sales', mode: 'coach', target: 'a' };

// Exactly these fields: an outcome also holds tokens and the state of a room.
it.each<[string, Outcome, object]>([
  [
    'a moderator',
    { kind: 'join', role: 'moderator', room: SALES, name: 'Alice' },
    { outcome: 'join', role: 'moderator', name: 'Alice' },
  ],
  ['a caller', { kind: 'join', role: 'caller', room: SALES }, { outcome: 'join', role: 'caller' }],
  ['a supervisor, and whom they hear', supervisor, { ...joined, name: 'Ted' }],
  ['a supervisor without a name', { ...supervisor, person: unnamed }, { ...joined, name: '***2222' }],
  [
    'a wait for a room',
    { kind: 'wait', reason: 'over', room: SALES, context: CONTEXT },
    { outcome: 'wait', reason: 'over', room: 'sales' },
  ],
  [
    'a wait on the line',
    { kind: 'wait', reason: 'nobody-there', context: CONTEXT },
    { outcome: 'wait', reason: 'nobody-there' },
  ],
  ['the keypad', { kind: 'keypad', room: SALES, context: CONTEXT }, { outcome: 'keypad' }],
  ['a rejection', { kind: 'reject' }, { outcome: 'reject' }],
])('the log shows of an answer: %s', (_what, outcome, details) => {
  expect(logDetails(undefined, outcome)).toStrictEqual(details);
});
