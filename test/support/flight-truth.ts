import { answerAt, type Flight, type FlightAnswer } from '../../src/dashboard/flight';
import type { Space } from '../../src/simulator/space';

/** Who could hear each supervisor from one change of the Space to the next. */
interface Moment {
  /** Milliseconds since 1970. */
  at: number;
  /** By the supervisor's Call SID; missing while they are in no conference. */
  supervisors: ReadonlyMap<string, Place>;
}

/** A supervisor in a conference. All sets hold Call SIDs. */
interface Place {
  /** Everybody else who is no supervisor. */
  present: ReadonlySet<string>;
  hearers: ReadonlySet<string>;
  /** Those who hear nobody: they are on hold, or the conference has not started. */
  deaf: ReadonlySet<string>;
}

/** What the Space itself knows of who heard supervisors. */
export interface FlightTruth {
  /**
   * The answers of a flight that are wrong, inferred ones left out, and how many there were of each certainty while a
   * supervisor was in a conference.
   */
  compare(flight: Flight): { wrong: string[]; confirmed: number; unknown: number };
}

/** The servers' clocks are ahead of the Space's by up to this much, in milliseconds: they go on while its time stands still. */
const CLOCK_MS = 300;

/** Follows a Space from now on. @param isSupervisor by the Call SID */
export function recordTruth(space: Space, startedAt: number, isSupervisor: (callSid: string) => boolean): FlightTruth {
  const moments: Moment[] = [];

  function look(): void {
    const supervisors = new Map<string, Place>();
    for (const conference of space.conferences.live()) {
      const hearing = [...space.conferences.hearing(conference)];
      for (const { callSid } of conference.participants.filter((one) => isSupervisor(one.callSid))) {
        const listeners = hearing.filter(([listener]) => !isSupervisor(listener));
        const hearers = listeners.filter(([, { voices }]) => voices.includes(callSid)).map(([listener]) => listener);
        const deaf = listeners.filter(([, { sounds }]) => sounds.includes('music')).map(([listener]) => listener);
        const present = new Set(listeners.map(([listener]) => listener));
        supervisors.set(callSid, { hearers: new Set(hearers), deaf: new Set(deaf), present });
      }
    }
    moments.push({ at: startedAt + space.clock.now(), supervisors });
  }

  for (const name of ['enter', 'leave', 'end', 'update'] as const) {
    const change = space.conferences[name] as (...args: never[]) => unknown;
    Object.assign(space.conferences, {
      [name]: (...args: never[]) => {
        const result = change(...args);
        look();
        return result;
      },
    });
  }

  /** What is wrong at an instant, whichever change around it was the latest. */
  function wrongAt(answers: readonly FlightAnswer[], at: number): string[] {
    const around = moments.filter(
      (moment, index) =>
        moment.at <= at + CLOCK_MS && (moments[index + 1]?.at ?? Number.POSITIVE_INFINITY) >= at - CLOCK_MS,
    );
    const found: string[] = [];
    for (const callSid of new Set(answers.map((answer) => answer.callSid))) {
      const own = answers.filter((answer) => answer.callSid === callSid);
      for (const moment of around) {
        const problem = problemOf(own, moment.supervisors.get(callSid));
        if (problem === undefined) {
          found.length = 0;
          break;
        }
        found.push(`${problem} at ${at - startedAt}: ${JSON.stringify(own)}`);
      }
      if (found.length > 0) {
        return found;
      }
    }
    return found;
  }

  return {
    compare(flight) {
      const instants = new Set<number>();
      const last = startedAt + space.clock.now();
      for (let at = startedAt; at < last; at += 250) {
        instants.add(at);
      }
      for (const { at } of moments) {
        for (const offset of [-900, -CLOCK_MS - 1, 0, CLOCK_MS + 1, 900]) {
          instants.add(at + offset);
        }
      }
      const wrong: string[] = [];
      const counts = { confirmed: 0, unknown: 0 };
      for (const at of instants) {
        const answers = answerAt(flight, at);
        const present = moments.findLast((moment) => moment.at <= at)?.supervisors;
        const about = answers.filter(({ callSid }) => present?.has(callSid));
        counts.confirmed += about.filter(
          ({ certainty, why }) => certainty === 'confirmed' && why === 'reported',
        ).length;
        counts.unknown += about.filter(({ certainty }) => certainty === 'unknown').length;
        wrong.push(...wrongAt(answers, at));
      }
      return { wrong, ...counts };
    },
  };
}

/** What the answers about one call say that is not so. */
function problemOf(answers: readonly FlightAnswer[], place: Place | undefined): string | undefined {
  const hearers = place?.hearers ?? new Set<string>();
  const claims = answers.filter(({ certainty }) => certainty !== 'inferred');
  const isSure = claims.length === answers.length;
  const listeners = new Set<string | undefined>(answers.map(({ listener }) => listener));
  const heardByOthers = [...hearers].some((one) => !listeners.has(one));
  if (isSure && answers.every(({ others }) => others === 'no') && heardByOthers) {
    return 'somebody else hears them';
  }
  if (isSure && answers.every(({ agent }) => agent === 'no') && [...hearers].some((one) => listeners.has(one))) {
    return 'the agent hears them';
  }
  for (const { agent, others, listener } of claims) {
    const isHeardBy = (one: string) => hearers.has(one) || place?.deaf.has(one) === true;
    if (agent === 'yes' && (place === undefined || (listener && place.present.has(listener) && !isHeardBy(listener)))) {
      return 'the agent does not hear them';
    }
    if (others === 'yes' && (place === undefined || [...place.present].some((one) => !isHeardBy(one)))) {
      return 'somebody does not hear them';
    }
  }
  return undefined;
}
