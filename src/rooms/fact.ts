import type { Sid } from '../signalwire/sid';
import type { HeardMode, Mode } from './mode';
import type { Role, Source } from './room';
import type { RoomName } from './room-name';

/**
 * A line of a room's feed: one fact about a moderator or a supervisor.
 *
 * `arrived`: was given the document that leads into the room. `joined`: was seen in the conference. `identified`: REST told
 * who it is of whom the store had forgotten everything. `mode`: the mode asked for, the one that the Space reported, or the
 * target has changed. `left`: is out of the conference, or never came in.
 */
export interface Fact {
  kind: 'arrived' | 'joined' | 'identified' | 'mode' | 'left';
  /** When it happened, in milliseconds since 1970 by the store's clock. */
  at: number;
  /** How it is known. */
  source: Source;
  room: RoomName;
  role: Role;
  callSid: Sid;
  /** Which of a supervisor's stays it is; undefined while its document is not known. */
  stayNumber?: number | undefined;
  conferenceSid?: Sid | undefined;
  name?: string | undefined;
  /** Masked. */
  address?: string | undefined;
  /** Of a supervisor: the mode asked for, and the one that the Space reported. */
  mode?: Mode | undefined;
  heard?: HeardMode | undefined;
  /** The moderator's call; if the Space says that they coach another call, that one. */
  target?: Sid | undefined;
  coachesWrongCall?: true | undefined;
  moderatorName?: string | undefined;
  callers?: readonly Sid[] | undefined;
  /** Of `left`: since when they were in, undefined if they never were or nobody knows. */
  since?: number | undefined;
}
