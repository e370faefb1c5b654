import { medianOf, write, writeFigure } from './output';
import { type Kind, measureRequests, TARGETS } from './requests';

const TITLES = {
  one: 'always the same Call SID',
  many: 'always another Call SID and room',
  foreign: 'the same, of conversations that began at another server',
};

/**
 * Prints the processor time of a bare Express route divided by ours, for each kind of request: the median of the quotients
 * of all turns.
 *
 * @returns whether all targets were met
 */
export async function reportRequests(redisUrl: string): Promise<boolean> {
  const results: boolean[] = [];
  for (const [calls, title] of Object.entries(TITLES) as [keyof typeof TITLES, string][]) {
    const { bare, plain, ours } = await measureRequests(redisUrl, calls);
    const quotientOf = (list: readonly number[]) => medianOf(list.map((cost, turn) => (bare[turn] ?? 0) / cost));
    write(`CPU of a bare Express route ÷ CPU of a request, ${title}`);
    write(
      `  bare Express ${medianOf(bare).toFixed(0)} µs, plain Express with the SDK ${medianOf(plain).toFixed(0)} µs (${quotientOf(plain).toFixed(2)})`,
    );
    for (const [kind, target] of Object.entries(TARGETS) as [Kind, number][]) {
      const costs = ours[kind];
      const quotient = quotientOf(costs);
      const name = `  ${kind} (${medianOf(costs).toFixed(0)} µs)`;
      if (calls === 'foreign') {
        write(`${name.padEnd(44)} ${quotient.toFixed(2).padStart(10)}`);
      } else {
        results.push(writeFigure(name, quotient.toFixed(2), `≥ ${target}`, quotient >= target));
      }
    }
  }
  return results.every(Boolean);
}
