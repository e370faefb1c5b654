import type { RoomName } from '../rooms/room';
import type { Sid } from '../signalwire/sid';
import type { AuditRecord } from '../supervision/trail';
import { type FlightSpan, type FlightStay, type HeardBy, readFlight } from './flight';

/** A supervisor who listened to an agent: the part of a stay that was the agent's. Instants are milliseconds since 1970. */
export interface ListenerRow {
  supervisor: string | undefined;
  room: RoomName | undefined;
  callSid: Sid;
  stay: number | undefined;
  /** The agent's call. */
  moderatorCallSid: Sid | undefined;
  from: number;
  /** Undefined while it goes on, and if the end is not known. */
  to: number | undefined;
  /** Whether it goes on as far as is known. */
  isOngoing: boolean;
  /**
   * For how many milliseconds who could hear the supervisor. `agent` is this agent. What has no known end is counted until now,
   * but only as far as lines were read, and no longer than a call can last.
   */
  heardMs: Readonly<Record<HeardBy, number>>;
  /** How certain that is: false if any of it is inferred or unknown. */
  isConfirmed: boolean;
  /** When the Space took a notice to the agent about this supervisor; empty if none was sent, or the trail is older. */
  toldAt: readonly number[];
}

/** When lines were read. Instants are milliseconds since 1970. */
export interface MyPageTimes {
  now: number;
  /** Nothing later was read. */
  readTo: number;
  /** How long a call can last, in milliseconds. */
  longestCallMs: number;
}

/** Spans in which a supervisor was not in the conference, or not known to be, unless their join and end are dated. */
const ELSEWHERE: ReadonlySet<FlightSpan['why']> = new Set(['arrived', 'left', 'never-seen']);

/**
 * Who listened to an agent, the latest first.
 *
 * Agents are known by their name alone, so that it must be theirs alone.
 *
 * @param records lines of any rooms, each room's in the order in which they were read
 */
export async function readMyPage(
  records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>,
  moderator: string,
  times: MyPageTimes,
): Promise<ListenerRow[]> {
  const rooms = new Map<RoomName | undefined, AuditRecord[]>();
  for await (const record of records) {
    const ofRoom = rooms.get(record.room) ?? [];
    ofRoom.push(record);
    rooms.set(record.room, ofRoom);
  }
  const rows: ListenerRow[] = [];
  for (const [room, ofRoom] of rooms) {
    const calls = new Set(
      ofRoom.flatMap((record) => (record.moderator === moderator ? [record.moderatorCallSid ?? record.callSid] : [])),
    );
    // Most rooms are others' alone.
    if (calls.size === 0) {
      continue;
    }
    const { supervisors } = await readFlight(ofRoom);
    for (const stay of supervisors) {
      for (const call of calls) {
        const row = rowOf(stay, call, times);
        if (row !== undefined) {
          rows.push({ ...row, room, toldAt: toldAt(ofRoom, row) });
        }
      }
    }
  }
  return rows.sort((one, other) => other.from - one.from);
}

function rowOf(
  stay: FlightStay,
  call: Sid | undefined,
  { now, readTo, longestCallMs }: MyPageTimes,
): Omit<ListenerRow, 'room' | 'toldAt'> | undefined {
  const { supervisor, callSid, spans } = stay;
  const own = spansInside(stay).filter(({ listener }) => listener === call);
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined) {
    return undefined;
  }
  const openUntil = Math.min(now, readTo, (spans[0] ?? first).from + longestCallMs);
  const isOngoing = last.to === undefined && openUntil === now;
  const heardMs = { nobody: 0, agent: 0, everyone: 0, unknown: 0 };
  for (const { from, to = Math.max(from, openUntil), heardBy } of own) {
    heardMs[heardBy] += to - from;
  }
  const isEndKnown = last.to !== undefined || isOngoing;
  const isConfirmed = isEndKnown && own.every(({ certainty }) => certainty === 'confirmed');
  return {
    supervisor,
    callSid,
    stay: stay.stay,
    moderatorCallSid: call,
    from: first.from,
    to: last.to,
    isOngoing,
    heardMs,
    isConfirmed,
  };
}

/** The spans between join and leave, with the dates of the audit page. A stay lasts at least a millisecond. */
function spansInside({ spans, joinedAt, leftAt }: FlightStay): FlightSpan[] {
  const start = joinedAt ?? Number.NEGATIVE_INFINITY;
  const isDated = joinedAt !== undefined && leftAt !== undefined;
  const end = isDated ? Math.max(leftAt, start + 1) : undefined;
  return spans
    .filter(({ why }) => isDated || !ELSEWHERE.has(why))
    .map((span) => ({ ...span, from: Math.max(span.from, start), to: earliest(span.to, end) }))
    .filter(({ from, to = Number.POSITIVE_INFINITY }) => from < to);
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** How long after its stay a notice may have been sent, in milliseconds: REST was slow. */
const NOTICE_MS = 10_000;

function toldAt(
  records: readonly AuditRecord[],
  { callSid, stay, moderatorCallSid, from, to = Number.POSITIVE_INFINITY }: Omit<ListenerRow, 'room' | 'toldAt'>,
): number[] {
  return records
    .filter((one) => one.kind === 'told' && one.callSid === callSid && one.stay === stay)
    .filter((one) => one.moderatorCallSid === moderatorCallSid)
    .map(({ at }) => Date.parse(at))
    .filter((at) => at >= from - NOTICE_MS && at < to + NOTICE_MS);
}
