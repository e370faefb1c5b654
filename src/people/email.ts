/** At most 254 characters (RFC 5321), all ASCII: two other letters can look alike, or have one lower case. */
const EMAIL =
  /^(?=.{6,254}$)[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/i;

/** An email address in lower case. Only {@link parseEmail} creates one. Equal addresses mean the same person. */
export type Email = string & { readonly brand: 'Email' };

/** Parses an email address. Ignores the letter case. @returns undefined for anything else */
export function parseEmail(text: string): Email | undefined {
  return EMAIL.test(text) ? (text.toLowerCase() as Email) : undefined;
}
