import { pino } from 'pino';
import { startConferenceCoach } from '../../conference-coach';
import { loadConfig } from '../../config';
import type { Call } from '../call';
import { createSpace, type Space } from '../space';
import { TUTORIAL_CAST } from '../tutorial';
import { write } from './output';

const SIGNING_KEY = 'PSK_bench';
const ROOMS = 125;
/** Who enters each room, in this order: 500 calls in all. */
const ROLES = [
  { role: 'moderators', from: TUTORIAL_CAST.alice, path: 'conference' },
  { role: 'first callers', from: TUTORIAL_CAST.bob, path: 'conference' },
  { role: 'second callers', from: '+15550003333', path: 'conference' },
  { role: 'supervisors', from: TUTORIAL_CAST.ted, path: 'coach' },
] as const;

/**
 * Places 500 calls at once, with server and Space in this process, and prints the time and memory they take.
 *
 * @returns whether everybody heard the right people
 */
export async function reportCalls(): Promise<boolean> {
  const config = loadConfig({ PORT: '0', SIGNALWIRE_SIGNING_KEY: SIGNING_KEY });
  const server = await startConferenceCoach(config, pino({ level: 'silent' }));
  report('before the first call', 0, 0);
  const isRight = [await fillRooms(server.publicUrl), await fillOneRoom(server.publicUrl)];
  await server.stop(0);
  return isRight.every(Boolean);
}

/** 125 rooms of four. Returns whether everybody heard the right people. */
async function fillRooms(url: string): Promise<boolean> {
  const space = createSpace({ signingKey: SIGNING_KEY });
  const rooms: Call[][] = Array.from({ length: ROOMS }, () => []);
  for (const { role, from, path } of ROLES) {
    const since = performance.now();
    for (const [index, room] of rooms.entries()) {
      room.push(space.call({ from, url: `${url}/${path}/room-${index}` }));
    }
    await space.runUntilIdle();
    report(`${ROOMS} ${role} are in`, space.hearing().size, performance.now() - since);
  }
  const hearing = space.hearing();
  const wrong = rooms.filter((room) => room.map((call) => hearing.get(call)?.voices.length).join() !== '3,2,2,3');
  write(`  ${wrong.length} of ${ROOMS} rooms were wrong about who hears whom.`);
  // Supervisors must hang up: they would wait for the next conversation.
  const leaving = rooms.flat().filter(({ from }) => from === TUTORIAL_CAST.alice || from === TUTORIAL_CAST.ted);
  return (await hangUp(space, leaving, 'moderators, supervisors left')) && wrong.length === 0;
}

/** One room of 500. Returns whether everybody heard everybody. */
async function fillOneRoom(url: string): Promise<boolean> {
  const space = createSpace({ signingKey: SIGNING_KEY });
  const since = performance.now();
  const moderator = space.call({ from: TUTORIAL_CAST.alice, url: `${url}/conference/one` });
  for (let index = 1; index < ROOMS * ROLES.length; index++) {
    space.call({ from: TUTORIAL_CAST.bob, url: `${url}/conference/one` });
  }
  await space.runUntilIdle();
  const hearing = space.hearing();
  report('all are in one room', hearing.size, performance.now() - since);
  const wrong = [...hearing.values()].filter(({ voices }) => voices.length !== hearing.size - 1);
  write(`  ${wrong.length} of ${hearing.size} calls were wrong about who hears whom.`);
  return (await hangUp(space, [moderator], 'their moderator has hung up')) && wrong.length === 0;
}

/** Returns whether every call ended. */
async function hangUp(space: Space, calls: readonly Call[], what: string): Promise<boolean> {
  const since = performance.now();
  for (const call of calls) {
    call.hangUp();
  }
  await space.runUntilIdle();
  report(what, space.hearing().size, performance.now() - since);
  const { delivered, refused } = space.callbacks();
  write(`  ${delivered} status callbacks were taken, ${refused} were not.`);
  space.close();
  return space.hearing().size === 0;
}

function report(what: string, calls: number, ms: number): void {
  const { rss, heapUsed } = process.memoryUsage();
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`.padStart(8);
  const numbers = `${String(calls).padStart(4)} calls ${`${Math.round(ms)} ms`.padStart(8)}`;
  write(`${what.padEnd(30)} ${numbers}   resident ${mib(rss)}   heap ${mib(heapUsed)}`);
}
