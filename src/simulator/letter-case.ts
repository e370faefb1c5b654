/** Tells the one that was meant, if `given` is written in another letter case: people do not see the difference. */
export function hintLetterCase(given: string, known: readonly string[]): string {
  const meant = known.find((name) => name !== given && name.toLowerCase() === given.toLowerCase());
  return meant === undefined ? '' : `; it is written ${meant}`;
}
