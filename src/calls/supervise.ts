import type { LiveRoom, Moderator } from '../conferences/registry';
import type { RoomName } from '../conferences/room-name';
import { maskPhoneNumber } from '../people/phone-number';
import { labelOf, mayEnter, type SupervisorEntry } from '../people/roster';
import type { RefusalReason } from '../supervision/audit';
import { type Approach, MAX_ATTEMPTS, type Mode } from '../supervision/mode';
import type { CallRoutesOptions } from './document-route';
import type { InboundCall } from './inbound-call';
import { CHOICES_AT_ONCE, type LineApproach, sayMode, sayModeAgain } from './laml';

/** A supervisor's call, and who it is. */
export interface SupervisorCall {
  call: InboundCall;
  person: SupervisorEntry;
}

/** What is said of a conversation: who leads it, or where it is while nobody knows. */
export function labelOfRoom(room: RoomName, moderator: Moderator | undefined): string {
  return moderator?.name ?? `the agent in ${room}`;
}

/** What is said of a choice that leads nowhere. */
export const NO_SUCH_CONVERSATION = 'There is no such conversation.';

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

  /** Asks for a PIN the n-th time, as long as there are tries left; else answers `otherwise`. */
  async function askPin(
    call: InboundCall,
    approach: LineApproach,
    { tryNumber, room, otherwise }: { tryNumber: number; room?: RoomName | undefined; otherwise: () => string },
  ): Promise<string> {
    if (await access.supervisors.mayAsk(call)) {
      return documents.askPin(approach, tryNumber, room);
    }
    supervision.lockOut(call);
    return otherwise();
  }

  function letIn(
    { call, person }: SupervisorCall,
    approach: Approach,
    { room, ...moderator }: LiveRoom,
    { news, before }: { news?: string | undefined; before?: Mode | undefined },
  ): string {
    supervision.enters(
      {
        callSid: call.callSid,
        room,
        supervisor: labelOf(person),
        number: maskPhoneNumber(call.from),
        mode: approach.mode,
        moderator: moderator.name,
        moderatorCallSid: moderator.callSid,
      },
      before,
    );
    return documents.supervisor(room, approach, moderator.callSid, news);
  }

  /**
   * Sends a supervisor into a room, to its moderator of this moment, or lets them wait there.
   *
   * @param options.news what they are told first, before how they are heard; undefined to tell them nothing
   * @param options.before how the same call was in that room until just now
   * @param options.ifOver what to answer when the room has no moderator, instead of letting them wait
   */
  async function enter(
    who: SupervisorCall,
    room: RoomName,
    approach: Approach,
    options: { news?: string; before?: Mode; ifOver?: () => Promise<string> } = {},
  ): Promise<string> {
    const { news, before, ifOver } = options;
    const { call, person } = who;
    const { callSid } = call;
    const found = await directory.findModerator(room);
    const { mode, attempt } = approach;
    log.info(
      { callSid, room, from: maskPhoneNumber(call.from), supervisor: labelOf(person), mode, attempt, found },
      'A supervisor calls',
    );
    switch (found.state) {
      case 'live': {
        const heard = before === undefined ? announce(mode, labelOfRoom(room, found)) : sayModeAgain(mode);
        const announcement = news === undefined ? undefined : `${news} ${heard}`.trim();
        return letIn(who, approach, { ...found, room }, { news: announcement, before });
      }
      case 'empty':
        return ifOver === undefined ? documents.wait(room, approach, 'nobody-there') : ifOver();
      case 'unknown':
        return documents.wait(room, approach, 'store-down');
    }
  }

  /**
   * Sends a supervisor into the one room there is for them, or lets them choose among several, or wait for one.
   *
   * @param options.page which nine of the rooms are offered, counted from 0, beginning anew after the last
   * @param options.extension leads straight to its moderator's conversation, if there is one
   * @param options.except a room that is not offered; when there is no other, `ifNone` answers
   * @param options.news what is said first
   */
  async function chooseRoom(
    who: SupervisorCall,
    approach: LineApproach,
    options: {
      page?: number;
      extension?: string;
      except?: RoomName;
      ifNone?: () => Promise<string>;
      news?: string;
    } = {},
  ): Promise<string> {
    const { call, person } = who;
    const { page = 0, extension, except, ifNone } = options;
    const decided: Approach = { ...approach, mode: approach.mode ?? person.mode ?? 'monitor' };
    const live = await directory.listLive();
    if (live === 'unknown') {
      return documents.waitOnLine(decided, 'store-down');
    }
    const rooms = live.filter(({ room }) => mayEnter(person, room) && room !== except).sort(byLabel);
    const { callSid } = call;
    log.info(
      { callSid, from: maskPhoneNumber(call.from), supervisor: labelOf(person), rooms: rooms.length },
      'A supervisor chooses',
    );
    const [first, ...others] = rooms;
    if (first === undefined) {
      return ifNone === undefined ? documents.waitOnLine(decided, 'nobody-there') : ifNone();
    }
    const wanted = extension === undefined ? undefined : findByExtension(rooms, extension);
    if (wanted !== undefined) {
      return letIn(who, { ...decided, attempt: 0 }, wanted, {
        news: announce(decided.mode, labelOfRoom(wanted.room, wanted)),
      });
    }
    const news = extension === undefined ? options.news : NO_SUCH_CONVERSATION;
    if (others.length === 0) {
      const announcement = `${news ?? ''} ${announce(decided.mode, labelOfRoom(first.room, first))}`.trim();
      return letIn(who, decided, first, { news: announcement });
    }
    if (decided.attempt >= MAX_ATTEMPTS) {
      return documents.goodbye();
    }
    const pages = Math.ceil(rooms.length / CHOICES_AT_ONCE);
    const shown = page % pages;
    return documents.chooseRoom(
      { ...decided, attempt: decided.attempt + 1 },
      {
        choices: rooms
          .slice(shown * CHOICES_AT_ONCE, (shown + 1) * CHOICES_AT_ONCE)
          .map((one) => ({ room: one.room, label: distinctLabel(one, rooms) })),
        page: shown,
        hasMore: pages > 1,
        hasExtensions: rooms.some(({ name }) => name !== undefined && roster.moderators.withName(name)?.extension),
        news,
      },
    );
  }

  function findByExtension(rooms: readonly LiveRoom[], extension: string): LiveRoom | undefined {
    const name = roster.moderators.withExtension(extension)?.name;
    return name === undefined ? undefined : rooms.find((one) => one.name === name);
  }

  return { refuse, identifyAgain, askPin, enter, chooseRoom };
}

function announce(mode: Mode, label: string): string {
  return `${sayMode(mode, label)} Press star for the menu.`;
}

function byLabel(one: LiveRoom, other: LiveRoom): number {
  const [a, b] = [one, other].map((live) => `${labelOfRoom(live.room, live)}\n${live.room}`) as [string, string];
  return a < b ? -1 : 1;
}

/** A moderator's name, with the room where one name leads several. */
function distinctLabel(one: LiveRoom, all: readonly LiveRoom[]): string {
  const label = labelOfRoom(one.room, one);
  const isDistinct = all.filter((other) => labelOfRoom(other.room, other) === label).length === 1;
  return isDistinct ? label : `${label} in ${one.room}`;
}
