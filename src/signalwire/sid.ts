/** The identifier of a call or a conference, safe in a path, a key and a document. Only {@link parseSid} makes one. */
export type Sid = string & { readonly brand: 'Sid' };

/**
 * Reads an identifier: a bare UUID as a Space sends it, or any other 1 to 64 letters, digits, `-` and `_`, so that
 * `CA…` and hand-made ones work.
 *
 * @returns undefined for anything else
 */
export function parseSid(text: string): Sid | undefined {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text) ? (text as Sid) : undefined;
}
