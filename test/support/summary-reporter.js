/** Ends the output with `N passed, N failed`, and `, N skipped` if any were; a suite that did not run is a failure. */
module.exports = class SummaryReporter {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, numTodoTests } = results;
    const skipped = numPendingTests + numTodoTests;
    const summary = `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed`;
    // Jest's own summary comes after every reporter.
    process.once('exit', () => process.stdout.write(`\n${summary}${skipped > 0 ? `, ${skipped} skipped` : ''}\n`));
  }
};
