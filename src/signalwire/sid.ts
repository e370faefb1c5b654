/** The identifier of a call or conference, safe in paths, keys and documents. Only {@link parseSid} creates one. */
export type Sid = string & { readonly brand: 'Sid' };

/**
 * Parses an identifier: a bare UUID, as a Space sends it, or any 1 to 64 letters, digits, `-` and `_`, such as `CA…`.
 *
 * @returns undefined for anything else
 */
export function parseSid(given: unknown): Sid | undefined {
  return typeof given === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(given) ? (given as Sid) : undefined;
}
