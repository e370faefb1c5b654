/** Our server with the live feed at `/feed`, to measure the feed alone; `/feed-counters` tells what it counted. */
import { createServer as createHttpServer } from 'node:http';
import { pino } from 'pino';
import { createLiveFeed } from '../../api/live-feed';
import { loadConfig } from '../../config';
import { createRoster } from '../../people/roster';
import { isOpen, type RoomState, targetOf } from '../../rooms/room';
import { createServer } from '../../server';
import { createRedisStore } from '../../stores';

const LIFETIME_MS = 3_600_000;

const config = loadConfig(process.env);
const store = createRedisStore({
  urls: [process.env.REDIS_URL ?? ''],
  lifetimeMs: LIFETIME_MS,
  auditMs: LIFETIME_MS,
  timeoutMs: 800,
  onConnection: () => {},
});
const common = {
  log: pino({ level: 'silent' }),
  now: Date.now,
  monotonicNow: () => performance.now(),
};
const server = createServer({
  ...common,
  config,
  publicUrl: process.env.PUBLIC_URL ?? '',
  roster: createRoster(config),
  store,
  space: undefined,
  draining: new AbortController().signal,
  refusals: { add() {} },
  sleep: async () => {},
});
const feed = createLiveFeed({ ...common, store: store.rooms, render: viewOf });

/** About as long as what a screen needs. */
function viewOf(state: RoomState, now: number): object {
  const { room, conference, stays, at } = state;
  return { room, conference, at, now, target: targetOf(state)?.callSid, participants: stays.filter(isOpen) };
}

createHttpServer((req, res) => {
  if (req.url === '/feed') {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const lastEventId = req.headers['last-event-id'];
    const reader = { rooms: 'all', isStillAllowed: () => true } as const;
    res.on('close', feed.subscribe(reader, typeof lastEventId === 'string' ? lastEventId : undefined, res));
  } else if (req.url === '/feed-counters') {
    const { readers, lateSends, dropped } = feed;
    res.end(JSON.stringify({ readers, lateSends, dropped }));
  } else {
    server.handle(req, res);
  }
}).listen(Number(process.env.PORT), '127.0.0.1');
