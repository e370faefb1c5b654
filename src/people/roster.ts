import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room-name';
import { type Address, maskAddress, type PhoneNumber } from './address';
import type { PinHash } from './pin';

/** A moderator or supervisor. */
export interface Person {
  /** Unique among those of one role; undefined for a number that only the settings name. */
  name: string | undefined;
  /** Undefined for a person known only by PIN, who always has a name. */
  address: Address | undefined;
  /** Undefined if they have none. */
  pin: PinHash | undefined;
  /** Whether they must enter their PIN even at their own address. */
  requirePin: boolean;
  /** The rooms where they may moderate or supervise. */
  rooms: ReadonlySet<RoomName> | 'all';
}

export interface ModeratorEntry extends Person {
  /** 2 to 6 digits that supervisors may enter to reach this moderator, instead of choosing from the menu. */
  extension: string | undefined;
}

export interface SupervisorEntry extends Person {
  /** Their mode on the supervisors' line; undefined for `monitor`. */
  mode: Mode | undefined;
}

/** The content of a roster file, checked: within a role, no two people share an address, name, PIN or extension. */
export interface RosterEntries {
  moderators: readonly ModeratorEntry[];
  supervisors: readonly SupervisorEntry[];
}

/** The people of one role. An undefined address matches nobody: identity fails closed. */
export interface PersonIndex<P extends Person> {
  byAddress(address: Address | undefined): P | undefined;
  byPin(pin: PinHash): P | undefined;
  byName(name: string): P | undefined;
  /** Whether anybody has a PIN. */
  hasPins: boolean;
}

/** Moderators and supervisors, as they are now. Read it for each request: it changes during calls. */
export interface Roster {
  readonly moderators: PersonIndex<ModeratorEntry> & { byExtension(extension: string): ModeratorEntry | undefined };
  readonly supervisors: PersonIndex<SupervisorEntry>;
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

/** Whether a person may moderate or supervise in a room. */
export function mayEnter({ rooms }: Person, room: RoomName): boolean {
  return rooms === 'all' || rooms.has(room);
}

/** A person's label in the log and the audit trail: their name, or else their masked address. */
export function labelOf({ name, address }: Person): string {
  return name ?? maskAddress(address);
}

/** A roster of the settings' numbers and a file's entries. For an address in both, the file's entry counts. */
export function createRoster(settings: RosterSettings): Roster {
  const { moderatorNumbers, supervisorNumbers } = settings;
  const numbers = supervisorNumbers === 'any' ? [] : supervisorNumbers;

  function index({ moderators, supervisors }: RosterEntries) {
    const extensions = new Map(moderators.map((one) => [one.extension, one]));
    const supervisorIndex = createPersonIndex<SupervisorEntry>([
      ...numbers.map((one) => ({ ...personAt(one), mode: undefined })),
      ...supervisors,
    ]);
    const moderatorIndex = createPersonIndex<ModeratorEntry>([
      ...moderatorNumbers.map((one) => ({ ...personAt(one), extension: undefined })),
      ...moderators,
    ]);
    return {
      moderators: { ...moderatorIndex, byExtension: (extension: string) => extensions.get(extension) },
      supervisors: supervisorNumbers === 'any' ? withAnyone(supervisorIndex) : supervisorIndex,
      isOnlySupervisor: (address: Address | undefined) =>
        supervisorIndex.byAddress(address) !== undefined && moderatorIndex.byAddress(address) === undefined,
    };
  }

  const roster = {
    ...index({ moderators: [], supervisors: [] }),
    replace(entries: RosterEntries) {
      const { moderators, supervisors, isOnlySupervisor } = index(entries);
      // In place: the authenticators hold these indexes.
      Object.assign(roster.moderators, moderators);
      Object.assign(roster.supervisors, supervisors);
      roster.isOnlySupervisor = isOnlySupervisor;
    },
  };
  return roster;
}

/** The supervisors where everybody with an address is one. */
function withAnyone(supervisors: PersonIndex<SupervisorEntry>): PersonIndex<SupervisorEntry> {
  return {
    ...supervisors,
    byAddress: (address) => supervisors.byAddress(address) ?? (address && { ...personAt(address), mode: undefined }),
  };
}

/** A person of whom only the address is known. */
function personAt(address: Address): Person {
  return { name: undefined, address, pin: undefined, requirePin: false, rooms: 'all' };
}

function createPersonIndex<P extends Person>(people: readonly P[]): PersonIndex<P> {
  const addresses = new Map(people.map((one) => [one.address, one]));
  const pins = new Map(people.map((one) => [one.pin, one]));
  const names = new Map(people.map((one) => [one.name, one]));
  return {
    byAddress: (address) => (address === undefined ? undefined : addresses.get(address)),
    byPin: (pin) => pins.get(pin),
    byName: (name) => names.get(name),
    hasPins: people.some(({ pin }) => pin !== undefined),
  };
}
