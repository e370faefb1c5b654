/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/test'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  maxWorkers: 2,
  testTimeout: 20_000,
  // ioredis keeps a timer of 2 s after a connection that never came about.
  openHandlesTimeout: 3_000,
  reporters: ['default', '<rootDir>/test/support/summary-reporter.js'],
};
