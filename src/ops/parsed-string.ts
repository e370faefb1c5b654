import { z } from 'zod';

/**
 * A schema for a string that `parse` accepts, which yields the parsed value. `parse` returns undefined to refuse.
 *
 * @param expected the message for anything else, which never quotes the input: it may be a secret
 */
export function parsedString<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.string(requiredMessage(expected)).transform((text, context): T => {
    const value = parse(text);
    if (value === undefined) {
      context.addIssue(expected);
      return z.NEVER;
    }
    return value;
  });
}

/** Error options of a required value: "is missing" if there is none, `expected` for one of another type. */
export function requiredMessage(expected: string) {
  return { error: ({ input }: { input?: unknown }) => (input === undefined ? 'is missing' : expected) };
}
