/** Suggests the known name that differs from `given` only in letter case, which people overlook; otherwise empty. */
export function hintLetterCase(given: string, known: readonly string[]): string {
  const meant = known.find((name) => name !== given && name.toLowerCase() === given.toLowerCase());
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}
