import type { Request } from 'express';
import { z } from 'zod';
import { type Address, parseAddress } from '../people/address';
import { MAX_PIN_TRIES } from '../people/pin';
import { MODES } from '../rooms/mode';
import { parseRoomName, type RoomName } from '../rooms/room-name';
import { isFinalStatus } from '../signalwire/call-status';
import { fieldsOf, parseFields, sidField, textField } from '../signalwire/fields';
import { parseSid, type Sid } from '../signalwire/sid';
import { type Approach, DEFAULT_MODE, type LineApproach, MAX_ATTEMPTS, MAX_WAITS } from './approach';

/** A call that asks for a document. */
export interface InboundCall {
  callSid: Sid;
  /** The person's address: `To` on a leg called out to them, otherwise `From`. Undefined as {@link personOf} says. */
  from: Address | undefined;
}

const inboundCall = z.object({ CallSid: sidField });

/** @throws RequestError 400 that names the field */
export function parseInboundCall(req: Request): InboundCall {
  const { CallSid } = parseFields(inboundCall, fieldsOf(req));
  return { callSid: CallSid, from: personOf(req) };
}

const ends = z.object({ Direction: textField, From: textField, To: textField });

/**
 * The address of the person on the call. On outbound legs that is `To`, because `From` is the Space's own number there.
 * Never throws.
 *
 * @returns undefined when it is withheld, not an address, or sent twice
 */
export function personOf(req: Request): Address | undefined {
  const { Direction, From, To } = parseFields(ends, fieldsOf(req));
  return parseAddress(/^outbound/i.test(Direction ?? '') ? To : From);
}

const dialOutcome = z.object({ CallStatus: textField, DialCallStatus: textField, ErrorCode: textField });

/** The codes of a coach whose target is gone, or not in the conference: as documented, and as REST lists it. */
const STALE_TARGET_CODES: readonly (string | undefined)[] = ['13240', '16002'];

/** How a `<Dial>` into a conference ended, from the request to its `action`. */
export interface DialOutcome {
  /** Whether the call itself is over, so that nobody hears what is answered. */
  isCallOver: boolean;
  /** Whether the call never got into the conference. */
  hasFailed: boolean;
  /** Whether that may be because the target of a coach is not there. */
  wasRefused: boolean;
}

export function parseDialOutcome(req: Request): DialOutcome {
  const { CallStatus, DialCallStatus = '', ErrorCode } = parseFields(dialOutcome, fieldsOf(req));
  const isStale = STALE_TARGET_CODES.includes(ErrorCode);
  return {
    isCallOver: isFinalStatus(CallStatus),
    // After a conference it is `answered` or `completed`; nothing at all is no reason to call back in.
    hasFailed: isStale || !/^(answered|completed|)$/i.test(DialCallStatus),
    wasRefused: isStale || /^failed$/i.test(DialCallStatus),
  };
}

const keys = z.object({ Digits: textField });

/** The keys that answered a `<Gather>`; undefined for none, for speech, and for a field that is there twice. */
export function digitsOf(req: Request): string | undefined {
  return parseFields(keys, fieldsOf(req)).Digits || undefined;
}

/** A number that our own addresses carry; a spoilt one counts as the last, so that nothing goes on for ever. */
const counter = (least: number, most: number) => z.coerce.number().pipe(z.int().min(least).max(most)).catch(most);

const mode = z.enum(MODES, `must be one of ${MODES.join(', ')}.`);
const approach = z.object({
  mode: mode.default(DEFAULT_MODE),
  own: mode.optional().catch(undefined),
  line: textField,
  attempt: counter(0, MAX_ATTEMPTS).default(0),
  waits: counter(0, MAX_WAITS).optional(),
  stay: counter(0, 1_000_000).optional(),
  round: counter(0, MAX_ATTEMPTS).optional(),
  of: textField.transform((text = '') => parseSid(text)),
  in: textField.transform((text = '') => parseSid(text)),
  told: textField,
  moved: textField,
  pass: textField,
});
const lineApproach = z.object({ ...approach.shape, mode: mode.optional() });

/**
 * Reads the query that supervisors' addresses carry.
 *
 * @param usual what goes without saying there
 * @throws RequestError 400 that names the modes there are
 */
export function parseApproach(req: Request, usual = { stay: 0 }): Approach {
  const fields = parseFields(approach, req.query);
  const { stay = usual.stay, told, line, moved, of: target, in: conferenceSid, ...rest } = fields;
  const of = target === undefined ? undefined : { target, conferenceSid };
  return { ...rest, of, stay, isTold: told !== undefined, isOnLine: line !== undefined, isMoved: moved !== undefined };
}

/**
 * Reads the query that the addresses of the supervisors' line carry.
 *
 * @throws RequestError 400 that names the modes there are
 */
export function parseLineApproach(req: Request): LineApproach {
  const { mode, attempt, stay = 0, waits, pass } = parseFields(lineApproach, req.query);
  return { mode, attempt, stay, waits, pass };
}

const pinQuery = z.object({ try: counter(0, MAX_PIN_TRIES).default(0), room: textField });

/** How often a PIN was asked for when this one was keyed in; 0 during a caller's greeting. */
export function tryOf(req: Request): number {
  return parseFields(pinQuery, req.query).try;
}

/** The room that a supervisor wanted when they were asked for their PIN; undefined for none, or none that can be. */
export function roomWanted(req: Request): RoomName | undefined {
  return parseRoomName(parseFields(pinQuery, req.query).room ?? '');
}

const menu = z.object({
  // A comma is in no room's name.
  rooms: textField.transform((text = '') => text.split(',').flatMap((name) => parseRoomName(name) ?? [])),
  page: counter(0, 1_000).default(0),
});

/** Reads what a menu of rooms offered: the rooms in the order of their keys, and which page of all it was. */
export function parseMenu(req: Request): { rooms: RoomName[]; page: number } {
  return parseFields(menu, req.query);
}
