import { z } from 'zod';

/** The text `true` or `false`, parsed. */
export const booleanText = z.enum(['true', 'false']).transform((text) => text === 'true');

/** A whole number as digits, parsed. */
export function wholeNumberText(least = 0, most = 999_999_999) {
  return z
    .string()
    .regex(/^[0-9]{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((number) => number >= least, `must be at least ${least}`)
    .refine((number) => number <= most, `must be at most ${most}`);
}

/** An HTTP method; POST by default. */
export const httpMethod = z.enum(['GET', 'POST']).default('POST');
