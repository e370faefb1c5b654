import type { Logger } from 'pino';
import { isIn, type RoomState, type Stay, type StayOfSupervisor, supervisorsOf, targetOf } from '../rooms/room';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import { type Observation, toObserved } from '../rooms/space-observer';
import type { Sid } from '../signalwire/sid';
import { type SeenParticipant, type SpaceClient, SpaceError } from '../signalwire/space-client';
import { type Need, needOf } from './needs';

/** Sees to it by REST that supervisors are heard as they should be. */
export interface Enforcer {
  /** Looks at a room's state, and sees to what is not as it should be. Returns at once. */
  see(state: RoomState): void;
  /** Resolves when nobody is being seen to. */
  idle(): Promise<void>;
  /** Stops trying. */
  close(): void;
}

/** What of the Space's REST API is used here. */
export type LiveControl = Pick<
  SpaceClient,
  'listConferences' | 'findParticipant' | 'changeParticipant' | 'removeParticipant' | 'redirectCall'
>;

export interface EnforcerOptions {
  rooms: Pick<Rooms, 'record' | 'read'>;
  space: LiveControl;
  /** A room as REST shows it at this moment. */
  observe: (room: RoomName) => Promise<Observation>;
  /** Tells a supervisor that they were made to listen; rejects when that must be tried again. */
  tell: (room: RoomName, stay: StayOfSupervisor) => Promise<void>;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  /** Milliseconds until something that failed is tried again; twice as long each further time. */
  retryMs?: number;
}

const MAX_RETRY_MS = 4_000;

/** How often a mute may be accepted and not applied before the participant is taken out. */
const MAX_VAIN_MUTES = 3;

/** How often something that does no harm undone is tried. */
const MAX_TRIES = 6;

/** How long somebody who was told by being moved may take to leave the conference, in milliseconds. */
const MOVE_MS = 2_000;

/** A need, or a supervisor to tell that they were made to listen. */
type Step = Need | 'tell';

/** A supervisor who is being seen to. */
interface Case {
  state: RoomState;
  /** Ends a wait: there is news. */
  wake: () => void;
  vainMutes: number;
  missed: number;
  done: Promise<void>;
  /** The `joinedAt` of the stay that is muted and not told so yet. */
  untold: number | undefined;
}

export function createEnforcer(options: EnforcerOptions): Enforcer {
  const { rooms, space, observe, tell, log, monotonicNow, retryMs = 500 } = options;
  const cases = new Map<RoomName, Map<Sid, Case>>();
  let isClosed = false;
  /** The store's clock less the monotonic one: at least what the latest state shows, exact once a room was read. */
  let clockOffset = Number.NEGATIVE_INFINITY;

  const storeNow = () => monotonicNow() + clockOffset;

  function see(state: RoomState): void {
    if (state.isForeign) {
      return;
    }
    clockOffset = Math.max(clockOffset, state.at - monotonicNow());
    const known = cases.get(state.room) ?? new Map<Sid, Case>();
    for (const one of known.values()) {
      one.state = state;
      one.wake();
    }
    for (const stay of supervisorsOf(state)) {
      if (!isClosed && !known.has(stay.callSid) && needOf(state, stay, storeNow()) !== undefined) {
        const started: Case = {
          state,
          wake: () => {},
          vainMutes: 0,
          missed: 0,
          untold: undefined,
          done: Promise.resolve(),
        };
        known.set(stay.callSid, started);
        cases.set(state.room, known);
        started.done = attend(stay.callSid, started);
      }
    }
  }

  /** Goes on until there is nothing to be done, each time later. */
  async function attend(callSid: Sid, about: Case): Promise<void> {
    const { room } = about.state;
    let tries = 0;
    let last: Step | undefined;
    while (!isClosed) {
      let stay = stayOf(about, callSid);
      const step = stay && nextStep(about, stay);
      if (stay === undefined || step === undefined) {
        break;
      }
      tries = step === last ? tries + 1 : 0;
      last = step;
      if (tries > 0) {
        if (tries > MAX_TRIES && step !== 'silence' && step !== 'remove') {
          log.error({ room, callSid, step }, 'Could not finish correcting a supervisor; giving up');
          break;
        }
        await pause(about, Math.min(retryMs * 2 ** (tries - 1), MAX_RETRY_MS));
        // What was known is out of date by now, and other servers may have seen to it.
        await refresh(about);
        stay = stayOf(about, callSid);
        if (isClosed || stay === undefined || nextStep(about, stay) !== step) {
          continue;
        }
      }
      try {
        await take[step](about, stay);
      } catch (err) {
        log.warn({ err, room, callSid, step, tries }, 'Supervisor not corrected yet; retrying');
      }
    }
    // In the same turn as the decision, so that no later state is missed.
    forget(room, callSid);
  }

  function forget(room: RoomName, callSid: Sid): void {
    const known = cases.get(room);
    known?.delete(callSid);
    if (known?.size === 0) {
      cases.delete(room);
    }
  }

  function stayOf({ state }: Case, callSid: Sid): StayOfSupervisor | undefined {
    return supervisorsOf(state).find((stay) => stay.callSid === callSid);
  }

  /** Whoever is removed learns from the document that follows. */
  function nextStep({ state, untold }: Case, stay: StayOfSupervisor): Step | undefined {
    const need = needOf(state, stay, storeNow());
    const isUntold = untold !== undefined && untold === stay.joinedAt;
    return isUntold && need !== 'silence' && need !== 'remove' ? 'tell' : need;
  }

  async function refresh(about: Case): Promise<void> {
    const found = await rooms.read(about.state.room);
    if (found.isKnown) {
      about.state = found.state;
      clockOffset = found.now - monotonicNow();
    }
  }

  function pause(about: Case, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      about.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const take: Record<Step, (about: Case, stay: StayOfSupervisor) => Promise<void>> = {
    async silence(about, stay) {
      const { room } = about.state;
      const { callSid } = stay;
      const conferenceSid = await conferenceOf(about.state, stay);
      // Asked before the mute, which does not wait for the answer.
      const before = isDoubtful(about.state, stay)
        ? space.findParticipant(conferenceSid, callSid).catch(() => undefined)
        : undefined;
      // First of all: everything else can wait.
      await space.changeParticipant(conferenceSid, callSid, { muted: true }).catch(ignoreRefusal);
      const seen = await look(about, conferenceSid, callSid);
      if (seen === undefined) {
        return;
      }
      if (seen.isMuted) {
        log.warn({ room, callSid }, 'Supervisor muted: the wrong people could hear them');
        const wasHeard = before === undefined ? stay.isMuted === false : (await before)?.isMuted === false;
        about.untold = wasHeard ? stay.joinedAt : about.untold;
        if (stay.supervision.mode !== 'monitor') {
          await rooms.record(room, { kind: 'mode-requested', callSid, mode: 'monitor', agoMs: 0 });
        }
      } else if (++about.vainMutes >= MAX_VAIN_MUTES) {
        await takeOut(about, stay, conferenceSid, 'Supervisor could not be muted; removed from the conference');
      }
    },

    async remove(about, stay) {
      const { room } = about.state;
      const { event } = await observe(room);
      await rooms.record(room, event);
      await refresh(about);
      const present = stayOf(about, stay.callSid);
      // A list that does not have them may lack the moderator, too.
      const isListed = event.participants.some(({ callSid }) => callSid === stay.callSid);
      if (isListed && present !== undefined && nextStep(about, present) === 'remove') {
        const why = 'Supervisor in a conference without a moderator; removed from it';
        await takeOut(about, present, await conferenceOf(about.state, present), why);
      }
    },

    async tell(about, stay) {
      await tell(about.state.room, stay);
      about.untold = undefined;
      await pause(about, MOVE_MS);
    },

    async lead(about, stay) {
      const target = targetOf(about.state)?.callSid;
      const conferenceSid = await conferenceOf(about.state, stay);
      if (target !== undefined) {
        // The mute holds without a target, too; the reading tells.
        await space.changeParticipant(conferenceSid, stay.callSid, { target }).catch(ignoreRefusal);
      }
      await look(about, conferenceSid, stay.callSid);
    },

    async look(about, stay) {
      await look(about, await conferenceOf(about.state, stay), stay.callSid);
    },
  };

  /** Reads how a participant is heard, and notes it; undefined when REST does not know them there. */
  async function look(about: Case, conferenceSid: Sid, callSid: Sid): Promise<SeenParticipant | undefined> {
    const { room } = about.state;
    const askedAt = monotonicNow();
    const seen = await space.findParticipant(conferenceSid, callSid);
    if (seen === undefined) {
      await missed(about);
      return undefined;
    }
    await rooms.record(room, {
      kind: 'participant-observed',
      conferenceSid,
      participant: toObserved(seen),
      agoMs: monotonicNow() - askedAt,
    });
    return seen;
  }

  /** REST may be behind; its list decides. */
  async function missed(about: Case): Promise<void> {
    const { room } = about.state;
    if (++about.missed > 1) {
      await rooms.record(room, (await observe(room)).event);
    }
  }

  async function takeOut(about: Case, stay: StayOfSupervisor, conferenceSid: Sid, why: string): Promise<void> {
    if (await space.removeParticipant(conferenceSid, stay.callSid)) {
      log.error({ room: about.state.room, callSid: stay.callSid }, why);
    } else {
      await missed(about);
    }
  }

  async function conferenceOf(state: RoomState, stay: Stay): Promise<Sid> {
    const known = stay.conferenceSid ?? state.conference?.sid;
    if (known !== undefined) {
      return known;
    }
    const [found] = await space.listConferences(state.room);
    if (found === undefined) {
      throw new Error('The Space knows no conference of that name');
    }
    return found.conferenceSid;
  }

  return {
    see,
    async idle() {
      while (cases.size > 0) {
        await Promise.all([...cases.values()].flatMap((known) => [...known.values()]).map(({ done }) => done));
      }
    },
    close() {
      isClosed = true;
      for (const { wake } of [...cases.values()].flatMap((known) => [...known.values()])) {
        wake();
      }
    },
  };
}

/**
 * Whether a callback alone says that a listener is heard: it may say so of somebody whose document mutes them. After
 * another conversation, the target has changed since the document, or the Space said that they coach somebody else.
 */
function isDoubtful({ stays }: RoomState, { isMuted, arrivedAt = 0, supervision }: StayOfSupervisor): boolean {
  const { mode, target, coaches } = supervision;
  const wasNamed = stays.some((one) => one.callSid === target && isIn(one) && (one.joinedAt ?? 0) <= arrivedAt);
  return mode === 'monitor' && isMuted === false && wasNamed && (coaches === undefined || coaches === target);
}

/** A refusal is an answer; the reading that follows shows what came of it. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof SpaceError) || error.code !== 'refused') {
    throw error;
  }
}
