import { once } from 'node:events';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { eventually, freePort, type RedisServer, startRedis } from './redis-server';

/** Real redis-servers that form a Redis Cluster of primaries without replicas. */
export interface RedisCluster {
  nodes: RedisServer[];
  urls: string[];
  dispose(): Promise<void>;
}

const SLOTS = 16_384;

/** Starts `size` nodes and waits until they agree on who has which slots. */
export async function startRedisCluster(size: number): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: size }, startNode));
  const clients = nodes.map(({ url }) => new Redis(url));
  const [first] = nodes;
  await Promise.all(
    clients.map(async (client, index) => {
      const from = Math.floor((index * SLOTS) / size);
      const to = Math.floor(((index + 1) * SLOTS) / size) - 1;
      await client.cluster('ADDSLOTS', ...Array.from({ length: to - from + 1 }, (_, slot) => from + slot));
      await client.cluster('MEET', '127.0.0.1', first?.port ?? 0);
    }),
  );
  await eventually(async () => {
    for (const client of clients) {
      const info = String(await client.cluster('INFO'));
      if (!info.includes('cluster_state:ok') || !info.includes(`cluster_slots_ok:${SLOTS}`)) {
        throw new Error(`The cluster is not complete: ${info}`);
      }
    }
  }, 20_000);
  for (const client of clients) {
    await client.quit();
  }
  return {
    nodes,
    urls: nodes.map(({ url }) => url),
    async dispose() {
      await Promise.all(nodes.map((node) => node.dispose()));
    },
  };
}

async function startNode(): Promise<RedisServer> {
  return startRedis(['--cluster-enabled', 'yes'], await freeClusterPort());
}

/** The nodes of a cluster talk on a second port, 10,000 above the first: both must be free. */
export async function freeClusterPort(): Promise<number> {
  const port = await freePort();
  return port <= 55_535 && (await isFree(port + 10_000)) ? port : freeClusterPort();
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
