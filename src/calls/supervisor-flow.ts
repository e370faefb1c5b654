import { type Authentication, mayEnter, type PhoneCall, type PinResult } from '../people/authenticator';
import { MAX_PIN_TRIES } from '../people/pin';
import type { Lockout } from '../people/pin-limiter';
import { actorNameOf } from '../people/rights';
import { labelOf, type SupervisorEntry } from '../people/roster';
import type { Action } from '../rooms/action';
import { conversationOf, isSameConversation, supervisedConversation } from '../rooms/conversation';
import { MODES, type Mode } from '../rooms/mode';
import {
  isInOrEntering,
  type RoomName,
  type RoomState,
  type Stay,
  type SupervisionState,
  type SupervisorStay,
  targetOf,
} from '../rooms/room';
import type { RoomEntry } from '../rooms/room-entry';
import type { Lookup } from '../rooms/rooms';
import type { Sid } from '../signalwire/sid';
import {
  type CallContext,
  DEFAULT_MODE,
  initialModeOf,
  MAX_ATTEMPTS,
  MAX_WAITS,
  nextMode,
  type RoomContext,
} from './call-context';
import type { DialOutcome } from './call-request';
import {
  type KeypadMenu,
  type LineWait,
  MODE_KEYS,
  type News,
  type PinPrompt,
  type RoomWait,
  type SupervisorDecision,
  type SupervisorJoin,
} from './outcome';
import { chosenOf, conversationsFor, type Extensions, type LiveRoom, menuOf } from './room-menu';

/** A request of a supervisor's call. */
export interface SupervisorInput {
  call: PhoneCall;
  context: CallContext;
}

/** The same for a room. */
export interface RoomInput extends SupervisorInput {
  room: RoomName;
  context: RoomContext;
}

/** Their `<Dial>` has ended, or could not join because the target was gone. */
export interface EndInput extends RoomInput {
  dial: DialOutcome;
}

/** A key pressed at the keypad. */
export interface KeyInput extends RoomInput {
  key: string | undefined;
}

/** Digits entered at a prompt for a PIN. */
export interface PinInput extends SupervisorInput {
  digits: string | undefined;
  tryNumber: number;
  /** The room whose number they dialled; undefined on the supervisors' line. */
  room: RoomName | undefined;
}

/** A choice from the list of conversations. */
export interface ChoiceInput extends SupervisorInput {
  digits: string | undefined;
  rooms: readonly RoomName[];
  page: number;
}

/** The inputs of a decision besides the request. `prompt`, `pin`, `rooms` and `list` are read only if needed. */
export interface SupervisorView {
  who: Authentication<SupervisorEntry>;
  extensions: Extensions;
  /** Milliseconds since 1970. */
  now: number;
  /** Whether a prompt for a PIN may be opened. */
  prompt?: 'open' | Lockout;
  pin?: PinResult<SupervisorEntry>;
  /** Each room from the store, or from REST if the store's answer is not enough. */
  rooms?: ReadonlyMap<RoomName, { found: Lookup; withRest: boolean }>;
  /** Every room. `isLate`: listing them left no time to ask REST about one; a Space waits 5 s. */
  list?: { rooms: readonly RoomEntry[] | 'unknown'; isLate: boolean };
}

/** The part of the view that a decision still needs. Read it, then decide again. */
export type SupervisorNeed =
  | { needs: 'prompt' | 'list' }
  | { needs: 'pin'; digits: string | undefined }
  /** `withRest`: from REST if the store's answer is not enough. */
  | { needs: 'room'; room: RoomName; withRest: boolean };

type Step = SupervisorDecision | SupervisorNeed;

/** An authenticated supervisor, and the view. */
interface Supervisor {
  call: PhoneCall;
  person: SupervisorEntry;
  view: SupervisorView;
}

/** Decides the answer to a supervisor who dialled a room's number, or what must be read first. Pure, as all decisions. */
export function decideArrival({ call, room, context }: RoomInput, view: SupervisorView): Step {
  const { who } = view;
  if (who === 'pin-required') {
    return askPin(view, { context, room, prompt: { why: 'asked', tryNumber: 1 }, otherwise: { kind: 'reject' } });
  }
  if (typeof who === 'string') {
    return { kind: 'reject', refusal: { reason: 'unknown', room } };
  }
  const { person } = who;
  if (!mayEnter(person, room)) {
    return { kind: 'reject', refusal: { reason: 'room', room, supervisor: labelOf(person) } };
  }
  if (!person.rights.has(context.mode) && !person.rights.has('monitor')) {
    return { kind: 'reject', refusal: { reason: 'rights', room, supervisor: labelOf(person) } };
  }
  const found = lookUp(view, room);
  if ('needs' in found) {
    return found;
  }
  const supervisor = { call, person, view };
  if (context.isMoved) {
    return letBackIn(supervisor, room, context, found);
  }
  // After a wait, they hear whom they join.
  const isTold = context.isAnnounced || context.attempt > 0 || context.waits !== undefined;
  return enter(supervisor, room, context, found, isTold ? {} : undefined);
}

/** The server muted them through REST and moved their call here. They hear so, and rejoin muted. */
function letBackIn(supervisor: Supervisor, room: RoomName, context: RoomContext, found: Lookup): Step {
  return found.isKnown && targetOf(found.state) === undefined
    ? afterConversation(supervisor, room, context)
    : enter(supervisor, room, { ...context, mode: 'monitor', isAnnounced: true }, found, { news: 'muted' });
}

/** Decides the answer to a supervisor whose `<Dial>` has ended. */
export function decideEnded({ call, room, context, dial }: EndInput, view: SupervisorView): Step {
  if (dial.isCallOver) {
    return { kind: 'hangUp' };
  }
  const who = reauthenticate(view, room);
  if ('kind' in who) {
    return who;
  }
  const found = lookUp(view, room, { withRest: false });
  if ('needs' in found) {
    return found;
  }
  const removal = found.isKnown ? removalOf(found.state, stayOf(found.state, call, context.stay)) : undefined;
  // They pressed Leave on their screen: nobody has removed them.
  if (removal?.status === 'requested' || removal?.status === 'confirmed') {
    return { kind: removal.by === actorNameOf('supervisor', labelOf(who.person)) ? 'goodbye' : 'removed' };
  }
  const supervisor = { call, ...who, view };
  return dial.hasFailed ? afterRefusal(supervisor, room, context, found) : afterStay(supervisor, room, context, found);
}

/** The Space did not let them in: the target was not there, or alone. The next target may be another agent. */
function afterRefusal({ person }: Supervisor, room: RoomName, context: RoomContext, found: Lookup): Step {
  const initialMode = initialModeOf(context);
  // A supervisor muted by a key or by the server stays muted until the next key.
  const mode =
    context.mode === 'monitor' ? 'monitor' : nextMode(context.isOnLine ? (initialMode ?? person.mode) : initialMode);
  const next = { ...context, initialMode, mode };
  const target = found.isKnown ? targetOf(found.state) : undefined;
  return target?.coachingFailedAt === undefined
    ? wait({ reason: 'target-gone', room, context: next })
    : wait({ reason: 'no-caller', room, context: { ...next, waits: next.waits ?? 0 }, target });
}

/** They left the conference; the conversation may go on or not. */
function afterStay(supervisor: Supervisor, room: RoomName, context: RoomContext, found: Lookup): Step {
  const next = { ...context, initialMode: initialModeOf(context), attempt: 0, waits: undefined, named: undefined };
  if (!found.isKnown) {
    // It is unknown who is there, so they go back muted.
    return keypad(supervisor, room, { ...next, mode: 'monitor' });
  }
  const target = targetOf(found.state);
  const last = stayOf(found.state, supervisor.call, context.stay);
  const left = last && supervisedConversation(found.state, last);
  if (target === undefined || (left !== undefined && !isSameConversation(left, conversationOf(target)))) {
    return afterConversation(supervisor, room, context);
  }
  // A removal that failed may have worked all the same. Then they are not to be heard again without a new key.
  const isUnheard = last === undefined || removalOf(found.state, last) !== undefined;
  const mode = isUnheard ? 'monitor' : modeOfReturn(last.supervision);
  return keypad(supervisor, room, { ...next, mode, named: conversationOf(target) }, { target });
}

/** A conversation is over, and the call goes on: back to the list of conversations, or to the next one here. */
function afterConversation(supervisor: Supervisor, room: RoomName, context: RoomContext): Step {
  if (context.isOnLine) {
    return chooseRoom(supervisor, toMenu(context), { news: 'conversation-over' });
  }
  const { stay, token } = context;
  const initialMode = initialModeOf(context);
  const found = lookUp(supervisor.view, room);
  return 'needs' in found
    ? found
    : enter(
        supervisor,
        room,
        { initialMode, mode: nextMode(initialMode), attempt: 0, waits: 0, stay, isAnnounced: true, token },
        found,
        { news: 'conversation-over' },
      );
}

/** The keypad menu, with the keys that they may press. */
function keypad(
  { person }: Supervisor,
  room: RoomName,
  context: RoomContext,
  about: Pick<KeypadMenu, 'target' | 'news'> = {},
): KeypadMenu {
  return { kind: 'keypad', room, context, modes: MODES.filter((mode) => person.rights.has(mode)), ...about };
}

/** Decides what a key of the keypad does. */
export function decideKey({ call, room, context, key }: KeyInput, view: SupervisorView): Step {
  const who = reauthenticate(view, room);
  if ('kind' in who) {
    return who;
  }
  const asked = MODES.find((mode) => MODE_KEYS[mode] === key);
  const keyed = asked !== undefined && who.person.rights.has(asked) ? asked : undefined;
  const reprompts = (context.reprompts ?? 0) + 1;
  if (key === '9' || (reprompts > MAX_ATTEMPTS && key !== '4' && keyed === undefined)) {
    return { kind: 'goodbye' };
  }
  const supervisor = { call, ...who, view };
  if (key === '4') {
    const otherwise = () => rejoin(supervisor, room, context, { news: 'no-other-conversation' });
    return chooseRoom(supervisor, toMenu(context), { except: { room, otherwise } });
  }
  if (key !== undefined && keyed === undefined) {
    const news = asked === undefined ? undefined : 'not-allowed';
    return keypad(supervisor, room, { ...context, reprompts }, { news });
  }
  return rejoin(supervisor, room, { ...context, reprompts: keyed === undefined ? reprompts : undefined }, { keyed });
}

/**
 * Back to the conversation that the keypad menu named, heard as before or as `keyed`. If it named none, they go back
 * muted; before a key can unmute them, they hear whose conversation it is. So what is said for one agent never reaches
 * another.
 */
function rejoin(
  supervisor: Supervisor,
  room: RoomName,
  context: RoomContext,
  { news, keyed }: { news?: News; keyed?: Mode | undefined },
): Step {
  const found = lookUp(supervisor.view, room);
  if ('needs' in found) {
    return found;
  }
  const initialMode = initialModeOf(context);
  const unheard = { ...context, initialMode, mode: 'monitor' as const };
  if (!found.isKnown) {
    // By then another agent may lead. They will hear so, and listen until they press a key.
    return wait({ reason: 'store-down', room, context: { ...unheard, isAnnounced: true } });
  }
  const { named } = context;
  const target = targetOf(found.state);
  if (target === undefined || (named !== undefined && !isSameConversation(named, conversationOf(target)))) {
    return afterConversation(supervisor, room, context);
  }
  const wanted = keyed ?? (named === undefined ? 'monitor' : context.mode);
  const { person } = supervisor;
  const mode = person.rights.has(wanted) ? wanted : 'monitor';
  if (!person.rights.has(mode)) {
    return sendAway(person, 'rights', room);
  }
  if (named === undefined && mode !== 'monitor') {
    return keypad(supervisor, room, { ...unheard, named: conversationOf(target) }, { target });
  }
  if (mode === 'barge' && !isInOrEntering(target, found.now)) {
    return wait({ reason: 'nobody-there', room, context: { ...unheard, named: undefined } });
  }
  const previousMode = named === undefined ? undefined : context.mode;
  return join(person, found.state, { ...context, initialMode, mode }, target, {
    announcement: { news },
    previousMode,
  });
}

/** A request of a call that the server made to a supervisor. */
export interface CalloutInput extends RoomInput {
  /** The action by which they were called. */
  join: Sid;
}

/** Decides the answer to a supervisor who has answered a call of ours. */
export function decideCallout({ room, join }: CalloutInput, view: SupervisorView): Step {
  const { who } = view;
  if (who === 'unknown' || who === 'pin-possible') {
    return { kind: 'hangUp', refusal: { reason: 'unknown', room } };
  }
  return beforeJoin(view, room, join) ?? { kind: 'askToJoin', room, join };
}

/** The key by which a supervisor whom the server called joins. */
export const JOIN_KEY = '1';

/** Decides the answer to their key; without it, voicemail may have answered. They join in `monitor`. */
export function decideCalloutKey(
  { key, ...input }: CalloutInput & { key: string | undefined },
  view: SupervisorView,
): Step {
  if (key !== JOIN_KEY) {
    return { kind: 'hangUp' };
  }
  const step = beforeJoin(view, input.room, input.join) ?? decideArrival(input, view);
  // An answered call cannot be rejected.
  return 'kind' in step && step.kind === 'reject' ? { ...step, kind: 'hangUp' } : step;
}

/** Ends a call that was given up: nobody expects it any more. */
function beforeJoin(view: SupervisorView, room: RoomName, id: Sid): Step | undefined {
  const found = lookUp(view, room, { withRest: false });
  if ('needs' in found) {
    return found;
  }
  const join = found.isKnown ? found.state.actions?.find((one) => one.id === id) : undefined;
  return join === undefined || join.status === 'requested' ? undefined : { kind: 'hangUp' };
}

/** Decides the answer to a supervisor who dialled the supervisors' line. */
export function decideLineArrival({ call, context }: SupervisorInput, view: SupervisorView): Step {
  const { who } = view;
  if (who === 'unknown') {
    return { kind: 'reject', refusal: { reason: 'unknown' } };
  }
  if (typeof who === 'string') {
    return askPin(view, { context, prompt: { why: 'asked', tryNumber: 1 }, otherwise: { kind: 'reject' } });
  }
  const { person } = who;
  return maySupervise(person, lineModeOf(person, context))
    ? chooseRoom({ call, person, view }, context)
    : { kind: 'reject', refusal: { reason: 'rights', supervisor: labelOf(person) } };
}

/** Whether a supervisor has the right of a mode, or may at least listen. */
function maySupervise({ rights }: SupervisorEntry, mode: Mode): boolean {
  return rights.has(mode) || rights.has('monitor');
}

/** The mode of the first conversation on the line: that of the number, or of the person. */
function lineModeOf(person: SupervisorEntry, { mode }: CallContext): Mode {
  return mode ?? person.mode ?? 'monitor';
}

/** Decides the answer to the digits of a PIN. */
export function decidePin({ call, context, digits, tryNumber, room }: PinInput, view: SupervisorView): Step {
  const { pin } = view;
  if (pin === undefined) {
    return { needs: 'pin', digits };
  }
  if (pin.kind === 'right') {
    return afterPin({ call, person: pin.person, view }, room, { ...context, token: pin.token });
  }
  const reason = digits === undefined ? 'no-pin' : 'wrong-pin';
  const refusal = pin.kind === 'locked-out' ? {} : { refusal: { reason } as const };
  if ('lockout' in pin && pin.lockout !== undefined) {
    return { kind: 'goodbye', ...refusal, lockout: pin.lockout };
  }
  if (tryNumber === 0 || tryNumber >= MAX_PIN_TRIES) {
    return { kind: 'goodbye', ...refusal };
  }
  const prompt: PinPrompt = { tryNumber: tryNumber + 1, why: digits === undefined ? 'silent' : 'wrong' };
  // After a wrong PIN no check is needed: it used an attempt, which limits prompts and shows that nobody is locked out.
  return pin.kind === 'wrong'
    ? { kind: 'askPin', context, prompt, room, ...refusal }
    : askPin(view, { context, prompt, room, otherwise: { kind: 'goodbye' }, ...refusal });
}

function afterPin(supervisor: Supervisor, room: RoomName | undefined, context: CallContext): Step {
  const { person, view } = supervisor;
  if (room === undefined) {
    return maySupervise(person, lineModeOf(person, context))
      ? chooseRoom(supervisor, context)
      : sendAway(person, 'rights');
  }
  if (!mayEnter(person, room)) {
    return sendAway(person, 'room', room);
  }
  const found = lookUp(view, room);
  return 'needs' in found ? found : enter(supervisor, room, { ...context, mode: context.mode ?? DEFAULT_MODE }, found);
}

/** Decides the answer to a choice from the list of conversations. */
export function decideChoice({ call, context, digits, rooms, page }: ChoiceInput, view: SupervisorView): Step {
  const who = reauthenticate(view);
  if ('kind' in who) {
    return who;
  }
  const supervisor = { call, ...who, view };
  if (digits === undefined) {
    return chooseRoom(supervisor, context, { page: page + 1 });
  }
  const choice = digits.length === 1 ? rooms[Number(digits) - 1] : { extension: digits };
  return chooseRoom(supervisor, context, { chosen: { choice }, page });
}

interface MenuOptions {
  /** The room or extension they keyed in. If it is over, they choose again: nobody joins a room they did not choose. */
  chosen?: { choice: RoomName | { extension: string } | undefined };
  page?: number;
  /** A room not to offer; if it goes on and is the only one, `otherwise` decides. */
  except?: { room: RoomName; otherwise: () => Step };
  /** With news, they must choose even a single room, because they did not ask for it. */
  news?: News;
}

/** Sends a supervisor into their only room, lets them choose among several, or lets them wait for one. */
function chooseRoom(
  supervisor: Supervisor,
  asked: CallContext,
  { chosen, page = 0, except, news }: MenuOptions = {},
): Step {
  const { person, view } = supervisor;
  const { list, extensions, now } = view;
  if (list === undefined) {
    return { needs: 'list' };
  }
  // After a conversation they wait longer for the next one.
  const context = asked.stay === 0 ? asked : { ...asked, waits: asked.waits ?? 0 };
  if (list.rooms === 'unknown') {
    return wait({ reason: 'store-down', context });
  }
  const all = conversationsFor(person, list.rooms);
  const live = except === undefined ? all : all.filter(({ room }) => room !== except.room);
  if (live.length === 0) {
    return except === undefined || all.length === 0
      ? wait({ reason: context.waits === undefined ? 'nobody-there' : 'over', context })
      : except.otherwise();
  }
  const isOnlyOne = live.length === 1 && news === undefined;
  const one = chosen ? chosenOf(live, chosen.choice, { extensions, now }) : isOnlyOne ? live[0] : undefined;
  if (one !== undefined) {
    return enterChosen(supervisor, one, context, { withRest: !list.isLate });
  }
  if (context.attempt >= MAX_ATTEMPTS) {
    return { kind: 'goodbye' };
  }
  const choice = chosen?.choice;
  const missing = typeof choice === 'string' && mayEnter(person, choice) ? 'conversation-over' : 'no-such-conversation';
  return {
    kind: 'choose',
    context: { ...context, attempt: context.attempt + 1 },
    menu: menuOf(live, { page, now, extensions, news: chosen ? missing : news }),
  };
}

/** Sends a supervisor into a room chosen on the line: in the mode of the number, or of the person. */
function enterChosen(
  supervisor: Supervisor,
  { room }: LiveRoom,
  { mode, ...context }: CallContext,
  options: { withRest: boolean },
): Step {
  const { person, view } = supervisor;
  const found = lookUp(view, room, options);
  if ('needs' in found) {
    return found;
  }
  const own = mode ?? person.mode;
  // After a conversation nobody barges into the next one unasked.
  const start = context.stay === 0 ? (own ?? 'monitor') : nextMode(own);
  return enter(supervisor, room, { ...context, mode: start, initialMode: mode, isOnLine: true }, found, {});
}

/**
 * Sends a supervisor to the room's current target, or lets them wait. Without the right of their mode they listen, and
 * hear so; without that right either, the call ends.
 *
 * @param announcement what they hear as they join; undefined for nothing
 */
function enter(
  supervisor: Supervisor,
  room: RoomName,
  context: RoomContext,
  found: Lookup,
  announcement?: { news?: News },
): SupervisorDecision {
  const { person } = supervisor;
  if (!person.rights.has(context.mode)) {
    const listening = { ...context, initialMode: initialModeOf(context), mode: 'monitor' as const };
    return person.rights.has('monitor')
      ? enter(supervisor, room, listening, found, announcement ?? {})
      : sendAway(person, 'rights', room);
  }
  if (!found.isKnown) {
    return wait({ reason: 'store-down', room, context });
  }
  const { state, now } = found;
  const target = targetOf(state);
  if (target === undefined || (context.mode === 'barge' && !isInOrEntering(target, now))) {
    return wait({ reason: context.waits === undefined ? 'nobody-there' : 'over', room, context });
  }
  if (target.coachingFailedAt !== undefined) {
    // The agent is alone, and a Space may refuse coaching until somebody comes.
    return wait({ reason: 'no-caller', room, context: { ...context, waits: context.waits ?? 0 }, target });
  }
  return join(person, state, context, target, { announcement });
}

function join(
  person: SupervisorEntry,
  state: RoomState,
  context: RoomContext,
  target: Stay,
  options: Pick<SupervisorJoin, 'announcement' | 'previousMode'>,
): SupervisorJoin {
  const isAnnounced = context.isAnnounced || options.announcement !== undefined;
  const next = { ...context, stay: context.stay + 1, isAnnounced, isMoved: undefined, named: undefined };
  return { kind: 'join', role: 'supervisor', person, state, context: next, target, ...options };
}

/**
 * Lets a supervisor wait and try again: {@link MAX_ATTEMPTS} times; for a caller or the next conversation, up to half an
 * hour. Then they hear "Goodbye."
 */
function wait(asked: Omit<RoomWait, 'kind'> | Omit<LineWait, 'kind'>): SupervisorDecision {
  const { attempt, waits } = asked.context;
  if (waits === undefined ? attempt >= MAX_ATTEMPTS : waits >= MAX_WAITS) {
    return { kind: 'goodbye' };
  }
  const next = waits === undefined ? { attempt: attempt + 1 } : { waits: waits + 1 };
  return { kind: 'wait', ...asked, context: { ...asked.context, ...next } } as RoomWait | LineWait;
}

/** Asks for a PIN, if that is possible now. */
function askPin(
  { prompt: opened }: SupervisorView,
  {
    otherwise,
    refusal,
    ...question
  }: {
    context: CallContext;
    prompt: PinPrompt;
    room?: RoomName | undefined;
    otherwise: { kind: 'reject' | 'goodbye' };
    refusal?: NonNullable<SupervisorDecision['refusal']>;
  },
): Step {
  const noted = refusal && { refusal };
  if (opened === undefined) {
    return { needs: 'prompt' };
  }
  return opened === 'open' ? { kind: 'askPin', ...question, ...noted } : { ...otherwise, ...noted, lockout: opened };
}

/** The supervisor of a call that was let in before; a goodbye if the roster no longer lets them in. */
function reauthenticate({ who }: SupervisorView, room?: RoomName): { person: SupervisorEntry } | SupervisorDecision {
  if (typeof who === 'string') {
    return { kind: 'goodbye', refusal: { reason: 'removed' } };
  }
  const { person } = who;
  if (room !== undefined && !mayEnter(person, room)) {
    return sendAway(person, 'room', room);
  }
  return MODES.some((mode) => person.rights.has(mode)) ? who : sendAway(person, 'rights', room);
}

/** Ends the call of a supervisor who lacks the room or the rights. */
function sendAway(person: SupervisorEntry, reason: 'room' | 'rights', room?: RoomName): SupervisorDecision {
  return { kind: 'goodbye', refusal: { reason, ...(room !== undefined && { room }), supervisor: labelOf(person) } };
}

function lookUp({ rooms }: SupervisorView, room: RoomName, { withRest } = { withRest: true }): Lookup | SupervisorNeed {
  const known = rooms?.get(room);
  return known !== undefined && (known.withRest || !withRest) ? known.found : { needs: 'room', room, withRest };
}

/** The context for the list of conversations, after one of them. */
function toMenu(context: RoomContext): CallContext {
  return { mode: initialModeOf(context), attempt: 0, stay: context.stay, token: context.token };
}

/** The latest request through the API to take somebody out, in this stay and no other. */
function removalOf({ actions = [] }: RoomState, stay: SupervisorStay | undefined): Action | undefined {
  return actions.findLast(
    ({ name, callSid, joinedAt }) => name === 'remove' && callSid === stay?.callSid && joinedAt === stay?.joinedAt,
  );
}

function stayOf({ stays }: RoomState, { callSid }: PhoneCall, number: number): SupervisorStay | undefined {
  return stays.findLast(
    (stay): stay is SupervisorStay => stay.callSid === callSid && stay.supervision?.stayNumber === number,
  );
}

/**
 * The mode in which a supervisor goes back into a conversation: the quieter of the requested and the reported one. While
 * nothing is reported, the requested one counts; if that is unknown, nobody hears them.
 */
function modeOfReturn({ mode, heard }: SupervisionState): Mode {
  if (mode === undefined || heard === 'unknown') {
    return mode ?? 'monitor';
  }
  return MODES.indexOf(heard) < MODES.indexOf(mode) ? heard : mode;
}
