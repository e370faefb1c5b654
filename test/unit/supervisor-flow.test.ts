import { describe, expect, it } from '@jest/globals';
import type { CallContext, RoomContext } from '../../src/calls/call-context';
import {
  decideArrival,
  decideChoice,
  decideEnded,
  decideKey,
  decideLineArrival,
  decidePin,
  type SupervisorView,
} from '../../src/calls/supervisor-flow';
import type { Lockout } from '../../src/people/pin-limiter';
import type { Action } from '../../src/rooms/action';
import type { HeardMode, Mode } from '../../src/rooms/mode';
import type { Stay, SupervisorStay } from '../../src/rooms/room';
import type { RoomEntry } from '../../src/rooms/room-entry';
import { roomNamed, sid } from '../support/room-stores';
import { decisionOf, type Known, NOW, outcomeOf, TED } from '../support/supervisor-decisions';

const SALES = roomNamed('sales');
const SUPPORT = roomNamed('support');
const CALL = { callSid: sid('t'), from: undefined };
const LOCKOUT: Lockout = { limit: 'attempts', who: 'number', seconds: 900 };

/** Ted, who has a mode of his own on the line. */
const own = (mode: Mode) => ({ person: { ...TED, mode } });
/** Ted, who may only listen. */
const LISTENER = { person: { ...TED, rights: new Set(['monitor'] as const) } };
/** Ted, where sales is not his. */
const NOT_HIS = { person: { ...TED, rooms: new Set([SUPPORT]) } };

const ALICE: Stay = {
  callSid: sid('a'),
  role: 'moderator',
  name: 'Alice',
  arrivedAt: NOW - 50_000,
  joinedAt: NOW - 49_000,
  conferenceSid: sid('cf-1'),
};
/** The Space lets nobody coach her. */
const ALONE: Stay = { ...ALICE, coachingFailedAt: NOW - 40_000 };
const LEFT: Stay = { ...ALICE, leftAt: NOW - 200 };
/** The same call in another conference. */
const AGAIN: Stay = { ...ALICE, conferenceSid: sid('cf-2') };
const CAROL: Stay = { ...ALICE, callSid: sid('c'), name: 'Carol', joinedAt: NOW - 1_000 };
/** Alice asked for her document 9 s ago. */
const ARRIVING: Stay = { callSid: ALICE.callSid, role: 'moderator', name: 'Alice', arrivedAt: NOW - 9_000 };
/** She did so 10 s ago, and was still not seen to join. */
const GHOST: Stay = { ...ARRIVING, arrivedAt: NOW - 10_000 };

/** Ted's stay that has just ended. */
function stayed(mode: Mode | undefined, heard: HeardMode): SupervisorStay {
  const supervision = { stayNumber: 1, mode, target: ALICE.callSid, moderatorName: 'Alice', heard, callers: [] };
  return { callSid: CALL.callSid, role: 'supervisor', arrivedAt: NOW - 30_000, leftAt: NOW - 100, supervision };
}

const COACHED = stayed('coach', 'coach');
const BARGED = stayed('barge', 'barge');

/** A room in the list of all. */
function entry(room: string, name?: string): RoomEntry {
  const target = { callSid: ALICE.callSid, name, hasJoined: true, arrivedAt: NOW - 50_000 };
  return { room: roomNamed(room), target, hasCaller: true, supervisors: 0, at: NOW };
}

/** Nobody is in this room any more, but in one other. */
const ONE_ELSEWHERE: Known = { room: [], list: [entry('support')] };
const MENU = 'choose support to coach, conversation-over; attempt=1 waits=0';

const FIRST: RoomContext = { mode: 'coach', attempt: 0, stay: 0 };
/** Of a call that has been in the room, and gave its PIN. */
const LATER: RoomContext = { ...FIRST, initialMode: 'coach', stay: 1, isAnnounced: true, token: 'T' };
const WITH_ALICE = { target: ALICE.callSid, conferenceSid: ALICE.conferenceSid };
const IN_SALES = { call: CALL, room: SALES };

describe('a supervisor who dials a room', () => {
  const TOLD = 'join Alice to coach, told; isAnnounced stay=1';

  it.each<[string, Partial<RoomContext>, Known, string]>([
    ['joins the agent on the line', {}, { room: [ALICE] }, 'join Alice to coach; stay=1'],
    ['joins in the mode of the number', { mode: 'barge' }, { room: [ALICE] }, 'join Alice to barge; stay=1'],
    ['joins an agent nobody saw join', {}, { room: [GHOST] }, 'join Alice to coach; stay=1'],
    ['barges in on one who arrives', { mode: 'barge' }, { room: [ARRIVING] }, 'join Alice to barge; stay=1'],
    ['barges in on no ghost', { mode: 'barge' }, { room: [GHOST] }, 'wait nobody-there sales to barge; attempt=1'],
    ['waits where nobody is', {}, { room: [] }, 'wait nobody-there sales to coach; attempt=1'],
    ['waits while nobody can tell', {}, { room: 'unknown' }, 'wait store-down sales to coach; attempt=1'],
    ['waits for a caller', {}, { room: [ALONE] }, 'wait no-caller sales Alice to coach; waits=1'],
    ['waits on for a caller', { waits: 3 }, { room: [ALONE] }, 'wait no-caller sales Alice to coach; waits=4'],
    ['waits on for the next conversation', { waits: 3 }, { room: [] }, 'wait over sales to coach; waits=4'],
    ['waits twelve times', { attempt: 11 }, { room: [] }, 'wait nobody-there sales to coach; attempt=12'],
    ['is sent away after that', { attempt: 12 }, { room: [] }, 'goodbye'],
    ['waits for half an hour', { waits: 59, attempt: 12 }, { room: [] }, 'wait over sales to coach; waits=60'],
    ['is sent away after half an hour', { waits: 60 }, { room: [] }, 'goodbye'],
    ['is told after a wait whom they join', { attempt: 1 }, { room: [ALICE] }, TOLD],
    ['is told the same after a long wait', { waits: 0 }, { room: [ALICE] }, TOLD],
    ['is told again if told before', { isAnnounced: true }, { room: [ALICE] }, 'join Alice to coach, told; stay=1'],
    ['is asked for a required PIN', {}, { who: 'pin-required', prompt: 'open' }, 'askPin asked 1 sales to coach'],
    ['is rejected in a lockout', {}, { who: 'pin-required', prompt: LOCKOUT }, 'reject, locked out'],
    ['is rejected if unknown', {}, { who: 'unknown' }, 'reject, refused unknown sales'],
    ['is rejected if only a PIN could tell', {}, { who: 'pin-possible' }, 'reject, refused unknown sales'],
    [
      'listens without the right of the mode, which the number keeps',
      {},
      { who: LISTENER, room: [ALICE] },
      'join Alice to monitor, told; initialMode=coach isAnnounced stay=1',
    ],
    [
      'waits to listen',
      {},
      { who: LISTENER, room: [] },
      'wait nobody-there sales to monitor; attempt=1 initialMode=coach',
    ],
    ['is rejected if the room is not theirs', {}, { who: NOT_HIS }, 'reject, refused room sales Ted'],
  ])('%s', (_what, context, known, text) => {
    expect(outcomeOf(decideArrival, { ...IN_SALES, context: { ...FIRST, ...context } }, known)).toBe(text);
  });

  it('joins the room as it was read, by their entry in the roster', () => {
    const { decision, asked } = decisionOf(decideArrival, { ...IN_SALES, context: FIRST }, { room: [ALICE] });
    expect(asked).toEqual(['sales']);
    expect(decision).toMatchObject({ person: TED, state: { room: SALES, stays: [ALICE] }, target: ALICE });
  });

  it.each<[string, Partial<RoomContext>, Known, string]>([
    ['is let back in unheard', {}, { room: [ALICE] }, 'join Alice to monitor, told muted; stay=2 no isMoved'],
    ['waits unheard while nobody can tell', {}, { room: 'unknown' }, 'wait store-down sales to monitor; attempt=1'],
    ['waits for the next conversation', {}, { room: [] }, 'wait over sales to coach; waits=1 no isMoved'],
    ['chooses on the line, even if there is one room', { isOnLine: true }, ONE_ELSEWHERE, MENU],
  ])('%s after REST took them out of a conference', (_what, context, known, text) => {
    const input = { ...IN_SALES, context: { ...LATER, isMoved: true, ...context } };
    expect(outcomeOf(decideArrival, input, known)).toBe(text);
  });
});

const ended = (context: Partial<RoomContext>, dial: { isCallOver?: boolean; hasFailed?: boolean } = {}) =>
  ({
    ...IN_SALES,
    context: { ...LATER, ...context },
    dial: { isCallOver: false, hasFailed: false, coachingFailed: false, ...dial },
  }) as const;

describe('a supervisor who is out of the conference', () => {
  const UNHEARD = 'keypad sales Alice to monitor; named=a/cf-1';
  const HEARD = 'keypad sales Alice to coach; named=a/cf-1';
  const JOINED_AT = NOW - 29_000;
  const REMOVED: Action = {
    id: 'r-1',
    name: 'remove',
    by: 'token board',
    requestedAt: NOW - 1_000,
    status: 'confirmed',
    callSid: CALL.callSid,
    joinedAt: JOINED_AT,
  };
  const WAITED = { attempt: 5, waits: 5 };
  const ANEW = 'keypad sales Alice to monitor; attempt=0 named=a/cf-1 no waits';
  const next = (who: string, mode = 'coach') => `join ${who} to ${mode}, told conversation-over; stay=2 waits=0`;

  it.each<[string, Partial<RoomContext>, Known, string]>([
    ['may wait as long as ever again', WAITED, { room: [ALICE] }, ANEW],
    ['goes back unheard if no stay of theirs is known', {}, { room: [ALICE] }, UNHEARD],
    ['goes back unheard after another stay', { stay: 2 }, { room: [ALICE, BARGED] }, UNHEARD],
    ['goes back unheard after another’s', {}, { room: [ALICE, { ...BARGED, callSid: sid('x') }] }, UNHEARD],
    ['goes back unheard while nobody can tell', {}, { room: 'unknown' }, 'keypad sales to monitor'],
    ['goes on to the agent who took over', {}, { room: [ALICE, CAROL, COACHED] }, next('Carol')],
    ['goes on to an agent REST knows', {}, { stored: [LEFT], room: [CAROL, COACHED] }, next('Carol')],
    ['goes on with the same agent', {}, { room: [AGAIN, { ...COACHED, conferenceSid: sid('cf-1') }] }, next('Alice')],
    ['goes back if REST knows that the agent is there', {}, { stored: [], room: [ALICE] }, UNHEARD],
    ['barges in on no second agent', { initialMode: 'barge' }, { room: [CAROL, BARGED] }, next('Carol', 'monitor')],
    ['takes no mode of a key along', { mode: 'barge' }, { room: [CAROL, BARGED] }, next('Carol')],
    ['waits for the next conversation', {}, { room: [LEFT] }, 'wait over sales to coach; waits=1'],
    ['chooses on the line, even if there is one room', { isOnLine: true }, ONE_ELSEWHERE, MENU],
    ['ends if removed from the roster', {}, { who: 'unknown' }, 'goodbye, refused removed'],
    ['ends if the room is not theirs any more', {}, { who: NOT_HIS }, 'goodbye, refused room sales Ted'],
  ])('%s', (_what, context, known, text) => {
    expect(outcomeOf(decideEnded, ended(context), known)).toBe(text);
  });

  it.each<[string, Partial<Action>, string]>([
    ['a removal is confirmed', {}, 'removed'],
    ['a removal is requested', { status: 'requested' }, 'removed'],
    ['they left by a button', { by: 'supervisor Ted' }, 'goodbye'],
    ['a namesake among the agents removed them', { by: 'moderator Ted' }, 'removed'],
    ['a removal has failed', { status: 'failed' }, UNHEARD],
    ['an earlier stay was removed', { joinedAt: JOINED_AT - 1 }, HEARD],
    ['another call was removed', { callSid: ALICE.callSid }, HEARD],
    ['something else was requested', { name: 'hold' }, HEARD],
  ])('when %s', (_what, more, text) => {
    const known = { room: [ALICE, { ...COACHED, joinedAt: JOINED_AT }], actions: [{ ...REMOVED, ...more }] };
    for (const context of [{}, { isOnLine: true }]) {
      expect(outcomeOf(decideEnded, ended(context), known)).toBe(text);
    }
  });

  it('when a removal is confirmed, and the conversation is over, too, needs the store alone', () => {
    const known = { room: [LEFT, { ...COACHED, joinedAt: JOINED_AT }], actions: [REMOVED] };
    for (const hasFailed of [false, true]) {
      const { decision, asked } = decisionOf(decideEnded, ended({}, { hasFailed }), known);
      expect([decision.kind, asked]).toEqual(['removed', ['sales in the store']]);
    }
  });

  it.each<[Mode | undefined, HeardMode, Mode]>([
    ['coach', 'coach', 'coach'],
    ['coach', 'unknown', 'coach'],
    ['coach', 'monitor', 'monitor'],
    ['coach', 'barge', 'coach'],
    ['barge', 'coach', 'coach'],
    ['barge', 'unknown', 'barge'],
    [undefined, 'barge', 'monitor'],
    [undefined, 'unknown', 'monitor'],
  ])('asked for %s, was heard as %s, and goes back as %s', (mode, heard, returned) => {
    // An earlier stay by that number, before the store was wiped, does not count.
    const room = [BARGED, ALICE, stayed(mode, heard)];
    expect(outcomeOf(decideEnded, ended({}), { room })).toBe(`keypad sales Alice to ${returned}; named=a/cf-1`);
  });

  it('goes back as they were heard, even if they had no target', () => {
    const withoutTarget = { ...COACHED, supervision: { ...COACHED.supervision, target: undefined } };
    expect(outcomeOf(decideEnded, ended({}), { room: [ALICE, withoutTarget] })).toBe(
      UNHEARD.replace('monitor', 'coach'),
    );
  });

  it('who has hung up gets nothing, and nothing is read', () => {
    expect(outcomeOf(decideEnded, ended({}, { isCallOver: true, hasFailed: true }), { who: 'unknown' })).toBe('hangUp');
  });

  it('is looked for in the store first, and by REST once the conversation is over', () => {
    expect(decisionOf(decideEnded, ended({}), { room: [ALICE] }).asked).toEqual(['sales in the store']);
    expect(decisionOf(decideEnded, ended({}), { room: [] }).asked).toEqual(['sales in the store', 'sales']);
  });
});

describe('a supervisor whom the Space did not let in', () => {
  const gone = (mode: Mode) => `wait target-gone sales to ${mode}; attempt=1`;

  it.each<[string, Partial<RoomContext>, Known, string]>([
    ['tries again', {}, { room: [ALICE] }, gone('coach')],
    ['tries again where nobody is', {}, { room: [] }, gone('coach')],
    ['tries again while nobody can tell', {}, { room: 'unknown' }, gone('coach')],
    ['waits for a caller', {}, { room: [ALONE] }, 'wait no-caller sales Alice to coach; waits=1'],
    ['waits on for a caller', { waits: 7 }, { room: [ALONE] }, 'wait no-caller sales Alice to coach; waits=8'],
    ['stays unheard', { mode: 'monitor' }, { room: [] }, gone('monitor')],
    ['loses the mode of a key', { mode: 'barge' }, { room: [] }, gone('coach')],
    ['does not barge in on the next agent', { mode: 'barge', initialMode: 'barge' }, { room: [] }, gone('monitor')],
  ])('%s', (_what, context, known, text) => {
    expect(outcomeOf(decideEnded, ended(context, { hasFailed: true }), known)).toBe(text);
  });

  it.each<[string, Mode | undefined, SupervisorView['who'], Mode]>([
    ['in the mode of the number', 'coach', own('monitor'), 'coach'],
    ['in their own', undefined, own('coach'), 'coach'],
    ['listening', undefined, { person: TED }, 'monitor'],
  ])('tries again on the line %s', (_what, initialMode, who, mode) => {
    const input = ended({ mode: 'barge', initialMode, isOnLine: true }, { hasFailed: true });
    expect(outcomeOf(decideEnded, input, { who, room: [] })).toBe(gone(mode));
  });
});

describe('the keypad', () => {
  const NAMED: RoomContext = { ...LATER, named: WITH_ALICE };
  const ARRIVED = { named: { target: ALICE.callSid, conferenceSid: undefined } };
  const next = (who: string) => `join ${who} to coach, told conversation-over; stay=2 waits=0 no named`;
  const back = (mode: Mode, was: Mode, more = '') =>
    `join Alice to ${mode}, told, after ${was}; ${more}stay=2 no named`;
  const BACK = 'join Alice to coach, told no-other-conversation, after coach; stay=2 no named';
  const OTHER = 'join Alice in support to coach, told; isOnLine stay=2 waits=0 no named';
  const [AFTER_11, AFTER_12] = [{ reprompts: 11 }, { reprompts: 12 }];
  const two = [entry('sales'), entry('support')];
  const three = [...two, entry('help')];

  it.each<[string, string | undefined, Partial<RoomContext>, Known, string]>([
    ['1 leads back unheard', '1', {}, { room: [ALICE] }, back('monitor', 'coach')],
    ['2 makes the agent hear them', '2', { mode: 'monitor' }, { room: [ALICE] }, back('coach', 'monitor')],
    ['3 makes everybody hear them', '3', {}, { room: [ALICE] }, back('barge', 'coach')],
    ['1 is valid after 12 prompts', '1', AFTER_12, { room: [ALICE] }, `${back('monitor', 'coach')} no reprompts`],
    ['silence leads back as before', undefined, {}, { room: [ALICE] }, back('coach', 'coach', 'reprompts=1 ')],
    ['silence does so 12 times', undefined, AFTER_11, { room: [ALICE] }, back('coach', 'coach', 'reprompts=12 ')],
    ['silence ends the call after that', undefined, AFTER_12, {}, 'goodbye'],
    ['any other key asks again', '7', {}, {}, 'keypad sales to coach; reprompts=1'],
    ['any other key ends the call after 12 prompts', '7', AFTER_12, {}, 'goodbye'],
    ['9 ends the call', '9', {}, {}, 'goodbye'],
    ['3 leads to an agent who arrives', '3', ARRIVED, { room: [ARRIVING] }, back('barge', 'coach')],
    ['3 waits for a ghost', '3', ARRIVED, { room: [GHOST] }, 'wait nobody-there sales to monitor; attempt=1 no named'],
    ['3 leads to no other agent', '3', {}, { room: [CAROL] }, next('Carol')],
    ['3 leads to no other conference', '3', {}, { room: [AGAIN] }, next('Alice')],
    ['silence leads to no other agent', undefined, { mode: 'barge' }, { room: [CAROL] }, next('Carol')],
    ['2 waits where nobody is left', '2', {}, { room: [] }, 'wait over sales to coach; waits=1 no named'],
    ['3 waits unheard if nobody can tell', '3', {}, { room: 'unknown' }, 'wait store-down sales to monitor; attempt=1'],
    ['4 leads to the only other one', '4', {}, { list: two, room: [ALICE] }, OTHER],
    ['4 offers the others', '4', {}, { list: three }, 'choose help support to coach; attempt=1 waits=0'],
    ['4 leads back if there is no other', '4', {}, { list: [entry('sales')], room: [ALICE] }, BACK],
    ['4 waits where none is left', '4', AFTER_12, { list: [] }, 'wait over to coach; waits=1'],
    ['any key ends the call of one who was removed', '3', {}, { who: 'unknown' }, 'goodbye, refused removed'],
    ['3 ends the call if the room is not theirs', '3', {}, { who: NOT_HIS }, 'goodbye, refused room sales Ted'],
  ])('%s', (_what, key, context, known, text) => {
    expect(outcomeOf(decideKey, { ...IN_SALES, key, context: { ...NAMED, ...context } }, known)).toBe(text);
  });

  it.each<[string, string | undefined, string]>([
    ['silence leads to them unheard', undefined, 'join Alice to monitor, told; reprompts=1 stay=2'],
    ['1 leads to them unheard', '1', 'join Alice to monitor, told; stay=2'],
    ['2 names them first', '2', 'keypad sales Alice to monitor; named=a/cf-1'],
    ['3 names them first', '3', 'keypad sales Alice to monitor; named=a/cf-1'],
  ])('that named no agent: %s', (_what, key, text) => {
    const context = { ...LATER, mode: 'barge' } as const;
    expect(outcomeOf(decideKey, { ...IN_SALES, key, context }, { room: [ALICE] })).toBe(text);
  });
});

const CAME: CallContext = { mode: undefined, attempt: 0, stay: 0 };

describe('the supervisors’ line', () => {
  const one = { list: [entry('sales')], room: [ALICE] };
  const UNREAD: Known = { ...one, room: 'unknown' };
  const [BARGE, AFTER] = [{ mode: 'barge' as const }, { stay: 1 }];
  const several = [entry('support'), entry('sales')];
  const led = (mode: Mode, more = '', stay = 1) =>
    `join Alice in sales to ${mode}, told; ${more}isAnnounced isOnLine stay=${stay}`;
  const SUPPORTED = led('monitor').replace('sales', 'support');

  it.each<[string, Partial<CallContext>, Known, string]>([
    ['leads to the only conversation', {}, one, led('monitor')],
    ['leads to the only one of theirs', {}, { who: NOT_HIS, list: several, room: [ALICE] }, SUPPORTED],
    ['has the mode of the number', BARGE, { ...one, who: own('coach') }, led('barge', 'initialMode=barge ')],
    ['has the mode of the person', {}, { ...one, who: own('barge') }, led('barge')],
    ['barges in on no second agent', AFTER, { ...one, who: own('barge') }, `${led('monitor', '', 2)} waits=0`],
    ['waits if the room is unknown', {}, UNREAD, 'wait store-down sales to monitor; attempt=1 isOnLine'],
    ['offers several', {}, { list: several }, 'choose sales support; attempt=1'],
    ['waits where there is none', {}, { list: [] }, 'wait nobody-there; attempt=1'],
    ['waits longer after a conversation', AFTER, { list: [] }, 'wait over; waits=1'],
    ['waits on', { stay: 1, waits: 4 }, { list: [] }, 'wait over; waits=5'],
    ['waits while nobody can tell', {}, { list: 'unknown' }, 'wait store-down; attempt=1'],
    ['ends after twelve waits', { attempt: 12 }, { list: [] }, 'goodbye'],
    ['ends after half an hour', { stay: 1, waits: 60 }, { list: 'unknown' }, 'goodbye'],
    ['ends after twelve menus', { attempt: 12 }, { list: several }, 'goodbye'],
    ['asks an unknown caller for a PIN', {}, { who: 'pin-possible', prompt: 'open' }, 'askPin asked 1'],
    ['asks for a required PIN', {}, { who: 'pin-required', prompt: 'open' }, 'askPin asked 1'],
    ['rejects during a lockout', {}, { who: 'pin-possible', prompt: LOCKOUT }, 'reject, locked out'],
    ['rejects unknown callers where nobody has a PIN', {}, { who: 'unknown' }, 'reject, refused unknown'],
  ])('%s', (_what, context, known, text) => {
    expect(outcomeOf(decideLineArrival, { call: CALL, context: { ...CAME, ...context } }, known)).toBe(text);
  });

  it.each([
    ['REST too', 'in time', false, 'sales'],
    ['the store alone', 'late', true, 'sales in the store'],
  ])('asks %s for the room if the list came %s', (_what, _when, isLate, asked) => {
    const known = { ...one, isLate };
    expect(decisionOf(decideLineArrival, { call: CALL, context: CAME }, known).asked).toEqual(['list', asked]);
  });
});

describe('a choice from the menu', () => {
  const list = [entry('sales', 'Alice'), entry('support')];
  const ten = Array.from({ length: 10 }, (_, index) => entry(`${index}`));
  const LED = 'join Alice in sales to monitor, told; isAnnounced isOnLine stay=1';

  it.each<[string, string | undefined, Known, string]>([
    ['by key leads to its room', '2', { list, room: [ALICE] }, LED],
    ['by extension leads to its agent', '12', { list, room: [ALICE] }, LED],
    ['of nobody’s extension is no choice', '13', { list }, 'choose sales support, no-such-conversation; attempt=1'],
    ['of a key too high is no choice', '9', { list }, 'choose sales support, no-such-conversation; attempt=1'],
    ['of zero is no choice', '0', { list }, 'choose sales support, no-such-conversation; attempt=1'],
    ['of what is over is made again', '1', { list }, 'choose sales support, conversation-over; attempt=1'],
    ['is made again even with one left', '1', { list: [entry('sales')] }, 'choose sales, conversation-over; attempt=1'],
    [
      'of a room not theirs is no choice',
      '2',
      { list, who: NOT_HIS },
      'choose support, no-such-conversation; attempt=1',
    ],
    ['that is not made turns the page', undefined, { list: ten }, 'choose 9, page 1; attempt=1'],
    ['that is not made leads to a room left alone', undefined, { list: [entry('sales')], room: [ALICE] }, LED],
    ['is not for one who was removed', '2', { who: 'pin-possible' }, 'goodbye, refused removed'],
  ])('%s', (_what, digits, known, text) => {
    const rooms = [roomNamed('gone'), SALES];
    expect(outcomeOf(decideChoice, { call: CALL, context: CAME, digits, rooms, page: 0 }, known)).toBe(text);
  });
});

describe('a supervisor’s PIN', () => {
  const RIGHT = { kind: 'right', person: TED, token: 'T' } as const;
  const WRONG: Known = { pin: { kind: 'wrong', lockout: undefined } };
  const LAST: Known = { pin: { kind: 'wrong', lockout: LOCKOUT } };
  const LOCKED: Known = { pin: { kind: 'locked-out', lockout: LOCKOUT } };
  const NONE: Known = { pin: { kind: 'none' }, prompt: 'open' };
  const NO_MORE: Known = { pin: { kind: 'none' }, prompt: LOCKOUT };
  const list = [entry('sales'), entry('support')];

  it.each<[string, number, string | undefined, Known, string]>([
    ['leads to the room, to coach', 1, '48213', { pin: RIGHT, room: [ALICE] }, 'join Alice to coach; stay=1 token=T'],
    ['leads to no room of others', 1, '48213', { pin: { ...RIGHT, ...NOT_HIS } }, 'goodbye, refused room sales Ted'],
    // A wrong PIN took an attempt: nobody asks whether there may be another prompt.
    ['is asked for again if wrong', 1, '48214', WRONG, 'askPin wrong 2 sales, refused wrong-pin'],
    ['is asked for a third time', 2, '48214', WRONG, 'askPin wrong 3 sales, refused wrong-pin'],
    ['is not asked for a fourth time', 3, '48214', WRONG, 'goodbye, refused wrong-pin'],
    ['is not asked for again if the count is missing', 0, '48214', WRONG, 'goodbye, refused wrong-pin'],
    ['is not asked for after the last attempt', 1, '48214', LAST, 'goodbye, refused wrong-pin, locked out'],
    ['is neither right nor wrong in a lockout', 1, '48213', LOCKED, 'goodbye, locked out'],
    ['is asked for again after silence', 1, undefined, NONE, 'askPin silent 2 sales, refused no-pin'],
    ['is asked for again if too short', 1, '12', NONE, 'askPin wrong 2 sales, refused wrong-pin'],
    ['is not asked for after three silences', 3, undefined, { pin: { kind: 'none' } }, 'goodbye, refused no-pin'],
    ['is not asked for again in a lockout', 1, undefined, NO_MORE, 'goodbye, refused no-pin, locked out'],
  ])('%s', (_what, tryNumber, digits, known, text) => {
    expect(outcomeOf(decidePin, { ...IN_SALES, context: CAME, digits, tryNumber }, known)).toBe(text);
  });

  it.each<[string, Mode | undefined, typeof SALES | undefined, string]>([
    ['the choice of conversations', undefined, undefined, 'choose sales support; attempt=1 token=T'],
    ['the room in the mode of its number', 'barge', SALES, 'join Alice to barge; stay=1 token=T'],
  ])('leads to %s', (_what, mode, room, text) => {
    const input = { call: CALL, context: { ...CAME, mode }, digits: '48213', tryNumber: 1, room };
    expect(outcomeOf(decidePin, input, { pin: RIGHT, list, room: [ALICE] })).toBe(text);
  });
});
