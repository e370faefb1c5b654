import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createLiveFeed, type FeedReader, type LiveFeedOptions } from '../../src/api/live-feed';
import { isOpen, type RoomName, type RoomState } from '../../src/rooms/room';
import { createRedisStore, type Store } from '../../src/stores';
import { parseEvents } from '../support/feed-output';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

const [sales, support] = [roomNamed('sales'), roomNamed('support')];

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.dispose());

beforeEach(async () => {
  const client = new Redis(redis.url);
  await client.flushall();
  await client.quit();
});

type View = { room: string; calls: string[] };
const view = ({ room, stays }: RoomState): View => ({
  room,
  calls: stays.filter(isOpen).map(({ callSid }) => callSid),
});

/** A server with a feed, and a store of its own over the same Redis. */
async function startServer(options: Partial<LiveFeedOptions> = {}) {
  const store = createRedisStore({
    urls: [redis.url],
    lifetimeMs: 60_000,
    auditMs: 60_000,
    timeoutMs: 800,
    onConnection: () => {},
  });
  await eventually(() => store.ping());
  const feed = createLiveFeed({
    store: store.rooms,
    render: view,
    now: Date.now,
    monotonicNow: () => performance.now(),
    log: pino({ level: 'silent' }),
    heartbeatMs: 500,
    ...options,
  });
  const server = createServer((req, res) => {
    const room = new URL(req.url ?? '', 'http://x').searchParams.get('room');
    const reader: FeedReader = {
      owner: 'token wallboard',
      rooms: room === null ? 'all' : new Set([room as RoomName]),
      isStillAllowed: () => true,
    };
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders();
    res.on('close', feed.subscribe(reader, req.headers['last-event-id'] as string | undefined, res));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(async () => {
    await feed.close(() => 1_000);
    server.closeAllConnections();
    server.close();
    store.close();
  });
  return { feed, store, port };
}

/** A reader at a server. */
async function read(
  port: number,
  { lastEventId, path = '/' }: { lastEventId?: string | undefined; path?: string } = {},
) {
  const request = get({ port, host: '127.0.0.1', path, headers: lastEventId ? { 'last-event-id': lastEventId } : {} });
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const reader = {
    text: '',
    response,
    isOver: false,
    close: () => request.destroy(),
    get events() {
      return parseEvents(this.text.slice(0, this.text.lastIndexOf('\n\n') + 2)).filter(
        ({ event }) => event !== 'heartbeat',
      );
    },
    get lastEventId() {
      return parseEvents(this.text)
        .map(({ id }) => id)
        .findLast((id) => id !== undefined);
    },
  };
  response.setEncoding('utf8').on('data', (text) => {
    reader.text += text;
  });
  response.on('close', () => {
    reader.isOver = true;
  });
  response.on('error', () => {});
  onTestFinished(() => {
    request.destroy();
  });
  return reader;
}

type Reader = Awaited<ReturnType<typeof read>>;

const join = ({ rooms }: Store, room: RoomName, call: string) =>
  rooms.apply(room, {
    kind: 'joined',
    callSid: sid(call),
    conferenceSid: sid('x'),
    date: undefined,
    ageMs: 0,
    isModerator: false,
  });

/** Waits until a reader has exactly these events. */
const expectEvents = (reader: Reader, ...expected: unknown[][]) =>
  eventually(() => expect(reader.events.map(({ event, data }) => [event, data])).toEqual(expected));

it('a reader goes on at another server, and at a server that has started since', async () => {
  const [one, other] = [await startServer(), await startServer()];
  await join(one.store, sales, 'alice');
  const first = await read(one.port);
  await expectEvents(first, ['snapshot', { rooms: [{ room: 'sales', calls: ['alice'] }] }]);
  await join(other.store, sales, 'bob');
  await expectEvents(
    first,
    ['snapshot', { rooms: [{ room: 'sales', calls: ['alice'] }] }],
    ['room', { room: 'sales', calls: ['alice', 'bob'] }],
  );
  await one.feed.close(() => 700);
  await eventually(() => expect([first.isOver, first.text.endsWith('retry: 700\n\n')]).toEqual([true, true]));
  await join(other.store, support, 'carol');
  const second = await read(other.port, { lastEventId: first.lastEventId });
  await expectEvents(second, ['room', { room: 'support', calls: ['carol'] }]);
  second.close();
  await eventually(() => expect(other.feed.readers).toBe(0));
  await join(other.store, sales, 'ted');
  const { port, store } = await startServer();
  const third = await read(port, { lastEventId: second.lastEventId });
  await expectEvents(third, ['room', { room: 'sales', calls: ['alice', 'bob', 'ted'] }]);
  await join(store, support, 'ted');
  await expectEvents(
    third,
    ['room', { room: 'sales', calls: ['alice', 'bob', 'ted'] }],
    ['room', { room: 'support', calls: ['carol', 'ted'] }],
  );
});

it('a killed Redis is told, and followed by a snapshot of what the new one has', async () => {
  const { port, store } = await startServer();
  await join(store, sales, 'alice');
  const reader = await read(port);
  await eventually(() => expect(reader.events).toHaveLength(1));
  await redis.kill();
  await eventually(() => expect(reader.events.at(-1)?.data).toEqual({ store: 'away' }));
  await redis.restart();
  await eventually(() => store.ping());
  await join(store, support, 'bob');
  await eventually(() => {
    const snapshots = reader.events.filter(({ event }) => event === 'snapshot');
    expect(snapshots).toHaveLength(2);
    expect(JSON.stringify(snapshots.at(-1))).not.toContain('sales');
    expect(JSON.stringify(reader.events.slice(2))).toContain('{"room":"support","calls":["bob"]}');
    expect(reader.events.filter(({ event }) => event === 'store').at(-1)?.data).toEqual({ store: 'ok' });
  });
});

it('a Redis that hangs is told, and nothing is missing afterwards', async () => {
  const { port, store } = await startServer();
  const reader = await read(port);
  await expectEvents(reader, ['snapshot', { rooms: [] }]);
  redis.freeze();
  onTestFinished(() => redis.thaw());
  await eventually(() => expect(reader.events.at(-1)?.data).toEqual({ store: 'away' }));
  redis.thaw();
  await eventually(() => join(store, sales, 'alice'));
  await eventually(() => {
    const room = reader.events.filter(({ event }) => event === 'room').at(-1);
    expect(room?.data).toEqual({ room: 'sales', calls: ['alice'] });
    expect(reader.events.filter(({ event }) => event === 'store').at(-1)?.data).toEqual({ store: 'ok' });
  });
});

it('a Redis that answers, but is full, is told', async () => {
  const client = new Redis(redis.url);
  onTestFinished(() => client.quit());
  onTestFinished(() => client.config('SET', 'maxmemory', '0'));
  const { port, store } = await startServer();
  const reader = await read(port);
  await expectEvents(reader, ['snapshot', { rooms: [] }]);
  await client.config('SET', 'maxmemory', '1');
  await store.rooms.probe();
  await expectEvents(reader, ['snapshot', { rooms: [] }], ['store', { store: 'away' }]);
  await client.config('SET', 'maxmemory', '0');
  await eventually(async () => {
    await store.rooms.probe();
    expect(reader.events.at(-1)?.data).toEqual({ store: 'ok' });
  });
});

it('a reader who stops reading is disconnected, and delays nobody', async () => {
  const { feed, port, store } = await startServer({
    render: (state) => ({ ...view(state), padding: 'x'.repeat(200_000) }),
    maxBehindBytes: 100_000,
  });
  const [slow, quick] = [await read(port), await read(port)];
  await eventually(() => expect(feed.readers).toBe(2));
  slow.response.pause();
  let calls = 0;
  await eventually(async () => {
    await join(store, sales, `call-${++calls}`);
    const sent = calls;
    await eventually(() => expect((quick.events.at(-1)?.data as View | undefined)?.calls).toHaveLength(sent), 2_000);
    expect(feed.dropped).toBe(1);
  }, 30_000);
  expect(feed.readers).toBe(1);
  slow.response.resume();
  await eventually(() => expect(slow.isOver).toBe(true));
});

it('readers at two servers see 200 rooms change in order, and end with what the store has', async () => {
  const servers = [await startServer(), await startServer()] as const;
  const names = Array.from({ length: 200 }, (_, index) => roomNamed(`room-${index}`));
  let writes = 0;
  const write = async () => {
    for (let write = writes++; write < 1_000; write = writes++) {
      await join(servers[write % 2 === 0 ? 0 : 1].store, names[write % names.length] as RoomName, `call-${write}`);
    }
  };
  const writing = Promise.all(Array.from({ length: 8 }, write));
  const readers = [await read(servers[0].port)];
  await eventually(() => expect(writes).toBeGreaterThan(300));
  readers.push(await read(servers[1].port), await read(servers[1].port, { path: '/?room=room-7' }));
  await eventually(() => expect(writes).toBeGreaterThan(600));
  // One reader changes servers.
  readers[0]?.close();
  const moved = await read(servers[1].port, { lastEventId: readers[0]?.lastEventId });
  await writing;
  const expected = new Map<string, number>();
  for (const room of names) {
    expected.set(room, (await servers[0].store.rooms.read(room)).state.stays.length);
  }
  const of = (...parts: (Reader | undefined)[]) => {
    const seen = new Map<string, number>();
    for (const { event, data } of parts.flatMap((part) => part?.events ?? [])) {
      for (const { room, calls } of event === 'snapshot' ? (data as { rooms: View[] }).rooms : [data as View]) {
        expect(calls.length).toBeGreaterThanOrEqual(seen.get(room) ?? 0);
        seen.set(room, calls.length);
      }
    }
    return seen;
  };
  await eventually(() => {
    expect(of(readers[0], moved)).toEqual(expected);
    expect(of(readers[1])).toEqual(expected);
    expect(of(readers[2])).toEqual(new Map([['room-7', expected.get('room-7')]]));
  });
});
