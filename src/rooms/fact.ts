import type { Sid } from '../signalwire/sid';
import type { ActionName, ActionReason, ActionStatus } from './action';
import type { HeardMode, Mode } from './mode';
import type { Role, RoomName, Source } from './room';

/**
 * A line of a room's feed: one fact about a moderator, a supervisor, or an action.
 *
 * - `arrived`: got the document that leads into the room.
 * - `joined`: was seen in the conference.
 * - `identified`: REST identified them after the store had lost its data.
 * - `mode`: the requested mode, the reported mode or the target has changed.
 * - `told`: the Space took the notice that tells the target of a supervisor.
 * - `left`: left the conference, or never joined.
 * - `action`: an action was requested through the API, or is settled. A change of mode is of the kind `mode` instead.
 */
export interface Fact {
  kind: 'arrived' | 'joined' | 'identified' | 'mode' | 'told' | 'left' | 'action';
  /** When it happened, in milliseconds since 1970 by the store's clock. */
  at: number;
  /** How it is known. */
  source: Source;
  room: RoomName;
  /** Of `record`, of whom is recorded. Undefined for another action on the whole room. */
  role?: Role | undefined;
  callSid?: Sid | undefined;
  /** Of a supervisor: counts their call's stays from 1; undefined until the document of this stay is known. */
  stayNumber?: number | undefined;
  conferenceSid?: Sid | undefined;
  name?: string | undefined;
  /** Masked. */
  address?: string | undefined;
  /** Of a supervisor: the requested mode, and the one that the Space reported. */
  mode?: Mode | undefined;
  heard?: HeardMode | undefined;
  /** Of a supervisor: the target; if the Space reports that they coach another call, that call. */
  target?: Sid | undefined;
  coachesWrongCall?: true | undefined;
  moderatorName?: string | undefined;
  callers?: readonly Sid[] | undefined;
  /** Of `left`: when they joined; undefined if they never did, or if it is unknown. */
  since?: number | undefined;
  /** Of `action`, and of a `mode` that somebody requested through the API. */
  by?: string | undefined;
  reason?: ActionReason | undefined;
  /** Of `action`. */
  action?: ActionName | undefined;
  status?: ActionStatus | undefined;
  recordingSid?: Sid | undefined;
}
