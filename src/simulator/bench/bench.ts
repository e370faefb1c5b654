import { parseArgs } from 'node:util';
import { reportCalls } from './calls';
import { reportFeed } from './feed-report';
import { write } from './output';
import { reportMemory, reportStart } from './process-report';
import { startRedis } from './processes';
import { reportRequests } from './requests-report';
import { reportSizes } from './sizes-report';

/** The parts of the bench, in order. Each resolves to whether its targets were met. */
const PARTS: Readonly<Record<string, (redisUrl: string) => Promise<boolean>>> = {
  requests: reportRequests,
  start: reportStart,
  memory: reportMemory,
  calls: reportCalls,
  feed: reportFeed,
  sizes: (redisUrl) => reportSizes(redisUrl).then(() => true),
};

/** `npm run bench`: CPU per request, start, memory, 500 calls at once, the live feed, and the effect of the number of rooms. */
async function main(): Promise<void> {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  if (only !== undefined && !(only in PARTS)) {
    throw new Error(`--only takes one of: ${Object.keys(PARTS).join(', ')}.`);
  }
  const results: boolean[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    if (only === undefined || name === only) {
      const redis = await startRedis();
      results.push(await part(redis.url));
      await redis.stop();
      write('');
    }
  }
  process.exitCode = results.every(Boolean) ? 0 : 1;
}

main().catch((error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exit(1);
});
