import type { Logger } from 'pino';
import type { RoomName, SupervisorStay } from '../rooms/room';
import type { ConferenceApi } from '../signalwire/conference-api';
import type { Claim } from './redis-claims';

export interface SupervisorNoticeOptions {
  space: Pick<ConferenceApi, 'changeParticipant' | 'redirectCall'>;
  /** The address of what is played to a supervisor. */
  noticeUrl: string;
  /** The address that lets a supervisor in again, unheard, when nobody knows their latest stay. */
  returnUrl: (room: RoomName) => string;
  /** Whether only the participant hears what REST announces to them; set after a test on the live Space. */
  announceIsPrivate: boolean;
  /** Makes sure that one of several servers tells them. Undefined for a single server. */
  claim: Claim | undefined;
  log: Logger;
}

/**
 * Tells supervisors that the server muted them: by an announcement if that is private, otherwise by moving their call to
 * a document that tells them and lets them back in muted. Rejects if REST fails.
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
