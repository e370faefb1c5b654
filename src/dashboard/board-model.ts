import type { RoomView } from '../api/schemas';
import { isAllowed, RIGHTS, type Right } from '../people/rights';
import type { RoomName } from '../rooms/room';
import { earliest, isCaller, isInside, talkingSince, waitingSince } from './attention';
import type { BoardRoom } from './board';
import { type SupervisorView, supervisorsIn } from './hearing';
import type { Viewer } from './viewer';

/** What decides which buttons of a room somebody sees. */
export interface RoomAccess {
  rights: ReadonlySet<Right>;
  /** The viewer's own call in this room, if they supervise it. */
  ownCall: SupervisorView | undefined;
  /** Whether the server may call the viewer while they are in no room. */
  canBeCalled: boolean;
  /** Whether notes are heard by the agent alone. */
  canSendNotes: boolean;
  /** Whether the server can control calls at all. */
  canControl: boolean;
}

/** What the settings of the server allow, for everybody. */
export interface Abilities {
  /** Whether SignalWire's REST API is configured. */
  control: boolean;
  /** Whether supervisors can be called. */
  callout: boolean;
  /** Whether announcements to one participant are heard by them alone. */
  privateNotes: boolean;
}

/** The parts of the board, from the top. */
export const SECTIONS = ['attention', 'talking', 'waiting'] as const;

export type Section = (typeof SECTIONS)[number];

/** The numbers of the top line. */
export interface Totals {
  /** Callers who wait for an agent. */
  waiting: number;
  /** Since when the first of them has waited, in milliseconds since 1970. */
  longestWaitSince: number | undefined;
  /** Rooms where an agent and a caller talk. */
  live: number;
}

/** Longer waits miss the target, in milliseconds. */
export const WAIT_TARGET_MS = 30_000;

/** The rooms that somebody may see, in a stable order. */
export function visibleRooms(rooms: ReadonlyMap<string, BoardRoom>, { actor }: Viewer): BoardRoom[] {
  return [...rooms.values()].filter(({ view }) => isAllowed(actor, 'see', view.room as RoomName));
}

/** Where a room is shown. */
export function sectionOf({ view, attention }: BoardRoom): Section {
  if (attention.alerts.length > 0) {
    return 'attention';
  }
  return talkingSince(view) === undefined ? 'waiting' : 'talking';
}

/** The names of the rooms in each part of the board: what has lasted longest comes first. */
export function arrange(rooms: readonly BoardRoom[]): [Section, string[]][] {
  const sorted = rooms
    .map((room) => ({ name: room.view.room, section: sectionOf(room), since: sinceOf(room) }))
    .sort((one, other) => one.since - other.since || (one.name < other.name ? -1 : 1));
  return SECTIONS.map((section) => [
    section,
    sorted.filter((room) => room.section === section).map(({ name }) => name),
  ]);
}

/** What decides the order: the most urgent alert, otherwise the beginning of the conversation, or of the wait. */
function sinceOf({ view, attention: { alerts } }: BoardRoom): number {
  return alerts[0]?.since ?? talkingSince(view) ?? waitingSince(view) ?? presentSince(view);
}

function presentSince({ participants, at }: RoomView): number {
  return earliest(participants.map(({ joinedAt, arrivedAt }) => joinedAt ?? arrivedAt)) ?? earliest([at]) ?? 0;
}

/** The top line of the rooms that somebody may see. */
export function totalsOf(rooms: readonly BoardRoom[]): Totals {
  const waits = rooms.flatMap(({ view }) => {
    const since = waitingSince(view);
    return since === undefined
      ? []
      : [{ since, count: view.participants.filter((one) => isInside(one) && isCaller(one)).length }];
  });
  return {
    waiting: waits.reduce((sum, { count }) => sum + count, 0),
    longestWaitSince: waits.length === 0 ? undefined : Math.min(...waits.map(({ since }) => since)),
    live: rooms.filter(({ view }) => talkingSince(view) !== undefined).length,
  };
}

/** A room that a person is in as a supervisor, or is being called to. */
export interface Presence {
  room: string;
  /** Their call; undefined while it is being made. */
  call: SupervisorView | undefined;
}

/** Where a person is: usually in one room, or in none. */
export function presencesOf(rooms: ReadonlyMap<string, BoardRoom>, { name, role }: Viewer): Presence[] {
  if (role !== 'supervisor') {
    return [];
  }
  return [...rooms.values()].flatMap(({ view }): Presence[] => {
    const own = supervisorsIn(view).filter((one) => one.name === name);
    if (own.length > 0) {
      return own.map((call) => ({ room: view.room, call }));
    }
    const isCalled = view.actions.some(
      (one) => one.name === 'join' && one.supervisor === name && one.status === 'requested',
    );
    return isCalled ? [{ room: view.room, call: undefined }] : [];
  });
}

/** A call to a person that did not bring them into the room. */
export interface FailedCall {
  room: string;
  /** When it failed, in milliseconds since 1970. */
  at: number;
  /** A problem code of the API. */
  reason: string | null;
}

/** The latest of the server's calls to a person, if it failed. */
export function failedCallTo(rooms: ReadonlyMap<string, BoardRoom>, { name, role }: Viewer): FailedCall | undefined {
  const calls = [...rooms.values()].flatMap(({ view: { room, actions } }) =>
    actions
      .filter((one) => one.name === 'join' && one.supervisor === name && role === 'supervisor')
      .map(({ status, settledAt, requestedAt, reason }) => ({ room, status, at: settledAt ?? requestedAt, reason })),
  );
  const latest = calls.sort((one, other) => one.at.localeCompare(other.at)).at(-1);
  return latest?.status === 'failed' ? { ...latest, at: Date.parse(latest.at) } : undefined;
}

/** The access of somebody to a room. */
export function accessTo(view: RoomView, viewer: Viewer, presences: readonly Presence[], can: Abilities): RoomAccess {
  const { actor, person } = viewer;
  const rights = new Set(RIGHTS.filter((right) => isAllowed(actor, right, view.room as RoomName)));
  const hasNumber = person.address !== undefined;
  return {
    rights,
    ownCall: presences.find(({ room, call }) => room === view.room && call !== undefined)?.call,
    canBeCalled: can.control && can.callout && hasNumber && rights.has('monitor'),
    canSendNotes: can.control && can.privateNotes,
    canControl: can.control,
  };
}
