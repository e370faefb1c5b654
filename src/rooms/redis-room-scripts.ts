/** How many changes each part keeps, or a few more: Redis drops whole blocks. Enough for minutes of a busy centre. */
export const KEPT_CHANGES = 2_000;

/**
 * Reads a room. Returns the time (ms), and the room's value, `<version>\n<state as JSON>`, if there is one, or 1 if it has
 * the version that the reader knows.
 *
 *     KEYS[1]  the room
 *     ARGV[1]  the known version, or ''
 */
export const READ_SCRIPT = `
local time = redis.call('TIME')
local value = redis.call('GET', KEYS[1])
local known = ARGV[1] .. '\\n'
if value and ARGV[1] ~= '' and string.sub(value, 1, #known) == known then value = 1 end
return { string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), value }
`;

/**
 * A failed script keeps what it has written. So this checks every key before the first write, and returns -n if the nth
 * holds something else. An index or a feed of a wrong type must not cost a line of the trail.
 *
 * @param types of the keys, in their order
 */
const checkTypes = (...types: readonly string[]) => `
for i, expected in ipairs({ ${types.map((type) => `'${type}'`).join(', ')} }) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= expected then return -i end
end
`;

/**
 * Functions shared by the scripts that write to a part. They need the keys that `WRITE_SCRIPT` has, in the same places.
 *
 * @param lifetime the argument that says how long rooms are kept (ms)
 */
const partFunctions = (lifetime: string) => `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function removeFromIndex(room)
  redis.call('HDEL', KEYS[2], room)
  redis.call('ZREM', KEYS[3], room)
end
local function addChange(room)
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', ${KEPT_CHANGES}, '*', 'room', room)
  -- As long as the rooms: if it is missing, none of those that changed is left.
  redis.call('PEXPIRE', KEYS[5], ${lifetime})
end
local function removeLapsed()
  for _, room in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', text(now), 'LIMIT', 0, 10)) do
    removeFromIndex(room)
    addChange(room)
  end
end
`;

/**
 * Writes a room if it has the version that was read. Returns 1 if it had, 0 if not, -n if the nth key holds something else.
 *
 *     KEYS[1]  the room
 *     KEYS[2]  index of rooms that anybody is in: hash of room to its entry, as JSON
 *     KEYS[3]  the same rooms, sorted set scored by when their entry lapses (ms)
 *     KEYS[4]  the feed: stream of facts, as JSON
 *     KEYS[5]  the changes: stream of rooms' names
 *     ARGV[1]  the version that was read, '' for none
 *     ARGV[2]  the new value
 *     ARGV[3]  how long it is kept (ms)
 *     ARGV[4]  the room's name
 *     ARGV[5]  its entry in the index, '' for none
 *     ARGV[6]  how long the feed is kept (ms)
 *     ARGV[7]  '1' if a full Redis must delete the room instead of keeping it as it is
 *     ARGV[8]  '1' if the change is told
 *     ARGV[9]  in how long its entry lapses (ms)
 *     ARGV[10…] the facts
 */
export const WRITE_SCRIPT = `${checkTypes('string', 'hash', 'zset', 'stream', 'stream')}
local value = redis.call('GET', KEYS[1])
if (value and string.match(value, '^[^\\n]*') or '') ~= ARGV[1] then return 0 end
${partFunctions('ARGV[3]')}
local set = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if set.err and ARGV[7] == '1' then
  -- A Redis that is full takes what a script writes after it has deleted something.
  redis.call('DEL', KEYS[1])
  set = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  if set.err then removeFromIndex(ARGV[4]) end
end
if set.err then return set end
if ARGV[5] == '' then
  removeFromIndex(ARGV[4])
else
  redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
  redis.call('ZADD', KEYS[3], text(now + ARGV[9]), ARGV[4])
end
-- The index stays as long as the changes, so that no room lapses untold.
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
removeLapsed()
for i = 10, #ARGV do redis.call('XADD', KEYS[4], 'MINID', '~', text(now - ARGV[6]), '*', 'fact', ARGV[i]) end
if #ARGV >= 10 then redis.call('PEXPIRE', KEYS[4], ARGV[6]) end
if ARGV[8] == '1' then addChange(ARGV[4]) end
return 1
`;

/**
 * Finds out whether a part can be written, and tells of rooms whose entry has lapsed. Returns 1, or -n if the nth key holds
 * something else.
 *
 *     KEYS[1]  the trace of the probe
 *     KEYS[2…] as for a write
 *     ARGV[1]  how long the trace stays (ms)
 *     ARGV[2]  how long rooms are kept (ms)
 */
export const PROBE_SCRIPT = `${checkTypes('string', 'hash', 'zset', 'stream', 'stream')}
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
${partFunctions('ARGV[2]')}
removeLapsed()
return 1
`;
