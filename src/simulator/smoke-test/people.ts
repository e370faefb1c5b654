import { UserError } from '../../ops/user-error';
import { type Address, maskAddress } from '../../people/address';
import { SUPERVISOR_RIGHTS } from '../../people/rights';
import { canPhone, type ModeratorEntry, type Person, type Roster, type SupervisorEntry } from '../../people/roster';
import { MODES, type Mode } from '../../rooms/mode';

/** The people of the roster who play. */
export interface Players {
  moderator: ModeratorEntry;
  supervisor: SupervisorEntry;
  /** Who could call from an unknown telephone: the supervisor, or another with a PIN. Undefined if nobody has one. */
  withPin: SupervisorEntry | undefined;
}

/** Somebody of whom the roster here knows nothing; the server may. */
const UNLISTED = {
  name: undefined,
  pin: undefined,
  requirePin: false,
  password: undefined,
  email: undefined,
  rooms: 'all',
} as const;

/**
 * Picks who plays: whoever can without a PIN, before those who must enter one; of the supervisors, who has most rights.
 *
 * @param wanted addresses to use instead, in the roster or not
 * @param anyone the supervisor's address if everybody may supervise
 * @throws UserError if the roster has nobody
 */
export function pickPlayers(
  roster: Roster,
  wanted: { moderator: Address | undefined; supervisor: Address | undefined },
  anyone: Address | undefined,
): Players {
  const { moderators, supervisors } = roster;
  const moderator =
    wanted.moderator === undefined
      ? firstBy(moderators.all.filter(canPhone), effortOf)
      : (moderators.byAddress.get(wanted.moderator) ?? {
          ...UNLISTED,
          address: wanted.moderator,
          extension: undefined,
        });
  const able = supervisors.all.filter((one) => canPhone(one) && (one.rights.has('monitor') || one.rights.has('coach')));
  const modesMissing = (one: SupervisorEntry) => MODES.filter((mode) => !one.rights.has(mode)).length;
  const supervisorAddress = wanted.supervisor ?? (able.length === 0 ? anyone : undefined);
  const supervisor =
    supervisorAddress === undefined
      ? firstBy(able, (one) => effortOf(one) * 100 + modesMissing(one) * 10 + (one.pin === undefined ? 1 : 0))
      : (supervisors.byAddress.get(supervisorAddress) ?? {
          ...UNLISTED,
          address: supervisorAddress,
          mode: undefined,
          rights: SUPERVISOR_RIGHTS,
        });
  if (moderator === undefined || supervisor === undefined) {
    throw new UserError([
      ...(moderator === undefined ? [missing('moderator', 'Alice', '+15557788999')] : []),
      ...(supervisor === undefined ? [missing('supervisor', 'Ted', '+15550002222')] : []),
    ]);
  }
  const others = able.filter(({ pin, rights }) => pin !== undefined && rights.has('monitor'));
  const withPin = supervisor.pin !== undefined && supervisor.rights.has('monitor') ? supervisor : others[0];
  return { moderator, supervisor, withPin };
}

function missing(role: string, name: string, number: string): string {
  const can = role === 'moderator' ? 'lead a conversation' : 'listen or coach';
  return `Nobody in the roster can ${can} by telephone. Add somebody: npm run --silent roster -- add ${name} --role ${role} --number ${number}`;
}

/** How much a person must do to get in: nothing, enter a PIN as well, or enter it at an unknown telephone. */
function effortOf({ address, requirePin }: Person): number {
  return address === undefined ? 2 : requirePin ? 1 : 0;
}

/** The one with the lowest rank; of several, the first. */
function firstBy<P>(people: readonly P[], rank: (person: P) => number): P | undefined {
  return people.reduce<P | undefined>(
    (best, one) => (best === undefined || rank(one) < rank(best) ? one : best),
    undefined,
  );
}

/** Whether they get in by entering a PIN alone. */
export function mustEnterPin({ address, requirePin }: Person): boolean {
  return address === undefined || requirePin;
}

/** A person for the terminal, such as `Dana (***8999)`. */
export function describe({ name, address }: Person): string {
  const where = address === undefined ? 'any telephone' : maskAddress(address);
  return name === undefined ? where : `${name} (${where})`;
}

/** The mode in which a supervisor starts on `/supervisor`. */
export function startOf({ mode = 'monitor', rights }: SupervisorEntry): Mode {
  return rights.has(mode) ? mode : 'monitor';
}

/** Numbers that nobody in the roster has, in a fixed order. */
export function unknownNumbers(roster: Roster, wanted: readonly (Address | undefined)[], count: number): string[] {
  const known = new Set<string | undefined>([
    ...wanted,
    ...[...roster.moderators.all, ...roster.supervisors.all].map(({ address }) => address),
  ]);
  const numbers = Array.from({ length: known.size + count }, (_, index) => `+1555000${1111 + index * 1111}`);
  return numbers.filter((number) => !known.has(number)).slice(0, count);
}
