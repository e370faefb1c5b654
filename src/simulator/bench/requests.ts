import { connectRedis } from '../../redis/redis-connection';
import { createRedisRoomStorage } from '../../rooms/redis-room-storage';
import { parseRoomName, type RoomName, type RoomState, type Stay } from '../../rooms/room';
import { entryOf } from '../../rooms/room-entry';
import { parseSid, type Sid } from '../../signalwire/sid';
import { TUTORIAL_CAST } from '../tutorial';
import { type BenchClient, createBenchClient, encodeRequest } from './client';
import { type MeasuredServer, openLogFile, startServer } from './processes';

const LIFETIME_MS = 3_600_000;
const PUBLIC_URL = 'https://coach.example.com';
const SIGNING_KEY = 'PSK_0123456789abcdefghijklmnopqrstuv';
const ACCOUNT_SID = '5f0b1a2c-7d3e-4b6f-8a90-0c1d2e3f4a5b';

/** The same as in `npm start` and the image. */
const NODE_OPTIONS = ['--min-semi-space-size=8', '--max-semi-space-size=16', '--heap-growing-percent=40'];

/** Requests in progress at once, as in a busy call centre. */
const CONNECTIONS = 8;
/** How many requests a server gets per turn, and how many turns. */
const IN_A_TURN = 500;
const TURNS = 20;
const WARM_UP = 4_000;

/** The kinds of requests, each with its target: the least quotient of a bare route's processor time and ours. */
export const TARGETS = { caller: 0.75, moderator: 0.55, callback: 0.7, '/coach': 0.58 } as const;

export type Kind = keyof typeof TARGETS;

const KINDS = Object.keys(TARGETS) as Kind[];

/** A call: its room, and a part of its SIDs. */
interface BenchCall {
  room: string;
  id: string | number;
}

/** The path and the form of a request. */
function requestOf(kind: Kind, { room, id }: BenchCall): [path: string, fields: Record<string, string>] {
  const { alice, bob, ted } = TUTORIAL_CAST;
  switch (kind) {
    case 'caller':
      return [`/conference/${room}`, callFields(sidOf('caller', id), bob)];
    case 'moderator':
      return [`/conference/${room}`, callFields(sidOf('agent', id), alice)];
    case 'callback':
      return [
        `/events/conference/${room}`,
        {
          ...callFields(sidOf('joining', id), bob),
          ConferenceSid: sidOf('conference', room),
          FriendlyName: room,
          StatusCallbackEvent: 'participant-join',
          Muted: 'false',
          Hold: 'false',
          StartConferenceOnEnter: 'false',
          EndConferenceOnExit: 'false',
        },
      ];
    case '/coach':
      return [`/coach/${room}`, callFields(sidOf('ted', id), ted)];
  }
}

function sidOf(who: string, id: string | number): Sid {
  return parseSid(`${who}-${id}-0c1d2e3f-4a5b-4c6d-8e9f`) as Sid;
}

/** The fields that a Space sends with every request about a call. */
function callFields(callSid: Sid, from: string): Record<string, string> {
  return {
    AccountSid: ACCOUNT_SID,
    ApiVersion: '2010-04-01',
    CallSid: callSid,
    CallStatus: 'ringing',
    CallbackSource: 'call-progress-events',
    Direction: 'inbound',
    From: from,
    Timestamp: new Date().toUTCString(),
    To: '+15551230000',
  };
}

/** A signed request about a call. */
export function encodeKind(kind: Kind, call: BenchCall): Buffer {
  const [path, fields] = requestOf(kind, call);
  return encodeRequest(path, fields, { publicUrl: PUBLIC_URL, signingKey: SIGNING_KEY });
}

/** A signed callback: Bob, in a room of {@link fillRooms}, is put on hold or taken back. */
export function encodeHold(room: string, isOnHold: boolean): Buffer {
  const fields = {
    ...callFields(sidOf('bob', room), TUTORIAL_CAST.bob),
    ConferenceSid: sidOf('conference', room),
    FriendlyName: room,
    StatusCallbackEvent: isOnHold ? 'participant-hold' : 'participant-unhold',
  };
  return encodeRequest(`/events/conference/${room}`, fields, { publicUrl: PUBLIC_URL, signingKey: SIGNING_KEY });
}

/**
 * Starts our server as in production: Redis, a signing key, a log.
 *
 * @param env more settings
 */
export async function startOurs(
  redisUrl: string,
  probe = 'probe.js',
  env: Readonly<Record<string, string>> = {},
): Promise<MeasuredServer> {
  const log = await openLogFile();
  const server = await startServer('../../main.js', {
    readyPath: '/readyz',
    probe,
    nodeOptions: NODE_OPTIONS,
    log: log.file,
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PUBLIC_URL,
      SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
      REDIS_URL: redisUrl,
      MODERATOR_NUMBERS: TUTORIAL_CAST.alice,
      SUPERVISOR_NUMBERS: TUTORIAL_CAST.ted,
      ...env,
    },
  });
  return {
    ...server,
    async stop() {
      await server.stop();
      await log.close();
    },
  };
}

/** Rooms with Alice and Bob in a conference, written as the server writes them. */
export async function fillRooms(redisUrl: string, rooms: readonly string[]): Promise<void> {
  const redis = connectRedis({ urls: [redisUrl], timeoutMs: 10_000, onConnection: () => {} });
  await new Promise((resolve) => redis.client.once('ready', resolve));
  const storage = createRedisRoomStorage({
    redis,
    lifetimeMs: LIFETIME_MS,
    feedMs: LIFETIME_MS,
    onUnreadable: () => {},
  });
  const left = [...rooms];
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let room = left.pop(); room !== undefined; room = left.pop()) {
        const state = startedRoom(parseRoomName(room) as RoomName);
        const next = { state, entry: entryOf(state), lapsesInMs: LIFETIME_MS, facts: [], isUrgent: false };
        await storage.write(state.room, '', next);
      }
    }),
  );
  redis.close();
}

function startedRoom(room: RoomName): RoomState {
  const at = Date.now();
  const conferenceSid = sidOf('conference', room);
  const common = {
    arrivedAt: at,
    joinedAt: at,
    joinSource: 'callback',
    joinKnownAt: at,
    conferenceSid,
  } satisfies Partial<Stay>;
  return {
    room,
    conference: { sid: conferenceSid },
    stays: [
      { callSid: sidOf('alice', room), role: 'moderator', name: 'Alice', ...common },
      { callSid: sidOf('bob', room), role: 'caller', ...common, arrivedAt: undefined },
    ],
    ended: [],
    at,
  };
}

/** Processor time of one request in microseconds, for each turn. */
export interface Costs {
  bare: number[];
  plain: number[];
  ours: Record<Kind, number[]>;
}

interface Measured {
  server: MeasuredServer;
  client: BenchClient;
}

/**
 * Measures the processor time of requests. The servers, each in its own process, take turns, so that the load of the machine
 * affects all of them.
 *
 * @param calls `one`: all requests of a kind are about one call. Otherwise each is about its own in a room of its own:
 *   `many`: an agent dials, a customer joins them, and a supervisor dials; `foreign`: callbacks and supervisors come for
 *   conversations that began at another server
 */
export async function measureRequests(redisUrl: string, calls: 'one' | 'many' | 'foreign'): Promise<Costs> {
  const isOne = calls === 'one';
  const ids = Array.from({ length: IN_A_TURN * TURNS }, (_, index) => index);
  const foreign = calls === 'foreign' ? ids.flatMap((id) => [`callback-${id}`, `coach-${id}`]) : [];
  await fillRooms(redisUrl, ['sales', ...foreign]);
  const reference = (script: string) =>
    startServer(script, { readyPath: '/readyz', log: 'ignore', env: { REDIS_URL: redisUrl } });
  const servers = await Promise.all([reference('bare-server.js'), reference('plain-server.js'), startOurs(redisUrl)]);
  const measured = await Promise.all(
    servers.map(async (server) => ({ server, client: await createBenchClient(server.port, CONNECTIONS) })),
  );
  const [bare, plain, ours] = measured as [Measured, Measured, Measured];
  const requests = (kind: Kind, turn: number) =>
    Array.from({ length: IN_A_TURN }, (_, index) => {
      const isSame = isOne || turn < 0;
      const id = isSame ? 'same' : turn * IN_A_TURN + index;
      // From within a conference an agent would not dial again.
      const own = kind === 'moderator' ? 'support' : 'sales';
      const other = calls === 'foreign' ? `${kind.replace('/', '')}-${id}` : `room-${id}`;
      return encodeKind(kind, { room: isSame ? own : other, id });
    });
  const costs: Costs = { bare: [], plain: [], ours: { caller: [], moderator: [], callback: [], '/coach': [] } };
  for (let turn = -WARM_UP / IN_A_TURN; turn < TURNS; turn++) {
    const note = (list: number[], cost: number) => void (turn >= 0 && list.push(cost));
    const coach = requests('/coach', turn);
    note(costs.bare, await measure(bare, coach.map(toReference)));
    note(costs.plain, await measure(plain, coach.map(toReference)));
    for (const kind of KINDS) {
      note(costs.ours[kind], await measure(ours, requests(kind, turn)));
    }
  }
  for (const { server, client } of measured) {
    client.close();
    await server.stop();
  }
  return costs;
}

/** The servers that ours is compared with know one room. */
function toReference(request: Buffer): Buffer {
  return Buffer.from(request.toString('latin1').replace(/^POST \S+/, 'POST /coach/sales'), 'latin1');
}

/** Processor time of one request, in microseconds. */
async function measure({ server, client }: Measured, requests: readonly Buffer[]): Promise<number> {
  const before = await server.ask('cpu');
  await client.send(requests);
  return ((await server.ask('cpu')) - before) / requests.length;
}
