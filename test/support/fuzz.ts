import { it } from '@jest/globals';
import fc from 'fast-check';

/** Share of the full number of random runs, above 0; jest.config.js sets it. */
const FUZZ_SCALE = Number(process.env.FUZZ_SCALE);

/** Whether this is a full run: the random runs are all there, enough for what is rare to have happened. */
export const isFullFuzz = FUZZ_SCALE >= 1;

/** Declares a test that only a full run has: it starts programs, or waits, for something rare. */
export const itInFull: typeof it = isFullFuzz ? it : (Object.assign(() => {}, { each: () => () => {} }) as never);

// The same each time unless FUZZ_SEED is set, so that a run can be repeated.
fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED || 1) });

/** How long one random story may take on a busy machine, in real milliseconds: one that hangs is named so. */
export const STORY_MS = 60_000;

/** How many random runs to do of `full`, the number in a full run: rounded up, so never 0. */
export function fuzzRuns(full: number): number {
  return Math.ceil(full * FUZZ_SCALE);
}

/** Any character but half a surrogate pair: as fast-check's `unit: 'binary'`, which takes two seconds to prepare. */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10_ffff - 0x800 })
  .map((index) => String.fromCodePoint(index < 0xd800 ? index : index + 0x800));
