import type { ActionReason } from '../rooms/action';
import type { Mode } from '../rooms/mode';
import type { Source } from '../rooms/room';
import type { Sid } from '../signalwire/sid';
import type { AuditRecord } from '../supervision/trail';
import { type FlightLane, lanesOf, presenceAt, presenceOf } from './flight-lanes';
import { type Line, type LinesOfStay, linesByStay, readLines } from './flight-lines';
import { periodsOf, type StayPeriod } from './stay-periods';

/** Whether somebody could hear a supervisor. */
export type Answer = 'yes' | 'no' | 'unknown';

/** In one word: `unknown` unless it is known both of the agent and of everybody else. */
export type HeardBy = 'nobody' | 'agent' | 'everyone' | 'unknown';

/**
 * - `confirmed`: the Space reported it, or they were not in the conference, and no line says that it changed.
 * - `inferred`: the same, but it rests on an end that nobody dated or reported, or on what SignalWire does not document.
 * - `unknown`: `heardBy` is unknown.
 */
export type Certainty = 'confirmed' | 'inferred' | 'unknown';

/**
 * - `reported`: the Space reported how they are heard.
 * - `not-reported`: the Space did not.
 * - `requested`: a mode was requested, and the Space had not reported it.
 * - `changing`: too close to a change to tell what came first.
 * - `arrived`: they were on the way into the conference, or not even that.
 * - `left`: they had left it.
 * - `never-seen`: no line says that they joined, nor that they did not.
 * - `before-trail`: they were there before the first line, and how they were heard then is not known.
 * - `agent-gone`: they coached a call that had left, or may have.
 * - `other-call`: they coached a call that is no agent's.
 * - `newcomer`: somebody entered while they coached, and SignalWire does not say whether those hear a coach.
 * - `undated-end`: they, or their agent, had not left as far as is known, but when they left is inferred or not known.
 * - `hold`: they were put on hold, or may have been.
 */
export type Why = StayPeriod['why'] | 'agent-gone' | 'other-call' | 'newcomer' | 'undated-end' | 'hold';

/** What is known at one instant of who could hear a supervisor. */
export interface Heard {
  heardBy: HeardBy;
  certainty: Certainty;
  /** Whether `listener` could. */
  agent: Answer;
  /** Whether customers or other agents could. Other supervisors do not count. If only one of the two is known, it is confirmed. */
  others: Answer;
  why: Why;
  /** How the line is known that says so; undefined where no line does. */
  source: Source | undefined;
  /** The requested mode. */
  mode: Mode | undefined;
  /** The call that they coach, or whose conversation they are in. */
  listener: Sid | undefined;
}

/** A period in which the same is known. Milliseconds since 1970; it includes `from`, and not `to`. */
export interface FlightSpan extends Heard {
  from: number;
  /** Undefined if the same is known of any time after. */
  to: number | undefined;
}

/** A supervisor's stay. */
export interface FlightStay {
  supervisor: string | undefined;
  /** Masked. */
  number: string | undefined;
  callSid: Sid;
  stay: number | undefined;
  conferenceSid: Sid | undefined;
  /** When they joined and left by their lines; undefined where none says so. Spans allow for errors in these dates. */
  joinedAt: number | undefined;
  leftAt: number | undefined;
  /** What is known of any time before the spans. */
  before: Heard;
  /** From the first line on, without gaps. */
  spans: readonly FlightSpan[];
}

/** A room's timeline: its agents, its customers, and who could hear its supervisors. */
export interface Flight {
  supervisors: readonly FlightStay[];
  agents: readonly FlightLane[];
  /** The customers whom the lines about supervisors name. When they came and went is not in the trail. */
  callers: readonly Sid[];
}

/** What is known of one stay at one instant. */
export type FlightAnswer = Pick<FlightStay, 'supervisor' | 'number' | 'callSid' | 'stay' | 'conferenceSid'> & Heard;

/**
 * Assembles the timeline of a room from lines of the trail, in the order in which they were read. Repeated lines and lines out
 * of order do no harm; a line of a call that is left out may make an answer about that call wrong.
 */
export async function readFlight(records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>): Promise<Flight> {
  const lines = await readLines(records);
  const agents = lanesOf(lines);
  return {
    supervisors: linesByStay(lines).map((stay) => flightOf(stay, agents, holdsOf(lines, stay.callSid))),
    agents,
    callers: [...new Set(lines.flatMap(({ record }) => record.callerCallSids ?? []))],
  };
}

/**
 * Who could hear each supervisor at an instant. It tells where their voice went: those who were not in the conference or were
 * on hold heard nobody, and the trail does not tell when customers were.
 *
 * @param at milliseconds since 1970
 */
export function answerAt({ supervisors }: Flight, at: number): FlightAnswer[] {
  return supervisors.map(({ before, spans, joinedAt: _joinedAt, leftAt: _leftAt, ...stay }) => {
    const {
      from: _from,
      to: _to,
      ...heard
    } = spans.findLast(({ from }) => from <= at) ?? { from: 0, to: 0, ...before };
    return { ...stay, ...heard };
  });
}

/** A period in which somebody was or may have been on hold. */
interface Hold {
  from: number;
  to: number;
}

function flightOf(stay: LinesOfStay, agents: readonly FlightLane[], holds: readonly Hold[]): FlightStay {
  const { callSid, stayNumber, lines } = stay;
  const periods = periodsOf(stay, agents);
  const records = lines.map(({ record }) => record);
  const first = Math.min(...lines.map(({ at }) => at));
  const listeners = new Set(periods.map(({ listener }) => listener));
  const lanes = agents.filter((lane) => listeners.has(lane.callSid));
  const changes = [
    ...[...periods, ...holds].flatMap(({ from, to }) => [from, to]),
    ...lanes.flatMap(presenceOf).map(({ at }) => at),
  ];
  const later = changes.filter((at) => at > first && at < Number.POSITIVE_INFINITY).sort((one, other) => one - other);
  const spans: FlightSpan[] = [];
  for (const from of new Set([first, ...later])) {
    const heard = heardAt(from);
    const last = spans.at(-1);
    if (last === undefined || !isSame(last, heard)) {
      if (last !== undefined) {
        last.to = from;
      }
      spans.push({ from, to: undefined, ...heard });
    }
  }
  return {
    supervisor: records.find(({ supervisor }) => supervisor !== undefined)?.supervisor,
    number: records.find(({ number }) => number !== undefined)?.number,
    callSid,
    stay: stayNumber,
    conferenceSid: records.find(({ conferenceSid }) => conferenceSid !== undefined)?.conferenceSid,
    // Without a document, they were found there, whenever they joined.
    joinedAt: stayNumber === undefined ? undefined : lines.findLast(({ record }) => record.kind === 'joined')?.at,
    leftAt: lines.findLast(({ record }) => record.kind === 'left')?.at,
    before: heardAt(Number.NEGATIVE_INFINITY),
    spans,
  };

  function heardAt(at: number): Heard {
    const isOnHold = isIn(holds, at);
    const [one, ...others] = periods.filter(({ from, to }) => from <= at && at < to);
    const heardIn = (period: StayPeriod) => withHold(hearersIn(period, lanes, at), isOnHold);
    return others.map(heardIn).reduce(either, heardIn(one as StayPeriod));
  }
}

const isIn = (holds: readonly Hold[], at: number) => holds.some(({ from, to }) => from <= at && at < to);

/** Reasons of a failed action that the Space has not done, and will not do. After others, such as `timeout`, it may have. */
const NOT_DONE: ReadonlySet<string | undefined> = new Set<ActionReason>(['refused', 'ineffective', 'left']);

/** The holds of a call by our API: each from its request until the Space was seen to have ended it, or not to have begun it. */
function holdsOf(lines: readonly Line[], callSid: Sid): Hold[] {
  const holds: Hold[] = [];
  // Whether only one request says that they are on hold.
  let isTried = false;
  for (const { at, record } of lines) {
    const { kind, action, status, reason } = record;
    if (record.callSid !== callSid || kind !== 'action') {
      continue;
    }
    const open = holds.at(-1)?.to === Number.POSITIVE_INFINITY ? holds.at(-1) : undefined;
    const isNotDone = status === 'failed' && NOT_DONE.has(reason);
    if (action === 'hold' && open === undefined && !isNotDone) {
      holds.push({ from: at, to: Number.POSITIVE_INFINITY });
      isTried = status === 'requested';
    } else if (action === 'hold' && open !== undefined && isNotDone && isTried) {
      open.to = at;
    } else if (action === 'hold') {
      isTried = false;
    } else if (action === 'unhold' && status === 'confirmed' && open !== undefined) {
      open.to = at;
    }
  }
  return holds;
}

/** Who could hear a supervisor in a period. @param lanes of the listeners */
function hearersIn(period: StayPeriod, lanes: readonly FlightLane[], at: number): Heard {
  const { heard, isBeingMuted, why, source, mode, listener, isInferred, isUndated } = period;
  const about = { source, mode, listener };
  const known = (agent: Answer, others: Answer, certainty: Certainty, reason: Why = why) =>
    judged({ agent, others, certainty, why: reason, ...about });
  const certainty = isInferred ? 'inferred' : 'confirmed';
  switch (heard) {
    case 'absent':
    case 'monitor':
      return known('no', 'no', certainty);
    case 'unknown':
      return known('unknown', 'unknown', 'unknown');
    case 'barge':
      if (isBeingMuted) {
        return known('unknown', 'unknown', 'unknown');
      }
      return isUndated ? known('yes', 'yes', 'inferred', 'undated-end') : known('yes', 'yes', certainty);
    case 'coach':
      return hearersOfCoach();
  }

  function hearersOfCoach(): Heard {
    const own = lanes.filter((lane) => lane.callSid === listener);
    if (own.length === 0 && !period.isListenerConfirmed) {
      return known('unknown', 'unknown', 'unknown', 'other-call');
    }
    const presence = own.length === 0 ? 'undated' : presenceAt(own, at);
    // What a coach is heard by whose agent has left is not documented: perhaps everybody.
    if (presence === 'out' || presence === 'changing') {
      return known('unknown', 'unknown', 'unknown', 'agent-gone');
    }
    if (isBeingMuted) {
      const isSure = !period.hasNewcomer && !isUndated && presence !== 'undated';
      return known('unknown', isSure ? 'no' : 'unknown', 'unknown');
    }
    if (period.hasNewcomer) {
      return known('yes', 'no', 'inferred', 'newcomer');
    }
    return isUndated || presence === 'undated'
      ? known('yes', 'no', 'inferred', 'undated-end')
      : known('yes', 'no', certainty);
  }
}

function judged(heard: Omit<Heard, 'heardBy'>): Heard {
  const { agent, others } = heard;
  const isKnown = agent !== 'unknown' && others !== 'unknown';
  const heardBy = !isKnown ? 'unknown' : others === 'yes' ? 'everyone' : agent === 'yes' ? 'agent' : 'nobody';
  return { ...heard, heardBy, certainty: isKnown ? heard.certainty : 'unknown' };
}

/** Nobody hears somebody on hold; but who ended a hold is not in the trail. */
function withHold(heard: Heard, isOnHold: boolean): Heard {
  const isHeard = heard.agent === 'yes' || heard.others === 'yes';
  const unlessNo = (answer: Answer) => (answer === 'no' ? 'no' : 'unknown');
  return isOnHold && isHeard
    ? judged({ ...heard, agent: unlessNo(heard.agent), others: unlessNo(heard.others), why: 'hold' })
    : heard;
}

const UNKNOWN = { agent: 'unknown', others: 'unknown' } as const;

const CERTAINTIES: readonly Certainty[] = ['unknown', 'inferred', 'confirmed'];

/** What is known if it is one or the other, of which the other is the later. */
function either(one: Heard, other: Heard): Heard {
  // `agent` and `others` are about the listener of each.
  const isOneListener = one.listener === other.listener || one.agent === 'no' || other.agent === 'no';
  const agent = one.agent === other.agent && isOneListener ? one.agent : 'unknown';
  const others = one.others === other.others && (isOneListener || one.others === 'yes') ? one.others : 'unknown';
  const isPartial = (agent === 'unknown') !== (others === 'unknown');
  const isInferred = one.certainty === 'inferred' || other.certainty === 'inferred';
  const weaker = CERTAINTIES.indexOf(one.certainty) < CERTAINTIES.indexOf(other.certainty) ? one : other;
  const isSaidByWeaker = weaker.agent === agent && weaker.others === others;
  return judged({
    ...other,
    listener: other.agent === 'no' && one.agent !== 'no' ? (one.listener ?? other.listener) : other.listener,
    // Half an answer has no certainty of its own: it must be confirmed.
    ...(isPartial && isInferred ? UNKNOWN : { agent, others }),
    certainty: weaker.certainty,
    why: isSaidByWeaker ? weaker.why : 'changing',
  });
}

function isSame(span: FlightSpan, heard: Heard): boolean {
  return (Object.keys(heard) as (keyof Heard)[]).every((name) => span[name] === heard[name]);
}
