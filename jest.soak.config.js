const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const config = require('./jest.config.js');

const tests = join(__dirname, 'test');
const scaledSuites = readdirSync(tests, { recursive: true }).filter(
  (file) => file.endsWith('.test.ts') && readFileSync(join(tests, file), 'utf8').includes("/support/fuzz'"),
);

/** Every suite that does more in a full run, and the long ones of test/soak. */
module.exports = {
  ...config,
  // As many as CI has cores: here tests compute, or measure how long something takes.
  maxWorkers: 2,
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: ['<rootDir>/test/soak/**/*.test.ts', ...scaledSuites.map((file) => `<rootDir>/test/${file}`)],
};
