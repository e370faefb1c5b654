import { parseCallEvent, parseConferenceEvent } from '../rooms/conference-events';
import type { RoomEvent } from '../rooms/room-event';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import { roomOf } from './call-request';
import type { WebhookAnswer, WebhookHandler } from './webhook';

export interface StatusCallbacksOptions {
  /** The room of a path that names none. */
  defaultRoom: RoomName;
  rooms: Rooms;
  /** The account that REST is asked about; undefined when it is not configured. */
  accountSid: string | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Handlers of the Space's status callbacks: of conferences, and of the calls of a number. */
export function createStatusCallbacks({ defaultRoom, rooms, accountSid, now }: StatusCallbacksOptions) {
  /** @param event undefined for one that says nothing new */
  async function record(room: RoomName, event: RoomEvent | undefined): Promise<WebhookAnswer> {
    const input = { room };
    if (event === undefined) {
      return { input };
    }
    if (event.kind === 'spoke' || event.kind === 'fell-silent') {
      rooms.recordSpeech(room, event);
      return { input };
    }
    await rooms.record(room, event);
    return { input, event };
  }

  return {
    conference: (webhook) => record(roomOf(webhook), parseConferenceEvent(webhook.fields, { now: now(), accountSid })),
    call: (webhook) => record(roomOf(webhook, defaultRoom), parseCallEvent(webhook.fields)),
  } satisfies Record<string, WebhookHandler>;
}
