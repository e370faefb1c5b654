import type { ParticipantView } from '../api/schemas';
import type { Texts } from './texts-en';

/** What somebody is called on the screen: by name, or by their role and masked number. */
export function labelOf({ name, number, role }: ParticipantView, texts: Texts): string {
  return name ?? (number === null ? texts.unnamed[role] : `${texts.unnamed[role]} ${number}`);
}
