import type { RoomName } from '../conferences/room-name';
import type { Sid } from '../signalwire/sid';
import type { Mode } from './mode';

/** A supervisor's stay in a room, from the document that sent them there. */
export interface Visit {
  callSid: Sid;
  room: RoomName;
  /** Their name, or the end of their number. */
  supervisor: string;
  /** Masked. */
  number: string;
  mode: Mode;
  /** Whom they came to: the moderator's name if it is known, and Call SID. */
  moderator: string | undefined;
  moderatorCallSid: Sid;
  /** ISO 8601. */
  since: string;
}

/** Why somebody was not let in. */
export type RefusalReason =
  /** A number that may not supervise. */
  | 'unknown'
  /** A PIN that is nobody's. */
  | 'wrong-pin'
  /** A room that this person may not supervise. */
  | 'room'
  /** Somebody who had been let in and is not in the roster any more. */
  | 'removed';

/**
 * What is noted in the audit trail.
 *
 * - `entered`: was sent into a room; `confirmed`: the Space reported them in, and how they are heard, if it said so
 * - `mode`: is heard differently since, without having left
 * - `left`: is out of the room again; `until` is when, and `confirmed` whether the Space ever reported them in
 * - `refused`, `locked-out`: were not let in
 */
export type AuditEvent = {
  /** Tells one that was written twice. */
  id: string;
  /** ISO 8601. */
  at: string;
} & (
  | { kind: 'entered' }
  | { kind: 'confirmed'; confirmed: boolean; heardAs?: Mode | undefined }
  | { kind: 'mode'; confirmed: boolean }
  | { kind: 'left' }
  | { kind: 'refused'; reason: RefusalReason; number: string; callSid: Sid; supervisor?: string; room?: RoomName }
  | { kind: 'locked-out'; number: string; callSid: Sid }
);

/** A line of the audit trail: an event, with the visit that it belongs to. */
export interface AuditRecord {
  id: string;
  at: string;
  kind: AuditEvent['kind'];
  supervisor?: string | undefined;
  number: string;
  room?: RoomName | undefined;
  mode?: Mode | undefined;
  moderator?: string | undefined;
  callSid: Sid;
  moderatorCallSid?: Sid | undefined;
  since?: string | undefined;
  /** Of `left`. */
  until?: string | undefined;
  confirmed?: boolean | undefined;
  heardAs?: Mode | undefined;
  reason?: RefusalReason | undefined;
}

/** How much is kept of the audit trail: about so many events, and none that is older. */
export const AUDIT_BOUNDS = { events: 200_000, ageMs: 365 * 86_400_000 } as const;

/** When something was told to have happened, in milliseconds ago; callbacks are dated to the second. */
export interface Told {
  agoMs: number;
}

/**
 * Remembers who supervises where, and the audit trail. Shared by every server that answers for the same Space.
 *
 * Each change and its line in the trail are one step; repeating a change that was made does nothing. What rejects does
 * so with a StoreError, and may have been done all the same.
 */
export interface SupervisionStore {
  /** Appends an event of its own to the trail. */
  append(event: AuditEvent): Promise<void>;
  /** Notes a visit, in place of one that this call was on, and appends the event. */
  begin(visit: Visit, event: AuditEvent): Promise<void>;
  /** Appends the event, unless this call is not on a visit to that room, or was confirmed, or began it after that. */
  confirm(room: RoomName, callSid: Sid, event: AuditEvent, told: Told): Promise<void>;
  /** Changes a visit that goes on, and appends the event; does nothing when the call is on another visit or none. */
  change(visit: Visit, event: AuditEvent): Promise<void>;
  /** Ends this call's visit to that room and appends the event, unless it is on none, or began it after that. */
  end(room: RoomName, callSid: Sid, event: AuditEvent, told: Told): Promise<void>;
  /** The visit that a call is on. */
  find(callSid: Sid): Promise<Visit | undefined>;
  /** The same, or the visit that it was on until a minute ago. */
  findLast(callSid: Sid): Promise<Visit | undefined>;
  /** Those who supervise in a room. */
  list(room: RoomName): Promise<Visit[]>;
  /** The trail from a moment on, oldest first, each event once; milliseconds since 1970. */
  read(since: number): AsyncIterable<AuditRecord>;
}

/** How an event of a visit stands in the trail. */
export function toRecord(event: AuditEvent, visit: Visit | undefined, wasConfirmed: boolean): AuditRecord {
  return {
    ...(visit as Visit),
    ...event,
    ...(event.kind === 'left' && { until: event.at, confirmed: wasConfirmed }),
  };
}

/** How long a visit can still be found after its end, in milliseconds. */
export const REMEMBERED_AFTER_END_MS = 60_000;

/** How far a callback's date may lie before what it tells: it is cut to the second. */
export const CALLBACK_RESOLUTION_MS = 999;
