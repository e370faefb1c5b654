import type { ParticipantView } from '../api/schemas';
import type { Texts } from './texts-en';

const ROLES: readonly ParticipantView['role'][] = ['moderator', 'supervisor', 'caller', 'unknown'];

/** People by role: agents and supervisors come first, because there can be many customers. */
export function byRole(participants: readonly ParticipantView[]): ParticipantView[] {
  return [...participants].sort((one, other) => ROLES.indexOf(one.role) - ROLES.indexOf(other.role));
}

/** What somebody is called on the screen: by name, or by their role and masked number. */
export function labelOf({ name, number, role }: ParticipantView, texts: Texts): string {
  return name ?? (number === null ? texts.unnamed[role] : `${texts.unnamed[role]} ${number}`);
}
