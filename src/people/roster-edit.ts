import { distance } from 'fastest-levenshtein';
import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { UserError } from '../ops/user-error';
import { changeFile } from './change-file';
import type { PasswordHash } from './password';
import type { RosterEntries } from './roster';
import { parseRoster, type Role, type RosterSource } from './roster-file';

/** Whom to find in a roster file. */
export interface RosterName {
  name: string;
  /** Needed if both roles have the name. */
  role: Role | undefined;
}

/** Where a person is in a roster file. */
interface Place {
  list: keyof RosterEntries;
  index: number;
}

const ROLES: readonly Role[] = ['moderator', 'supervisor'];

/**
 * Finds a person by name.
 *
 * @param file its name in problems
 * @throws UserError if there is none, or one in each role and no role is given
 */
export function findPerson(entries: RosterEntries, { name, role }: RosterName, file: string): Place {
  const roles = ROLES.filter((one) => role === undefined || one === role);
  const places = roles.flatMap((one): Place[] => {
    const list = `${one}s` as const;
    const index = entries[list].findIndex((person) => person.name === name);
    return index < 0 ? [] : [{ list, index }];
  });
  const [place, ...others] = places;
  if (place === undefined) {
    const similar = findSimilarName(
      name,
      roles.flatMap((one) => entries[`${one}s`].flatMap((person) => person.name ?? [])),
    );
    const hint = similar === undefined ? 'See docs/sign-in.md.' : `Did you mean ${similar}?`;
    throw new UserError([`${file} has no ${role ?? 'person'} named ${name}. ${hint}`]);
  }
  if (others.length > 0) {
    throw new UserError([`${name} is a moderator and a supervisor in ${file}: choose one with --role.`]);
  }
  return place;
}

/** The name that was most likely meant: letter case and a quarter of the letters may differ. */
function findSimilarName(given: string, names: readonly string[]): string | undefined {
  const [closest] = names
    .map((name) => ({ name, edits: distance(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= name.length / 4)
    .sort((one, other) => one.edits - other.edits);
  return closest?.name;
}

/**
 * Writes a person's password into a roster file, and changes nothing else in it. See {@link changeFile}.
 *
 * @throws UserError if the file cannot be used or written, or has no such person
 */
export async function writePassword(source: RosterSource, who: RosterName, hash: PasswordHash): Promise<void> {
  const { file } = source;
  await changeFile(file, (text) => {
    if (text === undefined) {
      throw new UserError([`${file} is missing.`]);
    }
    const { list, index } = findPerson(parseRoster(text, source), who, file);
    return setText(text, [list, index], ['password', hash]);
  });
}

/**
 * Sets a field of an object that has others, in a JSON text. A new field follows the last one, spaced as that is. Neither
 * name nor value needs an escape.
 */
function setText(text: string, path: (string | number)[], [name, value]: [name: string, value: string]): string {
  // The parser takes a byte order mark for a mistake, but finds the rest.
  const tree = parseTree(text) as Node;
  const existing = findNodeAtLocation(tree, [...path, name]);
  if (existing !== undefined) {
    return splice(text, existing, `"${value}"`);
  }
  const last = findNodeAtLocation(tree, path)?.children?.at(-1) as Node;
  const [lastName, lastValue] = last.children as [Node, Node];
  const space = /\s*$/.exec(text.slice(0, last.offset))?.[0] ?? '';
  const colon = text.slice(endOf(lastName), lastValue.offset);
  return splice(text, { offset: endOf(last), length: 0 }, `,${space}"${name}"${colon}"${value}"`);
}

function splice(text: string, { offset, length }: Pick<Node, 'offset' | 'length'>, replacement: string): string {
  return text.slice(0, offset) + replacement + text.slice(offset + length);
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}
