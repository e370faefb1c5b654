import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room-name';
import { type Address, maskAddress } from './address';
import type { PhoneNumber } from './phone-number';
import type { PinHash } from './pin';

/** Somebody who is more than a caller. */
export interface Person {
  /** Unique among those of one role; undefined for a number that only the settings name. */
  name: string | undefined;
  /** Undefined for somebody known by their PIN alone, who always has a name. */
  address: Address | undefined;
  /** Undefined when they have none. */
  pin: PinHash | undefined;
  /** Whether the address alone does not do. */
  requirePin: boolean;
  /** Where they may moderate or supervise. */
  rooms: ReadonlySet<RoomName> | 'all';
}

export interface ModeratorEntry extends Person {
  /** What a supervisor may key in instead of choosing from the menu: 2 to 6 digits. */
  extension: string | undefined;
}

export interface SupervisorEntry extends Person {
  /** How they enter on the supervisors' line; undefined for listening. */
  mode: Mode | undefined;
}

/** What a roster file says, checked: within each role no address, name, PIN or extension stands twice. */
export interface RosterEntries {
  moderators: readonly ModeratorEntry[];
  supervisors: readonly SupervisorEntry[];
}

/** The people of one role. A caller without an address is nobody: identity fails closed. */
export interface PersonIndex<P extends Person> {
  byAddress(address: Address | undefined): P | undefined;
  byPin(pin: PinHash): P | undefined;
  byName(name: string): P | undefined;
  /** Whether anybody has a PIN. */
  hasPins: boolean;
}

/** Who may do what, as it is now: read it for each request, for it changes while calls go on. */
export interface Roster {
  readonly moderators: PersonIndex<ModeratorEntry> & { byExtension(extension: string): ModeratorEntry | undefined };
  readonly supervisors: PersonIndex<SupervisorEntry>;
  /** Whether this is the address of a supervisor and of no moderator. False where anyone may supervise. */
  isOnlySupervisor(address: Address | undefined): boolean;
  /** Takes the entries of a roster file in place of those before. */
  replace(entries: RosterEntries): void;
}

export interface RosterSettings {
  moderatorNumbers: readonly PhoneNumber[];
  /** `'any'`: every caller who has an address, for development. */
  supervisorNumbers: readonly PhoneNumber[] | 'any';
}

/** Whether somebody may moderate or supervise there. */
export function mayEnter({ rooms }: Person, room: RoomName): boolean {
  return rooms === 'all' || rooms.has(room);
}

/** What somebody is called in the log and the audit trail: their name, else their address, masked. */
export function labelOf({ name, address }: Person): string {
  return name ?? maskAddress(address);
}

/** A roster of the numbers in the settings, and of a file's entries. Where both have an address, the file's entry holds. */
export function createRoster(settings: RosterSettings): Roster {
  const { moderatorNumbers, supervisorNumbers } = settings;
  const numbers = supervisorNumbers === 'any' ? [] : supervisorNumbers;

  function read({ moderators, supervisors }: RosterEntries) {
    const extensions = new Map(moderators.map((one) => [one.extension, one]));
    const listed = createBook<SupervisorEntry>([
      ...numbers.map((one) => ({ ...anyone(one), mode: undefined })),
      ...supervisors,
    ]);
    const moderatorBook = createBook<ModeratorEntry>([
      ...moderatorNumbers.map((one) => ({ ...anyone(one), extension: undefined })),
      ...moderators,
    ]);
    return {
      moderators: { ...moderatorBook, byExtension: (extension: string) => extensions.get(extension) },
      supervisors: {
        ...listed,
        byAddress: (address: Address | undefined) =>
          listed.byAddress(address) ??
          (address !== undefined && supervisorNumbers === 'any' ? { ...anyone(address), mode: undefined } : undefined),
      },
      isOnlySupervisor: (address: Address | undefined) =>
        listed.byAddress(address) !== undefined && moderatorBook.byAddress(address) === undefined,
    };
  }

  let books = read({ moderators: [], supervisors: [] });
  return {
    get moderators() {
      return books.moderators;
    },
    get supervisors() {
      return books.supervisors;
    },
    isOnlySupervisor: (address) => books.isOnlySupervisor(address),
    replace(entries) {
      books = read(entries);
    },
  };
}

/** Whoever calls from an address that the settings allow. */
function anyone(address: Address): Person {
  return { name: undefined, address, pin: undefined, requirePin: false, rooms: 'all' };
}

function createBook<P extends Person>(people: readonly P[]): PersonIndex<P> {
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
