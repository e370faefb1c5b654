import type { Logger } from 'pino';
import { putLast } from '../ops/put-last';
import type { Action } from '../rooms/action';
import {
  isInConference,
  type RoomName,
  type RoomState,
  type Stay,
  type SupervisorStay,
  supervisorsOf,
} from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import { type Observation, toObserved } from '../rooms/space-observer';
import { type ConferenceApi, SpaceError, type SpaceParticipant } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import { type Correction, neededCorrection, newcomersTo } from './correction';

/** Makes sure that supervisors are heard by the right people: mutes, retargets or removes them by REST. */
export interface Enforcer {
  /** Starts the corrections that a room's new state needs. Returns at once. */
  check(state: RoomState): void;
  /** Resolves when no correction is in progress. */
  idle(): Promise<void>;
  /** Stops trying. */
  close(): void;
}

export interface EnforcerOptions {
  rooms: Pick<Rooms, 'record' | 'read'>;
  space: Pick<ConferenceApi, 'listConferences' | 'findParticipant' | 'changeParticipant' | 'removeParticipant'>;
  /** Lists a room's participants by REST. */
  observe: (room: RoomName) => Promise<Observation>;
  /** Notifies a supervisor that they were muted. Rejects if that must be retried. */
  notify: (room: RoomName, stay: SupervisorStay) => Promise<void>;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  /** Milliseconds until the first retry; each further one waits twice as long, up to {@link MAX_RETRY_MS}. */
  retryMs?: number;
}

const MAX_RETRY_MS = 4_000;

/** How often REST may accept a mute without applying it, before the supervisor is removed. */
const MAX_INEFFECTIVE_MUTES = 3;

/** How often a correction other than a mute or a removal is retried. */
const MAX_TRIES = 6;

/** How many given-up corrections are remembered. */
const MAX_GIVEN_UP = 10_000;

/** How long a call may take to leave the conference after it was moved through REST, in milliseconds. */
const MOVE_MS = 2_000;

/** A correction, or telling the supervisor that they were muted. */
type Step = Correction | 'notify';

/** A supervisor's call that is being corrected. */
interface Task {
  /** The latest state of the room. */
  state: RoomState;
  /** Ends a pause, because there is a new state. */
  wake: () => void;
  ineffectiveMutes: number;
  /** How often REST did not know the participant. */
  misses: number;
  done: Promise<void>;
  /** `joinedAt` of the stay whose supervisor was muted and has not been notified yet. */
  unnotified: number | undefined;
}

export function createEnforcer(options: EnforcerOptions): Enforcer {
  const { rooms, space, observe, notify, log, monotonicNow, retryMs = 500 } = options;
  const tasks = new Map<RoomName, Map<Sid, Task>>();
  /** By room and call: the correction that was given up, with the stay as it was then. */
  const givenUp = new Map<string, string>();
  let isClosed = false;
  /** The store's clock less the monotonic clock: from states a lower bound, exact after a read. */
  let clockOffset = Number.NEGATIVE_INFINITY;

  const storeNow = () => monotonicNow() + clockOffset;

  function check(state: RoomState): void {
    if (state.isForeign) {
      return;
    }
    clockOffset = Math.max(clockOffset, state.at - monotonicNow());
    const known = tasks.get(state.room) ?? new Map<Sid, Task>();
    for (const one of known.values()) {
      one.state = state;
      one.wake();
    }
    for (const stay of supervisorsOf(state)) {
      const step = neededCorrection(state, stay, storeNow());
      if (!isClosed && !known.has(stay.callSid) && step !== undefined && !isGivenUp(state, stay, step)) {
        const started: Task = {
          state,
          wake: () => {},
          ineffectiveMutes: 0,
          misses: 0,
          unnotified: undefined,
          done: Promise.resolve(),
        };
        known.set(stay.callSid, started);
        tasks.set(state.room, known);
        started.done = correct(stay.callSid, started);
      }
    }
  }

  /** Corrects a supervisor's stay until nothing is left to correct. Waits longer after each failure. */
  async function correct(callSid: Sid, task: Task): Promise<void> {
    const { room } = task.state;
    let tries = 0;
    let last: string | undefined;
    let hasFailed = false;
    while (!isClosed) {
      let stay = stayOf(task, callSid);
      const step = stay && nextStep(task, stay);
      if (stay === undefined || step === undefined || isGivenUp(task.state, stay, step)) {
        break;
      }
      const attempt = attemptKey(task.state, stay, step);
      tries = attempt === last ? tries + 1 : 0;
      last = attempt;
      if (tries > 0) {
        if (tries > MAX_TRIES && step !== 'mute' && step !== 'remove') {
          log.error({ room, callSid, step }, 'Supervisor not corrected; giving up');
          // If REST failed it may be back soon: then the next state of the room starts again.
          if (!hasFailed) {
            giveUp(task.state, stay, step);
          }
          break;
        }
        await pause(task, Math.min(retryMs * 2 ** (tries - 1), MAX_RETRY_MS));
        // Another server may have corrected it meanwhile.
        await refresh(task);
        stay = stayOf(task, callSid);
        if (isClosed || stay === undefined || nextStep(task, stay) !== step) {
          continue;
        }
      }
      try {
        await carryOut[step](task, stay);
        hasFailed = false;
      } catch (err) {
        hasFailed = true;
        log.warn({ err, room, callSid, step, tries }, "Supervisor's audio not yet corrected; retrying");
      }
    }
    // No await since the decision to stop, so a state that arrives later starts a new task.
    forget(room, callSid);
  }

  function giveUp(state: RoomState, stay: SupervisorStay, step: Step): void {
    putLast(givenUp, keyOf(state, stay), needKey(state, stay, step), MAX_GIVEN_UP);
  }

  /** Whether this correction was given up, and the stay has not changed since. */
  function isGivenUp(state: RoomState, stay: SupervisorStay, step: Step): boolean {
    return givenUp.get(keyOf(state, stay)) === needKey(state, stay, step);
  }

  function forget(room: RoomName, callSid: Sid): void {
    const known = tasks.get(room);
    known?.delete(callSid);
    if (known?.size === 0) {
      tasks.delete(room);
    }
  }

  function stayOf({ state }: Task, callSid: Sid): SupervisorStay | undefined {
    return supervisorsOf(state).find((stay) => stay.callSid === callSid);
  }

  /** The next correction, or the notice. A removed supervisor gets no notice: their next document says so. */
  function nextStep({ state, unnotified }: Task, stay: SupervisorStay): Step | undefined {
    const correction = neededCorrection(state, stay, storeNow());
    const isUnnotified = unnotified !== undefined && unnotified === stay.joinedAt;
    return isUnnotified && correction !== 'mute' && correction !== 'remove' ? 'notify' : correction;
  }

  async function refresh(task: Task): Promise<void> {
    const found = await rooms.read(task.state.room);
    if (found.isKnown) {
      task.state = found.state;
      clockOffset = found.now - monotonicNow();
    }
  }

  function pause(task: Task, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      task.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const carryOut: Record<Step, (task: Task, stay: SupervisorStay) => Promise<void>> = {
    async mute(task, stay) {
      const { room } = task.state;
      const { callSid } = stay;
      const conferenceSid = await conferenceOf(task.state, stay);
      // Requested before the mute, which does not wait for the answer.
      const before = mayBeMuted(task.state, stay)
        ? space.findParticipant(conferenceSid, callSid).catch(() => undefined)
        : undefined;
      await space.changeParticipant(conferenceSid, callSid, { muted: true }).catch(ignoreRefusal);
      const seen = await readParticipant(task, conferenceSid, callSid);
      if (seen === undefined) {
        return;
      }
      if (seen.isMuted) {
        log.warn({ room, callSid }, 'Supervisor muted; the wrong people could hear them');
        const wasHeard = before === undefined ? stay.isMuted === false : (await before)?.isMuted === false;
        task.unnotified = wasHeard && !isMuteRequested(task.state, stay) ? stay.joinedAt : task.unnotified;
        if (stay.supervision.mode !== 'monitor') {
          await rooms.record(room, { kind: 'mode-requested', callSid, mode: 'monitor', ageMs: 0 });
        }
      } else if (++task.ineffectiveMutes >= MAX_INEFFECTIVE_MUTES) {
        await removeParticipant(
          task,
          stay,
          conferenceSid,
          'Supervisor could not be muted; removed from the conference',
        );
      }
    },

    async remove(task, stay) {
      const { room } = task.state;
      const { event } = await observe(room);
      await rooms.record(room, event);
      await refresh(task);
      const present = stayOf(task, stay.callSid);
      // A list that lacks this supervisor may lack a moderator, too.
      const isListed = event.participants.some(({ callSid }) => callSid === stay.callSid);
      if (isListed && present !== undefined && nextStep(task, present) === 'remove') {
        const why = 'Supervisor in a conference without a moderator; removed from it';
        await removeParticipant(task, present, await conferenceOf(task.state, present), why);
      }
    },

    async notify(task, stay) {
      await notify(task.state.room, stay);
      task.unnotified = undefined;
      await pause(task, MOVE_MS);
    },

    async retarget(task, stay) {
      const { room } = task.state;
      const { callSid, supervision } = stay;
      const { target } = supervision;
      const conferenceSid = await conferenceOf(task.state, stay);
      if (target === undefined) {
        return;
      }
      const askedAt = monotonicNow();
      // If REST refuses, they are heard as before; the read below shows it.
      const changed = await space.changeParticipant(conferenceSid, callSid, { target }).catch(ignoreFinalRefusal);
      const seen = await readParticipant(task, conferenceSid, callSid);
      if (changed !== undefined && seen?.target === target) {
        await rooms.record(room, { kind: 'target-set', callSid, target, ageMs: monotonicNow() - askedAt });
      }
    },

    async verify(task, stay) {
      await readParticipant(task, await conferenceOf(task.state, stay), stay.callSid);
    },
  };

  /** Reads a participant by REST, and records the result; undefined if REST does not know them in this conference. */
  async function readParticipant(task: Task, conferenceSid: Sid, callSid: Sid): Promise<SpaceParticipant | undefined> {
    const { room } = task.state;
    const askedAt = monotonicNow();
    const seen = await space.findParticipant(conferenceSid, callSid);
    if (seen === undefined) {
      await noteMiss(task);
      return undefined;
    }
    await rooms.record(room, {
      kind: 'participant-observed',
      conferenceSid,
      participant: toObserved(seen),
      ageMs: monotonicNow() - askedAt,
    });
    return seen;
  }

  /** REST did not know a participant. It may be behind; the second time, its list of participants decides. */
  async function noteMiss(task: Task): Promise<void> {
    const { room } = task.state;
    if (++task.misses > 1) {
      await rooms.record(room, (await observe(room)).event);
    }
  }

  async function removeParticipant(task: Task, stay: SupervisorStay, conferenceSid: Sid, why: string): Promise<void> {
    if (await space.removeParticipant(conferenceSid, stay.callSid)) {
      log.error({ room: task.state.room, callSid: stay.callSid }, why);
    } else {
      await noteMiss(task);
    }
  }

  async function conferenceOf(state: RoomState, stay: Stay): Promise<Sid> {
    const known = stay.conferenceSid ?? state.conference?.sid;
    if (known !== undefined) {
      return known;
    }
    const [found] = await space.listConferences(state.room);
    if (found === undefined) {
      throw new Error('No conference of this name at the Space');
    }
    return found.conferenceSid;
  }

  return {
    check,
    async idle() {
      while (tasks.size > 0) {
        await Promise.all([...tasks.values()].flatMap((known) => [...known.values()]).map(({ done }) => done));
      }
    },
    close() {
      isClosed = true;
      for (const { wake } of [...tasks.values()].flatMap((known) => [...known.values()])) {
        wake();
      }
    },
  };
}

/** A key for counting attempts. For a retarget it includes the newcomers: one more starts a new count. */
function attemptKey(state: RoomState, stay: SupervisorStay, step: Step): string {
  const newcomers = step === 'retarget' ? newcomersTo(state, stay) : [];
  return [step, ...newcomers.map(({ callSid }) => callSid)].join(' ');
}

/** A key for giving up: an attempt, and all that decides how the stay is heard. If any of it changes, it is tried again. */
function needKey(state: RoomState, stay: SupervisorStay, step: Step): string {
  const { joinedAt, conferenceSid, isMuted, muteChangedAt, supervision } = stay;
  const { mode, target, heard, coachedCall, coachedCallChangedAt } = supervision;
  const seen = [
    joinedAt,
    conferenceSid,
    isMuted,
    muteChangedAt,
    mode,
    target,
    heard,
    coachedCall,
    coachedCallChangedAt,
  ];
  return [attemptKey(state, stay, step), ...seen].join('/');
}

/** Unique, because no room name contains a slash. */
function keyOf({ room }: RoomState, { callSid }: SupervisorStay): string {
  return `${room}/${callSid}`;
}

/** Whether somebody requested the mute through the API, or a mode that could not be confirmed: they get the answer. */
function isMuteRequested({ actions = [] }: RoomState, { callSid, joinedAt }: SupervisorStay): boolean {
  const change = actions.findLast((one) => one.name === 'mode' && one.callSid === callSid && one.joinedAt === joinedAt);
  return change?.status === 'failed' ? isOwnFailure(change) : change?.mode === 'monitor';
}

/** Whether a change failed by itself, and not because the server muted the supervisor. */
function isOwnFailure({ reason }: Action): boolean {
  return reason !== 'conversation-changed' && reason !== 'muted-by-server';
}

/**
 * Whether a callback that says a supervisor in `monitor` is not muted may be wrong: their document muted them, and neither
 * target nor conversation has changed since.
 */
function mayBeMuted({ stays }: RoomState, { isMuted, arrivedAt = 0, supervision }: SupervisorStay): boolean {
  const { mode, target, coachedCall } = supervision;
  const isTargetSame = stays.some(
    (one) => one.callSid === target && isInConference(one) && (one.joinedAt ?? 0) <= arrivedAt,
  );
  return (
    mode === 'monitor' && isMuted === false && isTargetSame && (coachedCall === undefined || coachedCall === target)
  );
}

/** Ignores a refusal by REST: reading the participant afterwards shows what happened. Throws anything else. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof SpaceError) || error.code !== 'refused') {
    throw error;
  }
}

/** Ignores a refusal unless a retry may help. Throws anything else. */
function ignoreFinalRefusal(error: unknown): void {
  if (error instanceof SpaceError && error.status !== undefined && (error.status >= 500 || error.status === 429)) {
    throw error;
  }
  ignoreRefusal(error);
}
