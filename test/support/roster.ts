import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashPin, type Pin } from '../../src/people/pin';
import type { Roster } from '../../src/people/roster';
import type { TokenEntry } from '../../src/people/tokens';
import { formatTokens } from '../../src/people/tokens-file';
import { temporaryFolder } from './temporary-folder';

export const PIN_KEY = 'a key for the tests alone';

/** Somebody in a roster, with the PIN itself, but the hash of a password. */
export interface Listed {
  name: string;
  number?: string;
  address?: string;
  pin?: string;
  requirePin?: boolean;
  password?: string;
  email?: string;
  rooms?: string[];
  mode?: string;
  rights?: string[];
  extension?: string;
}

export interface RosterContent {
  moderators?: Listed[];
  supervisors?: Listed[];
}

/** A roster file's text, with PINs hashed. */
export function rosterText({ moderators = [], supervisors = [] }: RosterContent): string {
  const hashed = (people: Listed[]) =>
    people.map(({ pin, ...rest }) => ({ ...rest, ...(pin !== undefined && { pin: hashPin(PIN_KEY, pin as Pin) }) }));
  return JSON.stringify({ moderators: hashed(moderators), supervisors: hashed(supervisors) });
}

/** Settings with a roster in a file of its own, and tokens beside it. */
export function rosterSettings(
  content: RosterContent,
  tokens: readonly TokenEntry[] = [],
  folder = temporaryFolder(),
): { ROSTER_FILE: string; PIN_KEY: string } {
  const file = join(folder, 'roster.json');
  writeFileSync(file, rosterText(content));
  if (tokens.length > 0) {
    writeFileSync(join(folder, 'tokens.json'), formatTokens(tokens));
  }
  return { ROSTER_FILE: file, PIN_KEY };
}

/** A roster whose every look-up throws. */
export function brokenRoster(): Roster {
  const breakDown = () => {
    throw new TypeError('broken roster');
  };
  const broken = { get: breakDown };
  const index = { all: [], byAddress: broken, byPin: broken, byName: broken, byEmail: broken, hasPins: false };
  const moderators = { ...index, byExtension: broken };
  return {
    moderators,
    supervisors: index,
    supervisorLabelled: breakDown,
    isOnlySupervisor: breakDown,
    replace: breakDown,
  };
}
