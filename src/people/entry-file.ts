import { z } from 'zod';
import { parsedString, requiredMessage } from '../ops/parsed-string';
import { UserError } from '../ops/user-error';
import { parseRoomName, ROOM_NAME_FORM } from '../rooms/room';
import { findJsonMistake, findRepeatedName, type JsonMistake } from './json-mistake';
import { RIGHTS, type Right } from './rights';
import { SECRET_PREFIX } from './tokens';

/** A name. It is spoken, logged and exported. It starts with a letter or digit: no spreadsheet takes it for a formula. */
export const nameField = z
  .string(requiredMessage('must be text'))
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{M}\p{N} .,'’_()-]{0,63}$/u,
    "must be 1 to 64 letters, digits, spaces and .,'_()-, and begin with a letter or digit",
  );

/** An optional list of rooms; undefined for all. */
export const roomsField = z
  .array(parsedString(parseRoomName, `must be a room name: ${ROOM_NAME_FORM}`), 'must be a list of room names')
  .min(1, 'must name a room; leave it out for all rooms')
  .transform((rooms) => new Set(rooms))
  .optional();

/** A list of rights. */
export const rightsField = z
  .array(
    z.enum(RIGHTS, requiredMessage(`must be one of ${RIGHTS.join(', ')}`)),
    requiredMessage('must be a list of rights'),
  )
  .min(1, 'must name a right')
  .transform((rights): ReadonlySet<Right> => new Set(rights));

/**
 * Parses the text of a file with lists of entries.
 *
 * @param text JSON: an object of lists
 * @param options.file its name in problems
 * @param options.content what the whole is called in problems
 * @throws UserError with every problem; each names the file, and the entry and field if it is about one
 */
export function parseEntries<Schema extends z.ZodType>(
  text: string,
  { file, content, schema }: { file: string; content: string; schema: Schema },
): z.output<Schema> {
  const given = parseJson(text, file);
  const result = schema.safeParse(given, { error: inWords });
  if (!result.success) {
    throw new UserError(
      result.error.issues.map(({ path, message }) => `${file}: ${placeOf(path, given) ?? content} ${message}.`),
    );
  }
  return result.data;
}

/** An entry in problems: its list, its number counted from 1, and its name if it has one. */
export function describeEntry(list: string, index: number, name: string | undefined): string {
  return `${list}, entry ${index + 1}${name === undefined ? '' : ` (${name.slice(0, 64)})`}`;
}

/**
 * Finds values that must be unique among the entries of a list.
 *
 * @param uniqueOf the values of an entry, by what they are called in problems; undefined for none
 * @returns for each entry its problems, without a full stop
 */
export function findRepeats<Entry extends { name: string }>(
  list: string,
  entries: readonly Entry[],
  uniqueOf: (entry: Entry) => Readonly<Record<string, string | undefined>>,
): string[][] {
  const seen = new Map<string, number>();
  return entries.map((entry, index) =>
    Object.entries(uniqueOf(entry)).flatMap(([what, value]) => {
      const key = `${what}:${value}`;
      const before = seen.get(key);
      if (value === undefined || before === undefined) {
        seen.set(key, index);
        return [];
      }
      const first = `entry ${before + 1} (${entries[before]?.name})`;
      return [`${describeEntry(list, index, entry.name)} has the same ${what} as ${first}`];
    }),
  );
}

function parseJson(given: string, file: string): unknown {
  const text = given.replace(/^\uFEFF/, '');
  const placeOfMistake = ({ line, column }: JsonMistake) => `${file}, line ${line}, column ${column}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const mistake = findJsonMistake(text);
    const place = mistake === undefined ? file : placeOfMistake(mistake);
    const hint = mistake?.hint === undefined ? '' : `: ${mistake.hint}`;
    throw new UserError([`${place}: this is not JSON${hint}.`]);
  }
  const repeated = findRepeatedName(text);
  if (repeated !== undefined) {
    throw new UserError([`${placeOfMistake(repeated)}: this name appears twice in one object.`]);
  }
  return value;
}

const inWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.join(', ')}`;
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : 'must be an object: names in quotes, with values';
    default:
      return undefined;
  }
};

/** The place of a problem: the list, the entry and the field; undefined for the whole file. */
function placeOf([list, index, ...rest]: readonly PropertyKey[], given: unknown): string | undefined {
  if (list === undefined) {
    return undefined;
  }
  if (typeof index !== 'number') {
    return String(list);
  }
  const entry = (given as Record<PropertyKey, unknown[]>)[list]?.[index] as { name?: unknown } | undefined;
  const name = typeof entry?.name === 'string' && isShowable(entry.name) ? entry.name : undefined;
  return [
    describeEntry(String(list), index, name),
    ...rest.map((part) => (typeof part === 'number' ? part + 1 : part)),
  ].join(', ');
}

/** Whether a name may be in a message: control characters could steer a terminal, and a secret may be in its place. */
function isShowable(name: string): boolean {
  return !/\p{C}/u.test(name) && !name.startsWith(SECRET_PREFIX);
}
