import { canPhone, type Person, type RosterEntries, type SupervisorEntry } from './roster';
import { createWeakPinCheck } from './weak-pin';

/** Something that the server accepts in a roster, but that should be changed. */
export interface RosterWarning {
  /** The problem, in a sentence. */
  message: string;
  /** Its remedy, in a sentence. */
  remedy: string;
}

/**
 * Finds supervisors whose rights do not suffice for their calls, and PINs that are easy to guess.
 *
 * @param pinKey the setting `PIN_KEY`; without it PINs cannot be checked
 */
export function findRosterWarnings(
  { moderators, supervisors }: RosterEntries,
  pinKey: string | undefined,
): RosterWarning[] {
  const people = [...moderators, ...supervisors];
  const weaknessOf = people.some(({ pin }) => pin) && pinKey !== undefined ? createWeakPinCheck(pinKey) : undefined;
  const weakPins = people.flatMap(({ name, pin, address }: Person) => {
    const weakness = pin && weaknessOf?.(pin, address);
    return weakness === undefined
      ? []
      : [
          {
            message: `The PIN of ${name} is easy to guess: it ${weakness}.`,
            remedy: `Set another: npm run --silent roster -- set-pin ${name} --random.`,
          },
        ];
  });
  return [...supervisors.filter(canPhone).flatMap((one) => checkRights(one) ?? []), ...weakPins];
}

/** Undefined if a supervisor has the rights that their calls need. */
function checkRights({ name, mode = 'monitor', rights }: SupervisorEntry): RosterWarning | undefined {
  if (!rights.has('monitor')) {
    return {
      message: `${name} lacks the right monitor: they can be rejected when they call, or cut off later.`,
      remedy: 'Add monitor to their rights.',
    };
  }
  return rights.has(mode)
    ? undefined
    : {
        message: `${name} starts in ${mode} but lacks that right: they listen instead.`,
        remedy: `Add ${mode} to their rights, or set another mode.`,
      };
}
