import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room';
import { type Address, maskAddress, type PhoneNumber } from './address';
import type { Email } from './email';
import type { PasswordHash } from './password';
import type { PinHash } from './pin';
import { type Right, SUPERVISOR_RIGHTS } from './rights';

/** A moderator or supervisor. */
export interface Person {
  /** Unique among those of one role; undefined for a number that only the settings name. */
  name: string | undefined;
  /** Undefined for a person known only by PIN, password or email, who always has a name. */
  address: Address | undefined;
  /** Undefined if they have none. */
  pin: PinHash | undefined;
  /** Whether they must enter their PIN even at their own address. */
  requirePin: boolean;
  /** For the screen; undefined if they have none. */
  password: PasswordHash | undefined;
  /** For the screen, in lower case; undefined if they have none. */
  email: Email | undefined;
  /** The rooms where they may moderate or supervise. */
  rooms: ReadonlySet<RoomName> | 'all';
}

export interface ModeratorEntry extends Person {
  /** 2 to 6 digits that supervisors may enter to reach this moderator, instead of choosing from the list. */
  extension: string | undefined;
}

export interface SupervisorEntry extends Person {
  /** Their mode on the supervisors' line; undefined for `monitor`. */
  mode: Mode | undefined;
  rights: ReadonlySet<Right>;
}

/** The content of a roster file, checked: within a role, no two people share an address, name, PIN, email or
 * extension. */
export interface RosterEntries {
  moderators: readonly ModeratorEntry[];
  supervisors: readonly SupervisorEntry[];
}

/** People by a unique property. Undefined finds nobody: identity fails closed. */
interface PeopleBy<K, P> {
  get(key: K | undefined): P | undefined;
}

/** The people of one role. */
export interface PersonIndex<P extends Person> {
  /** Everybody, once. */
  all: readonly P[];
  byAddress: PeopleBy<Address, P>;
  byPin: PeopleBy<PinHash, P>;
  byName: PeopleBy<string, P>;
  byEmail: PeopleBy<Email, P>;
  /** Whether anybody has a PIN. */
  hasPins: boolean;
}

/** Moderators and supervisors, as they are now. Read it for each request: it changes during calls. */
export interface Roster {
  readonly moderators: PersonIndex<ModeratorEntry> & { byExtension: PeopleBy<string, ModeratorEntry> };
  readonly supervisors: PersonIndex<SupervisorEntry>;
  /**
   * The supervisor with this label in log and state, see {@link labelOf}; if anyone may supervise, anybody. Undefined if
   * nobody has it any more.
   */
  supervisorLabelled(label: string | undefined): SupervisorEntry | undefined;
  /** Whether this is the address of a supervisor who is not a moderator. False if anyone may supervise. */
  isOnlySupervisor(address: Address | undefined): boolean;
  /** Replaces the entries of the roster file. */
  replace(entries: RosterEntries): void;
}

export interface RosterSettings {
  moderatorNumbers: readonly PhoneNumber[];
  /** `'any'`: every caller with an address, for development. */
  supervisorNumbers: readonly PhoneNumber[] | 'any';
}

/** A person's label in the log and the audit trail: their name, or else their masked address. */
export function labelOf({ name, address }: Person): string {
  return name ?? maskAddress(address);
}

/** Whether a person can moderate or supervise by telephone. Others can only look at the screen. */
export function canPhone({ address, pin }: Pick<Person, 'address' | 'pin'>): boolean {
  return address !== undefined || pin !== undefined;
}

/** A roster of the settings' numbers and a file's entries. For an address in both, the file's entry counts. */
export function createRoster(settings: RosterSettings): Roster {
  const { moderatorNumbers, supervisorNumbers } = settings;
  const numbers = supervisorNumbers === 'any' ? [] : supervisorNumbers;

  function index({ moderators, supervisors }: RosterEntries) {
    const supervisorIndex = createPersonIndex<SupervisorEntry>([...numbers.map(supervisorAt), ...supervisors]);
    const moderatorIndex = createPersonIndex<ModeratorEntry>([
      ...moderatorNumbers.map((one) => ({ ...personAt(one), extension: undefined })),
      ...moderators,
    ]);
    return {
      moderators: { ...moderatorIndex, byExtension: peopleBy(moderators, ({ extension }) => extension) },
      supervisors: supervisorNumbers === 'any' ? withAnyone(supervisorIndex) : supervisorIndex,
      supervisorLabelled: (label: string | undefined) =>
        label === undefined
          ? undefined
          : (supervisorIndex.byName.get(label) ??
            supervisorIndex.all.find((one) => labelOf(one) === label) ??
            (supervisorNumbers === 'any' ? ANYONE : undefined)),
      isOnlySupervisor: (address: Address | undefined) =>
        supervisorIndex.byAddress.get(address) !== undefined && moderatorIndex.byAddress.get(address) === undefined,
    };
  }

  const roster = {
    ...index({ moderators: [], supervisors: [] }),
    replace(entries: RosterEntries) {
      const { moderators, supervisors, supervisorLabelled, isOnlySupervisor } = index(entries);
      // In place: the authenticators hold these indexes.
      Object.assign(roster.moderators, moderators);
      Object.assign(roster.supervisors, supervisors);
      roster.supervisorLabelled = supervisorLabelled;
      roster.isOnlySupervisor = isOnlySupervisor;
    },
  };
  return roster;
}

/** The supervisors if everybody with an address is one. */
function withAnyone(supervisors: PersonIndex<SupervisorEntry>): PersonIndex<SupervisorEntry> {
  return {
    ...supervisors,
    byAddress: {
      get: (address) => supervisors.byAddress.get(address) ?? (address && supervisorAt(address)),
    },
  };
}

/** Somebody of whom nothing is known, who may enter every room. */
const UNKNOWN: Person = {
  name: undefined,
  address: undefined,
  pin: undefined,
  requirePin: false,
  password: undefined,
  email: undefined,
  rooms: 'all',
};

/** Any supervisor, if anyone may supervise. */
const ANYONE: SupervisorEntry = { ...UNKNOWN, mode: undefined, rights: SUPERVISOR_RIGHTS };

/** A person known only by address. */
function personAt(address: Address): Person {
  return { ...UNKNOWN, address };
}

function supervisorAt(address: Address): SupervisorEntry {
  return { ...ANYONE, address };
}

function createPersonIndex<P extends Person>(people: readonly P[]): PersonIndex<P> {
  return {
    all: [...new Map(people.map((one) => [one.address ?? one, one])).values()],
    byAddress: peopleBy(people, ({ address }) => address),
    byPin: peopleBy(people, ({ pin }) => pin),
    byName: peopleBy(people, ({ name }) => name),
    byEmail: peopleBy(people, ({ email }) => email),
    hasPins: people.some(({ pin }) => pin !== undefined),
  };
}

function peopleBy<K, P>(people: readonly P[], keyOf: (person: P) => K | undefined): PeopleBy<K, P> {
  const index = new Map(people.map((one) => [keyOf(one), one]));
  index.delete(undefined);
  return index;
}
