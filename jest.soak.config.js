const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const config = require('./jest.config.js');

const tests = join(__dirname, 'test');
const randomSuites = readdirSync(tests, { recursive: true }).filter(
  (file) => file.endsWith('.test.ts') && readFileSync(join(tests, file), 'utf8').includes('fuzzRuns('),
);

/** Every suite with random runs, and the long ones of test/soak. */
module.exports = {
  ...config,
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: ['<rootDir>/test/soak/**/*.test.ts', ...randomSuites.map((file) => `<rootDir>/test/${file}`)],
};
