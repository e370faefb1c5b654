/** Share of each suite's full number of random runs. */
const fuzzScale = Number(process.env.FUZZ_SCALE || 0.01);
if (!(fuzzScale > 0)) {
  throw new Error('FUZZ_SCALE must be a number above 0.');
}
process.env.FUZZ_SCALE = String(fuzzScale);

const swc = {
  module: { type: 'commonjs' },
  // In files of their own, which Jest reads for a failure's stack alone.
  sourceMaps: true,
};

/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/test'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/soak/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { ...swc, jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }],
    '^.+\\.tsx$': [
      '@swc/jest',
      {
        ...swc,
        jsc: {
          parser: { syntax: 'typescript', tsx: true },
          target: 'es2023',
          transform: { react: { runtime: 'automatic', importSource: 'preact' } },
        },
      },
    ],
  },
  // More than the two cores of CI: tests wait as much as they compute.
  maxWorkers: 4,
  // Tests import what they use.
  injectGlobals: false,
  testSequencer: '<rootDir>/test/support/sequencer.js',
  testTimeout: Math.max(60_000, 1_800_000 * fuzzScale),
  // ioredis keeps a timer of 2 s after a connection that never came about.
  openHandlesTimeout: 3_000,
  reporters: ['default', '<rootDir>/test/support/summary-reporter.js'],
};
