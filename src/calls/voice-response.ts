import { dirname, join } from 'node:path';
import type { RestClient } from '@signalwire/compatibility-api';

/**
 * The SDK's writer of LaML, loaded from its own file: the whole SDK takes ten times as long to load, and 40 MB. The SDK's
 * `exports` do not name that file, so a new version may move it; voice-response.test.ts would notice.
 */
export const VoiceResponse: typeof RestClient.LaML.VoiceResponse = require(
  join(dirname(require.resolve('@signalwire/compatibility-api')), '../lib/twiml/VoiceResponse'),
);
