import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { createRetryQueue } from '../ops/retry-queue';
import { type Address, maskAddress } from '../people/address';
import type { Lockout } from '../people/pin-limiter';
import type { HeardMode, Mode } from '../rooms/mode';
import { isInConference, type RoomName, type RoomState } from '../rooms/room';
import type { SupervisorSent } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import type { ConferenceApi } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import type { NoticePolicy } from './notice-policy';
import type { RefusalEvent, RefusalReason, RefusalStore, SignInFact } from './refusals';

/** A call that was rejected or ended, and why. */
export interface RefusedCall {
  callSid: Sid;
  from: Address | undefined;
  reason: RefusalReason;
  supervisor?: string;
  room?: RoomName;
}

/** Records what the call flow decides about supervisors, and notifies moderators. Never rejects, never waits. */
export interface Supervision {
  /**
   * A supervisor got the document that leads into a room.
   *
   * @param state the room when this was decided
   * @param before the mode in which this call was in the same conversation until just now
   */
  recordSent(state: RoomState, sent: Omit<SupervisorSent, 'kind'>, before?: Mode): void;
  /**
   * Notifies the moderator if a supervisor who is in coaches now.
   *
   * @param change.callSid the supervisor's
   * @param change.before how they were heard until just now
   */
  notifyOfMode(state: RoomState, change: { callSid: Sid; target: Sid; mode: Mode; before: HeardMode }): void;
  recordRefusal(refused: RefusedCall): void;
  recordLockout(caller: { callSid: Sid; from: Address | undefined }, lockout: Lockout): void;
  recordSignIn(fact: SignInFact): void;
  /** How many refusals wait for the store. */
  pendingRefusals(): number;
  /** Keeps writing refusals for `timeoutMs`. Returns whether none was lost. */
  close(timeoutMs: number): Promise<boolean>;
}

export interface SupervisionOptions {
  rooms: Pick<Rooms, 'record'>;
  refusals: RefusalStore;
  /** Undefined when the Space's REST API is not configured. */
  space: Pick<ConferenceApi, 'changeParticipant'> | undefined;
  notices: {
    policy: NoticePolicy;
    /** The `AnnounceUrl` of the notice to a moderator. */
    moderatorUrl: string;
  };
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  log: Logger;
  /** Milliseconds until a failed write of a refusal is retried. */
  retryMs?: number;
}

/** How many refusals may wait for the store. */
const MAX_WAITING = 10_000;

/** Log messages for refusals. A caller with a wrong PIN, or none, may be asked again. */
const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  unknown: 'Unknown number: supervisor call rejected',
  'wrong-pin': 'Wrong supervisor PIN',
  'no-pin': 'No supervisor PIN entered',
  room: 'Supervisor call rejected: not their room',
  rights: 'Supervisor call rejected: no right to this mode or to listen',
  removed: 'Supervisor call ended: no longer in the roster',
};

const SIGN_INS: Readonly<Record<SignInFact['kind'], string>> = {
  'signed-in': 'Signed in',
  'signed-out': 'Signed out',
  'sign-in-refused': 'Sign-in refused',
  'sign-in-locked-out': 'Too many wrong passwords: sign-in locked',
};

export function createSupervision(options: SupervisionOptions): Supervision {
  const { rooms, refusals, space, notices, now, monotonicNow, log, retryMs = 500 } = options;
  const pending = createRetryQueue<string, RefusalEvent>({
    retryMs,
    maxValues: MAX_WAITING,
    write: (_id, events) => Promise.all(events.map(refusals.add)).then(() => {}),
    onLost: (_id, event) => log.error(event, 'Refusal lost: it could not be written to the store'),
  });

  /**
   * Plays the notice through REST, and records that the Space took it. Everyone might hear it, so server.ts sets `never`
   * unless announcements are private.
   *
   * @param callSid the supervisor's
   */
  async function tellModerator(
    live: NonNullable<typeof space>,
    state: RoomState,
    { callSid, target }: { callSid: Sid; target: Sid },
  ): Promise<void> {
    const { room, stays } = state;
    const moderator = stays.find((stay) => stay.callSid === target && isInConference(stay));
    const conferenceSid = moderator?.conferenceSid ?? state.conference?.sid;
    const askedAt = monotonicNow();
    try {
      const change = { announceUrl: notices.moderatorUrl };
      if (conferenceSid === undefined || !(await live.changeParticipant(conferenceSid, target, change))) {
        log.warn({ room, target }, 'Moderator not told of a supervisor: not in the conference');
        return;
      }
      void rooms.record(room, { kind: 'moderator-told', callSid, target, ageMs: monotonicNow() - askedAt });
    } catch (err) {
      log.error({ err, room, target }, 'Moderator not told of a supervisor');
    }
  }

  function record(event: RefusalEvent, message: string, more: object = {}): void {
    log.warn({ ...event, ...more }, message);
    write(event);
  }

  function write(event: RefusalEvent): void {
    refusals.add(event).catch((err) => {
      log.warn({ err }, 'Refusal not written to the store; retrying');
      pending.enqueue(event.id, event.id, event);
    });
  }

  const stamp = () => ({ id: randomUUID(), at: new Date(now()).toISOString() });

  return {
    recordSent(state, sent, before) {
      void rooms.record(state.room, { kind: 'supervisor-sent', ...sent, ageMs: 0 });
      const { policy } = notices;
      const mustTell = policy === 'always' ? before === undefined : sent.mode === 'coach' && before !== 'coach';
      if (space !== undefined && policy !== 'never' && mustTell) {
        void tellModerator(space, state, sent);
      }
    },

    notifyOfMode(state, change) {
      const { mode, before } = change;
      if (space !== undefined && notices.policy === 'coach' && mode === 'coach' && before !== 'coach') {
        void tellModerator(space, state, change);
      }
    },

    recordRefusal({ from, ...refused }) {
      record({ ...stamp(), kind: 'refused', number: maskAddress(from), ...refused }, REFUSALS[refused.reason]);
    },

    recordLockout({ callSid, from }, { who: lockedOut, limit, seconds }) {
      const number = maskAddress(from);
      const event: RefusalEvent = { ...stamp(), kind: 'locked-out', lockedOut, limit, number, callSid };
      record(event, 'PIN attempts locked; call rejected', { seconds });
    },

    recordSignIn(fact) {
      const isUsual = fact.kind === 'signed-in' || fact.kind === 'signed-out';
      log[isUsual ? 'info' : 'warn'](fact, SIGN_INS[fact.kind]);
      write({ ...stamp(), ...fact });
    },

    pendingRefusals: () => pending.size,

    close: (timeoutMs) => pending.close(timeoutMs),
  };
}
