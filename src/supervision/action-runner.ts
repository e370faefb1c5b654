import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Action, ActionReason, ActionStatus } from '../rooms/action';
import { conflictOf } from '../rooms/action';
import { type Obstacle, obstacleTo, type WantedAction } from '../rooms/action-obstacle';
import type { RoomName, RoomState } from '../rooms/room';
import type { RoomEvent } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import { toObserved } from '../rooms/space-observer';
import { type ConferenceApi, type Deadline, SpaceError, type SpaceParticipant } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';

/** Why an action was not begun. */
export type Refusal =
  | Obstacle
  | 'store-away'
  | 'room-unknown'
  | 'not-private'
  | 'not-a-moderator'
  | 'no-conference'
  | 'no-moderator'
  | 'no-recording'
  | 'space-away';

/** What became of an action: the action as the room has it, with the room; or why it was not begun. */
export type ActionResult =
  | { kind: 'settled'; action: Action; state: RoomState; now: number }
  | { kind: 'refused'; refusal: Refusal; other?: Action | undefined };

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
  /** The deadline of the next request. @throws ActionFailure `timeout` if there is no time left, `abandoned` in a stop */
  deadline(): Deadline;
  /** Repeats a request that is safe to repeat, until it succeeds, is refused, or there is no time left. */
  repeat<T>(request: (deadline: Deadline) => Promise<T>): Promise<T>;
  /** Waits before another attempt. */
  pause(): Promise<void>;
  /** Reads a participant by REST, once, and records the result. @throws ActionFailure `left`, SpaceError */
  observe(conferenceSid: Sid, callSid: Sid, deadline: Deadline): Promise<SpaceParticipant>;
  /**
   * Repeats a reading until it shows what is wanted.
   *
   * @throws ActionFailure `ineffective` if it does not come about
   */
  readUntil<T>(read: (deadline: Deadline) => Promise<T>, isAsWanted: (seen: T) => boolean): Promise<T>;
  /** Observes a participant until it is as wanted. @throws ActionFailure `ineffective` if it does not come about */
  verify(conferenceSid: Sid, callSid: Sid, isAsWanted: (seen: SpaceParticipant) => boolean): Promise<void>;
}

/** Carries out an action and returns how it ended. Throws if it failed. */
export type Work = (running: RunningAction) => Promise<Extract<ActionStatus, 'confirmed' | 'accepted'>>;

/** How often a participant or a recording is read until it shows a change. */
const MAX_READS = 4;

export interface ActionRunner {
  /**
   * Records an action as requested, carries it out, and records how it ended. Never rejects.
   *
   * @param work must leave nobody heard whom the action wanted to unmute if it throws
   */
  run(room: RoomName, wanted: WantedAction & { by: string }, work: Work): Promise<ActionResult>;
}

export function createActionRunner(options: ActionRunnerOptions): ActionRunner {
  const { rooms, space, draining, log, monotonicNow, actionMs = 10_000, requestMs = 3_000, retryMs = 200 } = options;

  const pause = () => sleep(retryMs);

  function createRunning(id: string, state: RoomState): RunningAction {
    const { room } = state;
    const until = monotonicNow() + actionMs;

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
      for (;;) {
        try {
          return await request(deadline());
        } catch (error) {
          if (!mayRepeat(error) || monotonicNow() + retryMs >= until) {
            throw error;
          }
          await pause();
        }
      }
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

    async function readUntil<T>(read: (one: Deadline) => Promise<T>, isAsWanted: (seen: T) => boolean): Promise<T> {
      for (let reads = 1; ; reads++) {
        const seen = await repeat(read);
        if (isAsWanted(seen)) {
          return seen;
        }
        if (reads >= MAX_READS) {
          throw new ActionFailure('ineffective');
        }
        await sleep(retryMs);
      }
    }

    return {
      id,
      room,
      state,
      deadline,
      repeat,
      pause,
      observe,
      readUntil,
      async verify(conferenceSid, callSid, isAsWanted) {
        await readUntil((one) => observe(conferenceSid, callSid, one), isAsWanted);
      },
    };
  }

  return {
    async run(room, { by, ...wanted }, work) {
      const id = randomUUID();
      const started = await rooms.recordNow(room, { kind: 'action-requested', id, by, ...wanted, ageMs: 0 });
      if (!started.isKnown) {
        return { kind: 'refused', refusal: 'store-away' };
      }
      const { state, now } = started;
      const requested = state.actions?.find((one) => one.id === id);
      if (requested === undefined) {
        const refusal = obstacleTo(state, wanted, now) ?? 'busy';
        return { kind: 'refused', refusal, other: conflictOf(state, wanted, now) };
      }
      const update = await work(createRunning(id, state)).then(
        (status): ActionEnd => ({ status }),
        (error: unknown): ActionEnd => ({ status: 'failed', reason: reasonOf(error), ...isHeardUnknownAfter(error) }),
      );
      if (update.status === 'failed') {
        // From its SID, the address of a recording can be guessed.
        log.warn({ room, id, by, ...wanted, recordingSid: undefined, reason: update.reason }, 'Action failed');
      }
      await rooms.record(room, { kind: 'action-updated', id, ...update, ageMs: 0 });
      const after = await rooms.read(room);
      const latest = after.isKnown ? after : started;
      const action = latest.state.actions?.find((one) => one.id === id) ?? { ...requested, ...update };
      return { kind: 'settled', action, state: latest.state, now: latest.now };
    },
  };
}

type ActionEnd = Pick<Extract<RoomEvent, { kind: 'action-updated' }>, 'status' | 'reason' | 'isHeardUnknown'>;

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
  return error instanceof SpaceError ? error.code : 'unreadable';
}
