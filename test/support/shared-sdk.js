/**
 * The SDK, loaded once per worker instead of once per test file: it is 4.5 MB of modules, and Jest takes half a second
 * of processor time for them each time. Nothing changes it while it is used. It does not take a test's arrays for
 * arrays; where that matters, `@jest-environment node` gives a test file an SDK of its own.
 */
module.exports = globalThis.loadSharedSdk?.() ?? require('../../node_modules/@signalwire/compatibility-api');
