const { TestEnvironment } = require('jest-environment-node');

/** What the files of one worker share: the SDK, see `shared-sdk.js`, and Date, so that its dates are theirs. */
const shared = { Date, loadSharedSdk: () => require('@signalwire/compatibility-api') };

module.exports = class extends TestEnvironment {
  constructor({ globalConfig, projectConfig }, context) {
    // These become globals that Jest does not take apart after a test file.
    const testEnvironmentOptions = { ...projectConfig.testEnvironmentOptions, ...shared };
    super({ globalConfig, projectConfig: { ...projectConfig, testEnvironmentOptions } }, context);
  }
};
