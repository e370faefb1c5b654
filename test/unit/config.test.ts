import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config';
import type { UserError } from '../../src/ops/user-error';
import { SETTING_NAMES } from '../../src/settings/table';
import { generateCertificate } from '../support/certificate';

const required = {
  PUBLIC_URL: 'https://coach.example.com',
  SIGNALWIRE_SIGNING_KEY: 'PSK_1',
  MODERATOR_NUMBERS: '+15557788999',
  SUPERVISOR_NUMBERS: '+15550002222',
};
const production = { NODE_ENV: 'production', ...required };
const rest = { SIGNALWIRE_SPACE_URL: 's', SIGNALWIRE_PROJECT_ID: 'p', SIGNALWIRE_API_TOKEN: 't' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    return (error as UserError).problems;
  }
}

describe('loadConfig', () => {
  it('needs nothing in development', () => {
    expect(loadConfig({})).toEqual({
      production: false,
      port: 3000,
      host: '127.0.0.1',
      publicUrl: undefined,
      trustProxy: false,
      logLevel: 'info',
      logFormat: undefined,
      drainSeconds: 1,
      maxConnectionsPerAddress: 1_000,
      redisUrls: [],
      redisTls: { ca: undefined, verify: true },
      signingKeys: [],
      space: undefined,
      conferenceName: 'sample-conf',
      moderatorNumbers: ['+15557788999'],
      supervisorNumbers: 'any',
      roster: undefined,
      pinKey: undefined,
      sessionSecret: undefined,
      oidc: undefined,
      promptLanguage: 'en',
      waitUrl: undefined,
      callerNotice: undefined,
      moderatorNotice: 'never',
      moderatorNoticeText: undefined,
      noticeVoice: undefined,
      noticeLanguage: undefined,
      recordConferences: false,
      announceIsPrivate: false,
      maxCallSeconds: 14_400,
      auditDays: 365,
      sweepRequestsPerSecond: 50,
      warnings: [
        'SIGNALWIRE_SIGNING_KEY is not set: unsigned webhooks are accepted from this machine only.',
        'PUBLIC_URL is not set: documents point to localhost, where no Space can call back.',
        'MODERATOR_NUMBERS is not set: the agent is +15557788999. Set it, or ROSTER_FILE.',
        'SUPERVISOR_NUMBERS is not set: anyone may supervise. Set it, or ROSTER_FILE.',
        'REDIS_URL is not set: state is kept in memory. A restart loses the rooms and the audit trail, and only one server may run.',
        'SIGNALWIRE_SPACE_URL is not set: the server cannot mute a supervisor whose agent leaves, and cannot make up for lost callbacks.',
      ],
    });
  });

  it.each([
    ['localhost', 'this machine only'],
    ['127.0.0.2', 'this machine only'],
    ['::1', 'this machine only'],
    ['0.0.0.0', 'anyone'],
    ['::', 'anyone'],
    ['coach.example.com', 'anyone'],
  ])('with HOST %s and without a signing key, warns that %s may send webhooks', (HOST, who) => {
    expect(loadConfig({ HOST }).warnings[0]).toBe(
      `SIGNALWIRE_SIGNING_KEY is not set: unsigned webhooks are accepted from ${who}.`,
    );
  });

  it('reads every setting', async () => {
    const { ca } = await generateCertificate();
    const config = loadConfig({
      ...production,
      PORT: '8080',
      HOST: '::1',
      METRICS_PORT: '9100',
      TRUST_PROXY: '1',
      MAX_CONNECTIONS_PER_ADDRESS: '50',
      LOG_LEVEL: 'debug',
      LOG_FORMAT: 'text',
      DRAIN_SECONDS: '5',
      REDIS_URL: 'rediss://user:pa%23ss@redis.example.com:6380/3?family=6',
      REDIS_TLS_CA: ca,
      REDIS_TLS_VERIFY: 'true',
      SIGNALWIRE_SPACE_URL: 'example.signalwire.com',
      SIGNALWIRE_PROJECT_ID: '5c1f-1',
      SIGNALWIRE_API_TOKEN: 'PT1',
      CONFERENCE_NAME: 'Sales 2',
      MODERATOR_NUMBERS: '+15557788999, +15557788998',
      ROSTER_FILE: 'roster/roster.json',
      PIN_KEY: '0123456789abcdef',
      SESSION_SECRET: 'a-secret-of-thirty-two-characters',
      OIDC_ISSUER: 'https://login.example.com/realms/staff',
      OIDC_CLIENT_ID: 'coach',
      OIDC_CLIENT_SECRET: 'secret',
      PROMPT_LANGUAGE: 'de',
      WAIT_URL: 'https://cdn.example.com/wait.xml',
      CALLER_NOTICE: 'Calls may be supervised.',
      MODERATOR_NOTICE: 'coach',
      MODERATOR_NOTICE_TEXT: 'Your coach is here.',
      NOTICE_VOICE: 'Polly.Amy',
      NOTICE_LANGUAGE: 'en-GB',
      ANNOUNCE_IS_PRIVATE: 'true',
      RECORD_CONFERENCES: 'true',
      MAX_CALL_SECONDS: '600',
      AUDIT_DAYS: '30',
      SWEEP_REQUESTS_PER_SECOND: '100',
    });
    expect(config).toEqual({
      production: true,
      port: 8080,
      host: '::1',
      metricsPort: 9_100,
      publicUrl: 'https://coach.example.com',
      trustProxy: 1,
      logLevel: 'debug',
      logFormat: 'text',
      drainSeconds: 5,
      maxConnectionsPerAddress: 50,
      redisUrls: ['rediss://user:pa%23ss@redis.example.com:6380/3?family=6'],
      redisTls: { ca: [readFileSync(ca, 'utf8').trim()], verify: true },
      signingKeys: ['PSK_1'],
      space: { url: 'https://example.signalwire.com', projectId: '5c1f-1', apiToken: 'PT1' },
      conferenceName: 'Sales 2',
      moderatorNumbers: ['+15557788999', '+15557788998'],
      supervisorNumbers: ['+15550002222'],
      roster: { file: 'roster/roster.json', hasPinKey: true, pinKeyQuestion: '', mustName: [] },
      pinKey: '0123456789abcdef',
      sessionSecret: 'a-secret-of-thirty-two-characters',
      oidc: { issuer: 'https://login.example.com/realms/staff', clientId: 'coach', clientSecret: 'secret' },
      promptLanguage: 'de',
      waitUrl: 'https://cdn.example.com/wait.xml',
      callerNotice: 'Calls may be supervised.',
      moderatorNotice: 'coach',
      moderatorNoticeText: 'Your coach is here.',
      noticeVoice: 'Polly.Amy',
      noticeLanguage: 'en-GB',
      announceIsPrivate: true,
      recordConferences: true,
      maxCallSeconds: 600,
      auditDays: 30,
      sweepRequestsPerSecond: 100,
      warnings: [],
    });
  });

  it.each([
    [{ NODE_ENV: '' }, false],
    [{ NODE_ENV: '', DEFAULT_NODE_ENV: 'production' }, true],
    [{ DEFAULT_NODE_ENV: 'production' }, true],
    [{ NODE_ENV: 'development', DEFAULT_NODE_ENV: 'production' }, false],
  ])('takes %j as production: %s', (env, production) => {
    expect(loadConfig({ ...required, ...env }).production).toBe(production);
  });

  it('warns of a proxy that it does not know', () => {
    const of = (env: Record<string, string>) => loadConfig(env).warnings.filter((one) => one.startsWith('TRUST_PROXY'));
    const proxied = { PUBLIC_URL: 'https://coach.example.com' };
    expect(of(proxied)).toEqual([
      "TRUST_PROXY is not set: all clients count as one address, and anybody's wrong passwords can lock everybody out of the screen.",
    ]);
    expect(of({ ...proxied, TRUST_PROXY: 'loopback' })).toEqual([]);
    expect(of({ PUBLIC_URL: 'http://localhost:3000' })).toEqual([]);
  });

  it('accepts two signing keys during a rotation, and warns of it', () => {
    const { signingKeys, warnings } = loadConfig({ SIGNALWIRE_SIGNING_KEY: 'PSK_new, PSK_old' });
    expect(signingKeys).toEqual(['PSK_new', 'PSK_old']);
    expect(warnings).toContain('SIGNALWIRE_SIGNING_KEY has two keys, and both are accepted: remove the old one soon.');
    expect(loadConfig(production).warnings.join()).not.toContain('two keys');
  });

  it('refuses the room of the smoke test as the one that customers meet in', () => {
    expect(problemsOf({ CONFERENCE_NAME: 'smoke-test' })).toEqual([
      'CONFERENCE_NAME must be another room: this one is open to everybody in the roster.',
    ]);
  });

  it.each([
    ['PSK_1,', 'SIGNALWIRE_SIGNING_KEY, entry 2 is empty: remove a comma.'],
    [',', 'SIGNALWIRE_SIGNING_KEY, entry 1 is empty: remove a comma.'],
    ['a,b,c', 'SIGNALWIRE_SIGNING_KEY must be one key, or two while a new key replaces an old one.'],
  ])('refuses the signing keys %s', (SIGNALWIRE_SIGNING_KEY, problem) => {
    expect(problemsOf({ ...production, SIGNALWIRE_SIGNING_KEY })).toContain(problem);
  });

  it('listens on every address in production', () => {
    expect(loadConfig(production).host).toBeUndefined();
  });

  it.each([
    ['https://coach.example.com/', 'https://coach.example.com'],
    ['https://Coach.Example.com:443', 'https://coach.example.com'],
    ['https://coach.example.com:8443/calls//', 'https://coach.example.com:8443/calls'],
    ['http://localhost:3000', 'http://localhost:3000'],
  ])('reads PUBLIC_URL %s', (PUBLIC_URL, publicUrl) => {
    expect(loadConfig({ PUBLIC_URL }).publicUrl).toBe(publicUrl);
  });

  it.each([
    ['loopback, 10.0.0.0/8,fd00::/8', ['loopback', '10.0.0.0/8', 'fd00::/8']],
    ['0', 0],
  ])('reads TRUST_PROXY %s', (TRUST_PROXY, trustProxy) => {
    expect(loadConfig({ TRUST_PROXY }).trustProxy).toEqual(trustProxy);
  });

  it('percent-encodes what a url cannot hold', () => {
    expect(loadConfig({ WAIT_URL: 'https://cdn.example.com/a\u0001b c' }).waitUrl).toBe(
      'https://cdn.example.com/a%01b%20c',
    );
  });

  it('reads the nodes of a cluster', () => {
    expect(loadConfig({ REDIS_URL: 'redis://:pw@a:7000, redis://b:7001/' }).redisUrls).toEqual([
      'redis://:pw@a:7000',
      'redis://b:7001/',
    ]);
  });

  it.each(['', '?family=0', '?family=4', '?family=6'])('reads a Redis url with %j', (query) => {
    expect(loadConfig({ REDIS_URL: `redis://a:7000/1${query}` }).redisUrls).toEqual([`redis://a:7000/1${query}`]);
    expect(loadConfig({ REDIS_URL: `redis://a${query},redis://b${query}` }).redisUrls).toHaveLength(2);
  });

  it('names the parameter of a Redis url that it does not know, unless that may be a password', () => {
    expect(problemsOf({ REDIS_URL: 'redis://a,redis://b?family=0&tls=1' })).toEqual([
      'REDIS_URL must be without the parameter tls; only family is supported.',
    ]);
    expect(problemsOf({ REDIS_URL: 'redis://a?family=5' })).toEqual([
      'REDIS_URL must be without ?family=, or with ?family=0, 4 or 6.',
    ]);
    expect(problemsOf({ REDIS_URL: 'redis://user:12?secret=1@a' }).join()).not.toContain('secret');
  });

  it('reads all certificates of REDIS_TLS_CA, and says why it cannot', async () => {
    const [one, other] = await Promise.all([generateCertificate(), generateCertificate()]);
    const [first = '', second = ''] = [one, other].map(({ ca }) => readFileSync(ca, 'utf8').trim());
    const file = join(one.folder, 'bundle.pem');
    const problemWith = (content: string) => {
      writeFileSync(file, content);
      return problemsOf({ REDIS_TLS_CA: file });
    };
    expect(problemWith(`The first\n${first}\n\nThe second\r\n${second.replaceAll('\n', '\r\n')}`)).toEqual([]);
    expect(loadConfig({ REDIS_TLS_CA: file }).redisTls.ca).toHaveLength(2);
    expect(problemWith('')).toEqual(['REDIS_TLS_CA must be a PEM file with a certificate: it has none.']);
    expect(problemWith(readFileSync(join(one.folder, 'key.pem'), 'utf8'))).toHaveLength(1);
    expect(problemWith(first.replace(/\n.{20}/, '\n'))).toHaveLength(1);
    expect(problemsOf({ REDIS_TLS_CA: `${file}.gone` })).toEqual([
      'REDIS_TLS_CA must be a PEM file that can be read: ENOENT.',
    ]);
  });

  it('warns of TLS settings for Redis that weaken it, or have no effect', async () => {
    const { ca } = await generateCertificate();
    const warnings = (env: Record<string, string>) =>
      loadConfig(env).warnings.filter((warning) => warning.startsWith('REDIS_TLS'));
    const secure = { REDIS_URL: 'rediss://a' };
    expect(warnings({ ...secure, REDIS_TLS_CA: ca, REDIS_TLS_VERIFY: 'true' })).toEqual([]);
    expect(warnings({ ...secure, REDIS_TLS_VERIFY: 'false' })).toEqual([
      'REDIS_TLS_VERIFY is false: anyone on the way to Redis can read and change all data, and learn its password.',
    ]);
    for (const env of [{ REDIS_URL: 'redis://a' }, {}]) {
      expect(warnings({ ...env, REDIS_TLS_CA: ca, REDIS_TLS_VERIFY: 'false' })).toEqual([
        'REDIS_TLS_CA has no effect: REDIS_URL does not begin with rediss://.',
        'REDIS_TLS_VERIFY has no effect: REDIS_URL does not begin with rediss://.',
      ]);
    }
  });

  it.each([
    ['NODE_ENV', 'prodution'],
    ['PORT', 'abc'],
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '3000.5'],
    ['PORT', '0x10'],
    ['HOST', 'a b'],
    ['METRICS_PORT', '65536'],
    ['PUBLIC_URL', 'coach.example.com'],
    ['PUBLIC_URL', 'ftp://coach.example.com'],
    ['PUBLIC_URL', 'https://coach.example.com/conference'],
    ['PUBLIC_URL', 'https://coach.example.com/calls/coach/sales'],
    ['PUBLIC_URL', 'https://coach.example.com/?a=1'],
    ['PUBLIC_URL', 'https://user:pw@coach.example.com'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '10.0.0.0/8/8'],
    ['TRUST_PROXY', 'example.com'],
    ['LOG_LEVEL', 'loud'],
    ['MAX_CONNECTIONS_PER_ADDRESS', '0'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', 'http://localhost:6379'],
    ['REDIS_URL', 'redis://'],
    ['REDIS_URL', 'redis://u%zz:p@localhost'],
    ['REDIS_URL', 'redis://u:%ff@localhost'],
    ['REDIS_URL', 'redis://localhost/main'],
    ['REDIS_URL', 'redis://localhost?tls=1'],
    ['REDIS_URL', 'redis://localhost?family=5'],
    ['REDIS_URL', 'redis://localhost?family=0&family=4'],
    ['REDIS_URL', 'redis://user:12?secret=1@localhost'],
    ['REDIS_TLS_CA', 'no-such-file.pem'],
    ['REDIS_TLS_CA', __dirname],
    ['REDIS_TLS_CA', __filename],
    ['REDIS_TLS_VERIFY', 'no'],
    ['REDIS_URL', 'redis://a:7000/1,redis://b:7001'],
    ['REDIS_URL', 'redis://a:7000,rediss://b:7001'],
    ['REDIS_URL', 'redis://a:7000,'],
    ['SIGNALWIRE_SPACE_URL', 'example.signalwire.com/path'],
    ['SIGNALWIRE_PROJECT_ID', '../x'],
    ['CONFERENCE_NAME', 'a/b'],
    ['CONFERENCE_NAME', 'x'.repeat(65)],
    ['MODERATOR_NUMBERS', '+15557788999;+15557788998'],
    ['SUPERVISOR_NUMBERS', 'anyone'],
    ['PROMPT_LANGUAGE', 'fr'],
    ['PROMPT_LANGUAGE', 'en-GB'],
    ['WAIT_URL', '/wait.xml'],
    ['CALLER_NOTICE', 'a\nb'],
    ['CALLER_NOTICE', 'a\uFFFEb'],
    ['CALLER_NOTICE', 'a\uD800b'],
    ['CALLER_NOTICE', 'x'.repeat(4097)],
    ['MAX_CALL_SECONDS', '0'],
    ['MAX_CALL_SECONDS', '86401'],
    ['ANNOUNCE_IS_PRIVATE', 'yes'],
    ['ANNOUNCE_IS_PRIVATE', 'TRUE'],
    ['RECORD_CONFERENCES', 'record-from-start'],
    ['AUDIT_DAYS', '0'],
    ['AUDIT_DAYS', '3651'],
    ['AUDIT_DAYS', '1.5'],
    ['SWEEP_REQUESTS_PER_SECOND', '4'],
    ['SWEEP_REQUESTS_PER_SECOND', '1001'],
  ])('refuses %s=%j with a sentence that does not repeat it', (name, value) => {
    const rest = { SIGNALWIRE_SPACE_URL: 'a.b', SIGNALWIRE_PROJECT_ID: 'p', SIGNALWIRE_API_TOKEN: 't' };
    const problems = problemsOf({ ...(name.startsWith('SIGNALWIRE') && rest), [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} must be .*\\.$`));
    expect(value.length > 3 && problems[0]?.includes(`${value}.`)).toBe(false);
  });

  describe.each([
    ['"', 'in quotes ("…"): remove them; Docker keeps quotes.'],
    ["'", "in quotes ('…'): remove them; Docker keeps quotes."],
    ['`', 'in quotes (`…`): remove them; Docker keeps quotes.'],
  ])('a value in %s', (mark, problem) => {
    const values = {
      ...production,
      PORT: '8080',
      HOST: '::1',
      TRUST_PROXY: 'loopback,10.0.0.0/8',
      LOG_LEVEL: 'debug',
      LOG_FORMAT: 'json',
      DRAIN_SECONDS: '5',
      REDIS_URL: 'redis://a:7000,redis://b:7001',
      SIGNALWIRE_SPACE_URL: 'example.signalwire.com',
      SIGNALWIRE_PROJECT_ID: '5c1f-1',
      SIGNALWIRE_API_TOKEN: 'PT1',
      CONFERENCE_NAME: 'Sales 2',
      ROSTER_FILE: 'roster.json',
      PIN_KEY: '0123456789abcdef',
      PROMPT_LANGUAGE: 'en',
      WAIT_URL: 'https://cdn.example.com/wait.xml',
      CALLER_NOTICE: "It's supervised.",
      MODERATOR_NOTICE: 'coach',
      MODERATOR_NOTICE_TEXT: 'Your coach is here.',
      NOTICE_VOICE: 'Polly.Amy',
      NOTICE_LANGUAGE: 'en-GB',
      ANNOUNCE_IS_PRIVATE: 'true',
      MAX_CALL_SECONDS: '600',
      AUDIT_DAYS: '30',
      SWEEP_REQUESTS_PER_SECOND: '100',
    };
    const quote = (text: string) => mark + text + mark;

    it('is a problem in every setting, and hides no other', () => {
      for (const name of SETTING_NAMES) {
        expect(problemsOf({ ...values, [name]: quote('a value') })).toContain(`${name} is ${problem}`);
      }
      const all = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, quote(value)]));
      const quoted = [...SETTING_NAMES].filter((name) => name in all).map((name) => `${name} is ${problem}`);
      expect(problemsOf(all)).toEqual(quoted);
      expect(problemsOf({ ...all, PORT: quote('x') })).toEqual([
        ...quoted,
        'PORT must be a whole number from 0 to 65535.',
      ]);
    });

    it('is a problem when it is empty', () => {
      expect(problemsOf({ ...production, SIGNALWIRE_SIGNING_KEY: quote('') })).toEqual([
        `SIGNALWIRE_SIGNING_KEY is ${problem}`,
        expect.stringMatching(/^SIGNALWIRE_SIGNING_KEY must be set in production: /),
      ]);
    });

    it('is a problem as an entry of a list', () => {
      for (const name of ['MODERATOR_NUMBERS', 'SUPERVISOR_NUMBERS', 'TRUST_PROXY', 'REDIS_URL'] as const) {
        const [first = '', second = first] = values[name].split(',');
        expect(problemsOf({ [name]: `${first}, ${quote(second)}` })).toEqual([`${name}, entry 2 is ${problem}`]);
        expect(problemsOf({ [name]: `${quote(first)},${quote(second)}` })).toEqual([
          `${name}, entry 1 is ${problem}`,
          `${name}, entry 2 is ${problem}`,
        ]);
      }
      expect(problemsOf({ SIGNALWIRE_SIGNING_KEY: `PSK_1,${quote('PSK_2')}` })).toEqual([
        `SIGNALWIRE_SIGNING_KEY, entry 2 is ${problem}`,
      ]);
    });

    it('is a problem with one quote alone, unless it is a text', () => {
      for (const [name, value] of Object.entries(values)) {
        const isText = name === 'CALLER_NOTICE' || name === 'MODERATOR_NOTICE_TEXT';
        const list = value.includes(',');
        expect(problemsOf({ ...values, [name]: mark + value })).toEqual(
          isText
            ? []
            : [`${name}${list ? ', entry 1' : ''} begins with a quote (${mark}): remove it; Docker keeps quotes.`],
        );
        expect(problemsOf({ ...values, [name]: value + mark })).toEqual(
          isText
            ? []
            : [`${name}${list ? ', entry 2' : ''} ends with a quote (${mark}): remove it; Docker keeps quotes.`],
        );
      }
    });
  });

  const COMMENT = 'has a comment after the value: remove it; Docker keeps comments.';

  it.each([
    ['SIGNALWIRE_SIGNING_KEY', 'PSK_secret # of the main project', COMMENT],
    ['SIGNALWIRE_SIGNING_KEY', 'PSK_secret PSK_other', 'contains white space: remove it.'],
    ['SIGNALWIRE_API_TOKEN', 'PT_secret\t# read and write', COMMENT],
    ['SIGNALWIRE_PROJECT_ID', '5c1f-secret # id', COMMENT],
    ['PIN_KEY', '0123456789abcdef # all servers', COMMENT],
    ['MODERATOR_NUMBERS', '+15557788999, +15557788998 # Alice, Carol', COMMENT],
    ['PUBLIC_URL', 'https://coach.example.com # ours', COMMENT],
    ['REDIS_URL', 'redis://localhost # ours', COMMENT],
    ['WAIT_URL', 'https://cdn.example.com/wait.xml # music', COMMENT],
    ['PORT', '3000 #', COMMENT],
  ])('reports that %s has more than its value: %j', (name, value, problem) => {
    const rest = { SIGNALWIRE_SPACE_URL: 'a.b', SIGNALWIRE_PROJECT_ID: 'p', SIGNALWIRE_API_TOKEN: 't' };
    expect(problemsOf({ ...rest, [name]: value })).toEqual([`${name} ${problem}`]);
  });

  it('keeps a # in a spoken text', () => {
    expect(loadConfig({ CALLER_NOTICE: 'Press # now.' }).callerNotice).toBe('Press # now.');
  });

  it.each(['PSK_a;PSK_b', 'PSK_a#note', '“PSK_a”', '$KEY', 'PSK_…'])('refuses %s as a signing key', (key) => {
    expect(problemsOf({ SIGNALWIRE_SIGNING_KEY: key })).toEqual([
      'SIGNALWIRE_SIGNING_KEY has a character that no signing key has; two keys are separated by a comma.',
    ]);
  });

  it('warns of an API token in place of the signing key', () => {
    const { warnings } = loadConfig({ SIGNALWIRE_SIGNING_KEY: 'PT1234567890abcdef' });
    expect(warnings).toContain(
      'SIGNALWIRE_SIGNING_KEY begins with PT, as API tokens do: a signing key begins with PSK_.',
    );
  });

  it('refuses an API token in place of the signing key in production: every call would get 403', () => {
    expect(problemsOf({ ...production, SIGNALWIRE_SIGNING_KEY: 'PT1234567890abcdef' })).toEqual([
      'SIGNALWIRE_SIGNING_KEY begins with PT, as API tokens do: a signing key begins with PSK_.',
    ]);
  });

  it('asks about each variable that resembles a setting which is not set', () => {
    const { warnings } = loadConfig({
      ...production,
      CALLER_NOTISE: 'Calls may be supervised.',
      LOGLEVEL: 'debug',
      PORTS: '',
      HOSTNAME: 'a',
      PIN_KEYS: 'a',
      PIN_KEY: '0123456789abcdef',
    });
    expect(warnings.filter((warning) => warning.includes('did you mean'))).toEqual([
      'CALLER_NOTISE is not a setting: did you mean CALLER_NOTICE?',
      'LOGLEVEL is not a setting: did you mean LOG_LEVEL?',
    ]);
  });

  it('repeats nothing of a secret in quotes with a comment', () => {
    const problems = problemsOf({ SIGNALWIRE_SIGNING_KEY: '"PSK_secret" # of the main project' });
    expect(problems).toEqual([
      `SIGNALWIRE_SIGNING_KEY ${COMMENT}`,
      'SIGNALWIRE_SIGNING_KEY is in quotes ("…"): remove them; Docker keeps quotes.',
    ]);
  });

  it.each([
    ['SIGNALWIRE_SIGNING_KEY', 'SIGNALWIRE_SIGNIN_KEY', 'it proves that a webhook comes from your Space.'],
    ['SIGNALWIRE_SIGNING_KEY', 'SIGNING_KEY', 'it proves that a webhook comes from your Space.'],
    ['SIGNALWIRE_SIGNING_KEY', 'signalwire_signing_key', 'it proves that a webhook comes from your Space.'],
    ['PUBLIC_URL', 'PUBLIC_URI', 'it is the address your Space calls, and part of every signature.'],
    [
      'MODERATOR_NUMBERS',
      'MODERATOR_NUMBER',
      'without a moderator, here or in a ROSTER_FILE, no conference can start.',
    ],
    ['SUPERVISOR_NUMBERS', 'APP_SUPERVISOR_NUMBERS', 'without it, or a ROSTER_FILE, nobody may supervise.'],
  ])('asks whether %s was meant by %s', (name, misspelt, purpose) => {
    expect(problemsOf({ ...production, [name]: '', [misspelt]: 'a-secret' })).toEqual([
      `${name} must be set in production: ${purpose} ${misspelt} is set: did you mean ${name}?`,
    ]);
  });

  it('asks about a misspelt ROSTER_FILE where nobody is named', () => {
    const { MODERATOR_NUMBERS: _, ...rest } = production;
    expect(problemsOf({ ...rest, ROSTERFILE: 'roster.json' })).toEqual([
      'MODERATOR_NUMBERS must be set in production: without a moderator, here or in a ROSTER_FILE, no conference can start. ROSTERFILE is set: did you mean ROSTER_FILE?',
    ]);
  });

  it('asks about names that resemble a setting of the REST API', () => {
    expect(problemsOf({ SIGNALWIRE_PROJECT_ID: 'p-1', SIGNALWIRE_SPACE: 'a.b', SIGNALWIRE_TOKEN: 'a-secret' })).toEqual(
      [
        'SIGNALWIRE_SPACE_URL and SIGNALWIRE_API_TOKEN must be set too: the REST API needs SIGNALWIRE_SPACE_URL, SIGNALWIRE_PROJECT_ID, SIGNALWIRE_API_TOKEN together. SIGNALWIRE_SPACE is set: did you mean SIGNALWIRE_SPACE_URL? SIGNALWIRE_TOKEN is set: did you mean SIGNALWIRE_API_TOKEN?',
      ],
    );
  });

  it('asks about misspelt names in the warnings too', () => {
    const { warnings } = loadConfig({
      ...production,
      REDIS_URI: 'redis://localhost',
      SPACE_URL: 'a.b',
      TRUST_PROXIES: '1',
    });
    expect(warnings).toEqual([
      "TRUST_PROXY is not set: all clients count as one address, and anybody's wrong passwords can lock everybody out of the screen.",
      'REDIS_URL is not set: state is kept in memory. A restart loses the rooms and the audit trail, and only one server may run. REDIS_URI is set: did you mean REDIS_URL?',
      'SIGNALWIRE_SPACE_URL is not set: the server cannot mute a supervisor whose agent leaves, and cannot make up for lost callbacks. SPACE_URL is set: did you mean SIGNALWIRE_SPACE_URL?',
    ]);
  });

  it.each([
    ['is empty', { SIGNALWIRE_SIGNIN_KEY: ' ' }],
    ['is another setting', { SIGNALWIRE_SPACE_URL: 'a.b', SIGNALWIRE_PROJECT_ID: 'p', SIGNALWIRE_API_TOKEN: 't' }],
    ['resembles another setting more', { SIGNALWIRE_API_TOKE: 't' }],
  ])('does not ask about a name that %s', (_what, env) => {
    expect(problemsOf({ ...production, SIGNALWIRE_SIGNING_KEY: '', ...env })).toEqual([
      'SIGNALWIRE_SIGNING_KEY must be set in production: it proves that a webhook comes from your Space.',
    ]);
  });

  const noNumber = 'must be a telephone number in E.164 form, such as +15557788999.';

  it.each([
    ['+1 555 778 8999', '(***8999): remove the spaces.'],
    ['+1\u00a0555\u00a0778\u00a08999', '(***8999): remove the spaces.'],
    ['+1-555-778-8999', '(***8999): remove the dashes.'],
    ['+1–555–778–8999', '(***8999): remove the dashes.'],
    ['+1(555)7788999', '(***8999): remove the brackets.'],
    ['+1.555.778.8999', '(***8999): remove the dots.'],
    ['+1 (555) 778-8999', '(***8999): remove the spaces, brackets and dashes.'],
    ['\u202a+15557788999\u202c', '(***8999): remove the invisible characters.'],
    ['15557788999', '(***8999): put + before the country code.'],
    ['1 555 778 8999', '(***8999): remove the spaces; put + before the country code.'],
    ['0015557788999', '(***8999): write + instead of 00.'],
    ['00 1555-7788999', '(***8999): remove the spaces and dashes; write + instead of 00.'],
    ['05557788999', '(***8999): write + and the country code instead of 0.'],
    ['', 'is empty: remove a comma.'],
    [' ', 'is empty: remove a comma.'],
    ['anyone', noNumber],
    ['+155577', noNumber],
    ['+15557788999;+15557788998', 'must be one number: separate numbers by commas.'],
    ['+15557788999 +15557788998', noNumber],
    ['+15557788999x12', noNumber],
    ['+1５５５7788999', noNumber],
  ])('names the entry of a list that is no telephone number, and what to do: %j', (entry, problem) => {
    const numbers = Array.from({ length: 30 }, (_, index) => `+155500020${index + 10}`);
    for (const position of [0, 6, 29]) {
      const list = numbers.with(position, entry).join(', ').concat(',+15550009999');
      for (const name of ['MODERATOR_NUMBERS', 'SUPERVISOR_NUMBERS']) {
        expect(problemsOf({ [name]: list })).toEqual([`${name}, entry ${position + 1} ${problem}`]);
      }
    }
  });

  it('names no entry of a list of one', () => {
    expect(problemsOf({ MODERATOR_NUMBERS: '15557788999' })).toEqual([
      'MODERATOR_NUMBERS (***8999): put + before the country code.',
    ]);
  });

  it('names every bad entry of a list', () => {
    expect(problemsOf({ MODERATOR_NUMBERS: '+1 5550002222,+15557788999,,0015557788999,' })).toEqual([
      'MODERATOR_NUMBERS, entry 1 (***2222): remove the spaces.',
      'MODERATOR_NUMBERS, entry 3 is empty: remove a comma.',
      'MODERATOR_NUMBERS, entry 4 (***8999): write + instead of 00.',
      'MODERATOR_NUMBERS, entry 5 is empty: remove a comma.',
    ]);
    const noProxy = 'must be an address, a network such as 10.0.0.0/8, loopback, linklocal or uniquelocal.';
    expect(problemsOf({ TRUST_PROXY: 'loopback,10.0.0.0/33,,example.com,1' })).toEqual([
      `TRUST_PROXY, entry 2 ${noProxy}`,
      'TRUST_PROXY, entry 3 is empty: remove a comma.',
      `TRUST_PROXY, entry 4 ${noProxy}`,
      `TRUST_PROXY, entry 5 ${noProxy}`,
    ]);
  });

  it.each(['Büro', 'a/b', 'Zoë', 'x'.repeat(65)])(
    'says which letters a room name may have, for %s',
    (CONFERENCE_NAME) => {
      expect(problemsOf({ CONFERENCE_NAME })).toEqual([
        'CONFERENCE_NAME must be 1 to 64 letters A–Z without accents, digits, spaces, _, . or -, with no space at either end.',
      ]);
    },
  );

  it.each([
    ['8080', '8080', false],
    ['', '3000', false],
    ['0', '0', true],
    ['8080', '8081', true],
    ['8080', '', true],
  ])('lets PORT=%s and METRICS_PORT=%s be together: %s', (PORT, METRICS_PORT, isAccepted) => {
    const problems = isAccepted ? [] : ['METRICS_PORT must differ from PORT: set another METRICS_PORT.'];
    expect(problemsOf({ PORT, METRICS_PORT })).toEqual(problems);
  });

  it('reports every problem at once', () => {
    expect(
      problemsOf({ NODE_ENV: 'production', PORT: 'x', SUPERVISOR_NUMBERS: 'y', PUBLIC_URL: 'http://a.b' }),
    ).toEqual([
      'PORT must be a whole number from 0 to 65535.',
      'SUPERVISOR_NUMBERS must be a telephone number in E.164 form, such as +15557788999.',
      'SIGNALWIRE_SIGNING_KEY must be set in production: it proves that a webhook comes from your Space.',
      'MODERATOR_NUMBERS must be set in production: without a moderator, here or in a ROSTER_FILE, no conference can start.',
      'PUBLIC_URL must begin with https:// in production.',
    ]);
  });

  it.each(['SIGNALWIRE_SIGNING_KEY', 'PUBLIC_URL', 'MODERATOR_NUMBERS', 'SUPERVISOR_NUMBERS'])(
    'does not start in production without %s, nor with an empty one',
    (name) => {
      for (const value of ['', '  ']) {
        expect(problemsOf({ ...production, [name]: value })).toEqual([
          expect.stringMatching(new RegExp(`^${name} must be set in production: `)),
        ]);
      }
    },
  );

  it('lets a roster name the people', () => {
    const { MODERATOR_NUMBERS: _, SUPERVISOR_NUMBERS: __, ...rest } = production;
    expect(loadConfig({ ...rest, ROSTER_FILE: 'roster.json' })).toMatchObject({
      moderatorNumbers: [],
      supervisorNumbers: [],
    });
    const { moderatorNumbers, supervisorNumbers, warnings } = loadConfig({ ROSTER_FILE: 'roster.json' });
    expect([moderatorNumbers, supervisorNumbers]).toEqual([[], []]);
    expect(warnings.join()).not.toMatch(/MODERATOR_NUMBERS|SUPERVISOR_NUMBERS/);
  });

  it('takes the settings of an identity provider together only', () => {
    expect(problemsOf({ OIDC_ISSUER: 'https://login.example.com', OIDC_CLIENT: 'coach' })).toEqual([
      'OIDC_CLIENT_ID and OIDC_CLIENT_SECRET must be set too: signing in at an identity provider needs OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET together. OIDC_CLIENT is set: did you mean OIDC_CLIENT_ID?',
    ]);
  });

  it.each([
    'login.example.com',
    'ftp://login.example.com',
    'https://login.example.com?a=b',
    'https://a:b@login.example.com',
  ])('refuses the issuer %s', (OIDC_ISSUER) => {
    expect(problemsOf({ OIDC_ISSUER, OIDC_CLIENT_ID: 'coach', OIDC_CLIENT_SECRET: 'secret' })).toEqual([
      "OIDC_ISSUER must be your identity provider's issuer, such as https://login.example.com, without a query.",
    ]);
  });

  it('accepts an issuer by http in development only', () => {
    const oidc = { OIDC_ISSUER: 'http://localhost:8080', OIDC_CLIENT_ID: 'coach', OIDC_CLIENT_SECRET: 'secret' };
    expect(loadConfig(oidc).oidc?.issuer).toBe('http://localhost:8080');
    expect(problemsOf({ ...production, ...oidc })).toEqual([
      'OIDC_ISSUER must begin with https:// in production: anybody on the way could sign in as anyone.',
    ]);
  });

  it('requires a long SESSION_SECRET', () => {
    expect(loadConfig({ SESSION_SECRET: 'x'.repeat(32) }).sessionSecret).toBe('x'.repeat(32));
    expect(problemsOf({ SESSION_SECRET: 'x'.repeat(31) })).toEqual([
      'SESSION_SECRET must have at least 32 characters. To make one: openssl rand -hex 32.',
    ]);
  });

  it('requires a long PIN_KEY in production, and warns of a short one in development', () => {
    expect(loadConfig({ PIN_KEY: 'x' }).warnings).toContain(
      'PIN_KEY is shorter than 16 characters; production requires 16.',
    );
    expect(problemsOf({ ...production, PIN_KEY: 'x'.repeat(15) })).toEqual([
      'PIN_KEY is shorter than 16 characters; production requires 16. To make one: openssl rand -hex 32.',
    ]);
    expect(loadConfig({ PIN_KEY: 'x' }).pinKey).toBe('x');
  });

  it.each([
    ['not at all', {}, []],
    ['never', { MODERATOR_NOTICE: 'never' }, []],
    [
      'without REST',
      { MODERATOR_NOTICE: 'always', ANNOUNCE_IS_PRIVATE: 'true' },
      ['MODERATOR_NOTICE is always but has no effect: notices need the REST API, set SIGNALWIRE_SPACE_URL.'],
    ],
    [
      'by what callers might hear',
      { MODERATOR_NOTICE: 'coach', ANNOUNCE_IS_PRIVATE: 'false', ...rest },
      [
        'MODERATOR_NOTICE is coach but has no effect: callers might hear the notice. If you have tested that they do not, set ANNOUNCE_IS_PRIVATE=true.',
      ],
    ],
    ['in private', { MODERATOR_NOTICE: 'always', ANNOUNCE_IS_PRIVATE: 'true', ...rest }, []],
  ])('warns of a moderator notice without effect: %s', (_how, env, expected) => {
    const about = loadConfig(env).warnings.filter((warning) => /MODERATOR_NOTICE|ANNOUNCE/.test(warning));
    expect(about).toEqual(expected);
  });

  it.each([
    ['ANNOUNCE_IS_PRIVATE', 'true', { announceIsPrivate: true }],
    ['RECORD_CONFERENCES', 'true', { recordConferences: true }],
    ['RECORD_CONFERENCES', 'false', { recordConferences: false }],
    ['ANNOUNCE_IS_PRIVATE', 'false', { announceIsPrivate: false }],
    ['ANNOUNCE_IS_PRIVATE', ' ', { announceIsPrivate: false }],
    ['AUDIT_DAYS', '1', { auditDays: 1 }],
    ['AUDIT_DAYS', '3650', { auditDays: 3_650 }],
    ['AUDIT_DAYS', '', { auditDays: 365 }],
    ['SWEEP_REQUESTS_PER_SECOND', '5', { sweepRequestsPerSecond: 5 }],
    ['SWEEP_REQUESTS_PER_SECOND', '1000', { sweepRequestsPerSecond: 1_000 }],
  ])('reads %s=%j', (name, value, expected) => {
    expect(loadConfig({ [name]: value })).toMatchObject(expected);
  });

  it('requires the three settings of the REST API together', () => {
    expect(problemsOf({ SIGNALWIRE_PROJECT_ID: 'p-1' })).toEqual([
      'SIGNALWIRE_SPACE_URL and SIGNALWIRE_API_TOKEN must be set too: the REST API needs SIGNALWIRE_SPACE_URL, SIGNALWIRE_PROJECT_ID, SIGNALWIRE_API_TOKEN together.',
    ]);
  });

  it('sends the API token unencrypted only in development', () => {
    const rest = {
      SIGNALWIRE_SPACE_URL: 'http://127.0.0.1:9000',
      SIGNALWIRE_PROJECT_ID: 'p-1',
      SIGNALWIRE_API_TOKEN: 't',
    };
    expect(loadConfig(rest).space?.url).toBe('http://127.0.0.1:9000');
    expect(problemsOf({ ...production, ...rest })).toEqual([
      'SIGNALWIRE_SPACE_URL must not begin with http:// in production: it would expose the API token.',
    ]);
  });
});
