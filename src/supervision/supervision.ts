import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { createRetryQueue } from '../ops/retry-queue';
import { type Address, maskAddress } from '../people/address';
import type { Lockout } from '../people/pin-limiter';
import type { Mode } from '../rooms/mode';
import { isInConference, type RoomState } from '../rooms/room';
import type { SupervisorSent } from '../rooms/room-event';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import type { ConferenceApi } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import type { NoticePolicy } from './notice-policy';
import type { RefusalEvent, RefusalReason, RefusalStore } from './refusals';

/** A caller who was not let in, or whose call may not go on. */
export interface RefusedCall {
  callSid: Sid;
  from: Address | undefined;
  reason: RefusalReason;
  supervisor?: string;
  room?: RoomName;
}

/** What supervisors do, and what is done for them. Nothing here keeps a call waiting, or rejects. */
export interface Supervision {
  /**
   * A supervisor is sent into a room.
   *
   * @param state the room as it was when this was decided
   * @param before how the same call was heard in that conversation until just now
   */
  recordSent(state: RoomState, sent: Omit<SupervisorSent, 'kind'>, before?: Mode): void;
  recordRefusal(refused: RefusedCall): void;
  recordLockout(caller: { callSid: Sid; from: Address | undefined }, lockout: Lockout): void;
  /** Goes on writing refusals for `timeoutMs`; whether none was lost. */
  close(timeoutMs: number): Promise<boolean>;
}

export interface SupervisionOptions {
  rooms: Pick<Rooms, 'record'>;
  refusals: RefusalStore;
  /** Undefined when the Space's REST API is not configured. */
  space: Pick<ConferenceApi, 'changeParticipant'> | undefined;
  notices: {
    policy: NoticePolicy;
    /** The address of what is played to a moderator. */
    moderatorUrl: string;
  };
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
  /** Milliseconds until refusals that could not be written are tried again. */
  retryMs?: number;
}

/** How many refusals may wait for the store. */
const MAX_WAITING = 10_000;

/** Log messages for refusals. After a wrong PIN or none, the caller may be asked again. */
const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  unknown: 'Unknown number: supervisor call rejected',
  'wrong-pin': 'Wrong supervisor PIN',
  'no-pin': 'No supervisor PIN entered',
  room: 'Supervisor call rejected: not their room',
  removed: 'Supervisor call ended: no longer in the roster',
};

export function createSupervision(options: SupervisionOptions): Supervision {
  const { rooms, refusals, space, notices, now, log, retryMs = 500 } = options;
  const unwritten = createRetryQueue<string, RefusalEvent>({
    retryMs,
    maxValues: MAX_WAITING,
    write: (_id, events) => Promise.all(events.map(refusals.add)).then(() => {}),
    onLost: (_id, event) => log.error(event, 'Lost: the store did not take a refusal'),
  });

  /** The notice is played by REST, which may let everybody hear it: the policy is `never` unless it is private. */
  async function tellModerator(live: NonNullable<typeof space>, state: RoomState, target: Sid): Promise<void> {
    const { room, stays } = state;
    const moderator = stays.find((stay) => stay.callSid === target && isInConference(stay));
    const conferenceSid = moderator?.conferenceSid ?? state.conference?.sid;
    try {
      const change = { announceUrl: notices.moderatorUrl };
      if (conferenceSid === undefined || !(await live.changeParticipant(conferenceSid, target, change))) {
        log.warn({ room, target }, 'The moderator was not told of a supervisor: they are not in the conference');
      }
    } catch (err) {
      log.error({ err, room, target }, 'The moderator could not be told of a supervisor');
    }
  }

  function turnAway(event: RefusalEvent, why: string, more: object = {}): void {
    log.warn({ ...event, ...more }, why);
    refusals.add(event).catch((err) => {
      log.warn({ err }, 'The store did not take a refusal; it will be tried again');
      unwritten.enqueue(event.id, event.id, event);
    });
  }

  const stamp = () => ({ id: randomUUID(), at: new Date(now()).toISOString() });

  return {
    recordSent(state, sent, before) {
      void rooms.record(state.room, { kind: 'supervisor-sent', ...sent, ageMs: 0 });
      const { policy } = notices;
      const isNews = policy === 'always' ? before === undefined : sent.mode === 'coach' && before !== 'coach';
      if (space !== undefined && policy !== 'never' && isNews) {
        void tellModerator(space, state, sent.target);
      }
    },

    recordRefusal({ from, ...refused }) {
      turnAway({ ...stamp(), kind: 'refused', number: maskAddress(from), ...refused }, REFUSALS[refused.reason]);
    },

    recordLockout({ callSid, from }, { who: lockedOut, limit, seconds }) {
      const number = maskAddress(from);
      const event: RefusalEvent = { ...stamp(), kind: 'locked-out', lockedOut, limit, number, callSid };
      turnAway(event, 'PINs are locked; the call was turned away', { seconds });
    },

    close: (timeoutMs) => unwritten.close(timeoutMs),
  };
}
