import { parseCallEvent, parseConferenceEvent } from '../rooms/conference-events';
import { parseRecordingEvent } from '../rooms/recording-events';
import type { RoomName } from '../rooms/room';
import type { RoomEvent } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import type { WebhookAnswer, WebhookRoute } from './webhook';

export interface StatusCallbacksOptions {
  rooms: Rooms;
  /** The account of our REST API; undefined if it is not configured. */
  accountSid: string | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called for each callback of a conference of our account, speech excepted. */
  onCallback?: ((callback: RecordedCallback) => void) | undefined;
}

/** A callback of a conference that was recorded. */
export interface RecordedCallback {
  kind: RoomEvent['kind'];
  /** How long ago that happened by the Space's clock, which tells seconds only; in milliseconds. */
  ageMs: number;
  /** Whether it changed the room; undefined while the store is away. */
  hasChanged: boolean | undefined;
}

/** Handlers of the Space's status callbacks: of conferences, of the calls of a number, and of recordings. */
export function createStatusCallbacks({ rooms, accountSid, now, onCallback }: StatusCallbacksOptions) {
  /** @param event undefined for a callback without news */
  async function record(room: RoomName, event: RoomEvent | undefined): Promise<WebhookAnswer> {
    if (event === undefined) {
      return {};
    }
    await rooms.record(room, event);
    return { event };
  }

  async function recordOfConference(
    room: RoomName,
    event: ReturnType<typeof parseConferenceEvent>,
  ): Promise<WebhookAnswer> {
    if (event === undefined) {
      return {};
    }
    if (event.kind === 'spoke' || event.kind === 'fell-silent') {
      rooms.recordSpeech(room, event);
      return {};
    }
    const hasChanged = await rooms.record(room, event);
    if (!event.isForeign) {
      onCallback?.({ kind: event.kind, ageMs: event.ageMs, hasChanged });
    }
    return { event };
  }

  return {
    conference: {
      answer: ({ room, fields }) => recordOfConference(room, parseConferenceEvent(fields, { now: now(), accountSid })),
    },
    call: { answer: ({ room, fields }) => record(room, parseCallEvent(fields)) },
    recording: { answer: ({ room, fields }) => record(room, parseRecordingEvent(fields, { accountSid })) },
  } satisfies Record<string, WebhookRoute>;
}
