import type { LiveRoom, Moderator } from '../conferences/registry';
import { maskAddress } from '../people/address';
import { labelOf, mayEnter, type SupervisorEntry } from '../people/roster';
import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room-name';
import type { RefusalReason } from '../supervision/audit';
import { type Approach, type LineApproach, MAX_ATTEMPTS } from '../supervision/mode';
import type { CallRoutesOptions } from './document-route';
import type { InboundCall } from './inbound-call';
import { CHOICES_AT_ONCE, type PinPrompt, sayMode, sayModeAgain } from './laml';

/** A supervisor's call, and who it is. */
export interface SupervisorCall {
  call: InboundCall;
  person: SupervisorEntry;
}

/** What is said of a conversation: who leads it, or where it is while nobody knows. */
export function labelOfRoom(room: RoomName, moderator: Moderator | undefined): string {
  return moderator?.name ?? `the agent in ${room}`;
}

/** What is said when the conversation that somebody was in, or asked for, has ended. */
export const CONVERSATION_OVER = 'That conversation is over.';

/** The steps that supervisors' routes have in common. Each answers with a document. */
export type Supervise = ReturnType<typeof createSupervise>;

export function createSupervise(options: CallRoutesOptions) {
  const { documents, roster, access, directory, supervision, log } = options;

  /** Notes that a call was not let in. */
  function refuse(
    call: InboundCall,
    reason: RefusalReason,
    about: { supervisor?: string; room?: RoomName } = {},
  ): void {
    supervision.refuse({ callSid: call.callSid, from: call.from, reason, ...about });
  }

  /** Who goes on with a call that was let in before; undefined, and noted, for who is not in the roster any more. */
  function identifyAgain(call: InboundCall, { pass }: Pick<Approach, 'pass'>): SupervisorCall | undefined {
    const who = access.supervisors.identify(call, pass);
    if (typeof who === 'string') {
      refuse(call, 'removed');
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
   * Sends a supervisor into a room beside this moderator.
   *
   * @param options.news what they are told first, before how they are heard; undefined to tell them nothing
   * @param options.before how the same call was in that room until just now
   */
  function letIn(
    { call, person }: SupervisorCall,
    approach: Approach,
    { room, ...moderator }: LiveRoom,
    { news, before }: { news?: string | undefined; before?: Mode | undefined },
  ): string {
    const { mode } = approach;
    const stay = approach.stay + 1;
    supervision.enters(
      {
        callSid: call.callSid,
        stay,
        room,
        supervisor: labelOf(person),
        number: maskAddress(call.from),
        mode,
        moderator: moderator.name,
        moderatorCallSid: moderator.callSid,
      },
      before,
    );
    log.info({ ...describe({ call, person }), room, mode, target: moderator.callSid }, 'A supervisor is let in');
    const heard =
      before === undefined
        ? `${sayMode(mode, labelOfRoom(room, moderator))} Press star for the menu.`
        : sayModeAgain(mode);
    const announcement = news === undefined ? undefined : `${news} ${heard}`.trim();
    const isTold = approach.isTold || announcement !== undefined;
    return documents.supervisor(room, { ...approach, stay, isTold }, moderator.callSid, announcement);
  }

  /**
   * Sends a supervisor into a room, to its moderator of this moment, or lets them wait there.
   *
   * @param options as of `letIn`
   */
  async function enter(
    who: SupervisorCall,
    room: RoomName,
    approach: Approach,
    options: { news?: string } = {},
  ): Promise<string> {
    const found = await directory.findModerator(room);
    switch (found.state) {
      case 'live':
        return letIn(who, approach, { ...found, room }, options);
      case 'empty':
        log.info({ ...describe(who), room, attempt: approach.attempt }, 'A supervisor finds no moderator');
        return documents.wait(room, approach, 'nobody-there');
      case 'unknown':
        return documents.wait(room, approach, 'store-down');
    }
  }

  /**
   * Sends a supervisor into the one room there is for them, or lets them choose among several, or wait for one. All
   * that happens at one look at which conversations there are.
   *
   * @param options.choice the room, or the extension, that they chose; when it is not to be had they choose again, even
   *   if only one is left, so that nobody is put into a conversation they did not mean
   * @param options.page which nine of the rooms are offered, counted from 0, beginning anew after the last
   * @param options.except a room that is not offered; when there is no other, `ifNone` answers, with what is known of it
   */
  async function chooseRoom(
    who: SupervisorCall,
    approach: LineApproach,
    options: {
      choice?: RoomName | { extension: string } | undefined;
      isChosen?: boolean;
      page?: number;
      except?: RoomName;
      ifNone?: (here: LiveRoom | undefined) => string;
    } = {},
  ): Promise<string> {
    const { person } = who;
    const { choice, isChosen = false, page = 0, except, ifNone } = options;
    const decided: Approach = { ...approach, mode: approach.mode ?? person.mode ?? 'monitor' };
    const live = await directory.listLive();
    if (live === 'unknown') {
      return documents.waitOnLine(decided, 'store-down');
    }
    const rooms = live.filter(({ room }) => mayEnter(person, room) && room !== except).sort(byLabel);
    log.info({ ...describe(who), rooms: rooms.map(({ room }) => room) }, 'A supervisor looks for a conversation');
    const [first, ...others] = rooms;
    if (first === undefined) {
      return ifNone === undefined
        ? documents.waitOnLine(decided, 'nobody-there')
        : ifNone(live.find(({ room }) => room === except));
    }
    const chosen = isChosen ? find(rooms, choice) : others.length === 0 ? first : undefined;
    if (chosen !== undefined) {
      // Somebody chose, so it does not go round by itself.
      return letIn(who, { ...decided, attempt: isChosen ? 0 : decided.attempt }, chosen, { news: '' });
    }
    if (decided.attempt >= MAX_ATTEMPTS) {
      return documents.goodbye();
    }
    const pages = Math.ceil(rooms.length / CHOICES_AT_ONCE);
    const shown = page % pages;
    const isOver = typeof choice === 'string' && mayEnter(person, choice);
    return documents.chooseRoom(
      { ...decided, attempt: decided.attempt + 1 },
      {
        choices: rooms
          .slice(shown * CHOICES_AT_ONCE, (shown + 1) * CHOICES_AT_ONCE)
          .map((one) => ({ room: one.room, label: distinctLabel(one, rooms) })),
        page: shown,
        more: pages === 1 ? undefined : shown === pages - 1 ? 'again' : 'more',
        hasExtensions: rooms.some(({ name }) => name !== undefined && roster.moderators.withName(name)?.extension),
        news: isChosen ? (isOver ? CONVERSATION_OVER : 'There is no such conversation.') : undefined,
      },
    );
  }

  function find(
    rooms: readonly LiveRoom[],
    choice: RoomName | { extension: string } | undefined,
  ): LiveRoom | undefined {
    if (typeof choice !== 'object') {
      return rooms.find(({ room }) => room === choice);
    }
    const name = roster.moderators.withExtension(choice.extension)?.name;
    return name === undefined ? undefined : rooms.find((one) => one.name === name);
  }

  return { refuse, identifyAgain, askPin, letIn, enter, chooseRoom };
}

/** Room 2 before room 10. */
const { compare } = new Intl.Collator('en', { numeric: true });

function byLabel(one: LiveRoom, other: LiveRoom): number {
  return compare(labelOfRoom(one.room, one), labelOfRoom(other.room, other)) || compare(one.room, other.room);
}

/** Who is calling, for the log. */
function describe({ call, person }: SupervisorCall) {
  return { callSid: call.callSid, from: maskAddress(call.from), supervisor: labelOf(person) };
}

/** A moderator's name, with the room where one name leads several. */
function distinctLabel(one: LiveRoom, all: readonly LiveRoom[]): string {
  const label = labelOfRoom(one.room, one);
  const isDistinct = all.filter((other) => labelOfRoom(other.room, other) === label).length === 1;
  return isDistinct ? label : `${label} in ${one.room}`;
}
