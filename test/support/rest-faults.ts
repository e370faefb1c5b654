import { createRandom } from '../../src/simulator/random';
import type { Fault, RestRequest } from '../../src/simulator/rest-api';

const FAULTS: readonly Fault[] = [
  { status: 429, body: { errors: [{ code: '20429', message: 'slow down' }] } },
  { status: 500, body: { errors: ['oops'] } },
  { status: 502, body: '<html>Bad Gateway</html>', headers: { 'content-type': 'text/html' } },
  'disconnect',
  'lose-answer',
  'ignore',
];

/**
 * Lets requests to the Space fail at random. The n-th request of one kind always fares the same, whatever comes between.
 *
 * @param share how many fail, from 0 to 1
 */
export function createFaults(seed: number, share: number): (request: RestRequest) => Fault | undefined {
  const counts = new Map<string, number>();
  return ({ method, path, form }) => {
    const kind = `${method} ${path.replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, '')} ${Object.keys(form)}`;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const letters = [...kind].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 7);
    const random = createRandom(seed + letters + count * 7_919);
    random();
    return random() < share ? FAULTS[Math.floor(random() * FAULTS.length)] : undefined;
  };
}
