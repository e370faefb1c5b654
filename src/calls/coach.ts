import { type Request, Router } from 'express';
import { labelOf, mayEnter } from '../people/roster';
import { MODES, type Mode } from '../rooms/mode';
import {
  conversationOf,
  isSameConversation,
  isThere,
  type RoomState,
  type StayOfSupervisor,
  type SupervisorStay,
  supervisedConversation,
  targetOf,
} from '../rooms/room';
import type { RoomName } from '../rooms/room-name';
import { roomOfPath } from '../rooms/room-path';
import type { Lookup } from '../rooms/rooms';
import { type Approach, type LineApproach, MAX_ATTEMPTS, nextMode, ownMode } from './approach';
import { type CallRoutesOptions, documentRoute } from './document-route';
import { digitsOf, type InboundCall, parseApproach, parseDialOutcome, parseInboundCall } from './inbound-call';
import { type ChooseRoom, CONVERSATION_OVER } from './room-menu';
import { labelOfRoom, type Supervise, type SupervisorCall } from './supervise';

/** The keys by which a supervisor changes how they are heard. */
const MODE_KEYS: ReadonlyMap<string, Mode> = new Map([
  ['1', 'monitor'],
  ['2', 'coach'],
  ['3', 'barge'],
]);

/** How far apart requests may come that tell of one event, in milliseconds. */
const SAME_MOMENT_MS = 200;

/** Said to a supervisor who asks for another conversation and is in the only one. */
const NO_OTHER = 'There is no other conversation.';

/** Said to a supervisor whom REST muted and moved out of the conference. */
const MUTED = 'You have been muted.';

/**
 * The routes of the number that supervisors of one room dial, and of every supervisor who is in a room: `/coach`,
 * where they enter; its `/ended`, which the Space asks for when they are out of the conference, or could not be let in
 * because their target had gone; and `/key`, which takes what they press then.
 */
export function createCoachRoutes(options: CallRoutesOptions, supervise: Supervise, chooseRoom: ChooseRoom): Router {
  const { guard, usualRoom, documents, access, rooms, sleep, log } = options;
  const { refuse, identifyAgain, askPin, letIn, enter } = supervise;

  async function dialIn(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const approach = parseApproach(req);
    const call = parseInboundCall(req);
    const who = access.supervisors.identify(call, approach.pass);
    if (who === 'must-ask') {
      return askPin(call, approach, { why: 'asked', tryNumber: 1, room, otherwise: documents.reject });
    }
    if (typeof who === 'string') {
      refuse(call, 'unknown', { room });
      return documents.reject();
    }
    if (!mayEnter(who.person, room)) {
      refuse(call, 'room', { room, supervisor: labelOf(who.person) });
      return documents.reject();
    }
    if (approach.isMoved) {
      return letBackIn({ call, ...who }, room, { ...approach, isMoved: undefined });
    }
    // After a wait, they are told where they go.
    const hasWaited = approach.attempt > 0 || approach.waits !== undefined;
    return enter({ call, ...who }, room, approach, approach.isTold || hasWaited ? { news: '' } : {});
  }

  async function comeOut(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    // The first stay goes without saying.
    const approach = parseApproach(req, { stay: 1 });
    const call = parseInboundCall(req);
    const { callSid } = call;
    const { isCallOver, hasFailed, wasRefused } = parseDialOutcome(req);
    log.info({ callSid, room, mode: approach.mode, hasFailed, isCallOver }, 'A supervisor is out of the conference');
    const noted = rooms.record(room, { kind: 'dial-ended', callSid, number: approach.stay, wasRefused, agoMs: 0 });
    // The Space does not say whether they pressed `*` or the conversation ended. If it ended, other requests are on
    // their way.
    await Promise.all([noted, isCallOver || hasFailed ? undefined : sleep(SAME_MOMENT_MS)]);
    if (isCallOver) {
      return documents.hangup();
    }
    const who = identifyAgain(call, approach, room);
    if (who === undefined) {
      return documents.goodbye();
    }
    const found = await rooms.read(room);
    return hasFailed ? afterRefusal(who, room, approach, found) : afterStay(who, room, approach, found);
  }

  /** The Space did not let them in: the target was not there, or was alone. The next one may be another agent. */
  function afterRefusal({ person }: SupervisorCall, room: RoomName, approach: Approach, found: Lookup): string {
    const own = ownMode(approach);
    // One who only listens, by a key or by REST, is not heard again until they press another key.
    const mode = approach.mode === 'monitor' ? 'monitor' : nextMode(approach.isOnLine ? (own ?? person.mode) : own);
    const next = { ...approach, own, mode };
    const target = found.isKnown ? targetOf(found.state) : undefined;
    return target?.refusedAt === undefined
      ? documents.wait(room, next, 'target-gone')
      : documents.wait(room, { ...next, waits: next.waits ?? 0 }, 'no-caller', labelOfRoom(room, target));
  }

  /** They are out, and the conversation goes on or not. */
  async function afterStay(who: SupervisorCall, room: RoomName, approach: Approach, found: Lookup): Promise<string> {
    const next = { ...approach, own: ownMode(approach), attempt: 0, waits: undefined };
    if (!found.isKnown) {
      // Nobody can tell who is there: they go back unheard.
      return documents.keypad(room, { ...next, mode: 'monitor' });
    }
    const target = targetOf(found.state);
    const last = stayOf(found.state, who.call, approach.stay);
    const left = last && supervisedConversation(found.state, last);
    if (target === undefined || (left !== undefined && !isSameConversation(left, conversationOf(target)))) {
      return afterConversation(who, room, approach);
    }
    const mode = last === undefined ? 'monitor' : modeOfReturn(last.supervision);
    return documents.keypad(room, { ...next, mode, of: conversationOf(target) }, labelOfRoom(room, target));
  }

  /** A conversation is over, and the call goes on: back to the menu of rooms, or to the next conversation here. */
  function afterConversation(
    who: SupervisorCall,
    room: RoomName,
    approach: Approach,
    found?: Lookup,
  ): string | Promise<string> {
    if (approach.isOnLine) {
      return chooseRoom(who, toMenu(approach), { news: CONVERSATION_OVER });
    }
    const { stay, pass } = approach;
    const own = ownMode(approach);
    const next = { own, mode: nextMode(own), attempt: 0, waits: 0, stay, isTold: true, pass };
    return enter(who, room, next, { news: CONVERSATION_OVER, found });
  }

  /** REST muted them and moved their call here: they are told, and let back in muted. */
  async function letBackIn(who: SupervisorCall, room: RoomName, approach: Approach): Promise<string> {
    const found = await rooms.find(room);
    if (found.isKnown && targetOf(found.state) === undefined) {
      return afterConversation(who, room, approach, found);
    }
    return enter(who, room, { ...approach, mode: 'monitor', isTold: true }, { news: MUTED, found });
  }

  async function press(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const approach = parseApproach(req, { stay: 1 });
    const call = parseInboundCall(req);
    const key = digitsOf(req);
    const who = identifyAgain(call, approach, room);
    if (key === '9' || who === undefined) {
      return documents.goodbye();
    }
    // What goes round without a key that means something comes to an end.
    const round = (approach.round ?? 0) + 1;
    const keyed = MODE_KEYS.get(key ?? '');
    if (round > MAX_ATTEMPTS && key !== '4' && keyed === undefined) {
      return documents.goodbye();
    }
    if (key === '4') {
      const ifNone = () => goBack(who, room, approach, { news: NO_OTHER });
      return chooseRoom(who, toMenu(approach), { except: room, ifNone });
    }
    if (key !== undefined && keyed === undefined) {
      return documents.keypad(room, { ...approach, round });
    }
    return goBack(who, room, { ...approach, round: keyed === undefined ? round : undefined }, { news: '', keyed });
  }

  /**
   * Back to the conversation that the keypad named, heard as before or as `keyed`. If it named none, they go back unheard,
   * or are told which one it is before a key lets anybody hear them. No words meant for one agent reach another.
   */
  async function goBack(
    who: SupervisorCall,
    room: RoomName,
    approach: Approach,
    { news, keyed }: { news: string; keyed?: Mode | undefined },
  ): Promise<string> {
    const found = await rooms.find(room);
    const own = ownMode(approach);
    if (!found.isKnown) {
      // By then another agent may lead: the supervisor is told so, and only listens until they press a key.
      return documents.wait(room, { ...approach, own, mode: 'monitor', isTold: true }, 'store-down');
    }
    const { of: named } = approach;
    const target = targetOf(found.state);
    if (target === undefined || (named !== undefined && !isSameConversation(named, conversationOf(target)))) {
      return afterConversation(who, room, approach, found);
    }
    const mode = keyed ?? (named === undefined ? 'monitor' : approach.mode);
    if (named === undefined && mode !== 'monitor') {
      const unheard = { ...approach, own, mode: 'monitor', of: conversationOf(target) } as const;
      return documents.keypad(room, unheard, labelOfRoom(room, target));
    }
    if (mode === 'barge' && !isThere(target, found.now)) {
      return documents.wait(room, { ...approach, own, mode: 'monitor', of: undefined }, 'nobody-there');
    }
    const before = named === undefined ? undefined : approach.mode;
    return letIn(who, { ...approach, own, mode, of: undefined }, { ...found, target }, { news, before });
  }

  const router = Router();
  const last = { lastResort: documents.apology, log };
  router.all('/coach{/:room}', guard, documentRoute(dialIn, last));
  router.all('/coach/:room/ended', guard, documentRoute(comeOut, last));
  router.all('/coach/:room/key', guard, documentRoute(press, last));
  return router;
}

/** The way from a conversation to the menu of rooms. */
function toMenu(approach: Approach): LineApproach {
  return { mode: ownMode(approach), attempt: 0, stay: approach.stay, pass: approach.pass };
}

function stayOf({ stays }: RoomState, { callSid }: InboundCall, number: number): StayOfSupervisor | undefined {
  return stays.findLast(
    (stay): stay is StayOfSupervisor => stay.callSid === callSid && stay.supervision?.number === number,
  );
}

/**
 * The mode in which a supervisor goes back into a conversation: of the mode that was asked for and the one in which they
 * were heard, the one that fewer people hear. If they were not heard for certain, what was asked for counts; if that is unknown, nobody hears them.
 */
function modeOfReturn({ mode, heard }: SupervisorStay): Mode {
  if (mode === undefined || heard === 'unknown') {
    return mode ?? 'monitor';
  }
  return MODES.indexOf(heard) < MODES.indexOf(mode) ? heard : mode;
}
