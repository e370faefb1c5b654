import { describe, expect, it } from '@jest/globals';
import {
  type ConferenceInput,
  type ConferenceNeed,
  type ConferenceView,
  decideArrival,
  decideEnded,
  decideFallback,
  decidePin,
} from '../../src/calls/conference-flow';
import type { ConferenceDecision } from '../../src/calls/outcome';
import type { Lockout } from '../../src/people/pin-limiter';
import type { ModeratorEntry } from '../../src/people/roster';
import { roomNamed, sid } from '../support/room-stores';

const SALES = roomNamed('sales');
const CALL = { callSid: sid('a'), from: undefined };
const ALICE: ModeratorEntry = {
  name: 'Alice',
  address: undefined,
  pin: undefined,
  requirePin: false,
  password: undefined,
  email: undefined,
  rooms: 'all',
  extension: undefined,
};
const ALICE_OF_SUPPORT = { ...ALICE, rooms: new Set([roomNamed('support')]) };
const LOCKOUT: Lockout = { limit: 'attempts', who: 'number', seconds: 900 };

/** Decides, and is told what it asks for. Fails if it asks for what the test does not know. */
function decisionOf<Input extends ConferenceInput>(
  decide: (input: Input, view: ConferenceView) => ConferenceDecision | ConferenceNeed,
  input: Input,
  { who, ...known }: ConferenceView,
) {
  const asked: ConferenceNeed[] = [];
  let view: ConferenceView = { who };
  let step = decide(input, view);
  while ('needs' in step) {
    asked.push(step);
    expect(known).toHaveProperty(step.needs);
    view = { ...view, [step.needs]: known[step.needs] };
    step = decide(input, view);
  }
  return { decision: step, asked };
}

const AS_CALLER = { kind: 'join', role: 'caller', room: SALES };
const AS_MODERATOR = {
  kind: 'join',
  role: 'moderator',
  room: SALES,
  name: 'Alice',
  event: { kind: 'moderator-arrived', callSid: CALL.callSid, name: 'Alice', ageMs: 0 },
};
const IN_WRONG_ROOM = {
  ...AS_CALLER,
  isWrongRoom: true,
  warning: {
    message: 'Moderator dialled a room that is not theirs; the call joins as a caller',
    about: { name: 'Alice', rooms: ['support'] },
  },
};
const NO_PIN = { message: 'No PIN was entered' };
const WRONG_PIN = { message: 'Wrong moderator PIN' };
const asksForPin = (tryNumber: number, why: string, warning?: object) => ({
  kind: 'askModeratorPin',
  room: SALES,
  prompt: { tryNumber, why },
  warning,
});

describe('a call of the number that agents and customers dial', () => {
  it.each<[string, ConferenceView, object]>([
    ['lets a moderator in', { who: { person: ALICE } }, AS_MODERATOR],
    ['lets a moderator of other rooms in as a caller', { who: { person: ALICE_OF_SUPPORT } }, IN_WRONG_ROOM],
    ['lets anybody else in as a caller', { who: 'unknown' }, AS_CALLER],
    ['greets an unknown caller, who may have a PIN', { who: 'pin-possible' }, { kind: 'greet', room: SALES }],
    ['asks a moderator for the PIN they need', { who: 'pin-required', prompt: 'open' }, asksForPin(1, 'asked')],
    [
      'lets a moderator in as a caller while they are locked out',
      { who: 'pin-required', prompt: LOCKOUT },
      { ...AS_CALLER, lockout: LOCKOUT },
    ],
  ])('%s', (_what, view, expected) => {
    const { decision } = decisionOf(decideArrival, { room: SALES, call: CALL }, view);
    expect(decision).toEqual(expected);
  });

  it('ends with the conference, which the room is told', () => {
    const { decision } = decisionOf(decideEnded, { room: SALES, call: CALL }, { who: { person: ALICE } });
    expect(decision).toEqual({ kind: 'hangUp', event: { kind: 'dial-ended', callSid: CALL.callSid, ageMs: 0 } });
  });
});

/** What is known when a PIN was keyed in: the PIN, then whether there may be another prompt. */
type Known = Pick<ConferenceView, 'pin' | 'prompt'>;

function enterPin(tryNumber: number, digits: string | undefined, known: Known) {
  return decisionOf(decidePin, { room: SALES, call: CALL, digits, tryNumber }, { who: 'pin-possible', ...known });
}

const RIGHT: Known = { pin: { kind: 'right', person: ALICE, token: 'token' } };
const WRONG: Known = { pin: { kind: 'wrong', lockout: undefined } };

describe('the greeting', () => {
  it.each<[string, string | undefined, Known, object]>([
    ['nothing leads a customer in', undefined, {}, AS_CALLER],
    ['digits without a star lead a customer in', '48213', {}, AS_CALLER],
    ['a star asks for the PIN', '*', { prompt: 'open' }, asksForPin(1, 'asked')],
    ['a star and too few digits ask for the PIN', '*4821', { prompt: 'open' }, asksForPin(1, 'asked')],
    ['a star in a lockout leads in as a caller', '*', { prompt: LOCKOUT }, { ...AS_CALLER, lockout: LOCKOUT }],
    ['a star and the right PIN let a moderator in', '*48213', RIGHT, AS_MODERATOR],
    ['a star and a wrong PIN count as the first try', '*48214', WRONG, asksForPin(2, 'wrong', WRONG_PIN)],
  ])('%s', (_what, digits, known, expected) => {
    expect(enterPin(0, digits, known).decision).toEqual(expected);
  });

  it('checks the digits behind the star', () => {
    expect(enterPin(0, '*48213', RIGHT).asked).toEqual([{ needs: 'pin', digits: '48213' }]);
  });
});

describe('a moderator’s PIN', () => {
  const NONE: Known = { pin: { kind: 'none' } };

  it.each<[string, number, string | undefined, Known, object]>([
    ['lets them in', 1, '48213', RIGHT, AS_MODERATOR],
    [
      'of other rooms lets them in as a caller',
      1,
      '48213',
      { pin: { kind: 'right', person: ALICE_OF_SUPPORT, token: 'token' } },
      IN_WRONG_ROOM,
    ],
    // A wrong PIN took an attempt: nobody asks whether there may be another prompt.
    ['if wrong is asked for again', 1, '48214', WRONG, asksForPin(2, 'wrong', WRONG_PIN)],
    ['if wrong twice is asked for a third time', 2, '48214', WRONG, asksForPin(3, 'wrong', WRONG_PIN)],
    ['if wrong three times makes a caller', 3, '48214', WRONG, { ...AS_CALLER, warning: WRONG_PIN }],
    [
      'if it was the last wrong one makes a caller',
      1,
      '48214',
      { pin: { kind: 'wrong', lockout: LOCKOUT } },
      { ...AS_CALLER, lockout: LOCKOUT, warning: WRONG_PIN },
    ],
    [
      'in a lockout makes a caller, and nobody says whether it was wrong',
      1,
      '48213',
      { pin: { kind: 'locked-out', lockout: LOCKOUT } },
      { ...AS_CALLER, lockout: LOCKOUT },
    ],
    ['if none came is asked for again', 1, undefined, { ...NONE, prompt: 'open' }, asksForPin(2, 'silent', NO_PIN)],
    ['if none came three times makes a caller', 3, undefined, NONE, { ...AS_CALLER, warning: NO_PIN }],
    ['that cannot be one is asked for again', 1, '12', { ...NONE, prompt: 'open' }, asksForPin(2, 'wrong', WRONG_PIN)],
    [
      'is not asked for again in a lockout',
      1,
      undefined,
      { ...NONE, prompt: LOCKOUT },
      { ...AS_CALLER, lockout: LOCKOUT, warning: NO_PIN },
    ],
  ])('%s', (_what, tryNumber, digits, known, expected) => {
    expect(enterPin(tryNumber, digits, known).decision).toEqual(expected);
  });

  it('is checked before anything else, with or without a star', () => {
    const { asked } = enterPin(1, '*12', { ...NONE, prompt: 'open' });
    expect(asked).toEqual([{ needs: 'pin', digits: '12' }, { needs: 'prompt' }]);
  });
});

it.each<[string, boolean, ConferenceDecision]>([
  [
    'rejects a supervisor, whom everybody would hear',
    true,
    { kind: 'reject', warning: { message: 'Supervisor sent to the fallback; rejected' } },
  ],
  ['lets anybody else in as a caller', false, { kind: 'join', role: 'caller', room: SALES }],
])('the fallback %s', (_what, isOnlySupervisor, expected) => {
  expect(decideFallback(SALES, isOnlySupervisor)).toEqual(expected);
});
