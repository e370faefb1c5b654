import { distance } from 'fastest-levenshtein';
import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { UserError } from '../ops/user-error';
import { changeFile } from './change-file';
import { canPhone, type RosterEntries } from './roster';
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

/** Fields of a person in a roster file, as JSON values; undefined removes the field. */
export type RosterFields = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

const ROLES: readonly Role[] = ['moderator', 'supervisor'];

const NEW_FILE = '{\n  "moderators": [],\n  "supervisors": []\n}\n';

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
    const hint =
      similar === undefined ? 'To see everybody: npm run --silent roster -- list.' : `Did you mean ${similar}?`;
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
 * Adds a person to a roster file, or creates it. Changes nothing else in it. See {@link changeFile}.
 *
 * @param fieldsOf gets the people of the file, and returns the fields of the new one, as they may be in the file
 * @throws UserError if the file cannot be used or written, or the server would refuse the new version
 */
export async function addPerson(
  source: RosterSource,
  role: Role,
  fieldsOf: (entries: RosterEntries) => RosterFields,
): Promise<void> {
  const change = (text: string, entries: RosterEntries) => {
    const fields = fieldsOf(entries);
    if (entries[`${role}s`].some(({ name }) => name === fields.name)) {
      throw new UserError([
        `${fields.name} is a ${role} in ${source.file} already. To change them: set-number, set-pin, or remove and add.`,
      ]);
    }
    return appendEntry(text, `${role}s`, formatEntry(fields));
  };
  await changeRoster(source, change, NEW_FILE);
}

/**
 * Sets and removes fields of a person in a roster file, and changes nothing else in it. See {@link changeFile}.
 *
 * @param fieldsOf gets the people of the file
 * @throws UserError if the file cannot be used or written, has no such person, or the server would refuse the new version
 */
export async function setFields(
  source: RosterSource,
  who: RosterName,
  fieldsOf: (entries: RosterEntries) => RosterFields,
): Promise<void> {
  await changeRoster(source, (text, entries) => {
    const { list, index } = findPerson(entries, who, source.file);
    const path = [list, index];
    return Object.entries(fieldsOf(entries)).reduce(
      (changed, [name, value]) =>
        value === undefined ? remove(changed, [...path, name]) : setField(changed, path, name, formatValue(value)),
      text,
    );
  });
}

/**
 * Removes a person from a roster file, and changes nothing else in it. See {@link changeFile}.
 *
 * @throws UserError if the file cannot be used or written, has no such person, or the server would refuse it without them
 */
export async function removePerson(source: RosterSource, who: RosterName): Promise<void> {
  await changeRoster(source, (text, entries) => {
    const { list, index } = findPerson(entries, who, source.file);
    return remove(text, [list, index]);
  });
}

/** @param newFile the text to change if there is no file; without one, that is an error */
async function changeRoster(
  source: RosterSource,
  change: (text: string, entries: RosterEntries) => string,
  newFile?: string,
): Promise<void> {
  const { file, mustName = [] } = source;
  await changeFile(file, (given) => {
    const text = given ?? newFile;
    if (text === undefined) {
      throw new UserError([`${file} is missing. To create it: npm run --silent roster -- add NAME --role ROLE.`]);
    }
    const entries = parseRoster(text, { ...source, mustName: [] });
    const changed = change(text, entries);
    // In a roster that is being made, those who must be there may be missing yet.
    parseRoster(changed, { ...source, mustName: mustName.filter((role) => entries[`${role}s`].some(canPhone)) });
    return changed;
  });
}

/**
 * Sets a field of an object that has others, in a JSON text. A new field follows the last one, spaced as that is.
 *
 * @param value as JSON
 */
function setField(text: string, path: readonly (string | number)[], name: string, value: string): string {
  const tree = treeOf(text);
  const existing = findNodeAtLocation(tree, [...path, name]);
  if (existing !== undefined) {
    return splice(text, existing, value);
  }
  const last = findNodeAtLocation(tree, [...path])?.children?.at(-1) as Node;
  const [lastName, lastValue] = last.children as [Node, Node];
  const colon = text.slice(endOf(lastName), lastValue.offset);
  return splice(text, { offset: endOf(last), length: 0 }, `,${spaceBefore(text, last)}"${name}"${colon}${value}`);
}

/** Adds an entry to a list of the root object, in a JSON text. It follows the last one, spaced as that is. */
function appendEntry(text: string, list: string, entry: string): string {
  const tree = treeOf(text);
  const entries = findNodeAtLocation(tree, [list]);
  const last = entries?.children?.at(-1);
  if (last !== undefined) {
    return splice(text, { offset: endOf(last), length: 0 }, `,${spaceBefore(text, last)}${entry}`);
  }
  const only = `[\n    ${entry}\n  ]`;
  if (entries !== undefined) {
    return splice(text, entries, only);
  }
  return tree.children?.length === 0
    ? splice(text, tree, `{\n  "${list}": ${only}\n}`)
    : setField(text, [], list, only);
}

/** Removes a field or an entry, and its comma, from a JSON text; nothing if it is not there. */
function remove(text: string, path: (string | number)[]): string {
  const found = findNodeAtLocation(treeOf(text), path);
  if (found === undefined) {
    return text;
  }
  const node = found.parent?.type === 'property' ? found.parent : found;
  const siblings = node.parent?.children ?? [];
  const index = siblings.indexOf(node);
  const [before, after] = [siblings[index - 1], siblings[index + 1]];
  const start = before === undefined ? node.offset : endOf(before);
  const end = before === undefined && after !== undefined ? after.offset : endOf(node);
  return splice(text, { offset: start, length: end - start }, '');
}

/** JSON on one line, with spaces. */
function formatEntry(fields: RosterFields): string {
  const given = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`"${name}": ${formatValue(value)}`],
  );
  return `{ ${given.join(', ')} }`;
}

function formatValue(value: string | boolean | readonly string[]): string {
  return Array.isArray(value) ? `[${value.map((one) => JSON.stringify(one)).join(', ')}]` : JSON.stringify(value);
}

/** The parser takes a byte order mark for a mistake, but finds the rest. */
function treeOf(text: string): Node {
  return parseTree(text) as Node;
}

function spaceBefore(text: string, { offset }: Node): string {
  return /\s*$/.exec(text.slice(0, offset))?.[0] ?? '';
}

function splice(text: string, { offset, length }: Pick<Node, 'offset' | 'length'>, replacement: string): string {
  return text.slice(0, offset) + replacement + text.slice(offset + length);
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}
