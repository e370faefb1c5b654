import type { PhoneNumber } from './phone-number';

/** Who may do what. A caller without a number is nobody: identity fails closed. */
export interface Roster {
  /** Whether a call from this number enters as the moderator. */
  isModerator(number: PhoneNumber | undefined): boolean;
  /** Whether a call from this number may listen to conferences, whisper or barge. */
  maySupervise(number: PhoneNumber | undefined): boolean;
}

export interface RosterSettings {
  moderatorNumbers: readonly PhoneNumber[];
  /** `'any'`: every caller who has a number, for development. */
  supervisorNumbers: readonly PhoneNumber[] | 'any';
}

/** A roster of the numbers in the settings. */
export function createRoster(settings: RosterSettings): Roster {
  const moderators = new Set(settings.moderatorNumbers);
  const supervisors = settings.supervisorNumbers === 'any' ? undefined : new Set(settings.supervisorNumbers);
  return {
    isModerator: (number) => number !== undefined && moderators.has(number),
    maySupervise: (number) => number !== undefined && (supervisors === undefined || supervisors.has(number)),
  };
}
