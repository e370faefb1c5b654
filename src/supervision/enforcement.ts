import type { Logger } from 'pino';
import type { Rooms } from '../rooms/rooms';
import { createSpaceObserver } from '../rooms/space-observer';
import type { SpaceClient } from '../signalwire/space-client';
import { createEnforcer, type Enforcer } from './enforcer';
import type { Claim } from './redis-claims';

export interface EnforcementOptions {
  rooms: Pick<Rooms, 'record' | 'read'>;
  space: SpaceClient;
  publicUrl: string;
  /** Whether what REST announces to a participant is heard by them alone. */
  announceIsPrivate: boolean;
  /** Settles which of several servers tells a supervisor. Undefined for a single server. */
  claim?: Claim | undefined;
  log: Logger;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  /** Milliseconds until something that failed is tried again. */
  retryMs?: number;
}

/** An enforcer that tells supervisors what was done. */
export function createEnforcement({
  publicUrl,
  announceIsPrivate,
  claim = async () => true,
  ...options
}: EnforcementOptions): Enforcer {
  const { space, log, monotonicNow } = options;
  const observer = createSpaceObserver({ space, now: monotonicNow });
  return createEnforcer({
    ...options,
    observe: observer.observe,
    async tell(room, { callSid, conferenceSid, joinedAt, supervision }) {
      // Every server that sees the need mutes them, which does no harm; a second move would.
      if (!(await claim(`told/${callSid}/${joinedAt}/${supervision.target}`))) {
        return;
      }
      const isTold =
        announceIsPrivate && conferenceSid !== undefined
          ? await space.changeParticipant(conferenceSid, callSid, { announceUrl: `${publicUrl}/notices/supervisor` })
          : await space.redirectCall(callSid, supervision.returnTo ?? addressOf(room));
      if (!isTold) {
        log.warn({ room, callSid }, 'Supervisor not told of the mute: their call is over');
      }
    },
  });

  /** For a supervisor whose document nobody remembers: the number only has to be greater than that of earlier stays. */
  function addressOf(room: string): string {
    return `${publicUrl}/coach/${encodeURIComponent(room)}?mode=monitor&moved=1&stay=${UNKNOWN_STAY}`;
  }
}

const UNKNOWN_STAY = 1_000;
