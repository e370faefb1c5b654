import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startConferenceCoach } from '../../src/conference-coach';
import { loadConfig } from '../../src/config';
import { createLog } from '../../src/ops/log';
import { UserError } from '../../src/ops/user-error';
import { generateCertificate } from '../support/certificate';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { PIN_KEY, rosterText } from '../support/roster';
import { temporaryFolder } from '../support/temporary-folder';
import { startTlsRedis } from '../support/tls-redis';

function problemsOf(error: unknown): readonly string[] {
  if (error instanceof UserError) {
    return error.problems;
  }
  throw error;
}

interface Start {
  /** What the program would write behind its name; nothing if the server started. */
  sentences: readonly string[];
  log: string;
}

/** Starts a server with these settings, on a port of the system's choice; it is stopped at the end. */
async function start(env: Record<string, string>): Promise<Start> {
  const lines: string[] = [];
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  let sentences: readonly string[] = [];
  try {
    const server = await startConferenceCoach(loadConfig({ PORT: '0', ...env }), log);
    onTestFinished(() => server.stop(0));
  } catch (error) {
    sentences = problemsOf(error);
  }
  return { sentences, log: lines.join('') };
}

async function expectRefusal(env: Record<string, string>, sentence: string | RegExp): Promise<void> {
  const { sentences } = await start(env);
  expect(sentences).toEqual([typeof sentence === 'string' ? sentence : expect.stringMatching(sentence)]);
}

async function startStore(args: string[] = []): Promise<RedisServer> {
  const redis = await startRedis(args);
  onTestFinished(() => redis.dispose());
  return redis;
}

/** The port of a server of the test's own, which is closed at the end. */
async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.close());
  return (server.address() as AddressInfo).port;
}

it('a server that cannot listen closes its store', async () => {
  const redis = await startStore();
  const port = await portOf(createServer());
  const config = loadConfig({ PORT: String(port), REDIS_URL: redis.url });
  await expect(startConferenceCoach(config, createLog('silent', { write() {} }))).rejects.toThrow(UserError);
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  await eventually(async () =>
    expect(
      String(await client.client('LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1),
  );
});

describe('a server does not start, and a sentence says why,', () => {
  it("when the host is not this machine's", () =>
    expectRefusal({ HOST: '192.0.2.1' }, /^HOST 192\.0\.2\.1 is not an address of this machine/));

  it('when the Redis url is invalid', () =>
    expectRefusal({ REDIS_URL: 'localhost:6379' }, /^REDIS_URL must be a url such as /));

  it('when Redis refuses the password', async () => {
    const redis = await startStore(['--requirepass', 'right-secret']);
    const sentence = /^REDIS_URL: login refused; wrong user or password \(WRONGPASS/;
    await expectRefusal({ REDIS_URL: `redis://:wrong-secret@127.0.0.1:${redis.port}` }, sentence);
    await expectRefusal(
      { REDIS_URL: redis.url },
      /^REDIS_URL: login refused; Redis requires a password, and the url has none \(NOAUTH/,
    );
  });

  it('when Redis has no such database, and writes nothing to another', async () => {
    const redis = await startStore();
    await expectRefusal({ REDIS_URL: `${redis.url}/99` }, /REDIS_URL: no such database .*DB index is out of range/);
  });

  it('when several urls name a Redis that is not a cluster', async () => {
    const { url } = await startStore();
    await expectRefusal(
      { REDIS_URL: `${url},${url}` },
      /REDIS_URL: not a Redis Cluster; name a single url .*cluster support disabled/,
    );
  });

  it('when the server at the Redis url is not a Redis', async () => {
    const port = await portOf(
      createServer((socket) => {
        socket.on('error', () => {});
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      }),
    );
    await expectRefusal({ REDIS_URL: `redis://127.0.0.1:${port}` }, /^REDIS_URL: not a Redis server/);
  });

  it('when Redis speaks TLS and the url does not, or vice versa', async () => {
    const { port, tlsPort } = await startTlsRedis(await generateCertificate());
    await expectRefusal(
      { REDIS_URL: `redis://:hunter2@localhost:${tlsPort}` },
      `REDIS_URL: localhost:${tlsPort} speaks TLS; use rediss:// instead of redis://.`,
    );
    await expectRefusal(
      { REDIS_URL: `rediss://:hunter2@localhost:${port}` },
      `REDIS_URL: localhost:${port} does not speak TLS; use redis://, or turn TLS on there.`,
    );
  });

  it('when the certificate of Redis is not trusted', async () => {
    const { tlsPort } = await startTlsRedis(await generateCertificate());
    await expectRefusal(
      { REDIS_URL: `rediss://localhost:${tlsPort}` },
      `REDIS_URL: the certificate of localhost:${tlsPort} is not accepted (self-signed certificate): name its CA in REDIS_TLS_CA. For a test, REDIS_TLS_VERIFY=false accepts any.`,
    );
  });

  it('when REDIS_TLS_CA cannot be read', () =>
    expectRefusal(
      { REDIS_URL: 'rediss://localhost', REDIS_TLS_CA: 'redis-ca.pem' },
      'REDIS_TLS_CA must be a PEM file that can be read: ENOENT.',
    ));

  it('when production lacks the signing key', () =>
    expectRefusal(
      {
        NODE_ENV: 'production',
        PUBLIC_URL: 'https://coach.example.com',
        MODERATOR_NUMBERS: '+15557788999',
        SUPERVISOR_NUMBERS: '+15550002222',
        SIGNALWIRE_SIGNING_KEY: '',
      },
      'SIGNALWIRE_SIGNING_KEY must be set in production: it proves that a webhook comes from your Space.',
    ));
});

it('trusts the authority of REDIS_TLS_CA, or with a warning any certificate', async () => {
  const { ca, ...certificate } = await generateCertificate();
  const { tlsPort } = await startTlsRedis({ ca, ...certificate });
  const REDIS_URL = `rediss://localhost:${tlsPort}?family=0`;
  const warning = 'REDIS_TLS_VERIFY is false: anyone on the way to Redis can read and change all data';
  for (const [settings, isLoud] of [
    [{ REDIS_TLS_CA: ca }, false] as const,
    [{ REDIS_TLS_VERIFY: 'false' }, true] as const,
  ]) {
    const { sentences, log } = await start({ REDIS_URL, ...settings });
    expect([sentences, log]).toEqual([[], expect.stringContaining('Redis connected')]);
    expect(log.includes(warning)).toBe(isLoud);
  }
});

describe('in the image', () => {
  const dockerfile = readFileSync(join(__dirname, '../../Dockerfile'), 'utf8');
  const [, lastStage = ''] = dockerfile.split(/^FROM (?!.* AS )/m);
  const imageEnv = Object.fromEntries(
    [...lastStage.matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  );

  it.each(['', '  '])('NODE_ENV=%j is production: the server does not start without its settings', async (NODE_ENV) => {
    const { sentences } = await start({ ...imageEnv, NODE_ENV });
    expect(sentences.map((sentence) => sentence.replace(/ must be set in production: .*/, ''))).toEqual([
      'SIGNALWIRE_SIGNING_KEY',
      'PUBLIC_URL',
      'MODERATOR_NUMBERS',
      'SUPERVISOR_NUMBERS',
    ]);
  });

  it('quotes that Docker passes on stop the start, and their content is not shown', async () => {
    const settings = { SIGNALWIRE_SIGNING_KEY: '"PSK_secret"', NODE_ENV: '"development"' };
    expect(await start({ ...imageEnv, ...settings })).toEqual({
      sentences: [
        'NODE_ENV is in quotes ("…"): remove them; Docker keeps quotes.',
        'SIGNALWIRE_SIGNING_KEY is in quotes ("…"): remove them; Docker keeps quotes.',
      ],
      log: '',
    });
  });

  it('NODE_ENV=development selects development', async () => {
    const { sentences, log } = await start({ ...imageEnv, NODE_ENV: 'development' });
    expect([sentences, log]).toEqual([[], expect.stringContaining('is listening')]);
  });
});

it('says in one line of the log what is on and off', async () => {
  const featuresOf = ({ log }: Start) => {
    const line = log.split('\n').find((text) => text.includes('is listening')) ?? '';
    const { on, off } = JSON.parse(line);
    return { on, off };
  };
  const all = ['signatures', 'redis', 'rest', 'roster', 'pins', 'sso', 'callouts', 'notices', 'recording', 'metrics'];
  expect(featuresOf(await start({}))).toEqual({ on: [], off: all });
  const ROSTER_FILE = join(temporaryFolder(), 'roster.json');
  await writeFile(ROSTER_FILE, '{}');
  const redis = await startStore();
  const settings = {
    SIGNALWIRE_SIGNING_KEY: 'PSK_1',
    REDIS_URL: redis.url,
    SIGNALWIRE_SPACE_URL: 'http://127.0.0.1:9',
    SIGNALWIRE_PROJECT_ID: 'project',
    SIGNALWIRE_API_TOKEN: 'PT1',
    ROSTER_FILE,
    PIN_KEY,
    OIDC_ISSUER: 'http://127.0.0.1:9',
    OIDC_CLIENT_ID: 'coach',
    OIDC_CLIENT_SECRET: 'secret',
    CALLER_ID: '+15550009999',
    ANNOUNCE_IS_PRIVATE: 'true',
    MODERATOR_NOTICE: 'coach',
    RECORD_CONFERENCES: 'true',
    METRICS_PORT: '0',
  };
  expect(featuresOf(await start(settings))).toEqual({ on: all, off: [] });
  // Without what it needs, nothing of this happens.
  const { SIGNALWIRE_SPACE_URL, SIGNALWIRE_PROJECT_ID, SIGNALWIRE_API_TOKEN, ...withoutRest } = settings;
  expect(featuresOf(await start(withoutRest)).off).toEqual(['rest', 'callouts', 'notices']);
});

it('follows the roster as long as it serves: nobody who is removed gets in during a drain', async () => {
  const ROSTER_FILE = join(temporaryFolder(), 'roster.json');
  await writeFile(ROSTER_FILE, '{"moderators":[{"name":"Alice","number":"+15557788999"}]}');
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const server = await startConferenceCoach(loadConfig({ PORT: '0', ROSTER_FILE }), log);
  // The file is looked at once a second.
  const stopped = server.stop(3_000);
  await writeFile(ROSTER_FILE, '{}');
  await stopped;
  expect(lines.join('')).toContain('"moderators":0');
});

describe('a roster', () => {
  const ALICE = { name: 'Alice', number: '+15550004444', pin: '24680' };
  const TED = { name: 'Ted', number: '+15550005555', pin: '13579' };
  const production = {
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://coach.example.com',
    SIGNALWIRE_SIGNING_KEY: 'PSK_1',
  };

  it.each<[what: string, text: string, env: Record<string, string>, sentences: string[]]>([
    [
      'it is no JSON',
      '{"moderators": [\n]\n24680}',
      {},
      ['FILE, line 3, column 1: this is not JSON: a comma is missing before this.'],
    ],
    [
      'a PIN stands in it instead of its hash',
      JSON.stringify({ moderators: [{ ...ALICE }], supervisors: [{ ...TED, number: '15550005555' }] }),
      {},
      [
        'FILE: moderators, entry 1 (Alice), pin must be what `npm run roster -- set-pin` writes for a PIN: 64 of 0-9 and a-f.',
        'FILE: supervisors, entry 1 (Ted), number (***5555): put + before the country code.',
        'FILE: supervisors, entry 1 (Ted), pin must be what `npm run roster -- set-pin` writes for a PIN: 64 of 0-9 and a-f.',
      ],
    ],
    [
      'there is no key for its PINs',
      rosterText({ supervisors: [TED] }),
      { PIN_KEY: '' },
      ['PIN_KEY must be set: 1 person in FILE has a PIN. Set the key that PINs were hashed with.'],
    ],
    [
      'it names no moderator in production',
      rosterText({ supervisors: [TED] }),
      production,
      ['FILE: name a moderator here or in MODERATOR_NUMBERS. Without one, no conference can start.'],
    ],
    [
      'it names nobody in production',
      '{}',
      production,
      [
        'FILE: name a moderator here or in MODERATOR_NUMBERS. Without one, no conference can start.',
        'FILE: name a supervisor here or in SUPERVISOR_NUMBERS. Without one, nobody may supervise.',
      ],
    ],
    [
      'the name of the key for its PINs is misspelt',
      rosterText({ moderators: [ALICE], supervisors: [TED] }),
      { PIN_KEY: '', PINKEY: PIN_KEY },
      [
        'PIN_KEY must be set: 2 people in FILE have a PIN. Set the key that PINs were hashed with. PINKEY is set: did you mean PIN_KEY?',
      ],
    ],
  ])('stops the start when %s', async (_what, text, env, sentences) => {
    const file = join(temporaryFolder(), 'roster.json');
    await writeFile(file, text);
    const refusal = await start({ ROSTER_FILE: file, PIN_KEY, ...env });
    expect(refusal.sentences).toEqual(sentences.map((sentence) => sentence.replace('FILE', file)));
    expect(refusal.log + refusal.sentences).not.toMatch(/24680|13579|is listening/);
  });

  it('stops the start when its file is missing', async () => {
    const ROSTER_FILE = '/nowhere/roster.json';
    expect((await start({ ROSTER_FILE })).sentences).toEqual([
      `Cannot read ROSTER_FILE ${ROSTER_FILE}: ENOENT: no such file or directory, open '${ROSTER_FILE}'. Set it to a JSON file that can be read.`,
    ]);
  });
});
