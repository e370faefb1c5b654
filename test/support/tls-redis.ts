import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Certificate } from './certificate';
import { onTestFinished } from './on-test-finished';
import { freeClusterPort } from './redis-cluster';
import { eventually, freePort, type RedisServer, startRedis } from './redis-server';

/** A real redis-server with a port for TLS besides the plain one of `port` and `url`. */
export interface TlsRedisServer extends RedisServer {
  tlsPort: number;
}

/** Starts one that asks for no client certificate; `args` are more of its command line. It is disposed of at the end. */
export async function startTlsRedis(
  { folder }: Certificate,
  args: readonly string[] = [],
  options: { port?: number; tlsPort?: number } = {},
): Promise<TlsRedisServer> {
  const { port, tlsPort = await freePort() } = options;
  const files = ['--tls-cert-file', join(folder, 'cert.pem'), '--tls-key-file', join(folder, 'key.pem')];
  const tls = ['--tls-port', String(tlsPort), ...files, '--tls-auth-clients', 'no'];
  const redis = await startRedis([...tls, ...args], port);
  onTestFinished(() => redis.dispose());
  return { ...redis, tlsPort };
}

/** A Redis Cluster of one node, which clients are sent to with TLS at the host `announced`. */
export async function startTlsCluster(certificate: Certificate, announced = 'localhost'): Promise<TlsRedisServer> {
  const [port, tlsPort] = [await freeClusterPort(), await freeClusterPort()];
  const announcement =
    announced === 'localhost'
      ? ['--cluster-announce-hostname', announced, '--cluster-preferred-endpoint-type', 'hostname']
      : ['--cluster-announce-ip', announced];
  const args = ['--cluster-enabled', 'yes', '--tls-cluster', 'yes', '--tls-ca-cert-file', certificate.ca];
  const node = await startTlsRedis(certificate, [...args, ...announcement], { port, tlsPort });
  const admin = new Redis(node.url);
  await admin.cluster('ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => slot));
  await eventually(async () => {
    if (!String(await admin.cluster('INFO')).includes('cluster_state:ok')) {
      throw new Error('The cluster is not complete');
    }
  });
  await admin.quit();
  return node;
}
