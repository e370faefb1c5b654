import { maskAddress } from '../people/address';
import { labelOf, mayEnter, type SupervisorEntry } from '../people/roster';
import type { Mode } from '../rooms/mode';
import { isThere, type RoomState, type Stay, targetOf } from '../rooms/room';
import type { RoomName } from '../rooms/room-name';
import type { Lookup } from '../rooms/rooms';
import type { RefusalReason } from '../supervision/refusals';
import type { Approach, LineApproach } from './approach';
import type { CallRoutesOptions } from './document-route';
import type { InboundCall } from './inbound-call';
import { type PinPrompt, sayMode, sayModeAgain } from './laml';

/** A supervisor's call, and who it is. */
export interface SupervisorCall {
  call: InboundCall;
  person: SupervisorEntry;
}

/** A room's state, when it was so by the store's clock, and the target there. */
interface Conversation {
  state: RoomState;
  now: number;
  target: Stay;
}

/** How a conversation is called on the phone: by its moderator, or by its room while that is unknown. */
export function labelOfRoom(room: RoomName, moderator: { name?: string | undefined } | undefined): string {
  return moderator?.name ?? `the agent in ${room}`;
}

/** The steps that supervisors' routes have in common. Each answers with a document. */
export type Supervise = ReturnType<typeof createSupervise>;

export function createSupervise(options: CallRoutesOptions) {
  const { documents, access, rooms, supervision, log } = options;

  /** Notes that a call was not let in. */
  function refuse(
    call: InboundCall,
    reason: RefusalReason,
    about: { supervisor?: string; room?: RoomName } = {},
  ): void {
    supervision.refuse({ callSid: call.callSid, from: call.from, reason, ...about });
  }

  /**
   * The supervisor on a call that was let in before; undefined, and recorded as a refusal, if the roster no longer lets
   * them in.
   *
   * @param room the room they want to enter
   */
  function identifyAgain(
    call: InboundCall,
    { pass }: Pick<Approach, 'pass'>,
    room?: RoomName,
  ): SupervisorCall | undefined {
    const who = access.supervisors.identify(call, pass);
    if (typeof who === 'string') {
      refuse(call, 'removed');
      return undefined;
    }
    if (room !== undefined && !mayEnter(who.person, room)) {
      refuse(call, 'room', { room, supervisor: labelOf(who.person) });
      return undefined;
    }
    return { call, person: who.person };
  }

  /** Asks for a PIN, if that is possible now; else answers `otherwise`. */
  async function askPin(
    call: InboundCall,
    approach: LineApproach,
    { otherwise, ...prompt }: PinPrompt & { room?: RoomName | undefined; otherwise: () => string },
  ): Promise<string> {
    const lockout = await access.supervisors.openPrompt(call);
    if (lockout === undefined) {
      return documents.askPin(approach, prompt, prompt.room);
    }
    supervision.lockOut(call, lockout);
    return otherwise();
  }

  /**
   * Sends a supervisor into a conversation.
   *
   * @param options.news what they are told first, before how they are heard; undefined to tell them nothing
   * @param options.before how the same call was heard in that conversation until just now
   */
  function letIn(
    { call, person }: SupervisorCall,
    approach: Approach,
    { state, target }: Conversation,
    { news, before }: { news?: string | undefined; before?: Mode | undefined },
  ): string {
    const { room } = state;
    const { mode } = approach;
    const stay = approach.stay + 1;
    const sent = { ...approach, stay, isMoved: undefined };
    supervision.send(
      state,
      {
        callSid: call.callSid,
        number: stay,
        name: labelOf(person),
        address: maskAddress(call.from),
        mode,
        target: target.callSid,
        moderator: target.name,
        returnTo: documents.addressAfterMove(room, sent),
      },
      before,
    );
    log.info({ ...describe({ call, person }), room, mode, target: target.callSid }, 'A supervisor is let in');
    const heard =
      before === undefined
        ? `${sayMode(mode, labelOfRoom(room, target))} Press star for the menu.`
        : sayModeAgain(mode);
    const announcement = news === undefined ? undefined : `${news} ${heard}`.trim();
    const isTold = approach.isTold || announcement !== undefined;
    return documents.supervisor(room, { ...sent, isTold }, target.callSid, announcement);
  }

  /**
   * Sends a supervisor into a room, to its target of this moment, or lets them wait there.
   *
   * @param options.news as of `letIn`
   * @param options.found the room, if it was looked up just now
   */
  async function enter(
    who: SupervisorCall,
    room: RoomName,
    approach: Approach,
    options: { news?: string; found?: Lookup | undefined } = {},
  ): Promise<string> {
    const found = options.found ?? (await rooms.find(room));
    if (!found.isKnown) {
      return documents.wait(room, approach, 'store-down');
    }
    const { state, now } = found;
    const target = targetOf(state);
    const isWaitingForNext = approach.waits !== undefined;
    if (target === undefined || (approach.mode === 'barge' && !isThere(target, now))) {
      log.info({ ...describe(who), room, attempt: approach.attempt }, 'A supervisor finds no moderator');
      return documents.wait(room, approach, isWaitingForNext ? 'over' : 'nobody-there');
    }
    if (target.refusedAt !== undefined) {
      // They are alone, and a Space may let nobody coach them until somebody comes.
      const patient = { ...approach, waits: approach.waits ?? 0 };
      return documents.wait(room, patient, 'no-caller', labelOfRoom(room, target));
    }
    return letIn(who, approach, { state, now, target }, options);
  }

  return { refuse, identifyAgain, askPin, letIn, enter };
}

/** Who is calling, for the log. */
export function describe({ call, person }: SupervisorCall) {
  return { callSid: call.callSid, from: maskAddress(call.from), supervisor: labelOf(person) };
}
