import dns from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadConfig } from '../../src/config';
import { createRedisStore, type Store, waitForStore } from '../../src/store/store';
import { atEnd } from '../support/at-end';
import { type Certificate, generateAuthority, generateCertificate } from '../support/certificate';
import { startRedis } from '../support/redis-server';
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
    timeoutMs: START_MS,
    onConnection: () => {},
  });
  atEnd(() => store.close());
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
  atEnd(() => server.close());
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

describe('REDIS_TLS_CA and REDIS_TLS_VERIFY', () => {
  it('trust a Redis by its authority', async () => {
    const signed = await generateCertificate({ issuer: await generateAuthority() });
    const { tlsPort } = await startTlsRedis(signed);
    const store = connected({ REDIS_URL: `rediss://localhost:${tlsPort}`, REDIS_TLS_CA: signed.ca });
    await waitForStore(store, 5_000);
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
    atEnd(() => lookup.mockRestore());
  }

  /** The port of a Redis at this address alone. */
  async function redisAt(address: string): Promise<number> {
    const redis = await startRedis();
    atEnd(() => redis.dispose());
    return address === '127.0.0.1' ? redis.port : listening(relayTo(redis.port), address);
  }

  it.each([
    ['127.0.0.1', both],
    ['::1', both],
    ['127.0.0.1', both.toReversed()],
    ['::1', both.toReversed()],
  ])('does not matter: Redis at %s alone, the name %j', async (address, addresses) => {
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
