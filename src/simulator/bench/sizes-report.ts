import { createMemoryStore, createRedisStore, type Store, waitForStore } from '../../stores';
import { write } from './output';
import { type Cost, MEASURED, measureSizes, type Size } from './sizes';

const SIZES: readonly Size[] = [
  { rooms: 10, supervisors: 2 },
  { rooms: 10_000, supervisors: 2_000 },
];
const LIFETIME_MS = 3_600_000;

/** Prints the cost of requests by the number of rooms, in memory and in Redis. */
export async function reportSizes(redisUrl: string): Promise<void> {
  const kinds: Record<string, (index: number) => Store> = {
    memory: () => createMemoryStore({ lifetimeMs: LIFETIME_MS, monotonicNow: Date.now, now: Date.now }),
    Redis: (index) =>
      createRedisStore({
        urls: [`${redisUrl}/${index}`],
        lifetimeMs: LIFETIME_MS,
        auditMs: LIFETIME_MS,
        timeoutMs: 5_000,
        onConnection: () => {},
      }),
  };
  write('cost of a request              10 rooms           10,000 rooms, 2,000 supervisors   ratio of CPU time');
  for (const [name, create] of Object.entries(kinds)) {
    const stores = SIZES.map((size, index) => ({ store: create(index), size }));
    await Promise.all(stores.map(({ store }) => waitForStore(store, 5_000)));
    const [small, large] = await measureSizes(stores);
    for (const kind of MEASURED) {
      const [one, other] = [small?.[kind], large?.[kind]] as [Cost, Cost];
      const ms = ({ cpuMs, waitMs }: Cost) => `${cpuMs.toFixed(2)} ms CPU, ${waitMs.toFixed(2)} ms`.padEnd(28);
      write(
        `${`${name} ${kind}`.padEnd(22)} ${ms(one)} ${ms(other)} ${(other.cpuMs / one.cpuMs).toFixed(2).padStart(8)}`,
      );
    }
    for (const { store } of stores) {
      store.close();
    }
  }
}
