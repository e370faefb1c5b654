import type { RoomName } from '../conferences/room-name';
import type { Sid } from '../signalwire/sid';
import type { RedisConnection } from '../store/redis-connection';
import {
  AUDIT_BOUNDS,
  type AuditEvent,
  CALLBACK_RESOLUTION_MS,
  REMEMBERED_AFTER_END_MS,
  type SupervisionStore,
  toRecord,
  type Visit,
} from './audit';

/** The braces keep all on one node of a cluster, so that one script reaches them. */
const VISITS_KEY = 'conference-coach:{supervision}:visits';
const TRAIL_KEY = 'conference-coach:{supervision}:trail';
const pastKey = (callSid: string) => `conference-coach:{supervision}:past:${callSid}`;

/**
 * What is common to the scripts. A visit is `<began, ms>\n<0 or 1: confirmed>\n<room>\n<its JSON>`, by Redis's clock.
 *
 *     KEYS[1]  hash of visits by Call SID
 *     KEYS[2]  stream of the audit trail: event and visit (JSON, '' for none), confirmed (0 or 1)
 *     KEYS[3]  the visit that this call has just ended, as JSON
 *     ARGV[1]  Call SID
 *     ARGV[2]  room
 *     ARGV[3]  the event, as JSON
 *     ARGV[4]  how many events are kept, about
 *     ARGV[5]  how long they are kept (ms)
 *     ARGV[6]  how long a visit is remembered whose end nobody told (ms)
 */
const COMMON = `
local visits, trail = KEYS[1], KEYS[2]
local call, room, event, events, age = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local lifetime = tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function append(visit, confirmed)
  redis.call('XADD', trail, 'MAXLEN', '~', events, '*', 'event', event, 'visit', visit, 'confirmed', confirmed)
  redis.call('XTRIM', trail, 'MINID', '~', text(now - age))
  redis.call('PEXPIRE', trail, text(age))
end
local began, confirmed, where, visit
local function find()
  local stay = redis.call('HGET', visits, call)
  if stay then began, confirmed, where, visit = string.match(stay, '^(%d+)\\n([01])\\n([^\\n]*)\\n(.*)$') end
  return stay and where == room and tonumber(began) > now - lifetime
end
local function save(flag, json)
  redis.call('HSET', visits, call, began .. '\\n' .. flag .. '\\n' .. room .. '\\n' .. json)
end
`;

/** Appends an event of its own. Returns nothing. */
const APPEND_SCRIPT = `${COMMON}
append('', '0')
`;

/**
 * Begins a visit in place of another. Returns nothing.
 *
 *     ARGV[7]  the visit, as JSON
 */
const BEGIN_SCRIPT = `${COMMON}
find()
if visit ~= ARGV[7] then
  began = text(now)
  save('0', ARGV[7])
  redis.call('PEXPIRE', visits, text(lifetime))
  append(ARGV[7], '0')
  -- Ends that nobody told are rare, and add up.
  if redis.call('HLEN', visits) > 1000 then
    local stays = redis.call('HGETALL', visits)
    for i = 1, #stays, 2 do
      if tonumber(string.match(stays[i + 1], '^%d+')) <= now - lifetime then redis.call('HDEL', visits, stays[i]) end
    end
  end
end
`;

/**
 * Confirms a visit that is not confirmed and had begun by then. Returns nothing.
 *
 *     ARGV[7]  how long ago it was told to have happened, at the latest (ms)
 */
const CONFIRM_SCRIPT = `${COMMON}
if find() and confirmed == '0' and now - ARGV[7] >= tonumber(began) then
  save('1', visit)
  append(visit, '1')
end
`;

/**
 * Changes a visit that goes on. Returns nothing.
 *
 *     ARGV[7]  the visit, as JSON
 *     ARGV[8]  when it began, as the visit says: tells it from another
 */
const CHANGE_SCRIPT = `${COMMON}
if find() and string.find(visit, '"since":"' .. ARGV[8] .. '"', 1, true) then
  save(confirmed, ARGV[7])
  append(ARGV[7], confirmed)
end
`;

/**
 * Ends a visit that had begun by then. Returns nothing.
 *
 *     ARGV[7]  how long ago it was told to have happened, at the latest (ms)
 *     ARGV[8]  how long it can still be found (ms)
 */
const END_SCRIPT = `${COMMON}
if find() and now - ARGV[7] >= tonumber(began) then
  redis.call('HDEL', visits, call)
  redis.call('SET', KEYS[3], visit, 'PX', ARGV[8])
  append(visit, confirmed)
end
`;

/**
 * Lists the visits, or one call's, and lets go of those whose end nobody told. Returns the JSON of each.
 *
 *     KEYS[1]  hash of visits by Call SID
 *     ARGV[1]  how long a visit is remembered whose end nobody told (ms)
 *     ARGV[2]  Call SID, '' for all
 */
const LIST_SCRIPT = `
local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
local found = {}
local stays
if ARGV[2] == '' then
  stays = redis.call('HGETALL', KEYS[1])
else
  local stay = redis.call('HGET', KEYS[1], ARGV[2])
  stays = stay and { ARGV[2], stay } or {}
end
for i = 1, #stays, 2 do
  local began, visit = string.match(stays[i + 1], '^(%d+)\\n[01]\\n[^\\n]*\\n(.*)$')
  if tonumber(began) <= oldest then redis.call('HDEL', KEYS[1], stays[i]) else found[#found + 1] = visit end
end
return found
`;

const SCRIPTS = {
  auditAppend: APPEND_SCRIPT,
  visitBegin: BEGIN_SCRIPT,
  visitConfirm: CONFIRM_SCRIPT,
  visitChange: CHANGE_SCRIPT,
  visitEnd: END_SCRIPT,
};

type Scripts = Record<keyof typeof SCRIPTS, (...args: (string | number)[]) => Promise<null>> & {
  visitList: (key: string, lifetimeMs: number, callSid: string) => Promise<string[]>;
};

/** How many lines of the trail are read at once. */
const PAGE_SIZE = 1_000;

export interface RedisSupervisionStoreOptions {
  redis: RedisConnection;
  /** How long a visit is remembered whose end nobody told, in milliseconds. */
  lifetimeMs: number;
}

/** Visits and the audit trail in Redis, or in a Redis Cluster. */
export function createRedisSupervisionStore(options: RedisSupervisionStoreOptions): SupervisionStore {
  const { redis, lifetimeMs } = options;
  const { client, run } = redis;
  for (const [name, lua] of Object.entries(SCRIPTS)) {
    client.defineCommand(name, { numberOfKeys: 3, lua });
  }
  client.defineCommand('visitList', { numberOfKeys: 1, lua: LIST_SCRIPT });
  const scripts = client as unknown as Scripts;

  function write(
    script: keyof typeof SCRIPTS,
    about: { callSid: Sid; room: RoomName } | undefined,
    event: AuditEvent,
    ...more: (string | number)[]
  ): Promise<unknown> {
    const { callSid = '', room = '' } = about ?? {};
    const bounds = [AUDIT_BOUNDS.events, AUDIT_BOUNDS.ageMs, lifetimeMs];
    return run(() =>
      scripts[script](
        VISITS_KEY,
        TRAIL_KEY,
        pastKey(callSid),
        callSid,
        room,
        JSON.stringify(event),
        ...bounds,
        ...more,
      ),
    );
  }

  return {
    async append(event) {
      await write('auditAppend', undefined, event);
    },
    async begin(visit, event) {
      await write('visitBegin', visit, event, JSON.stringify(visit));
    },
    async confirm(room, callSid, event, { agoMs }) {
      await write('visitConfirm', { room, callSid }, event, agoMs - CALLBACK_RESOLUTION_MS);
    },
    async change(visit, event) {
      await write('visitChange', visit, event, JSON.stringify(visit), visit.since);
    },
    async end(room, callSid, event, { agoMs }) {
      await write('visitEnd', { room, callSid }, event, agoMs - CALLBACK_RESOLUTION_MS, REMEMBERED_AFTER_END_MS);
    },

    find: (callSid) => run(() => readVisit(callSid)),

    findLast: (callSid) =>
      run(async () => {
        const [present, past] = await Promise.all([readVisit(callSid), client.get(pastKey(callSid))]);
        return present ?? (past === null ? undefined : (JSON.parse(past) as Visit));
      }),

    list: async (room) => {
      const found = await run(() => scripts.visitList(VISITS_KEY, lifetimeMs, ''));
      return found.map((visit) => JSON.parse(visit) as Visit).filter((visit) => visit.room === room);
    },

    async *read(since) {
      const seen = new Set<string>();
      const oldest = Math.max(since, Date.now() - AUDIT_BOUNDS.ageMs);
      // A line is written after what it tells, by a clock of its own: the event's date decides.
      let from = String(Math.max(0, oldest - 60_000));
      for (;;) {
        const page = await run(() => client.xrange(TRAIL_KEY, from, '+', 'COUNT', PAGE_SIZE));
        for (const [, [, event = '', , visit = '', , confirmed]] of page) {
          const read = JSON.parse(event) as AuditEvent;
          if (!seen.has(read.id) && Date.parse(read.at) >= oldest) {
            seen.add(read.id);
            yield toRecord(read, visit === '' ? undefined : (JSON.parse(visit) as Visit), confirmed === '1');
          }
        }
        const last = page.at(-1)?.[0];
        if (last === undefined || page.length < PAGE_SIZE) {
          return;
        }
        from = `(${last}`;
      }
    },
  };

  async function readVisit(callSid: Sid): Promise<Visit | undefined> {
    const [visit] = await scripts.visitList(VISITS_KEY, lifetimeMs, callSid);
    return visit === undefined ? undefined : (JSON.parse(visit) as Visit);
  }
}
