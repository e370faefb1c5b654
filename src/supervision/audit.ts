import type { Lockout } from '../people/pin-limiter';
import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room-name';
import type { Sid } from '../signalwire/sid';

/** A supervisor's stay in a room, from the document that sent them there. */
export interface Visit {
  callSid: Sid;
  /** Which of this call's stays it is, counted from 1: a later one has a greater number. */
  stay: number;
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
  /** No PIN, though it was asked for. */
  | 'no-pin'
  /** A room that this person may not supervise. */
  | 'room'
  /** Somebody in the middle of a call whom the roster does not know, or not any more. */
  | 'removed';

/** What is noted of a visit. */
export type VisitEvent = {
  /** Tells one that was written twice. */
  id: string;
  /** ISO 8601. */
  at: string;
} & (
  | /** Was sent into a room. */ { kind: 'entered' }
  /** The Space reported them in, and how they are heard, if it said so. */
  | { kind: 'confirmed'; confirmed: boolean; heardAs?: Mode | undefined }
  /** Is heard differently since, without having left; or should be, and it was not read back so. */
  | { kind: 'mode'; confirmed: boolean }
  /** Is out of the room again. */
  | { kind: 'left' }
);

/** What is noted of somebody who was not let in. */
export type RefusalEvent = { id: string; at: string; number: string; callSid: Sid } & (
  | { kind: 'refused'; reason: RefusalReason; supervisor?: string; room?: RoomName }
  /** PINs were locked: for their number or for everybody, by too many wrong PINs or by too many prompts. */
  | { kind: 'locked-out'; lockedOut: Lockout['who']; limit: Lockout['limit'] }
);

/** A line of the audit trail. */
export interface AuditRecord {
  id: string;
  at: string;
  kind: VisitEvent['kind'] | RefusalEvent['kind'];
  supervisor?: string | undefined;
  number: string;
  room?: RoomName | undefined;
  mode?: Mode | undefined;
  moderator?: string | undefined;
  callSid: Sid;
  moderatorCallSid?: Sid | undefined;
  since?: string | undefined;
  /** Of `left`: when, and below whether the Space ever reported them in. */
  until?: string | undefined;
  confirmed?: boolean | undefined;
  heardAs?: Mode | undefined;
  reason?: RefusalReason | undefined;
  lockedOut?: Lockout['who'] | undefined;
  limit?: Lockout['limit'] | undefined;
}

/**
 * How much of the audit trail is kept in Redis: about so many events of visits and so many refusals, and none that is
 * older. Refusals have room of their own, for anybody can cause them.
 */
export const AUDIT_BOUNDS = { events: 200_000, refusals: 20_000, ageMs: 365 * 86_400_000 } as const;

/**
 * Which stay of a call something is about: this very one, as the call's own requests say; or whichever it was so long
 * ago, in milliseconds, as callbacks say, which are dated to the second.
 */
export type About = { stay: number } | { agoMs: number };

/**
 * Remembers who supervises where, and the audit trail. Shared by every server that answers for the same Space.
 *
 * Each change and its line in the trail are one step; repeating a change that was made does nothing. Changes may come
 * late and out of order: a stay never takes the place of a later one, nor of its own end. What rejects does so with a
 * StoreError, and may have been done all the same.
 */
export interface SupervisionStore {
  /** Notes that somebody was not let in. */
  refuse(event: RefusalEvent): Promise<void>;
  /** Notes a visit that began so long ago, in place of an earlier stay of this call. */
  begin(visit: Visit, event: VisitEvent, about: { agoMs: number }): Promise<void>;
  /**
   * Notes that a visit to that room was confirmed, unless it was already, or began after that.
   *
   * @returns the visit, if it is confirmed by this
   */
  confirm(room: RoomName, callSid: Sid, event: VisitEvent, about: { agoMs: number }): Promise<Visit | undefined>;
  /** Changes a visit; does nothing when this call is on another stay or none, or it is so already. */
  change(visit: Visit, event: VisitEvent): Promise<void>;
  /** Ends this call's visit to that room, unless it is on none, or on another stay than that. */
  end(room: RoomName, callSid: Sid, event: VisitEvent, about: About): Promise<void>;
  /** The visit that a call is on. */
  find(callSid: Sid): Promise<Visit | undefined>;
  /** The same, or the last one that it was on, if it ended not long ago. */
  findLast(callSid: Sid): Promise<Visit | undefined>;
  /** Those who supervise in a room. */
  list(room: RoomName): Promise<Visit[]>;
  /** The trail from a moment on, about oldest first, each event once; milliseconds since 1970. */
  read(since: number): AsyncIterable<AuditRecord>;
}

/** How an event of a visit stands in the trail. */
export function toRecord(event: VisitEvent, visit: Visit, wasConfirmed: boolean): AuditRecord {
  const { stay: _, ...about } = visit;
  return { ...about, ...event, ...(event.kind === 'left' && { until: event.at, confirmed: wasConfirmed }) };
}

/** How far a callback's date may lie before what it tells: it is cut to the second. */
export const CALLBACK_RESOLUTION_MS = 999;

/** How long a visit can still be found after its end, in milliseconds. */
export const REMEMBERED_AFTER_END_MS = 600_000;
