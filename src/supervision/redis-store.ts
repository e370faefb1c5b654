import type { RoomName } from '../rooms/room-name';
import type { Sid } from '../signalwire/sid';
import type { RedisConnection } from '../store/redis-connection';
import {
  AUDIT_BOUNDS,
  type AuditRecord,
  CALLBACK_RESOLUTION_MS,
  REMEMBERED_AFTER_END_MS,
  type RefusalEvent,
  type SupervisionStore,
  toRecord,
  type Visit,
  type VisitEvent,
} from './audit';

/** The braces keep all on one node of a cluster, so that one script reaches them. */
const VISITS_KEY = 'conference-coach:{supervision}:visits';
const TRAIL_KEY = 'conference-coach:{supervision}:trail';
const REFUSALS_KEY = 'conference-coach:{supervision}:refusals';
const pastKey = (callSid: string) => `conference-coach:{supervision}:past:${callSid}`;

/**
 * What the scripts about visits have in common. Instants are by Redis's clock. Each returns the visit's JSON if it did
 * something, else nothing.
 *
 *     KEYS[1]  hash of visits by Call SID: '<began, ms>\n<0 or 1: confirmed>\n<number of the stay>\n<room>\n<JSON>'
 *     KEYS[2]  stream of the audit trail: event and visit (JSON), confirmed (0 or 1)
 *     KEYS[3]  the last stay that this call has ended: '<number of the stay>\n<JSON>', JSON '' while only its end was told
 *     ARGV[1]  Call SID
 *     ARGV[2]  room
 *     ARGV[3]  the event, as JSON
 *     ARGV[4]  how many events are kept, about
 *     ARGV[5]  how long they are kept (ms)
 *     ARGV[6]  how long a visit is remembered whose end nobody told (ms)
 */
const COMMON = `
local visits, trail, past = KEYS[1], KEYS[2], KEYS[3]
local call, room, event, events, age = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local lifetime = tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function append(visit, confirmed)
  redis.call('XADD', trail, 'MAXLEN', '~', events, '*', 'event', event, 'visit', visit, 'confirmed', confirmed)
  redis.call('XTRIM', trail, 'MINID', '~', text(now - age))
  redis.call('PEXPIRE', trail, text(age))
  return visit
end
local function save(began, confirmed, stay, json)
  redis.call('HSET', visits, call, table.concat({ text(began), confirmed, text(stay), room, json }, '\\n'))
end
local began, confirmed, stay, where, visit = 0, '0', 0, '', nil
local saved = redis.call('HGET', visits, call)
if saved then
  began, confirmed, stay, where, visit = string.match(saved, '^(%d+)\\n([01])\\n(%d+)\\n([^\\n]*)\\n(.*)$')
  began, stay = tonumber(began), tonumber(stay)
  if began <= now - lifetime then visit = nil end
end
local ended, endedVisit = 0, nil
local function findPast()
  local last = redis.call('GET', past)
  if last then
    ended, endedVisit = string.match(last, '^(%d+)\\n(.*)$')
    ended = tonumber(ended)
  end
end
`;

/**
 * Begins a visit in place of an earlier stay.
 *
 *     ARGV[7]  the visit, as JSON
 *     ARGV[8]  the number of the stay
 *     ARGV[9]  how long an ended stay is remembered (ms)
 *     ARGV[10] how long ago it began (ms)
 */
const BEGIN_SCRIPT = `${COMMON}
findPast()
local number = tonumber(ARGV[8])
if number > stay and number > ended then
  save(now - ARGV[10], '0', number, ARGV[7])
  redis.call('PEXPIRE', visits, text(lifetime))
  -- Ends that nobody told are rare, and add up.
  if redis.call('HLEN', visits) > 1000 then
    local stays = redis.call('HGETALL', visits)
    for i = 1, #stays, 2 do
      if tonumber(string.match(stays[i + 1], '^%d+')) <= now - lifetime then redis.call('HDEL', visits, stays[i]) end
    end
  end
  return append(ARGV[7], '0')
elseif number == ended and endedVisit == '' then
  redis.call('SET', past, text(ended) .. '\\n' .. ARGV[7], 'PX', ARGV[9])
  if stay < number then redis.call('HDEL', visits, call) end
  return append(ARGV[7], '0')
end
`;

/**
 * Confirms a visit that is not confirmed and had begun by then.
 *
 *     ARGV[7]  how long ago it was told to have happened, at the latest (ms)
 */
const CONFIRM_SCRIPT = `${COMMON}
if visit and where == room and confirmed == '0' and now - ARGV[7] >= began then
  save(began, '1', stay, visit)
  return append(visit, '1')
end
`;

/**
 * Changes a visit that goes on.
 *
 *     ARGV[7]  the visit, as JSON
 *     ARGV[8]  the number of the stay
 */
const CHANGE_SCRIPT = `${COMMON}
if visit and stay == tonumber(ARGV[8]) and visit ~= ARGV[7] then
  save(began, confirmed, stay, ARGV[7])
  return append(ARGV[7], confirmed)
end
`;

/**
 * Ends a visit.
 *
 *     ARGV[7]  the number of the stay, 0 for whichever had begun by then
 *     ARGV[8]  how long ago it was told to have happened, at the latest (ms)
 *     ARGV[9]  how long an ended stay is remembered (ms)
 */
const END_SCRIPT = `${COMMON}
local number = tonumber(ARGV[7])
local isMeant = stay == number
findPast()
if number == 0 then isMeant = now - ARGV[8] >= began end
if visit and where == room and isMeant then
  redis.call('HDEL', visits, call)
  if stay > ended then redis.call('SET', past, text(stay) .. '\\n' .. visit, 'PX', ARGV[9]) end
  return append(visit, confirmed)
end
-- Its beginning is yet to come, and must not outlive its end.
if number > stay and number > ended then redis.call('SET', past, text(number) .. '\\n', 'PX', ARGV[9]) end
`;

/**
 * Notes that somebody was not let in. Returns nothing.
 *
 *     KEYS[1]  stream of refusals: event (JSON)
 *     ARGV[1]  the event, as JSON
 *     ARGV[2]  how many are kept, about
 *     ARGV[3]  how long they are kept (ms)
 */
const REFUSE_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'event', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', now - ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
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
  local began, visit = string.match(stays[i + 1], '^(%d+)\\n[01]\\n%d+\\n[^\\n]*\\n(.*)$')
  if tonumber(began) <= oldest then redis.call('HDEL', KEYS[1], stays[i]) else found[#found + 1] = visit end
end
return found
`;

const VISIT_SCRIPTS = {
  visitBegin: BEGIN_SCRIPT,
  visitConfirm: CONFIRM_SCRIPT,
  visitChange: CHANGE_SCRIPT,
  visitEnd: END_SCRIPT,
};

type Scripts = Record<keyof typeof VISIT_SCRIPTS, (...args: (string | number)[]) => Promise<string | null>> & {
  visitList: (key: string, lifetimeMs: number, callSid: string) => Promise<string[]>;
  auditRefuse: (key: string, event: string, events: number, ageMs: number) => Promise<null>;
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
  for (const [name, lua] of Object.entries(VISIT_SCRIPTS)) {
    client.defineCommand(name, { numberOfKeys: 3, lua });
  }
  client.defineCommand('visitList', { numberOfKeys: 1, lua: LIST_SCRIPT });
  client.defineCommand('auditRefuse', { numberOfKeys: 1, lua: REFUSE_SCRIPT });
  const scripts = client as unknown as Scripts;

  async function write(
    script: keyof typeof VISIT_SCRIPTS,
    { callSid, room }: { callSid: Sid; room: RoomName },
    event: VisitEvent,
    ...more: (string | number)[]
  ): Promise<Visit | undefined> {
    const { events, ageMs } = AUDIT_BOUNDS;
    const keys = [VISITS_KEY, TRAIL_KEY, pastKey(callSid)];
    const common = [callSid, room, JSON.stringify(event), events, ageMs, lifetimeMs];
    const visit = await run(() => scripts[script](...keys, ...common, ...more));
    return visit === null ? undefined : (JSON.parse(visit) as Visit);
  }

  return {
    async refuse(event) {
      const { refusals, ageMs } = AUDIT_BOUNDS;
      await run(() => scripts.auditRefuse(REFUSALS_KEY, JSON.stringify(event), refusals, ageMs));
    },
    async begin(visit, event, { agoMs }) {
      const more = [JSON.stringify(visit), visit.stay, REMEMBERED_AFTER_END_MS, agoMs];
      await write('visitBegin', visit, event, ...more);
    },
    confirm: (room, callSid, event, { agoMs }) =>
      write('visitConfirm', { room, callSid }, event, agoMs - CALLBACK_RESOLUTION_MS),
    async change(visit, event) {
      await write('visitChange', visit, event, JSON.stringify(visit), visit.stay);
    },
    async end(room, callSid, event, about) {
      const [stay, agoMs] = 'stay' in about ? [about.stay, 0] : [0, about.agoMs - CALLBACK_RESOLUTION_MS];
      await write('visitEnd', { room, callSid }, event, stay, agoMs, REMEMBERED_AFTER_END_MS);
    },

    find: (callSid) => run(() => readVisit(callSid)),

    findLast: (callSid) =>
      run(async () => {
        const [present, past] = await Promise.all([readVisit(callSid), client.get(pastKey(callSid))]);
        const json = past?.slice(past.indexOf('\n') + 1);
        return present ?? (json ? (JSON.parse(json) as Visit) : undefined);
      }),

    list: async (room) => {
      const found = await run(() => scripts.visitList(VISITS_KEY, lifetimeMs, ''));
      return found.map((visit) => JSON.parse(visit) as Visit).filter((visit) => visit.room === room);
    },

    async *read(since) {
      const seen = new Set<string>();
      // Merged, each stream being in order of its own.
      const sources = [readStream(TRAIL_KEY, since), readStream(REFUSALS_KEY, since)];
      const heads = await Promise.all(sources.map((source) => source.next()));
      for (;;) {
        const open = heads.flatMap(({ value }, index) => (value === undefined ? [] : [{ record: value, index }]));
        const [first] = open.sort((one, other) => (one.record.at < other.record.at ? -1 : 1));
        if (first === undefined) {
          return;
        }
        heads[first.index] = (await sources[first.index]?.next()) ?? { done: true, value: undefined };
        if (!seen.has(first.record.id)) {
          seen.add(first.record.id);
          yield first.record;
        }
      }
    },
  };

  async function readVisit(callSid: Sid): Promise<Visit | undefined> {
    const [visit] = await scripts.visitList(VISITS_KEY, lifetimeMs, callSid);
    return visit === undefined ? undefined : (JSON.parse(visit) as Visit);
  }

  /** The lines of one stream, in the order in which they were written. */
  async function* readStream(key: string, since: number): AsyncGenerator<AuditRecord, undefined> {
    const oldest = Math.max(since, Date.now() - AUDIT_BOUNDS.ageMs);
    // A line is written after what it tells, by a clock of its own: the event's date decides.
    let from = String(Math.max(0, oldest - 60_000));
    for (;;) {
      const page = await run(() => client.xrange(key, from, '+', 'COUNT', PAGE_SIZE));
      for (const [, [, event = '', , visit, , confirmed]] of page) {
        const read = JSON.parse(event) as VisitEvent | RefusalEvent;
        if (Date.parse(read.at) >= oldest) {
          yield visit === undefined
            ? (read as RefusalEvent)
            : toRecord(read as VisitEvent, JSON.parse(visit) as Visit, confirmed === '1');
        }
      }
      const last = page.at(-1)?.[0];
      if (last === undefined || page.length < PAGE_SIZE) {
        return undefined;
      }
      from = `(${last}`;
    }
  }
}
