import type { ActionName, ActionStatus } from '../rooms/action';
import type { Fact } from '../rooms/fact';
import type { HeardMode, Mode } from '../rooms/mode';
import type { Role, RoomName, Source } from '../rooms/room';
import type { FeedStart } from '../rooms/room-storage';
import type { RoomStore } from '../rooms/room-store';
import type { Sid } from '../signalwire/sid';
import type { RefusalEvent, RefusalStore } from './refusals';

/** A line of the audit trail: a fact about a supervisor or moderator, an action, or a refusal. */
export interface AuditRecord {
  /** ISO 8601. */
  at: string;
  kind: Fact['kind'] | RefusalEvent['kind'];
  role?: Role | undefined;
  supervisor?: string | undefined;
  /** Masked. */
  number?: string | undefined;
  room?: RoomName | undefined;
  /** The requested mode, the one that the Space reported, and whether the report confirms the request. */
  mode?: Mode | undefined;
  heard?: HeardMode | undefined;
  confirmed?: boolean | undefined;
  moderator?: string | undefined;
  /** Of `left`: when they joined, and when they left. */
  since?: string | undefined;
  until?: string | undefined;
  reason?: string | undefined;
  /** Who requested an action, or a mode, through the API. */
  by?: string | undefined;
  action?: ActionName | undefined;
  status?: ActionStatus | undefined;
  lockedOut?: string | undefined;
  limit?: string | undefined;
  /** Of a sign-in to the screen: how, and the client's address. */
  method?: string | undefined;
  ip?: string | undefined;
  /** Of `record` and `open`: the recorded call. Undefined for another action on the whole room. */
  callSid?: Sid | undefined;
  /** Counts the call's stays from 1. */
  stay?: number | undefined;
  moderatorCallSid?: Sid | undefined;
  callerCallSids?: readonly Sid[] | undefined;
  conferenceSid?: Sid | undefined;
  /** Of a recording that an action started, stopped or opened. */
  recordingSid?: Sid | undefined;
  /** How it is known. */
  source?: Source | undefined;
}

/** What a line says of a supervisor's mode. */
export type ModeRecord = Pick<
  AuditRecord,
  'at' | 'mode' | 'heard' | 'confirmed' | 'moderator' | 'moderatorCallSid' | 'source'
>;

/** A supervisor's stay, assembled from the lines about it. */
export interface StayRecord {
  supervisor: string | undefined;
  number: string | undefined;
  room: RoomName | undefined;
  /** The agent they were sent to, or the first one known. */
  moderator: string | undefined;
  /** ISO 8601; undefined if they never joined, or if it is unknown when. */
  start: string | undefined;
  /** Undefined while the stay is open. */
  end: string | undefined;
  /** In whole seconds. */
  duration: number | undefined;
  /** Every change of the requested or reported mode, with the agent. */
  modes: readonly ModeRecord[];
  /** How start and end are known. `never`: no line says that they joined. */
  startKnown: Source | 'unknown' | 'never';
  endKnown: Source | undefined;
  callSid: Sid;
  stay: number | undefined;
  moderatorCallSid: Sid | undefined;
  callerCallSids: readonly Sid[];
  conferenceSid: Sid | undefined;
}

const dateOf = (ms: number) => new Date(ms).toISOString();

/**
 * Reads the trail: facts of all rooms and refusals, nearly in the order in which they were written.
 *
 * @param since milliseconds since 1970
 * @throws StoreError
 */
export async function* readTrail(
  { rooms, refusals }: { rooms: Pick<RoomStore, 'feed'>; refusals: RefusalStore },
  since: number,
): AsyncGenerator<AuditRecord> {
  const sources = [readFeed(rooms, since), refusals.read(since)[Symbol.asyncIterator]()] as const;
  const heads = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    const open = heads.flatMap(({ value }, index) => (value === undefined ? [] : [{ record: value, index }]));
    const [first] = open.sort((one, other) => (one.record.at < other.record.at ? -1 : 1));
    if (first === undefined) {
      return;
    }
    heads[first.index] = (await sources[first.index]?.next()) ?? { done: true, value: undefined };
    yield first.record;
  }
}

async function* readFeed(rooms: Pick<RoomStore, 'feed'>, since: number): AsyncGenerator<AuditRecord, undefined> {
  for await (const { fact } of rooms.feed({ since })) {
    if (fact.at >= since) {
      yield toRecord(fact);
    }
  }
}

/** Facts as lines of the trail, each with the position after it. @param room as of the feed @throws StoreError */
export async function* readFacts(
  rooms: Pick<RoomStore, 'feed'>,
  from: FeedStart,
  room?: RoomName,
): AsyncGenerator<{ record: AuditRecord; position: string }> {
  for await (const { fact, position } of rooms.feed(from, room)) {
    yield { record: toRecord(fact), position };
  }
}

/** A fact as a line of the trail. */
export function toRecord(fact: Fact): AuditRecord {
  const { kind, at, role, room, name, address, mode, heard, callSid, conferenceSid, source, since } = fact;
  if (kind === 'action') {
    return toActionRecord(fact);
  }
  const isSupervisor = role === 'supervisor';
  return {
    at: dateOf(at),
    kind,
    role,
    ...(isSupervisor && { supervisor: name, mode, heard, callerCallSids: fact.callers, stay: fact.stayNumber }),
    ...(isSupervisor &&
      kind !== 'arrived' &&
      kind !== 'told' && { confirmed: heard === mode && !fact.coachesWrongCall }),
    number: address,
    room,
    moderator: isSupervisor ? fact.moderatorName : name,
    ...(kind === 'left' && { since: since === undefined ? undefined : dateOf(since), until: dateOf(at) }),
    ...(kind === 'mode' && { by: fact.by, reason: fact.reason }),
    callSid,
    moderatorCallSid: isSupervisor ? fact.target : callSid,
    conferenceSid,
    source,
  };
}

function toActionRecord(fact: Fact): AuditRecord {
  const { kind, at, role, room, name, address, mode, action, by, status, reason, source } = fact;
  const { callSid, conferenceSid, recordingSid } = fact;
  // The person whom a join calls has no role yet.
  const isSupervisor = role === 'supervisor' || action === 'join';
  return {
    at: dateOf(at),
    kind,
    action,
    by,
    status,
    reason,
    role,
    ...(isSupervisor && { supervisor: name, mode }),
    ...(role === 'moderator' && { moderator: name }),
    number: address,
    room,
    callSid,
    conferenceSid,
    recordingSid,
    source,
  };
}

/**
 * Assembles supervisors' stays, and yields each when its end is read. Open stays come last; so do those without a join, which
 * may be reported after the end.
 */
export async function* readStays(records: AsyncIterable<AuditRecord>): AsyncGenerator<StayRecord> {
  const unfinished = new Map<string, StayRecord>();
  for await (const record of records) {
    const { callSid } = record;
    if (record.role !== 'supervisor' || record.kind === 'action' || callSid === undefined) {
      continue;
    }
    const unnumbered = `${record.room}/${callSid}/`;
    const key = `${unnumbered}${record.stay ?? ''}`;
    // When a document becomes known, the lines that were written without it are written again.
    const isOver = !unfinished.has(key) && !unfinished.has(unnumbered);
    // A notice that the Space took after the end begins no stay.
    if (record.kind === 'told' && isOver) {
      continue;
    }
    const known = record.kind === 'arrived' ? undefined : (unfinished.get(key) ?? unfinished.get(unnumbered));
    const stay = withRecord(known ?? beginningOf({ ...record, callSid }), record);
    const previous = unfinished.get(key);
    if (record.kind === 'arrived' && previous?.end !== undefined) {
      yield previous;
    }
    unfinished.delete(unnumbered);
    unfinished.delete(key);
    if (stay.end !== undefined && stay.startKnown !== 'never') {
      yield stay;
    } else {
      unfinished.set(key, stay);
    }
  }
  yield* unfinished.values();
}

function beginningOf({ supervisor, number, room, callSid, stay }: AuditRecord & { callSid: Sid }): StayRecord {
  return {
    supervisor,
    number,
    room,
    moderator: undefined,
    start: undefined,
    end: undefined,
    duration: undefined,
    modes: [],
    startKnown: 'never',
    endKnown: undefined,
    callSid,
    stay,
    moderatorCallSid: undefined,
    callerCallSids: [],
    conferenceSid: undefined,
  };
}

function withRecord(stay: StayRecord, record: AuditRecord): StayRecord {
  const { kind, at, mode, heard, confirmed, moderator, moderatorCallSid, source } = record;
  const agent = stay.moderatorCallSid ?? moderatorCallSid;
  const common = {
    ...stay,
    supervisor: record.supervisor ?? stay.supervisor,
    number: record.number ?? stay.number,
    // A later line may name another agent: `modes` tells.
    moderator: stay.moderator ?? (moderatorCallSid === agent ? moderator : undefined),
    moderatorCallSid: agent,
    callerCallSids: record.callerCallSids ?? stay.callerCallSids,
    conferenceSid: record.conferenceSid ?? stay.conferenceSid,
    modes:
      kind === 'joined' || kind === 'mode'
        ? [...stay.modes, { at, mode, heard, confirmed, moderator, moderatorCallSid, source }]
        : stay.modes,
  };
  switch (kind) {
    case 'joined':
      // Seen by REST alone, without a document: when they joined is unknown.
      return stay.stay === undefined
        ? { ...common, startKnown: 'unknown' }
        : { ...common, start: at, startKnown: source ?? 'unknown', duration: durationOf(at, stay.end) };
    case 'left': {
      // The join may be older than the lines that are read.
      const isCut = stay.startKnown === 'never' && record.since !== undefined;
      const start = isCut && record.stay !== undefined ? record.since : stay.start;
      return {
        ...common,
        start,
        startKnown: isCut ? 'unknown' : stay.startKnown,
        end: at,
        endKnown: source,
        duration: durationOf(start, at),
      };
    }
    case 'identified':
      return { ...common, startKnown: stay.startKnown === 'never' ? 'unknown' : stay.startKnown };
    default:
      return common;
  }
}

/** In whole seconds; undefined if either is. */
function durationOf(start: string | undefined, end: string | undefined): number | undefined {
  return start === undefined || end === undefined
    ? undefined
    : Math.max(0, Math.round((Date.parse(end) - Date.parse(start)) / 1_000));
}
