import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Lookup } from '../conferences/directory';
import type { Outbox } from '../ops/outbox';
import { type Address, maskAddress } from '../people/address';
import type { Lockout } from '../people/pin-limiter';
import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room-name';
import { type Fields, sidField, textField } from '../signalwire/fields';
import type { Sid } from '../signalwire/sid';
import type { About, RefusalEvent, RefusalReason, SupervisionStore, Visit, VisitEvent } from './audit';
import type { NoticePolicy } from './mode';

/** What came of making a participant silent, as it was read back. */
export interface Silence {
  /** Whether they were heard before. */
  wasHeard: boolean;
  isMuted: boolean;
  /** Whether they coach whom they should now; true when nobody was named. */
  isLed: boolean;
}

/** What the Space's REST API does for us while a supervisor is in. */
export interface LiveControl {
  /** Plays the document at an address to one participant; false when that call is not in the conference. */
  announce(room: RoomName, callSid: Sid, url: string): Promise<boolean>;
  /** Mutes a participant, then makes them coach `target`, if one is given; undefined when that call is not there. */
  silence(room: RoomName, callSid: Sid, target: Sid | undefined): Promise<Silence | undefined>;
  /** Takes a participant out of the conference; their call goes on to what comes after it. */
  remove(room: RoomName, callSid: Sid): Promise<void>;
  /** The same, if that conference has not started, having no moderator; whether they were there. */
  removeWaiting(room: RoomName, callSid: Sid): Promise<boolean>;
}

/** Somebody who was not let in, or had been let in and is not any more. */
export interface Refused {
  callSid: Sid;
  from: Address | undefined;
  reason: RefusalReason;
  supervisor?: string;
  room?: RoomName;
}

/**
 * What supervisors do, remembered and followed up. Nothing here keeps a call waiting, but for `lastStay`: what is noted is
 * written in the background, in order for each call, and again until the store takes it.
 */
export interface Supervision {
  /** A supervisor is sent into a room; `before` is how the same call was in that room until just now. */
  enters(visit: Omit<Visit, 'since'>, before?: Mode): void;
  /** A supervisor's call is out of that room after that stay. */
  leaves(room: RoomName, callSid: Sid, stay: number): void;
  refuse(refused: Refused): void;
  lockOut(caller: { callSid: Sid; from: Address | undefined }, lockout: Lockout): void;
  /**
   * How a call is heard in this stay, or was until just now, and beside whom: both may have been changed since it was
   * sent there. Undefined when that cannot be told. Never rejects.
   */
  lastStay(callSid: Sid, stay: number): Promise<Pick<Visit, 'mode' | 'moderatorCallSid'> | undefined>;
  /** Takes a status callback of a conference; `agoMs` is how long ago it happened. */
  noteEvent(room: RoomName, fields: Fields, agoMs: number): void;
  /**
   * Sees to it that nobody in the room goes on with a moderator who has left it or was followed by another: by REST
   * they are muted, coach the moderator of this moment, and are told. What fails is tried again for about half a
   * minute; whoever cannot be muted until then is taken out. Never rejects.
   */
  followModerator(room: RoomName): Promise<void>;
}

export interface SupervisionOptions {
  store: SupervisionStore;
  outbox: Outbox;
  /** Undefined when the Space's REST API is not configured. */
  space: LiveControl | undefined;
  findModerator: (room: RoomName) => Promise<Lookup>;
  notices: {
    policy: NoticePolicy;
    /** The addresses of what is played to a moderator, and to a supervisor who was made to listen. */
    moderatorUrl: string;
    supervisorUrl: string;
  };
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
  /** Milliseconds until something that failed is tried again; twice as long each further time. */
  retryMs?: number;
}

const event = z.object({
  StatusCallbackEvent: textField,
  CallSid: sidField.optional().catch(undefined),
  Muted: textField,
  Coaching: textField,
  EndConferenceOnExit: textField,
});

/** Log messages for refusals. After a wrong PIN or none, the caller may be asked again. */
const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  unknown: 'Unknown number: supervisor call rejected',
  'wrong-pin': 'Wrong supervisor PIN',
  'no-pin': 'No supervisor PIN entered',
  room: 'Supervisor call rejected: not their room',
  removed: 'Supervisor call ended: no longer in the roster',
};

/** How often something that must be done in a conference is tried. */
const MAX_TRIES = 6;

export function createSupervision(options: SupervisionOptions): Supervision {
  const { store, outbox, space, findModerator, notices, now, log, retryMs = 1_000 } = options;
  /** The rooms in which somebody is being followed, whether there was more news since, and how to tell of it. */
  const following = new Map<RoomName, { hasNews: boolean; wake: () => void; done: Promise<void> }>();
  /** How long ago something happened, when it comes to be written. */
  const ageSince = (happenedAt: number) => () => now() - happenedAt;
  const stamp = () => ({ id: randomUUID(), at: new Date(now()).toISOString() });

  function enters(given: Omit<Visit, 'since'>, before?: Mode): void {
    const noted: VisitEvent = { ...stamp(), kind: 'entered' };
    const visit: Visit = { ...given, since: noted.at };
    const ageMs = ageSince(now());
    const work = () => store.begin(visit, noted, { agoMs: ageMs() });
    outbox.put({ key: visit.callSid, work, about: { ...visit, ...noted } });
    const { policy } = notices;
    const isNews = policy === 'always' ? before === undefined : visit.mode === 'coach' && before !== 'coach';
    if (space !== undefined && policy !== 'never' && isNews) {
      void tellModerator(space, visit);
    }
  }

  async function tellModerator(live: LiveControl, { room, callSid, moderatorCallSid }: Visit): Promise<void> {
    try {
      if (!(await live.announce(room, moderatorCallSid, notices.moderatorUrl))) {
        log.warn({ room, callSid }, 'The moderator was not told of a supervisor: they are not in the conference');
      }
    } catch (err) {
      log.error({ err, room, callSid }, 'The moderator could not be told of a supervisor');
    }
  }

  /** Somebody came in, who may be a supervisor. */
  function confirm(room: RoomName, callSid: Sid, heardAs: Mode | undefined, agoMs: number): void {
    const stamped = stamp();
    const ageMs = ageSince(now() - agoMs);
    let isRepeat = false;
    const work = async () => {
      const expected = await store.find(callSid);
      if (expected?.room !== room) {
        return;
      }
      const confirmed = heardAs === undefined || heardAs === expected.mode;
      const noted: VisitEvent = { ...stamped, kind: 'confirmed', confirmed, heardAs };
      // What was done already when its answer was lost is followed up all the same.
      const known = isRepeat ? expected : undefined;
      isRepeat = true;
      const visit = (await store.confirm(room, callSid, noted, { agoMs: ageMs() })) ?? known;
      if (visit !== undefined) {
        void followUp(visit, confirmed);
      }
    };
    outbox.put({ key: callSid, work, about: { room, callSid, ...stamped }, isMinor: true });
  }

  /** Sees to it that a supervisor who came in is heard as they should be. */
  async function followUp(visit: Visit, isHeardAsAsked: boolean): Promise<void> {
    const { room, callSid, mode } = visit;
    if (!isHeardAsAsked) {
      log.error({ room, callSid, mode }, 'A supervisor is heard in another mode than theirs');
    }
    if (space === undefined) {
      return;
    }
    if (mode === 'barge') {
      await persist(() => removeIfAlone(space, visit).then(() => true), { room, callSid });
    } else if (!isHeardAsAsked) {
      const moderator = { callSid: visit.moderatorCallSid, name: visit.moderator };
      await persist((isLast) => makeListen(space, visit, moderator, isLast), { room, callSid });
    }
    // The moderator may have changed while they were on their way.
    await followModerator(room);
  }

  function end(room: RoomName, callSid: Sid, about: () => About, isMinor: boolean): void {
    const noted: VisitEvent = { ...stamp(), kind: 'left' };
    const work = () => store.end(room, callSid, noted, about());
    outbox.put({ key: callSid, work, about: { room, callSid, ...noted }, isMinor });
  }

  /**
   * Tries until it is done, each time later; what it could not do is in the log.
   *
   * @param news ends the wait, and all further trying, when there is something newer to see to
   */
  async function persist(
    attempt: (isLast: boolean) => Promise<boolean>,
    about: object,
    news: { hasNews: boolean; wake: () => void } = { hasNews: false, wake: () => {} },
  ): Promise<void> {
    for (let tries = 1; ; tries++) {
      const isLast = tries === MAX_TRIES;
      try {
        if (await attempt(isLast)) {
          return;
        }
        log.warn({ ...about, tries }, 'Who hears a supervisor is not as it should be yet');
      } catch (err) {
        log.warn({ err, ...about, tries }, 'Who hears a supervisor could not be seen to');
      }
      if (isLast) {
        log.error(about, 'Given up: who hears a supervisor is not as it should be');
        return;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, retryMs * 2 ** (tries - 1)).unref();
        news.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (news.hasNews) {
        return;
      }
    }
  }

  function followModerator(room: RoomName): Promise<void> {
    const present = following.get(room);
    if (present !== undefined) {
      present.hasNews = true;
      present.wake();
      return present.done;
    }
    if (space === undefined) {
      return Promise.resolve();
    }
    const started = { hasNews: true, wake: () => {}, done: Promise.resolve() };
    following.set(room, started);
    started.done = (async () => {
      while (started.hasNews) {
        started.hasNews = false;
        await persist((isLast) => follow(space, room, isLast), { room }, started);
      }
      following.delete(room);
    })();
    return started.done;
  }

  /** @returns whether there is nobody left to be seen to */
  async function follow(live: LiveControl, room: RoomName, isLast: boolean): Promise<boolean> {
    const visits = (await store.list(room)).filter(({ mode }) => mode !== 'barge');
    if (visits.length === 0) {
      return true;
    }
    const found = await findModerator(room);
    if (found.state === 'unknown') {
      return false;
    }
    const current = found.state === 'live' ? found : undefined;
    const astray = visits.filter(({ moderatorCallSid }) => moderatorCallSid !== current?.callSid);
    const seenTo = await Promise.all(astray.map((visit) => makeListen(live, visit, current, isLast)));
    return seenTo.every(Boolean);
  }

  /**
   * Makes a supervisor listen, to the moderator of this moment if there is one. What is noted and said is what was read
   * back.
   *
   * @param isLast whether who cannot be muted is to be taken out
   * @returns whether it is so, or they are not there any more
   */
  async function makeListen(
    live: LiveControl,
    visit: Visit,
    current: { callSid: Sid; name: string | undefined } | undefined,
    isLast: boolean,
  ): Promise<boolean> {
    const { room, callSid } = visit;
    if ((await store.find(callSid))?.stay !== visit.stay) {
      return true;
    }
    const silence = await live.silence(room, callSid, current?.callSid).catch((err) => {
      if (!isLast) {
        throw err;
      }
      log.warn({ err, room, callSid }, 'A supervisor could not be muted');
      return { isMuted: false, isLed: false, wasHeard: false };
    });
    if (silence === undefined) {
      return true;
    }
    const { isMuted, isLed, wasHeard } = silence;
    if (!isMuted) {
      if (isLast) {
        await live.remove(room, callSid);
        note({ ...visit, mode: 'monitor' }, { ...stamp(), kind: 'mode', confirmed: false });
        log.error({ room, callSid }, 'A supervisor could not be muted, and was taken out');
      }
      return isLast;
    }
    // Noted only after it was said, so that it is said again if that failed.
    if (wasHeard || visit.mode !== 'monitor') {
      log.warn({ room, callSid }, 'A supervisor who could be heard by the wrong people only listens now');
      await live.announce(room, callSid, notices.supervisorUrl);
    }
    const led = isLed && current !== undefined && { moderator: current.name, moderatorCallSid: current.callSid };
    note({ ...visit, mode: 'monitor', ...led }, { ...stamp(), kind: 'mode', confirmed: true });
    return isLed;
  }

  function note(visit: Visit, noted: VisitEvent): void {
    const work = () => store.change(visit, noted);
    outbox.put({ key: visit.callSid, work, about: { ...visit, ...noted } });
  }

  /**
   * Nothing keeps a supervisor who speaks to everybody out of a conference whose moderator has left, known or not.
   * There they would wait, and be heard in the next conversation.
   */
  async function removeIfAlone(live: LiveControl, { room, callSid }: Visit): Promise<void> {
    if (await live.removeWaiting(room, callSid)) {
      log.warn({ room, callSid }, 'A supervisor came in where there was no moderator, and was taken out');
    }
  }

  function turnAway(noted: RefusalEvent, why: string, more: object = {}): void {
    log.warn({ ...noted, ...more }, why);
    outbox.put({ key: noted.callSid, work: () => store.refuse(noted), about: noted });
  }

  return {
    enters,
    leaves: (room, callSid, stay) => end(room, callSid, () => ({ stay }), false),

    refuse({ from, ...refused }) {
      const noted: RefusalEvent = { ...stamp(), kind: 'refused', number: maskAddress(from), ...refused };
      turnAway(noted, REFUSALS[refused.reason]);
    },

    lockOut({ callSid, from }, { who: lockedOut, limit, seconds }) {
      const number = maskAddress(from);
      const noted: RefusalEvent = { ...stamp(), kind: 'locked-out', lockedOut, limit, number, callSid };
      turnAway(noted, 'PINs are locked; the call was turned away', { seconds });
    },

    async lastStay(callSid, stay) {
      try {
        // Its end may have been told already. Another stay's is no answer: the store may be behind.
        const visit = await store.findLast(callSid);
        return visit?.stay === stay ? visit : undefined;
      } catch (err) {
        log.warn({ err, callSid }, 'The store did not say how a supervisor is heard');
        return undefined;
      }
    },

    noteEvent(room, fields, agoMs) {
      const { StatusCallbackEvent: kind, CallSid: callSid, ...about } = event.parse(fields);
      // Nobody who ends a conference supervises it.
      if (callSid === undefined || about.EndConferenceOnExit?.toLowerCase() === 'true') {
        return;
      }
      if (kind === 'participant-join') {
        confirm(room, callSid, heardAs(about.Muted, about.Coaching), agoMs);
      } else if (kind === 'participant-leave') {
        const ageMs = ageSince(now() - agoMs);
        end(room, callSid, () => ({ agoMs: ageMs() }), true);
      }
    },

    followModerator,
  };
}

/** How somebody is heard by what the Space says of them; undefined if it does not say. */
function heardAs(muted: string | undefined, coaching: string | undefined): Mode | undefined {
  if (muted?.toLowerCase() === 'true') {
    return 'monitor';
  }
  if (muted === undefined || coaching === undefined) {
    return undefined;
  }
  return coaching.toLowerCase() === 'true' ? 'coach' : 'barge';
}
