import { mayEnter, type SupervisorEntry } from '../people/roster';
import { isGhost } from '../rooms/room';
import type { RoomName } from '../rooms/room-name';
import type { RoomEntry } from '../rooms/room-store';
import { type Approach, type LineApproach, MAX_ATTEMPTS, nextMode } from './approach';
import type { CallRoutesOptions } from './document-route';
import { CHOICES_AT_ONCE } from './laml';
import { describe, labelOfRoom, type Supervise, type SupervisorCall } from './supervise';

/** A list of rooms that took longer than this came late, in milliseconds. */
const SLOW_LIST_MS = 1_000;

/** A conversation to choose: a room with a target. */
type LiveRoom = RoomEntry & { target: NonNullable<RoomEntry['target']> };

/** Said when the conversation that a supervisor was in, or asked for, has ended. */
export const CONVERSATION_OVER = 'That conversation is over.';

/** A supervisor's choice: a room, or an extension. */
export type Choice = RoomName | { extension: string };

export interface MenuOptions {
  /** When it is not to be had they choose again, so that nobody is put into a conversation they did not mean. */
  choice?: Choice | undefined;
  isChosen?: boolean;
  /** Which nine of the rooms are offered, counted from 0, beginning anew after the last. */
  page?: number;
  /** A room that is not offered; while it goes on and there is no other, `ifNone` answers. */
  except?: RoomName;
  ifNone?: () => string | Promise<string>;
  /** A sentence spoken before the menu. With it, even a single room must be chosen: they did not ask for that one. */
  news?: string | undefined;
}

/** Sends a supervisor into the one room there is for them, or lets them choose among several, or wait for one. */
export type ChooseRoom = (who: SupervisorCall, approach: LineApproach, options?: MenuOptions) => Promise<string>;

export function createRoomMenu(options: CallRoutesOptions, { enter }: Supervise): ChooseRoom {
  const { documents, roster, rooms, now, log } = options;

  return async (who, asked, { choice, isChosen = false, page = 0, except, ifNone, news } = {}) => {
    const { person } = who;
    // After a conversation they wait longer for the next one.
    const approach = asked.stay === 0 ? asked : { ...asked, waits: asked.waits ?? 0 };
    const askedAt = now();
    const listed = await rooms.list();
    if (listed === 'unknown') {
      return documents.waitOnLine(approach, 'store-down');
    }
    const isOpen = (entry: RoomEntry): entry is LiveRoom => entry.target !== undefined && mayEnter(person, entry.room);
    const open = listed.filter(isOpen);
    const live = open.filter(({ room }) => room !== except);
    log.info({ ...describe(who), rooms: live.length }, 'A supervisor looks for a conversation');
    if (live.length === 0) {
      return ifNone === undefined || open.length === 0
        ? documents.waitOnLine(approach, approach.waits === undefined ? 'nobody-there' : 'over')
        : ifNone();
    }
    const isOnlyOne = live.length === 1 && news === undefined;
    const chosen = isChosen ? find(live, choice) : isOnlyOne ? live[0] : undefined;
    if (chosen !== undefined) {
      // A Space waits 5 s. When the list took long, the room is not asked for by REST too.
      const found = now() - askedAt > SLOW_LIST_MS ? await rooms.read(chosen.room) : undefined;
      return enter(who, chosen.room, approachOf(person, approach), { news: '', found });
    }
    if (approach.attempt >= MAX_ATTEMPTS) {
      return documents.goodbye();
    }
    const pages = Math.ceil(live.length / CHOICES_AT_ONCE);
    const shown = page % pages;
    const isOver = typeof choice === 'string' && mayEnter(person, choice);
    return documents.chooseRoom(
      { ...approach, attempt: approach.attempt + 1 },
      {
        choices: firstInOrder(live, (shown + 1) * CHOICES_AT_ONCE, now())
          .slice(shown * CHOICES_AT_ONCE)
          .map((one) => ({ room: one.room, label: distinctLabel(one, live), hasCaller: one.hasCaller })),
        page: shown,
        more: pages === 1 ? undefined : shown === pages - 1 ? 'again' : 'more',
        hasExtensions: live.some(({ target }) => hasExtension(target.name)),
        news: isChosen ? (isOver ? CONVERSATION_OVER : 'There is no such conversation.') : news,
      },
    );
  };

  function hasExtension(name: string | undefined): boolean {
    return name !== undefined && roster.moderators.withName(name)?.extension !== undefined;
  }

  function find(live: readonly LiveRoom[], choice: Choice | undefined): LiveRoom | undefined {
    if (typeof choice !== 'object') {
      return live.find(({ room }) => room === choice);
    }
    const name = roster.moderators.withExtension(choice.extension)?.name;
    const led = live.filter(({ target }) => name !== undefined && target.name === name);
    return firstInOrder(led, 1, now())[0];
  }
}

/** The way into a room chosen on the line: the mode of the number, or of the person. */
function approachOf(person: SupervisorEntry, { mode, ...rest }: LineApproach): Approach {
  const own = mode ?? person.mode;
  // After a conversation nobody barges into the next one unasked.
  const start = rest.stay === 0 ? (own ?? 'monitor') : nextMode(own);
  return { ...rest, mode: start, own: mode, isOnLine: true };
}

/** Room 2 before room 10. */
const { compare } = new Intl.Collator('en', { numeric: true });

/** How many rooms are sorted together. */
const CHUNK = 500;

/**
 * The first `count` rooms of the menu, in order: those with a caller first; last those whose moderator asked for a
 * document long ago and was never seen to join. Sorting every room would take longer than reading them.
 *
 * @param now this process's clock: the list does not carry the store's, and only the order depends on it
 */
function firstInOrder(live: readonly LiveRoom[], count: number, now: number): LiveRoom[] {
  const ranked = live.map((one) => ({
    one,
    rank: isGhost(one.target, now) ? 2 : one.hasCaller ? 0 : 1,
    label: labelOfRoom(one.room, one.target),
  }));
  type Ranked = (typeof ranked)[number];
  const order = (a: Ranked, b: Ranked) =>
    a.rank - b.rank || compare(a.label, b.label) || compare(a.one.room, b.one.room);
  let first: Ranked[] = [];
  for (let start = 0; start < ranked.length; start += CHUNK) {
    const last = first[count - 1];
    const earlier = ranked.slice(start, start + CHUNK).filter((one) => last === undefined || order(one, last) < 0);
    first = [...first, ...earlier].sort(order).slice(0, count);
  }
  return first.map(({ one }) => one);
}

/** A moderator's name, with the room where one name leads several. */
function distinctLabel({ room, target }: LiveRoom, all: readonly LiveRoom[]): string {
  const label = labelOfRoom(room, target);
  const isDistinct = target.name === undefined || all.filter((other) => other.target.name === target.name).length === 1;
  return isDistinct ? label : `${label} in ${room}`;
}
