import { describe, expect, it } from '@jest/globals';
import { findSimilarSetting } from '../../../src/settings/similar-setting';
import { SETTING_NAMES } from '../../../src/settings/table';

const find = (name: string) => findSimilarSetting(name, SETTING_NAMES);

describe('findSimilarSetting', () => {
  it.each([
    ['SIGNALWIRE_SIGNIN_KEY', 'SIGNALWIRE_SIGNING_KEY'],
    ['SIGNALWIRE_SINGING_KEY', 'SIGNALWIRE_SIGNING_KEY'],
    ['SIGNAL_WIRE_SIGNING_KEY', 'SIGNALWIRE_SIGNING_KEY'],
    ['signalwire_signing_key', 'SIGNALWIRE_SIGNING_KEY'],
    ['SIGNING_KEY', 'SIGNALWIRE_SIGNING_KEY'],
    ['signing_key', 'SIGNALWIRE_SIGNING_KEY'],
    ['MY_SIGNALWIRE_SIGNING_KEY', 'SIGNALWIRE_SIGNING_KEY'],
    ['SIGNALWIRE_TOKEN', 'SIGNALWIRE_API_TOKEN'],
    ['SIGNALWIRE_SPACE', 'SIGNALWIRE_SPACE_URL'],
    ['SIGNALWIRE_PROJECT', 'SIGNALWIRE_PROJECT_ID'],
    ['REDIS_URI', 'REDIS_URL'],
    ['APP_REDIS_URL', 'REDIS_URL'],
    ['PUBLIC_URI', 'PUBLIC_URL'],
    ['MODERATOR_NUMBER', 'MODERATOR_NUMBERS'],
    ['SUPERVISORS_NUMBERS', 'SUPERVISOR_NUMBERS'],
    ['CALLER_NOTIC', 'CALLER_NOTICE'],
    ['PIN-KEY', 'PIN_KEY'],
    ['PORTS', 'PORT'],
  ])('takes %s for %s', (name, setting) => {
    expect(find(name)).toBe(setting);
  });

  it.each([
    'PATH',
    'HOME',
    'HOSTNAME',
    'USER',
    'NAME',
    'URL',
    'KEY',
    'TOKEN',
    'LANG',
    'SHELL',
    'PWD',
    'TZ',
    'DOMAIN',
    'CI',
    'REDIS_HOST',
    'REDIS_PORT',
    'DATABASE_URL',
    'APP_PORT',
    'APP_URL',
    'API_KEY',
    'PUBLIC_KEY',
    'CI_PROJECT_ID',
    'NPM_TOKEN',
    'APP_TOKEN',
    'NODE_OPTIONS',
    'NODE_VERSION',
    'YARN_VERSION',
  ])('finds no setting similar to %s', (name) => {
    expect(find(name)).toBeUndefined();
  });

  it.each([...SETTING_NAMES])('finds no other setting for %s', (name) => {
    expect(find(name)).toBeUndefined();
  });
});
