import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room-name';
import { maskPhoneNumber, type PhoneNumber } from './phone-number';
import type { PinHash } from './pin';

/** Somebody who is more than a caller. */
export interface Person {
  /** Unique among those of one role; undefined for a number that only the settings name. */
  name: string | undefined;
  number: PhoneNumber;
  /** Undefined when they have none. */
  pin: PinHash | undefined;
  /** Whether the number alone does not do. */
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

/** What a roster file says, checked: within each role no number, name, PIN or extension stands twice. */
export interface RosterEntries {
  moderators: readonly ModeratorEntry[];
  supervisors: readonly SupervisorEntry[];
}

/** The people of one role. A caller without a number is nobody: identity fails closed. */
export interface Book<P extends Person> {
  withNumber(number: PhoneNumber | undefined): P | undefined;
  withPin(pin: PinHash): P | undefined;
  withName(name: string): P | undefined;
  /** Whether anybody has a PIN. */
  hasPins: boolean;
}

/** Who may do what, as it is now: read it for each request, for it changes while calls go on. */
export interface Roster {
  readonly moderators: Book<ModeratorEntry> & { withExtension(extension: string): ModeratorEntry | undefined };
  readonly supervisors: Book<SupervisorEntry>;
  /** Takes the entries of a roster file in place of those before. */
  replace(entries: RosterEntries): void;
}

export interface RosterSettings {
  moderatorNumbers: readonly PhoneNumber[];
  /** `'any'`: every caller who has a number, for development. */
  supervisorNumbers: readonly PhoneNumber[] | 'any';
}

/** Whether somebody may moderate or supervise there. */
export function mayEnter({ rooms }: Person, room: RoomName): boolean {
  return rooms === 'all' || rooms.has(room);
}

/** What somebody is called in the log and the audit trail: their name, else the end of their number. */
export function labelOf({ name, number }: Person): string {
  return name ?? maskPhoneNumber(number);
}

/** A roster of the numbers in the settings, and of a file's entries. Where both have a number, the file's entry holds. */
export function createRoster(settings: RosterSettings): Roster {
  const { moderatorNumbers, supervisorNumbers } = settings;
  const numbers = supervisorNumbers === 'any' ? [] : supervisorNumbers;

  function read({ moderators, supervisors }: RosterEntries) {
    const extensions = new Map(moderators.map((one) => [one.extension, one]));
    const listed = createBook<SupervisorEntry>([
      ...numbers.map((one) => ({ ...anyone(one), mode: undefined })),
      ...supervisors,
    ]);
    return {
      moderators: {
        ...createBook<ModeratorEntry>([
          ...moderatorNumbers.map((one) => ({ ...anyone(one), extension: undefined })),
          ...moderators,
        ]),
        withExtension: (extension: string) => extensions.get(extension),
      },
      supervisors: {
        ...listed,
        withNumber: (number: PhoneNumber | undefined) =>
          listed.withNumber(number) ??
          (number !== undefined && supervisorNumbers === 'any' ? { ...anyone(number), mode: undefined } : undefined),
      },
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
    replace(entries) {
      books = read(entries);
    },
  };
}

/** Whoever calls from a number that the settings name. */
function anyone(number: PhoneNumber): Person {
  return { name: undefined, number, pin: undefined, requirePin: false, rooms: 'all' };
}

function createBook<P extends Person>(people: readonly P[]): Book<P> {
  const numbers = new Map(people.map((one) => [one.number, one]));
  const pins = new Map(people.map((one) => [one.pin, one]));
  const names = new Map(people.map((one) => [one.name, one]));
  return {
    withNumber: (number) => (number === undefined ? undefined : numbers.get(number)),
    withPin: (pin) => pins.get(pin),
    withName: (name) => names.get(name),
    hasPins: people.some(({ pin }) => pin !== undefined),
  };
}
