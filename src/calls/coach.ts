import { type Request, Router } from 'express';
import { roomOfPath } from '../conferences/room-path';
import { labelOf, mayEnter } from '../people/roster';
import { type Approach, MAX_ATTEMPTS, type Mode } from '../supervision/mode';
import { type CallRoutesOptions, documentRoute } from './document-route';
import { didDialFail, digitsOf, isOver, parseApproach, parseInboundCall } from './inbound-call';
import { CONVERSATION_OVER, labelOfRoom, type Supervise } from './supervise';

/** The keys by which a supervisor changes how they are heard. */
const MODE_KEYS: ReadonlyMap<string, Mode> = new Map([
  ['1', 'monitor'],
  ['2', 'coach'],
  ['3', 'barge'],
]);

/** How far apart requests may come that tell of one event, in milliseconds. */
const SAME_MOMENT_MS = 200;

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
    return enter({ call, ...who }, room, approach);
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
    const [mode] = await Promise.all([
      supervision.modeOf(callSid, approach.stay, approach.mode),
      sleep(SAME_MOMENT_MS),
    ]);
    supervision.leaves(room, callSid, approach.stay);
    const found = await directory.findModerator(room);
    if (found.state === 'empty' || identifyAgain(call, approach) === undefined) {
      return documents.goodbye();
    }
    const label = labelOfRoom(room, found.state === 'live' ? found : undefined);
    // Whom nobody can tell how they were heard, goes back unheard.
    const next = mode ?? (approach.mode === 'coach' ? 'monitor' : approach.mode);
    return documents.keypad(room, { ...approach, mode: next }, mode && label);
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
    // What goes round without a key, or without one that means something, comes to an end.
    const again: Approach = { ...approach, attempt: approach.attempt + 1 };
    if (again.attempt > MAX_ATTEMPTS && !(key === '4' || MODE_KEYS.has(key ?? ''))) {
      return documents.goodbye();
    }
    const before = approach.mode;
    const over = () => documents.goodbye(CONVERSATION_OVER);
    if (key === '4') {
      // Elsewhere they begin anew: nobody there expects to hear them.
      return chooseRoom(
        who,
        { ...approach, mode: 'monitor', attempt: 0 },
        {
          except: room,
          ifNone: (here) =>
            here === undefined
              ? over()
              : letIn(who, { ...approach, attempt: 0 }, here, { news: 'There is no other conversation.', before }),
        },
      );
    }
    if (key === undefined) {
      return enter(who, room, again, { news: '', before, ifOver: over });
    }
    const mode = MODE_KEYS.get(key);
    return mode === undefined
      ? documents.keypad(room, again)
      : enter(who, room, { ...approach, mode, attempt: 0 }, { news: '', before, ifOver: over });
  }

  const router = Router();
  const last = { lastResort: documents.apology, log };
  router.all('/coach{/:room}', guard, documentRoute(dialIn, last));
  router.all('/coach/:room/ended', guard, documentRoute(comeOut, last));
  router.all('/coach/:room/key', guard, documentRoute(press, last));
  return router;
}
