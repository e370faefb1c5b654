/** The identifier of a call or conference, safe in paths, keys and documents. Only {@link parseSid} creates one. */
export type Sid = string & { readonly brand: 'Sid' };

/** The form of every {@link Sid}. */
export const SID_FORM = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Parses an identifier: a bare UUID, as a Space sends it, or any 1 to 64 letters, digits, `-` and `_`, such as `CA…`.
 *
 * @returns undefined for anything else
 */
export function parseSid(given: unknown): Sid | undefined {
  return typeof given === 'string' && SID_FORM.test(given) ? (given as Sid) : undefined;
}
