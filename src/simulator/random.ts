import { createHash } from 'node:crypto';

/** Numbers from 0 to just under 1: the same seed gives the same ones in the same order. */
export function createRandom(seed: number): () => number {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed}/${drawn++}`).digest().readUInt32BE() / 2 ** 32;
}
