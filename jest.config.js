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
  reporters: ['default', '<rootDir>/test/support/summary-reporter.js'],
};
