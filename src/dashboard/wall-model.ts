import type { AlertKind } from './attention';
import { talkingSince, waitingSince } from './attention';
import type { BoardRoom } from './board';
import { arrange, type Section, sectionOf, type Totals, totalsOf } from './board-model';
import { hearingOf, supervisorsIn } from './hearing';

/** How supervisors are heard, as a wall counts them. `unknown`: not confirmed, or not known. */
export const HEARINGS = ['monitor', 'coach', 'barge', 'unknown'] as const;

/** A room on a wall, without anybody's name or number. */
export interface WallRoom {
  name: string;
  section: Section;
  state: 'talking' | 'waiting' | 'alone';
  /** Since when it has been so, in milliseconds since 1970; undefined if nobody talks or waits. */
  since: number | undefined;
  /** What needs attention at the moment, the most urgent first. */
  alerts: readonly AlertKind[];
  /** How many supervisors in the conference are heard so. */
  supervisors: Readonly<Record<(typeof HEARINGS)[number], number>>;
}

/** Everything that a wall shows. */
export interface WallState {
  totals: Totals;
  /** How many rooms are in each part of the board. */
  counts: Readonly<Record<Section, number>>;
  /** The most urgent rooms. */
  rooms: readonly WallRoom[];
  /** How many rooms there are besides. */
  others: number;
}

/** More rooms than these do not fit on a TV. */
export const MAX_WALL_ROOMS = 24;

/** What a wall of these rooms shows. */
export function wallOf(rooms: readonly BoardRoom[]): WallState {
  const byName = new Map(rooms.map((room) => [room.view.room, room]));
  const order = arrange(rooms);
  const names = order.flatMap(([, inSection]) => inSection);
  const shown = names.slice(0, MAX_WALL_ROOMS).flatMap((name) => byName.get(name) ?? []);
  return {
    totals: totalsOf(rooms),
    counts: Object.fromEntries(order.map(([section, inSection]) => [section, inSection.length])) as WallState['counts'],
    rooms: shown.map(wallRoomOf),
    others: names.length - shown.length,
  };
}

function wallRoomOf(room: BoardRoom): WallRoom {
  const { view, attention } = room;
  const [talking, waiting] = [talkingSince(view), waitingSince(view)];
  const supervisors = { monitor: 0, coach: 0, barge: 0, unknown: 0 };
  for (const supervisor of supervisorsIn(view)) {
    const { status, heard = 'unknown', isOnHold } = hearingOf(supervisor);
    if (status !== 'entering') {
      // Whoever is on hold is heard by nobody.
      supervisors[isOnHold ? 'monitor' : status === 'confirmed' ? heard : 'unknown']++;
    }
  }
  return {
    name: view.room,
    section: sectionOf(room),
    state: talking !== undefined ? 'talking' : waiting !== undefined ? 'waiting' : 'alone',
    since: talking ?? waiting,
    alerts: attention.alerts.filter(({ isPresent }) => isPresent).map(({ kind }) => kind),
    supervisors,
  };
}
