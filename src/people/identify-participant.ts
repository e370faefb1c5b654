import type { ObservedParticipant } from '../rooms/room-event';
import type { SpaceCall } from '../signalwire/conference-api';
import { type Address, maskAddress, parseAddress } from './address';
import { labelOf, type Roster } from './roster';

/**
 * Identifies a participant by the addresses that REST shows, for calls that the state does not know.
 *
 * The role is `unknown` unless they are certainly a caller: they could be a supervisor who entered a PIN, withholds
 * their number, or also moderates.
 */
export function identifyParticipant(
  roster: Roster,
  { direction, from, to }: SpaceCall,
  isModerator: boolean,
): NonNullable<ObservedParticipant['person']> {
  const person = parseAddress(/^outbound/i.test(direction ?? '') ? to : from);
  const address = maskAddress(person);
  if (isModerator) {
    return { role: 'moderator', name: roster.moderators.byAddress.get(person)?.name, address };
  }
  if (roster.isOnlySupervisor(person)) {
    const supervisor = roster.supervisors.byAddress.get(person);
    return { role: 'supervisor', name: supervisor && labelOf(supervisor), address };
  }
  return { role: maySupervise(roster, person) ? 'unknown' : 'caller', address };
}

/** Whether they could supervise: by PIN, from a withheld number, by their address, or because anyone may. */
function maySupervise({ supervisors }: Roster, person: Address | undefined): boolean {
  return person === undefined || supervisors.hasPins || supervisors.byAddress.get(person) !== undefined;
}
