import type { Mode } from '../../src/rooms/mode';
import type { Space } from '../../src/simulator/space';

/** A call's place in the Space from one change to the next. */
export interface Moment {
  /** Counts the changes of the Space. */
  number: number;
  /** Simulated milliseconds. */
  at: number;
  /** Undefined while the call is in no conference; then the rest does not count. */
  conferenceSid: string | undefined;
  muted: boolean;
  hold: boolean;
  /** The Call SID of whom they coach. */
  coaches: string | undefined;
  mode: Mode;
}

/** Everything that happened to the participants of a Space, in order. */
export interface SpaceHistory {
  /** The number of the latest change. */
  latest(): number;
  /** How a call was, from its place at the change `from` on. */
  since(callSid: string, from: number): Moment[];
  /** How a call was at any time between two instants, in simulated milliseconds. */
  between(callSid: string, from: number, to: number): Moment[];
  /** A call's place now. */
  now(callSid: string): Moment | undefined;
}

/** Follows a Space from now on. @param onChange called after every change */
export function recordHistory(space: Space, onChange: () => void): SpaceHistory {
  const moments = new Map<string, Moment[]>();
  let latest = 0;

  function look(): void {
    for (const { sid } of space.calls) {
      const place = space.conferences.participant(sid);
      const known = moments.get(sid) ?? [];
      moments.set(sid, known);
      const coaches = place?.callSidToCoach;
      const moment: Omit<Moment, 'number' | 'at'> = {
        conferenceSid: place?.conference.sid,
        muted: place?.muted ?? false,
        hold: place?.hold ?? false,
        coaches,
        mode: place?.muted ? 'monitor' : coaches === undefined ? 'barge' : 'coach',
      };
      const last = known.at(-1);
      const names = Object.keys(moment) as (keyof typeof moment)[];
      if (last === undefined || names.some((name) => last[name] !== moment[name])) {
        known.push({ number: ++latest, at: space.clock.now(), ...moment });
      }
    }
    onChange();
  }

  const { conferences } = space;
  const { enter, leave, end, update } = conferences;
  const followed = <A extends unknown[], R>(change: (...args: A) => R) => {
    return (...args: A): R => {
      const result = change(...args);
      look();
      return result;
    };
  };
  Object.assign(conferences, {
    enter: followed(enter),
    leave: followed(leave),
    end: followed(end),
    update: followed(update),
  });

  /** From the last moment before one that `isLater`, without those for which `isOver`. */
  function slice(callSid: string, isLater: (one: Moment) => boolean, isOver: (one: Moment) => boolean): Moment[] {
    const known = moments.get(callSid) ?? [];
    const next = known.findIndex(isLater);
    const first = Math.max(0, (next === -1 ? known.length : next) - 1);
    return known.slice(first).filter((one, index) => index === 0 || !isOver(one));
  }

  return {
    latest: () => latest,
    since: (callSid, from) =>
      slice(
        callSid,
        ({ number }) => number > from,
        () => false,
      ),
    between: (callSid, from, to) =>
      slice(
        callSid,
        ({ at }) => at >= from,
        ({ at }) => at > to,
      ),
    now: (callSid) => moments.get(callSid)?.at(-1),
  };
}
