import type { RoomName } from '../rooms/room-name';
import type { Sid } from '../signalwire/sid';
import type { RedisConnection } from '../store/redis-connection';
import type { ConferenceRegistry, Moderator } from './registry';

/**
 * Notes a change in a room: the twin of `note` in memory-registry.ts, in one atomic step.
 *
 * Instants are by the Redis server's clock alone.
 *
 *     KEYS[1]  hash of the room's moderator: callSid, arrivedAt (ms), conferenceSid and name ('' while unknown)
 *     KEYS[2]  sorted set of what was seen in the room: 'arrived:<Call SID>' scored by when it arrived (ms),
 *              'gone:<Call SID or Conference SID>' scored by when that was noted (ms)
 *     ARGV[1]  'arrived', 'joined', 'left' or 'ended'
 *     ARGV[2]  Call SID, '' for 'ended'
 *     ARGV[3]  Conference SID, '' when unknown
 *     ARGV[4]  how long ago it happened (ms)
 *     ARGV[5]  how long anything is remembered (ms)
 *     ARGV[6]  the moderator's name, '' when unknown
 *     returns  nothing
 */
const APPLY_SCRIPT = `
local moderator, seen = KEYS[1], KEYS[2]
local kind, call, conference, age, lifetime = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local name = ARGV[6]
if age >= lifetime then return end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(number) return string.format('%.0f', number) end
local function gone(sid) return redis.call('ZSCORE', seen, 'gone:' .. sid) end
local function leave(sid)
  redis.call('ZADD', seen, text(now), 'gone:' .. sid)
  if redis.call('HGET', moderator, 'callSid') == sid then redis.call('DEL', moderator) end
end

if kind == 'left' then
  leave(call)
elseif kind == 'ended' then
  redis.call('ZADD', seen, text(now), 'gone:' .. conference)
  local current = redis.call('HMGET', moderator, 'callSid', 'conferenceSid')
  if current[1] and current[2] == conference then leave(current[1]) end
else
  if conference ~= '' and gone(conference) then leave(call) end
  if not gone(call) then
    local current = redis.call('HMGET', moderator, 'callSid', 'arrivedAt', 'conferenceSid', 'name')
    local than = tonumber(current[2] or nil)
    local arrivedAt = now - age
    local known = tonumber(redis.call('ZSCORE', seen, 'arrived:' .. call) or nil)
    if known and (kind == 'joined' or known > arrivedAt) then arrivedAt = known end
    if kind == 'arrived' and age == 0 and than and than > arrivedAt then arrivedAt = than end
    redis.call('ZADD', seen, text(arrivedAt), 'arrived:' .. call)
    local same = current[1] == call
    if same or not than or arrivedAt > than or (kind == 'arrived' and arrivedAt == than) then
      if same and conference == '' then conference = current[3] end
      if same and name == '' then name = current[4] or '' end
      redis.call(
        'HSET', moderator, 'callSid', call, 'arrivedAt', text(arrivedAt), 'conferenceSid', conference, 'name', name)
      redis.call('PEXPIREAT', moderator, text(arrivedAt + lifetime))
    end
  end
end
redis.call('ZREMRANGEBYSCORE', seen, '-inf', text(now - lifetime))
redis.call('PEXPIRE', seen, text(lifetime))
`;

/**
 * Notes that a room may have a moderator, so that `listModerators` looks there. A hint and no more: the room's own key
 * has the last word, and stands on another node of a cluster.
 *
 *     KEYS[1]  sorted set of rooms, scored by when a moderator was last noted there (ms)
 *     ARGV[1]  the room
 *     ARGV[2]  how long anything is remembered (ms)
 *     returns  nothing
 */
const NOTE_ROOM_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;

const ROOMS_KEY = 'conference-coach:rooms';

/** The keys of a room; the braces keep them on one node of a cluster. */
function roomKeys(room: RoomName): { moderator: string; seen: string } {
  return { moderator: `conference-coach:{${room}}:moderator`, seen: `conference-coach:{${room}}:seen` };
}

interface WithScripts {
  applyChange(moderatorKey: string, seenKey: string, ...args: (string | number)[]): Promise<null>;
  noteRoom(roomsKey: string, room: string, lifetimeMs: number): Promise<null>;
}

export interface RedisRegistryOptions {
  redis: RedisConnection;
  /** How long anything is remembered, in milliseconds. */
  lifetimeMs: number;
}

/** A registry in Redis, or in a Redis Cluster. */
export function createRedisRegistry({ redis, lifetimeMs }: RedisRegistryOptions): ConferenceRegistry {
  const { client, run } = redis;
  client.defineCommand('applyChange', { numberOfKeys: 2, lua: APPLY_SCRIPT });
  client.defineCommand('noteRoom', { numberOfKeys: 1, lua: NOTE_ROOM_SCRIPT });
  const scripts = client as unknown as WithScripts;

  return {
    async apply(change) {
      const { room, kind, agoMs } = change;
      const { moderator, seen } = roomKeys(room);
      const callSid = kind === 'ended' ? '' : change.callSid;
      const conferenceSid = kind === 'joined' || kind === 'ended' ? (change.conferenceSid ?? '') : '';
      const name = kind === 'arrived' ? (change.name ?? '') : '';
      await run(() =>
        Promise.all([
          scripts.applyChange(moderator, seen, kind, callSid, conferenceSid, agoMs, lifetimeMs, name),
          ...(kind === 'arrived' || kind === 'joined' ? [scripts.noteRoom(ROOMS_KEY, room, lifetimeMs)] : []),
        ]),
      );
    },

    findModerator: (room) => run(() => readModerator(room)),

    listModerators: () =>
      run(async () => {
        const rooms = (await client.zrange(ROOMS_KEY, '0', '-1')) as RoomName[];
        const found = await Promise.all(rooms.map(async (room) => ({ room, moderator: await readModerator(room) })));
        return found.flatMap(({ room, moderator }) => (moderator === undefined ? [] : [{ room, ...moderator }]));
      }),
  };

  async function readModerator(room: RoomName): Promise<Moderator | undefined> {
    const [callSid, name] = await client.hmget(roomKeys(room).moderator, 'callSid', 'name');
    return callSid ? { callSid: callSid as Sid, name: name || undefined } : undefined;
  }
}
