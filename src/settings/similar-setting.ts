import { distance } from 'fastest-levenshtein';

/** People leave it out. */
const PREFIX = 'SIGNALWIRE_';

/**
 * The setting that a misspelt name most likely stands for: a quarter of its letters may differ, or the prefix
 * `SIGNALWIRE_` is missing, or another one was added. Ignores case.
 *
 * @returns undefined for the name of a setting, and for one that resembles none
 */
export function findSimilarSetting(name: string, settings: ReadonlySet<string>): string | undefined {
  if (settings.has(name)) {
    return undefined;
  }
  const [closest] = [...settings]
    .map((setting) => ({ setting, edits: countEdits(name.toUpperCase(), setting) }))
    .sort((a, b) => a.edits - b.edits);
  return closest !== undefined && closest.edits < Number.POSITIVE_INFINITY ? closest.setting : undefined;
}

/** Infinite if they do not resemble each other. */
function countEdits(name: string, setting: string): number {
  // An added prefix makes no setting of one word: many programs have a PORT.
  const hasOtherPrefix = setting === PREFIX + name || (setting.includes('_') && name.endsWith(`_${setting}`));
  const edits = hasOtherPrefix ? 0 : distance(name, setting);
  return edits <= setting.length / 4 ? edits : Number.POSITIVE_INFINITY;
}
