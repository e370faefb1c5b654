import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { MEASURED, type Measured, measureSizes } from '../../src/simulator/bench/sizes';
import { createMemoryStore, createRedisStore, type Store, waitForStore } from '../../src/stores';
import { onTestFinished } from '../support/on-test-finished';
import { startRedis } from '../support/redis-server';

const LIFETIME_MS = 3_600_000;

/** How much a large store holds, which takes a while to fill. */
const LARGE = { rooms: 10_000, supervisors: 2_000 };

/**
 * How many times as much processor time a request may take in a large store as among 10 rooms. Generous, as `npm run bench`
 * measures better; but one look at every room would be many times as much. A menu of all rooms has to look at each.
 */
const MAX_RATIO = { '/conference': 2, '/coach': 2, callback: 2, '/supervisor': 32 } as const satisfies Record<
  Measured,
  number
>;

/** How long a menu of all rooms may take, in milliseconds of processor time: a busy machine does not count. */
const MAX_MENU_MS = 50;

it.each<[string, () => Promise<(database: number) => Store>]>([
  ['memory', async () => () => createMemoryStore({ lifetimeMs: LIFETIME_MS, monotonicNow: Date.now, now: Date.now })],
  [
    'Redis',
    async () => {
      const redis = await startRedis();
      onTestFinished(() => redis.dispose());
      return (database) =>
        createRedisStore({
          urls: [`${redis.url}/${database}`],
          lifetimeMs: LIFETIME_MS,
          auditMs: LIFETIME_MS,
          timeoutMs: 5_000,
          onConnection: () => {},
        });
    },
  ],
])(
  `among ${LARGE.rooms} rooms a call costs as much as among 10, and a menu is quick, with %s`,
  async (_name, prepare) => {
    const create = await prepare();
    const stores = [
      { store: create(0), size: { rooms: 10, supervisors: 2 } },
      { store: create(1), size: LARGE },
    ];
    for (const { store } of stores) {
      onTestFinished(() => store.close());
      await waitForStore(store, 5_000);
    }
    const [small, large] = await measureSizes(stores);
    const ratioOf = (kind: Measured) => (large?.[kind].cpuMs ?? 0) / (small?.[kind].cpuMs ?? 0);
    const tooHigh = MEASURED.filter((kind) => !(ratioOf(kind) < MAX_RATIO[kind]));
    expect(tooHigh.map((kind) => `${kind}: ${ratioOf(kind).toFixed(1)} times`)).toEqual([]);
    expect(large?.['/supervisor'].cpuMs).toBeLessThan(MAX_MENU_MS);
  },
  120_000,
);

it.each([
  ['is not loaded without METRICS_PORT', {}, false],
  ['is loaded with it', { METRICS_PORT: '0' }, true],
])('prom-client %s', (_what, env, isLoaded) => {
  const dist = (file: string) => JSON.stringify(join(__dirname, '../../dist', file));
  const script = `
    const { loadConfig } = require(${dist('config.js')});
    const { startConferenceCoach } = require(${dist('conference-coach.js')});
    const log = require('pino')({ level: 'silent' });
    startConferenceCoach(loadConfig({ PORT: '0', ...${JSON.stringify(env)} }), log).then(() => {
      console.log(Object.keys(require.cache).some((file) => file.includes('prom-client')));
      process.exit();
    });`;
  expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim()).toBe(String(isLoaded));
});
