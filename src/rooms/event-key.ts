import type { RoomEvent } from './room-event';

/**
 * A key for the retry queue: of two events of a room with the same key, only the later one matters. A call can be in several
 * conferences, and several times in one, so joins and leaves also differ by conference and date.
 */
export function eventKey(event: RoomEvent): string {
  switch (event.kind) {
    case 'conference-started':
    case 'conference-ended':
      return `${event.kind}/${event.conferenceSid}`;
    case 'room-observed':
    case 'room-unobserved':
      return event.kind;
    case 'participant-observed':
      return `${event.kind}/${event.participant.callSid}/${event.conferenceSid}`;
    case 'recording-reported':
      return `${event.kind}/${event.recordingSid}/${event.status}`;
    case 'recordings-observed':
      return `${event.kind}/${event.recordings.map(({ recordingSid }) => recordingSid).join()}`;
    case 'recording-opened':
      return `${event.kind}/${event.recording.recordingSid}/${event.by}`;
    case 'joined':
    case 'left':
      return `${event.kind}/${event.callSid}/${event.conferenceSid}/${event.date}`;
    case 'action-requested':
    case 'action-updated':
      return `${event.kind}/${event.id}/${'status' in event ? event.status : ''}`;
    case 'supervisor-sent':
    case 'dial-ended':
      return `${event.kind}/${event.callSid}/${event.stayNumber ?? ''}`;
    case 'muted':
    case 'unmuted':
      return `mute/${event.callSid}/${event.conferenceSid}`;
    case 'held':
    case 'unheld':
      return `hold/${event.callSid}/${event.conferenceSid}`;
    default:
      return `${event.kind}/${event.callSid}`;
  }
}
