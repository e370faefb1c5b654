import { z } from 'zod';

/**
 * A text that `read` can read. What it cannot read is a problem, told by `expected`, and so is what is no text; what is
 * missing "is missing". No message repeats the text: it may be a secret.
 */
export function readable<T>(read: (text: string) => T | undefined, expected: string) {
  return z.string(unlessMissing(expected)).transform((text, context): T => {
    const value = read(text);
    if (value === undefined) {
      context.addIssue(expected);
      return z.NEVER;
    }
    return value;
  });
}

/** What is said of a value of the wrong kind; a missing one is missing. */
export function unlessMissing(expected: string) {
  return { error: ({ input }: { input?: unknown }) => (input === undefined ? 'is missing' : expected) };
}
