import type { Fact } from './fact';
import type { RoomName, RoomState } from './room';
import type { RoomEntry } from './room-entry';

/** A line of the feed, and the position after it. */
export interface FeedLine {
  fact: Fact;
  position: string;
}

/** After a position, or written at this instant (ms since 1970) or later. */
export type FeedStart = { after: string } | { since: number };

/** Rooms that changed after a position. */
export interface RoomChanges {
  /** Each once; those of one part of the store in the order of their latest changes. */
  rooms: RoomName[];
  /** After these changes: at most 320 letters, digits and `, . - _`. Any server of the same store can go on from it. */
  position: string;
  /** Whether all rooms could be written at the last probe; otherwise changes may be missing. */
  isWritable: boolean;
}

/** What is stored of a room. */
export interface StoredRoom {
  version: string;
  /** Undefined if nothing is stored. */
  stored: RoomState | undefined;
  /** The storage's clock, in milliseconds since 1970. */
  now: number;
  /** Whether this room could be written at the last probe. */
  isWritable: boolean;
}

/** Where rooms are kept, for all servers of one Space. It knows no rules. */
export interface RoomStorage {
  /**
   * One round trip.
   *
   * @param known as it was read or written last; not sent again if the room still has that version
   * @throws StoreError
   */
  read(room: RoomName, known?: StoredRoom): Promise<StoredRoom>;
  /**
   * Writes a room and its lines of the feed in one step, if the room still has that version. One round trip.
   *
   * @returns the new version; undefined if the room had another one
   * @param next.isUrgent whether a full store should delete the room rather than keep an outdated state
   * @throws StoreError
   */
  write(room: RoomName, version: string, next: RoomWrite): Promise<string | undefined>;
  /** The rooms in the index, and why some of them could not be read. @throws StoreError when none could */
  list(): Promise<{ rooms: RoomEntry[]; now: number; problems: Error[] }>;
  /**
   * Lines of the feed, in order for each room.
   *
   * @param room reads no more than the part of the feed that has its lines; others may be among them
   */
  feed(from: FeedStart, room?: RoomName): AsyncIterable<FeedLine>;
  /**
   * The rooms changed after a position, other accounts' rooms left out. One round trip.
   *
   * @param after a position, from outside too; undefined tells the present one, and no rooms
   * @param max how many changes of each part of the store are read at most; as many count as unknown
   * @returns `expired` if the changes since are not known: the position is too old, invalid, or another store's
   * @throws StoreError
   */
  changes(after: string | undefined, max?: number): Promise<RoomChanges | 'expired'>;
  /** Finds out what can be written, and counts rooms whose entry has lapsed as changed. Never rejects. */
  probe(): Promise<void>;
}

/** A room's next state, its entry in the index, and its lines of the feed. */
interface RoomWrite {
  state: RoomState;
  /** Undefined for an empty room. */
  entry: RoomEntry | undefined;
  /** In how many milliseconds the entry lapses. */
  lapsesInMs: number;
  facts: readonly Fact[];
  isUrgent: boolean;
}
