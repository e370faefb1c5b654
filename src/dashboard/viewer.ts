import type { Response } from 'express';
import { type Actor, actorNameOf } from '../people/rights';
import type { ModeratorEntry, Roster, SupervisorEntry } from '../people/roster';

/** How somebody proved who they are. */
export type SignInMethod = 'password' | 'oidc';

/** The roles that may sign in. */
export type ViewerRole = RosterPerson['role'];

/** Somebody in the roster, with their role. */
export type RosterPerson =
  | { role: 'supervisor'; person: SupervisorEntry }
  | { role: 'moderator'; person: ModeratorEntry };

/** Somebody who is signed in, as the roster has them now. */
export type Viewer = RosterPerson & {
  name: string;
  actor: Actor;
  sessionId: string;
  method: SignInMethod;
  /** Identifies the password or the email address that they signed in with; see `proofOf`. */
  proof: string;
  /** Their entry as an agent; a supervisor has one, too, if it has the same name and number or address. */
  agent?: ModeratorEntry | undefined;
};

/** The entry of this person as an agent. @param name of their entry */
export function agentEntryOf(
  { moderators }: Pick<Roster, 'moderators'>,
  { role, person }: RosterPerson,
  name: string,
): ModeratorEntry | undefined {
  const entry = moderators.byName.get(name);
  const isSame = role === 'moderator' || (person.address !== undefined && person.address === entry?.address);
  return isSame ? entry : undefined;
}

/** The person of this role and name; undefined if the roster has none. */
export function personNamed(roster: Roster, role: ViewerRole, name: string): RosterPerson | undefined {
  if (role === 'supervisor') {
    const person = roster.supervisors.byName.get(name);
    return person && { role, person };
  }
  const person = roster.moderators.byName.get(name);
  return person && { role, person };
}

/**
 * Somebody as an actor: `supervisor Ted` with the rights of their entry, `moderator Alice` without any.
 *
 * @param name of their entry; people without one cannot sign in
 */
export function personActor(name: string, { role, person }: RosterPerson): Actor {
  return {
    name: actorNameOf(role, name),
    rights: role === 'supervisor' ? person.rights : new Set(),
    rooms: person.rooms,
  };
}

/** The person whose actor has this name, with their rights of now; undefined if they are not in the roster any more. */
export function actorOfPerson(roster: Roster, actorName: string): Actor | undefined {
  const [, role, name = ''] = /^(supervisor|moderator) (.+)$/s.exec(actorName) ?? [];
  const found = role === undefined ? undefined : personNamed(roster, role as ViewerRole, name);
  return found && personActor(name, found);
}

const viewers = new WeakMap<object, Viewer>();

/** Notes who sent the request of this response. */
export function setViewer(res: Response, viewer: Viewer): void {
  viewers.set(res, viewer);
}

/** Who sent the request of this response; undefined if they are not signed in, or if nobody has read their session. */
export function viewerOf(res: Response): Viewer | undefined {
  return viewers.get(res);
}
