import type { RoomName } from '../rooms/room';
import type { RoomEvent } from '../rooms/room-event';
import type { Fields } from '../signalwire/fields';
import type { Sid } from '../signalwire/sid';
import type { Outcome } from './outcome';

/** A request of our Space. */
export interface Webhook {
  /** The room that the path names, or else `CONFERENCE_NAME`. */
  room: RoomName;
  /** Undefined if missing or invalid. */
  callSid: Sid | undefined;
  query: Fields;
  /** The form that was posted, or the query of a GET. */
  fields: Fields;
}

/** The answer to a webhook. */
export interface WebhookAnswer {
  /** Rendered as LaML; undefined for an answer without content. */
  outcome?: Outcome;
  /** The event that a callback reported, for the log. */
  event?: RoomEvent;
  /** Called after the answer was sent. */
  followUp?: (() => void) | undefined;
}

/** The handler of a path's webhooks. */
export interface WebhookRoute {
  /** @throws RequestError for an invalid request: without a Call SID, or with an unknown mode */
  answer: (webhook: Webhook) => WebhookAnswer | Promise<WebhookAnswer>;
  /** The outcome to send if `answer`, or the rendering of its outcome, fails unexpectedly. */
  fallback?: (webhook: Webhook) => Outcome;
}
