import type { TrailLine } from '../api/trail-reader';
import type { RoomName } from '../rooms/room';
import type { FeedStart } from '../rooms/room-storage';
import type { Sid } from '../signalwire/sid';
import type { AuditRecord } from '../supervision/trail';
import { type Flight, type FlightStay, readFlight } from './flight';
import type { FlightLane } from './flight-lanes';
import type { FlightSubject, FlightWindow } from './flight-url';

/** What the trail tells of one call or conference in a time. */
export interface FlightReading {
  /** The stays of supervisors, and the agents, in the conferences in which the call was. */
  flight: Flight;
  /** Actions, modes requested through the API or reported during a stay, and notices to agents, in order. */
  events: readonly AuditRecord[];
  /** Whether any line names the call or conference; otherwise nothing is known of it. */
  isKnown: boolean;
  /** What it is: a customer's call, an agent's, or anything else. */
  kind: 'customer' | 'agent' | 'other';
  /** Milliseconds since 1970: supervisors who came earlier may be missing. Undefined if nobody who came earlier can be there. */
  readFrom: number | undefined;
  /** Milliseconds since 1970: nothing later was read. Undefined if everything was, until all who were there had left. */
  readUntil: number | undefined;
}

export interface FlightReadingOptions {
  read: (from: FeedStart) => AsyncIterable<TrailLine>;
  room: RoomName;
  subject: FlightSubject;
  window: FlightWindow;
  /** How long a call can last, in milliseconds. So long before the time reading begins, for those who were there already. */
  longestCallMs: number;
  /** How many lines are read at most; where there are more, for each look back that is tried. */
  maxLines: number;
}

/** Where there is too much to read, a shorter look back. */
const SHORT_LOOK_BACK_MS = 3_600_000;

/** How much later than others of its room a line may be written, in milliseconds, when the store was away. */
const LATE_MS = 600_000;

/** Reads what is known of a call or conference. @throws whatever `read` throws */
export async function readFlightOf(options: FlightReadingOptions): Promise<FlightReading> {
  const { room, subject, window } = options;
  const { records, readFrom, readUntil } = await readRoom(options);
  const all = await readFlight(records);
  const isAbout = (record: AuditRecord) => names(record, subject);
  const conferences = new Set(records.filter(isAbout).flatMap(({ conferenceSid }) => conferenceSid ?? []));
  const isIn = ({ conferenceSid }: { conferenceSid?: Sid | undefined }) =>
    conferenceSid !== undefined && conferences.has(conferenceSid);
  const supervisors = all.supervisors.filter(
    (stay) => isDuring(stay, window) && (isIn(stay) || linesOf(records, stay).some((one) => isAbout(one) || isIn(one))),
  );
  const listeners = new Set(supervisors.flatMap(({ spans }) => spans.map(({ listener }) => listener)));
  const inConference = new Set(records.filter(isIn).map(({ callSid }) => callSid));
  const agents = all.agents.filter(
    ({ callSid, ...lane }) => (listeners.has(callSid) || inConference.has(callSid)) && overlaps(lane, window),
  );
  const ofStays = supervisors.flatMap((stay) => linesOf(records, stay));
  const callers = [...new Set(ofStays.flatMap(({ callerCallSids }) => callerCallSids ?? []))];
  const calls = new Set([...supervisors, ...agents].map(({ callSid }) => callSid));
  const events = records.filter(
    (record) =>
      isEvent(record) &&
      isWithin(Date.parse(record.at), window) &&
      (isIn(record) || (record.callSid !== undefined && calls.has(record.callSid))),
  );
  return {
    flight: { supervisors, agents, callers },
    events: events.sort((one, other) => (one.at < other.at ? -1 : 1)),
    isKnown: records.some((record) => record.room === room && isAbout(record)),
    kind: kindOf(subject, callers, all.agents),
    readFrom,
    readUntil,
  };
}

/** The lines of the room, from as early as there are few enough. */
async function readRoom(options: FlightReadingOptions) {
  const { window, longestCallMs } = options;
  const hasTime = ({ readUntil = window.until }) => readUntil >= window.until;
  const whole = await readRoomFrom(options, window.from - longestCallMs);
  if (hasTime(whole)) {
    return { ...whole, readFrom: undefined };
  }
  const readFrom = window.from - Math.min(longestCallMs, SHORT_LOOK_BACK_MS);
  const short = await readRoomFrom(options, readFrom);
  return hasTime(short)
    ? { ...short, readFrom }
    : { ...(await readRoomFrom(options, window.from)), readFrom: window.from };
}

/** The lines of the room: until the time is over, and everybody who was there in it has left. */
async function readRoomFrom({ read, room, window: { from, until }, maxLines }: FlightReadingOptions, since: number) {
  const records: AuditRecord[] = [];
  const present = new Set<Sid>();
  let lines = 0;
  let last = from;
  for await (const { record } of read({ since })) {
    const at = Date.parse(record.at);
    if (++lines > maxLines) {
      return { records, readUntil: last };
    }
    last = Math.max(last, at);
    if (record.room !== room) {
      continue;
    }
    records.push(record);
    const { kind, callSid } = record;
    if (kind === 'left' && callSid !== undefined) {
      present.delete(callSid);
    } else if (callSid !== undefined && kind !== 'action' && kind !== 'told' && at <= until) {
      present.add(callSid);
    }
    if (at > until + LATE_MS && present.size === 0) {
      break;
    }
  }
  return { records, readUntil: undefined };
}

function names({ callSid, moderatorCallSid, callerCallSids, conferenceSid }: AuditRecord, subject: FlightSubject) {
  return 'conference' in subject
    ? conferenceSid === subject.conference
    : callSid === subject.call || moderatorCallSid === subject.call || callerCallSids?.includes(subject.call) === true;
}

/** The lines that may be about a stay: those without a number are. */
function linesOf(records: readonly AuditRecord[], { callSid, stay }: FlightStay): AuditRecord[] {
  return records.filter(
    (one) =>
      one.role === 'supervisor' &&
      one.kind !== 'action' &&
      one.callSid === callSid &&
      (one.stay === undefined || stay === undefined || one.stay === stay),
  );
}

function isDuring({ spans }: FlightStay, { from, until }: FlightWindow): boolean {
  const last = spans.at(-1);
  const to = last?.why === 'left' ? last.from : Number.POSITIVE_INFINITY;
  return (spans[0]?.from ?? 0) < until && to >= from;
}

function overlaps({ from = Number.NEGATIVE_INFINITY, to }: Pick<FlightLane, 'from' | 'to'>, window: FlightWindow) {
  return from < window.until && (to ?? Number.POSITIVE_INFINITY) >= window.from;
}

function isWithin(at: number, { from, until }: FlightWindow): boolean {
  return at >= from && at < until;
}

function isEvent({ kind, source, heard = 'unknown' }: AuditRecord): boolean {
  return kind === 'action' || kind === 'told' || (kind === 'mode' && (source === 'api' || heard !== 'unknown'));
}

function kindOf(subject: FlightSubject, callers: readonly Sid[], agents: readonly FlightLane[]): FlightReading['kind'] {
  if ('conference' in subject) {
    return 'other';
  }
  if (callers.includes(subject.call)) {
    return 'customer';
  }
  return agents.some(({ callSid }) => callSid === subject.call) ? 'agent' : 'other';
}
