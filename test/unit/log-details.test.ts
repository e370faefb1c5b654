import { expect, it } from '@jest/globals';
import { logDetails } from '../../src/calls/log-details';
import type { Outcome } from '../../src/calls/outcome';
import { parseAddress } from '../../src/people/address';
import { SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { MODES } from '../../src/rooms/mode';
import { emptyRoom } from '../../src/rooms/room';
import { roomNamed, sid } from '../support/room-stores';

const SALES = roomNamed('sales');
const NOBODY = {
  address: undefined,
  pin: undefined,
  requirePin: false,
  password: undefined,
  email: undefined,
  rooms: 'all',
  mode: undefined,
  rights: SUPERVISOR_RIGHTS,
} as const;
const CONTEXT = { mode: 'coach', attempt: 0, stay: 1, token: 'secret' } as const;

const call = (fields: object) => ({ fields }) as Parameters<typeof logDetails>[0];

it.each<[string, object, string]>([
  ['the number, masked', { From: '+15557788999' }, '***8999'],
  [
    'the number that was called out',
    { From: '+15557788999', To: '+15550002222', Direction: 'outbound-api' },
    '***2222',
  ],
  ['that the number is withheld', {}, 'no number'],
])('the log shows of a call: %s', (_what, fields, from) => {
  expect(logDetails(call(fields), { outcome: { kind: 'hangUp' } })).toEqual({ outcome: 'hangUp', from });
});

it('the log shows what a callback told', () => {
  const event = { kind: 'call-ended', callSid: sid('a'), ageMs: 0 } as const;
  expect(logDetails(call({ From: '+15557788999' }), { event })).toEqual(event);
  expect(logDetails(call({ From: '+15557788999' }), {})).toEqual({});
});

it('the log does not show the SID of a recording, which its address holds', () => {
  const event = { kind: 'recording-reported', recordingSid: sid('r-1'), status: 'completed', ageMs: 0 } as const;
  const shown = JSON.parse(JSON.stringify(logDetails(call({}), { event })));
  expect(shown).toEqual({ kind: 'recording-reported', status: 'completed', ageMs: 0 });
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
  ['the keypad', { kind: 'keypad', modes: MODES, room: SALES, context: CONTEXT }, { outcome: 'keypad' }],
  ['a rejection', { kind: 'reject' }, { outcome: 'reject' }],
])('the log shows of an answer: %s', (_what, outcome, details) => {
  expect(logDetails(call({}), { outcome })).toStrictEqual({ from: 'no number', ...details });
});
