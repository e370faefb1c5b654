import { mayEnter } from '../people/authenticator';
import type { SupervisorEntry } from '../people/roster';
import type { RoomName } from '../rooms/room';
import type { RoomEntry } from '../rooms/room-entry';
import { CHOICES_AT_ONCE, type News, type RoomMenu } from './outcome';

/** After this time without a join, a moderator has probably hung up. */
const HUNG_UP_MS = 60_000;

/** Whether a moderator arrived long ago and never joined: such conversations are offered last. */
export function hasProbablyHungUp(
  { hasJoined, arrivedAt }: { hasJoined: boolean; arrivedAt: number },
  now: number,
): boolean {
  return !hasJoined && now - arrivedAt >= HUNG_UP_MS;
}

/** A conversation to choose: a room with a target. */
export type LiveRoom = RoomEntry & { target: NonNullable<RoomEntry['target']> };

/** The conversations that a supervisor may join. */
export function conversationsFor(person: SupervisorEntry, rooms: readonly RoomEntry[]): LiveRoom[] {
  return rooms.filter((entry): entry is LiveRoom => entry.target !== undefined && mayEnter(person, entry.room));
}

/** The moderators' extensions. */
export interface Extensions {
  /** The name of the moderator with this extension. */
  nameOf(extension: string): string | undefined;
  /** Whether the moderator of this name has one. */
  has(name: string): boolean;
}

/**
 * One page of the list of conversations.
 *
 * @param page counted from 0; after the last page, the first follows
 * @param now this process's clock, because the list lacks the store's; only the order depends on it
 */
export function menuOf(
  live: readonly LiveRoom[],
  { page, news, now, extensions }: { page: number; news: News | undefined; now: number; extensions: Extensions },
): RoomMenu {
  const pages = Math.ceil(live.length / CHOICES_AT_ONCE);
  const shown = page % pages;
  return {
    choices: firstInOrder(live, (shown + 1) * CHOICES_AT_ONCE, now)
      .slice(shown * CHOICES_AT_ONCE)
      .map((one) => toChoice(one, live)),
    page: shown,
    more: pages === 1 ? undefined : shown === pages - 1 ? 'again' : 'more',
    hasExtensions: live.some(({ target: { name } }) => name !== undefined && extensions.has(name)),
    news,
  };
}

/** The conversation that a supervisor keyed in: the room of that key, or the first room of the extension's moderator. */
export function chosenOf(
  live: readonly LiveRoom[],
  choice: RoomName | { extension: string } | undefined,
  { now, extensions }: { now: number; extensions: Extensions },
): LiveRoom | undefined {
  if (typeof choice !== 'object') {
    return live.find(({ room }) => room === choice);
  }
  const name = extensions.nameOf(choice.extension);
  const led = live.filter(({ target }) => name !== undefined && target.name === name);
  return firstInOrder(led, 1, now)[0];
}

/** Room 2 before room 10. */
const { compare } = new Intl.Collator('en', { numeric: true });

/** How many rooms are sorted together. */
const CHUNK = 500;

/**
 * The first `count` rooms to offer, in order: those with a caller first; last those whose moderator has probably hung up.
 * Does not sort every room, which would take longer than reading them.
 */
function firstInOrder(live: readonly LiveRoom[], count: number, now: number): LiveRoom[] {
  const ranked = live.map((one) => ({
    one,
    rank: hasProbablyHungUp(one.target, now) ? 2 : one.hasCaller ? 0 : 1,
    label: one.target.name ?? one.room,
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

function toChoice(
  { room, hasCaller, target: { name } }: LiveRoom,
  all: readonly LiveRoom[],
): RoomMenu['choices'][number] {
  const isAmbiguous = name !== undefined && all.filter((other) => other.target.name === name).length > 1;
  return { room, name, isAmbiguous, hasCaller };
}
