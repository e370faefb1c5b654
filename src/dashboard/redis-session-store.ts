import { parseRecord } from '../redis/parse-record';
import type { RedisConnection } from '../redis/redis-connection';
import { ABSOLUTE_MS, MAX_SESSIONS, type SessionStore, type StoredSession } from './session-store';

/**
 * Adds a session; if there are too many then, the oldest goes.
 *
 *     KEYS[1]  hash: a person's sessions as JSON, by the hash of their id
 *     ARGV[1]  the hash of the session's id
 *     ARGV[2]  the session
 *     ARGV[3]  how many are kept
 *     ARGV[4]  how long the last one can live (ms)
 */
const ADD_SCRIPT = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[3]) then
  local fields, oldest, since = redis.call('HGETALL', KEYS[1]), nil, nil
  for i = 1, #fields, 2 do
    local createdAt = tonumber(string.match(fields[i + 1], '"createdAt":(%d+)')) or 0
    if fields[i] ~= ARGV[1] and (since == nil or createdAt < since) then
      oldest, since = fields[i], createdAt
    end
  end
  redis.call('HDEL', KEYS[1], oldest)
end
`;

/**
 * Changes a session that is still there.
 *
 *     KEYS[1]  as above
 *     ARGV[1]  the hash of the session's id
 *     ARGV[2]  the session
 */
const REPLACE_SCRIPT = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
`;

/**
 * Sessions in Redis, or in a Redis Cluster, for all servers: one key for each person. So a single command ends all of a
 * person's sessions, and the limit on their number is exact.
 */
export function createRedisSessionStore({ client, run }: RedisConnection): SessionStore {
  client.defineCommand('sessionAdd', { numberOfKeys: 1, lua: ADD_SCRIPT });
  client.defineCommand('sessionReplace', { numberOfKeys: 1, lua: REPLACE_SCRIPT });
  const scripts = client as unknown as Record<
    'sessionAdd' | 'sessionReplace',
    (...args: (string | number)[]) => Promise<null>
  >;
  const nameOf = (owner: string) => `conference-coach:sessions:${owner}`;
  return {
    async add({ owner, hash }, session) {
      await run(() => scripts.sessionAdd(nameOf(owner), hash, JSON.stringify(session), MAX_SESSIONS, ABSOLUTE_MS));
    },
    async find({ owner, hash }) {
      const text = await run(() => client.hget(nameOf(owner), hash));
      return text === null ? undefined : parseRecord<StoredSession>(text, isSession);
    },
    async replace({ owner, hash }, session) {
      await run(() => scripts.sessionReplace(nameOf(owner), hash, JSON.stringify(session)));
    },
    async remove({ owner, hash }) {
      await run(() => client.hdel(nameOf(owner), hash));
    },
    async removeAll(owner) {
      await run(() => client.del(nameOf(owner)));
    },
  };
}

function isSession({ role, name, method, proof, createdAt, seenAt }: Readonly<Record<string, unknown>>): boolean {
  return (
    [role, name, method, proof].every((text) => typeof text === 'string') &&
    [createdAt, seenAt].every((date) => typeof date === 'number')
  );
}
