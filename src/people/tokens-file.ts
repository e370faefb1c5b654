import { dirname, join } from 'node:path';
import { z } from 'zod';
import { parseInstant } from '../ops/instant';
import { parsedString, requiredMessage } from '../ops/parsed-string';
import { UserError } from '../ops/user-error';
import { changeFile, readIfPresent } from './change-file';
import { findRepeats, nameField, parseEntries, roomsField } from './entry-file';
import {
  areTokenRights,
  parseTokenHash,
  SECRET_PREFIX,
  TOKEN_RIGHTS,
  type TokenEntry,
  type TokenRight,
} from './tokens';

/** The file of tokens beside a roster. */
export function tokensFileBeside(rosterFile: string): string {
  return join(dirname(rosterFile), 'tokens.json');
}

/** The name of a token, as it may be in the file. */
export const tokenName = nameField.refine((name) => !name.startsWith(SECRET_PREFIX), {
  error: `must not begin with ${SECRET_PREFIX}, as secrets do`,
});

const instant = parsedString(parseInstant, 'must be a date such as 2027-01-31 or 2027-01-31T08:00:00Z');

const tokens = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        name: tokenName,
        hash: parsedString(
          parseTokenHash,
          'must be the SHA-256 of a secret, as `npm run tokens -- add` writes it: 64 of 0-9 and a-f',
        ),
        rights: z
          .array(
            z.enum(TOKEN_RIGHTS, requiredMessage(`must be one of ${TOKEN_RIGHTS.join(', ')}`)),
            requiredMessage('must be a list of rights'),
          )
          .min(1, 'must name a right')
          .transform((rights): ReadonlySet<TokenRight> => new Set(rights))
          .refine(areTokenRights, 'must not have wall beside others: make another token'),
        rooms: roomsField,
        created: instant,
        expires: instant.optional(),
      }),
      'must be a list',
    )
    .default([]),
});

/**
 * Parses the text of a file of tokens.
 *
 * @param text JSON: `tokens`, a list; docs/people-and-pins.md describes it
 * @param file its name in problems
 * @throws UserError with every problem; each names the file, and entry and field if it is about one, but no hash
 */
export function parseTokens(text: string, file: string): TokenEntry[] {
  const { tokens: entries } = parseEntries(text, { file, content: 'the file', schema: tokens });
  const problems = findRepeats('tokens', entries, ({ name, hash }) => ({ name, hash })).flat();
  if (problems.length > 0) {
    throw new UserError(problems.map((problem) => `${file}: ${problem}.`));
  }
  return entries.map(({ rooms, expires, ...entry }) => ({ ...entry, rooms: rooms ?? 'all', expires }));
}

/** Writes tokens as {@link parseTokens} reads them. */
export function formatTokens(entries: readonly TokenEntry[]): string {
  const dateOf = (ms: number) => new Date(ms).toISOString();
  const written = entries.map(({ name, hash, rights, rooms, created, expires }) => ({
    name,
    hash,
    rights: [...rights],
    ...(rooms !== 'all' && { rooms: [...rooms] }),
    created: dateOf(created),
    ...(expires !== undefined && { expires: dateOf(expires) }),
  }));
  return `${JSON.stringify({ tokens: written }, undefined, 2)}\n`;
}

/**
 * Reads a file of tokens; a missing file has none.
 *
 * @throws UserError if the file cannot be used; see {@link parseTokens}
 */
export async function readTokensFile(file: string): Promise<TokenEntry[]> {
  return tokensIn(await readIfPresent(file), file);
}

/**
 * Changes a file of tokens as {@link changeFile} does.
 *
 * @throws UserError if the file cannot be used or written, or is changed at the same time; also what `change` throws
 */
export async function changeTokensFile(
  file: string,
  change: (entries: readonly TokenEntry[]) => readonly TokenEntry[],
): Promise<void> {
  await changeFile(file, (text) => formatTokens(change(tokensIn(text, file))));
}

function tokensIn(text: string | undefined, file: string): TokenEntry[] {
  return text === undefined ? [] : parseTokens(text, file);
}
