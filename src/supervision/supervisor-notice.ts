import type { Logger } from 'pino';
import type { RoomName, SupervisorStay } from '../rooms/room';
import type { ConferenceApi } from '../signalwire/conference-api';
import type { Claim } from './redis-claims';

export interface SupervisorNoticeOptions {
  space: Pick<ConferenceApi, 'changeParticipant' | 'redirectCall'>;
  /** The address of the announcement to a supervisor. */
  noticeUrl: string;
  /** The address by which a supervisor rejoins muted if their latest stay is unknown. */
  returnUrl: (room: RoomName) => string;
  /** Whether nobody else hears an announcement to one participant; set after a test in the live Space. */
  announceIsPrivate: boolean;
  /** Makes sure that only one of several servers notifies them. Undefined for a single server. */
  claim: Claim | undefined;
  log: Logger;
}

/**
 * Notifies supervisors that the server muted them: by an announcement if that is private, otherwise by moving their call to
 * a document that says so and lets them rejoin muted. Rejects if REST fails.
 */
export function createSupervisorNotice(options: SupervisorNoticeOptions) {
  const { space, noticeUrl, returnUrl, announceIsPrivate, claim = async () => true, log } = options;

  return async (room: RoomName, { callSid, conferenceSid, joinedAt, supervision }: SupervisorStay): Promise<void> => {
    // Several servers may mute, which does no harm. Moving the call twice would.
    if (!(await claim(`told/${callSid}/${joinedAt}/${supervision.target}`))) {
      return;
    }
    const isTold =
      announceIsPrivate && conferenceSid !== undefined
        ? await space.changeParticipant(conferenceSid, callSid, { announceUrl: noticeUrl })
        : await space.redirectCall(callSid, supervision.rejoinUrl ?? returnUrl(room));
    if (!isTold) {
      log.warn({ room, callSid }, 'Supervisor not told of the mute: call ended');
    }
  };
}
