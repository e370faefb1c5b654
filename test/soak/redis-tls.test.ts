import dns from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startConferenceCoach } from '../../src/conference-coach';
import { loadConfig } from '../../src/config';
import { createLog } from '../../src/ops/log';
import { createRedisStore, type Store, waitForStore } from '../../src/stores';
import { type Certificate, generateAuthority, generateCertificate } from '../support/certificate';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';
import { startTlsCluster, startTlsRedis } from '../support/tls-redis';

/** What the server gives Redis at the start. */
const START_MS = 800;

let certificate: Certificate;

beforeAll(async () => {
  certificate = await generateCertificate();
});

/** A store with these settings, as the server connects it. */
function connected(env: Record<string, string>): Store {
  const { redisUrls, redisTls } = loadConfig(env);
  const store = createRedisStore({
    urls: redisUrls,
    tls: redisTls,
    lifetimeMs: 60_000,
    auditMs: 3_600_000,
    timeoutMs: START_MS,
    onConnection: () => {},
  });
  onTestFinished(() => store.close());
  return store;
}

/** Why the server would not start with these settings. */
async function refusalOf(env: Record<string, string>, waitMs = START_MS): Promise<{ code: string; message: string }> {
  try {
    await waitForStore(connected(env), waitMs);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('It is connected.');
}

/** Lets a server of the test's own listen, and closes it at the end. Returns its port. */
async function listening(server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Passes connections on to this port. */
function relayTo(port: number): Server {
  return createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => near.resetAndDestroy()).pipe(near);
  });
}

/** One url, and the same node twice, which is a cluster. */
const kinds: [string, (url: string) => string][] = [
  ['a Redis', (url) => url],
  ['a Redis Cluster', (url) => `${url},${url}`],
];

describe.each(kinds)('the url of %s', (_kind, nodes) => {
  it('with redis:// for a port that speaks TLS is refused', async () => {
    const { tlsPort } = await startTlsRedis(certificate);
    expect(await refusalOf({ REDIS_URL: nodes(`redis://:hunter2@localhost:${tlsPort}`) })).toMatchObject({
      code: 'misconfigured',
      message: `REDIS_URL: localhost:${tlsPort} speaks TLS; use rediss:// instead of redis://.`,
    });
  });

  it.each([[[]], [['--requirepass', 'hunter2']]])(
    'with rediss:// for a port without TLS is refused %j',
    async (args) => {
      const redis = await startRedis(args);
      onTestFinished(() => redis.dispose());
      expect(await refusalOf({ REDIS_URL: nodes(`rediss://:hunter2@localhost:${redis.port}`) })).toMatchObject({
        code: 'misconfigured',
        message: `REDIS_URL: localhost:${redis.port} does not speak TLS; use redis://, or turn TLS on there.`,
      });
    },
  );

  it.each<[string, string, string, () => Promise<Certificate>]>([
    ['signed by itself', 'self-signed certificate', 'name its CA in REDIS_TLS_CA', generateCertificate],
    [
      'of an unknown authority',
      'unable to verify the first certificate',
      'name its CA in REDIS_TLS_CA',
      async () => generateCertificate({ issuer: await generateAuthority() }),
    ],
    [
      'that has expired',
      'certificate has expired',
      'Redis needs another certificate',
      () => generateCertificate({ notAfterDate: new Date('2020-01-01') }),
    ],
  ])('with a certificate %s is refused', async (_what, reason, remedy, generate) => {
    const { tlsPort } = await startTlsRedis(await generate());
    const REDIS_URL = nodes(`rediss://localhost:${tlsPort}`);
    const { code, message } = await refusalOf({ REDIS_URL });
    expect(code).toBe('misconfigured');
    expect(message).toContain(
      `REDIS_URL: the certificate of localhost:${tlsPort} is not accepted (${reason}): ${remedy}. `,
    );
    expect(message).toContain('REDIS_TLS_VERIFY=false');
  });

  it('with a certificate from another authority than REDIS_TLS_CA is refused', async () => {
    const { tlsPort } = await startTlsRedis(certificate);
    const { message } = await refusalOf({
      REDIS_URL: nodes(`rediss://localhost:${tlsPort}`),
      REDIS_TLS_CA: (await generateCertificate()).ca,
    });
    expect(message).toContain('(self-signed certificate): REDIS_TLS_CA is not its CA. ');
  });

  it('with a certificate for another host is refused', async () => {
    const other = await generateCertificate({ host: 'redis.example.com' });
    const { tlsPort } = await startTlsRedis(other);
    const { code, message } = await refusalOf({
      REDIS_URL: nodes(`rediss://localhost:${tlsPort}`),
      REDIS_TLS_CA: other.ca,
    });
    expect(code).toBe('misconfigured');
    expect(message).toMatch(
      /is not accepted \(.*redis\.example\.com\): Redis needs another certificate\. .*REDIS_TLS_VERIFY=false/,
    );
  });

  it('of a server that requires a client certificate is refused', async () => {
    const { tlsPort } = await startTlsRedis(certificate, [
      '--tls-auth-clients',
      'yes',
      '--tls-ca-cert-file',
      certificate.ca,
    ]);
    expect(
      await refusalOf({ REDIS_URL: nodes(`rediss://localhost:${tlsPort}`), REDIS_TLS_CA: certificate.ca }),
    ).toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/requires a client certificate.*tls-auth-clients no/),
    });
  });

  it.each(['redis', 'rediss'])('with %s:// is not refused while nothing listens', async (scheme) => {
    const port = await freePort();
    expect(await refusalOf({ REDIS_URL: nodes(`${scheme}://localhost:${port}`) })).toMatchObject({
      code: 'unavailable',
    });
  });

  it.each(['redis', 'rediss'])('with %s:// is not refused while a proxy closes connections', async (scheme) => {
    const port = await listening(createServer((socket) => void socket.on('error', () => {}).end()));
    expect(await refusalOf({ REDIS_URL: nodes(`${scheme}://localhost:${port}`) })).toMatchObject({
      code: 'unavailable',
    });
  });

  it.each(['redis', 'rediss'])('with %s:// is not refused while Redis hangs', async (scheme) => {
    const redis = await startTlsRedis(certificate);
    redis.freeze();
    const port = scheme === 'redis' ? redis.port : redis.tlsPort;
    // Longer than the questions to the port wait.
    const { code } = await refusalOf({ REDIS_URL: nodes(`${scheme}://localhost:${port}`) }, 2_500);
    expect(code).toBe('unavailable');
  });
});

it('reports TLS, whatever server answers', async () => {
  const [cert, key] = ['cert.pem', 'key.pem'].map((file) => readFileSync(join(certificate.folder, file)));
  const port = await listening(createTlsServer({ cert, key }).on('tlsClientError', () => {}));
  const { code, message } = await refusalOf({ REDIS_URL: `redis://localhost:${port}` });
  expect([code, message]).toEqual(['misconfigured', expect.stringContaining('speaks TLS; use rediss://')]);
});

it('reports the certificate of a node that only the cluster names', async () => {
  const { tlsPort } = await startTlsCluster(certificate, '127.0.0.1');
  const url = `rediss://localhost:${tlsPort}`;
  const { code, message } = await refusalOf({ REDIS_URL: `${url},${url}`, REDIS_TLS_CA: certificate.ca });
  expect(code).toBe('misconfigured');
  expect(message).toContain(`the certificate of 127.0.0.1:${tlsPort} is not accepted`);
});

describe('REDIS_TLS_CA and REDIS_TLS_VERIFY', () => {
  it('trust a Redis by its authority', async () => {
    const signed = await generateCertificate({ issuer: await generateAuthority() });
    const { tlsPort } = await startTlsRedis(signed);
    const store = connected({ REDIS_URL: `rediss://localhost:${tlsPort}`, REDIS_TLS_CA: signed.ca });
    await waitForStore(store, 5_000);
  });

  it('trust no other authority', async () => {
    const { tlsPort } = await startTlsRedis(certificate);
    const { ca } = await generateAuthority();
    const { code } = await refusalOf({ REDIS_URL: `rediss://localhost:${tlsPort}`, REDIS_TLS_CA: ca });
    expect(code).toBe('misconfigured');
  });

  it('accept any certificate if told to', async () => {
    const expired = await generateCertificate({ host: 'redis.example.com', notAfterDate: new Date('2020-01-01') });
    const { tlsPort } = await startTlsRedis(expired);
    await waitForStore(connected({ REDIS_URL: `rediss://localhost:${tlsPort}`, REDIS_TLS_VERIFY: 'false' }), 5_000);
  });

  it.each<[string, (ca: string) => Record<string, string>]>([
    ['an authority', (ca) => ({ REDIS_TLS_CA: ca })],
    ['any certificate', () => ({ REDIS_TLS_VERIFY: 'false' })],
  ])('hold for every node of a cluster: %s', async (_what, settings) => {
    const { tlsPort } = await startTlsCluster(certificate);
    const url = `rediss://localhost:${tlsPort}`;
    await waitForStore(connected({ REDIS_URL: `${url},${url}`, ...settings(certificate.ca) }), 5_000);
  });
});

describe('at run time', () => {
  it('the log says once why Redis is missing, calls continue, and the server connects once that is fixed', async () => {
    const port = await freePort();
    let right: RedisServer | undefined;
    onTestFinished(() => right?.dispose());
    const lines: string[] = [];
    const log = createLog('info', { write: (line) => void lines.push(line) });
    const server = await startConferenceCoach(
      loadConfig({ PORT: '0', REDIS_URL: `redis://:hunter2@localhost:${port}` }),
      log,
    );
    onTestFinished(() => server.stop(0));
    const { tlsPort } = await startTlsRedis(certificate);
    let connections = 0;
    const wrong = relayTo(tlsPort).on('connection', () => connections++);
    await listening(wrong, '127.0.0.1', port);
    // An attempt, and the question that follows it, three times.
    await eventually(() => expect(connections).toBeGreaterThan(6));
    const told = lines.filter((line) => line.includes('speaks TLS'));
    expect(told).toHaveLength(1);
    expect(JSON.parse(told[0] ?? '')).toMatchObject({
      level: 'error',
      err: { message: `REDIS_URL: localhost:${port} speaks TLS; use rediss:// instead of redis://.` },
      msg: 'Redis refuses this server; calls continue without it, retrying',
    });
    const response = await fetch(`http://127.0.0.1:${server.port}/conference`, {
      method: 'POST',
      body: new URLSearchParams({ CallSid: 'alice-1', From: '+15557788999' }),
    });
    expect(await response.text()).toContain('startConferenceOnEnter="true"');
    wrong.close();
    right = await startRedis(['--requirepass', 'hunter2'], port);
    await eventually(() => expect(lines.join('')).toContain('Redis connected'));
    expect(lines.join('')).not.toContain('hunter2');
  });
});

describe('the family of addresses', () => {
  const both = [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ];

  /** Lets redis.test have these addresses. */
  function resolveTo(addresses: typeof both): void {
    const lookup = jest.spyOn(dns, 'lookup').mockImplementation(((
      _host: string,
      options: { all?: boolean; family?: number },
      done: (error: Error | null, address: unknown, family?: number) => void,
    ) => {
      const found = addresses.filter(({ family }) => !options.family || options.family === family);
      process.nextTick(() => (options.all ? done(null, found) : done(null, found[0]?.address, found[0]?.family)));
    }) as unknown as typeof dns.lookup);
    onTestFinished(() => lookup.mockRestore());
  }

  /** The port of a Redis at this address alone. */
  async function redisAt(address: string): Promise<number> {
    const redis = await startRedis();
    onTestFinished(() => redis.dispose());
    return address === '127.0.0.1' ? redis.port : listening(relayTo(redis.port), address);
  }

  it.each([
    ['127.0.0.1', both],
    ['::1', both],
    ['127.0.0.1', both.toReversed()],
    ['::1', both.toReversed()],
  ])('does not matter: Redis only at %s, the name %j', async (address, addresses) => {
    const port = await redisAt(address);
    resolveTo(addresses);
    await Promise.all(
      ['', '?family=0'].map((query) =>
        waitForStore(connected({ REDIS_URL: `redis://redis.test:${port}${query}` }), 5_000),
      ),
    );
  });

  it.each([
    ['127.0.0.1', 4, 6],
    ['::1', 6, 4],
  ])('can be chosen: Redis at %s', async (address, right, wrong) => {
    const port = await redisAt(address);
    resolveTo(both);
    const url = `redis://redis.test:${port}?family=`;
    await waitForStore(connected({ REDIS_URL: url + right }), 5_000);
    expect(await refusalOf({ REDIS_URL: url + wrong })).toMatchObject({ code: 'unavailable' });
  });

  it('can be chosen by a literal address', async () => {
    const port = await redisAt('::1');
    await waitForStore(connected({ REDIS_URL: `redis://[::1]:${port}` }), 5_000);
  });

  it('holds for the nodes of a cluster', async () => {
    const redis = await startTlsCluster(certificate);
    resolveTo(both);
    const url = `redis://redis.test:${redis.port}?family=`;
    expect(await refusalOf({ REDIS_URL: `${url}6,${url}6` })).toMatchObject({ code: 'unavailable' });
    await waitForStore(connected({ REDIS_URL: `${url}0,${url}0` }), 5_000);
  });
});
