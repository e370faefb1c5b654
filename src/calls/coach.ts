import { type Request, Router } from 'express';
import type { LiveRoom } from '../conferences/registry';
import { labelOf, mayEnter } from '../people/roster';
import type { Mode } from '../rooms/mode';
import { roomOfPath } from '../rooms/room-path';
import { type Approach, MAX_ATTEMPTS } from '../supervision/mode';
import { type CallRoutesOptions, documentRoute } from './document-route';
import { didDialFail, digitsOf, isOver, parseApproach, parseInboundCall } from './inbound-call';
import { CONVERSATION_OVER, labelOfRoom, type Supervise, type SupervisorCall } from './supervise';

/** The keys by which a supervisor changes how they are heard. */
const MODE_KEYS: ReadonlyMap<string, Mode> = new Map([
  ['1', 'monitor'],
  ['2', 'coach'],
  ['3', 'barge'],
]);

/** How far apart requests may come that tell of one event, in milliseconds. */
const SAME_MOMENT_MS = 200;

/** What is said to who asks for another conversation and is in the only one. */
const NO_OTHER = 'There is no other conversation.';

/**
 * The routes of the number that supervisors of one room dial, and of every supervisor who is in a room: `/coach`,
 * where they enter; its `/ended`, which the Space asks for when they are out of the conference, or could not be let in
 * because their target had gone; and `/key`, which takes what they press then.
 */
export function createCoachRoutes(options: CallRoutesOptions, supervise: Supervise): Router {
  const { guard, usualRoom, documents, access, directory, supervision, sleep, log } = options;
  const { refuse, identifyAgain, askPin, letIn, enter, chooseRoom } = supervise;

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
    return enter({ call, ...who }, room, approach, approach.isTold ? { news: '' } : {});
  }

  async function comeOut(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    // The first stay goes without saying.
    const approach = parseApproach(req, { stay: 1 });
    const call = parseInboundCall(req);
    const { callSid } = call;
    const failed = didDialFail(req);
    const hungUp = isOver(req);
    log.info({ callSid, room, mode: approach.mode, failed, hungUp }, 'A supervisor is out of the conference');
    if (hungUp || failed) {
      supervision.leaves(room, callSid, approach.stay);
      return hungUp ? documents.hangup() : documents.wait(room, approach, 'target-gone');
    }
    // Either they pressed `*` or the conversation ended; the Space does not say. Its end is told by other requests at
    // this very moment. And how they were heard is what counts, not what they had asked for.
    const [last] = await Promise.all([supervision.lastStay(callSid, approach.stay), sleep(SAME_MOMENT_MS)]);
    supervision.leaves(room, callSid, approach.stay);
    const found = await directory.findModerator(room);
    if (found.state === 'empty' || identifyAgain(call, approach) === undefined) {
      return documents.goodbye();
    }
    const next = { ...approach, attempt: 0 };
    if (last !== undefined && found.state === 'live' && found.callSid === last.moderatorCallSid) {
      return documents.keypad(room, { ...next, mode: last.mode, of: found.callSid }, labelOfRoom(room, found));
    }
    // Nobody can tell how they were heard, or there is another agent now: a coach goes back unheard.
    return documents.keypad(room, { ...next, mode: unheard(next.mode) });
  }

  async function press(req: Request): Promise<string> {
    const room = roomOfPath(req.params.room, usualRoom);
    const approach = parseApproach(req, { stay: 1 });
    const call = parseInboundCall(req);
    const key = digitsOf(req);
    const who = identifyAgain(call, approach);
    if (key === '9' || who === undefined) {
      return documents.goodbye();
    }
    if (!mayEnter(who.person, room)) {
      refuse(call, 'room', { room, supervisor: labelOf(who.person) });
      return documents.goodbye();
    }
    // What goes round without a key that means something comes to an end.
    const round = (approach.round ?? 0) + 1;
    const keyed = MODE_KEYS.get(key ?? '');
    if (round > MAX_ATTEMPTS && key !== '4' && keyed === undefined) {
      return documents.goodbye();
    }
    if (key === '4') {
      // Elsewhere they begin anew: nobody there expects to hear them.
      const elsewhere = { ...approach, mode: 'monitor', round: undefined } as const;
      const ifNone = (here: LiveRoom | undefined) =>
        here === undefined ? documents.goodbye(CONVERSATION_OVER) : goBack(who, approach, here, NO_OTHER);
      return chooseRoom(who, elsewhere, { except: room, ifNone });
    }
    if (key !== undefined && keyed === undefined) {
      return documents.keypad(room, { ...approach, round });
    }
    const found = await directory.findModerator(room);
    switch (found.state) {
      case 'live':
        return goBack(
          who,
          { ...approach, round: keyed === undefined ? round : undefined },
          { ...found, room },
          '',
          keyed,
        );
      case 'empty':
        return documents.goodbye(CONVERSATION_OVER);
      case 'unknown':
        // Whoever leads then may be another agent: they are told, and nobody is coached by itself.
        return documents.wait(room, { ...approach, mode: keyed ?? unheard(approach.mode), isTold: true }, 'store-down');
    }
  }

  /** Back to where they were, heard as before or as they chose; but no words meant for one agent reach another. */
  function goBack(who: SupervisorCall, approach: Approach, here: LiveRoom, news: string, chosen?: Mode): string {
    const isSame = here.callSid === approach.of;
    const kept = isSame ? approach.mode : unheard(approach.mode);
    return letIn(who, { ...approach, mode: chosen ?? kept }, here, {
      news,
      before: isSame ? approach.mode : undefined,
    });
  }

  const router = Router();
  const last = { lastResort: documents.apology, log };
  router.all('/coach{/:room}', guard, documentRoute(dialIn, last));
  router.all('/coach/:room/ended', guard, documentRoute(comeOut, last));
  router.all('/coach/:room/key', guard, documentRoute(press, last));
  return router;
}

/** The mode in which whoever coached one agent can be sent to another: not heard by them. */
function unheard(mode: Mode): Mode {
  return mode === 'coach' ? 'monitor' : mode;
}
