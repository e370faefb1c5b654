import { dirname, join } from 'node:path';
import type { RestClient } from '@signalwire/compatibility-api';

/**
 * The SDK's writer of LaML, from a file of its own: the whole SDK takes ten times as long to load, and 40 MB. The SDK's
 * `exports` names no such entry, so a new version of it may move the file; voice-response.test.ts notices.
 */
export const VoiceResponse: typeof RestClient.LaML.VoiceResponse = require(
  join(dirname(require.resolve('@signalwire/compatibility-api')), '../lib/twiml/VoiceResponse'),
);
