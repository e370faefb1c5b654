import type { RoomName } from '../rooms/room';

/**
 * What somebody may do: see rooms; supervise in one of three modes; control calls (mute, hold, remove, end); record;
 * read the audit trail.
 */
export const RIGHTS = ['see', 'monitor', 'coach', 'barge', 'control', 'record', 'audit'] as const;

/** One of {@link RIGHTS}. */
export type Right = (typeof RIGHTS)[number];

/** The rights of a supervisor whose entry lists none. */
export const SUPERVISOR_RIGHTS: ReadonlySet<Right> = new Set(['see', 'monitor', 'coach', 'barge']);

/** Somebody or something that acts through the API. */
export interface Actor {
  /** As in the audit trail, such as `token wallboard`. */
  name: string;
  rights: ReadonlySet<Right>;
  /** The rooms where the rights count. */
  rooms: ReadonlySet<RoomName> | 'all';
}

/** What a person is called as an actor, such as `supervisor Ted`. Programs are `token …`. */
export function actorNameOf(role: 'supervisor' | 'moderator', name: string): string {
  return `${role} ${name}`;
}

/** Whether an actor, or a supervisor, has a right in a room. Nobody has a right that they were not given. */
export function isAllowed({ rights, rooms }: Pick<Actor, 'rights' | 'rooms'>, right: Right, room: RoomName): boolean {
  return rights.has(right) && (rooms === 'all' || rooms.has(room));
}
