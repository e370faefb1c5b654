import type { Config } from './config';

/**
 * The features that the settings turn on and off, for the log at the start. `rest` is the Space's REST API, `sso` the sign-in
 * by OIDC.
 */
export function findFeatures(config: Config): { on: string[]; off: string[] } {
  const features = {
    signatures: config.signingKeys.length > 0,
    redis: config.redisUrls.length > 0,
    rest: config.space !== undefined,
    roster: config.roster !== undefined,
    pins: config.roster !== undefined && config.pinKey !== undefined,
    sso: config.oidc !== undefined,
    callouts: config.space !== undefined && config.callerId !== undefined,
    notices: config.space !== undefined && config.announceIsPrivate && config.moderatorNotice !== 'never',
    recording: config.recordConferences,
    metrics: config.metricsPort !== undefined,
  };
  const named = (isOn: boolean) => Object.entries(features).flatMap(([name, is]) => (is === isOn ? [name] : []));
  return { on: named(true), off: named(false) };
}
