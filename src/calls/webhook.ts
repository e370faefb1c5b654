import type { Address } from '../people/address';
import type { RoomEvent } from '../rooms/room-event';
import type { RoomName } from '../rooms/room-name';
import type { Fields } from '../signalwire/fields';
import type { Outcome } from './outcome';

/** A request of our Space. */
export interface Webhook {
  /** The room in the path, as it was sent; undefined if the path has none. */
  room: string | undefined;
  query: Fields;
  /** The form that was posted, or the query of a GET. */
  fields: Fields;
}

/** The answer to a webhook, and what it is about. */
export interface WebhookAnswer {
  /** LaML; undefined for an answer without content. */
  document?: string;
  /** For the log. */
  input?: { call?: { from: Address | undefined }; room?: RoomName | undefined } | undefined;
  outcome?: Outcome;
  event?: RoomEvent;
  /** Done after the answer was sent. */
  followUp?: (() => void) | undefined;
}

/** @throws RequestError */
export type WebhookHandler = (webhook: Webhook) => WebhookAnswer | Promise<WebhookAnswer>;
