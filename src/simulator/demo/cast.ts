import { type Call, numberOf } from '../call';
import { TUTORIAL_AGENT, TUTORIAL_CAST } from '../tutorial';

/** The name of whoever is on a call of the demo; else their number. */
export function nameOf(call: Call): string {
  const number = numberOf(call);
  const { alice, bob, carol, ted } = TUTORIAL_CAST;
  const names = { [alice]: 'Alice', [bob]: 'Bob', [carol]: 'Carol', [TUTORIAL_AGENT]: 'Carol', [ted]: 'Ted' };
  return names[number ?? ''] ?? number ?? 'somebody';
}
