import { createHash } from 'node:crypto';

/** A generator of numbers from 0 to below 1; the same seed gives the same sequence. */
export function createRandom(seed: number): () => number {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed}/${drawn++}`).digest().readUInt32BE() / 2 ** 32;
}
