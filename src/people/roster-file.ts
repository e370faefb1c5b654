import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parsedString } from '../ops/parsed-string';
import { UserError } from '../ops/user-error';
import { MODES } from '../rooms/mode';
import { explainPhoneNumber, parseEndpoint, parsePhoneNumber } from './address';
import { parseEmail } from './email';
import { describeEntry, findRepeats, nameField, parseEntries, rightsField, roomsField } from './entry-file';
import { parsePasswordHash } from './password';
import { parsePinHash } from './pin';
import { SUPERVISOR_RIGHTS } from './rights';
import { canPhone, type ModeratorEntry, type RosterEntries, type SupervisorEntry } from './roster';

/** A roster file, and what the settings require of it. */
export interface RosterSource {
  file: string;
  /** Whether `PIN_KEY` is set; PINs cannot be checked without it. */
  hasPinKey: boolean;
  /** Follows the sentence that `PIN_KEY` is missing; nothing by default. */
  pinKeyQuestion?: string;
  /** The roles that must have somebody in the file who can phone; none by default. */
  mustName?: readonly Role[];
}

export type Role = 'moderator' | 'supervisor';

const WITHOUT = { moderator: 'no conference can start', supervisor: 'nobody may supervise' } as const;

/** As {@link parsedString}, with a message that depends on the text. */
function explainedString<T>(parse: (text: string) => T | undefined, explain: (text: string) => string) {
  return z.string('must be text: put it in quotes').transform((text, context): T => {
    const value = parse(text);
    if (value === undefined) {
      context.addIssue(explain(text));
      return z.NEVER;
    }
    return value;
  });
}

const person = {
  name: nameField,
  number: explainedString(
    (text) => (text.startsWith('+') ? parsePhoneNumber(text) : undefined),
    (text) => (parseEndpoint(text) ? 'is a SIP or client address: put it in address' : explainPhoneNumber(text)),
  ).optional(),
  address: explainedString(parseEndpoint, (text) =>
    parsePhoneNumber(text)
      ? 'is a telephone number: put it in number'
      : 'must be a SIP or client address, such as sip:alice@example.sip.signalwire.com or client:alice',
  ).optional(),
  pin: parsedString(
    parsePinHash,
    'must be what `npm run roster -- set-pin` writes for a PIN: 64 of 0-9 and a-f',
  ).optional(),
  requirePin: z.boolean('must be true or false').default(false),
  password: parsedString(
    parsePasswordHash,
    'must be what `npm run roster -- set-password` writes for a password',
  ).optional(),
  email: parsedString(parseEmail, 'must be an email address, such as alice@example.com').optional(),
  rooms: roomsField,
};

const roster = z.strictObject({
  moderators: z
    .array(
      z.strictObject({
        ...person,
        extension: z
          .string('must be text: put it in quotes')
          .regex(/^[0-9]{2,6}$/, 'must be 2 to 6 digits')
          .optional(),
      }),
      'must be a list',
    )
    .default([]),
  supervisors: z
    .array(
      z.strictObject({
        ...person,
        mode: z.enum(MODES, `must be one of ${MODES.join(', ')}`).optional(),
        rights: rightsField.default(SUPERVISOR_RIGHTS),
      }),
      'must be a list',
    )
    .default([]),
});

type Given = z.output<typeof roster>;
type GivenPerson = Given['moderators'][number] | Given['supervisors'][number];

/**
 * Parses the text of a roster file.
 *
 * @param text JSON: `moderators` and `supervisors`, lists of people; docs/people-and-pins.md shows an example
 * @param source.file its name in problems
 * @throws UserError with every problem; each names the file, and the entry if it is about one
 */
export function parseRoster(text: string, source: RosterSource): RosterEntries {
  const { file, hasPinKey, pinKeyQuestion = '', mustName = [] } = source;
  const { moderators, supervisors } = parseEntries(text, { file, content: 'the roster', schema: roster });
  const entries = {
    moderators: moderators.map((one): ModeratorEntry => ({ ...toPerson(one), extension: one.extension })),
    supervisors: supervisors.map((one): SupervisorEntry => ({ ...toPerson(one), mode: one.mode, rights: one.rights })),
  };
  const conflicts = [...findConflicts('moderators', moderators), ...findConflicts('supervisors', supervisors)];
  const withPin = new Set(
    [...moderators, ...supervisors]
      .filter(({ pin }) => pin)
      .map(({ number, address, name }) => number ?? address ?? name),
  );
  const problems = conflicts.map((conflict) => `${file}: ${conflict}.`);
  if (!hasPinKey && withPin.size > 0) {
    problems.push(
      `PIN_KEY must be set: ${withPin.size === 1 ? `1 person in ${file} has` : `${withPin.size} people in ${file} have`} a PIN. Set the key that PINs were hashed with.${pinKeyQuestion}`,
    );
  }
  problems.push(
    ...mustName
      .filter((role) => !entries[`${role}s`].some(canPhone))
      .map((role) => {
        const who = entries[`${role}s`].length === 0 ? role : `${role} with a number, address or pin`;
        return `${file}: name a ${who} here or in ${role.toUpperCase()}_NUMBERS. Without one, ${WITHOUT[role]}.`;
      }),
  );
  if (problems.length > 0) {
    throw new UserError(problems);
  }
  return entries;
}

/** Reads and parses a roster file; see {@link parseRoster}. */
export async function readRosterFile(source: RosterSource): Promise<RosterEntries> {
  const text = await readFile(source.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const remedy =
      error.code === 'EACCES'
        ? 'Let the user that runs this read it, and its folder: see chown and chmod.'
        : 'Set it to a JSON file that can be read.';
    throw new UserError([`Cannot read ROSTER_FILE ${source.file}: ${error.message}. ${remedy}`]);
  });
  return parseRoster(text, source);
}

function toPerson({ name, number, address, pin, requirePin, password, email, rooms }: GivenPerson) {
  return { name, address: number ?? address, pin, requirePin, password, email, rooms: rooms ?? ('all' as const) };
}

/** Conflicts among the people of one role, and within one entry. */
function findConflicts(role: string, people: readonly GivenPerson[]): string[] {
  const repeats = findRepeats(role, people, (one) => ({
    name: one.name,
    number: one.number,
    address: one.address,
    PIN: one.pin,
    email: one.email,
    extension: 'extension' in one ? one.extension : undefined,
  }));
  return people.flatMap((one, index) => {
    const place = describeEntry(role, index, one.name);
    return [
      ...(repeats[index] ?? []),
      ...(one.number && one.address ? [`${place} has a number and an address: remove one`] : []),
      ...(one.number || one.address || one.pin || one.password || one.email
        ? []
        : [`${place} has no number, address, pin, password or email`]),
      ...(one.requirePin && one.pin === undefined ? [`${place} has requirePin but no pin`] : []),
    ];
  });
}
