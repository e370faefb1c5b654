import { pino } from 'pino';
import { startConferenceCoach } from '../conference-coach';
import { loadConfig } from '../config';
import type { Call } from './call';
import { createSpace } from './space';
import { TUTORIAL_CAST } from './tutorial';

const SIGNING_KEY = 'PSK_bench';
const ROOMS = 125;
/** Who enters each room, in this order: 500 calls in all. */
const ROLES = [
  { role: 'moderators', from: TUTORIAL_CAST.alice, path: 'conference' },
  { role: 'first callers', from: TUTORIAL_CAST.bob, path: 'conference' },
  { role: 'second callers', from: '+15550003333', path: 'conference' },
  { role: 'supervisors', from: TUTORIAL_CAST.ted, path: 'coach' },
] as const;

/** `npm run bench`: 500 calls at once, the server and the Space in this one process; what they take of it. */
async function main(): Promise<void> {
  const config = loadConfig({ PORT: '0', SIGNALWIRE_SIGNING_KEY: SIGNING_KEY });
  const server = await startConferenceCoach(config, pino({ level: 'silent' }));
  const space = createSpace({ signingKey: SIGNING_KEY });
  const rooms: Call[][] = Array.from({ length: ROOMS }, () => []);
  const startedAt = performance.now();
  report('before the first call', 0, 0);

  for (const { role, from, path } of ROLES) {
    const since = performance.now();
    for (const [index, room] of rooms.entries()) {
      room.push(space.call({ from, to: '+15550009999', url: `${server.publicUrl}/${path}/room-${index}` }));
    }
    await space.rest();
    report(`${ROOMS} ${role} are in`, space.hearing().size, performance.now() - since);
  }

  const wrong = rooms.filter(([moderator, first, second, supervisor]) => {
    const heardBy = (call?: Call) => call?.hearing().voices.length;
    const counts = [heardBy(moderator), heardBy(first), heardBy(second), heardBy(supervisor)];
    return counts.join() !== '3,2,2,3';
  });

  const since = performance.now();
  for (const [moderator] of rooms) {
    moderator?.hangUp();
  }
  await space.rest();
  report('moderators have hung up', space.hearing().size, performance.now() - since);
  write(`${wrong.length} of ${ROOMS} rooms were wrong about who hears whom.`);
  write(`${space.callbacks().delivered} status callbacks, ${space.callbacks().lost} lost.`);
  write(`${Math.round(performance.now() - startedAt)} ms in all.`);
  space.close();
  await server.stop();
  process.exitCode = wrong.length > 0 || space.hearing().size > 0 ? 1 : 0;
}

function report(what: string, calls: number, ms: number): void {
  const { rss, heapUsed } = process.memoryUsage();
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`.padStart(8);
  const numbers = `${String(calls).padStart(4)} calls ${`${Math.round(ms)} ms`.padStart(8)}`;
  write(`${what.padEnd(30)} ${numbers}   resident ${mib(rss)}   heap ${mib(heapUsed)}`);
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error) => {
  process.stderr.write(`bench: ${error.stack}\n`);
  process.exit(1);
});
