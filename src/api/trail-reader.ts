import { createTurns, type Turns } from '../ops/turns';
import { type Actor, isAllowed } from '../people/rights';
import type { RoomName } from '../rooms/room';
import type { FeedStart } from '../rooms/room-storage';
import type { RefusalEvent } from '../supervision/refusals';
import type { AuditRecord } from '../supervision/trail';
import { problem } from './problem';

/** A line of the trail, of a fact, with the position after it. */
export interface TrailLine {
  record: AuditRecord;
  position: string;
}

/** Both sources of the trail, for everybody who reads it in this process. */
export interface TrailReader {
  /** The facts of one room, or of all; see `readFacts`. */
  facts: (from: FeedStart, room: RoomName | undefined) => AsyncIterable<TrailLine>;
  refusals: (since: number) => AsyncIterable<RefusalEvent>;
  /**
   * Reads something when it is its turn.
   *
   * @throws Problem at once if too many others wait
   */
  inTurn: Turns['run'];
}

/** Whether somebody may read a line of the trail, of a fact: facts have a room. */
export function mayReadFact(actor: Pick<Actor, 'rights' | 'rooms'>, { room }: AuditRecord): boolean {
  return room !== undefined && isAllowed(actor, 'audit', room);
}

/** Whether somebody with the right `audit` may read a refusal or a sign-in: without a room, only with all rooms. */
export function mayReadRefusal(actor: Pick<Actor, 'rights' | 'rooms'>, refusal: RefusalEvent): boolean {
  const room = 'room' in refusal ? refusal.room : undefined;
  return room === undefined ? actor.rooms === 'all' : isAllowed(actor, 'audit', room);
}

/** How many read at once: calls wait behind them for the store. */
const MAX_READERS = 2;

/** How many may wait: a reading takes a fraction of a second. */
const MAX_WAITING = 20;

/** The form of a position in the feed: one ID, or a number of the memory store, for each part that is read. */
export const POSITION_FORM = /^[0-9]{1,20}(-[0-9]{1,20})?(,[0-9]{1,20}-[0-9]{1,20}){0,15}$/;

/** Redis refuses greater numbers in an ID. */
const MAX_NUMBER = 2n ** 64n - 1n;

/** Whether a text from outside is a position that both stores take. */
export function isPosition(text: string): boolean {
  return POSITION_FORM.test(text) && text.split(/[-,]/).every((number) => BigInt(number) <= MAX_NUMBER);
}

export function createTrailReader(sources: Pick<TrailReader, 'facts' | 'refusals'>): TrailReader {
  const turns = createTurns({
    width: MAX_READERS,
    maxWaiting: MAX_WAITING,
    refuse: () => problem('too_many_readers', 'Too many others are reading the trail. Try again in a second.'),
  });
  return { ...sources, inTurn: turns.run };
}
