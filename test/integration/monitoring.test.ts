import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import { createMetrics } from '../../src/metrics/metrics';

const DOCS = join(__dirname, '../../docs');
const page = readFileSync(join(DOCS, 'metrics.md'), 'utf8');

/** The labels of each metric that the server serves, by its name. */
const served = new Map<string, string[]>();

beforeAll(async () => {
  const metrics = createMetrics();
  metrics.timeRoute('/supervisor')('answered', 1);
  metrics.timeStore('read', 1, 'unavailable');
  metrics.timeRest('findCall')('ok', 1);
  metrics.onCallback({ kind: 'joined', ageMs: 0, hasChanged: true });
  metrics.watch({
    store: {
      changes: async () => ({ rooms: [], position: '', isWritable: true }),
      list: async () => ({ rooms: [], now: 0, problems: [] }),
      read: () => Promise.reject(new Error('no room')),
    },
    pendingEvents: () => ({ rooms: 0, refusals: 0 }),
    droppedLines: () => 0,
  });
  const { text } = await metrics.scrape();
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+) /gm)) {
    const [, labels = ''] = new RegExp(`^${name}(?:_count)?(?:{(.*)})? `, 'm').exec(text) ?? [];
    served.set(
      name,
      [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    );
  }
});

it('the page has every metric of ours with its labels, and no other', () => {
  const rows = [...page.matchAll(/^\| `(conference_coach_\w+)` \|(.*?)\|/gm)];
  const documented = rows.map(([, name, labels = '']) => [
    name,
    [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
  ]);
  const own = [...served].filter(([name]) => name.startsWith('conference_coach_'));
  expect(documented.sort()).toEqual(own.sort());
});
