import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ActionReason, ActionStatus } from '../rooms/action';
import { isQuieter, type WantedAction } from '../rooms/action-obstacle';
import type { RoomName, RoomState } from '../rooms/room';
import type { ActionUpdated } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import { toObserved } from '../rooms/space-observer';
import { type ConferenceApi, type Deadline, SpaceError, type SpaceParticipant } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import { type ActionResult, beginAction, updateAction } from './recorded-action';

/** An action failed, for a reason that no {@link SpaceError} tells. */
export class ActionFailure extends Error {
  override readonly name = 'ActionFailure';

  constructor(readonly reason: ActionReason) {
    super(reason);
  }
}

export interface ActionRunnerOptions {
  rooms: Pick<Rooms, 'record' | 'recordNow' | 'read'>;
  space: Pick<ConferenceApi, 'findParticipant'>;
  /** Aborted when the server stops: then an action begins no further step. */
  draining: AbortSignal;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  /** How long an action may take, in milliseconds. Less than the room waits for its end: see rooms/action.ts. */
  actionMs?: number;
  /** Deadline of one request, in milliseconds; one that hangs may be repeated. */
  requestMs?: number;
  /** Milliseconds until a failed request is repeated. */
  retryMs?: number;
}

/** An action that is being carried out. */
export interface RunningAction {
  id: string;
  room: RoomName;
  /** The room when the action began. */
  state: RoomState;
  /**
   * The room as the store has it, if this action still counts. Call it before each change.
   *
   * @throws ActionFailure if the action was superseded or given up, or the store is away and the action would make somebody
   * heard
   */
  current(): Promise<RoomState>;
  /** The deadline of the next request. @throws ActionFailure `timeout` if no time is left, `abandoned` in a stop */
  deadline(): Deadline;
  /** Repeats a request that is safe to repeat, until it succeeds, is refused, or time is up. */
  repeat<T>(request: (deadline: Deadline) => Promise<T>): Promise<T>;
  /** The same for a request that changes something: sent only while the action counts, see `current`. */
  change<T>(request: (deadline: Deadline) => Promise<T>): Promise<T>;
  /** Reads a participant by REST, once, and records the result. @throws ActionFailure `left`, SpaceError */
  observe(conferenceSid: Sid, callSid: Sid, deadline: Deadline): Promise<SpaceParticipant>;
  /**
   * Repeats a reading until it shows what is wanted: a few times, and for at least `atLeastMs`.
   *
   * @throws ActionFailure `ineffective` if it does not come about
   */
  readUntil<T>(
    read: (deadline: Deadline) => Promise<T>,
    isAsWanted: (seen: T) => boolean,
    atLeastMs?: number,
  ): Promise<T>;
  /** Observes a participant until it is as wanted. @throws ActionFailure `ineffective` if it does not come about */
  verify(conferenceSid: Sid, callSid: Sid, isAsWanted: (seen: SpaceParticipant) => boolean): Promise<void>;
}

/** Carries out an action and returns how it ended. Throws if it failed. */
export type Work = (running: RunningAction) => Promise<Extract<ActionStatus, 'confirmed' | 'accepted'>>;

/** How often, at least, a participant or a recording is read until it shows a change. */
const MIN_READS = 4;

export interface ActionRunner {
  /**
   * Records an action as requested, carries it out, and records how it ended. Never rejects.
   *
   * @param work must leave nobody heard whom the action wanted to unmute if it throws
   */
  run(room: RoomName, wanted: WantedAction & { by: string }, work: Work): Promise<ActionResult>;
  /** Resolves when no action is being carried out. */
  idle(): Promise<void>;
}

export function createActionRunner(options: ActionRunnerOptions): ActionRunner {
  const { rooms, space, draining, log, monotonicNow, actionMs = 10_000, requestMs = 3_000, retryMs = 200 } = options;
  const running = new Set<Promise<ActionResult>>();

  function createRunning(id: string, wanted: WantedAction, state: RoomState): RunningAction {
    const { room } = state;
    const until = monotonicNow() + actionMs;

    async function current(): Promise<RoomState> {
      const found = await rooms.read(room);
      const isCertain = found.isKnown && found.isStored === true;
      if (!isCertain && !isQuieter(wanted)) {
        throw new ActionFailure('store-away');
      }
      if (!found.isKnown) {
        return state;
      }
      const action = found.state.actions?.find((one) => one.id === id);
      if (action?.status === 'confirmed') {
        throw new AlreadyConfirmed();
      }
      if (isCertain && action?.status !== 'requested') {
        throw new ActionFailure(action?.reason ?? 'abandoned');
      }
      return found.state;
    }

    function deadline(): Deadline {
      if (draining.aborted) {
        throw new ActionFailure('abandoned');
      }
      const leftMs = until - monotonicNow();
      if (leftMs <= 0) {
        throw new ActionFailure('timeout');
      }
      return { timeoutMs: Math.ceil(Math.min(leftMs, requestMs)) };
    }

    async function repeat<T>(request: (deadline: Deadline) => Promise<T>): Promise<T> {
      let failure: unknown;
      for (;;) {
        const one = deadlineAfter(failure);
        try {
          return await request(one);
        } catch (error) {
          if (!mayRepeat(error) || monotonicNow() + retryMs >= until) {
            throw error;
          }
          failure = error;
          await sleep(retryMs);
        }
      }
    }

    /** The deadline of another attempt. @throws the previous failure, which says more than `timeout` */
    function deadlineAfter(failure: unknown): Deadline {
      if (failure !== undefined && !draining.aborted && monotonicNow() >= until) {
        throw failure;
      }
      return deadline();
    }

    function change<T>(request: (one: Deadline) => Promise<T>): Promise<T> {
      return repeat(async (one) => {
        await current();
        return request(one);
      });
    }

    async function observe(conferenceSid: Sid, callSid: Sid, one: Deadline): Promise<SpaceParticipant> {
      const askedAt = monotonicNow();
      const seen = await space.findParticipant(conferenceSid, callSid, one);
      if (seen === undefined) {
        throw new ActionFailure('left');
      }
      const ageMs = monotonicNow() - askedAt;
      await rooms.record(room, { kind: 'participant-observed', conferenceSid, participant: toObserved(seen), ageMs });
      return seen;
    }

    async function readUntil<T>(
      read: (one: Deadline) => Promise<T>,
      isAsWanted: (seen: T) => boolean,
      atLeastMs = 0,
    ): Promise<T> {
      const since = monotonicNow();
      for (let reads = 1; ; reads++) {
        const seen = await repeat(read);
        if (isAsWanted(seen)) {
          return seen;
        }
        if (reads >= MIN_READS && monotonicNow() - since >= atLeastMs) {
          throw new ActionFailure('ineffective');
        }
        await sleep(retryMs);
      }
    }

    return {
      id,
      room,
      state,
      current,
      deadline,
      repeat,
      change,
      observe,
      readUntil,
      async verify(conferenceSid, callSid, isAsWanted) {
        await readUntil((one) => observe(conferenceSid, callSid, one), isAsWanted);
      },
    };
  }

  async function run(room: RoomName, wanted: WantedAction & { by: string }, work: Work): Promise<ActionResult> {
    const begun = await beginAction(rooms, room, wanted);
    if (begun.kind === 'refused') {
      return begun;
    }
    const { id } = begun.action;
    const update = await work(createRunning(id, wanted, begun.state)).then(
      (status): ActionEnd => ({ status }),
      (error: unknown): ActionEnd => {
        if (error instanceof AlreadyConfirmed) {
          return { status: 'confirmed' };
        }
        // From its SID, the address of a recording can be guessed.
        log.warn({ err: error, room, id, ...wanted, recordingSid: undefined }, 'Action failed');
        return { status: 'failed', reason: reasonOf(error), ...isHeardUnknownAfter(error) };
      },
    );
    return updateAction(rooms, begun, update);
  }

  return {
    run(room, wanted, work) {
      const result = run(room, wanted, work);
      running.add(result);
      return result.finally(() => running.delete(result));
    },
    async idle() {
      await Promise.all(running);
    },
  };
}

type ActionEnd = Pick<ActionUpdated, 'status' | 'reason' | 'isHeardUnknown'>;

/** The room has confirmed the action meanwhile: its participant has left, as it wanted. */
class AlreadyConfirmed extends Error {}

/** A request that may have unmuted a supervisor failed, and they could not be seen to be muted again. */
export class PossiblyHeard extends Error {
  override readonly name = 'PossiblyHeard';
}

function isHeardUnknownAfter(error: unknown): { isHeardUnknown?: true } {
  return error instanceof PossiblyHeard ? { isHeardUnknown: true } : {};
}

/** Whether another attempt may succeed. */
function mayRepeat(error: unknown): boolean {
  if (!(error instanceof SpaceError)) {
    return false;
  }
  return error.code !== 'refused' || (error.status ?? 0) >= 500 || error.status === 429;
}

/** Why an action failed, from what it threw. */
export function reasonOf(error: unknown): ActionReason {
  if (error instanceof PossiblyHeard) {
    return reasonOf(error.cause);
  }
  if (error instanceof ActionFailure) {
    return error.reason;
  }
  return error instanceof SpaceError ? error.code : 'internal';
}
