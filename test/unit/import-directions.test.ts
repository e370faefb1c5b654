import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const SRC = join(__dirname, '../../src');

/** A folder may import itself and the layers below it. Biome checks that no imports form a cycle. */
const LAYERS = [
  ['metrics'],
  ['http'],
  ['dashboard'],
  ['calls', 'api'],
  ['supervision'],
  ['people'],
  ['rooms'],
  ['signalwire', 'redis'],
  ['ops'],
];

/** Files outside the layers put the server together: they may import everything but the simulator. */
const COMPOSITION = /^(?:[^/]+|(?:cli|settings)\/.*)$/;

/** The only files that may import these packages. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  '@signalwire/compatibility-api': /^(?:calls|signalwire|simulator\/bench)\//,
  'prom-client': /^metrics\//,
  ioredis: /^redis\/|\/redis-[^/]+$|^people\/pin-limiter\.ts$|^simulator\/bench\//,
};

const layerOf = (folder: string) => LAYERS.findIndex((layer) => layer.includes(folder));

function isAllowed(file: string, source: string): boolean {
  if (!source.startsWith('.')) {
    return PACKAGES[source]?.test(file) ?? true;
  }
  const [from = '', to = ''] = [file, posix.join(posix.dirname(file), source)].map((path) => path.split('/')[0]);
  if (from === 'simulator' || from === to) {
    return true;
  }
  if (COMPOSITION.test(file)) {
    return to !== 'simulator';
  }
  return layerOf(from) >= 0 && layerOf(from) < layerOf(to);
}

/** What a file imports or re-exports, also for its types alone. */
function sourcesOf(text: string): string[] {
  return [...text.matchAll(/\b(?:from|import|require)\b\s*\(?\s*'([^']+)'/g)].map(([, source = '']) => source);
}

describe('imports', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.tsx?$/.test(file) && !file.includes('/browser/'),
  );

  it('go one way', () => {
    const imports = files.flatMap((file) =>
      sourcesOf(readFileSync(join(SRC, file), 'utf8')).map((source) => ({ file, source })),
    );
    expect(imports.length).toBeGreaterThan(files.length);
    expect(imports.filter(({ file, source }) => !isAllowed(file, source))).toEqual([]);
  });

  it.each([
    ['from below', 'rooms/rooms.ts', '../supervision/trail'],
    ['from the side', 'calls/coach.ts', '../api/views'],
    ['from below', 'api/api.ts', '../dashboard/board'],
    ['from the side', 'redis/redis-connection.ts', '../signalwire/sid'],
    ['of the settings from below', 'calls/laml.ts', '../config'],
    ['of a command from below', 'http/app.ts', '../cli/audit'],
    ['of the simulator', 'main.ts', './simulator/demo'],
    ['of the simulator from below', 'http/app.ts', '../simulator/space'],
    ['from a folder without a layer', 'new/file.ts', '../ops/log'],
    ['of the SDK elsewhere', 'rooms/sweep.ts', '@signalwire/compatibility-api'],
    ['of ioredis elsewhere', 'rooms/sweep.ts', 'ioredis'],
    ['of metrics from below', 'http/app.ts', '../metrics/metrics'],
    ['of prom-client elsewhere', 'server.ts', 'prom-client'],
  ])('are refused %s: %s imports %s', (_what, file, source) => {
    expect(isAllowed(file, source)).toBe(false);
  });
});
